"""
Cover: while a rep is away, their open leads move to whoever stands in, and come back after.

An absence with cover MOVE is due twice: when it begins and when it ends. What counts is how
the absence stands at that moment, so one that was shortened, lengthened, put off or begun
anew is followed by the same two steps. Each is one transaction that notes on the absence
that it was done; running it again does nothing.

At the end those leads come back which have been nowhere but in cover since they left: a lead
that was closed, moved by hand, handed back or escalated meanwhile stays where it is. Neither
way is anybody given more than their capacity; their manager is told of what stayed behind.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from accounts.models import Cover
from reps import trail
from reps.availability import stand_in
from reps.due import strikes
from reps.due.clock import database_now
from reps.models import Absence, Message, Rep, Strike, User
from reps.post import kinds, outbox
from reps.post.kinds import Text
from routing import covering, ownership
from routing.messages import link
from routing.models import Assignment, Lead
from routing.models.assignment import Reason
from routing.work.answering import answers_for

JOB = "cover"
BATCH = 20


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Begin and end the cover that is due; return how many absences were handled."""
    at = at or due_before
    handled = 0
    # Ends first: they make the room that beginnings may need.
    for rows, step in ((_ending(due_before), finish), (_beginning(due_before), begin)):
        ids = list(rows.values_list("pk", flat=True)[:BATCH])
        handled += strikes.each(
            JOB, ids, lambda pk, step=step: step(absence_id=pk, at=at, driver=driver), at=at
        )
    return handled


def oldest() -> datetime | None:
    """The moment at which the cover that has waited longest was due; None if none is."""
    at = database_now()
    begins = _beginning(at).values_list("starts_at", flat=True).first()
    ends = _ending(at).values_list("ends_at", flat=True).first()
    # One that was put off is due since now, not since an end that is yet to come.
    return min((moment for moment in (begins, ends and min(ends, at)) if moment), default=None)


RUNNING = Q(cover_started_at__isnull=False, cover_ended_at__isnull=True)


def _beginning(at: datetime):
    rows = Absence.objects.filter(cover=Absence.Cover.MOVE, starts_at__lte=at, ends_at__gt=at)
    return rows.exclude(RUNNING).exclude(pk__in=_given_up()).order_by("starts_at", "pk")


def _ending(at: datetime):
    over = Q(ends_at__lte=at) | Q(starts_at__gt=at) | Q(cover=Absence.Cover.STAY)
    rows = Absence.objects.filter(RUNNING & over).exclude(pk__in=_given_up())
    return rows.order_by("ends_at", "pk")


def _given_up():
    """As a part of the statement, so that asking costs none of its own."""
    return Strike.objects.filter(job=JOB, given_up_at__isnull=False).values("row_id")


# --- Away --------------------------------------------------------------------------------


@transaction.atomic
def begin(*, absence_id: int, at: datetime, driver: str) -> bool:
    """Move the open leads of whoever is away; False if there was nothing to do (yet)."""
    rep_id = Absence.objects.values_list("rep_id", flat=True).get(pk=absence_id)
    held = Lead.objects.filter(owner=rep_id)
    ids = list(held.values_list("pk", flat=True))
    leads = ownership.lock_leads(ids)
    to_id = stand_in(rep_id, at)
    ownership.lock_loads(sorted({rep_id, to_id} - {None}))
    absence = _lock(_beginning(at), absence_id)
    if absence is None or held.exclude(pk__in=ids).exists():
        # Changed meanwhile, or one more lead came before the load was ours: the next round
        # looks again.
        return False
    theirs = [lead for lead in leads.values() if lead.owner_id == rep_id]
    to = _rep(to_id)
    moved = covering.give(
        theirs, to=to, code=Reason.COVERED, reason=_away_until(absence), at=at, driver=driver
    )
    absence.cover_started_at, absence.cover_ended_at = at, None
    trail.save(
        absence, by=None, at=at, reason="cover began", kind="covered", data=_counted(theirs, moved)
    )
    _tell(absence, to=to, stayed=len(theirs) - moved, back=False, at=at)
    return True


def _away_until(absence: Absence) -> str:
    return f"{absence.rep} is away until {absence.ends_at:%Y-%m-%d %H:%M} UTC"


# --- Back --------------------------------------------------------------------------------


@transaction.atomic
def finish(*, absence_id: int, at: datetime, driver: str) -> bool:
    """Bring back what is still in cover; False if there was nothing to do (any more)."""
    return _bring_back(absence_id, rows=_ending(at), by=None, at=at, driver=driver)


