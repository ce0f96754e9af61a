"""What must be true of clocks and escalations."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, F, Q

from reps.verify import invariant
from sla.models import Clock, Escalation

PATIENCE = timedelta(seconds=60)


@invariant("I6", "no step of a clock was skipped")
def deadlines_fire(at: datetime) -> Iterator[str]:
    skipped = Clock.objects.filter(state=Clock.State.RUNNING, next_at__lt=at - PATIENCE)
    for pk in skipped.values_list("pk", flat=True):
        yield f"clock {pk} should have taken a step"


@invariant("I8", "every step taken left exactly one escalation, and reached somebody")
def steps_are_on_record(at: datetime) -> Iterator[str]:
    counted = Clock.objects.annotate(taken=Count("escalations")).exclude(next_step=F("taken"))
    for pk in counted.values_list("pk", flat=True):
        yield f"clock {pk}: steps and escalations do not agree"
    for pk in Escalation.objects.filter(recipients__lt=1).values_list("pk", flat=True):
        yield f"escalation {pk} reached nobody"


@invariant("I9", "no step fired early, and no clock was both in time and late")
def clocks_are_just(at: datetime) -> Iterator[str]:
    for pk in Escalation.objects.filter(fired_at__lt=F("due_at")).values_list("pk", flat=True):
        yield f"escalation {pk} fired early"
    wrong = Clock.objects.filter(
        Q(breached_at__lt=F("due_at"))
        | Q(ended_at__gt=F("due_at"), breached_at__isnull=True)
        | Q(ended_at__lt=F("due_at"), breached_at__isnull=False)
    )
    for pk in wrong.values_list("pk", flat=True):
        yield f"clock {pk} is both in time and late"
