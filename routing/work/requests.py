"""
Requests for reassignment: a rep asks that a lead go elsewhere, and somebody decides in time.

While a request waits, its owner answers for the lead and every clock of theirs runs on. Whose
turn it is to decide has `Organisation.request_timeout` for it; then the request goes to the next
in line, and when the last one lets it pass it expires: the lead stays where it is.
"""

import logging
import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q

from reps import trail
from reps.availability import absences, calendar_of, moment
from reps.due import strikes
from reps.hours import HoursError, add
from reps.models import Rep, User
from reps.models.tracked import bulk_writer
from reps.post import outbox
from routing import ownership
from routing.models import Lead, Organisation, ReassignmentRequest
from routing.models.assignment import Reason
from routing.privacy.registry import unnamed
from routing.work import steps
from routing.work.answering import line_of
from routing.work.reassign import give_to, put_in_queue
from routing.work.refusals import WorkRefused, reason_given

log = logging.getLogger(__name__)

JOB = "requests"
BATCH = 50
State = ReassignmentRequest.State


class RequestRefused(WorkRefused):
    """The request cannot be made or decided now."""


# --- Asking ------------------------------------------------------------------------------


@transaction.atomic
def request_reassignment(
    *, lead_id: int, epoch: int, reason: str, by: User, at: datetime, wanted: Rep | None = None
) -> ReassignmentRequest:
    """
    Ask whoever answers for oneself to give an own lead to somebody else. Until then its owner
    answers, and their clocks run on.

    :raises NotYours: for anybody but the owner
    :raises RequestRefused: if a request is waiting already
    :raises WorkRefused: without a reason
    """
    text = reason_given(reason)
    lead = steps.locked(lead_id, epoch)
    rep = steps.own(lead, by)
    if ReassignmentRequest.objects.filter(lead=lead, state=State.PENDING).exists():
        raise RequestRefused("A request for this lead is waiting for the manager already.")
    request = ReassignmentRequest(
        lead=lead,
        epoch=epoch,
        requested_by=rep,
        wanted=wanted,
        reason=unnamed(text, lead.prospect)[:300],
        requested_at=at,
    )
    _ask(request, line_of(rep, at)[0], at=at)
    trail.save(request, by=by, at=at, reason="requested", kind="requested")
    _tell_whose_turn_it_is(request, at=at)
    return request


def _ask(request: ReassignmentRequest, user: User, *, at: datetime) -> None:
    request.answers, request.decide_by = user, decide_by(user, at)


def decide_by(user: User, at: datetime, *, seconds: int | None = None) -> datetime:
    """
    Until when somebody who is asked now may decide, by default in the time for requests.

    Of a rep's time their working time counts, without absences; of anybody else's, and where a
    rep's hours never come again, all of it.
    """
    if seconds is None:
        seconds = Organisation.get().request_timeout
    rep = Rep.objects.select_related("calendar", "team__calendar").filter(user=user).first()
    if rep is not None:
        away = absences([rep.pk], since=at).get(rep.pk, ())
        start = math.ceil(at.timestamp())
        try:
            return moment(add(calendar_of(rep, year=at.year), start, seconds, away))
        except HoursError:
            pass
    return at + timedelta(seconds=seconds)


# --- Deciding ----------------------------------------------------------------------------


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
    _decide(request, State.APPROVED, answer=answer, by=by, at=at)
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
    text = reason_given(answer)
    request, _ = _pending(request_id)
    return _decide(request, State.REFUSED, answer=text, by=by, at=at)


def _pending(request_id: int) -> tuple[ReassignmentRequest, Lead]:
    request = ReassignmentRequest.objects.get(pk=request_id)
    lead = ownership.lock_leads([request.lead_id])[request.lead_id]
    request = ReassignmentRequest.objects.select_for_update(no_key=True).get(pk=request_id)
    if request.state != State.PENDING:
        raise RequestRefused("This request has been decided already.")
    return request, lead


def _decide(
    request: ReassignmentRequest, state: str, *, answer: str, by: User | None, at: datetime
) -> ReassignmentRequest:
    request.state, request.answer = state, unnamed(answer, request.lead.prospect)[:300]
    request.decided_at, request.decided_by = at, by
    trail.save(request, by=by, at=at, reason=state.lower(), kind=state.lower())
    _tell(request, [request.requested_by.user_id], kind="reassignment_decided", at=at)
    return request


