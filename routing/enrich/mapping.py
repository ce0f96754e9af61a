"""
From a provider's JSON to fields: a line each, `field = path`. Pure.

A path is names with dots between them; `[0]` takes one of a list and `[]` all: `company.size`,
`offices[0].city`, `tech[].name`. Beside the fields there is `confidence`, from 0 to 1 or in
percent. What is missing, or does not fit its field's kind, is left out and named.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal["text", "number", "list", "boolean"]
CONFIDENCE: Final = "confidence"
LONGEST_TEXT: Final = 200
MOST_IN_LIST: Final = 50
MOST_LINES: Final = 60

_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d*)\]")
_PATH: Final = re.compile(r"(?:[^.\[\]\s]+|\[\d*\])(?:\.[^.\[\]\s]+|\[\d*\])*")
_NUMBER: Final = re.compile(r"\d[\d,.'\u00a0 ]*")
_SCALES: Final = {"k": 1e3, "m": 1e6, "b": 1e9, "bn": 1e9}


class MappingRefused(ValueError):
    """The lines cannot be used; the message names the line and the way out."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """What came of an answer: fields with values, how sure in percent, what did not fit."""

    values: Mapping[str, Any]
    confidence: int | None = None
    problems: tuple[str, ...] = ()


def read_lines(text: str, kinds: Mapping[str, Kind]) -> dict[str, str]:
    """
    Return field → path.

    :raises MappingRefused: with the number of the line
    """
    found: dict[str, str] = {}
    lines = [line.strip() for line in text.splitlines()]
    if len(lines) > MOST_LINES:
        raise MappingRefused(f"Write at most {MOST_LINES} lines.")
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith("#"):
            continue
        field, equals, path = (part.strip() for part in line.partition("="))
        if not equals or not path:
            raise MappingRefused(f"Line {number}: write it as “field = path”.")
        if field != CONFIDENCE and field not in kinds:
            known = ", ".join(sorted(kinds))
            raise MappingRefused(f"Line {number}: there is no field “{field}”. There are: {known}.")
        if field in found:
            raise MappingRefused(f"Line {number}: “{field}” stands in two lines.")
        if not _PATH.fullmatch(path):
            raise MappingRefused(
                f"Line {number}: “{path}” is no path. Write names with dots between them."
            )
        found[field] = path
    if not set(found) - {CONFIDENCE}:
        raise MappingRefused("Name at least one field, such as “employees = company.size”.")
    return found


def written(paths: Mapping[str, str]) -> str:
    """The lines of a mapping, as `read_lines` takes them."""
    return "\n".join(f"{field} = {path}" for field, path in paths.items())


def apply(paths: Mapping[str, str], answer: Any, kinds: Mapping[str, Kind]) -> Mapped:
    """Return what a provider's answer says about the fields; never an exception."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    sure: int | None = None
    for field, path in paths.items():
        raw = at(answer, path)
        if field == CONFIDENCE:
            sure = _percent(raw)
        elif raw is not None and raw != "" and raw != []:
            value = as_kind(raw, kinds[field])
            if value is None:
                problems.append(f"{field}: what stands at {path} is no {kinds[field]}")
            else:
                values[field] = value
    return Mapped(values, sure, tuple(problems))


def at(answer: Any, path: str) -> Any:
    """Return what stands at a path; None if nothing does."""
    found: list[Any] = [answer]
    many = False
    for name, index in _STEP.findall(path):
        if name:
            found = [one.get(name) for one in found if isinstance(one, Mapping)]
        elif index:
            number = int(index[:6])
            found = [one[number] for one in found if isinstance(one, list) and number < len(one)]
        else:
            many = True
            found = [one for row in found if isinstance(row, list) for one in row[:MOST_IN_LIST]]
    found = [one for one in found if one is not None]
    return found if many else (found[0] if found else None)


def as_kind(raw: Any, kind: Kind) -> Any:
    """Return a value as its field keeps it; None if it is none."""
    if kind == "number":
        return _number(raw)
    if kind == "boolean":
        return raw if isinstance(raw, bool) else None
    if kind == "list":
        rows: Sequence[Any] = raw if isinstance(raw, list) else [raw]
        texts = [text for one in rows[:MOST_IN_LIST] if (text := _text(one))]
        return list(dict.fromkeys(texts)) or None
    return _text(raw)


def _text(raw: Any) -> str | None:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    text = "".join(c if c.isprintable() else " " for c in str(raw))
    return " ".join(text.split())[:LONGEST_TEXT] or None


def _number(raw: Any) -> int | float | None:
    """A number, also as "1,200", "2.5M" or the middle of a range such as "51-200"."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int | float):
        return _bounded(raw)
    if not isinstance(raw, str):
        return None
    ends = re.fullmatch(r"\s*([\d,.' ]+)\s*(?:-|–|to)\s*([\d,.' ]+)\s*", raw)
    if ends:
        low, high = _plain_number(ends[1]), _plain_number(ends[2])
        return None if low is None or high is None else _bounded(round((low + high) / 2))
    one = re.fullmatch(r"[\s$€£]*(\d[\d,.' ]*)\s*(k|m|bn?|\+)?\s*[$€£]?\s*", raw, re.IGNORECASE)
    if one is None:
        return None
    value = _plain_number(one[1])
    if value is None:
        return None
    return _bounded(value * _SCALES.get((one[2] or "").lower(), 1))


def _plain_number(text: str) -> float | None:
    bare = re.sub(r"[' ]", "", text)
    # A mark with three figures behind it parts thousands; the last one otherwise is the point.
    bare = re.sub(r"[.,](?=\d{3}(?:\D|$))", "", bare).replace(",", ".")
    try:
        return float(bare)
    except ValueError:
        return None


def _bounded(value: float) -> int | float | None:
    if not math.isfinite(value) or abs(value) > 1e15:
        return None
    return int(value) if float(value).is_integer() else float(value)


def _percent(raw: Any) -> int | None:
    value = _number(raw)
    if value is None or value < 0:
        return None
    return min(100, round(value * 100 if value <= 1 else value))
