"""Rules in words, and conditions as rows of a form: both say what the engine does."""

import pytest
from django.http import QueryDict

from routing import engine
from routing.rules import sentences
from routing.rules.builder import Block, Row, RowRefused, Sheet, check_of
from routing.rules.sentences import Names

NAMES = Names(
    pools={3: "Enterprise"},
    queues={4: "Shared"},
    reps={7: "Robin East"},
    teams={2: "East"},
    territories={5: "DACH"},
    skills={"french": "French"},
)
BIG = {"fact": "employees", "op": "gte", "value": 500}
DACH = {"fact": "country", "op": "in", "value": ["DE", "AT"]}
RAISED = {"fact": "hand_raise", "op": "eq", "value": True}
OWNED = {"fact": "account_owner", "op": "not_empty"}
LEADS = [
    {},
    {"employees": 500, "country": "DE"},
    {"employees": 499, "country": "AT", "hand_raise": True},
    {"country": "FR", "account_owner": 7, "hand_raise": False},
    {"employees": 900, "country": "US", "account_owner": 7},
]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"all": []}, ""),
        ({"all": [BIG, DACH]}, "employees is at least 500 and country is one of DE or AT"),
        ({"any": [BIG, RAISED]}, "employees is at least 500 or the person asked to be contacted"),
        ({"not": RAISED}, "the person did not ask to be contacted"),
        ({"fact": "territory", "op": "eq", "value": 5}, "territory is DACH"),
        (
            {"fact": "employees", "op": "between", "value": [50, 500]},
            "employees is between 50 and 500",
        ),
        (
            {"all": [BIG, {"not": {"any": [RAISED, OWNED]}}]},
            "employees is at least 500 and none of these holds: "
            "(the person asked to be contacted or named-account owner is known)",
        ),
        (
            {"fact": "answers", "op": "contains", "value": "plan=pro"},
            "the answer to “plan” is pro",
        ),
    ],
)
def test_a_condition_reads_as_english(condition, words):
    assert sentences.condition_words(condition, NAMES) == words


def test_a_path_reads_as_english():
    path = {
        "target": {"kind": "pool", "id": 3},
        "stages": [
            {"do": "filter", "by": "on_shift", "within": 0},
            {"do": "prefer", "by": "former_owner"},
            {"do": "select", "by": "round_robin"},
        ],
        "on_empty": "wait",
    }

    assert sentences.path_words(path, NAMES) == (
        "give it to the pool Enterprise, in turn, among those who work now, "
        "preferring the former owner; if nobody can take it, it waits"
    )


@pytest.mark.parametrize("kind", list(engine.TARGETS))
def test_every_target_has_words(kind):
    target = {"kind": kind, **({"id": 3} if engine.TARGETS[kind].wants_id else {})}

    assert sentences.path_words({"target": target}, NAMES)


@pytest.mark.parametrize(("do", "by"), list(engine.STAGES))
def test_every_stage_has_words(do, by):
    assert by in sentences.STAGE_WORDS


def test_every_way_to_choose_and_every_comparison_has_words():
    from routing.engine.conditions import OPS

    assert set(sentences.SELECT_WORDS) == set(engine.STRATEGIES)
    assert set(sentences.OP_WORDS) == set(OPS)


def test_what_cannot_be_read_says_so_instead_of_failing():
    assert "cannot be read" in sentences.condition_words({"fact": "gone", "op": "eq"}, NAMES)


@pytest.mark.parametrize(
    "condition",
    [
        {"all": []},
        BIG,
        {"not": BIG},
        {"all": [BIG, DACH]},
        {"any": [BIG, DACH]},
        {"all": [BIG, {"any": [DACH, RAISED]}]},
        {"any": [BIG, {"all": [DACH, OWNED]}]},
        {"all": [BIG, {"not": RAISED}, {"not": {"any": [OWNED, DACH]}}]},
        {"all": [{"any": [{"all": [BIG, DACH]}]}]},
        {"not": {"all": [BIG, {"not": DACH}]}},
        {"not": {"not": {"not": BIG}}},
        {"any": [{"all": [BIG, {"any": [OWNED, {"all": [DACH, {"not": RAISED}]}]}]}, RAISED]},
    ],
)
def test_rows_give_back_a_condition_that_means_the_same(condition):
    sheet = Sheet.of(condition, NAMES)

    again = sheet.condition(NAMES)

    before, after = engine.parse(condition), engine.parse(again)
    for lead in LEADS:
        assert engine.holds(before, lead) == engine.holds(after, lead)


@pytest.mark.parametrize(
    "condition",
    [
        {"any": []},
        {"all": [BIG, {"all": []}]},
        {"all": [{"any": []}]},
        {"not": {"all": []}},
        {"fact": "answer_by", "op": "not_empty"},
        {"fact": "industry", "op": "eq", "value": " Food"},
        {"fact": "industry", "op": "in", "value": ["Food, Drink"]},
    ],
)
def test_what_rows_cannot_hold_is_left_alone(condition):
    assert Sheet.of(condition, NAMES) is None


