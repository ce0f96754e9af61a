"""The owner order as a pure function: the first claim with somebody to take it decides."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.owners.order import AWAY, GAVE_BACK, LEFT, Claim, answer

DEAL, NAMED, PARENT = (
    Claim(kind, reps)
    for kind, reps in (
        ("opportunity_owner", (1, 2)),
        ("account_owner", (3,)),
        ("parent_account_owner", (4,)),
    )
)
POOL = Claim("pool", (5, 6), pool=9)
LAST = Claim("queue", ends="queue", queue=7)


def test_the_first_claim_decides_and_the_others_are_told_as_not_needed():
    found = answer([DEAL, NAMED], {})

    assert (found.rep, found.by, found.stands_in) == (1, DEAL, False)
    assert [step.became for step in found.steps] == ["decides", "later"]


def test_whoever_stands_in_comes_before_the_next_claim_and_each_step_is_logged():
    found = answer([DEAL, NAMED], {1: AWAY})

    assert (found.rep, found.stands_in) == (2, True)
    assert found.steps[0].passed == ((1, AWAY),)


def test_a_claim_without_anybody_is_passed_with_why():
    found = answer([DEAL, NAMED], {1: LEFT, 2: GAVE_BACK})

    assert found.rep == 3
    assert found.steps[0].became == "passed"
    assert found.steps[0].passed == ((1, LEFT), (2, GAVE_BACK))


def test_a_pool_is_nobody_in_particular_and_a_queue_nobody_at_all():
    assert (answer([POOL], {5: AWAY}).rep, answer([POOL], {5: AWAY}).pool) == (None, 9)
    assert answer([POOL, LAST], {5: LEFT, 6: LEFT}).by == LAST
    assert answer([LAST], {}).pool is None


def test_a_rule_that_waits_waits_for_who_is_away_and_not_for_who_left():
    waits = Claim("account_owner", (3, 4), waits=True)

    assert answer([waits, LAST], {3: AWAY, 4: LEFT}).rep == 3
    assert answer([waits, LAST], {3: LEFT, 4: AWAY}).rep == 4
    assert answer([waits, LAST], {3: LEFT, 4: LEFT}).by == LAST


def test_what_the_order_does_not_ask_for_decides_nothing_and_is_told():
    found = answer([LAST], {}, not_asked=[NAMED])

    assert found.by == LAST
    assert found.steps[-1].became == "not_asked"
    assert answer([], {}, not_asked=[NAMED]).by is None


claims = st.lists(
    st.builds(
        Claim,
        kind=st.sampled_from(["account_owner", "territory_owner"]),
        reps=st.lists(st.integers(1, 6), max_size=3, unique=True).map(tuple),
        pool=st.none() | st.integers(1, 2),
        ends=st.sampled_from(["", "", "", "queue"]),
        waits=st.booleans(),
    ),
    max_size=5,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(claims, st.dictionaries(st.integers(1, 6), st.sampled_from([LEFT, AWAY, GAVE_BACK])))
def test_one_claim_at_most_decides_and_nobody_able_stands_before_it(order, missing):
    found = answer(order, missing)

    became = [step.became for step in found.steps]
    assert became.count("decides") == (found.by is not None)
    assert len(became) == len(order)
    before = became.index("decides") if found.by is not None else len(became)
    for step in found.steps[:before]:
        assert not step.claim.ends
        assert all(rep in missing for rep in step.claim.reps)
    if found.rep is not None:
        assert found.by is not None
        assert found.rep in found.by.reps
        assert missing.get(found.rep) in ((None, AWAY) if found.by.waits else (None,))
