"""Draft, publish, roll back. Published rule sets never change."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from reps import trail
from reps.due import doorbell
from reps.models import User
from reps.models.tracked import bulk_writer
from routing import ownership
from routing.models import Lead, Organisation, Rule, RuleSet
from routing.rules import approval, digest, golden
from routing.rules.lint import lint
from routing.rules.refusals import PlanChanged, RulesRefused

# Leads taken over per statement.
AT_ONCE = 500


@transaction.atomic
def draft(*, by: User, at: datetime, note: str = "", based_on: RuleSet | None = None) -> RuleSet:
    """
    Return the open draft, or make one as a copy of the live (or the given) version.

    There is at most one draft, so that two people cannot publish past each other.
    """
    open_draft = RuleSet.objects.filter(state=RuleSet.State.DRAFT).first()
    if open_draft is not None:
        return open_draft
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=1)
    source = based_on or organisation.live_ruleset
    made = RuleSet(
        version=(RuleSet.objects.aggregate(last=Max("version"))["last"] or 0) + 1,
        note=note,
        based_on=source,
        created_by=by,
    )
    trail.save(made, by=by, at=at, reason="drafted", kind="drafted")
    if source is not None:
        copy_rules(source, made, by=by, at=at)
        golden.copy(source, made, by=by, at=at)
    return made


def copy_rules(source: RuleSet, target: RuleSet, *, by: User, at: datetime) -> None:
    """Write the rules of one version into a draft."""
    rows = [
        Rule(
            ruleset=target,
            position=rule.position,
            name=rule.name,
            reasoning=rule.reasoning,
            owner=rule.owner,
            review_on=rule.review_on,
            expires_at=rule.expires_at,
            condition=rule.condition,
            path=rule.path,
            is_fallback=rule.is_fallback,
        )
        for rule in source.rules.order_by("position")
    ]
    with bulk_writer("copy_rules"):
        Rule.objects.bulk_create(rows)
    trail.record(
        Rule,
        [
            trail.Change(id=row.pk, kind="created", reason_code="copied", data={"name": row.name})
            for row in rows
        ],
        by=by,
        at=at,
        created=True,
    )


@transaction.atomic
def note(*, ruleset: RuleSet, text: str, by: User, at: datetime) -> RuleSet:
    """
    Say what changes with a draft.

    :raises RulesRefused: if it is no draft
    """
    row = approval.locked_draft(ruleset)
    row.note = text
    trail.save(row, by=by, at=at, reason="note")
    return row


def check(ruleset: RuleSet, *, at: datetime) -> None:
    """
    Refuse a version with errors, or with a golden lead that it decides otherwise.

    :raises RulesRefused: naming each finding
    """
    errors = [finding for finding in lint(ruleset) if finding.is_error]
    errors = errors or golden.findings(ruleset, at=at)
    if errors:
        raise RulesRefused(
            "These rules cannot go live: " + " ".join(finding.message for finding in errors), errors
        )


def publish(
    *,
    ruleset: RuleSet,
    by: User,
    at: datetime,
    takes_over: bool = False,
    planned: datetime | None = None,
) -> RuleSet:
    """
    Make a draft the live version. From here on it never changes.

    Leads that wait stay with the version they wait under, unless it `takes_over`. With
    `planned` only if it is still planned for just that moment.

    :raises RulesRefused: if it is no draft, the linter found errors, such as a missing
        fallback, or a golden lead fails
    :raises routing.rules.approval.ApprovalNeeded: if it moves so many leads that a second
        person has to approve it
    """
    row = RuleSet.objects.get(pk=ruleset.pk)
    if row.state != RuleSet.State.DRAFT:
        raise RulesRefused(f"{row} has been published already.")
    # Looked at before anything is locked: it reads a month of decisions.
    check(row, at=at)
    says = approval.need(row, at=at)
    return _publish(row, says=says, takes_over=takes_over, planned=planned, by=by, at=at)


@transaction.atomic
def _publish(
    ruleset: RuleSet,
    *,
    says: str,
    takes_over: bool,
    planned: datetime | None,
    by: User,
    at: datetime,
) -> RuleSet:
    row = approval.locked_draft(ruleset)
    if planned is not None and row.publish_at != planned:
        raise PlanChanged(f"{row} is no longer planned for that moment.")
    if digest.of_rules(row) != says:
        raise RulesRefused("Somebody has just changed these rules. Read them again.")
    check(row, at=at)
    row.state, row.published_at, row.published_by = RuleSet.State.PUBLISHED, at, by
    row.publish_at = row.publish_by = None
    row.publish_error, row.takes_over = "", takes_over
    trail.save(row, by=by, at=at, reason="published", kind="published", data={"digest": says})
    _make_live(row, by=by, at=at, reason="published")
    if takes_over:
        take_over(row, by=by, at=at)
    return row


@transaction.atomic
def roll_back(
    *, to: RuleSet, by: User, at: datetime, reason: str, takes_over: bool = False
) -> RuleSet:
    """
    Make an earlier published version live again; no second person is asked.

    :raises RulesRefused: without a reason, for a draft, or for the live version itself
    """
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=1)
    if not reason.strip():
        raise RulesRefused("Say why.")
    if to.state != RuleSet.State.PUBLISHED:
        raise RulesRefused("A draft has never been live; publish it instead.")
    if organisation.live_ruleset_id == to.pk:
        raise RulesRefused(f"{to} is live already.")
    _make_live(to, by=by, at=at, reason=f"rolled back: {reason}")
    if takes_over:
        take_over(to, by=by, at=at)
    return to


def _make_live(ruleset: RuleSet, *, by: User, at: datetime, reason: str) -> None:
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=1)
    organisation.live_ruleset = ruleset
    trail.save(organisation, by=by, at=at, reason=reason, kind="rules_live")
    # Whoever waits without a version of their own may have a taker under the new rules.
    waiting = Lead.objects.filter(route_at__isnull=False, wait_ruleset__isnull=True)
    with bulk_writer("wake"):
        # Only the wake-up time moves, which history leaves out.
        waiting.exclude(waiting=Lead.Waiting.NONE).update(route_at=at)
    doorbell.ring("route")


@transaction.atomic
def take_over(ruleset: RuleSet, *, by: User, at: datetime) -> int:
    """
    Let the live version decide the leads that wait under earlier ones; return how many.

    They are due at once. The caller has made `ruleset` live.
    """
    waiting = Lead.objects.filter(route_at__isnull=False, wait_ruleset__isnull=False).exclude(
        wait_ruleset=ruleset
    )
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    taken = 0
    for start in range(0, len(ids), AT_ONCE):
        held = ownership.lock_leads(ids[start : start + AT_ONCE])
        # One that was placed while we waited for it waits no longer.
        mine = {pk: lead for pk, lead in held.items() if lead.route_at and lead.wait_ruleset_id}
        with bulk_writer("take_over"):
            Lead.objects.filter(pk__in=mine).update(wait_ruleset=None, route_at=at)
        trail.record(
            Lead,
            [
                trail.Change(
                    id=pk,
                    kind="taken_over",
                    reason_code="taken over",
                    data={"from_ruleset_id": lead.wait_ruleset_id, "ruleset_id": ruleset.pk},
                )
                for pk, lead in mine.items()
            ],
            by=by,
            at=at,
        )
        taken += len(mine)
    doorbell.ring("route")
    return taken


@transaction.atomic
def pause_routing(*, by: User, at: datetime) -> Organisation:
    """Stop deciding; leads keep coming in and wait. Nothing is lost."""
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=1)
    if organisation.routing_paused_at is None:
        organisation.routing_paused_at, organisation.routing_paused_by = at, by
        trail.save(organisation, by=by, at=at, reason="paused", kind="routing_paused")
    return organisation


@transaction.atomic
def resume_routing(*, by: User, at: datetime) -> Organisation:
    """Decide again, oldest leads first."""
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=1)
    if organisation.routing_paused_at is not None:
        organisation.routing_paused_at = organisation.routing_paused_by = None
        trail.save(organisation, by=by, at=at, reason="resumed", kind="routing_resumed")
        doorbell.ring("route")
    return organisation
