"""
What rules do by the clock: go live at a time, and remind whoever looks after them.

The due job "rules": drafts whose `publish_at` has come, and live rules whose review date has
come and whose owner has not been told.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time

from django.db import transaction

from reps import trail
from reps.due import strikes
from reps.models import Message, User
from reps.post import outbox
from routing.engine import InvalidPart
from routing.models import Organisation, Rule, RuleSet
from routing.rules import approval, lifecycle
from routing.rules.refusals import PlanChanged, RulesRefused


def plan(
    *, ruleset: RuleSet, when: datetime, by: User, at: datetime, takes_over: bool = False
) -> RuleSet:
    """
    Let a draft go live at a moment. It is checked now, and once more then.

    :raises RulesRefused: if the moment is past, or the draft could not be published now
    :raises routing.rules.approval.ApprovalNeeded: if a second person has to approve it first
    """
    if when <= at:
        raise RulesRefused("Choose a moment in the future, or publish it now.")
    lifecycle.check(ruleset, at=at)
    says = approval.need(RuleSet.objects.get(pk=ruleset.pk), at=at)
    return _plan(ruleset, says=says, when=when, takes_over=takes_over, by=by, at=at)


@transaction.atomic
def _plan(
    ruleset: RuleSet, *, says: str, when: datetime, takes_over: bool, by: User, at: datetime
) -> RuleSet:
    row = approval.locked_draft(ruleset)
    if approval.digest.of_rules(row) != says:
        raise RulesRefused("Somebody has just changed these rules. Read them again.")
    row.publish_at, row.publish_by, row.takes_over = when, by, takes_over
    row.publish_error = ""
    trail.save(row, by=by, at=at, reason="scheduled", kind="scheduled")
    return row


@transaction.atomic
def cancel(*, ruleset: RuleSet, by: User, at: datetime) -> RuleSet:
    """
    Take a planned publication back; the draft stays.

    :raises RulesRefused: if it is live already
    """
    row = approval.locked_draft(ruleset)
    if row.publish_at is not None:
        row.publish_at = row.publish_by = None
        row.takes_over = False
        trail.save(row, by=by, at=at, reason="schedule cancelled", kind="schedule_cancelled")
    return row


# --- The due job -------------------------------------------------------------------------


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Publish what is due and tell the owners of rules to look again; return how many."""
    at = at or due_before
    due = RuleSet.objects.filter(state=RuleSet.State.DRAFT, publish_at__lte=due_before).in_bulk()
    done = strikes.each("rules", due, lambda pk: _go_live(due[pk], at=at), at=at)
    return done + _remind(due_before, at=at)


def oldest() -> datetime | None:
    """Since when a planned publication or a reminder has been due."""
    moments = list(
        RuleSet.objects.filter(publish_at__isnull=False).values_list("publish_at", flat=True)
    )
    moments += [_midnight(rule) for rule in _untold(list(_with_review_date()))]
    return min(moments, default=None)


def _go_live(row: RuleSet, *, at: datetime) -> bool:
    try:
        lifecycle.publish(
            ruleset=row,
            by=row.publish_by,
            at=at,
            takes_over=row.takes_over,
            planned=row.publish_at,
        )
    except PlanChanged:
        return False
    except (RulesRefused, InvalidPart) as refused:
        return _give_up(row, str(refused), at=at)
    return True


@transaction.atomic
def _give_up(row: RuleSet, why: str, *, at: datetime) -> bool:
    """Keep the draft with what is in the way, and tell whoever planned it."""
    fresh = RuleSet.objects.select_for_update(no_key=True).get(pk=row.pk)
    if fresh.publish_at != row.publish_at:
        return False  # another driver was quicker, or the plan has changed
    to = fresh.publish_by_id
    fresh.publish_at = fresh.publish_by = None
    fresh.publish_error = why[:500]
    trail.save(fresh, by=row.publish_by, at=at, reason=why, kind="publish_failed")
    outbox.put(
        [
            outbox.Draft(
                key=f"rules_not_live:{fresh.pk}:{row.publish_at.timestamp():.6f}",
                kind="rules_not_published",
                to=to,
                payload={"ruleset": fresh.pk},
                urgent=True,
                about=f"routing.ruleset:{fresh.pk}",
            )
        ],
        at=at,
    )
    return True


# --- Reviews -----------------------------------------------------------------------------


def due_for_review(ruleset: RuleSet | None, *, at: datetime) -> list[Rule]:
    """The rules of a version whose review date has come, the longest overdue first."""
    if ruleset is None:
        return []
    rows = ruleset.rules.filter(review_on__lte=at.date()).select_related("owner")
    return list(rows.order_by("review_on", "position", "pk"))


def _with_review_date() -> Iterator[Rule]:
    live = Organisation.objects.values("live_ruleset")
    rows = Rule.objects.filter(ruleset__in=live, review_on__isnull=False)
    yield from rows.select_related("owner").order_by("review_on", "pk")


def _remind(due_before: datetime, *, at: datetime) -> int:
    """Tell the owner of each live rule once that its review date has come."""
    due = [rule for rule in _with_review_date() if _midnight(rule) <= due_before]
    news = _untold(due)
    if not news:
        return 0
    last = Organisation.get().responsible_id
    outbox.put(
        [
            outbox.Draft(
                key=_key(rule),
                kind="rule_review_due",
                to=rule.owner_id if rule.owner and rule.owner.is_active else last,
                payload={"rule": rule.pk},
                about=f"routing.rule:{rule.pk}",
            )
            for rule in news
        ],
        at=at,
    )
    return len(news)


def _untold(rules: Sequence[Rule]) -> list[Rule]:
    """Those whose owner has not been told of this date; one statement at most."""
    keys = [_key(rule) for rule in rules]
    told = set(Message.objects.filter(key__in=keys).values_list("key", flat=True)) if keys else ()
    return [rule for rule in rules if _key(rule) not in told]


def _key(rule: Rule) -> str:
    return f"rule_review:{rule.pk}:{rule.review_on:%Y-%m-%d}"


def _midnight(rule: Rule) -> datetime:
    """When the day of review begins, by UTC."""
    return datetime.combine(rule.review_on, time(), tzinfo=UTC)
