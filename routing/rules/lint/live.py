"""
The live rules, checked whenever something changes that they depend on.

Due when the roster's stamp has moved (teams, owners, territories, skills, pools, hours), when
other rules went live, and once a day, for dates, accounts, queues and promises. What is new is
kept as a `RuleFinding` and told once to whoever answers for the rule; what is gone is closed.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.db import transaction

from reps.due import strikes
from reps.models import RosterStamp, User
from reps.models.bulk import insert_many, update_many
from reps.models.tracked import bulk_writer
from reps.post import outbox
from routing.models import Organisation, RuleFinding, RuleSet
from routing.rules.lint import lint
from routing.rules.lint.finding import Finding

# Many changes in a row are looked at together.
PAUSE = timedelta(seconds=30)
LONGEST_MESSAGE = RuleFinding._meta.get_field("message").max_length


def drain(*, driver: str, due_before: datetime, at: datetime) -> int:
    """Check the live rules if that is due; return 1 if it was."""
    organisation = Organisation.objects.select_related("live_ruleset").first()
    if organisation is None or organisation.live_ruleset is None:
        return 0
    stamp = RosterStamp.current()
    if not is_due(organisation, stamp=stamp, at=due_before):
        return 0
    ruleset = organisation.live_ruleset

    def check(_pk: int) -> int:
        # Without a lock: checking takes longer than anybody who publishes should wait.
        found = lint(ruleset, at=at)
        return int(keep(found, ruleset=ruleset, before=organisation, stamp=stamp, at=at))

    return strikes.each("lint", [ruleset.pk], check, at=at)


def is_due(organisation: Organisation, *, stamp: int, at: datetime) -> bool:
    """Say whether the live rules must be looked at again."""
    last = organisation.linted_at
    if last is None or organisation.linted_ruleset_id != organisation.live_ruleset_id:
        return True
    if at.astimezone(UTC).date() > last.astimezone(UTC).date():
        return True
    return organisation.linted_stamp != stamp and at - last >= PAUSE


def oldest() -> datetime | None:
    """Return since when the daily look is overdue."""
    row = Organisation.objects.filter(live_ruleset__isnull=False).first()
    return None if row is None or row.linted_at is None else row.linted_at + timedelta(days=1)


@transaction.atomic
def keep(
    found: Sequence[Finding],
    *,
    ruleset: RuleSet,
    before: Organisation,
    stamp: int,
    at: datetime,
) -> bool:
    """
    Bring the kept findings in line with what was found, and tell what is new.

    Return False, and do nothing, if somebody else was quicker, or other rules went live.
    """
    with bulk_writer("linted"):
        # The linter's own stamps, which history leaves out; they move no roster either.
        taken = Organisation.objects.filter(
            pk=before.pk,
            live_ruleset=ruleset,
            linted_at=before.linted_at,
            linted_ruleset=before.linted_ruleset_id,
        ).update(linted_stamp=stamp, linted_at=at, linted_ruleset=ruleset)
    if not taken:
        return False
    old = list(RuleFinding.objects.filter(gone_at__isnull=True).select_related("rule"))
    names = dict(ruleset.rules.values_list("pk", "name"))
    rows = [_row(one, ruleset=ruleset, at=at) for one in found]
    known = _matched(rows, old, ruleset=ruleset, names=names)
    _close([row for row in old if row.pk not in known.values()], at=at)
    _reword(rows, known)
    new = [row for number, row in enumerate(rows) if number not in known]
    for row in new:
        # The same in a version before: its owner has heard of it.
        row.told_at = _told_before(row, old, names)
    insert_many(new)
    _tell([row for row in new if row.told_at is None], ruleset=ruleset, at=at)
    return True


def _row(finding: Finding, *, ruleset: RuleSet, at: datetime) -> RuleFinding:
    return RuleFinding(
        ruleset=ruleset,
        rule_id=finding.rule_id,
        code=finding.code,
        message=finding.message[:LONGEST_MESSAGE],
        is_error=finding.is_error,
        found_at=at,
    )


def _matched(
    rows: Sequence[RuleFinding],
    old: Iterable[RuleFinding],
    *,
    ruleset: RuleSet,
    names: dict[int, str],
) -> dict[int, int]:
    """
    Pair what was found (by its number) with what is open (by its id).

    The same words first; then the same mistake of the same rule, whose words have changed.
    """
    free = [row for row in old if row.ruleset_id == ruleset.pk]
    known: dict[int, int] = {}
    for same_words in (True, False):
        for number, row in enumerate(rows):
            if number in known:
                continue
            for one in free:
                same = (one.rule_id, one.code) == (row.rule_id, row.code)
                if same and (one.message == row.message or not same_words):
                    known[number] = one.pk
                    free.remove(one)
                    break
    return known


def _close(rows: Sequence[RuleFinding], *, at: datetime) -> None:
    update_many(RuleFinding, [{"pk": row.pk, "gone_at": at} for row in rows])


def _reword(rows: Sequence[RuleFinding], known: dict[int, int]) -> None:
    update_many(
        RuleFinding,
        [
            {"pk": pk, "message": rows[number].message, "is_error": rows[number].is_error}
            for number, pk in known.items()
        ],
    )


def _told_before(
    row: RuleFinding, old: Iterable[RuleFinding], names: dict[int, str]
) -> datetime | None:
    name = names.get(row.rule_id or 0)
    for one in old:
        same_rule = (one.rule.name if one.rule else None) == name
        if one.ruleset_id != row.ruleset_id and same_rule and one.code == row.code:
            return one.told_at
    return None


def _tell(rows: Sequence[RuleFinding], *, ruleset: RuleSet, at: datetime) -> None:
    """Send each person one message about all that is new to them."""
    if not rows:
        return
    owners = dict(ruleset.rules.filter(owner__isnull=False).values_list("pk", "owner_id"))
    last = Organisation.objects.values_list("responsible_id", flat=True).get(pk=1)
    asked = {*owners.values(), ruleset.published_by_id, last}
    active = set(User.objects.filter(pk__in=asked, is_active=True).values_list("pk", flat=True))
    by_person: dict[int, list[RuleFinding]] = {}
    for row in rows:
        choices = (owners.get(row.rule_id or 0), ruleset.published_by_id)
        person = next((one for one in choices if one in active), last)
        by_person.setdefault(person, []).append(row)
    outbox.put(
        [
            outbox.Draft(
                key=f"rule-findings:{some[0].pk}",
                kind="rule_findings",
                to=person,
                payload={"findings": [row.pk for row in some]},
                about=f"routing.ruleset:{ruleset.pk}",
            )
            for person, some in by_person.items()
        ],
        at=at,
    )
    update_many(RuleFinding, [{"pk": row.pk, "told_at": at} for row in rows])
