"""
Which column of a file is which field of ours. A mapping is data: YAML in a file, JSON in a row.

    fields:
      name: account                               # field: column
      revenue: {column: revenue, times: 1000000}  # or with more to say
      industry: {column: sector, default: other}
    constants: {country: US}                      # the same for every row
    values:                                       # field: what is written → what is meant
      industry: {technolgy: technology}
    ignore: [notes]                               # columns that must never be read

Every refusal names the key that is wrong.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

MOST_BYTES = 256 * 1024
BASIC_KEYS = frozenset({"fields", "constants", "values", "ignore"})
FIELD_KEYS = frozenset({"column", "default", "times"})


class BadMapping(ValueError):
    """The mapping cannot be used; `key` points at the part, the message says what to do."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}" if key else message)
        self.key = key
        self.message = message


class BadCell(ValueError):
    """A cell cannot be turned into what its field needs."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.message = message


@dataclass(frozen=True, slots=True)
class Field:
    """Where a field comes from: its column, what stands in for an empty cell, a factor."""

    column: str
    default: str = ""
    times: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """The part that every mapping has. `fill` turns a row into fields."""

    fields: Mapping[str, Field]
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()

    def fill(self, cells: Mapping[str, str]) -> dict[str, str]:
        """
        Return the filled fields of a row; empty ones are left out.

        :raises BadCell: if a number is needed and there is none
        """
        found = dict(self.constants)
        for name, place in self.fields.items():
            given = cells[place.column]
            given = self.values.get(name, {}).get(given, given) or place.default
            if given and place.times is not None:
                given = _times(given, place)
            if given:
                found[name] = given
        return found

    def read_columns(self) -> dict[str, str]:
        """Every column that is read, with the key that asks for it."""
        return {place.column: f"fields.{name}" for name, place in self.fields.items()}


def load(text: str | bytes) -> dict[str, Any]:
    """
    Read a mapping file.

    :raises BadMapping: if it is no YAML, or not a mapping
    """
    if len(text) > MOST_BYTES:
        raise BadMapping("", "The mapping file is too large.")
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise BadMapping("", f"The mapping is not valid YAML{place}.") from error
    if not isinstance(data, dict):
        raise BadMapping("", "The mapping must be a list of “key: value” lines.")
    return data


def parse(
    data: Mapping[str, Any], *, known: Collection[str], more: Collection[str] = ()
) -> Columns:
    """
    Check the common part of a mapping: `known` fields, and no key beside it and `more`.

    :raises BadMapping: naming the key
    """
    for key in data:
        if key not in BASIC_KEYS and key not in more:
            raise BadMapping(
                str(key), f"is not understood; known: {', '.join(sorted([*BASIC_KEYS, *more]))}."
            )
    fields = {
        _known(f"fields.{name}", name, known): _field(f"fields.{name}", given)
        for name, given in _object(data, "fields").items()
    }
    constants = {
        _known(f"constants.{name}", name, known): text(f"constants.{name}", given)
        for name, given in _object(data, "constants").items()
    }
    values = {}
    for name, pairs in _object(data, "values").items():
        key = f"values.{name}"
        if name not in fields:
            raise BadMapping(key, "has no line under “fields”.")
        if not isinstance(pairs, dict):
            raise BadMapping(key, "must be pairs of “written: meant”.")
        values[name] = {text(key, old): text(f"{key}.{old}", new) for old, new in pairs.items()}
    return Columns(fields, constants, values, names(data, "ignore"))


def check_columns(wanted: Mapping[str, str], columns: Sequence[str], ignore: Sequence[str]) -> None:
    """
    Refuse a mapping that reads a column which the file has not, or which it must not read.

    :raises BadMapping: naming the key
    """
    for column, key in wanted.items():
        if column in ignore:
            raise BadMapping(key, f"reads “{column}”, which “ignore” says is never to be read.")
        if column not in columns:
            raise BadMapping(
                key, f"the file has no column “{column}”; it has {', '.join(columns)}."
            )
    for column in ignore:
        if column not in columns:
            raise BadMapping("ignore", f"the file has no column “{column}”.")


def text(key: str, value: Any) -> str:
    """
    Return a text or a number as text.

    :raises BadMapping: for anything else
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadMapping(key, "must be a text; put it in quotes.")
    return str(value).strip()


def names(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """A list of columns; one alone may be written without brackets."""
    given = data.get(key) or []
    given = [given] if isinstance(given, str) else given
    if not isinstance(given, list):
        raise BadMapping(key, "must be a list of columns, e.g. [notes, close_date].")
    return tuple(text(key, one) for one in given)


def _object(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    given = data.get(key)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadMapping(key, "must be lines of “name: …”.")
    return given


def _known(key: str, name: Any, known: Collection[str]) -> str:
    if name not in known:
        raise BadMapping(key, f"is no field; known: {', '.join(sorted(known))}.")
    return str(name)


def _field(key: str, given: Any) -> Field:
    if not isinstance(given, dict):
        return Field(_column(key, given))
    for name in given:
        if name not in FIELD_KEYS:
            raise BadMapping(
                f"{key}.{name}", f"is not understood; {', '.join(sorted(FIELD_KEYS))}."
            )
    return Field(
        column=_column(f"{key}.column", given.get("column")),
        default=text(f"{key}.default", given.get("default", "")),
        times=_number(f"{key}.times", given["times"]) if "times" in given else None,
    )


def _column(key: str, given: Any) -> str:
    name = text(key, given) if given is not None else ""
    if not name:
        raise BadMapping(key, "names no column.")
    return name


def _number(key: str, given: Any) -> Decimal:
    try:
        return Decimal(text(key, given))
    except InvalidOperation as error:
        raise BadMapping(key, "must be a number.") from error


def _times(given: str, place: Field) -> str:
    try:
        amount = Decimal(given.replace(",", "")) * (place.times or 1)
    except InvalidOperation as error:
        raise BadCell(place.column, f"“{given}” is not a number.") from error
    if not amount.is_finite():
        raise BadCell(place.column, f"“{given}” is not a number.")
    return format(amount.normalize(), "f")
