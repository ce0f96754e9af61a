"""The story of a decision in plain words: relaxations, experiments, limits, choices, rules."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps.services import people
from routing import checked, story, verdicts, why
from routing.dispatch import batch, inputs
from routing.dispatch.replay import Check, Difference
from routing.engine import STAGES, STRATEGIES, RepSpec, Roster, codec
from routing.engine.eligibility import FLOOR
from routing.engine.explain import SET_ASIDE, Place, RuleStory
from routing.engine.types import Decision as Answer
from routing.models import Limit, PersonalFacts
from routing.rules.names import Names
from tests import make
from tests.clock import travel

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def moment():
    with travel(AT):
        yield


def told(lead, *, me=None, sees_all=True):
    return story.tell(lead, me=me, sees_all=sees_all)


def text(lead, **who):
    one = told(lead, **who)
    return " ".join([one.headline, *one.sentences, *one.passed])


def rule_for(pool, **more):
    path = more.pop("path", {})
    return {**make.round_robin(pool, **path), **more}


# --- No verdict and no part of the answer without words --------------------------------------


def filters():
    return [by for do, by in STAGES if do == "filter"]


def test_every_verdict_of_the_engine_has_words():
    said = {STAGES["filter", by].make.verdict for by in filters()}

    for verdict in {*FLOOR, *said, SET_ASIDE}:
        of_one, of_several = why.VERDICTS[verdict]
        assert str(of_one)
        assert str(of_several)
        assert verdict not in (str(of_one), verdicts.verdict_words("nothing of the kind"))


def test_every_filter_and_preference_has_words():
    assert set(verdicts.ASKED_FOR) == set(filters())
    assert set(verdicts.PREFERRED) == {by for do, by in STAGES if do == "prefer"}


def test_every_part_of_an_answer_and_every_input_has_words():
    assert set(checked.PARTS) == set(codec.decision_to_json(Answer("2", "park")))
    known = {value for name, value in vars(inputs).items() if name.isupper()}
    assert set(checked.ALTERED) == known


NAMES = Names(
    teams={3: "North"}, territories={5: "Bavaria"}, skills={"french": "French", "de": "German"}
)
ROSTER = Roster.of([RepSpec(1, team=3, seniority=1), RepSpec(2)])


@pytest.mark.parametrize(
    ("verdict", "detail", "until", "words"),
    [
        ("away", "paused until further notice", None, "until further notice"),
        ("away", "back at 1", int(AT.timestamp()) + 3600, "until 10:00"),
        ("absent", "back at 1", int(AT.timestamp()) + 86_400, "until Tue 16 Jun, 09:00"),
        ("off_shift", "opens at 1", int(AT.timestamp()) + 3600, "works from 10:00"),
        ("off_shift", "no shift planned", None, "no shift planned"),
        ("before_deadline", "opens at 1", int(AT.timestamp()) + 3600, "works from 10:00"),
        ("daytime", "does not work in the prospect's daytime", None, ""),
        ("team", "team 3, needs team 5", None, "in North"),
        ("territory", "not of territory 5", None, "the lead is of Bavaria"),
        ("seniority", "seniority 1, needs 3", None, "seniority: junior"),
        ("skill", "french 2, needs 4", None, "French at level 2, level 4 is asked"),
        ("language", "french or de 0, needs 1", None, "French or German is asked at level 1"),
        ("segment", "the lead names no segment", None, "the lead names no segment"),
        ("near", "12 km away, at most 10", None, "12 km away, at most 10"),
        ("full", "open 5 of 5", None, "open 5 of 5"),
        (
            "full_flow",
            "3 of 3 leads in the window",
            int(AT.timestamp()) + 3600,
            "3 of 3 leads in the window, room at 10:00",
        ),
        ("full_points", "12 + 3 of 14 points", None, "12 + 3 of 14 points"),
        ("inactive", "switched off", None, ""),
        ("handed_back", "held this lead before", None, ""),
        (SET_ASIDE, "former_owner", None, "the former owner"),
    ],
)
def test_details_are_told_to_people(verdict, detail, until, words):
    said = verdicts.Said(verdict, detail, until)

    found = verdicts.detail_words(said, rep=1, roster=ROSTER, facts={"territory": 5}, names=NAMES)

    assert found == words


# --- Relaxations -----------------------------------------------------------------------------


def relaxing(pool, *relax, **path):
    stage = {"do": "filter", "by": "skill", "skill": "french", "at_least": 4, "relax": list(relax)}
    return make.round_robin(pool, stages=[stage], **path)


@pytest.fixture
def french():
    make.organisation()
    ann, ben = make.rep("ann"), make.rep("ben")
    make.rep_skill(ann, make.skill("french"), 3)
    return make.pool(ann, ben)


def test_a_step_that_was_taken_at_once_is_told_with_what_it_changed(french):
    make.rules(relaxing(french, {"after": 0, "at_least": 3}))

    lines = text(make.routed(make.lead()))

    assert (
        "As strictly as the rule asks, nobody was left (most were without the skill). "
        "As nobody was left, it looked among those with French at level 3 or better: "
        "one rep was left." in lines
    )


def test_a_step_that_is_still_to_come_is_told_with_its_time(french):
    make.rules(relaxing(french, {"after": 1800, "at_least": 3}, {"after": 3600, "drop": True}))
    lead = make.routed(make.lead())

    lines = text(lead)

    assert "found nobody who could take it then, so it waited" in lines
    assert "It was to ask for less at 09:30, and waited for that." in lines


def test_each_step_says_only_what_it_changed(french):
    make.rules(relaxing(french, {"after": 1800, "at_least": 5}, {"after": 3600, "drop": True}))
    lead = make.lead()
    make.routed(lead)
    later = AT + timedelta(hours=1)
    batch.route(driver="test", at=later, due_before=later, only=[lead.pk])

    lines = text(lead)

    assert (
        "Once it had waited 30 minutes, it looked among those with French at level 5 or better: "
        "still nobody (most were without the skill)." in lines
    )
    assert "Once it had waited 1 hour, the skill no longer counted: 2 reps were left." in lines


def test_a_rule_that_was_strict_and_found_somebody_tells_of_no_steps(french):
    make.rep_skill(make.rep("cleo"), make.skill("german"), 5)
    make.rules(make.round_robin(french))

    lines = text(make.routed(make.lead()))

    assert "strictly" not in lines
    assert "2 reps could be asked." in lines


def test_a_rule_passed_over_in_spite_of_its_steps_says_so(french):
    make.rules(relaxing(french, {"after": 0, "at_least": 5}), make.round_robin(french))

    lines = text(make.routed(make.lead()))

    assert (
        f"Rule 1, “To {french}”, matched as well but found nobody, even after it asked for less "
        "(without the skill)." in lines
    )


# --- Experiments, expiry, credit, limits -------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "side"), [(99, "this is one of them"), (1, "the 99 % that go the rule's own way")]
)
def test_an_experiment_says_its_share_and_the_side(percent, side):
    make.organisation()
    pool = make.pool(make.rep("ann"), make.rep("ben"))
    other = {"target": {"kind": "pool", "id": pool.pk}, "stages": []}
    split = {"name": "speed", "percent": percent, "path": other}
    make.rules(make.round_robin(pool, split=split))
    wanted = ":b" if percent == 99 else ":a"
    lead = next(
        lead
        for lead in map(make.routed, make.leads(6))
        if lead.decisions.get().branch.endswith(wanted)
    )

    lines = text(lead)

    assert f"The experiment “speed” sends {percent} % of its leads another way" in lines
    assert side in lines


def test_a_rule_that_has_ended_is_told_of_and_one_that_ends_says_when():
    make.organisation()
    pool = make.pool(make.rep("ann"))
    over, ends = AT - timedelta(days=2), AT + timedelta(days=1)
    make.rules(
        rule_for(pool, name="Fair", expires_at=over),
        rule_for(pool, name="This week", expires_at=ends),
    )
    lead = make.routed(make.lead())

    one = told(lead)

    assert "Rule 1, “Fair”, matched as well but has not held since Sat 13 Jun, 09:00." in one.passed
    assert "This rule is an exception: it holds until Tue 16 Jun, 09:00." in one.sentences
    assert one.rules == [
        ("Rule 1, “Fair”", "fits, but has not held since Sat 13 Jun, 09:00"),
        ("Rule 2, “This week”", "took it"),
    ]


def test_whose_share_was_kept_is_told_to_themselves_and_to_who_sees_all():
    make.organisation()
    boss = make.user(is_superuser=True)
    ann, ben = make.rep("ann"), make.rep("ben")
    pool = make.pool(ann, ben)
    people.pause(rep=ben, until=None, reason="training", by=boss, at=AT)
    make.rules(make.round_robin(pool))
    lead = make.routed(make.lead())

    assert "ben was away for the company and keeps a share of it for later." in text(lead)
    assert "away for the company" not in text(lead, me=ann, sees_all=False)
    assert "so your share of it was kept for you" in text(lead, me=ben, sees_all=False)


def test_a_limit_is_told_in_the_count_and_with_the_rep():
    make.organisation()
    ann, ben = make.rep("ann"), make.rep("ben")
    make.saved(Limit(rep=ann, kind="flow", most=1, window="HOUR", rolling=True))
    make.rules(make.round_robin(make.pool(ann, ben, weights=(5, 1))))
    make.routed(make.lead())
    lead = make.routed(make.lead(), at=AT + timedelta(minutes=10))

    one = told(lead)

    assert lead.owner == ben
    assert (
        "2 reps could be asked; 1 passed every check (1 at their limit of new leads)."
        in one.sentences
    )
    full = next(row for row in one.candidates if row.rep == ann)
    assert (full.verdict, full.state) == ("Enough new leads", "risk")
    assert full.detail == "1 of 1 leads in the window, room at 10:00"


# --- The choice --------------------------------------------------------------------------------


def chosen(strategy, *, me=None, target="pool", standing=(0.6, 0.2)):
    ann, ben = make.rep("ann"), make.rep("ben")
    order = tuple(
        Place(
            place=number,
            rep=rep.pk,
            open=number,
            capacity=9,
            weight=1,
            position=number,
            standing_leads=leads,
        )
        for number, (rep, leads) in enumerate(zip((ann, ben), standing, strict=True), start=1)
    )
    one = RuleStory(1, 1, "R", False, target, None, True, "tried", strategy=strategy, order=order)
    words = story._Words(Names(), {ann.pk: ann, ben.pk: ben}, me={"ann": ann, "ben": ben}.get(me))
    return story._choice(one, words)


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        ("round_robin", "ann was next in turn, owed 0.4 leads more; ben would have been next."),
        ("least_loaded", "ann had the fewest open leads (1); ben would have been next."),
        ("least_value", "ann had the least value in open leads (0); ben would have been next."),
        ("least_utilised", "ann had the most room left (open 1 of 9); ben would have been next."),
        ("performance", "ann had the best results of late (100 %); ben would have been next."),
        ("random", "A fixed draw took ann; ben would have been next."),
        ("predictive", "ann had the best chance to win it; ben would have been next."),
        ("first", "ann was first in the order; ben would have been next."),
    ],
)
def test_every_strategy_says_what_decided(strategy, words):
    assert chosen(strategy) == words


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_strategy_is_without_words_of_its_own(strategy):
    # "First in the order" is what is said where there is nothing else to say.
    assert ("first in the order" in chosen(strategy)) is (strategy == "first")


def test_the_choice_says_you_to_whom_it_concerns():
    assert chosen("round_robin", me="ann") == (
        "You were next in turn, owed 0.4 leads more; ben would have been next."
    )


def test_a_lead_of_turns_too_small_to_print_is_left_out():
    assert chosen("round_robin", standing=(0.5, 0.5)) == (
        "ann was next in turn; ben would have been next."
    )


@pytest.mark.parametrize("mine", [True, False])
def test_an_owner_is_told_as_the_owner_and_a_backup_as_standing_in(mine):
    make.organisation()
    ben = make.rep("ben")
    ann = make.rep("ann", backup=ben)
    account = make.account("Acme Inc", domain="acme.com")
    make.account_owner(account, ann)
    make.rules({"name": "Named", "path": {"target": {"kind": "account_owner"}}})
    first = make.routed(make.lead({"email": "one@acme.com"}))
    people.pause(rep=ann, until=None, reason="", by=ann.user, at=AT)
    second = make.routed(make.lead({"email": "two@acme.com"}))

    assert (first.owner, second.owner) == (ann, ben)
    if mine:
        assert "You own the account." in text(first, me=ann)
        assert "You stand in for ann." in text(second, me=ben)
    else:
        assert "ann owns the account." in text(first)
        assert "ben stands in for ann." in text(second)


def test_a_rule_for_one_rep_and_one_for_a_territory_say_so():
    make.organisation()
    ann, ben = make.rep("ann"), make.rep("ben")
    make.territory("Germany", countries=["DE"], owner=ben)
    make.rules(
        {
            "name": "Named",
            "condition": {"fact": "country", "op": "eq", "value": "FR"},
            "path": {"target": {"kind": "rep", "id": ann.pk}},
        },
        {"name": "Territory", "path": {"target": {"kind": "territory_owner"}}},
    )

    assert "The rule names ann." in text(make.routed(make.lead({"country": "FR"})))
    german = make.routed(make.lead({"country": "DE"}))
    assert "ben owns the territory." in text(german)
    assert told(german).rules[0] == ("Rule 1, “Named”", "does not fit: country is DE")


def test_a_queue_is_named():
    make.organisation()
    queue = make.queue(name="Partners")
    make.rules({"name": "All", "path": {"target": {"kind": "queue", "id": queue.pk}}})

    assert told(make.routed(make.lead())).headline == (
        "Rule 1, “All” sent it to the queue Partners"
    )


# --- Facts, and the look back ------------------------------------------------------------------


def test_facts_are_written_for_people():
    make.organisation()
    place = {"lat": 37.79, "lon": -122.4, "km": 50, "of": "94105"}
    pool = make.pool(make.rep("ann"))
    make.rules(
        rule_for(
            pool,
            condition={
                "all": [
                    {"fact": "now", "op": "not_empty"},
                    {"fact": "location", "op": "within_km", "value": place},
                ]
            },
        )
    )
    lead = make.routed(make.lead({"country": "US", "postal_code": "94105"}))

    matched = dict(told(lead).matched)

    assert matched["the time"] == "2026-06-15 09:00 UTC"
    assert "[" not in matched["place"]


def test_the_look_back_is_one_calm_line(french):
    make.rules(make.round_robin(french))

    one = told(make.routed(make.lead()))

    assert (one.check, one.is_calm) == ("Run again just now: the same answer.", True)


def test_altered_inputs_are_told_and_nothing_is_made_of_them(french):
    make.rules(make.round_robin(french))
    lead = make.routed(make.lead({"title": "CTO"}))
    PersonalFacts.objects.update(facts={"title": "Intern"})

    one = told(lead)

    assert one.check.endswith("Stored inputs were altered: the personal facts of the lead.")
    assert not one.is_calm
    assert one.note.startswith("This decision cannot be run again as it was")
    assert one.sentences == ()


SAME = Check(same_engine=True, agrees=True)
DIFFERS = (Difference("rep", 1, 2), Difference("runner_up", 2, 1))


@pytest.mark.parametrize(
    ("check", "words", "is_calm"),
    [
        (SAME, "Run again just now: the same answer.", True),
        (
            replace(SAME, sealed=False),
            "Run again just now: the same answer. It is from before all its inputs were sealed.",
            True,
        ),
        (
            replace(SAME, same_engine=False),
            "Run again just now by another version of the engine: the same answer.",
            True,
        ),
        (
            replace(SAME, same_engine=False, agrees=False, differences=DIFFERS),
            "Another version of the engine answers otherwise today: who got it, "
            "who would have been next.",
            True,
        ),
        (
            replace(SAME, agrees=False, differences=DIFFERS[:1]),
            "Run again just now it comes out otherwise: who got it.",
            False,
        ),
        (
            replace(SAME, agrees=False),
            "Run again just now it comes out otherwise: how it is written.",
            False,
        ),
        (
            replace(SAME, altered=("roster", "rules")),
            "Run again just now: the same answer. "
            "Stored inputs were altered: the reps as they stood, the rules.",
            False,
        ),
        (replace(SAME, agrees=None), "It cannot be run again.", True),
        (replace(SAME, agrees=None, erased=True), "", True),
    ],
)
def test_what_came_of_the_look_back_is_told(check, words, is_calm):
    assert checked.words(check) == words
    assert checked.is_calm(check) is is_calm


def test_the_story_asks_the_same_of_the_database_however_many_reps():
    make.organisation()
    reps = [make.rep() for _ in range(3)]
    make.rules(make.round_robin(make.pool(*reps)))
    first = make.routed(make.lead())
    make.rules(make.round_robin(make.pool(*reps, *(make.rep() for _ in range(6)))))
    second = make.routed(make.lead())

    with CaptureQueriesContext(connection) as few:
        told(first)
    with CaptureQueriesContext(connection) as many:
        told(second)

    assert len(many) == len(few)
