"""
Several processes give out leads; nobody ever holds more than they may, nor a lead two.

On PostgreSQL these turn red when `ownership.lock_loads` does not lock.
"""

import pytest
from django.db import connection

from reps.models import Rep
from tests.processes import scene

pytestmark = [pytest.mark.processes, pytest.mark.races, pytest.mark.django_db(transaction=True)]

PROCESSES = 4
ATTEMPTS = 800
GIVE_OUT = {"route": 3, "claim": 6, "move": 4, "close": 3, "decline": 1}

# One statement, so that it sees one instant: what each rep holds, what is counted, what they
# may hold.
HELD = """
    SELECT r.id, r.capacity, l.open,
           (SELECT count(*) FROM routing_lead d WHERE d.owner_id = r.id),
           (SELECT count(*) FROM routing_assignment a WHERE a.rep_id = r.id AND a.ended_at IS NULL)
    FROM reps_rep r JOIN routing_repload l ON l.rep_id = r.id
"""


class Watch:
    """Looks at what every rep holds while others give out leads."""

    def __init__(self) -> None:
        self.looks = 0
        self.full = 0
        self.wrong: list[tuple[int, ...]] = []

    def __call__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(HELD)
            rows = cursor.fetchall()
        self.looks += 1
        self.full += sum(held == capacity for _, capacity, _, held, _ in rows)
        self.wrong += [row for row in rows if row[2] > row[1] or not row[2] == row[3] == row[4]]


def test_nobody_is_ever_above_their_cap_however_many_give_out_leads(crew, seed, figures):
    scene.busy_floor(reps=10, capacity=5, leads=300)
    watch, deadlocks = Watch(), scene.deadlocks()

    reports = crew.play(
        *[
            (
                "by_chance",
                {"seed": seed + n, "weights": GIVE_OUT, "attempts": ATTEMPTS // PROCESSES},
            )
            for n in range(PROCESSES)
        ],
        meanwhile=watch,
    )

    refused = scene.total(reports, "refused")
    figures(
        attempts=sum(report["attempts"] for report in reports),
        looks=watch.looks,
        full_reps_seen=watch.full,
        done=dict(scene.total(reports, "done")),
        refused=dict(refused),
    )
    assert scene.errors(reports) == []
    assert sum(report["attempts"] for report in reports) >= ATTEMPTS
    assert watch.wrong == []
    assert scene.violations(scene.OWNERSHIP + scene.TRAIL) == {}
    assert scene.deadlocks() == deadlocks
    # The caps were really fought for.
    assert refused["claim: CapReached"] + refused["move: CapReached"] > 50


def test_caps_may_change_while_leads_are_given_out(crew, seed, figures):
    scene.busy_floor(reps=8, capacity=4, leads=200)
    weights = {**GIVE_OUT, "resize": 4, "pause": 1, "resume": 2}
    deadlocks = scene.deadlocks()

    reports = crew.play(
        *[
            ("by_chance", {"seed": seed + n, "weights": weights, "attempts": 80})
            for n in range(PROCESSES)
        ]
    )

    figures(done=dict(scene.total(reports, "done")), refused=dict(scene.total(reports, "refused")))
    assert scene.errors(reports) == []
    assert scene.violations(scene.OWNERSHIP + scene.TRAIL) == {}
    assert scene.deadlocks() == deadlocks
    assert Rep.objects.exclude(capacity=4).exists()
