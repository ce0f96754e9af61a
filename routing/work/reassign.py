"""Give a lead to somebody else: by hand, by request, by declining, or because somebody left."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from reps import trail
from reps.models import Rep, User
from reps.models.tracked import bulk_writer
from reps.post import outbox
from routing import ownership
from routing.fairness import undo
from routing.models import Lead, Organisation, Queue, ReassignmentRequest
from routing.models.assignment import Reason
from routing.work import steps
from routing.work.refusals import WorkRefused


class RequestRefused(WorkRefused):
    """The request cannot be made or decided now."""


def _reason(text: str) -> str:
    if not text.strip():
        raise WorkRefused("Say why.")
    return text.strip()


@transaction.atomic
def move_by_hand(
    *, lead_id: int, epoch: int, to: Rep, reason: str, by: User, at: datetime, driver: str
) -> Lead:
    """
    Give a lead to a rep because a manager says so, with a reason.

    :raises WorkRefused: without a reason
    :raises routing.ownership.OwnershipRefused: if it has moved, or the rep is full or gone
    """
    return give_to(
        lead_id=lead_id,
        epoch=epoch,
        rep_id=to.pk,
        reason_code=Reason.CORRECTED,
        reason=_reason(reason),
        by=by,
        at=at,
        driver=driver,
    )


@transaction.atomic
def move_many_by_hand(
    *,
    moves: Sequence[tuple[int, int]],
    to: Rep,
    reason: str,
    by: User,
    at: datetime,
    driver: str,
) -> list[Lead]:
    """
    Give several leads to one rep, all or none; `moves` are (lead id, epoch) as the caller saw.

    Costs the same number of statements for 2 leads and 200.

    :raises WorkRefused: without a reason, without leads, or with a lead that does not exist
    :raises routing.ownership.OwnershipRefused: if one has moved, or the rep is full or gone
    """
    text = _reason(reason)
    epochs = dict(moves)
    if not epochs:
        raise WorkRefused("Choose at least one lead.")
    leads = ownership.lock_leads(list(epochs))
    if len(leads) != len(epochs):
        raise WorkRefused("One of these leads does not exist any more.")
    placed = ownership.change_many(
        [
            ownership.Move(
                lead_id=pk,
                epoch=epochs[pk],
                place=Lead.Place.OWNER,
                rep_id=to.pk,
                reason_code=Reason.CORRECTED,
                reason=text,
            )
            for pk in leads
        ],
        by=by,
        at=at,
        driver=driver,
        leads=leads,
    )
    return [one.lead for one in placed]


def give_to(
    *,
    lead_id: int,
    epoch: int,
    rep_id: int,
    reason_code: str,
    reason: str,
    by: User | None,
    at: datetime,
    driver: str,
) -> Lead:
    """Make a rep the owner; the one way in for everything that names the new owner."""
    (placed,) = ownership.change_many(
        [
            ownership.Move(
                lead_id=lead_id,
                epoch=epoch,
                place=Lead.Place.OWNER,
                rep_id=rep_id,
                reason_code=reason_code,
                reason=reason,
            )
        ],
        by=by,
        at=at,
        driver=driver,
    )
    placed.lead.refresh_from_db()
    return placed.lead


def put_in_queue(
    *,
    leads: Sequence[Lead],
    reason_code: str,
    reason: str,
    by: User | None,
    at: datetime,
    driver: str,
    queue: Queue | None = None,
) -> None:
    """Take locked leads from their owners: into a queue, or (none) back to be routed anew."""
    target = queue or Organisation.get().intake_queue
    ownership.change_many(
        [
            ownership.Move(
                lead_id=lead.pk,
                epoch=lead.owner_epoch,
                place=Lead.Place.QUEUE,
                queue_id=target.pk,
                reason_code=reason_code,
                reason=reason,
                also={"route_at": None if queue else at},
            )
            for lead in leads
        ],
        by=by,
        at=at,
        driver=driver,
        leads={lead.pk: lead for lead in leads},
    )


@transaction.atomic
def decline(
    *,
    lead_id: int,
    epoch: int,
    reason: str,
    by: User,
    at: datetime,
    driver: str,
    not_a_lead: bool = False,
) -> Lead:
    """
    Hand an own lead back with a reason; it is routed anew, never to this rep again.

    `not_a_lead`: spam, a test, somebody who wants no contact. The turn that it cost is given
    back, and it does not count as a new lead of theirs.

    :raises NotYours: for anybody but the owner
    :raises WorkRefused: without a reason
    """
    text = _reason(reason)
    lead = steps.locked(lead_id, epoch)
    steps.own(lead, by)
    if not_a_lead:
        held = lead.assignments.get(ended_at__isnull=True)
        undo.not_a_lead(held, by=by, at=at, reason=text)
    put_in_queue(
        leads=[lead], reason_code=Reason.DECLINED, reason=text, by=by, at=at, driver=driver
    )
    lead.refresh_from_db()
    return lead


@transaction.atomic
def request_reassignment(
    *, lead_id: int, epoch: int, reason: str, by: User, at: datetime, wanted: Rep | None = None
) -> ReassignmentRequest:
    """
    Ask the manager to give an own lead to somebody else. Until then its owner answers.

    :raises NotYours: for anybody but the owner
    :raises RequestRefused: if a request is waiting already
    :raises WorkRefused: without a reason
    """
    text = _reason(reason)
    lead = steps.locked(lead_id, epoch)
    rep = steps.own(lead, by)
    if ReassignmentRequest.objects.filter(
        lead=lead, state=ReassignmentRequest.State.PENDING
    ).exists():
        raise RequestRefused("A request for this lead is waiting for the manager already.")
    request = ReassignmentRequest(
        lead=lead, epoch=epoch, requested_by=rep, wanted=wanted, reason=text[:300], requested_at=at
    )
    trail.save(request, by=by, at=at, reason="requested", kind="requested")
    outbox.put(
        [
            outbox.Draft(
                key=f"request-{request.pk}",
                kind="reassignment_requested",
                to=answers_for(rep).pk,
                payload={"request": request.pk},
            )
        ],
        at=at,
    )
    return request


def answers_for(rep: Rep) -> User:
    """Who decides about a rep's requests and is told of their late leads: always somebody."""
    team = rep.team
    while team is not None:
        if team.manager_id and team.manager_id != rep.user_id and team.manager.is_active:
            return team.manager
        team = team.parent
    return Organisation.get().responsible


