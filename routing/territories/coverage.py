"""
What the territory plan leaves open: gaps, double cover, territories without people, rules that
disagree. Each finding has a count and a way out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from accounts.areas import AreaIndex, Contender, Place, decided_by, why
from accounts.geography import country_names, state_names
from accounts.models import Territory
from accounts.services.territories import serving
from reps.models import User
from routing.dispatch import snapshot
from routing.models import Organisation
from routing.rules.lint import Finding, lint
from routing.territories.picture import Load, Serving, served
from routing.territories.placing import Figures, Group, groups
from routing.territories.words import because

# Findings of the linter that are about the plan.
OF_THE_PLAN = ("contradicts_territory", "unmapped_territory", "unknown_territory")
MOST_SHOWN = 200


@dataclass(slots=True)
class Gap:
    """A place or segment in no territory, with the query that fills in a new one for it."""

    country: str
    region: str
    words: str
    fill: str
    figures: Figures = field(default_factory=Figures)


@dataclass(slots=True)
class Double:
    """
    Two territories, neither part of the other, that cover the same places.

    `is_tie`: nothing but their age decides, so nobody meant it.
    """

    winner: Territory
    other: Territory
    because: str
    is_tie: bool
    figures: Figures = field(default_factory=Figures)


@dataclass(slots=True)
class Unserved:
    """A territory whose people are missing, and how many leads and accounts are in it."""

    territory: Territory
    serving: Serving
    figures: Figures


@dataclass(frozen=True, slots=True)
class Coverage:
    """Everything the plan leaves open; the heaviest first."""

    gaps: Sequence[Gap]
    doubles: Sequence[Double]
    rules: Sequence[Finding]
    nobody: Sequence[Unserved]
    left: Sequence[Unserved]
    no_backup: Sequence[Unserved]
    covered: Figures
    uncovered: Figures

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind."""
        names = ("gaps", "doubles", "rules", "nobody", "left", "no_backup")
        return {name: len(getattr(self, name)) for name in names}


def coverage(*, user: User, at: datetime) -> Coverage:
    """
    Look at the plan as it stands, with the leads that the user may see.

    The same number of statements whatever the plan is, those of the rules' linter apart.
    """
    areas = snapshot.current(at=at).areas
    every = {
        row.pk: row
        for row in Territory.objects.select_related("owner__user", "owner__backup", "backup__user")
    }
    rows = {row.pk: row for row in serving(every)}
    found = groups(areas=areas, user=user, at=at)
    by_territory: dict[int | None, Figures] = {}
    for one in found:
        by_territory.setdefault(one.territory, Figures()).add(one.figures)
    people = served(rows, Load())
    wholes = {row.parent_id for row in rows.values()}
    unserved = [
        Unserved(row, people[pk], by_territory.get(pk, Figures())) for pk, row in rows.items()
    ]
    covered = Figures()
    for territory, figures in by_territory.items():
        if territory is not None:
            covered.add(figures)
    return Coverage(
        gaps=_gaps(found),
        doubles=_doubles(areas, rows, found),
        rules=_rules(at),
        nobody=_heaviest(
            one
            for one in unserved
            # A whole that gets no lead of its own only holds its parts together.
            if not one.serving.has_anybody
            and (one.territory.pk not in wholes or one.figures.weight)
        ),
        left=_heaviest(
            one
            for one in unserved
            if one.territory.owner is not None and not one.territory.owner.is_active
        ),
        no_backup=_heaviest(one for one in unserved if _lacks_backup(one)),
        covered=covered,
        uncovered=by_territory.get(None, Figures()),
    )


def _heaviest(found: Iterable[Unserved]) -> list[Unserved]:
    return sorted(found, key=lambda one: (-one.figures.weight, one.territory.name))


def _lacks_backup(one: Unserved) -> bool:
    owner = one.territory.owner
    return (
        owner is not None
        and not one.serving.backups
        and owner.backup_id is None
        # The pool takes what its owner cannot.
        and not one.serving.pool
    )


