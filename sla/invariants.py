"""What must be true of clocks and escalations."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, F, Q, QuerySet
from django.utils.dateparse import parse_datetime

from reps.due import holds
from reps.models import AuditEvent
from reps.trail.audit import subject_of
from reps.verify import Pace, invariant
from routing.models import Lead
from sla.models import Clock, Escalation, Pause

PATIENCE = timedelta(seconds=60)
# The first and the last id of the leads to look at; None: all.
Stretch = tuple[int, int] | None


def _of(leads: Stretch, rows: QuerySet) -> QuerySet:
    return rows if leads is None else rows.filter(lead__gte=leads[0], lead__lte=leads[1])


@invariant("I6", "no step of a clock was skipped", Pace.QUICK)
def deadlines_fire(at: datetime) -> Iterator[str]:
    if holds.excuses(at, patience=PATIENCE):
        return
    skipped = Clock.objects.filter(state=Clock.State.RUNNING, next_at__lt=at - PATIENCE)
    for pk in skipped.values_list("pk", flat=True):
        yield f"clock {pk} should have taken a step"


@invariant("I8", "every step taken left exactly one escalation, and reached somebody", Pace.STRETCH)
def steps_are_on_record(at: datetime, leads: Stretch = None) -> Iterator[str]:
    counted = (
        _of(leads, Clock.objects.all())
        .annotate(taken=Count("escalations"))
        .exclude(next_step=F("taken"))
    )
    for pk in counted.values_list("pk", flat=True):
        yield f"clock {pk}: steps and escalations do not agree"
    for pk in _of(leads, Escalation.objects.filter(recipients__lt=1)).values_list("pk", flat=True):
        yield f"escalation {pk} reached nobody"


@invariant("I9", "no step fired early, and no clock was both in time and late", Pace.STRETCH)
def clocks_are_just(at: datetime, leads: Stretch = None) -> Iterator[str]:
    for pk in _of(leads, Escalation.objects.filter(fired_at__lt=F("due_at"))).values_list(
        "pk", flat=True
    ):
        yield f"escalation {pk} fired early"
    wrong = _of(leads, Clock.objects.all()).filter(
        Q(breached_at__lt=F("due_at"))
        | Q(ended_at__gt=F("due_at"), breached_at__isnull=True)
        | Q(ended_at__lt=F("due_at"), breached_at__isnull=False)
    )
    for pk in wrong.values_list("pk", flat=True):
        yield f"clock {pk} is both in time and late"


@invariant("S1", "no pause outlives the moment it was to end at", Pace.QUICK)
def pauses_end(at: datetime) -> Iterator[str]:
    if holds.excuses(at, patience=PATIENCE):
        return
    open_ = Pause.objects.filter(ended_at__isnull=True, resume_at__lt=at - PATIENCE)
    for pk, lead in open_.values_list("pk", "lead_id"):
        yield f"pause {pk}: lead {lead} stands still beyond its time"
    astray = Clock.objects.filter(paused_at__isnull=False).exclude(
        lead__pauses__ended_at__isnull=True
    )
    for pk in astray.values_list("pk", flat=True):
        yield f"clock {pk} stands still without a pause"


@invariant("S2", "every deadline that moved, moved by an act on the trail", Pace.STRETCH)
def deadlines_move_by_acts(at: datetime, leads: Stretch = None) -> Iterator[str]:
    moved = _of(leads, Clock.objects.filter(first_due_at__isnull=False)).exclude(
        due_at=F("first_due_at")
    )
    rows = list(moved.values_list("pk", "lead_id", "first_due_at", "due_at"))
    acts = _moves_on_the_trail({lead for _, lead, _, _ in rows})
    for pk, _, first, due in rows:
        reached = first
        for came_from, went_to in acts.get(pk, ()):
            if came_from != reached:
                break
            reached = went_to
        if reached != due:
            yield f"clock {pk}: its deadline moved from {reached:%Y-%m-%d %H:%M:%S} by no act"


def _moves_on_the_trail(leads: set[int]) -> dict[int, list[tuple[datetime, datetime]]]:
    """By clock from which deadline to which it was moved, in order."""
    events = AuditEvent.objects.filter(
        subject=subject_of(Lead), subject_id__in=leads, kind__in=("resumed", "recomputed")
    )
    found: dict[int, list[tuple[datetime, datetime]]] = {}
    for data in events.order_by("subject_id", "seq").values_list("data", flat=True):
        for one in data.get("clocks", ()):
            span = parse_datetime(one["from"]), parse_datetime(one["to"])
            found.setdefault(one["clock_id"], []).append(span)
    return found
