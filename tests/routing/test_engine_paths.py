"""Paths and rule sets as JSON."""

import pytest

from routing.engine import (
    ConditionError,
    InvalidPart,
    PathError,
    Relaxation,
    RuleSetError,
    Stage,
    Target,
    parse_path,
    parse_ruleset,
    path_to_json,
    ruleset_to_json,
)

POOL = {"kind": "pool", "id": 3}
SKILL = {"do": "filter", "by": "skill", "skill": "french"}
FORMER = {"do": "prefer", "by": "former_owner"}


def relaxed(relax):
    return {"target": POOL, "stages": [SKILL | {"relax": relax}]}


def split(**parts):
    whole = {"name": "exp", "percent": 20, "path": {"target": POOL}}
    return {"target": POOL, "split": whole | parts}


def test_a_path_is_read_with_the_defaults_of_its_stages():
    path = parse_path({"target": POOL, "stages": [SKILL, FORMER]})

    assert path.target == Target("pool", 3)
    assert path.stages[0] == Stage("filter", "skill", {"skill": "french", "at_least": 1})
    assert path.on_empty == "next"


def test_a_relaxation_keeps_the_options_it_does_not_name():
    relax = [{"after": 30, "at_least": 3}, {"after": 60, "drop": True}]
    stage = SKILL | {"at_least": 4, "relax": relax}

    path = parse_path({"target": POOL, "stages": [stage]})

    assert path.stages[0].options == {"skill": "french", "at_least": 4}
    assert path.stages[0].relax == (
        Relaxation(30, {"skill": "french", "at_least": 3}),
        Relaxation(60, None),
    )


def test_a_path_is_written_as_it_was_read():
    data = {
        "target": POOL,
        "stages": [
            {"do": "filter", "by": "skill", "skill_fact": "language", "at_least": 3},
            {"do": "filter", "by": "on_shift", "within": 900},
            {"do": "filter", "by": "team", "id": 7},
            {
                "do": "filter",
                "by": "skill",
                "skill": "saas",
                "at_least": 4,
                "relax": [
                    {"after": 0, "at_least": 3},
                    {"after": 30, "skill": None, "skill_fact": "segment"},
                    {"after": 60, "drop": True},
                ],
            },
            {"do": "filter", "by": "language", "at_least": 1},
            {"do": "filter", "by": "before_deadline"},
            {"do": "filter", "by": "before_deadline", "within": 60},
            {
                "do": "filter",
                "by": "near",
                "within_km": 12.5,
                "relax": [{"after": 9, "within_km": 50}],
            },
            FORMER,
            {"do": "prefer", "by": "nearest"},
            {"do": "prefer", "by": "nearest", "within_km": 100},
            {"do": "prefer", "by": "skill", "skill": "saas", "at_least": 1},
            {"do": "prefer", "by": "on_shift", "within": 0},
            {"do": "select", "by": "least_loaded"},
        ],
        "on_empty": "wait",
        "wait_at_most": 900,
        "split": {
            "name": "exp-1",
            "percent": 20,
            "path": {"target": {"kind": "fast_follow"}, "stages": [], "on_empty": "next"},
        },
    }

    assert path_to_json(parse_path(data)) == data