def test_the_standard_first_rule_fits_into_rows():
    from routing.rules.standard import THRESHOLD

    condition = {
        "all": [
            {"fact": "score", "op": "lt", "value": THRESHOLD},
            {"not": RAISED},
            {"not": {"any": [OWNED]}},
        ]
    }

    sheet = Sheet.of(condition, NAMES)

    assert [row.fact for row in sheet.main.rows] == ["score"]
    assert [(g.match, len(g.rows)) for g in sheet.groups] == [("none", 2)]


def test_typed_rows_become_a_condition():
    data = QueryDict(
        "g_match=all&g_match=any"
        "&c_group=0&c_fact=employees&c_op=gte&c_value=1,000"
        "&c_group=1&c_fact=country&c_op=in&c_value=DE, AT"
        "&c_group=1&c_fact=hand_raise&c_op=eq&c_value=Yes"
        "&c_group=1&c_fact=&c_op=eq&c_value="
    )

    assert Sheet.posted(data).condition(NAMES) == {
        "all": [{"fact": "employees", "op": "gte", "value": 1000}, {"any": [DACH, RAISED]}]
    }


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (Row("employees", "contains", "5"), "does not fit here"),
        (Row("employees", "gte", "many"), "Write a number"),
        (Row("employees", "between", "5"), "two numbers"),
        (Row("hand_raise", "eq", "perhaps"), "yes or no"),
        (Row("tier", "eq", "BOILING"), "HOT, WARM, COLD"),
        (Row("territory", "eq", "Atlantis"), "called “Atlantis”"),
        (Row("country", "eq", ""), "Fill in a value"),
        (Row("gone", "eq", "x"), "what to look at"),
    ],
)
def test_a_row_that_makes_no_sense_says_why(row, words):
    with pytest.raises(RowRefused) as refused:
        check_of(row, NAMES)

    assert words in str(refused.value)


def test_names_stand_for_records():
    assert check_of(Row("territory", "eq", "dach"), NAMES)["value"] == 5
    assert check_of(Row("account_owner", "in", "Robin East"), NAMES)["value"] == [7]


def test_buttons_add_and_take_out_rows():
    sheet = Sheet([Block("all", [Row("score", "gt", "1")])])

    acted = [sheet.act(one) for one in ("row:0", "group", "drop:0:0", "drop:1:0", "nonsense:9")]

    assert acted == [True, True, True, True, False]
    assert [len(block.rows) for block in sheet.blocks] == [1]


# --- Whole paths -------------------------------------------------------------------------


def test_relaxations_a_limited_wait_and_an_experiment_read_as_english():
    path = {
        "target": {"kind": "pool", "id": 3},
        "stages": [
            {
                "do": "filter",
                "by": "language",
                "at_least": 4,
                "relax": [{"after": 1800, "at_least": 3}, {"after": 3600, "drop": True}],
            },
            {"do": "filter", "by": "seniority", "at_least": 3},
            {"do": "prefer", "by": "nearest", "within_km": 50},
            {"do": "select", "by": "least_value"},
        ],
        "on_empty": "wait",
        "wait_at_most": 900,
        "split": {
            "name": "exp-1",
            "percent": 20,
            "path": {"target": {"kind": "agent"}, "on_empty": "next"},
        },
    }

    assert sentences.path_words(path, NAMES) == (
        "give it to the pool Enterprise, whoever has the least value in open leads, "
        "among those with the lead's language at level 4 or better (once it has waited 30 minutes, "
        "among those with the lead's language at level 3 or better; "
        "once it has waited 1 hour, whoever), among those who are senior or above, "
        "preferring the nearest within 50 km; if nobody can take it, "
        "it waits for at most 15 minutes, then the next rule is asked; "
        "but 20 % of the leads, chosen by the experiment “exp-1”, go another way: "
        "give it to an AI agent; if nobody can take it, the next rule is asked"
    )


def test_a_kind_that_words_do_not_know_yet_is_named_rather_than_refused():
    from routing.engine.types import Path, Stage, Target
    from routing.rules.path_words import words_of

    path = Path(
        Target("moon_base"), (Stage("prefer", "tallest"), Stage("select", "by_height")), "next"
    )

    assert words_of(path, NAMES) == (
        "give it to moon base, chosen by by_height, prefer by tallest; "
        "if nobody can take it, the next rule is asked"
    )


def test_an_exception_says_until_when_it_holds():
    from datetime import UTC, datetime

    from routing.models import Rule

    rule = Rule(
        condition=RAISED,
        path={"target": {"kind": "rep", "id": 7}},
        expires_at=datetime(2026, 12, 1, 9, 30, tzinfo=UTC),
    )

    assert sentences.of_rule(rule, NAMES) == (
        "Until 1 December 2026, 09:30 UTC: If the person asked to be contacted, then give it to "
        "Robin East; if nobody can take it, the next rule is asked"
    )
