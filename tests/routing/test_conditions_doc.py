"""The page on conditions names every operator and every fact, and its examples are right."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings

from routing import engine
from routing.engine.conditions import OPS, Check
from routing.qualify import facts
from routing.rules.rows import OP_WORDS, Row, check_of
from routing.rules.sentences import Names

PAGE = Path(settings.BASE_DIR, "docs/users/conditions.md").read_text()
NAMES = Names()


def table(title: str) -> dict[str, list[str]]:
    """The rows of the table below a heading, by the code in their first cell."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if "| `" in line]
    return {row[0].strip("`"): row for row in rows}


OPERATORS, FACTS = table("Operators"), table("Facts")


def test_every_operator_is_there_in_the_words_of_the_form():
    assert list(OPERATORS) == list(OPS)
    assert {op: row[1] for op, row in OPERATORS.items()} == dict(OP_WORDS)


def test_every_fact_that_is_offered_is_there_with_its_kind():
    assert {name: (row[1], row[2]) for name, row in FACTS.items()} == {
        fact.name: (str(fact.label), fact.kind) for fact in facts.OFFERED
    }


@pytest.mark.parametrize("name", FACTS)
def test_the_example_of_a_fact_is_a_condition_on_it(name):
    parsed = engine.parse(json.loads(FACTS[name][3].strip("`")), facts.KINDS)

    assert isinstance(parsed, Check)
    assert parsed.fact == name


def test_the_examples_use_every_operator_that_has_no_twin():
    used = {engine.parse(json.loads(row[3].strip("`"))).op for row in FACTS.values()}

    assert set(OPS) - used <= {"not_happened", "not_in_hours", "lte"}


@pytest.mark.parametrize("op", [op for op, row in OPERATORS.items() if row[4].startswith("`")])
def test_what_is_typed_becomes_the_json_beside_it(op):
    kind = next(kind for kind in facts.KINDS.values() if kind in OPS[op].kinds)
    fact = next(f.name for f in facts.OFFERED if f.kind == kind and not f.choices)
    typed = OPERATORS[op][4].strip("`")
    written = OPERATORS[op][3].split("`")[1]

    value = check_of(Row(fact, op, typed), NAMES)["value"]

    assert value == json.loads(written)


def test_the_longer_examples_are_right():
    blocks = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    condition, events = (json.loads(block) for block in blocks)

    engine.parse(condition, facts.KINDS)
    assert [event["name"] for event in events] == ["pricing_page", "demo_video"]
