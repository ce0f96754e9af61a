"""
The smallest parts in which a territory's workload can change hands, and what each brings.

A territory that lists postal prefixes is made of these, else of its states or regions, else of
its countries; one that lists none of them is one unit. What falls into a territory beside its
list (through a wider criterion) cannot be moved apart and stays.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from accounts import adjacency
from accounts.geography import country_code, postal_code, region_code
from accounts.models import Territory
from accounts.services.territories import Place
from routing.models import Lead
from routing.realign.sides import Seen, Side

FIELDS = ("postal_prefixes", "regions", "countries")
REST = ""


def key_of(area: int, value: str) -> str:
    return f"{area}|{value}"


def field_of(row: Territory) -> str:
    """By which list a territory is divided; "" if it is one unit."""
    return next((name for name in FIELDS if getattr(row, name)), "")


def value_of(row: Territory, place: Place) -> str:
    """Which of the territory's own values a place falls under; "" for none of them."""
    field = field_of(row)
    if not field:
        return REST
    country = country_code(place.country) or ""
    values = getattr(row, field)
    if field == "postal_prefixes":
        code = postal_code(country, place.postal_code) if place.postal_code else ""
        fitting = [v for v in values if code and code.startswith(postal_code("", v))]
        return max(fitting, key=len, default=REST)
    if field == "regions":
        region = region_code(country, place.region) if place.region else ""
        return next((v for v in values if region and _region(row, v) == region), REST)
    return next((v for v in values if country and country_code(v) == country), REST)


def _region(row: Territory, value: str) -> str:
    return region_code(_country_of(row), value)


def _country_of(row: Territory) -> str:
    """The country of a territory's regions; a territory that names none means the US."""
    codes = {code for text in row.countries if (code := country_code(text))}
    return "US" if not codes or "US" in codes else min(codes)


def count(sums: dict[str, Any], one: Seen, side: Side, *, at: datetime, weeks: int) -> None:
    """Add a lead to the weeks, to its unit, or to what its holder has besides."""
    lead = one.lead
    area = side.area(one.place)
    week = (at - lead.received_at).days // 7
    owner = side.owner(area)
    if 0 <= week < weeks:
        flow = sums.setdefault("weeks", {}).setdefault(str(area or 0), [0] * weeks)
        # The oldest week first, as it is drawn.
        flow[weeks - 1 - week] += 1
        if one.named is not None:
            _add(sums, "fixed", str(one.named), (1, 0, 0))
        elif area is not None and owner is not None:
            unit = key_of(area, value_of(side.world[area], one.place))
            _add(sums, "units", unit, (1, 0, 0))
            if isinstance(language := one.facts.get("language"), str):
                spoken = sums.setdefault("languages", {}).setdefault(unit, {})
                spoken[language] = spoken.get(language, 0) + 1
    if lead.place == Lead.Place.OWNER:
        _add(sums, "areas", str(area or 0), (0, 1, one.points))
        if area is not None and owner == one.holder and one.named is None:
            unit = key_of(area, value_of(side.world[area], one.place))
            _add(sums, "units", unit, (0, 1, one.points))
        else:
            _add(sums, "fixed", str(lead.owner_id), (0, 1, one.points))


def _add(sums: dict[str, Any], table: str, key: str, amounts: tuple[int, int, int]) -> None:
    line = sums.setdefault(table, {}).setdefault(key, [0, 0, 0])
    for number, amount in enumerate(amounts):
        line[number] += amount


def touching(rows: Iterable[tuple[str, Territory, str]]) -> dict[str, frozenset[str]]:
    """
    Which units touch: (key, territory, value) each.

    States and countries by their borders, a state with the next country as its country does,
    postal prefixes of one country by number. Units of one place (two segments of one state)
    touch as well. A unit without a place touches nothing.
    """
    places = {key: spot for key, row, value in rows if (spot := _spot(row, value)) is not None}
    by_spot: dict[tuple[str, str, str], list[str]] = {}
    for key, spot in places.items():
        by_spot.setdefault(spot, []).append(key)
    found: dict[str, set[str]] = {key: set() for key in places}
    spots = sorted(by_spot)
    following = _following(spots)
    for number, one in enumerate(spots):
        for other in spots[number:]:
            if one == other or _touch(one, other, following):
                for a in by_spot[one]:
                    for b in by_spot[other]:
                        if a != b:
                            found[a].add(b)
                            found[b].add(a)
    return {key: frozenset(near) for key, near in found.items()}


Spot = tuple[str, str, str]


def _spot(row: Territory, value: str) -> Spot | None:
    """Country, kind (country, region or postal) and code of a unit; None without a place."""
    field = field_of(row)
    if not field or not value:
        return None
    if field == "countries":
        code = country_code(value)
        return (code, "country", code) if code else None
    if field == "regions":
        return (_country_of(row), "region", _region(row, value))
    return (_country_of(row), "postal", postal_code("", value))


def _following(spots: Iterable[Spot]) -> set[tuple[Spot, Spot]]:
    codes: dict[str, list[str]] = {}
    for country, kind, code in spots:
        if kind == "postal":
            codes.setdefault(country, []).append(code)
    return {
        ((country, "postal", a), (country, "postal", b))
        for country, some in codes.items()
        for a, b in adjacency.neighbours_by_number(some)
    }


def _touch(one: Spot, other: Spot, following: set[tuple[Spot, Spot]]) -> bool:
    if one[1] == other[1] == "region" and one[0] == other[0] == "US":
        return adjacency.states_touch(one[2], other[2])
    if one[1] == other[1] == "postal" and one[0] == other[0]:
        return (one, other) in following or (other, one) in following
    if "country" in (one[1], other[1]):
        return one[0] == other[0] or adjacency.countries_touch(one[0], other[0])
    # Regions of other countries: whether they touch is not known, so it is not claimed.
    return False


def needs_of(
    row: Territory,
    spoken: Mapping[str, int],
    owner_has: frozenset[str],
    skills: Mapping[str, str],
) -> frozenset[str]:
    """
    Which skills of its owner a unit needs of anybody else too: each language that a fifth of
    its leads speak, and each skill that has the name of an industry of the territory.

    What the owner does not have either is not asked of others. `skills` maps names to slugs.
    """
    total = sum(spoken.values())
    wanted = {language for language, number in spoken.items() if 5 * number >= total}
    wanted |= {skills[name] for text in row.industries if (name := text.casefold()) in skills}
    return frozenset(wanted) & owner_has
