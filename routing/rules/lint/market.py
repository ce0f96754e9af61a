"""
Rules and the territory plan.

A rule contradicts the plan if its condition says where a lead is so exactly that every such lead
belongs to a territory, and whichever territory it can be (narrower ones included), none of
whose people (owner, backups, pool) is among those whom the rule means. Where that is not certain
nothing is said.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import Final

from accounts.areas import Area, AreaIndex, Place, why
from accounts.geography import country_code, postal_code, region_code
from routing.engine import Path
from routing.rules.lint.finding import Finding, warning
from routing.rules.lint.logic import Space, Term
from routing.rules.lint.reach import NO_TERRITORY, Reach
from routing.rules.lint.targets import TERRITORY_KINDS
from routing.rules.lint.words import some
from routing.rules.lint.world import Entry, World

_TEXT_FACTS: Final = ("country", "region", "postal_code", "industry")
# More places than this are not gone through for one rule.
_MOST_PLACES: Final = 200
_LARGEST: Final = 10**9


def unmapped(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    """Find territories that nobody has, and leads that no territory and no rule has."""
    by_territory = [
        entry
        for entry in reach.live
        if all(path.target.kind in TERRITORY_KINDS for path in entry.paths)
    ]
    if not by_territory:
        return
    rule = by_territory[0].rule
    # A territory with others below it only holds them together.
    groups = {area.parent for area in world.areas}
    nobody = sorted(
        world.territories.get(int(area.id), str(area.id))
        for area in world.areas
        if area.id not in groups and not _holders(int(area.id), world)
    )
    if nobody:
        verb = "has" if len(nobody) == 1 else "have"
        yield warning(
            "unmapped_territory",
            f"“{rule.name}” goes by territory, but {some(nobody)} {verb} neither an owner nor a "
            "pool. Name one.",
            rule.id,
        )
    others = [entry for entry in reach.live if entry not in by_territory]
    if not _covers_everything(world) and not any(
        reach.could_meet(entry, NO_TERRITORY) for entry in others
    ):
        yield warning(
            "unmapped_territory",
            f"Leads from places that no territory serves pass “{rule.name}” and every other rule, "
            "and end in the fallback. Add a rule for them, or a territory that takes the rest.",
            rule.id,
        )


def _covers_everything(world: World) -> bool:
    by_id = {area.id: area for area in world.areas}
    return any(not any(map(_restricts, _line(area, by_id))) for area in world.areas)


def _restricts(area: Area) -> bool:
    texts = (area.countries, area.regions, area.postal_prefixes, area.postal_ranges)
    sizes = (area.employees_min, area.employees_max)
    return (
        any(texts)
        or bool(area.industries)
        or bool(area.asks)
        or any(one is not None for one in sizes)
    )


def _line(area: Area, by_id: dict[int | str, Area]) -> list[Area]:
    """Return an area and its ancestors."""
    found = [area]
    while found[-1].parent is not None and found[-1].parent in by_id:
        found.append(by_id[found[-1].parent])
    return found


def _holders(territory: int, world: World) -> set[int]:
    """Return everybody whom the plan gives a territory's leads to, left or not."""
    spec = world.roster.territories.get(territory)
    if spec is None:
        return set()
    owner = None if spec.owner is None else world.roster.reps.get(spec.owner)
    people = {spec.owner, spec.backup, *spec.backups, None if owner is None else owner.backup}
    pool = world.roster.pools.get(spec.pool or 0)
    people |= set() if pool is None else set(pool.by_rep)
    return {rep for rep in people if rep is not None}


# --- Contradictions ----------------------------------------------------------------------


