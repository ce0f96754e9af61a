"""Every page and every reading address opens, on both databases, for whoever may see it."""

import re

import pytest
from django.test import Client

from accounts.models import Territory, TerritoryPlan
from reps.models import Message, Rep, Team
from routing.dedupe import merging, suggest
from routing.disputes import opening
from routing.models import (
    Decision,
    Dispute,
    DuplicatePair,
    Lead,
    MatchReview,
    Merge,
    Pool,
    Prospect,
    Queue,
    RuleSet,
    Source,
    TerritoryStudy,
)
from sla.models import Policy
from tests import make
from tests.project.test_invariants import LATER, lived_in
from tests.project.test_urls import ALL, sample

# What the number in an address of theirs stands for; a lead elsewhere.
OF = {
    "api/v1/decisions": Decision,
    "api/v1/duplicates": DuplicatePair,
    "api/v1/merges": Merge,
    "api/v1/disputes": Dispute,
    "api/v1/match-reviews": MatchReview,
    "api/v1/policies": Policy,
    "api/v1/pools": Pool,
    "api/v1/queues": Queue,
    "api/v1/reps": Rep,
    "api/v1/rulesets": RuleSet,
    "api/v1/sources": Source,
    "api/v1/teams": Team,
    "api/v1/territories": Territory,
    "duplicates": DuplicatePair,
    "disputes": Dispute,
    "outbox": Message,
    "people/reps": Rep,
    "policies": Policy,
    "reviews": MatchReview,
    "pools": Pool,
    "rules": RuleSet,
    "territories/plans": TerritoryPlan,
    "territories/workload": TerritoryStudy,
}


def address(route: str) -> str:
    plain = re.sub(r"[\^$\\]", "", route)
    model = next((model for start, model in OF.items() if plain.startswith(start)), Lead)
    row = model._default_manager.order_by("pk").first()
    return re.sub(r"/1(?=/|$)", f"/{row.pk}" if row else "/1", sample(route))


def some_who_may_be_one() -> None:
    """A pair to decide, and two who were merged."""
    alike = [make.lead({"email": f"{n}@alike.com", "name": "Ann Lee"}) for n in "xy"]
    at = alike[0].received_at
    while suggest.drain(driver="test", due_before=at):
        pass
    assert DuplicatePair.objects.exists()
    one, other = Prospect.objects.exclude(last_name="Lee").order_by("pk")[:2]
    merging.merge(winner_id=one.pk, loser_id=other.pk, by=None, at=at, driver="test")


def contested(rep: Rep) -> None:
    """A match that a person has to decide, and a lead that this rep claims."""
    for name in ("Twin Works", "Twin Works Ltd"):
        make.account(name)
    make.lead({"email": "twin@gmail.com", "company": "Twin Works"}, at=LATER)
    lead = Lead.objects.filter(owner__isnull=False).exclude(owner=rep).order_by("pk")[0]
    opening.contest_lead(
        lead_id=lead.pk,
        claimant=rep,
        ground=Dispute.Ground.WORKED,
        claim="I had it first",
        by=make.user(group="revops"),
        at=LATER,
    )


@pytest.mark.django_db
@pytest.mark.parametrize("group", ["revops", "rep"])
def test_every_page_opens(group, subtests):
    made = lived_in()
    some_who_may_be_one()
    contested(made["ann"])
    people = {"revops": make.user(group="revops"), "rep": made["ann"].user}
    client = Client(raise_request_exception=False)
    client.force_login(people[group])
    opened = []

    for route in ALL:
        # The admin has its own test, and nothing runs here that could be ready.
        if route.startswith(("admin/", "logout", "readyz")):
            continue
        with subtests.test(route):
            answer = client.get(address(route))

            assert answer.status_code < 500, address(route)
            if answer.status_code == 200:
                opened.append(route)
    assert len(opened) > 40, "hardly anything was opened"
