"""
Which sales area a place belongs to.

Pure: areas and a place in, an id out. An `AreaIndex` is built once per roster; a look-up then
costs some microseconds whether there are ten areas or ten thousand.

An area covers a place when every criterion of the area *and of its ancestors* holds: a child
inherits. Inside one criterion any value is enough. An unknown part of the place (no industry,
no head count) never satisfies a criterion on it, and a criterion none of whose values can be
read holds nowhere: a typing mistake must not widen an area. An area without any criterion,
own or inherited, covers every place, as the least specific of all.

Of the areas that cover a place the most specific wins, in this order:

1. more criteria (country, region, postal code, industry, employees: one each at most, and one
   for each condition on another fact; ancestors' included);
2. narrower geography: postal code, then region, then country, then none; between two postal
   codes the longer prefix (a range counts as the beginning its ends share);
3. deeper in the tree;
4. lower manual rank;
5. lower id.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

from accounts.geography import country_code, plain, postal_code, region_code, subdivision

AreaId = int | str
# Says whether the facts of a lead are as an area wants them.
Ask = Callable[[Mapping[str, object]], bool]


@dataclass(frozen=True, slots=True)
class Area:
    """
    One area of the tree with its own criteria; an empty criterion does not restrict.

    Regions are names or codes ("CA", "California", "US-CA"); the last form also fixes the
    country. Postal ranges include both ends and every code that begins with the upper one,
    compared as text: 94000 to 94999, SW1 to SW9; a code shorter than an end is in no range.
    Head counts include both ends. Each of `asks` is a question about other facts of a lead, a
    criterion of its own; whoever knows the facts makes them.
    """

    id: AreaId
    parent: AreaId | None = None
    countries: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    postal_prefixes: tuple[str, ...] = ()
    postal_ranges: tuple[tuple[str, str], ...] = ()
    industries: tuple[str, ...] = ()
    employees_min: int | None = None
    employees_max: int | None = None
    asks: tuple[Ask, ...] = ()
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a lead or an account is, as it was written; empty and None mean unknown.

    `facts` is what the asks of areas look at.
    """

    country: str = ""
    region: str = ""
    postal_code: str = ""
    industry: str = ""
    employees: int | None = None
    facts: Mapping[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Contender:
    """An area that covers a place, with everything the order of precedence looks at."""

    area_id: AreaId
    criteria: tuple[str, ...]
    geography: str
    postal_width: int
    depth: int
    rank: int


class AreaTreeBroken(ValueError):
    """The areas are no tree: an unknown parent, a circle, or one id twice."""


_LEVELS: Final = ("none", "country", "region", "postal_code")


@dataclass(frozen=True, slots=True)
class _Spot:
    """A place in comparable form."""

    country: str
    region: str
    postal: str
    industry: str
    employees: int | None
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Criteria:
    """The own criteria of one area in comparable form; None does not restrict."""

    countries: frozenset[str] | None
    regions: frozenset[tuple[str, str]] | None  # country ("" for any) and region
    prefixes: frozenset[str]
    ranges: tuple[tuple[str, str], ...]
    postal: bool
    industries: frozenset[str] | None
    employees: tuple[int | None, int | None] | None
    asks: tuple[Ask, ...]

    def hold(self, spot: _Spot) -> bool:
        if self.countries is not None and spot.country not in self.countries:
            return False
        if self.regions is not None and not (
            ("", spot.region) in self.regions or (spot.country, spot.region) in self.regions
        ):
            return False
        if self.industries is not None and spot.industry not in self.industries:
            return False
        if self.employees is not None:
            low, high = self.employees
            if spot.employees is None:
                return False
            if (low is not None and spot.employees < low) or (
                high is not None and spot.employees > high
            ):
                return False
        if self.postal and not self.postal_width(spot.postal):
            return False
        return not self.asks or all(ask(spot.facts) for ask in self.asks)

    def postal_width(self, postal: str) -> int:
        """Give 1 plus the length of the longest part that covers the code; 0 if none does."""
        if not postal:
            return 0
        widths = [len(prefix) + 1 for prefix in self.prefixes if postal.startswith(prefix)]
        widths += [_width(one) for one in self.ranges if _within(postal, one)]
        return max(widths, default=0)


def _within(postal: str, ends: tuple[str, str]) -> bool:
    low, high = ends
    complete = len(postal) >= max(len(low), len(high))
    return complete and low <= postal and postal[: len(high)] <= high


@lru_cache(maxsize=65_536)
def _width(ends: tuple[str, str]) -> int:
    return len(_shared_beginning(*ends)) + 1


def _shared_beginning(one: str, other: str) -> str:
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return one[:length]


def _own_criteria(area: Area) -> _Criteria:
    countries = {code for text in area.countries if (code := country_code(text))}
    assumed = "US" if not area.countries or "US" in countries else "-"
    prefixes = {code for text in area.postal_prefixes if (code := postal_code("", text))}
    ranges = [(postal_code("", low), postal_code("", high)) for low, high in area.postal_ranges]
    industries = {words for text in area.industries if (words := plain(text))}
    unbounded = area.employees_min is None and area.employees_max is None
    return _Criteria(
        countries=frozenset(countries) if area.countries else None,
        regions=(
            frozenset(_area_region(text, assumed) for text in area.regions) - {("", "")}
            if area.regions
            else None
        ),
        prefixes=frozenset(prefixes),
        ranges=tuple((low, high) for low, high in ranges if low and high),
        postal=bool(area.postal_prefixes or area.postal_ranges),
        industries=frozenset(industries) if area.industries else None,
        employees=None if unbounded else (area.employees_min, area.employees_max),
        asks=area.asks,
    )


def _area_region(text: str, assumed: str) -> tuple[str, str]:
    return subdivision(text) or ("", region_code(assumed, text))


def _spot(place: Place) -> _Spot:
    country = country_code(place.country) or ""
    if not country and not place.country.strip():
        part = subdivision(place.region)
        country = part[0] if part else ""
    return _Spot(
        country=country,
        region=region_code(country, place.region) if place.region else "",
        postal=postal_code(country, place.postal_code) if place.postal_code else "",
        industry=plain(place.industry) if place.industry else "",
        employees=place.employees,
        facts=place.facts,
    )


# Smaller is more specific; comparing two keys is the whole order of precedence.
_Key = tuple[int, int, int, int, int, tuple[int, int, str]]


@dataclass(frozen=True, slots=True)
class _Node:
    """An area with the criteria of its whole line."""

    area: Area
    line: tuple[_Criteria, ...]  # own first, then the ancestors'; empty ones left out
    criteria: tuple[str, ...]
    level: int
    depth: int

    def covers(self, spot: _Spot) -> bool:
        return all(criteria.hold(spot) for criteria in self.line)

    def key(self, width: int) -> _Key:
        area = self.area
        order = (0, area.id, "") if isinstance(area.id, int) else (1, 0, area.id)
        return (-len(self.criteria), -self.level, -width, -self.depth, area.rank, order)

    def width(self, spot: _Spot) -> int:
        """Give how much of the postal code the closest area of the line pins down."""
        closest = next((criteria for criteria in self.line if criteria.postal), None)
        return closest.postal_width(spot.postal) if closest else 0


# What an area is filed under: country, kind and value of its narrowest geography, industry.
_Slot = tuple[str | None, str, str, str | None]
# What kind of slot it is: by country, by which geography, of how many characters, by industry.
_Shape = tuple[bool, str, int, bool]


class AreaIndex:
    """
    The areas of one roster, ready to be asked.

    :raises AreaTreeBroken: if a parent is missing (its criteria would be lost and the child
        widened), an area is its own ancestor, or two areas have one id
    """

    # An area with more combinations than this is filed without its industries.
    _MOST_SLOTS: Final = 20_000

    def __init__(self, areas: Iterable[Area]) -> None:
        roster: dict[AreaId, Area] = {}
        for area in areas:
            if area.id in roster:
                raise AreaTreeBroken(f"There are two areas with the id {area.id!r}.")
            roster[area.id] = area
        own = {area.id: _own_criteria(area) for area in roster.values()}
        self.nodes: Mapping[AreaId, _Node] = {
            area.id: _node(area, roster, own) for area in roster.values()
        }
        slots: dict[_Slot, list[tuple[_Key, _Node]]] = defaultdict(list)
        for node in self.nodes.values():
            for slot, width in self._filed_under(node):
                slots[slot].append((node.key(width), node))
        self._slots = {
            slot: tuple(sorted(entries, key=lambda e: e[0])) for slot, entries in slots.items()
        }
        # Only the kinds of slot that occur are looked up, and the one with the most specific area
        # first, so that a look-up ends as soon as no other kind holds anything better.
        shapes: dict[_Shape, _Key] = {}
        for slot, entries in self._slots.items():
            length = len(slot[2]) if slot[1] == "p" else 0
            shape = (slot[0] is not None, slot[1], length, slot[3] is not None)
            shapes[shape] = min(shapes.get(shape, entries[0][0]), entries[0][0])
        self._shapes = sorted(((best, shape) for shape, best in shapes.items()))

    def __len__(self) -> int:
        return len(self.nodes)

    def _filed_under(self, node: _Node) -> list[tuple[_Slot, int]]:
        """Give every slot under which the area must be found, with its postal width there."""
        geography: list[tuple[str, str, int]] = [("", "", 0)]
        countries: Iterable[str | None] = _closest(c.countries for c in node.line) or [None]
        postal = next((c for c in node.line if c.postal), None)
        regions = next((c.regions for c in node.line if c.regions is not None), None)
        if any(c.countries is not None and not c.countries for c in node.line):
            return []
        if postal is not None:
            geography = [("p", prefix, len(prefix) + 1) for prefix in postal.prefixes]
            for low, high in postal.ranges:
                width = _width((low, high))
                geography += [("p", prefix, width) for prefix in _prefixes_of(low, high)]
        elif regions is not None:
            geography = [("r", region, 0) for _, region in regions]
        industries: Iterable[str | None] = _closest(c.industries for c in node.line) or [None]
        if len(geography) * len(list(countries)) * len(list(industries)) > self._MOST_SLOTS:
            countries, industries = [None], [None]
        found = {
            ((country, kind, value, industry), width)
            for kind, value, width in geography
            for country in countries
            for industry in industries
        }
        return sorted(found, key=repr)

    def _slots_for(self, spot: _Spot) -> Iterator[tuple[_Key, tuple[tuple[_Key, _Node], ...]]]:
        """Give the slots that hold for a spot, each with the best key that its kind can hold."""
        for best, (by_country, kind, length, by_industry) in self._shapes:
            if kind == "p":
                if len(spot.postal) < max(length, 1):
                    continue
                value = spot.postal[:length]
            else:
                value = spot.region if kind == "r" else ""
            slot = (
                spot.country if by_country else None,
                kind,
                value,
                spot.industry if by_industry else None,
            )
            if entries := self._slots.get(slot):
                yield best, entries


def most_specific(index: AreaIndex, place: Place) -> AreaId | None:
    """Give the id of the most specific area that covers the place, or None if none does."""
    spot = _spot(place)
    best: _Key | None = None
    winner: _Node | None = None
    for at_best, entries in index._slots_for(spot):
        if best is not None and at_best >= best:
            break
        for key, node in entries:
            if best is not None and key >= best:
                break
            # The slot of a wide range can hold codes just outside it; the width is then 0 or
            # that of another part, which has a slot of its own.
            if node.covers(spot) and -key[2] <= node.width(spot):
                best, winner = key, node
                break
    return winner.area.id if winner else None


def why(index: AreaIndex, place: Place) -> list[Contender]:
    """Give every area that covers the place, most specific first: the winner leads."""
    spot = _spot(place)
    covering = {
        node.area.id: node
        for _, entries in index._slots_for(spot)
        for _, node in entries
        if node.covers(spot)
    }
    ranked = sorted(covering.values(), key=lambda node: node.key(node.width(spot)))
    return [
        Contender(
            area_id=node.area.id,
            criteria=node.criteria,
            geography=_LEVELS[node.level],
            postal_width=max(0, node.width(spot) - 1),
            depth=node.depth,
            rank=node.area.rank,
        )
        for node in ranked
    ]


Step = Literal["criteria", "geography", "postal", "depth", "rank", "id"]


def decided_by(winner: Contender, other: Contender) -> Step:
    """Say which step of the order of precedence put one contender before another."""
    if len(winner.criteria) != len(other.criteria):
        return "criteria"
    if winner.geography != other.geography:
        return "geography"
    if winner.postal_width != other.postal_width:
        return "postal"
    if winner.depth != other.depth:
        return "depth"
    return "rank" if winner.rank != other.rank else "id"


@dataclass(frozen=True, slots=True)
class Footprint:
    """
    Where an area lies, its ancestors' criteria included; None does not restrict.

    Regions are (country, region), the country "" where it may be any.
    """

    countries: frozenset[str] | None
    regions: frozenset[tuple[str, str]] | None
    prefixes: frozenset[str]
    ranges: tuple[tuple[str, str], ...]
    is_postal: bool

    def lies_in(self, country: str) -> bool:
        """Whether any of it may lie in a country."""
        if self.countries is not None and country not in self.countries:
            return False
        fixed = {own for own, _ in self.regions or () if own}
        free = self.regions is None or any(not own for own, _ in self.regions)
        return free or country in fixed


def footprint(index: AreaIndex, area_id: AreaId) -> Footprint:
    """Say where an area lies."""
    line = index.nodes[area_id].line
    countries: frozenset[str] | None = None
    for criteria in line:
        if criteria.countries is not None:
            countries = criteria.countries if countries is None else countries & criteria.countries
    postal = next((criteria for criteria in line if criteria.postal), None)
    return Footprint(
        countries=countries,
        regions=next((criteria.regions for criteria in line if criteria.regions is not None), None),
        prefixes=postal.prefixes if postal else frozenset(),
        ranges=postal.ranges if postal else (),
        is_postal=postal is not None,
    )


def _node(area: Area, roster: Mapping[AreaId, Area], own: Mapping[AreaId, _Criteria]) -> _Node:
    line: list[_Criteria] = []
    seen: set[AreaId] = set()
    current: Area | None = area
    while current is not None:
        if current.id in seen:
            raise AreaTreeBroken(f"Area {current.id!r} is its own ancestor.")
        seen.add(current.id)
        line.append(own[current.id])
        if current.parent is None:
            break
        if current.parent not in roster:
            raise AreaTreeBroken(f"Area {current.id!r} has an unknown parent {current.parent!r}.")
        current = roster[current.parent]
    criteria = []
    # A region with its country in front ("US-CA") is a criterion on the region only.
    if any(c.countries is not None for c in line):
        criteria.append("country")
    if any(c.regions is not None for c in line):
        criteria.append("region")
    if any(c.postal for c in line):
        criteria.append("postal_code")
    level = max((_LEVELS.index(one) for one in criteria), default=0)
    if any(c.industries is not None for c in line):
        criteria.append("industry")
    if any(c.employees is not None for c in line):
        criteria.append("employees")
    criteria += ["condition"] * sum(len(c.asks) for c in line)
    return _Node(
        area=area,
        line=tuple(c for c in line if _restricts(c)),
        criteria=tuple(criteria),
        level=level,
        depth=len(seen) - 1,
    )


def _restricts(c: _Criteria) -> bool:
    given = (c.countries, c.regions, c.industries, c.employees)
    return c.postal or bool(c.asks) or any(one is not None for one in given)


def _closest(values: Iterable[frozenset[str] | None]) -> list[str] | None:
    return next((sorted(value) for value in values if value is not None), None)


_DIGITS_AND_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _prefixes_of(low: str, high: str) -> Iterator[str]:
    """
    Give beginnings that together begin every code from low to high, and few others.

    94000 to 94999 is "94" alone: a range becomes a handful of dictionary keys.
    """
    if low > high and not low.startswith(high):
        return
    pending = [_shared_beginning(low, high)]
    while pending:
        prefix = pending.pop()
        after_low = low[len(prefix) :] if low.startswith(prefix) else ""
        after_high = high[len(prefix) :] if high.startswith(prefix) else ""
        if not after_low.strip("0") and not (after_high.strip("9") and after_high.strip("Z")):
            yield prefix
            continue
        for char in _DIGITS_AND_LETTERS:
            longer = prefix + char
            if longer >= low[: len(longer)] and longer[: len(high)] <= high[: len(longer)]:
                pending.append(longer)
