"""Which rule last month's leads would meet: counted from the facts of their first decisions."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from routing.dispatch import snapshot
from routing.models import Decision, PersonalFacts, RuleSet
from routing.rules import lifecycle, traffic
from routing.rules.traffic import Count
from tests import make

pytestmark = pytest.mark.django_db
AT = make.MONDAY_9AM
LATER = AT + timedelta(hours=1)


def size(least: int) -> dict:
    return {"fact": "employees", "op": "gte", "value": least}


@pytest.fixture
def draft() -> RuleSet:
    """Live, everything goes to one pool; the draft has two overlapping rules above that."""
    pool = make.pool(make.rep("robin"))
    make.rules(make.round_robin(pool))
    author = make.user(is_superuser=True)
    made = lifecycle.draft(by=author, at=AT)
    path = make.round_robin(pool)["path"]
    rules = list(made.rules.order_by("position"))
    for rule in rules:
        rule.position += 2
        make.saved(rule)
    for position, (name, least) in enumerate([("Big", 500), ("Middle", 50)], start=1):
        make.saved(
            rules[0].__class__(
                ruleset=made, position=position, name=name, condition=size(least), path=path
            )
        )
    return made


def count(draft: RuleSet, **more):
    rules = snapshot.read_rules(draft)
    found = traffic.traffic(rules, since=AT - traffic.PERIOD, until=LATER, **more)
    return found, {rule.name: found.of(rule.pk) for rule in draft.rules.all()}


def test_a_rule_fits_leads_and_takes_those_no_rule_before_it_fits(draft):
    for employees in (900, 600, 60, 5):
        make.routed(make.lead({"employees": employees}))

    found, by_name = count(draft)

    assert (found.looked_at, found.is_sample, found.lost) == (4, False, 0)
    assert by_name["Big"] == Count(2, 2)
    assert by_name["Middle"] == Count(3, 1)
    assert by_name["Fallback"] == Count(4, 0)
    assert sum(one.takes for one in by_name.values()) == 4


def test_a_lead_counts_once_by_what_was_known_when_it_was_first_decided(draft):
    lead = make.routed(make.lead({"employees": 60}))
    first = lead.decisions.get()
    again = Decision.objects.get(pk=first.pk)
    again.pk, again.place, again.facts = None, 1, {**first.facts, "employees": 900}
    again.save()

    found, by_name = count(draft)

    assert found.looked_at == 1
    assert (by_name["Big"].matches, by_name["Middle"].takes) == (0, 1)


def test_facts_kept_apart_count_until_they_are_erased(draft):
    rule = draft.rules.get(name="Big")
    rule.condition = {"fact": "title", "op": "contains", "value": "head"}
    make.saved(rule)
    make.routed(make.lead({"title": "Head of Sales"}))
    assert count(draft)[1]["Big"] == Count(1, 1)

    PersonalFacts.objects.all().delete()

    found, by_name = count(draft)
    assert (found.looked_at, by_name["Big"]) == (1, Count())


def test_only_the_period_is_counted(draft):
    make.routed(make.lead({"employees": 900}))
    rules = snapshot.read_rules(draft)

    assert traffic.traffic(rules, since=AT, until=LATER).looked_at == 1
    assert traffic.traffic(rules, since=AT - traffic.PERIOD, until=AT).looked_at == 0
    assert traffic.traffic(rules, since=LATER, until=LATER + traffic.PERIOD).looked_at == 0
    assert traffic.last_month(rules, at=AT + traffic.PERIOD).looked_at == 1
    assert traffic.last_month(rules, at=LATER + traffic.PERIOD).looked_at == 0


def test_of_too_many_leads_the_newest_stand_for_all_and_it_says_so(draft):
    for employees in (5, 60, 900):
        make.routed(make.lead({"employees": employees}))

    found, by_name = count(draft, most=2)

    assert (found.looked_at, found.is_sample) == (2, True)
    assert by_name["Middle"].matches == 2
    assert by_name["Fallback"].matches == 2
    assert not count(draft, most=3)[0].is_sample


def test_a_rule_that_has_ended_takes_nothing(draft):
    make.routed(make.lead({"employees": 900}))
    rule = draft.rules.get(name="Big")
    rule.expires_at = LATER
    make.saved(rule)

    assert count(draft)[1]["Big"] == Count()
    assert count(draft)[1]["Middle"] == Count(1, 1)


def test_counting_is_one_statement_for_any_number_of_leads(draft):
    rules = snapshot.read_rules(draft)

    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            traffic.traffic(rules, since=AT - traffic.PERIOD, until=LATER)
        return len(seen)

    make.routed(make.lead())
    assert statements() == 1
    for lead in make.leads(5):
        make.routed(lead)
    assert statements() == 1
