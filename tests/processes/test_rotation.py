"""Several routers take turns at one desk; the rotation is as even as with one."""

import pytest
from django.db.models import Count

from routing.models import Lead
from tests import make
from tests.processes import scene

pytestmark = [pytest.mark.processes, pytest.mark.races, pytest.mark.django_db(transaction=True)]

PROCESSES = 4
LEADS = 1000


def test_equal_reps_get_equally_many_leads_from_several_routers(crew, seed, figures):
    make.organisation()
    reps = [make.rep(f"rep{n}") for n in range(10)]
    make.rules(make.round_robin(make.pool(*reps)))
    scene.waiting_leads(LEADS)

    reports = crew.play(*[("route_all", {"seed": seed + n}) for n in range(PROCESSES)])

    shares = dict(
        Lead.objects.filter(place=Lead.Place.OWNER)
        .values("owner")
        .annotate(n=Count("pk"))
        .values_list("owner", "n")
    )
    figures(
        by_each_router=[report["routed"] for report in reports],
        fewest=min(shares.values()),
        most=max(shares.values()),
    )
    assert scene.errors(reports) == []
    assert sum(shares.values()) == LEADS
    assert len(shares) == len(reps)
    assert max(shares.values()) - min(shares.values()) <= 1
    assert scene.violations((*scene.OWNERSHIP, "D1", "D2")) == {}


def test_weights_hold_to_the_lead_with_several_routers(crew, seed, figures):
    make.organisation()
    reps = [make.rep(f"rep{n}") for n in range(3)]
    make.rules(make.round_robin(make.pool(*reps, weights=(3, 2, 1))))
    scene.waiting_leads(600)

    reports = crew.play(*[("route_all", {"seed": seed + n}) for n in range(PROCESSES)])

    shares = [Lead.objects.filter(owner=rep).count() for rep in reps]
    figures(shares=shares)
    assert scene.errors(reports) == []
    assert all(abs(got - due) <= 1 for got, due in zip(shares, (300, 200, 100), strict=True))
