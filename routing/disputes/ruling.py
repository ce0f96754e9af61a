"""Decide a dispute: by a ruling, or, when its time has passed, by the policy's answer."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Account
from accounts.services.ownership import OwnerRefused, set_owner
from reps import access, trail
from reps.due import strikes
from reps.models import Rep, User
from reps.models.bulk import update_many
from reps.models.tracked import bulk_writer
from routing import ownership
from routing.disputes import telling
from routing.disputes.opening import holder_of, locked
from routing.disputes.refusals import DisputeRefused, NotYoursToRule
from routing.models import Dispute, Lead
from routing.models.assignment import Reason
from routing.owners import claims
from routing.privacy.marks import masked
from routing.privacy.registry import unnamed
from routing.work.refusals import reason_given

log = logging.getLogger(__name__)

JOB = "disputes"
BATCH = 50
State, Kind = Dispute.State, Dispute.Kind


def may_rule(user: User, dispute: Dispute) -> bool:
    """The named decider, and RevOps in their place; never one of the two."""
    parties = {dispute.claimant.user_id, dispute.holder.user_id if dispute.holder else None}
    if user.pk in parties or not user.is_active:
        return False
    return user.pk == dispute.decider_id or access.is_revops(user)


def choices(dispute: Dispute) -> list[Rep]:
    """For whom it may be ruled: the two, and whom the policy named when it was opened."""
    named = dispute.policy.get("rep")
    third = Rep.objects.select_related("user").filter(pk=named, is_active=True).first()
    both = [dispute.claimant, dispute.holder, third if named else None]
    return list({rep.pk: rep for rep in both if rep is not None}.values())


@transaction.atomic
def rule(
    *, dispute_id: int, winner_id: int, ruling: str, by: User, at: datetime, driver: str
) -> Dispute:
    """
    Decide for one of them, with the reason that later disputes will look up.

    :raises NotYoursToRule: for anybody but the decider and RevOps, and for the two themselves
    :raises DisputeRefused: if it is decided already, or the winner cannot take it
    :raises routing.work.WorkRefused: without a reason
    """
    text = reason_given(ruling)
    dispute = locked(dispute_id)
    if not may_rule(by, dispute):
        raise NotYoursToRule(_("%(who)s decides this dispute.") % {"who": dispute.decider.label})
    winner = next((rep for rep in choices(dispute) if rep.pk == winner_id), None)
    if winner is None:
        raise DisputeRefused(_("Decide for one of the two, or for whom the policy names."))
    said = unnamed(text, dispute.lead.prospect) if dispute.lead else masked(text)
    _decide(dispute, State.RULED, winner, said, by=by, at=at)
    try:
        _carry_out(dispute, winner, by=by, at=at, driver=driver)
    except (ownership.OwnershipRefused, OwnerRefused) as refused:
        raise DisputeRefused(str(refused)) from refused
    telling.decided(dispute, by=by, at=at)
    return dispute


def _decide(
    dispute: Dispute, state: str, winner: Rep | None, ruling: str, *, by: User | None, at: datetime
) -> None:
    """Written before anything moves, so that the move does not overtake its own dispute."""
    dispute.state, dispute.winner, dispute.ruling = state, winner, ruling[:500]
    dispute.decided_at, dispute.decided_by = at, by
    trail.save(dispute, by=by, at=at, reason=state.lower(), kind=state.lower())


def _carry_out(
    dispute: Dispute, winner: Rep, *, by: User | None, at: datetime, driver: str
) -> None:
    if dispute.lead_id is not None:
        lead = ownership.lock_leads([dispute.lead_id])[dispute.lead_id]
        if lead.owner_id != winner.pk:
            ownership.change_many(
                [
                    ownership.Move(
                        lead_id=lead.pk,
                        epoch=lead.owner_epoch,
                        place=Lead.Place.OWNER,
                        rep_id=winner.pk,
                        reason_code=Reason.RULED,
                        reason=dispute.ruling,
                    )
                ],
                by=by,
                at=at,
                driver=driver,
                leads={lead.pk: lead},
            )
        return
    account = dispute.account
    assert account is not None
    holder = holder_of(account, at=at)
    if holder is None or holder.pk != winner.pk:
        set_owner(account=account, rep=winner, role="OWNER", starts_on=at.date(), by=by, at=at)


# --- When nobody rules -------------------------------------------------------------------


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Apply the policy's answer to disputes that nobody ruled in in time."""
    due = _due(due_before).exclude(pk__in=strikes.given_up(JOB)).order_by("decide_by", "pk")
    ids = list(due.values_list("pk", flat=True)[:BATCH])
    moment = at or due_before
    return strikes.each(
        JOB,
        ids,
        lambda pk: lapse(dispute_id=pk, due_before=due_before, at=moment, driver=driver),
        at=moment,
    )


