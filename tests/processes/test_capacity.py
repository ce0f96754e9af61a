"""Several processes give out leads; nobody ever holds more than they may, nor a lead two."""

import pytest
from django.db.models import Count, F

from routing.models import Assignment, Lead, RepLoad
from tests import make
from tests.processes import scene

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

PROCESSES = 4


def a_busy_floor(*, reps: int, capacity: int, leads: int) -> None:
    """Half of the leads are given out by rotation, half wait in a queue to be claimed."""
    make.organisation()
    people = [make.rep(f"rep{n}", capacity=capacity) for n in range(reps)]
    pool = make.pool(*people)
    queue = make.queue(pool, max_unworked=0)
    make.rules(
        make.round_robin(pool, condition=None)
        if False
        else {
            "name": "To the queue",
            "condition": {"fact": "country", "op": "eq", "value": "DE"},
            "path": {"target": {"kind": "queue", "id": queue.pk}},
        },
        make.round_robin(pool),
    )
    scene.waiting_leads(leads // 2, country="DE")
    scene.waiting_leads(leads - leads // 2)
