"""Golden leads: what passes, what fails and says how, and where their facts come from."""

from datetime import timedelta

import pytest

from routing.engine import InvalidPart
from routing.models import GoldenLead
from routing.rules import golden, lifecycle
from routing.rules.refusals import RulesRefused
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db
BIG = {"fact": "employees", "op": "gte", "value": 500}


@pytest.fixture
def boss():
    make.organisation()
    return make.user("boss", is_superuser=True)


@pytest.fixture
def robin(boss):
    return make.rep("robin")


@pytest.fixture
def pool(robin):
    return make.pool(robin, name="Enterprise")


@pytest.fixture
def queue(boss):
    return make.queue(name="Catch-all")


@pytest.fixture
def draft(pool, queue):
    return make.rules(
        {**make.round_robin(pool), "name": "Big", "condition": BIG},
        {
            "name": "Fallback",
            "path": {"target": {"kind": "queue", "id": queue.pk}},
            "is_fallback": True,
        },
        publish=False,
    )


def add(draft, boss, name="Example", known=None, **expected):
    return golden.save(
        ruleset=draft, golden=None, name=name, known=known or {}, by=boss, at=AT, **expected
    )


def wrong(draft, *, at=AT):
    (result,) = golden.run(draft, at=at)
    return list(result.wrong)


def test_what_is_as_written_passes(draft, boss, robin, pool, queue):
    add(
        draft,
        boss,
        "a",
        {"employees": 900},
        expect_rule="Big",
        expect_outcome="assign",
        expect_rep=robin,
        expect_pool=pool,
    )
    add(draft, boss, "b", {"employees": 9}, expect_outcome="queue", expect_queue=queue)

    results = golden.run(draft, at=AT)

    assert [one.passed for one in results] == [True, True]
    assert [one.got for one in results] == [
        "goes to robin by “Big”",
        "goes to the queue Catch-all by “Fallback”",
    ]
    assert golden.findings(draft, at=AT) == []


def test_each_expectation_that_fails_says_so(draft, boss, robin, pool, queue):
    other = make.pool(make.rep("sam"), name="Other")
    for expected, words in (
        ({"expect_rule": "Fallback"}, "“Fallback” should have decided."),
        ({"expect_outcome": "park"}, "It should be one that waits."),
        ({"expect_rep": make.rep("kim")}, "It should go to kim."),
        ({"expect_pool": other}, "It should go to a member of Other."),
        ({"expect_queue": queue}, "It should go to the queue Catch-all."),
    ):
        row = add(draft, boss, "x", {"employees": 900}, **expected)
        assert wrong(draft) == [words]
        golden.delete(golden=row, by=boss, at=AT)


def test_a_failing_example_refuses_publication_and_is_named(draft, boss, queue):
    add(draft, boss, "Small ones", {"employees": 9}, expect_outcome="assign")
    add(draft, boss, "Big ones", {"employees": 900}, expect_queue=queue)

    with pytest.raises(RulesRefused, match="Small ones") as refused:
        lifecycle.publish(ruleset=draft, by=boss, at=AT)

    assert "Big ones" in str(refused.value)
    assert {finding.code for finding in refused.value.findings} == {"golden_lead"}
    draft.refresh_from_db()
    assert draft.state == "DRAFT"


def test_it_is_decided_from_empty_counters_whoever_is_full_or_away(draft, boss, robin):
    robin.capacity, robin.paused_at, robin.paused_by = 1, AT, boss
    make.saved(robin)
    add(draft, boss, known={"employees": 900}, expect_rep=robin)

    assert wrong(draft) == []


def test_an_example_with_a_moment_is_decided_at_it(boss):
    day = make.calendar(weekly={"mon": [["09:00", "17:00"]]}, time_zone="UTC")
    robin = make.rep("robin", calendar=day)
    stages = [{"do": "filter", "by": "on_shift", "within": 0}]
    draft = make.rules(
        make.round_robin(make.pool(robin), stages=stages, on_empty="wait"), publish=False
    )
    row = add(draft, boss, expect_outcome="park")
    row.at = AT + timedelta(days=7, hours=10)
    make.saved(row)
    assert wrong(draft) == []

    row.at = AT + timedelta(days=7, hours=1)
    make.saved(row)
    assert wrong(draft) == ["It should be one that waits."]


def test_the_territory_is_found_from_the_place(boss):
    robin = make.rep("robin")
    make.territory("North", countries=["DE"], owner=robin)
    draft = make.rules(
        {
            "name": "Territory",
            "condition": {"fact": "territory", "op": "not_empty"},
            "path": {"target": {"kind": "territory_owner"}},
        },
        publish=False,
    )
    add(draft, boss, known={"country": "DE"}, expect_rep=robin)

    assert wrong(draft) == []


@pytest.mark.parametrize(
    "known",
    [{"shoe_size": 5}, {"employees": "many"}, {"hand_raise": "yes"}, {"country": 5}, ["DE"]],
)
def test_facts_that_the_engine_cannot_read_are_refused(draft, boss, known):
    with pytest.raises(InvalidPart):
        add(draft, boss, known=known, expect_outcome="queue")


def test_an_example_that_expects_nothing_is_refused(draft, boss):
    with pytest.raises(RulesRefused, match="expects nothing"):
        add(draft, boss)


def test_a_decision_that_was_right_becomes_an_example_without_anything_personal(boss, pool):
    make.rules({**make.round_robin(pool), "name": "Big", "condition": BIG})
    lead = make.routed(make.lead({"employees": 900, "title": "Head of Secrets"}))
    draft = lifecycle.draft(by=boss, at=AT)

    laid_out = golden.of_decision(lead.decisions.get())
    row = golden.save(ruleset=draft, golden=None, **laid_out, by=boss, at=AT)

    assert row.facts["employees"] == 900
    assert "Head of Secrets" not in str(row.facts)
    assert not {"now", "waited", "title", "email_domain"} & row.facts.keys()
    assert (row.expect_rule, row.expect_pool, row.expect_rep) == ("Big", pool, None)
    assert wrong(draft, at=AT + timedelta(days=3)) == []


def test_a_golden_lead_without_a_moment_asks_the_rules_and_not_the_calendar():
    nine_to_five = make.calendar()
    rep = make.rep(calendar=nine_to_five)
    pool = make.pool(rep)
    draft = make.rules(
        {
            "name": "On shift",
            "path": {
                "target": {"kind": "pool", "id": pool.pk},
                "stages": [{"do": "filter", "by": "on_shift", "within": 0}],
            },
        },
        publish=False,
    )
    night = make.MONDAY_9AM + timedelta(hours=14)
    for name, at in (("Anytime", None), ("At night", night)):
        make.saved(GoldenLead(ruleset=draft, name=name, at=at, expect_rule="On shift"))

    found = {one.golden.name: one.passed for one in golden.run(draft, at=night)}

    assert found == {"Anytime": True, "At night": False}
