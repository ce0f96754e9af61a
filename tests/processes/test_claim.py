"""
Several reps reach for the same leads at the same instant; each lead has one winner.

On PostgreSQL the first turns red when `ownership.lock_leads` does not lock, the second when
`work.claim` does not lock the load.
"""

from collections import Counter

import pytest

from routing.models import Assignment, Lead
from tests import make
from tests.processes import scene

pytestmark = [pytest.mark.processes, pytest.mark.races, pytest.mark.django_db(transaction=True)]

PROCESSES = 4
LEADS = 200


def test_every_claimed_lead_has_one_winner_and_the_others_are_told(crew, seed, figures):
    make.organisation()
    reps = [make.rep(f"rep{n}") for n in range(PROCESSES)]
    queue = make.queue(make.pool(*reps), max_unworked=0)
    make.rules({"name": "To the queue", "path": {"target": {"kind": "queue", "id": queue.pk}}})
    scene.waiting_leads(LEADS)
    crew.play(("route_all", {"seed": seed}))
    leads = list(Lead.objects.filter(queue=queue).order_by("pk").values_list("pk", "owner_epoch"))
    assert len(leads) == LEADS

    reports = crew.play(
        *[
            ("claim_all", {"leads": leads, "username": rep.user.username, "place": place})
            for place, rep in enumerate(reps)
        ]
    )

    won = Counter(lead for report in reports for lead in report["won"])
    refused = scene.total(reports, "refused")
    figures(
        attempts=PROCESSES * LEADS,
        won_by_each=[len(report["won"]) for report in reports],
        refused=dict(refused),
    )
    assert scene.errors(reports) == []
    assert won == Counter(dict.fromkeys((pk for pk, _ in leads), 1))
    assert set(refused) <= {"claim: EpochPassed", "claim: ClaimRefused"}
    assert sum(refused.values()) == (PROCESSES - 1) * LEADS
    owners = dict(Lead.objects.values_list("pk", "owner__user__username"))
    for rep, report in zip(reps, reports, strict=True):
        assert {owners[lead] for lead in report["won"]} <= {rep.user.username}
    assert Assignment.objects.filter(reason_code="CLAIMED").count() == LEADS
    assert scene.violations(scene.OWNERSHIP + scene.TRAIL) == {}


def test_two_claims_of_one_rep_at_once_respect_the_limit_of_unworked_claims(crew, seed, figures):
    make.organisation()
    rep = make.rep("rep")
    queue = make.queue(make.pool(rep), max_unworked=3)
    make.rules({"name": "To the queue", "path": {"target": {"kind": "queue", "id": queue.pk}}})
    scene.waiting_leads(40)
    crew.play(("route_all", {"seed": seed}))
    leads = list(Lead.objects.filter(queue=queue).order_by("pk").values_list("pk", "owner_epoch"))

    reports = crew.play(
        *[
            ("claim_all", {"leads": leads[n::PROCESSES], "username": rep.user.username})
            for n in range(PROCESSES)
        ]
    )

    figures(won=scene.total(reports, "done")["claim"])
    assert scene.errors(reports) == []
    assert Lead.objects.filter(owner=rep).count() == 3
