"""
A second person for every realignment.

What is approved is a content: the digest over the changes, the time and what happens to leads.
A plan that was asked for cannot be edited; taking it back makes it a draft again.
"""

import hashlib
import json
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import signals
from accounts.models import PlannedTerritory, TerritoryPlan
from accounts.services.plans import conflicts, draft
from accounts.services.plans.refusals import PlanConflict, PlanRefused
from accounts.services.plans.world import live
from reps import access, trail
from reps.due import doorbell
from reps.models import User


def digest_of(plan: TerritoryPlan) -> str:
    """What the plan says, in 64 letters: its changes, when, and what happens to open leads."""
    changes = [
        [change.territory, change.before, change.after] for change in plan.changes.order_by("pk")
    ]
    when = plan.effective_at.isoformat() if plan.effective_at else ""
    content = [plan.leads, when, changes]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def approvers() -> QuerySet[User]:
    """Whoever may approve: managers, RevOps and admins, if they neither wrote nor asked."""
    groups = [access.MANAGER, access.ADMIN, access.REVOPS]
    return User.objects.filter(
        Q(groups__name__in=groups) | Q(is_superuser=True), is_active=True
    ).distinct()


def last_author(plan: TerritoryPlan) -> User | None:
    """Who changed the draft last, taking a change out included."""
    row = PlannedTerritory.history.filter(plan_id=plan.pk).order_by("-history_id").first()
    return row.history_user if row and row.history_user else plan.author


def why_not(plan: TerritoryPlan, *, by: User) -> str:
    """Say why this person cannot be the second one; "" if they can."""
    if plan.state != TerritoryPlan.State.ASKED:
        return "Nobody has asked for approval."
    if not access.may_set_up(by):
        return "Managers, RevOps and admins approve realignments."
    if plan.asked_by_id == by.pk:
        return "You asked for approval, so somebody else has to give it."
    if plan.author_id == by.pk:
        return "You drafted this plan, so somebody else has to approve it."
    author = last_author(plan)
    if author is not None and author.pk == by.pk:
        return "You changed this plan last, so somebody else has to approve it."
    return ""


@transaction.atomic
def ask(*, plan: TerritoryPlan, by: User, at: datetime) -> TerritoryPlan:
    """
    Ask a second person; from here on the plan cannot be edited.

    :raises PlanRefused: if it is no draft, changes nothing, or its time has passed
    :raises PlanConflict: if the live territories changed in what it changes
    """
    row = draft.locked(plan)
    changes = list(row.changes.all())
    if not changes:
        raise PlanRefused("This plan changes nothing yet.")
    if row.effective_at is not None and row.effective_at <= at:
        raise PlanRefused("The moment at which it should take effect has passed; choose another.")
    _refuse_conflicts(changes)
    row.state, row.asked_by, row.asked_at = TerritoryPlan.State.ASKED, by, at
    row.digest, row.error = digest_of(row), ""
    trail.save(row, by=by, at=at, reason="approval asked", kind="approval_asked")
    signals.approval_asked.send(sender=TerritoryPlan, plan=row, by=by, at=at)
    return row


@transaction.atomic
def approve(*, plan: TerritoryPlan, by: User, at: datetime, digest_seen: str = "") -> TerritoryPlan:
    """
    Approve what was asked for; it takes effect at its time, or at once if that has passed.

    `digest_seen` is the content that the person looked at.

    :raises PlanRefused: if this person may not, or it is not what they looked at
    :raises PlanConflict: if the live territories changed in what it changes
    """
    row = _locked(plan)
    if reason := why_not(row, by=by):
        raise PlanRefused(reason)
    if digest_seen and digest_seen != row.digest:
        raise PlanRefused("The plan has changed since you looked. Read it again.")
    _refuse_conflicts(list(row.changes.all()))
    row.state, row.approved_by, row.approved_at = TerritoryPlan.State.SCHEDULED, by, at
    row.due_at = max(at, row.effective_at or at)
    trail.save(row, by=by, at=at, reason="approved", kind="approved", data={"digest": row.digest})
    signals.approval_answered.send(
        sender=TerritoryPlan, plan=row, by=by, at=at, granted=True, reason="", to=row.asked_by_id
    )
    doorbell.ring("territory_plans")
    return row


@transaction.atomic
def refuse(*, plan: TerritoryPlan, by: User, at: datetime, reason: str) -> TerritoryPlan:
    """
    Say no with a reason, or take the question or the approval back; it is a draft again.

    :raises PlanRefused: without a reason, or if it neither waits for approval nor is due
    """
    row = _locked(plan)
    states = TerritoryPlan.State
    if not reason.strip():
        raise PlanRefused("Say why.")
    if row.state not in (states.ASKED, states.SCHEDULED):
        raise PlanRefused(f"{row} is {row.get_state_display().lower()}.")
    asker = row.asked_by_id
    back_to_draft(row)
    text = reason.strip()
    trail.save(row, by=by, at=at, reason=f"taken back: {text}", kind="approval_refused")
    if asker is not None and asker != by.pk:
        signals.approval_answered.send(
            sender=TerritoryPlan, plan=row, by=by, at=at, granted=False, reason=text, to=asker
        )
    return row


def back_to_draft(row: TerritoryPlan) -> None:
    """Take the steps toward effect back, unsaved."""
    row.state = TerritoryPlan.State.DRAFT
    row.asked_by = row.asked_at = row.approved_by = row.approved_at = row.due_at = None
    row.digest = ""


def _refuse_conflicts(changes: list[PlannedTerritory]) -> None:
    found = conflicts.of(changes, live())
    if found:
        words = "; ".join(f"{one.change} {one.why}" for one in found[:3])
        raise PlanConflict(f"The territories have changed since this was drafted: {words}.")


def _locked(plan: TerritoryPlan) -> TerritoryPlan:
    row = TerritoryPlan.objects.select_for_update(no_key=True).filter(pk=plan.pk).first()
    if row is None:
        raise PlanRefused("This plan was thrown away.")
    return row
