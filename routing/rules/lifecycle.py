"""Draft, publish, roll back. Published rule sets never change."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from reps import trail
from reps.due import doorbell
from reps.models import User
from reps.models.tracked import bulk_writer
from routing.models import Lead, Organisation, Rule, RuleSet
from routing.rules.lint import Finding, lint


class RulesRefused(Exception):
    """The rule set stays as it is; `findings` say what is in the way."""

    def __init__(self, message: str, findings: list[Finding] | None = None) -> None:
        super().__init__(message)
        self.findings = findings or []


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
def publish(*, ruleset: RuleSet, by: User, at: datetime) -> RuleSet:
    """
    Make a draft the live version. From here on it never changes.

    :raises RulesRefused: if it is no draft, or the linter found errors, such as a missing
        fallback
    """
    row = RuleSet.objects.select_for_update(no_key=True).get(pk=ruleset.pk)
    if row.state != RuleSet.State.DRAFT:
        raise RulesRefused(f"{row} has been published already.")
    errors = [finding for finding in lint(row) if finding.is_error]
    if errors:
        raise RulesRefused(
            "These rules cannot go live: " + " ".join(finding.message for finding in errors), errors
        )
    row.state, row.published_at, row.published_by = RuleSet.State.PUBLISHED, at, by
    trail.save(row, by=by, at=at, reason="published", kind="published")
    _make_live(row, by=by, at=at, reason="published")
    return row


@transaction.atomic
def roll_back(*, to: RuleSet, by: User, at: datetime, reason: str) -> RuleSet:
    """
    Make an earlier published version live again.

    :raises RulesRefused: without a reason, for a draft, or for the live version itself
    """
    organisation = Organisation.get()
    if not reason.strip():
        raise RulesRefused("Say why.")
    if to.state != RuleSet.State.PUBLISHED:
        raise RulesRefused("A draft has never been live; publish it instead.")
    if organisation.live_ruleset_id == to.pk:
        raise RulesRefused(f"{to} is live already.")
    _make_live(to, by=by, at=at, reason=f"rolled back: {reason}")
    return to


def _make_live(ruleset: RuleSet, *, by: User, at: datetime, reason: str) -> None:
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=1)
    organisation.live_ruleset = ruleset
    trail.save(organisation, by=by, at=at, reason=reason, kind="rules_live")
    # Whoever waits may have a taker under the new rules.
    waiting = Lead.objects.filter(route_at__isnull=False).exclude(waiting=Lead.Waiting.NONE)
    with bulk_writer("wake"):
        # Only the wake-up time moves, which history leaves out.
        waiting.update(route_at=at)
    doorbell.ring("route")


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
