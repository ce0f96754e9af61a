"""
Conditions as rows of a form, and back: no JSON in sight.

A `Sheet` is a tree of blocks: the main block first, then the groups, each after the block that
it stands in. A block says whether all, any or none of what is in it must hold. What a row cannot
hold (an empty group, say, which an import may bring) does not fit, and `Sheet.of` returns None.

Posted fields: `g_match` and `g_parent` once per block, in the order of the blocks; `c_group`,
`c_fact`, `c_op`, `c_value` once per row. Blocks are named by their place, from 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from routing import engine
from routing.engine import FactKind, InvalidPart
from routing.engine.conditions import MAX_DEPTH, All, AnyOf, Check, Condition, Not
from routing.qualify import facts
from routing.rules.rows import (
    FactChoice,
    Row,
    RowRefused,
    check_of,
    fact_choices,
    fits_a_row,
    op_choices,
    row_of,
    small_number,
)
from routing.rules.sentences import Names

__all__ = [
    "MATCHES",
    "Block",
    "FactChoice",
    "Row",
    "RowRefused",
    "Sheet",
    "check_of",
    "fact_choices",
    "op_choices",
    "small_number",
]

MATCHES = (
    ("all", "all of these hold"),
    ("any", "any of these holds"),
    ("none", "none of these holds"),
)


@dataclass
class Block:
    """
    Rows that belong together. `parent` is the place of the block it stands in, `depth` how many
    stand around it, `joined_by` what that block says; the main block has none of them.
    """

    match: str = "all"
    rows: list[Row] = field(default_factory=list)
    parent: int = 0
    depth: int = 0
    joined_by: str = ""


class _DoesNotFit(Exception):
    """A part of a condition that no row and no group can hold."""


@dataclass
class Sheet:
    """A condition as it stands in the form: the main block first, then the groups."""

    blocks: list[Block] = field(default_factory=lambda: [Block()])

    def __post_init__(self) -> None:
        self._settle()

    @property
    def main(self) -> Block:
        return self.blocks[0]

    @property
    def groups(self) -> list[Block]:
        return self.blocks[1:]

    @property
    def has_errors(self) -> bool:
        return any(row.error for block in self.blocks for row in block.rows)

    def children(self, index: int) -> list[int]:
        """The places of the groups that stand right in this block."""
        return [i for i, block in enumerate(self.blocks) if i and block.parent == index]

    def _settle(self) -> None:
        """Bring blocks into the order of the page: each after its parent, with all in it."""
        for index, block in enumerate(self.blocks):
            if not 0 <= block.parent < index:
                block.parent = 0
        order: list[int] = []
        ahead = [0] if self.blocks else []
        while ahead:
            index = ahead.pop()
            order.append(index)
            ahead += reversed(self.children(index))
        for index in order[1:]:
            block, parent = self.blocks[index], self.blocks[self.blocks[index].parent]
            block.depth, block.joined_by = parent.depth + 1, parent.match
        place = {index: number for number, index in enumerate(order)}
        blocks = [self.blocks[index] for index in order]
        for block in blocks:
            block.parent = place[block.parent]
        self.blocks = blocks

    # --- from a stored condition ---------------------------------------------------------

    @classmethod
    def of(cls, condition: Any, names: Names) -> "Sheet | None":
        """Lay a stored condition out; None if rows cannot hold it, or it is unreadable."""
        try:
            parsed = engine.parse(condition, facts.KINDS)
        except InvalidPart:
            return None
        if parsed == All():
            return cls()
        sheet = cls([])
        try:
            sheet._lay(All((parsed,)) if isinstance(parsed, Check) else parsed, 0, names)
        except _DoesNotFit:
            return None
        sheet._settle()
        return None if sheet._deepest() > MAX_DEPTH else sheet

    def _lay(self, part: Condition, parent: int, names: Names) -> None:
        """Add the block of a group, and of all groups in it."""
        match part:
            case Not(AnyOf(parts)):
                block = Block("none", parent=parent)
            case Not(inner):
                block, parts = Block("none", parent=parent), (inner,)
            case AnyOf(parts):
                block = Block("any", parent=parent)
            case All(parts):
                block = Block("all", parent=parent)
            case _:
                raise _DoesNotFit
        if not parts:
            raise _DoesNotFit
        here = len(self.blocks)
        self.blocks.append(block)
        groups = []
        for one in _gathered(parts) if block.match == "all" else parts:
            if not isinstance(one, Check):
                groups.append(one)
            elif fits_a_row(one, names):
                block.rows.append(row_of(one, names))
            else:
                raise _DoesNotFit
        for one in groups:
            self._lay(one, here, names)

    def _deepest(self) -> int:
        """How deep the checks of the condition would be nested; blank rows do not count."""
        deepest = 0
        levels: list[int] = []
        for index, block in enumerate(self.blocks):
            # A group of none is a `not` with an `any` in it.
            level = (levels[block.parent] if index else 0) + (2 if block.match == "none" else 1)
            levels.append(level)
            if any(not row.is_blank for row in block.rows):
                deepest = max(deepest, level)
        return deepest

    # --- from what was posted ------------------------------------------------------------

    @classmethod
    def posted(cls, data: QueryDict) -> "Sheet":
        """Read the rows as they were typed, nothing checked yet."""
        matches = data.getlist("g_match") or ["all"]
        parents = [small_number(text) or 0 for text in data.getlist("g_parent")]
        parents += [0] * (len(matches) - len(parents))
        allowed = [name for name, _ in MATCHES]
        blocks = [
            Block(match if match in allowed else "all", parent=parent)
            for match, parent in zip(matches, parents, strict=False)
        ]
        columns = [data.getlist(f"c_{name}") for name in ("group", "fact", "op", "value")]
        for group, fact, op, value in zip(*columns, strict=False):
            index = small_number(group) or 0
            if index < len(blocks):
                text = value.replace("\x00", "").strip()[:2000]
                blocks[index].rows.append(Row(fact, op, text))
        return cls(blocks)

    def act(self, action: str) -> bool:
        """
        Do what a button of the form says: `row:0` adds a row to a block, `group:0` adds a group
        to it (`group` alone, to the main block), `drop:1:2` removes row 2 of block 1, `cut:1`
        removes block 1 with all in it. Returns whether it was such a button.
        """
        verb, _, rest = action.partition(":")
        numbers = [n for n in map(small_number, rest.split(":")) if n is not None]
        index = numbers[0] if numbers else 0
        if verb not in ("group", "row", "drop", "cut") or index >= len(self.blocks):
            return False
        block = self.blocks[index]
        if verb == "group":
            self.blocks.append(Block("any", [Row(is_new=True)], parent=index))
            self._settle()
        elif verb == "row" and numbers:
            block.rows.append(Row(is_new=True))
        elif verb == "drop" and len(numbers) == 2:
            if numbers[1] < len(block.rows):
                del block.rows[numbers[1]]
            if not block.rows and not self.children(index):
                self._cut(index)
        elif verb == "cut" and numbers:
            self._cut(index)
        else:
            return False
        return True

    def _cut(self, index: int) -> None:
        """Remove a group with all in it; the main block stays."""
        if index == 0:
            return
        end = index + 1
        while end < len(self.blocks) and self.blocks[end].depth > self.blocks[index].depth:
            end += 1
        for block in self.blocks[end:]:
            # Nobody who stays stands in what goes.
            if block.parent >= end:
                block.parent -= end - index
        del self.blocks[index:end]

    def condition(
        self, names: Names, *, kinds: Mapping[str, FactKind] = facts.KINDS
    ) -> dict[str, Any] | None:
        """Return the condition as JSON; None if a row has an error, which then says it."""
        inner: dict[int, list[dict[str, Any]]] = {}
        built: dict[str, Any] | None = None
        # Groups come after what they stand in, so from the last one on all inner parts are there.
        for index in range(len(self.blocks) - 1, -1, -1):
            block = self.blocks[index]
            parts = [*_checks(block, names, kinds), *reversed(inner.get(index, []))]
            built = _joined(block.match, parts)
            if index and built is not None:
                inner.setdefault(block.parent, []).append(built)
        if self._deepest() > MAX_DEPTH:
            deepest = max((b for b in self.blocks if b.rows), key=lambda b: b.depth)
            deepest.rows[0].error = f"This is nested too deep; at most {MAX_DEPTH} levels."
        if self.has_errors:
            return None
        # Without a row there is nothing to fail: it holds for every lead.
        return built or {"all": []}


def _joined(match: str, parts: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not parts:
        return None
    return {"not": {"any": parts}} if match == "none" else {match: parts}


def _gathered(parts: Sequence[Condition]) -> list[Condition]:
    """
    Join what must not hold where it stands side by side: "not a and not b" reads better as one
    group, none of a, b. Two groups that somebody made stay two.
    """
    found: list[Condition] = []
    for part in parts:
        before = found[-1] if found else None
        one, other = _denied(before), _denied(part)
        bare = any(isinstance(p, Not) and isinstance(p.part, Check) for p in (before, part))
        if one and other and bare:
            found[-1] = Not(AnyOf((*one, *other)))
        else:
            found.append(part)
    return found


def _denied(part: Condition | None) -> tuple[Condition, ...]:
    """The checks of which none may hold; empty if the part is something else."""
    if not isinstance(part, Not):
        return ()
    parts = part.part.parts if isinstance(part.part, AnyOf) else (part.part,)
    return parts if all(isinstance(one, Check) for one in parts) else ()


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
