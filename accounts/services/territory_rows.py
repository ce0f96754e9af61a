"""
A territory as a row of a file, and back: what export writes, import reads.

Lists are parted by semicolons, ranges are "94000..94999", backups stand in their order, people
are user names, e-mail addresses or full names, further conditions are the JSON of rules.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from accounts.geography import country_code, postal_code
from accounts.models import Territory
from reps.models import Rep
from reps.tables import Row

COLUMNS: Final = (
    "name",
    "description",
    "part_of",
    "countries",
    "regions",
    "postal_prefixes",
    "postal_ranges",
    "industries",
    "employees_min",
    "employees_max",
    "conditions",
    "owner",
    "backups",
    "rank",
    "active",
)
LONGEST_NAME: Final = 120
LONGEST_TEXT: Final = 500
MOST_EMPLOYEES: Final = 2_147_483_647


class BadCell(ValueError):
    """A cell cannot be taken; the message says what is wrong and what to write instead."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


class People:
    """Whom the words of a file mean: one statement, however many rows."""

    def __init__(self) -> None:
        self._by_word: dict[str, list[Rep]] = {}
        for rep in Rep.objects.select_related("user").order_by("pk"):
            user = rep.user
            for word in {user.username, user.email, str(rep)}:
                if word:
                    self._by_word.setdefault(word.casefold(), []).append(rep)

    def find(self, column: str, word: str) -> Rep:
        found = self._by_word.get(word.casefold(), [])
        if not found:
            raise BadCell(
                column, f"“{word}” is nobody here; write a user name as on the page People."
            )
        if len(found) > 1:
            raise BadCell(column, f"Several people are called “{word}”; write the user name.")
        return found[0]


def values_of(row: Row, people: People) -> dict[str, Any]:
    """
    Return what a row says about a territory, by field; columns that are not there are left out.

    :raises BadCell: naming the column and the way out
    """
    found: dict[str, Any] = {}
    for column, read in _READERS.items():
        if column in row.cells:
            found.update(read(column, _unquoted(row.cells[column].strip()), people))
    return found


def _unquoted(text: str) -> str:
    """Without the quote that export sets before what a spreadsheet would run."""
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text


def _parts(text: str, *, also: str = "") -> list[str]:
    parts = (part.strip() for part in re.split(rf"[;\n{also}]", text))
    return list(dict.fromkeys(part for part in parts if part))


def _text(column: str, text: str, people: People) -> dict[str, Any]:
    longest = LONGEST_NAME if column == "name" else LONGEST_TEXT
    if len(text) > longest:
        raise BadCell(column, f"It has {len(text)} characters; write at most {longest}.")
    return {column: text}


def _parent(column: str, text: str, people: People) -> dict[str, Any]:
    return {"parent": text}


def _countries(column: str, text: str, people: People) -> dict[str, Any]:
    codes = []
    for part in _parts(text, also=","):
        code = country_code(part)
        if code is None:
            raise BadCell(column, f"“{part}” is no country that we know; write DE or Germany.")
        codes.append(code)
    return {column: list(dict.fromkeys(codes))}


def _list(column: str, text: str, people: People) -> dict[str, Any]:
    return {column: _parts(text)}


def _prefixes(column: str, text: str, people: People) -> dict[str, Any]:
    parts = _parts(text, also=",")
    for part in parts:
        if not postal_code("", part):
            raise BadCell(column, f"“{part}” has neither letter nor digit; write e.g. 80; 81.")
    return {column: parts}


def read_ranges(text: str) -> list[list[str]]:
    """
    Read postal ranges as people write them: 94000..94999, 94000-94999 or 94000 to 94999.

    :raises ValueError: in words, for what is no range
    """
    found = []
    for part in _parts(text, also=","):
        ends = re.split(r"\s*(?:\.\.+|–|\bto\b)\s*", part)
        if len(ends) == 1:
            ends = part.split("-")
        low, high = (postal_code("", end) for end in ends) if len(ends) == 2 else ("", "")
        if not low or not high:
            raise ValueError(f"“{part}” is no range; write both ends, e.g. 94000..94999.")
        if low > high:
            raise ValueError(f"{low} comes after {high}; write the lower code first.")
        if [low, high] not in found:
            found.append([low, high])
    return found


def write_ranges(ranges: list[list[str]]) -> str:
    """Write postal ranges as `read_ranges` reads them."""
    return "; ".join(f"{low}..{high}" for low, high in ranges)


def _ranges(column: str, text: str, people: People) -> dict[str, Any]:
    try:
        return {column: read_ranges(text)}
    except ValueError as error:
        raise BadCell(column, str(error)) from error


def _number(column: str, text: str, people: People) -> dict[str, Any]:
    least = -MOST_EMPLOYEES if column == "rank" else 0
    if not text:
        return {column: 0 if column == "rank" else None}
    plain = text.replace(",", "").replace("\u202f", "")
    if not re.fullmatch(r"-?[0-9]{1,10}", plain) or not least <= int(plain) <= MOST_EMPLOYEES:
        raise BadCell(column, f"“{text}” is not a whole number; write e.g. 200 or leave it empty.")
    return {column: int(plain)}


def _conditions(column: str, text: str, people: People) -> dict[str, Any]:
    try:
        return {column: json.loads(text) if text else {}}
    except ValueError as error:
        raise BadCell(
            column, "This is no JSON; copy it from an export, or leave it empty and set it here."
        ) from error


def _owner(column: str, text: str, people: People) -> dict[str, Any]:
    return {column: people.find(column, text) if text else None}


def _backups(column: str, text: str, people: People) -> dict[str, Any]:
    found = [people.find(column, part) for part in _parts(text)]
    return {column: list(dict.fromkeys(found))}


def _yes_or_no(column: str, text: str, people: People) -> dict[str, Any]:
    known = {"yes": True, "true": True, "1": True, "": True, "no": False, "false": False}
    known["0"] = False
    if text.casefold() not in known:
        raise BadCell(column, f"“{text}” says neither yes nor no.")
    return {"is_active": known[text.casefold()]}


_READERS: Mapping[str, Callable[[str, str, People], dict[str, Any]]] = {
    "name": _text,
    "description": _text,
    "part_of": _parent,
    "countries": _countries,
    "regions": _list,
    "postal_prefixes": _prefixes,
    "postal_ranges": _ranges,
    "industries": _list,
    "employees_min": _number,
    "employees_max": _number,
    "conditions": _conditions,
    "owner": _owner,
    "backups": _backups,
    "rank": _number,
    "active": _yes_or_no,
}


def cells_of(row: Territory, backups: list[Rep]) -> list[Any]:
    """Return a territory as the cells of `COLUMNS`; `row` is read with parent and owner."""

    def plain(value: int | None) -> Any:
        return "" if value is None else value

    return [
        row.name,
        row.description,
        row.parent.name if row.parent_id else "",
        "; ".join(row.countries),
        "; ".join(row.regions),
        "; ".join(row.postal_prefixes),
        write_ranges(row.postal_ranges),
        "; ".join(row.industries),
        plain(row.employees_min),
        plain(row.employees_max),
        json.dumps(row.conditions, ensure_ascii=False) if row.conditions else "",
        row.owner.user.username if row.owner_id else "",
        "; ".join(rep.user.username for rep in backups),
        row.rank,
        "yes" if row.is_active else "no",
    ]
