"""
Segments: bands of the number of employees, each with the slug of its skill. Pure.

    [{"slug": "small_business", "from": 0, "to": 49},
     {"slug": "enterprise", "from": 501, "to": null}]

Both ends belong to the band; without a `to` it is open. Bands are in order and do not overlap;
whoever falls between two bands has no segment. In a form each is a line: `small_business 0-49`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_BANDS = 20
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_LINE = re.compile(r"(?P<slug>\S+)\s+(?P<lo>\d{1,9})\s*(?:(?:-|–|to)\s*(?P<hi>\d{1,9})?|\+)")


class BandError(ValueError):
    """Bands cannot be used; the message names the one and the way out."""


@dataclass(frozen=True, slots=True)
class Band:
    """From so many employees to so many, both included; without an upper end, and more."""

    slug: str
    lowest: int
    highest: int | None = None

    def holds(self, employees: float) -> bool:
        return self.lowest <= employees and (self.highest is None or employees <= self.highest)


def parse(value: object) -> tuple[Band, ...]:
    """
    Read bands as they are stored.

    :raises BandError: at the first band that cannot be used
    """
    if not isinstance(value, list | tuple):
        raise BandError("Segments must be a list of bands.")
    if len(value) > MOST_BANDS:
        raise BandError(f"At most {MOST_BANDS} segments.")
    bands = tuple(_band(number, raw) for number, raw in enumerate(value, start=1))
    for number, band in enumerate(bands[1:], start=2):
        before = bands[number - 2]
        if before.highest is None or band.lowest <= before.highest:
            raise BandError(f"Segment {number} must begin after segment {number - 1} ends.")
    if len({band.slug for band in bands}) != len(bands):
        raise BandError("Two segments have the same key.")
    return bands


def _band(number: int, raw: object) -> Band:
    if not isinstance(raw, Mapping) or set(raw) - {"slug", "from", "to"}:
        raise BandError(f'Segment {number} must look like {{"slug": "enterprise", "from": 501}}.')
    slug, lowest, highest = raw.get("slug"), raw.get("from", 0), raw.get("to")
    if not isinstance(slug, str) or not _SLUG.fullmatch(slug):
        raise BandError(f"Segment {number} needs a key of a-z, 0-9, _ and -.")
    if not _is_count(lowest) or not (highest is None or _is_count(highest)):
        raise BandError(f"Segment {number}: its ends must be whole numbers of employees.")
    if highest is not None and highest < lowest:
        raise BandError(f"Segment {number} ends before it begins.")
    return Band(slug, lowest, highest)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def of(employees: float | None, bands: Sequence[Band]) -> str | None:
    """Return the slug of the band that a number of employees falls into."""
    if employees is None:
        return None
    return next((band.slug for band in bands if band.holds(employees)), None)


def written(value: object) -> str:
    """Write stored bands as the lines of a form."""
    return "\n".join(
        f"{band.slug} {band.lowest}+"
        if band.highest is None
        else f"{band.slug} {band.lowest}-{band.highest}"
        for band in parse(value)
    )


def read(text: str) -> list[dict[str, Any]]:
    """
    Read the lines of a form as bands to be stored.

    :raises BandError: naming the line that cannot be used
    """
    found: list[dict[str, Any]] = []
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines())), start=1):
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise BandError(f"Line {number} must look like “mid_market 50-500” or “big 501+”.")
        highest = None if parts["hi"] is None else int(parts["hi"])
        found.append({"slug": parts["slug"], "from": int(parts["lo"]), "to": highest})
    parse(found)
    return found