def _rules(at: datetime) -> list[Finding]:
    organisation = Organisation.objects.select_related("live_ruleset").first()
    if organisation is None or organisation.live_ruleset is None:
        return []
    return [one for one in lint(organisation.live_ruleset, at=at) if one.code in OF_THE_PLAN]


def _gaps(found: Iterable[Group]) -> list[Gap]:
    """Gaps by country and region; within a country that is covered in parts, by segment too."""
    countries, states = country_names(), state_names()
    somewhere = {one.country for one in found if one.territory is not None}
    gaps: dict[tuple[str, str, str], Gap] = {}
    for one in found:
        if one.territory is not None:
            continue
        # In a wholly open country its regions are no news; one line says it.
        region = one.region if one.country in somewhere else ""
        trade = one.place.industry if one.country in somewhere and not region else ""
        key = (one.country, region, trade)
        if key not in gaps:
            country = countries.get(one.country, str(_("Country not known")))
            words = [states.get(region, region.title()) if one.country == "US" else region.title()]
            fill = {"countries": one.country, "regions": region, "industries": trade}
            gaps[key] = Gap(
                country=one.country,
                region=region,
                words=", ".join(part for part in (country, *words, trade) if part),
                fill=urlencode({name: value for name, value in fill.items() if value}),
            )
        gaps[key].figures.add(one.figures)
    return sorted(gaps.values(), key=lambda gap: (-gap.figures.weight, gap.words))


def _doubles(areas: AreaIndex, rows: dict[int, Territory], found: Iterable[Group]) -> list[Double]:
    """
    Pairs that contend for the same places, and neither is part of the other nor a narrower
    place inside the other, which is what a plan is for.
    """
    above = {pk: _above(pk, rows) for pk in rows}
    doubles: dict[tuple[int, int], Double] = {}
    probes = ((place, Figures()) for row in rows.values() for place in _probes(row))
    seen = ((one.place, one.figures) for one in found)
    for place, figures in (*seen, *probes):
        contenders = why(areas, place)
        if len(contenders) < 2:
            continue
        first, *others = contenders
        for other in others:
            winner, loser = int(first.area_id), int(other.area_id)
            if loser in above[winner] or winner in above[loser] or not _alike(first, other):
                continue
            key = (winner, loser)
            if key not in doubles:
                doubles[key] = Double(
                    rows[winner],
                    rows[loser],
                    because(first, other),
                    is_tie=decided_by(first, other) == "id",
                )
            doubles[key].figures.add(figures)
    return sorted(
        doubles.values(),
        key=lambda one: (not one.is_tie, -one.figures.weight, one.winner.name, one.other.name),
    )


def _alike(first: Contender, other: Contender) -> bool:
    """
    Whether two contenders are of one breadth, so that their overlap is hardly meant: a narrower
    place, or further criteria on the same place, carve a part out of a wider territory.
    """
    return decided_by(first, other) in ("depth", "rank", "id") or (
        first.geography == other.geography
        and set(first.criteria) != set(other.criteria)
        and not set(first.criteria) > set(other.criteria)
    )


def _above(pk: int, rows: dict[int, Territory]) -> set[int]:
    found: set[int] = set()
    current = rows[pk].parent_id
    while current is not None and current in rows and current not in found:
        found.add(current)
        current = rows[current].parent_id
    return found


def _probes(row: Territory) -> Iterable[Place]:
    """Places that a territory names itself, so that double cover shows before any lead comes."""
    for country in row.countries or [""]:
        for region in (row.regions or [""])[:MOST_SHOWN]:
            for code in (*row.postal_prefixes, *(ends[0] for ends in row.postal_ranges), "")[:20]:
                yield Place(
                    country=country,
                    region=region,
                    postal_code=code,
                    industry=row.industries[0] if row.industries else "",
                    employees=row.employees_min
                    if row.employees_min is not None
                    else row.employees_max,
                )