@pytest.mark.parametrize(
    ("path", "at"),
    [
        ([], ""),
        ({}, "target"),
        ({"target": 3}, "target"),
        ({"target": {}}, "target.kind"),
        ({"target": {"kind": "moon"}}, "target.kind"),
        ({"target": {"kind": "pool"}}, "target.id"),
        ({"target": {"kind": "pool", "id": "3"}}, "target.id"),
        ({"target": {"kind": "pool", "id": True}}, "target.id"),
        ({"target": {"kind": "nurture", "id": 3}}, "target.id"),
        ({"target": POOL, "stages": {}}, "stages"),
        ({"target": POOL, "stages": [3]}, "stages[0]"),
        ({"target": POOL, "stages": [{"do": "sort", "by": "skill"}]}, "stages[0].do"),
        ({"target": POOL, "stages": [{"do": "filter", "by": "mood"}]}, "stages[0].by"),
        ({"target": POOL, "stages": [{"do": "filter", "by": "former_owner"}]}, "stages[0].by"),
        ({"target": POOL, "stages": [{"do": "filter", "by": "skill"}]}, "stages[0].skill"),
        ({"target": POOL, "stages": [SKILL | {"skill": " "}]}, "stages[0].skill"),
        ({"target": POOL, "stages": [SKILL | {"skill_fact": "x"}]}, "stages[0].skill"),
        ({"target": POOL, "stages": [SKILL | {"at_least": 0}]}, "stages[0].at_least"),
        ({"target": POOL, "stages": [SKILL | {"level": 2}]}, "stages[0].level"),
        ({"target": POOL, "stages": [{"do": "filter", "by": "team"}]}, "stages[0].id"),
        (
            {"target": POOL, "stages": [{"do": "filter", "by": "on_shift", "within": -1}]},
            "stages[0].within",
        ),
        ({"target": POOL, "stages": [{"do": "select", "by": "dice"}]}, "stages[0].by"),
        ({"target": POOL, "stages": [FORMER, SKILL]}, "stages[1]"),
        ({"target": POOL, "stages": [{"do": "select", "by": "first"}, FORMER]}, "stages[1]"),
        (
            {
                "target": {"kind": "account_owner"},
                "stages": [{"do": "select", "by": "round_robin"}],
            },
            "stages[0].by",
        ),
        ({"target": {"kind": "queue", "id": 1}, "stages": [SKILL]}, "stages"),
        ({"target": POOL, "on_empty": "drop"}, "on_empty"),
        ({"target": POOL, "wait_at_most": 9}, "wait_at_most"),
        ({"target": POOL, "on_empty": "wait", "wait_at_most": 0}, "wait_at_most"),
        ({"target": {"kind": "agent", "id": 3}}, "target.id"),
        (relaxed("soon"), "stages[0].relax"),
        (relaxed(3), "stages[0].relax"),
        (relaxed([3]), "stages[0].relax[0]"),
        (relaxed([{"drop": True}]), "stages[0].relax[0].after"),
        (relaxed([{"after": -1, "drop": True}]), "stages[0].relax[0].after"),
        (relaxed([{"after": 1}]), "stages[0].relax[0]"),
        (relaxed([{"after": 1, "at_least": 1}]), "stages[0].relax[0]"),
        (relaxed([{"after": 1, "at_least": 0}]), "stages[0].relax[0].at_least"),
        (relaxed([{"after": 1, "colour": 1}]), "stages[0].relax[0].colour"),
        (relaxed([{"after": 1, "skill_fact": "x"}]), "stages[0].relax[0].skill"),
        (relaxed([{"after": 1, "drop": True, "at_least": 2}]), "stages[0].relax[0].drop"),
        (relaxed([{"after": 1, "drop": 1}]), "stages[0].relax[0].drop"),
        (
            relaxed([{"after": 2, "at_least": 2}, {"after": 2, "drop": True}]),
            "stages[0].relax[1].after",
        ),
        (
            relaxed([{"after": 2, "drop": True}, {"after": 3, "at_least": 2}]),
            "stages[0].relax[1]",
        ),
        (
            {"target": POOL, "stages": [FORMER | {"relax": [{"after": 1, "drop": True}]}]},
            "stages[0].relax",
        ),
        ({"target": POOL, "stages": [{"do": "filter", "by": "seniority"}]}, "stages[0].at_least"),
        (
            {"target": POOL, "stages": [{"do": "filter", "by": "seniority", "at_least": 5}]},
            "stages[0].at_least",
        ),
        ({"target": POOL, "stages": [{"do": "filter", "by": "near"}]}, "stages[0].within_km"),
        (
            {"target": POOL, "stages": [{"do": "filter", "by": "near", "within_km": "9"}]},
            "stages[0].within_km",
        ),
        (
            {"target": POOL, "stages": [{"do": "prefer", "by": "nearest", "within_km": -1}]},
            "stages[0].within_km",
        ),
        ({"target": POOL, "split": 3}, "split"),
        (split(name=" "), "split.name"),
        (split(name="x" * 61), "split.name"),
        (split(percent=101), "split.percent"),
        (split(percent=0.5), "split.percent"),
        (
            split(path={"target": POOL, "stages": [SKILL | {"at_least": 0}]}),
            "split.path.stages[0].at_least",
        ),
        (split(path={"target": {"kind": "moon"}}), "split.path.target.kind"),
        (split(path=split()), "split.path.split"),
        (split(colour=1), "split.colour"),
        ({"target": POOL, "else": "wait"}, "else"),
    ],
)
def test_a_refusal_points_at_the_offending_part(path, at):
    with pytest.raises(PathError) as caught:
        parse_path(path)

    assert caught.value.path == at
    assert caught.value.message


RULE = {
    "id": 1,
    "position": 10,
    "name": "French",
    "condition": {"fact": "country", "op": "eq", "value": "FR"},
    "path": {"target": POOL, "stages": [], "on_empty": "next"},
    "fallback": False,
}


def test_a_rule_set_is_written_as_it_was_read():
    data = {"id": 4, "version": 2, "rules": [RULE, RULE | {"id": 2, "fallback": True, "until": 99}]}

    assert ruleset_to_json(parse_ruleset(data)) == data


@pytest.mark.parametrize(
    ("rules", "error", "at"),
    [
        ([RULE | {"id": "1"}], RuleSetError, "rules[0].id"),
        ([RULE, RULE], RuleSetError, "rules[1].id"),
        ([RULE | {"fallback": 1}], RuleSetError, "rules[0].fallback"),
        ([RULE | {"until": "soon"}], RuleSetError, "rules[0].until"),
        (
            [RULE | {"path": {"target": POOL, "split": {"name": 3}}}],
            PathError,
            "rules[0].path.split.name",
        ),
        ([RULE | {"colour": 1}], RuleSetError, "rules[0].colour"),
        ([RULE | {"condition": {"all": [3]}}], ConditionError, "rules[0].condition.all[0]"),
        ([RULE | {"condition": 3}], ConditionError, "rules[0].condition"),
        ([RULE | {"path": {"target": {"kind": 1}}}], PathError, "rules[0].path.target.kind"),
        ("x", RuleSetError, "rules"),
    ],
)
def test_a_refusal_in_a_rule_set_says_which_rule(rules, error, at):
    with pytest.raises(error) as caught:
        parse_ruleset({"id": 1, "version": 1, "rules": rules})

    assert caught.value.path == at
    assert str(caught.value).startswith(at)
    assert isinstance(caught.value, InvalidPart)


def test_facts_are_checked_against_the_registry():
    with pytest.raises(ConditionError, match="unknown fact"):
        parse_ruleset({"id": 1, "version": 1, "rules": [RULE]}, {"employees": "number"})
