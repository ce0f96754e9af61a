"""Reps leave and pause while leads are given out: nobody who left keeps one."""

from datetime import timedelta

import pytest

from reps.models import Rep
from reps.services import people
from routing import work
from routing.models import Lead
from tests import make
from tests.processes import scene

pytestmark = [pytest.mark.processes, pytest.mark.races, pytest.mark.django_db(transaction=True)]

GIVE_OUT = {"route": 6, "claim": 4, "move": 3, "acknowledge": 2, "close": 1}
COME_AND_GO = {"deactivate": 6, "reactivate": 2, "pause": 2, "resume": 2}


def test_no_lead_stays_with_somebody_who_left_however_busy_the_floor(crew, seed, figures):
    scene.busy_floor(reps=12, capacity=8, leads=300)
    deadlocks = scene.deadlocks()

    reports = crew.play(
        *[
            ("by_chance", {"seed": seed + n, "weights": GIVE_OUT, "attempts": 150})
            for n in range(3)
        ],
        ("by_chance", {"seed": seed + 3, "weights": COME_AND_GO, "steps": 60}),
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


def test_whoever_waited_for_a_lock_ends_no_custody_before_it_began(transactional_db):
    make.organisation()
    rep, other = make.rep("rep"), make.rep("other")
    make.rules(make.round_robin(make.pool(rep, other)))
    lead = make.routed(make.lead())
    asked_at = make.MONDAY_9AM + timedelta(seconds=1)
    # The manager lets the rep go; while that waits for its locks, one more lead comes.
    work.give_to(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        rep_id=other.pk if lead.owner == rep else rep.pk,
        reason_code="CORRECTED",
        reason="by hand",
        by=None,
        at=asked_at + timedelta(milliseconds=5),
        driver="test",
    )
    lead.refresh_from_db()

    people.deactivate(
        rep=lead.owner, reason="left", by=lead.responsible, at=asked_at, driver="test"
    )

    lead.refresh_from_db()
    assert lead.place == Lead.Place.QUEUE
    assert scene.violations(("I16", *scene.OWNERSHIP, *scene.TRAIL)) == {}