def contradictions(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    """Find rules that send the leads of a territory to people who do not have it."""
    if not world.areas:
        return
    index = AreaIndex(world.areas)
    by_id = {area.id: area for area in world.areas}
    lines = {area.id: _line(area, by_id) for area in world.areas}
    for entry in reach.live:
        meant = [_meant(path, world) for path in entry.paths]
        terms = reach.space.terms(entry.rule.condition)
        if not terms or any(not people for people in meant):
            continue
        people = set().union(*meant)
        territory = _given_to_others(terms, people, world, reach.space, index, lines)
        if territory is not None:
            yield warning(
                "contradicts_territory",
                f"“{entry.rule.name}” sends leads of the territory "
                f"{world.territories.get(territory, str(territory))} to somebody else than the "
                "territory plan does. Change the rule or the plan.",
                entry.rule.id,
            )


def _meant(path: Path, world: World) -> set[int]:
    if path.target.kind == "rep" and path.target.id is not None:
        return {path.target.id}
    if path.target.kind == "pool":
        return {member.rep for member in world.members(path.target.id)}
    return set()


def _given_to_others(
    terms: Sequence[Term],
    people: set[int],
    world: World,
    space: Space,
    index: AreaIndex,
    lines: dict[int | str, list[Area]],
) -> int | None:
    """Return a territory whose leads these are if the plan surely gives all to others."""
    named: int | None = None
    for term in terms:
        places = _places(term, space)
        if places is None:
            return None
        rows = [[int(one.area_id) for one in why(index, place)] for place in places]
        if not all(rows):
            return None
        named = named or rows[0][0]
        # These cover every such lead, so nothing less specific can get one.
        surely = set(rows[0]).intersection(*rows[1:])
        above = {parent.id for one in surely for parent in lines[one][1:]}
        least = max((len(index.nodes[one].criteria) for one in surely), default=0)
        for area_id, line in lines.items():
            if area_id in above or len(index.nodes[area_id].criteria) < least:
                continue
            if all(_overlaps(area, places) for area in line):
                holders = _holders(int(area_id), world)
                if not holders or holders & people:
                    return None
    return named


def _places(term: Term, space: Space) -> list[Place] | None:
    """
    Return places that stand for all of an alternative: its values combined, and both ends of
    its size. None if it fixes nothing about the place, or more than can be gone through.
    """
    values: list[list[str]] = []
    for fact in _TEXT_FACTS:
        allowed = space.allowed(term, fact)
        named = [one for one in allowed or () if isinstance(one, str)]
        if allowed and len(named) == len(allowed) and not any(map(space.is_made_up, named)):
            values.append(named)
        elif fact == "postal_code":
            values.append(space.beginnings(term, fact) or [""])
        else:
            values.append([""])
    sizes: list[int | None] = [None]
    ends = space.whole_range(term, "employees")
    if ends is not None:
        low, high = ends
        sizes = [0 if low is None else low, _LARGEST if high is None else high]
    if all(one == [""] for one in values) and sizes == [None]:
        return None
    rows = [
        Place(country=country, region=region, postal_code=postal, industry=industry, employees=size)
        for country, region, postal, industry in product(*values)
        for size in sizes
    ]
    return rows if len(rows) <= _MOST_PLACES else None


def _overlaps(area: Area, places: Sequence[Place]) -> bool:
    """Say whether an area's own criteria may hold for some lead of these places."""
    if area.countries:
        mine = set(map(country_code, area.countries))
        if not any(not one.country or country_code(one.country) in mine for one in places):
            return False
    if area.regions and not any(_region_fits(area, one) for one in places):
        return False
    # A range may hold any of these codes; that is enough to say nothing.
    if (
        area.postal_prefixes
        and not area.postal_ranges
        and not any(_postal_fits(area, one) for one in places)
    ):
        return False
    if area.industries and not any(_trade_fits(area.industries, one.industry) for one in places):
        return False
    sizes = [one.employees for one in places if one.employees is not None]
    low, high = area.employees_min, area.employees_max
    return not sizes or (
        (low is None or max(sizes) >= low) and (high is None or min(sizes) <= high)
    )


@lru_cache(maxsize=4096)
def _trade_fits(trades: tuple[str, ...], trade: str) -> bool:
    return not trade or bool(why(AreaIndex([Area(id=0, industries=trades)]), Place(industry=trade)))


def _region_fits(area: Area, place: Place) -> bool:
    if not place.region:
        return True
    countries = {country_code(place.country) or "", "US", ""}
    theirs = {region_code(country, place.region) for country in countries}
    ours = {region_code(country, text) for country in countries for text in area.regions}
    ours |= {text.strip().upper().partition("-")[2] for text in area.regions}
    return bool(theirs & ours)


def _postal_fits(area: Area, place: Place) -> bool:
    if not place.postal_code:
        return True
    code = postal_code(country_code(place.country) or "", place.postal_code)
    prefixes = [postal_code("", text) for text in area.postal_prefixes]
    return any(code.startswith(one) or one.startswith(code) for one in prefixes)
