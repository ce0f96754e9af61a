"""
Conditions as rows of a form, and back: no JSON in sight.

A `Sheet` has one main block of rows and any number of groups; each says whether all, any or
none of its rows must hold. What is nested deeper (an import may bring it) does not fit, and
`Sheet.of` returns None for it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from routing import engine
from routing.engine import FactKind, InvalidPart
from routing.engine.conditions import OPS, All, AnyOf, Check, Condition, Not
from routing.qualify import facts
from routing.rules.sentences import OP_WORDS, Names, value_words

MATCHES = (
    ("all", "all of these hold"),
    ("any", "any of these holds"),
    ("none", "none of these holds"),
)
LIST_OPS = ("in", "not_in", "prefix", "matches_domain")
MOST_DIGITS = 19
NO_VALUE = ("empty", "not_empty")
BETWEEN = re.compile(r"\s*(-?[\d.,_ ]*\d)\s*(?:and|to|–|-|;)\s*(-?[\d.,_ ]*\d)\s*")
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

    @property
    def is_blank(self) -> bool:
        return not self.fact and not self.value


@dataclass
class Block:
    """Rows that belong together."""

    match: str = "all"
    rows: list[Row] = field(default_factory=list)


@dataclass
class Sheet:
    """A condition as it stands in the form: the main block first, then the groups."""

    blocks: list[Block] = field(default_factory=lambda: [Block()])

    @property
    def main(self) -> Block:
        return self.blocks[0]

    @property
    def groups(self) -> list[Block]:
        return self.blocks[1:]

    @property
    def has_errors(self) -> bool:
        return any(row.error for block in self.blocks for row in block.rows)

    # --- from a stored condition ---------------------------------------------------------

    @classmethod
    def of(cls, condition: Any, names: Names) -> "Sheet | None":
        """Lay a stored condition out; None if it is nested too deep, or unreadable."""
        try:
            parsed = engine.parse(condition, facts.KINDS)
        except InvalidPart:
            return None
        if isinstance(parsed, Check):
            parsed = All((parsed,))
        if isinstance(parsed, Not):
            parsed = All((parsed,))
        if isinstance(parsed, AnyOf) and not parsed.parts:
            return None
        main = Block("all" if isinstance(parsed, All) else "any")
        groups: list[Block] = []
        for part in parsed.parts:
            if isinstance(part, Check):
                if not _fits_a_row(part):
                    return None
                main.rows.append(_row(part, names))
                continue
            block = _group(part, names)
            if block is None:
                return None
            last = groups[-1] if groups else None
            # "not a and not b" reads better as one group: none of a, b.
            if main.match == "all" and block.match == "none" and last and last.match == "none":
                last.rows += block.rows
            else:
                groups.append(block)
        return cls([main, *groups])

    # --- from what was posted ------------------------------------------------------------

    @classmethod
    def posted(cls, data: QueryDict) -> "Sheet":
        """Read the rows as they were typed, nothing checked yet."""
        matches = data.getlist("g_match") or ["all"]
        allowed = [name for name, _ in MATCHES]
        blocks = [Block(match if match in allowed else "all") for match in matches]
        columns = [data.getlist(f"c_{name}") for name in ("group", "fact", "op", "value")]
        for group, fact, op, value in zip(*columns, strict=False):
            index = small_number(group) or 0
            if index < len(blocks):
                text = value.replace("\x00", "").strip()[:2000]
                blocks[index].rows.append(Row(fact, op, text))
        return cls(blocks)

    def act(self, action: str) -> bool:
        """
        Do what a button of the form says: `row:0` adds a row to a block, `group` adds a
        group, `drop:1:2` removes row 2 of block 1. Returns whether it was such a button.
        """
        verb, _, rest = action.partition(":")
        numbers = [n for n in map(small_number, rest.split(":")) if n is not None]
        if verb == "group":
            self.blocks.append(Block("any", [Row()]))
        elif verb == "row" and numbers and numbers[0] < len(self.blocks):
            self.blocks[numbers[0]].rows.append(Row())
        elif verb == "drop" and len(numbers) == 2 and numbers[0] < len(self.blocks):
            block, index = self.blocks[numbers[0]], numbers[1]
            if index < len(block.rows):
                del block.rows[index]
            if not block.rows and block is not self.main:
                self.blocks.remove(block)
        else:
            return False
        return True

    def condition(
        self, names: Names, *, kinds: Mapping[str, FactKind] = facts.KINDS
    ) -> dict[str, Any] | None:
        """Return the condition as JSON; None if a row has an error, which then says it."""
        parts: list[dict[str, Any]] = _checks(self.main, names, kinds)
        for block in self.groups:
            checks = _checks(block, names, kinds)
            if not checks:
                continue
            if block.match == "none":
                parts.append({"not": {"any": checks}})
            else:
                parts.append({block.match: checks})
        if self.has_errors:
            return None
        if self.main.match == "none" and parts:
            return {"not": {"any": parts}}
        # Without a row there is nothing to fail: it holds for every lead.
        return {"any" if self.main.match == "any" and parts else "all": parts}


def _group(part: Condition, names: Names) -> Block | None:
    match part:
        case Not(Check() as check) if _fits_a_row(check):
            return Block("none", [_row(check, names)])
        case Not(AnyOf(parts)):
            kind = "none"
        case All(parts):
            kind = "all"
        case AnyOf(parts):
            kind = "any"
        case _:
            return None
    if not parts or not all(isinstance(one, Check) and _fits_a_row(one) for one in parts):
        return None
    return Block(kind, [_row(one, names) for one in parts])


def _fits_a_row(check: Check) -> bool:
    """Whether a row can hold the value and give it back as it was."""
    values = check.value if isinstance(check.value, tuple) else (check.value,)
    typed = facts.BY_NAME[check.fact].kind != "list" or all(isinstance(v, str) for v in values)
    return typed and not (isinstance(check.value, tuple) and any("," in str(v) for v in values))


def _row(check: Check, names: Names) -> Row:
    if isinstance(check.value, list | tuple) and check.op != "between":
        called = names.of_fact(check.fact)
        values = [called.get(v, str(v)) if isinstance(v, int) else str(v) for v in check.value]
        return Row(check.fact, check.op, ", ".join(values))
    return Row(check.fact, check.op, value_words(check, names))


def _checks(block: Block, names: Names, kinds: Mapping[str, FactKind]) -> list[dict[str, Any]]:
    found = []
    for row in block.rows:
        if row.is_blank:
            continue
        try:
            found.append(check_of(row, names, kinds=kinds))
        except (RowRefused, InvalidPart) as error:
            row.error = error.message if isinstance(error, InvalidPart) else str(error)
    return found


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
    if row.op == "between":
        ends = BETWEEN.fullmatch(row.value)
        if ends is None:
            raise RowRefused("Write two numbers, such as “50 and 500”.")
        return [_number(end) for end in ends.groups()]
    if row.op in LIST_OPS:
        parts = [part.strip() for part in row.value.split(",") if part.strip()]
        return [_one(part, row.fact, kind, names) for part in parts]
    return _one(row.value, row.fact, kind, names)


def _one(text: str, fact: str, kind: FactKind, names: Names) -> Any:
    if kind == "number":
        return _number(text)
    if kind == "boolean":
        if text.casefold() in YES:
            return True
        if text.casefold() in NO:
            return False
        raise RowRefused("Write yes or no.")
    if kind == "id":
        return _id(text, fact, names)
    choices = facts.BY_NAME[fact].choices
    if choices:
        for choice in choices:
            if choice.casefold() == text.casefold():
                return choice
        raise RowRefused(f"Choose one of {', '.join(choices)}.")
    return text


def _number(text: str) -> int | float:
    plain = text.replace("\u00a0", "").replace(" ", "").replace(",", "").replace("_", "")
    try:
        value = float(plain)
        return int(value) if value == int(value) else value
    except (ValueError, OverflowError) as error:
        raise RowRefused("Write a number.") from error


def _id(text: str, fact: str, names: Names) -> int:
    wanted = text.casefold()
    found = [pk for pk, name in names.of_fact(fact).items() if name.casefold() == wanted]
    if len(found) == 1:
        return found[0]
    if text.isdecimal() and len(text) < MOST_DIGITS:
        return int(text)
    raise RowRefused(f"Nobody and nothing is called “{text}” here.")


# --- What the page needs -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FactChoice:
    """A fact in the select of a row."""

    name: str
    label: str
    kind: str
    suggestions: Sequence[str]


def fact_choices(
    names: Names, *, kinds: Mapping[str, FactKind] = facts.KINDS
) -> list[tuple[str, list[FactChoice]]]:
    """The facts by group, each with what its value may be."""
    titles = {
        "lead": "The lead",
        "company": "The company",
        "person": "The person",
        "owner": "Whose it is",
    }
    groups: dict[str, list[FactChoice]] = {}
    for fact in facts.ALL:
        if fact.name not in kinds:
            continue
        suggestions: list[str] = list(fact.choices)
        if fact.kind == "boolean":
            suggestions = ["yes", "no"]
        elif fact.kind == "id":
            suggestions = sorted(names.of_fact(fact.name).values())[:200]
        label = str(fact.label)
        groups.setdefault(titles[fact.group], []).append(
            FactChoice(fact.name, label[:1].upper() + label[1:], fact.kind, suggestions)
        )
    return list(groups.items())


def op_choices() -> list[tuple[str, str, str]]:
    """(op, words, the kinds of fact it fits) for the select of a row."""
    return [(name, OP_WORDS[name], " ".join(sorted(op.kinds))) for name, op in OPS.items()]
