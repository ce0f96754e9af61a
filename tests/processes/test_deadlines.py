"""
An acknowledgement at the very deadline: in time or late, never both.

Turns red when `clocks._end` believes the moment of whoever had to wait for the lead.
"""

from datetime import timedelta

import pytest
from django.db.models import Count

from reps.due.clock import database_now
from reps.models import AuditEvent
from routing.dispatch import batch
from routing.models import Lead
from sla.models import Clock, Escalation
from tests import make
from tests.processes import scene

pytestmark = [pytest.mark.processes, pytest.mark.races, pytest.mark.django_db(transaction=True)]

CLOCKS = 200
APART = timedelta(milliseconds=50)


def clocks_due_one_after_the_other() -> list[int]:
    """Owned leads with a clock each; their deadlines follow each other closely."""
    make.organisation()
    make.policy(steps=[{"at_percent": 100, "do": "tell_manager"}], hours="ALWAYS")
    make.rules(make.round_robin(make.pool(*[make.rep(f"rep{n}") for n in range(4)])))
    scene.waiting_leads(CLOCKS)
    at = database_now()
    while batch.route(driver="test", at=at, due_before=at):
        pass
    first = database_now() + timedelta(seconds=8)
    clocks = list(Clock.objects.order_by("pk"))
    assert len(clocks) == CLOCKS
    for number, clock in enumerate(clocks):
        # The rows are moved, not the clock of the machine.
        clock.due_at = clock.next_at = first + number * APART
        clock.save(update_fields=["due_at", "next_at"])
    return [clock.pk for clock in clocks]


def test_an_acknowledgement_at_the_deadline_is_in_time_or_late_and_never_both(crew, seed, figures):
    clocks = clocks_due_one_after_the_other()
    last = Clock.objects.latest("due_at").due_at.timestamp()

    *acknowledged, one, other = crew.play(
        ("acknowledge_near", {"seed": seed, "clocks": clocks[::2]}),
        ("acknowledge_near", {"seed": seed + 1, "clocks": clocks[1::2]}),
        ("fire_until", {"until": last + 1}),
        ("fire_until", {"until": last + 1}),
    )

    reports = [*acknowledged, one, other]
    in_time = Clock.objects.filter(breached_at__isnull=True)
    told = Escalation.objects.values("clock").annotate(n=Count("pk"))
    figures(
        in_time=in_time.count(),
        late=CLOCKS - in_time.count(),
        escalated=len(told),
        fired_by_each=[one["fired"], other["fired"]],
        latest_acknowledgement=max(report["latest"] for report in acknowledged),
    )
    assert scene.errors(reports) == []
    assert set(Clock.objects.values_list("state", flat=True)) == {"MET"}
    assert not Escalation.objects.filter(clock__in=in_time).exists()
    assert all(row["n"] == 1 for row in told)
    assert 0 < len(told) < CLOCKS
    # The chain of a lead is in the order of the commits.
    for lead in Lead.objects.all():
        acts = AuditEvent.objects.filter(subject="routing.lead", subject_id=lead.pk)
        kinds = list(acts.order_by("seq").values_list("kind", flat=True))
        assert kinds.count("acknowledged") == 1
        assert "escalated" not in kinds[kinds.index("acknowledged") :]
    assert scene.violations(("I6", "I8", "I9", *scene.OWNERSHIP, *scene.TRAIL)) == {}
