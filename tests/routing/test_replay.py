"""A decision run again gives the same bytes, whatever has changed since."""

from datetime import timedelta

import pytest

from reps.services import people
from routing.dispatch import batch, replay, snapshot
from routing.models import Decision, PersonalFacts
from routing.rules import lifecycle
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture
def decided():
    """Five decisions of one batch, each changing the counters of the next."""
    make.organisation(approval_above=100)
    ann, ben = make.rep("ann", capacity=2), make.rep("ben")
    make.rep_skill(ann, make.skill("french"))
    pool = make.pool(ann, ben, weights=(3, 1))
    make.rules(make.round_robin(pool))
    make.leads(5, fields={"title": "CTO", "own_question": "yes"})
    batch.route(driver="test", at=AT, due_before=AT)
    return list(Decision.objects.order_by("place"))


def test_every_decision_of_a_batch_repeats_byte_for_byte(decided):
    assert len({one.batch_id for one in decided}) == 1
    for one in decided:
        assert replay.run_again(one) == one.body.encode()


def test_later_changes_of_people_and_rules_do_not_change_the_past(decided):
    boss = make.user(is_superuser=True)
    for rep in (decided[0].rep, decided[-1].rep):
        people.set_capacity(rep=rep, capacity=77, by=boss, at=AT)
        make.absence(rep, AT - timedelta(days=1), AT + timedelta(days=1))
    people.deactivate(rep=decided[0].rep, reason="left", by=boss, at=AT, driver="test")
    make.rules({"name": "All to nurture", "path": {"target": {"kind": "nurture"}}})
    snapshot.forget()

    for one in decided:
        assert replay.run_again(one) == one.body.encode()


def test_a_roll_back_of_the_rules_does_not_change_the_past(decided):
    boss = make.user(is_superuser=True)
    second = make.rules({"name": "Rest", "path": {"target": {"kind": "nurture"}}})
    lifecycle.roll_back(to=decided[0].batch.ruleset, by=boss, at=AT, reason="Too strict")

    assert second.pk != decided[0].batch.ruleset_id
    assert replay.run_again(decided[-1]) == decided[-1].body.encode()


def test_altered_facts_are_noticed(decided):
    PersonalFacts.objects.filter(decision=decided[0]).update(facts={"title": "Intern"})

    with pytest.raises(replay.FactsAltered):
        replay.run_again(decided[0])


def test_erased_facts_are_named_as_such(decided):
    PersonalFacts.objects.filter(decision=decided[0]).delete()

    with pytest.raises(replay.FactsErased):
        replay.run_again(decided[0])
    # The others of the batch were decided from facts of their own.
    assert replay.run_again(decided[1]) == decided[1].body.encode()


def test_no_personal_fact_lies_with_the_decision(decided):
    for one in decided:
        assert "CTO" not in str(one.facts)
        assert "title" not in one.facts
        assert "email_domain" not in one.facts
        assert "answers" not in one.facts
        assert one.personal.facts["title"] == "CTO"
        assert len(one.personal_digest) == 64


def test_an_altered_answer_is_noticed(decided):
    body = decided[0].body

    assert replay.run_again(decided[0]) != body.replace('"assign"', '"park"').encode()


def test_the_situation_is_the_one_the_engine_saw(decided):
    seen = replay.situation(decided[-1])

    assert seen.at == int(AT.timestamp())
    assert sum(seen.counters.open.values()) == len(decided) - 1


def test_the_long_story_agrees_with_what_was_stored(decided):
    for one in decided:
        assert replay.explain(one).decision.rep == one.rep_id


def test_a_shadow_decision_repeats_too_and_moves_no_counter():
    make.organisation()
    ann, ben = make.rep("ann"), make.rep("ben")
    make.rules(make.round_robin(make.pool(ann, ben)))
    shadow, live = make.lead(mode="SHADOW"), make.lead()
    batch.route(driver="test", at=AT, due_before=AT)

    first, second = shadow.decisions.get(), live.decisions.get()

    assert first.batch_id == second.batch_id
    assert (first.rep, second.rep) == (ann, ann)
    assert replay.run_again(first).decode() == first.body
    assert replay.run_again(second).decode() == second.body
