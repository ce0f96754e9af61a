"""Facts of a lead as rows of a form, "fact, value", and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from routing.engine import InvalidPart
from routing.engine.conditions import Check
from routing.qualify import facts
from routing.rules.builder import Row, RowRefused, check_of, small_number
from routing.rules.sentences import Names, value_words

# What a line of text can say; the rest is kept as it is.
TYPED = ("text", "number", "boolean", "id")
WORDS = ("answers",)
LONGEST = 2000
MOST_SUGGESTIONS = 200
TITLES = {
    "lead": _("The lead"),
    "company": _("The company"),
    "person": _("The person"),
    "owner": _("Whose it is"),
}


def can_be_typed(name: str) -> bool:
    """Whether a row can hold the values of this fact."""
    return facts.KINDS.get(name) in TYPED or name in WORDS


@dataclass(frozen=True, slots=True)
class Choice:
    """A fact in the select of a row, with values to suggest."""

    name: str
    label: str
    suggestions: Sequence[str]


def choices(names: Names) -> list[tuple[str, list[Choice]]]:
    """The facts that can be typed, by group in the order of the registry."""
    groups: dict[str, list[Choice]] = {}
    for fact in facts.ALL:
        if not can_be_typed(fact.name):
            continue
        suggestions: Sequence[str] = fact.choices
        if fact.kind == "boolean":
            suggestions = ("yes", "no")
        elif fact.kind == "id":
            suggestions = sorted(names.of_fact(fact.name).values())[:MOST_SUGGESTIONS]
        label = str(fact.label)
        choice = Choice(fact.name, label[:1].upper() + label[1:], suggestions)
        groups.setdefault(fact.group, []).append(choice)
    return [(str(TITLES.get(group, group.capitalize())), some) for group, some in groups.items()]


@dataclass
class FactSheet:
    """The rows of a form, and the facts that no row can hold, which are kept as they are."""

    rows: list[Row] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, known: Mapping[str, Any], names: Names) -> "FactSheet":
        """Lay facts out, in the order of the registry."""
        sheet = cls(kept={name: value for name, value in known.items() if not can_be_typed(name)})
        for fact in facts.ALL:
            if fact.name in known and can_be_typed(fact.name):
                sheet.rows.append(Row(fact.name, "eq", _text(fact.name, known[fact.name], names)))
        return sheet

    @classmethod
    def posted(cls, data: QueryDict) -> "FactSheet":
        """Read the rows as they were typed, nothing checked yet."""
        pairs = zip(data.getlist("c_fact"), data.getlist("c_value"), strict=False)
        return cls(
            [Row(fact, "eq", text.replace("\x00", "").strip()[:LONGEST]) for fact, text in pairs]
        )

    def act(self, action: str) -> bool:
        """
        Do what a button says: `row` adds one, `drop:2` takes row 2 out. Returns whether it
        was such a button.
        """
        verb, _sep, rest = action.partition(":")
        number = small_number(rest)
        if verb == "row":
            self.rows.append(Row())
        elif verb == "drop" and number is not None and number < len(self.rows):
            del self.rows[number]
        else:
            return False
        return True

    def known(self, names: Names) -> dict[str, Any] | None:
        """Return the facts; None if a row has an error, which then says it."""
        found = dict(self.kept)
        for row in self.rows:
            if row.is_blank:
                continue
            try:
                found[row.fact] = _value(row, names)
            except (RowRefused, InvalidPart) as error:
                row.error = error.message if isinstance(error, InvalidPart) else str(error)
        return None if any(row.error for row in self.rows) else found

    def padded(self) -> "FactSheet":
        """With a row to type into, where there is none."""
        if not self.rows:
            self.rows.append(Row())
        return self


def _value(row: Row, names: Names) -> Any:
    if row.fact in WORDS:
        return sorted(part.strip().casefold() for part in row.value.split(",") if part.strip())
    if not can_be_typed(row.fact):
        raise RowRefused("Choose what is known.")
    return check_of(row, names)["value"]


def _text(name: str, value: Any, names: Names) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return value_words(Check(name, "eq", value), names)
