"""Steps that give the lead to somebody whom the step names, or to whoever claims it."""

from collections.abc import Iterable, Iterator

from django.db import transaction

from reps.availability import absences, calendar_of
from reps.hours import covers, is_open
from reps.models import Rep, User
from routing import ownership, work
from routing.models import Queue
from routing.models.assignment import Reason
from sla.services.steps.base import Context, Outcome, action, stays


@action("to_backup")
def to_backup(context: Context) -> Outcome:
    """Give the lead to the owner's backup, or to whoever backs that one up; to nobody again."""
    new = _first_who_takes_it(context, _backups(context.lead.owner))
    if new is None:
        return Outcome([context.manager], "No backup can take it; told the manager")
    return Outcome([new.user, context.manager], f"Gave it to {new}", moved=True)


@action("to_manager")
def to_manager(context: Context) -> Outcome:
    """
    Make the manager the temporary owner, or the next in line who can own leads and take it.

    If nobody in line can, the manager is told.
    """
    new = _first_who_takes_it(context, _reps_of(context.line), again=True)
    if new is None:
        name = context.manager.label
        return Outcome([context.manager], f"{name} cannot take it now; told them")
    told = [new.user] if new.user == context.manager else [new.user, context.manager]
    return Outcome(told, f"Made {new} the temporary owner", moved=True)


@action("to_queue")
def to_queue(context: Context) -> Outcome:
    """Put the lead into a queue to be claimed; into none from which nobody can claim."""
    queue = (
        Queue.objects.select_related("responsible", "pool").filter(pk=context.step["queue"]).first()
    )
    if queue is None:
        return stays(context, "The queue it should go to is gone")
    if not queue.is_staffed():
        return stays(context, f"Nobody can claim from {queue}")
    lead = context.lead
    try:
        with transaction.atomic():
            work.put_in_queue(
                leads=[lead],
                queue=queue,
                reason_code=Reason.ESCALATED,
                reason=context.late,
                by=None,
                at=context.at,
                driver=context.driver,
            )
    except ownership.OwnershipRefused as refused:
        return stays(context, str(refused).rstrip("."))
    return Outcome([queue.responsible, context.manager], f"Put it into {queue}", moved=True)


def _backups(owner: Rep | None) -> Iterator[Rep]:
    """The owner's backup, the backup's backup and so on, nobody twice."""
    seen = {owner.pk} if owner else set()
    current = owner
    while current is not None and current.backup_id and current.backup_id not in seen:
        seen.add(current.backup_id)
        current = _reps().get(pk=current.backup_id)
        yield current


def _reps_of(users: Iterable[User]) -> Iterator[Rep]:
    for user in users:
        rep = _reps().filter(user=user).first()
        if rep is not None:
            yield rep


def _reps():
    return Rep.objects.select_related("user", "team__calendar", "calendar")


def _first_who_takes_it(
    context: Context, reps: Iterable[Rep], *, again: bool = False
) -> Rep | None:
    """
    Give the lead to the first of these who has never held it and can take it; then, if `again`,
    to the first who has held it, but for its present owner. None if nobody can.
    """
    former = []
    for rep in reps:
        if rep.pk not in context.held_by:
            if _give(context, rep):
                return rep
        elif rep.pk != context.lead.owner_id:
            former.append(rep)
    return next((rep for rep in former if again and _give(context, rep)), None)


def _give(context: Context, rep: Rep) -> bool:
    """Make `rep` the owner, if they are there, work now and have room."""
    if not rep.is_active or rep.is_paused(context.at):
        return False
    now = int(context.at.timestamp())
    if covers(absences([rep.pk], since=context.at).get(rep.pk, ()), now):
        return False
    if not is_open(calendar_of(rep, year=context.at.year), now):
        return False
    try:
        with transaction.atomic():
            work.give_to(
                lead_id=context.lead.pk,
                epoch=context.lead.owner_epoch,
                rep_id=rep.pk,
                reason_code=Reason.ESCALATED,
                reason=context.late,
                by=None,
                at=context.at,
                driver=context.driver,
            )
    except ownership.OwnershipRefused:
        return False
    return True