def overtake_requests(*, lead_ids: Sequence[int], by: User | None, at: datetime) -> None:
    """Close the requests of leads that changed hands in another way."""
    pending = ReassignmentRequest.objects.filter(lead__in=lead_ids, state=State.PENDING)
    ids = list(pending.values_list("pk", flat=True))
    if not ids:
        return
    with bulk_writer("overtake"):
        ReassignmentRequest.objects.filter(pk__in=ids).update(
            state=State.STALE, decided_at=at, decided_by=by
        )
    trail.record(
        ReassignmentRequest,
        [
            trail.Change(
                id=pk,
                kind="overtaken",
                reason_code="overtaken",
                data={"state": State.STALE},
            )
            for pk in ids
        ],
        by=by,
        at=at,
    )


# --- When nobody decides -----------------------------------------------------------------


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Pass on the requests that nobody has decided in time; return how many were handled."""
    due = _due(due_before).exclude(pk__in=strikes.given_up(JOB)).order_by("decide_by", "pk")
    handled = 0
    for request, lead in due.values_list("pk", "lead_id")[:BATCH]:
        try:
            handled += pass_on(
                request_id=request, lead_id=lead, due_before=due_before, at=at or due_before
            )
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            log.exception("The request %s could not be passed on", request)
            strikes.strike(JOB, request, error=repr(error), at=at or due_before)
            # Progress of a kind: after its strikes it stops coming.
            handled += 1
    return handled


def oldest() -> datetime | None:
    """Since when the request that has waited longest beyond its time should have been decided."""
    due = ReassignmentRequest.objects.filter(state=State.PENDING, decide_by__isnull=False)
    return due.order_by("decide_by").values_list("decide_by", flat=True).first()


def _due(at: datetime):
    # Without a time: asked before there was one.
    late = Q(decide_by__lte=at) | Q(decide_by__isnull=True)
    return ReassignmentRequest.objects.filter(late, state=State.PENDING)


@transaction.atomic
def pass_on(*, request_id: int, lead_id: int, due_before: datetime, at: datetime) -> bool:
    """
    Ask the next in line, and tell both; after the last one the request expires.

    False if there was nothing to do (any more).
    """
    locked = Lead.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=lead_id)
    if not list(locked):
        return False
    request = (
        _due(due_before)
        .select_for_update(no_key=True, of=("self",))
        .select_related("requested_by__team", "answers")
        .filter(pk=request_id)
        .first()
    )
    if request is None:
        return False
    asked = _asked(request)
    following = [user for user in line_of(request.requested_by, at) if user.pk not in asked]
    if not following:
        _expire(request, asked, at=at)
        return True
    before, request.passed_on = request.answers, request.passed_on + bool(asked)
    _ask(request, following[0], at=at)
    reason = f"{before.label} did not decide in time" if before else "Its time begins"
    trail.save(
        request,
        by=None,
        at=at,
        reason="passed_on",
        kind="passed_on",
        data={"why": reason, "from": before.pk if before else None, "to": following[0].pk},
    )
    _tell_whose_turn_it_is(request, at=at)
    if before is not None:
        _tell(request, [before.pk], kind="request_passed_on", at=at)
    return True


def _asked(request: ReassignmentRequest) -> set[int]:
    """Whose turn it has been, the present one included."""
    users = request.history.filter(answers__isnull=False).values_list("answers_id", flat=True)
    return set(users)


def _expire(request: ReassignmentRequest, asked: set[int], *, at: datetime) -> None:
    """Nobody decided: the lead stays, and its owner and everybody who was asked hear so."""
    _decide(request, State.EXPIRED, answer="Nobody decided in time.", by=None, at=at)
    _tell(request, sorted(asked), kind="request_expired", at=at)


# --- Telling -----------------------------------------------------------------------------


def _tell_whose_turn_it_is(request: ReassignmentRequest, *, at: datetime) -> None:
    if request.answers_id is not None:
        _tell(request, [request.answers_id], kind="reassignment_requested", at=at)


def _tell(request: ReassignmentRequest, users: Sequence[int], *, kind: str, at: datetime) -> None:
    outbox.put(
        [
            outbox.Draft(
                key=f"{kind}-{request.pk}-{request.passed_on}-{user}",
                kind=kind,
                to=user,
                payload={"request": request.pk},
                about=f"routing.lead:{request.lead_id}",
            )
            for user in users
        ],
        at=at,
    )
