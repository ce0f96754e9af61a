"""
Where a postal code lies, and which time zone people keep there.

Pure: a country and a postal code in, a place out, or None where nothing is known; never an
exception. Places are those of the United States (ZIP codes, from the `zipcodes` package, whose
figures come from GeoNames, CC BY 4.0). For other countries there is a time zone if all people
of the country keep about the same (tzdata's zone.tab); they have no point.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import zipcodes

from accounts.geography import country_code, postal_code, region_code

# Countries of their own by ISO that share the ZIP codes of the United States.
WITH_ZIP_CODES = frozenset({"US", "PR", "VI", "GU", "AS", "MP"})
# Zones of one country that lie at most so far apart are told apart by few; the first of
# zone.tab is the most populous then.
ABOUT_THE_SAME = 2 * 3600
# At this moment no zone of the northern half is on summer time.
WINTER = datetime(2026, 1, 15, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """A postal code on the map; `zone` is "" where it is not known."""

    lat: float
    lon: float
    city: str
    state: str
    zone: str


def of(country: str, code: str) -> Place | None:
    """Return the place of a postal code; ZIP+4 counts as its ZIP."""
    if not code or country_code(country) not in WITH_ZIP_CODES:
        return None
    return _zips().get(postal_code("US", code))


def locate(country: str, code: str) -> tuple[float, float] | None:
    """Return (latitude, longitude) in degrees of a postal code."""
    place = of(country, code)
    return None if place is None else (place.lat, place.lon)


def zone_of(country: str, code: str, region: str = "") -> str | None:
    """
    Return the name of the time zone at a postal code, else the one that most of the state
    keeps, else the country's if it is about the same everywhere.
    """
    place = of(country, code)
    if place is not None and place.zone:
        return place.zone
    iso = country_code(country)
    if iso is None:
        return None
    if iso == "US":
        return _states().get(region_code("US", region)) if region else None
    return _zone_of_country(iso)


def states_of(prefix: str) -> frozenset[str]:
    """Return the states in which ZIP codes that begin so lie; none for what no ZIP begins with."""
    return _states_by_beginning().get(prefix[:5], frozenset())


@cache
def _states_by_beginning() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for code, place in _zips().items():
        for length in range(1, 6):
            found.setdefault(code[:length], set()).add(place.state)
    return {beginning: frozenset(states) for beginning, states in found.items()}


@cache
def _zips() -> Mapping[str, Place]:
    """Read every ZIP code once per process: some 40,000, in half a second."""
    found: dict[str, Place] = {}
    # Unlike `list_all`, this leaves no second copy of everything in the package.
    for row in zipcodes.filter_by():
        place = _place(row)
        # A code that is no longer in use still says where its people are.
        if place is not None and (row["active"] or row["zip_code"] not in found):
            found[row["zip_code"]] = place
    return found


def _place(row: Mapping[str, Any]) -> Place | None:
    # Codes of the forces abroad have the country of their base.
    if row["country"] not in ("US", ""):
        return None
    try:
        lat, lon = float(row["lat"]), float(row["long"])
    except (TypeError, ValueError):
        return None
    if not (abs(lat) <= 90 and abs(lon) <= 180) or (lat, lon) == (0.0, 0.0):
        return None
    zone = row["timezone"] or ""
    return Place(lat, lon, row["city"], row["state"], zone if _offset(zone) is not None else "")


@cache
def _states() -> Mapping[str, str]:
    """Name the zone that most ZIP codes of a state keep."""
    counts: dict[str, dict[str, int]] = {}
    for place in _zips().values():
        if place.zone:
            of_state = counts.setdefault(place.state, {})
            of_state[place.zone] = of_state.get(place.zone, 0) + 1
    return {
        state: max(sorted(zones), key=lambda zone: zones[zone]) for state, zones in counts.items()
    }


@cache
def _zone_of_country(iso: str) -> str | None:
    zones = _zones_of_countries().get(iso, ())
    offsets = [offset for offset in map(_offset, zones) if offset is not None]
    if not offsets or len(offsets) < len(zones):
        return None
    return zones[0] if max(offsets) - min(offsets) <= ABOUT_THE_SAME else None


@cache
def _zones_of_countries() -> Mapping[str, tuple[str, ...]]:
    try:
        table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text("utf-8")
    except (OSError, ModuleNotFoundError):
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _coordinates, zone, *_ = line.split("\t")
            found[country] = (*found.get(country, ()), zone)
    return found


@cache
def _offset(zone: str) -> float | None:
    """Seconds east of UTC in winter; None if there is no such zone."""
    try:
        offset = WINTER.astimezone(ZoneInfo(zone)).utcoffset()
    except (LookupError, OSError, ValueError):
        return None
    return None if offset is None else offset.total_seconds()
