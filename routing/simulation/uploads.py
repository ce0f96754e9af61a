"""
A file of leads for a what-if: a column per fact, a row per lead.

Columns are called as facts are (`country`, `employees`, …) or by their label. `at` says when a
lead comes (ISO 8601, UTC if no offset); without it all come at the moment of asking. A row that
cannot be read is left out and kept with what is wrong; the others are simulated.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from accounts.geography import country_code
from reps import tables
from reps.plain import problem_with
from routing.qualify.facts import ALL, Fact

# Rows travel in one JSON column; longer lists belong into an import.
MOST_ROWS = 20_000
MOST_ERRORS = 1_000
MOMENT = "at"
LONGEST = 500
YES, NO = {"true", "yes", "y", "1"}, {"false", "no", "n", "0"}


@dataclass(slots=True)
class Upload:
    """
    Rows ready to be simulated as [number in the file, epoch seconds or None, facts]; what is
    wrong with others as [row, column, message]; columns that mean nothing here.
    """

    name: str
    rows: list[list[Any]] = field(default_factory=list)
    errors: list[list[Any]] = field(default_factory=list)
    broken: int = 0
    unknown: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "rows": self.rows,
            "errors": self.errors[:MOST_ERRORS],
            "broken": self.broken,
            "unknown": self.unknown,
        }


def read(name: str, content: bytes) -> Upload:
    """
    Read a CSV or XLSX file.

    :raises reps.tables.BadFile: if it is no table, names no fact, or has too many rows
    """
    table = tables.read(name, content)
    known, upload = _columns(table), Upload(name=name[:200])
    upload.unknown = [one for one in table.columns if one not in known and not _is_moment(one)]
    if not known:
        raise tables.BadFile(
            f"{name}: no column is called as a fact is, such as country, employees or tier."
        )
    moment = next((one for one in table.columns if _is_moment(one)), None)
    for row in table:
        if len(upload.rows) + upload.broken >= MOST_ROWS:
            raise tables.BadFile(
                f"{name} has more than {MOST_ROWS:,} rows; simulate it in several files."
            )
        _take(upload, row, known, moment)
    return upload


def _take(upload: Upload, row: tables.Row, known: Mapping[str, Fact], moment: str | None) -> None:
    problems = [["", row.problem]] if row.problem else []
    facts: dict[str, Any] = {}
    at = None
    if moment is not None and row.cells[moment]:
        try:
            at = _time(row.cells[moment])
        except ValueError as error:
            problems.append([moment, str(error)])
    for column, fact in known.items():
        text = row.cells[column]
        if not text:
            continue
        try:
            facts[fact.name] = _read(fact, text)
        except ValueError as error:
            problems.append([column, str(error)])
    if problems:
        upload.broken += 1
        upload.errors += [[row.number, *problem] for problem in problems]
    else:
        upload.rows.append([row.number, at, facts])


def _columns(table: tables.Table) -> dict[str, Fact]:
    names = {}
    for fact in ALL:
        names[str(fact.label).casefold()] = fact
    # A name wins over another fact's label.
    names.update({fact.name: fact for fact in ALL})
    found: dict[str, Fact] = {}
    for column in table.columns:
        folded = column.strip().casefold()
        fact = names.get(folded) or names.get(folded.replace(" ", "_"))
        if fact is None or _is_moment(column):
            continue
        if fact in found.values():
            raise tables.BadFile(f"{table.name}: two columns mean “{fact.name}”; leave one out.")
        found[column] = fact
    return found


def _is_moment(column: str) -> bool:
    return column.strip().casefold() == MOMENT


def _read(fact: Fact, text: str) -> Any:
    """One cell in the type of its fact, or a ValueError in plain words."""
    if len(text) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    if problem := problem_with(text):
        raise ValueError(problem)
    if fact.name == "country":
        text = _country(text)
    value = _READERS[fact.kind](text)
    if fact.choices:
        value = next((one for one in fact.choices if one.casefold() == text.casefold()), None)
        if value is None:
            raise ValueError(f"is none of {', '.join(fact.choices)}")
    return value


def _country(text: str) -> str:
    code = country_code(text)
    if not code:
        raise ValueError("is no country")
    return code


def _number(text: str) -> int | float:
    try:
        value = float(text.replace(" ", "").replace(",", ""))
    except ValueError:
        raise ValueError("is no number") from None
    if not math.isfinite(value):
        raise ValueError("is no number")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _id(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise ValueError("is no id; write the number that its page shows")
    return int(text)


def _boolean(text: str) -> bool:
    folded = text.casefold()
    if folded not in YES | NO:
        raise ValueError("is neither yes nor no")
    return folded in YES


def _time(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is no date and time such as 2026-06-15T09:30") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if not 1990 <= moment.year <= 2100:
        raise ValueError("is too far from now")
    return int(moment.timestamp())


def _list(text: str) -> list[Any]:
    parts = [part.strip() for part in text.split(";") if part.strip()]
    return [int(part) if part.isdecimal() and len(part) <= 18 else part for part in parts]


def _point(text: str) -> list[float]:
    parts = text.replace(";", ",").split(",")
    if len(parts) != 2:
        raise ValueError("is no place; write latitude, longitude")
    latitude, longitude = (float(_number(part)) for part in parts)
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise ValueError("is no place; write latitude, longitude")
    return [latitude, longitude]


def _json(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        raise ValueError("is no JSON list such as [[“pricing_page”, 3600]]") from None
    if not isinstance(value, list) or not all(
        isinstance(one, list)
        and len(one) == 2
        and all(isinstance(part, int | float | str) for part in one)
        for one in value
    ):
        raise ValueError("is no JSON list of pairs")
    return value


_READERS: Mapping[str, Callable[[str], Any]] = {
    "text": str,
    "number": _number,
    "id": _id,
    "boolean": _boolean,
    "time": _time,
    "list": _list,
    "point": _point,
    "events": _json,
}