def oldest() -> datetime | None:
    """Since when the dispute that has waited longest beyond its time should have been decided."""
    rows = Dispute.objects.filter(state=State.OPEN).order_by("decide_by")
    return rows.values_list("decide_by", flat=True).first()


def _due(at: datetime):
    return Dispute.objects.filter(state=State.OPEN, decide_by__lte=at)


@transaction.atomic
def lapse(*, dispute_id: int, due_before: datetime, at: datetime, driver: str) -> bool:
    """
    Let the policy's answer, as it is now, apply; False if there was nothing to do (any more).

    Where it names nobody in particular, or whom it names cannot take it, whoever holds it
    keeps it.
    """
    try:
        dispute = locked(dispute_id)
    except DisputeRefused:
        return False
    if dispute.decide_by > due_before:
        return False
    told = _policy_now(dispute, at=at)
    winner = told.rep or dispute.holder
    said = _("Nobody ruled by %(time)s, so the policy's answer applies: %(answer)s.") % {
        "time": date_format(dispute.decide_by, "j M Y H:i") + " UTC",
        "answer": told.headline,
    }
    if told.rep is None:
        said += " " + _("That is nobody in particular: whoever has it keeps it.")
    dispute.policy = told.as_json()
    _decide(dispute, State.LAPSED, winner, said, by=None, at=at)
    if winner is not None:
        try:
            with transaction.atomic():
                _carry_out(dispute, winner, by=None, at=at, driver=driver)
        except (ownership.OwnershipRefused, OwnerRefused) as refused:
            dispute.winner = dispute.holder
            dispute.ruling = f"{said} {refused} {_('Whoever has it keeps it.')}"[:500]
            trail.save(dispute, by=None, at=at, reason="kept", kind="kept")
    telling.decided(dispute, by=None, at=at)
    return True


def _policy_now(dispute: Dispute, *, at: datetime) -> claims.Told:
    if dispute.lead_id is not None:
        rows = Lead.objects.select_related("prospect", "source", "account__parent")
        return claims.of_lead(rows.get(pk=dispute.lead_id), at=at)
    account = Account.objects.select_related("parent").get(pk=dispute.account_id)
    return claims.of_account(account, at=at)


# --- When the lead moves otherwise -------------------------------------------------------


def follow(moves: Sequence[ownership.Placed], *, by: User | None, at: datetime) -> None:
    """
    Keep open disputes in step with leads that moved otherwise: over if the claimant has it now
    or it is closed, else the claim is against whoever has it. Statements are constant.
    """
    there = {one.lead.pk: one for one in moves}
    rows = list(
        Dispute.objects.select_for_update(no_key=True).filter(
            kind=Kind.LEAD, state=State.OPEN, lead__in=there
        )
    )
    changes, told = [], []
    for row in rows:
        move = there[row.lead_id].move
        over = move.place == Lead.Place.CLOSED or move.rep_id == row.claimant_id
        after = {
            "holder": move.rep_id,
            "state": State.OVERTAKEN if over else State.OPEN,
            "decided_at": at if over else None,
            "winner": move.rep_id if over else None,
        }
        changes.append({"pk": row.pk, **after})
        told.append(
            trail.Change(
                id=row.pk,
                kind="overtaken" if over else "followed",
                reason_code="overtaken" if over else "followed",
                data={
                    "holder_id": move.rep_id,
                    **({"state": State.OVERTAKEN, "winner_id": move.rep_id} if over else {}),
                },
            )
        )
    if changes:
        with bulk_writer("disputes"):
            update_many(Dispute, changes)
        trail.record(Dispute, told, by=by, at=at)
