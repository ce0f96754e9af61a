"""A decision run again gives the same bytes, whatever has changed since."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps.models import AuditEvent
from reps.models.tracked import bulk_writer
from reps.services import people
from routing.dispatch import batch, inputs, replay, snapshot
from routing.engine import codec
from routing.models import Batch, Decision, PersonalFacts, RosterSnapshot, Rule
from routing.rules import lifecycle
from tests import make, tamper

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


# --- Held against its digests ----------------------------------------------------------------


def test_an_untouched_decision_agrees_and_nothing_is_altered(decided):
    for one in decided:
        found = replay.check(one)

        assert (found.same_engine, found.agrees, found.sealed) == (True, True, True)
        assert (found.altered, found.differences) == ((), ())


def test_the_seal_of_a_decision_is_in_the_audit_trail(decided):
    waiting = make.lead()
    make.rules({"name": "Nobody", "path": {"target": {"kind": "account_owner"}}})
    sealed = {one.lead_id: one.inputs_digest for one in decided}
    sealed[waiting.pk] = make.routed(waiting).decisions.get().inputs_digest

    for lead, seal in sealed.items():
        events = AuditEvent.objects.filter(subject="routing.lead", subject_id=lead)
        assert seal in [event.data.get("inputs_digest") for event in events]
    assert len(set(sealed.values())) == len(sealed)


def test_whoever_waits_has_the_seal_in_the_trail_too():
    make.organisation()
    pool = make.pool(make.rep("ann", capacity=1))
    make.rules(make.round_robin(pool, on_empty="wait"))
    make.routed(make.lead())

    parked = make.routed(make.lead()).decisions.get()

    event = AuditEvent.objects.get(kind="parked", subject_id=parked.lead_id)
    assert parked.outcome == "park"
    assert event.data["inputs_digest"] == parked.inputs_digest != ""


def test_every_altered_input_is_named(decided):
    last = decided[-1]
    Decision.objects.filter(pk=last.pk).update(facts={**last.facts, "country": "ZZ"})
    PersonalFacts.objects.filter(decision=last).update(facts={"title": "Intern"})
    Batch.objects.update(counters=last.batch.counters.replace('"turn":[', '"turn":[ '))
    RosterSnapshot.objects.update(body=last.batch.roster.body.replace("1000", "999"))
    with bulk_writer("test"):
        Rule.objects.filter(ruleset=last.batch.ruleset_id).update(condition={"any": []})

    found = replay.check(Decision.objects.get(pk=last.pk))

    assert found.altered == ("roster", "counters", "rules", "facts", "personal_facts")


def test_an_answer_before_it_that_was_altered_is_noticed(decided):
    first, second = decided[0], decided[1]
    body = json.loads(first.body)
    body["rep"] = second.rep_id if second.rep_id != first.rep_id else 999
    Decision.objects.filter(pk=first.pk).update(body=codec.canonical(body).decode())

    assert replay.check(Decision.objects.get(pk=first.pk)).altered == ("answer",)
    assert replay.check(Decision.objects.get(pk=second.pk)).altered == ("order",)


def test_another_answer_of_the_same_engine_is_listed_part_by_part(decided):
    one = decided[0]
    body = json.loads(one.body)
    was = body["runner_up"]
    body["runner_up"] = 999
    Decision.objects.filter(pk=one.pk).update(body=codec.canonical(body).decode())

    found = replay.check(Decision.objects.get(pk=one.pk))

    assert (found.same_engine, found.agrees) == (True, False)
    assert found.differences == (replay.Difference("runner_up", 999, was),)


def test_an_answer_of_another_engine_is_compared_in_what_both_of_them_tell(decided):
    one = decided[0]
    body = json.loads(one.body)
    body.update(engine="0", eligible=[1, 2])
    del body["charges"]
    Decision.objects.filter(pk=one.pk).update(body=codec.canonical(body).decode())
    same = replay.check(Decision.objects.get(pk=one.pk))
    body["strategy"] = "first"
    Decision.objects.filter(pk=one.pk).update(body=codec.canonical(body).decode())
    other = replay.check(Decision.objects.get(pk=one.pk))

    assert (same.same_engine, same.agrees, same.differences) == (False, True, ())
    assert (other.same_engine, other.agrees) == (False, False)
    assert other.differences == (replay.Difference("strategy", "first", "round_robin"),)


def test_erased_facts_are_no_alteration(decided):
    PersonalFacts.objects.filter(decision=decided[0]).delete()

    found = replay.check(decided[0])

    assert (found.agrees, found.erased, found.altered) == (None, True, ())


def test_a_decision_from_before_there_were_seals_is_told_apart(decided):
    forget_seals()

    found = replay.check(Decision.objects.get(pk=decided[0].pk))

    assert (found.sealed, found.agrees, found.altered) == (False, True, ())


def forget_seals():
    """Leave the decisions as an earlier release wrote them."""
    Decision.objects.update(inputs_digest="", facts_digest="")
    Batch.objects.update(counters_digest="", rules_digest="")
    for event in AuditEvent.objects.filter(data__has_key="inputs_digest"):
        event.data.pop("inputs_digest")
        tamper.run(
            "UPDATE reps_auditevent SET data = %s WHERE id = %s", json.dumps(event.data), event.pk
        )


def test_something_that_cannot_be_read_is_no_answer_and_no_crash(decided):
    Decision.objects.filter(pk=decided[0].pk).update(body="{")
    RosterSnapshot.objects.update(body="[]")

    for one in Decision.objects.all():
        assert replay.check(one).agrees is None


def test_the_facts_of_a_decision_have_one_digest_whatever_kept_them():
    kept = {"employees": 120.0, "revenue": 1e16, "place": [52.5, -0.0], "tags": ("a", 1)}
    back = {"tags": ["a", 1], "place": [52.5, 0], "revenue": 10**16, "employees": 120}

    assert inputs.of_facts(kept) == inputs.of_facts(back)
    assert inputs.of_facts(kept) != inputs.of_facts({**back, "employees": 121})


def test_looking_at_many_costs_no_more_than_looking_at_one(decided):
    with CaptureQueriesContext(connection) as one:
        inputs.altered(decided[:1])
    with CaptureQueriesContext(connection) as all_of_them:
        inputs.altered(decided)

    assert len(all_of_them) == len(one)


def test_the_command_checks_and_fails_where_something_is_amiss(decided):
    one, out = decided[0], StringIO()
    call_command("explain", one.lead_id, check=True, stdout=out)
    assert out.getvalue() == "Run again just now: the same answer.\n"

    PersonalFacts.objects.filter(decision=one).update(facts={"title": "Intern"})
    out = StringIO()
    with pytest.raises(CommandError, match="is not what it was"):
        call_command("explain", one.lead_id, check=True, stdout=out)
    assert "Stored inputs were altered: the personal facts of the lead." in out.getvalue()

    out = StringIO()
    with pytest.raises(CommandError, match="is not what it was"):
        call_command("explain", one.lead_id, check=True, json=True, stdout=out)
    assert json.loads(out.getvalue())["altered"] == ["personal_facts"]


def test_a_shadow_decision_repeats_too_and_moves_no_counter():
    make.organisation()
    ann, ben = make.rep("ann"), make.rep("ben")
    make.rules(make.round_robin(make.pool(ann, ben)))
    shadow, live = make.lead(mode="SHADOW"), make.lead()
    batch.route(driver="test", at=AT, due_before=AT)

    first, second = shadow.decisions.get(), live.decisions.get()

    assert first.batch_id == second.batch_id
    # The live one is decided first, though it came later: what moves nothing waits for the end.
    assert (second.rep, first.rep) == (ann, ben)
    assert make.routed(make.lead()).owner == ben
    assert replay.run_again(first).decode() == first.body
    assert replay.run_again(second).decode() == second.body
