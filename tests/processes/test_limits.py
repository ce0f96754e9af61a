"""
Several processes give leads to the same reps at the same instants; no limit is exceeded.

On PostgreSQL all turn red when `ownership.lock_loads` does not lock. Claims lock the load before
`change_many` does, so only moves by hand show that it reads limits after that lock: theirs turns
red when it reads them before.
"""

import pytest

from routing.models import Assignment, Lead, Limit
from tests import make
from tests.processes import scene

pytestmark = [pytest.mark.processes, pytest.mark.races, pytest.mark.django_db(transaction=True)]

REPS = 12
CLAIMERS = 4
MANAGERS = 3
ROUTERS = 2
CLAIMED, ROUTED = 200, 60


@pytest.fixture
def floor():
    """A pool of reps, a queue of theirs full of leads, and as many that are to be routed."""
    make.organisation()
    pool = make.pool(*[make.rep(f"rep{n}") for n in range(REPS)])
    queue = make.queue(pool, max_unworked=0)
    make.rules(
        {
            "name": "Germany is claimed",
            "condition": {"fact": "country", "op": "eq", "value": "DE"},
            "path": {"target": {"kind": "queue", "id": queue.pk}},
        },
        make.round_robin(pool, on_empty="wait"),
    )
    scene.waiting_leads(CLAIMED, country="DE")
    scene.route_everything()
    scene.waiting_leads(ROUTED)
    return pool


def queued() -> list[tuple[int, int]]:
    """The leads that wait to be claimed, each with its epoch."""
    rows = Lead.objects.filter(queue__pool__isnull=False)
    leads = list(rows.values_list("pk", "owner_epoch"))
    assert len(leads) == CLAIMED
    return leads


def play(crew, seed, rounds: int) -> list[dict]:
    leads = queued()
    usernames = [f"rep{n}" for n in range(REPS)] * rounds
    return crew.play(
        *[
            (
                "claim_for",
                {"leads": [list(one) for one in leads[n::CLAIMERS]], "usernames": usernames},
            )
            for n in range(CLAIMERS)
        ],
        *[("route_all", {"seed": seed + n, "most": 3}) for n in range(ROUTERS)],
    )


def given() -> list[tuple[int, str]]:
    """Who got a new lead, in the order in which they were counted, and how."""
    rows = Assignment.objects.filter(counts=True, rep__isnull=False).order_by("pk")
    return list(rows.values_list("rep", "reason_code"))


def ways(counted: list[tuple[int, str]]) -> dict[str, int]:
    codes = [code for _rep, code in counted]
    return {code: codes.count(code) for code in sorted(set(codes))}


def test_nobody_gets_more_new_leads_in_a_day_than_they_may(crew, seed, figures, floor):
    make.saved(Limit(pool=floor, kind="flow", most=5, window="DAY", rolling=True))
    deadlocks = scene.deadlocks()

    reports = play(crew, seed, rounds=1)

    counted = given()
    refused = scene.total(reports, "refused")
    figures(given=ways(counted), refused=dict(refused))
    assert scene.errors(reports) == []
    reps = [rep for rep, _ in counted]
    assert {rep: reps.count(rep) for rep in reps} == dict.fromkeys(reps, 5)
    assert len(set(reps)) == REPS
    # The limit was really fought for.
    assert refused["claim: LimitReached"] >= REPS
    assert scene.violations((*scene.OWNERSHIP, "D1", "D2")) == {}
    assert scene.deadlocks() == deadlocks


def test_nobody_is_given_more_by_hand_than_they_may_while_others_claim(crew, seed, figures, floor):
    for member in floor.members.all():
        # Leads that a manager gives come through no pool.
        make.saved(Limit(rep=member.rep, kind="flow", most=5, window="DAY", rolling=True))
    leads = [[lead, epoch] for lead, epoch in queued()]
    usernames, actors = [f"rep{n}" for n in range(REPS)], MANAGERS + 1

    reports = crew.play(
        ("claim_for", {"leads": leads[0::actors], "usernames": usernames}),
        *[
            ("move_to", {"leads": leads[n::actors], "usernames": usernames})
            for n in range(1, actors)
        ],
    )

    counted = given()
    refused = scene.total(reports, "refused")
    figures(given=ways(counted), refused=dict(refused))
    assert scene.errors(reports) == []
    reps = [rep for rep, _ in counted]
    assert {rep: reps.count(rep) for rep in reps} == dict.fromkeys(reps, 5)
    assert len(set(reps)) == REPS
    assert set(ways(counted)) == {"CLAIMED", "CORRECTED"}
    assert refused["move: LimitReached"] >= REPS
    assert scene.violations((*scene.OWNERSHIP, "D1", "D2")) == {}


def test_nobody_gets_more_of_a_tier_than_their_share(crew, seed, figures, floor):
    percent = 15
    share = {"tier": "COLD", "window": "WEEK", "rolling": True}
    make.saved(Limit(pool=floor, kind="tier_share", most=percent, **share))

    reports = play(crew, seed, rounds=4)

    counted = given()
    refused = scene.total(reports, "refused")
    figures(given=ways(counted), refused=dict(refused))
    assert scene.errors(reports) == []
    had: dict[int, int] = {}
    beyond = []
    for everybody, (rep, _code) in enumerate(counted, start=1):
        had[rep] = had.get(rep, 0) + 1
        # Rounded up to whole leads. Who is counted later was seen by none of the earlier ones.
        if had[rep] > -(-everybody * percent // 100):
            beyond.append((rep, had[rep], everybody))
    assert beyond == []
    assert refused["claim: LimitReached"] >= REPS
    assert set(ways(counted)) == {"CLAIMED", "ROUTED"}
    assert scene.violations((*scene.OWNERSHIP, "D1", "D2")) == {}
