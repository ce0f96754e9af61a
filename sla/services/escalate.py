"""Take the steps of clocks that have come due: each once, whoever drives, whatever dies."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from reps import trail
from reps.availability import calendar_of, moment
from reps.hours import is_open
from reps.models import Rep, User
from reps.post import outbox
from routing import ownership, work
from routing.models import Lead, Organisation
from routing.models.assignment import Reason
from routing.work.reassign import answers_for
from sla.models import Clock, Escalation
from sla.services.clocks import refresh_promises

BATCH = 50


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Take every due step of one batch of clocks; return how many clocks were handled."""
    due = list(
        Clock.objects.filter(next_at__lte=due_before)
        .order_by("next_at", "pk")
        .values_list("pk", "lead_id")[:BATCH]
    )
    return sum(
        fire(clock_id=clock, lead_id=lead, driver=driver, due_before=due_before, at=at)
        for clock, lead in due
    )


def oldest() -> datetime | None:
    """The instant of the earliest step that is still to be taken."""
    return (
        Clock.objects.filter(next_at__isnull=False)
        .order_by("next_at")
        .values_list("next_at", flat=True)
        .first()
    )


@transaction.atomic
def fire(
    *, clock_id: int, lead_id: int, driver: str, due_before: datetime, at: datetime | None = None
) -> int:
    """
    Take the due step of one clock, in one transaction with all its effects, dated `at`.

    Locks lead before clock, as everybody does, and looks again at the clock afterwards: an
    acknowledgement that came first has ended it, another driver has moved it on. Returns 1
    if a step was taken.
    """
    at = at or due_before
    leads = list(
        Lead.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("prospect", "source", "owner__team", "owner__user")
        .filter(pk=lead_id)
    )
    if not leads:
        return 0
    if leads[0].assignments.filter(started_at__gt=at).exists():
        # It changed hands after the moment as of which this driver works. What the step does
        # would end that custody before it began, so it is left to the next round.
        return 0
    clock = (
        Clock.objects.select_for_update(no_key=True, of=("self",))
        .select_related("policy")
        .filter(pk=clock_id, state=Clock.State.RUNNING, next_at__lte=due_before)
        .first()
    )
    if clock is None:
        return 0
    step = clock.steps[clock.next_step]
    context = Context(leads[0], clock, at=at, driver=driver)
    outcome = ACTIONS[step["do"]](context)
    Escalation.objects.create(
        clock=clock,
        lead_id=lead_id,
        step=clock.next_step,
        action=step["do"],
        due_at=clock.next_at,
        fired_at=at,
        driver=driver,
        recipients=len(outcome.told),
        effect=outcome.effect[:200],
    )
    trail.note(
        leads[0],
        kind="escalated",
        by=None,
        at=at,
        reason_code=step["do"],
        reason=outcome.effect,
        data={"clock_id": clock.pk, "step": clock.next_step, "driver": driver},
    )
    _tell(context, step["do"], outcome)
    _move_on(clock, at=at)
    return 1


@dataclass(frozen=True, slots=True)
class Context:
    """What a step looks at."""

    lead: Lead
    clock: Clock
    at: datetime
    driver: str

    @property
    def manager(self) -> User:
        owner = self.lead.owner
        return answers_for(owner) if owner else Organisation.get().responsible


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who is told of a step, always somebody, and what it did, in words."""

    told: tuple[User, ...]
    effect: str


def remind(context: Context) -> Outcome:
    owner = context.lead.owner
    if owner is None:
        return Outcome((context.lead.responsible,), "Reminded whoever answers for the lead")
    return Outcome((owner.user,), f"Reminded {owner}")


def tell_manager(context: Context) -> Outcome:
    return Outcome((context.manager,), f"Told {context.manager.label}")


def to_backup(context: Context) -> Outcome:
    """Give the lead to the owner's backup, or to whoever backs that one up."""
    owner = context.lead.owner
    for backup in _backups(owner):
        if _give(context, backup, f"{owner} did not answer in time"):
            return Outcome((backup.user, context.manager), f"Gave it to {backup}")
    return Outcome((context.manager,), "No backup can take it; told the manager")


def to_manager(context: Context) -> Outcome:
    """Make the manager the temporary owner; if they cannot own leads, they are told."""
    manager = context.manager
    rep = Rep.objects.select_related("user").filter(user=manager, is_active=True).first()
    owner = context.lead.owner
    if rep and _give(context, rep, f"{owner or 'Nobody'} did not answer in time"):
        return Outcome((manager,), f"Made {manager.label} the temporary owner")
    return Outcome((manager,), f"{manager.label} cannot take it now; told them")


ACTIONS: dict[str, Callable[[Context], Outcome]] = {
    "remind": remind,
    "tell_manager": tell_manager,
    "to_backup": to_backup,
    "to_manager": to_manager,
}


def _backups(owner: Rep | None) -> list[Rep]:
    """The owner's backup, the backup's backup and so on, nobody twice, active ones only."""
    found: list[Rep] = []
    seen = {owner.pk} if owner else set()
    current = owner
    while current is not None and current.backup_id and current.backup_id not in seen:
        seen.add(current.backup_id)
        current = Rep.objects.select_related("user", "team").get(pk=current.backup_id)
        found.append(current)
    return found


def _give(context: Context, rep: Rep, reason: str) -> bool:
    """Make `rep` the owner, if they work now, have room, and did not hold it before."""
    lead = context.lead
    held = lead.assignments.filter(rep=rep).exists()
    if held or not rep.is_active or rep.is_paused(context.at):
        return False
    if rep.absences.filter(starts_at__lte=context.at, ends_at__gt=context.at).exists():
        return False
    if not is_open(calendar_of(rep, year=context.at.year), int(context.at.timestamp())):
        return False
    try:
        with transaction.atomic():
            work.give_to(
                lead_id=lead.pk,
                epoch=lead.owner_epoch,
                rep_id=rep.pk,
                reason_code=Reason.ESCALATED,
                reason=reason,
                by=None,
                at=context.at,
                driver=context.driver,
            )
    except ownership.OwnershipRefused:
        return False
    return True


def _tell(context: Context, action: str, outcome: Outcome) -> None:
    clock = context.clock
    outbox.put(
        [
            outbox.Draft(
                key=f"clock-{clock.pk}-{clock.next_step}-{user.pk}",
                kind="clock_step",
                to=user.pk,
                payload={"lead": clock.lead_id, "clock": clock.pk, "action": action},
                urgent=True,
            )
            for user in {user.pk: user for user in outcome.told}.values()
        ],
        at=context.at,
    )


def _move_on(clock: Clock, *, at: datetime) -> None:
    """Put the clock on its next step. The step's own effect may have ended the clock."""
    # A move stops HOLD clocks and leaves LEAD clocks, so look at the row as it is now.
    clock.refresh_from_db()
    if clock.breached_at is None and clock.due_at <= at:
        clock.breached_at = at
    clock.next_step += 1
    if clock.state == Clock.State.RUNNING:
        following = clock.steps[clock.next_step :]
        clock.next_at = moment(following[0]["at"]) if following else None
    clock.save(update_fields=["breached_at", "next_step", "next_at"])
    refresh_promises([clock.lead_id])