def _bring_back(absence_id: int, *, rows, by: User | None, at: datetime, driver: str) -> bool:
    absence = Absence.objects.filter(RUNNING, pk=absence_id).first()
    if absence is None:
        return False
    live = in_cover(absence)
    leads = ownership.lock_leads(list(live))
    holders = {lead.owner_id for lead in leads.values()} - {None}
    ownership.lock_loads(sorted({absence.rep_id, *holders}))
    absence = _lock(rows, absence_id)
    if absence is None:
        return False
    # Whatever moved between the look and the lock has left the cover.
    still = [lead for pk, lead in leads.items() if lead.owner_epoch == live[pk]]
    moved = covering.give(
        still,
        to=absence.rep if absence.rep.is_active else None,
        code=Reason.RETURNED,
        reason=f"{absence.rep} is back",
        by=by,
        at=at,
        driver=driver,
    )
    if absence.starts_at > at:
        # Put off: it begins anew when it is time.
        absence.cover_started_at = None
    else:
        absence.cover_ended_at = at
    trail.save(
        absence, by=by, at=at, reason="cover ended", kind="returned", data=_counted(still, moved)
    )
    _tell(absence, to=absence.rep, stayed=len(still) - moved, back=True, at=at)
    return True


def in_cover(absence: Absence) -> dict[int, int]:
    """The leads that an absence moved and that have been nowhere but in cover since: id → epoch."""
    left = Assignment.objects.filter(
        from_rep=absence.rep_id,
        reason_code=Reason.COVERED,
        started_at__gte=absence.cover_started_at,
    )
    first: dict[int, int] = {}
    for lead, epoch in left.order_by("-epoch").values_list("lead_id", "epoch"):
        first[lead] = epoch
    # What a cover of its account or territory moved comes back with that one.
    for moved in Cover.objects.filter(
        rep=absence.rep_id, moved_at__isnull=False, returned_at__isnull=True
    ).values_list("moved", flat=True):
        for lead, epoch in moved.items():
            if first.get(int(lead)) == epoch:
                del first[int(lead)]
    return covering.still_in_cover(first, absence.rep_id)


@receiver(pre_delete, sender=Absence, dispatch_uid="routing.cover_of_deleted_absence")
def bring_back_at_once(sender, *, instance: Absence, **kwargs) -> None:
    """Of an absence that is deleted nothing would be left to follow."""
    _bring_back(
        instance.pk,
        rows=Absence.objects.filter(RUNNING),
        by=getattr(instance, "_history_user", None),
        at=getattr(instance, "_history_date", None) or database_now(),
        driver="web",
    )


# --- Both ways ---------------------------------------------------------------------------


def _lock(rows, absence_id: int) -> Absence | None:
    """The absence, locked, if it is still among these rows."""
    return (
        rows.filter(pk=absence_id)
        .select_for_update(no_key=True, of=("self",))
        .select_related("rep__user", "rep__team")
        .first()
    )


def _rep(rep_id: int | None) -> Rep | None:
    return None if rep_id is None else Rep.objects.select_related("user").get(pk=rep_id)


def _counted(leads: Sequence[Lead], moved: int) -> dict[str, int]:
    return {"moved": moved, "stayed": len(leads) - moved}


# --- Telling -----------------------------------------------------------------------------

STAYED = "cover_stayed"


def _tell(absence: Absence, *, to: Rep | None, stayed: int, back: bool, at: datetime) -> None:
    if not stayed:
        return
    outbox.put(
        [
            outbox.Draft(
                key=f"cover-{absence.pk}-{'back' if back else 'away'}-{int(at.timestamp())}",
                kind=STAYED,
                to=answers_for(absence.rep, at).pk,
                payload={
                    "rep": absence.rep_id,
                    "to": to.pk if to else None,
                    "leads": stayed,
                    "back": back,
                },
                about=f"reps.absence:{absence.pk}",
            )
        ],
        at=at,
    )


def _words(payload: dict, names: dict[int, str]) -> tuple[str, str]:
    """What happened, and what to do about it."""
    rep, to = names.get(payload["rep"], "?"), names.get(payload["to"] or 0, "")
    count = payload["leads"]
    leads = "1 lead" if count == 1 else f"{count} leads"
    if payload["back"]:
        return (
            f"{leads} did not come back to {rep}",
            f"{rep} has no room for more, or has left. Whoever stood in keeps them for now.",
        )
    if not to:
        return (
            f"{leads} of {rep} stayed: nobody stands in",
            f"{rep} is away, and everybody who could stand in is away too. Move them yourself.",
        )
    return (
        f"{leads} of {rep} stayed: {to} is full",
        f"{rep} is away, and {to} has no room for more. Move them yourself.",
    )


def _names(messages: Sequence[Message]) -> dict[int, str]:
    ids = {message.payload[who] for message in messages for who in ("rep", "to")} - {None}
    return {rep.pk: str(rep) for rep in Rep.objects.select_related("user").filter(pk__in=ids)}


def cover_stayed(message: Message) -> Text:
    subject, body = _words(message.payload, _names([message]))
    return Text(
        subject=subject,
        body=body,
        url=link("board_rep", message.payload["rep"]),
        action="Look at their leads",
    )


def cover_lines(messages: Sequence[Message], reader: User) -> dict[int, str]:
    names = _names(messages)
    return {message.pk: _words(message.payload, names)[0] for message in messages}


kinds.register(kinds.Kind(name=STAYED, render=cover_stayed, lines=cover_lines))
