"""
One row of a condition's form: a fact, how it is compared, and a value as it was typed.

What a row says is read into the JSON of a check, and a check is written back into a row.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from routing import engine
from routing.engine import FactKind, InvalidPart
from routing.engine.conditions import OPS, Check, Condition
from routing.qualify import facts
from routing.rules.names import REP_FACTS
from routing.rules.sentences import OP_WORDS, Names, value_words
from routing.rules.typed import (
    NotUnderstood,
    read_circle,
    read_happening,
    read_week,
    read_while,
)

LIST_OPS = ("in", "not_in", "has_any", "has_none", "prefix", "matches_domain")
# Ops whose value is written in words of its own.
TYPED_OPS = {
    "happened": read_happening,
    "not_happened": read_happening,
    "within_km": read_circle,
    "in_hours": read_week,
    "not_in_hours": read_week,
}
EXAMPLES: Mapping[str, str] = {
    "events": "pricing_page 3 times within 2 days",
    "point": "25 km of 94105",
    "time": "mon-fri 09:00-17:00 America/New_York",
}
# What a value looks like, by op; shown below its field.
HINTS: Mapping[str, str] = {
    "eq": "One value.",
    "ne": "One value.",
    "in": "Several with commas, e.g. DE, AT, CH.",
    "not_in": "Several with commas, e.g. DE, AT, CH.",
    "gt": "A number, e.g. 500.",
    "gte": "A number, e.g. 500.",
    "lt": "A number, e.g. 500.",
    "lte": "A number, e.g. 500.",
    "between": "Two numbers, e.g. 50 and 500.",
    "contains": "A part of it.",
    "has_any": "Several with commas; one of them is enough.",
    "has_none": "Several with commas.",
    "prefix": "Beginnings with commas, e.g. 941, 942.",
    "matches_domain": "Domains with commas, e.g. acme.com; what is below them counts too.",
    "happened": "E.g. pricing_page 3 times within 2 days.",
    "not_happened": "E.g. demo within 1 day.",
    "within_km": "E.g. 25 km of 94105, or 40 km of 48.86, 2.35 (Paris).",
    "in_hours": "E.g. mon-fri 09:00-17:00 America/New_York.",
    "not_in_hours": "E.g. mon-fri 09:00-17:00 America/New_York.",
    "empty": "",
    "not_empty": "",
}
_A_WHILE = "A length of time, e.g. 15 minutes."
# The same for a fact that is a length of time.
WHILE_HINTS: Mapping[str, str] = {
    **dict.fromkeys(("eq", "ne", "gt", "gte", "lt", "lte"), _A_WHILE),
    "between": "Two lengths of time, e.g. 1 minute and 2 hours.",
}
MOST_DIGITS = 19
NO_VALUE = ("empty", "not_empty")
BETWEEN = re.compile(r"\s*(-?[\d.,_ ]*\d)\s*(?:and|to|–|-|;)\s*(-?[\d.,_ ]*\d)\s*")
BETWEEN_WHILES = re.compile(r"\s*(.+?)\s+(?:and|to)\s+(.+?)\s*")
YES = ("yes", "true", "1", "on")
NO = ("no", "false", "0", "off")


def small_number(text: str) -> int | None:
    """Read the number of a row or a block as a form posts it; None for anything else."""
    return int(text) if text.isdecimal() and len(text) < 4 else None


class RowRefused(ValueError):
    """A row cannot be understood; the message is for who typed it."""


@dataclass
class Row:
    """One line of the form: as typed, with what is wrong about it."""

    fact: str = ""
    op: str = ""
    value: str = ""
    error: str = ""
    # Just added by a button: the page puts the cursor there.
    is_new: bool = field(default=False, compare=False)

    @property
    def is_blank(self) -> bool:
        return not self.fact and not self.value

    @property
    def hint(self) -> str:
        """What a value looks like here."""
        if self.op not in HINTS:
            return ""
        known = facts.BY_NAME.get(self.fact)
        if known and known.unit == "seconds":
            return WHILE_HINTS.get(self.op, HINTS[self.op])
        return HINTS[self.op]


def check_of(
    row: Row, names: Names, *, kinds: Mapping[str, FactKind] = facts.KINDS
) -> dict[str, Any]:
    """
    Read one row.

    :raises RowRefused: or InvalidPart, with what to do about it
    """
    kind = kinds.get(row.fact)
    if kind is None:
        raise RowRefused("Choose what to look at.")
    if row.op not in OPS:
        raise RowRefused("Choose how to compare.")
    if kind not in OPS[row.op].kinds:
        fitting = ", ".join(f"“{OP_WORDS[op]}”" for op in engine.ops_for(kind))
        raise RowRefused(f"“{OP_WORDS[row.op]}” does not fit here. Choose one of {fitting}.")
    check: dict[str, Any] = {"fact": row.fact, "op": row.op}
    if row.op not in NO_VALUE:
        check["value"] = _value(row, kind, names)
    engine.parse(check, kinds)
    return check


def _value(row: Row, kind: FactKind, names: Names) -> Any:
    if not row.value:
        raise RowRefused("Fill in a value, or choose “is known” or “is not known”.")
    if row.op in TYPED_OPS:
        try:
            return TYPED_OPS[row.op](row.value)
        except NotUnderstood as error:
            raise RowRefused(str(error)) from error
    if row.op == "between":
        return _between(row)
    if row.op in LIST_OPS:
        parts = [part.strip() for part in row.value.split(",") if part.strip()]
        return [_one(part, row.fact, kind, names) for part in parts]
    return _one(row.value, row.fact, kind, names)


def _between(row: Row) -> list[int | float]:
    is_while = facts.BY_NAME[row.fact].unit == "seconds"
    ends = BETWEEN.fullmatch(row.value)
    if ends is None and is_while:
        ends = BETWEEN_WHILES.fullmatch(row.value)
    if ends is None:
        raise RowRefused("Write two numbers, such as “50 and 500”.")
    return [_number(end, row.fact) for end in ends.groups()]


def _one(text: str, fact: str, kind: FactKind, names: Names) -> Any:
    if kind == "number":
        return _number(text, fact)
    if kind == "boolean":
        if text.casefold() in YES:
            return True
        if text.casefold() in NO:
            return False
        raise RowRefused("Write yes or no.")
    if kind == "id" or (kind == "list" and fact in REP_FACTS):
        return _id(text, fact, names)
    choices = facts.BY_NAME[fact].choices
    if choices:
        for choice in choices:
            if choice.casefold() == text.casefold():
                return choice
        raise RowRefused(f"Choose one of {', '.join(choices)}.")
    return text


def _number(text: str, fact: str) -> int | float:
    plain = text.replace("\u00a0", "").replace(" ", "").replace(",", "").replace("_", "")
    try:
        value = float(plain)
        return int(value) if value == int(value) else value
    except (ValueError, OverflowError) as error:
        if facts.BY_NAME[fact].unit == "seconds":
            return _while(text)
        raise RowRefused("Write a number.") from error


def _while(text: str) -> int:
    try:
        return read_while(text)
    except NotUnderstood as error:
        raise RowRefused(str(error)) from error


def _id(text: str, fact: str, names: Names) -> int:
    wanted = text.casefold()
    found = [pk for pk, name in names.of_fact(fact).items() if name.casefold() == wanted]
    if len(found) == 1:
        return found[0]
    if text.isdecimal() and len(text) < MOST_DIGITS:
        return int(text)
    raise RowRefused(f"Nobody and nothing is called “{text}” here.")


# --- From a check back to a row ---------------------------------------------------------


def row_of(check: Check, names: Names) -> Row:
    if isinstance(check.value, list | tuple) and check.op != "between":
        values = [value_words(Check(check.fact, "eq", value), names) for value in check.value]
        return Row(check.fact, check.op, ", ".join(values))
    return Row(check.fact, check.op, value_words(check, names))


def fits_a_row(check: Check, names: Names) -> bool:
    """Whether a row can hold the check and give it back as it was, in capitals or not."""
    if not facts.BY_NAME[check.fact].offered:
        return False
    try:
        row = row_of(check, names)
        # What an input of a page gives back.
        row.value = row.value.replace("\n", "").strip()
        again = engine.parse(check_of(row, names), facts.KINDS)
    except (RowRefused, InvalidPart):
        return False
    return _folded(again) == _folded(check)


def _folded(condition: Condition) -> Any:
    """What a check asks, however it is spelt: one value or a list of it, in capitals or not."""
    if not isinstance(condition, Check):
        return condition
    value = condition.value
    if condition.op in ("prefix", "matches_domain") and isinstance(value, str):
        value = (value,)
    if isinstance(value, tuple):
        value = tuple(map(_key, value))
    return (condition.fact, condition.op, _key(value))


def _key(value: Any) -> Any:
    if isinstance(value, str):
        return value.casefold()
    return (value,) if isinstance(value, bool) else value


# --- What the page needs -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FactChoice:
    """A fact in the select of a row."""

    name: str
    label: str
    kind: str
    suggestions: Sequence[str]
    unit: str = ""


def fact_choices(
    names: Names, *, kinds: Mapping[str, FactKind] = facts.KINDS
) -> list[tuple[str, list[FactChoice]]]:
    """The facts by group, each with what its value may be."""
    titles = {
        "lead": "The lead",
        "time": "The moment",
        "company": "The company",
        "parent": "The parent company",
        "person": "The person",
        "owner": "Whose it is",
    }
    groups: dict[str, list[FactChoice]] = {}
    for fact in facts.OFFERED:
        if fact.name not in kinds:
            continue
        suggestions: list[str] = list(fact.choices)
        if fact.kind == "boolean":
            suggestions = ["yes", "no"]
        elif fact.kind in EXAMPLES:
            suggestions = [EXAMPLES[fact.kind]]
        elif fact.kind == "id" or fact.name in REP_FACTS:
            suggestions = sorted(names.of_fact(fact.name).values())[:200]
        label = str(fact.label)
        groups.setdefault(titles[fact.group], []).append(
            FactChoice(fact.name, label[:1].upper() + label[1:], fact.kind, suggestions, fact.unit)
        )
    return list(groups.items())


def op_choices() -> list[tuple[str, str, str, str, str]]:
    """(op, words, kinds of fact it fits, hint, hint for a length of time) for a row's select."""
    return [
        (name, OP_WORDS[name], " ".join(sorted(op.kinds)), HINTS[name], WHILE_HINTS.get(name, ""))
        for name, op in OPS.items()
    ]
