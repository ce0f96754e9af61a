"""Everybody does everything at once: all lock in one order, so nobody waits in a circle."""

import pytest

from tests import make
from tests.processes import scene

pytestmark = [pytest.mark.processes, pytest.mark.races, pytest.mark.django_db(transaction=True)]

PROCESSES = 4
STEPS = 100
EVERYTHING = {
    "route": 5,
    "claim": 4,
    "move": 6,
    "acknowledge": 3,
    "decline": 3,
    "close": 2,
    "escalate_one": 5,
    "deactivate": 2,
    "reactivate": 3,
    "pause": 1,
    "resume": 2,
    "resize": 2,
}


def test_mixed_work_of_several_processes_never_waits_in_a_circle(crew, seed, figures):
    make.policy(scope="LEAD")
    make.policy(scope="HOLD", metric="CONTACT")
    scene.busy_floor(reps=6, capacity=8, leads=150)
    deadlocks = scene.deadlocks()

    reports = crew.play(
        *[
            ("by_chance", {"seed": seed + n, "weights": EVERYTHING, "steps": STEPS})
            for n in range(PROCESSES)
        ]
    )

    figures(
        steps=sum(report["steps"] for report in reports),
        done=dict(scene.total(reports, "done")),
        refused=dict(scene.total(reports, "refused")),
    )
    assert scene.errors(reports) == []
    assert scene.deadlocks() == deadlocks
    assert scene.violations(("I8", "I16", *scene.OWNERSHIP, *scene.TRAIL)) == {}