@transaction.atomic
def approve(
    *, request_id: int, to: Rep | None, answer: str, by: User, at: datetime, driver: str
) -> ReassignmentRequest:
    """
    Grant a request: to the named rep, else to the one it asks for, else routed anew.

    :raises RequestRefused: if it was decided before, or the lead has moved since
    :raises routing.ownership.OwnershipRefused: if that rep is full or gone
    """
    request, lead = _pending(request_id)
    target = to or request.wanted
    reason = f"{request.reason} — {answer}".strip(" —")
    # Decided before the lead moves, so that the move does not overtake its own request.
    _decide(request, ReassignmentRequest.State.APPROVED, answer=answer, by=by, at=at)
    if target is not None:
        give_to(
            lead_id=lead.pk,
            epoch=request.epoch,
            rep_id=target.pk,
            reason_code=Reason.REQUESTED,
            reason=reason,
            by=by,
            at=at,
            driver=driver,
        )
    else:
        put_in_queue(
            leads=[lead],
            reason_code=Reason.REQUESTED,
            reason=reason,
            by=by,
            at=at,
            driver=driver,
        )
    return request


@transaction.atomic
def refuse(*, request_id: int, answer: str, by: User, at: datetime) -> ReassignmentRequest:
    """
    Turn a request down, with a word to the rep.

    :raises RequestRefused: if it was decided before
    :raises WorkRefused: without a word
    """
    text = _reason(answer)
    request, _ = _pending(request_id)
    return _decide(request, ReassignmentRequest.State.REFUSED, answer=text, by=by, at=at)


def _pending(request_id: int) -> tuple[ReassignmentRequest, Lead]:
    request = ReassignmentRequest.objects.get(pk=request_id)
    lead = ownership.lock_leads([request.lead_id])[request.lead_id]
    request = ReassignmentRequest.objects.select_for_update(no_key=True).get(pk=request_id)
    if request.state != ReassignmentRequest.State.PENDING:
        raise RequestRefused("This request has been decided already.")
    return request, lead


def _decide(
    request: ReassignmentRequest, state: str, *, answer: str, by: User | None, at: datetime
) -> ReassignmentRequest:
    request.state, request.answer = state, answer[:300]
    request.decided_at, request.decided_by = at, by
    trail.save(request, by=by, at=at, reason=state.lower(), kind=state.lower())
    outbox.put(
        [
            outbox.Draft(
                key=f"request-{request.pk}-{state.lower()}",
                kind="reassignment_decided",
                to=request.requested_by.user_id,
                payload={"request": request.pk},
            )
        ],
        at=at,
    )
    return request


def overtake_requests(*, lead_ids: Sequence[int], by: User | None, at: datetime) -> None:
    """Close the requests of leads that changed hands in another way."""
    pending = ReassignmentRequest.objects.filter(
        lead__in=lead_ids, state=ReassignmentRequest.State.PENDING
    )
    ids = list(pending.values_list("pk", flat=True))
    if not ids:
        return
    with bulk_writer("overtake"):
        ReassignmentRequest.objects.filter(pk__in=ids).update(
            state=ReassignmentRequest.State.STALE, decided_at=at, decided_by=by
        )
    trail.record(
        ReassignmentRequest,
        [
            trail.Change(
                id=pk,
                kind="overtaken",
                reason_code="overtaken",
                data={"state": ReassignmentRequest.State.STALE},
            )
            for pk in ids
        ],
        by=by,
        at=at,
    )


def re_place(*, rep: Rep, reason: str, by: User | None, at: datetime, driver: str) -> int:
    """
    Route anew everything that a rep holds, because they have left; return how many leads.
    """
    ids = list(Lead.objects.filter(owner=rep).order_by("pk").values_list("pk", flat=True))
    with transaction.atomic():
        leads = [lead for lead in ownership.lock_leads(ids).values() if lead.owner_id == rep.pk]
        if leads:
            put_in_queue(
                leads=leads,
                reason_code=Reason.LEAVER,
                reason=reason,
                by=by,
                at=at,
                driver=driver,
            )
    return len(leads)
