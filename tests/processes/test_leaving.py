"""Reps leave and pause while leads are given out: nobody who left keeps one."""

import pytest

from reps.models import Rep
from routing.models import Lead
from tests.processes import scene

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

GIVE_OUT = {"route": 6, "claim": 4, "move": 3, "acknowledge": 2, "close": 1}
COME_AND_GO = {"deactivate": 6, "reactivate": 2, "pause": 2, "resume": 2}


def test_no_lead_stays_with_somebody_who_left_however_busy_the_floor(crew, seed, figures):
    scene.busy_floor(reps=12, capacity=8, leads=300)
    deadlocks = scene.deadlocks()

    reports = crew.play(
        *[
            ("by_chance", {"seed": seed + n, "weights": GIVE_OUT, "attempts": 300})
            for n in range(3)
        ],
        ("by_chance", {"seed": seed + 3, "weights": COME_AND_GO, "steps": 120}),
    )

    left = Rep.objects.filter(is_active=False)
    figures(
        left_at_the_end=left.count(),
        done=dict(scene.total(reports, "done")),
        refused=dict(scene.total(reports, "refused")),
    )
    assert scene.errors(reports) == []
    assert scene.deadlocks() == deadlocks
    assert Lead.objects.filter(owner__in=left).count() == 0
    assert scene.violations(("I16", *scene.OWNERSHIP, *scene.TRAIL)) == {}
