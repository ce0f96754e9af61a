"""
The territory plan as map, tree and table show it: one answer that feeds all three.

A picture is of the world, of one country or of one state of the US. Its `rows` are the places
one level below (countries, states) or, at the lowest level, the territories that lie there; its
`tree` are the territories that lie in the picture. Figures of both are sums of the same groups.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from accounts import places
from accounts.areas import AreaIndex, Footprint, Place, footprint, most_specific
from accounts.geography import country_names, state_names
from accounts.models import Territory
from accounts.services.territories import in_tree_order, serving
from reps.models import Rep, User
from routing.dispatch import snapshot
from routing.models import Pool, PoolMember, RepLoad
from routing.territories.placing import Figures, Group, groups, total
from routing.territories.serving import further_backups, pools_of

COLOURS: Final = ("owner", "load", "sla", "gaps")
# The palette has so many colours that people with colour blindness tell apart, each in so many
# patterns; owners beyond share the last one and are told apart by their words.
MOST_OWNERS: Final = 24


@dataclass(frozen=True, slots=True)
class Mark:
    """
    How a place is drawn, and the words for it: the colour is never the only sign.

    `kind` names the scale's step (see static/css/territories.css), `short` stands on a tile.
    """

    kind: str
    words: str
    short: str = ""


@dataclass(frozen=True, slots=True)
class Serving:
    """Who serves a territory, and how full they are."""

    owner: Rep | None
    pool: str
    team: frozenset[int]
    held: int
    capacity: int
    backups: int

    @property
    def words(self) -> str:
        if self.owner is not None:
            return str(self.owner)
        return self.pool or str(_("nobody"))

    @property
    def has_anybody(self) -> bool:
        return self.owner is not None or bool(self.pool)

    @property
    def short(self) -> str:
        words = self.words.split()
        return "".join(word[:1] for word in words[:2]).upper() if self.has_anybody else "–"


NOBODY = Serving(owner=None, pool="", team=frozenset(), held=0, capacity=0, backups=0)


@dataclass(slots=True)
class Row:
    """
    A place, or at the lowest level a territory.

    `territory` takes a lead of which no more than the place is known; `inside` are those that
    cut the place further; `uncovered` is what falls into none.
    """

    code: str
    name: str
    territory: Territory | None
    serving: Serving
    figures: Figures = field(default_factory=Figures)
    uncovered: Figures = field(default_factory=Figures)
    inside: list[int] = field(default_factory=list)
    mark: Mark = field(default=Mark("none", ""))
    opens: bool = True


@dataclass(slots=True)
class Node:
    """A territory in the tree, with what falls to it alone and to it with its parts."""

    territory: Territory
    depth: int
    serving: Serving
    own: Figures
    whole: Figures


@dataclass(frozen=True, slots=True)
class Picture:
    """What map, tree and table are drawn from."""

    within: str
    name: str
    level: str
    colour: str
    rows: Sequence[Row]
    tree: Sequence[Node]
    legend: Sequence[tuple[Mark, int]]
    figures: Figures
    uncovered: Figures


class NoSuchPlace(ValueError):
    """There is neither such a country nor such a state."""


def picture(*, user: User, at: datetime, within: str = "", colour: str = "owner") -> Picture:
    """
    Draw the plan as it stands, with the leads that the user may see.

    Costs the same number of statements whatever the plan is.

    :raises NoSuchPlace: for a place that is neither "", a country's code, nor "US-" and a state's
    """
    return _Drawing(user=user, at=at).of(within, colour)


class Load:
    """How many open leads everybody holds, of how many: two statements."""

    def __init__(self) -> None:
        self.people = {rep.pk: rep for rep in Rep.objects.select_related("user")}
        self._held = dict(RepLoad.objects.values_list("rep_id", "open"))

    def of(self, team: Iterable[int]) -> tuple[int, int]:
        """Return the leads that a team holds, and what it could hold."""
        reps = list(team)
        return (
            sum(self._held.get(rep, 0) for rep in reps),
            sum(self.people[rep].capacity or 0 for rep in reps),
        )


def served(rows: Mapping[int, Territory], load: Load) -> dict[int, Serving]:
    """Who serves each territory: four statements."""
    people = load.people
    names = dict(Pool.objects.values_list("pk", "name"))
    pools = pools_of({pk: (row.parent_id, row.owner_id) for pk, row in rows.items()})
    members: dict[int, list[int]] = {}
    for pool, rep in PoolMember.objects.values_list("pool_id", "rep_id"):
        if people[rep].is_active:
            members.setdefault(pool, []).append(rep)
    further = further_backups()
    found = {}
    for pk, row in rows.items():
        own = [row.owner_id] if row.owner_id else members.get(pools.get(pk, 0), [])
        team = frozenset(own)
        held, capacity = load.of(team)
        found[pk] = Serving(
            owner=people.get(row.owner_id or 0),
            pool=names.get(pools.get(pk, 0), ""),
            team=team,
            held=held,
            capacity=capacity,
            backups=int(row.backup_id is not None) + len(further.get(pk, ())),
        )
    return found


class _Drawing:
    """Everything that was read for one picture."""

    def __init__(self, *, user: User, at: datetime) -> None:
        self.areas: AreaIndex = snapshot.current(at=at).areas
        every = {row.pk: row for row in Territory.objects.select_related("owner__user")}
        self.rows = {row.pk: row for row in serving(every)}
        self.groups = groups(areas=self.areas, user=user, at=at)
        self.load = Load()
        self.serving = served(self.rows, self.load)
        self.prints = {pk: footprint(self.areas, pk) for pk in self.rows if pk in self.areas.nodes}

    def of(self, within: str, colour: str) -> Picture:
        country, _dash, state = within.partition("-")
        name = self._name(within, country, state)
        here = [one for one in self.groups if self._is_here(one, country, state)]
        if not within:
            rows, level = self._countries(here), "world"
        elif within == "US":
            rows, level = self._states(here), "country"
        else:
            rows, level = self._territories(here, country, state), "places"
        colour = colour if colour in COLOURS else COLOURS[0]
        self._mark(rows, colour)
        counts: dict[Mark, int] = {}
        for row in rows:
            counts[row.mark] = counts.get(row.mark, 0) + 1
        return Picture(
            within=within,
            name=name,
            level=level,
            colour=colour,
            rows=rows,
            tree=self._tree(here, country, state),
            legend=sorted(counts.items(), key=lambda item: (item[0].kind, item[0].words)),
            figures=total(here),
            uncovered=total(one for one in here if one.territory is None),
        )

    @staticmethod
    def _name(within: str, country: str, state: str) -> str:
        if not within:
            return str(_("The world"))
        countries, states = country_names(), state_names()
        if country not in countries or (within != country and country != "US"):
            raise NoSuchPlace(within)
        if state:
            if state not in states:
                raise NoSuchPlace(within)
            return states[state]
        return countries[country]

    @staticmethod
    def _is_here(one: Group, country: str, state: str) -> bool:
        return (not country or one.country == country) and (not state or one.region == state)

    # --- Places ---------------------------------------------------------------------------

    def _countries(self, here: Iterable[Group]) -> list[Row]:
        names = country_names()
        inside = self._inside_countries(names)
        rows = self._places(
            names,
            inside,
            here,
            where=lambda one: one.country,
            asked=lambda code: Place(country=code),
        )
        # An ocean of countries without anything would bury those that count.
        found = [row for row in rows if self._matters(row)]
        return sorted(found, key=lambda row: (-row.figures.weight, row.name))

    def _matters(self, row: Row) -> bool:
        if row.figures != Figures() or row.inside:
            return True
        return row.territory is not None and self.prints[row.territory.pk].countries is not None

    def _inside_countries(self, names: Mapping[str, str]) -> dict[str, list[int]]:
        """The territories that cut a country further than all of it."""
        found: dict[str, list[int]] = {}
        for pk, one in self.prints.items():
            if one.regions is None and not one.is_postal:
                continue
            fixed = {own for own, _ in one.regions or () if own}
            for code in one.countries if one.countries is not None else fixed:
                if code in names and one.lies_in(code):
                    found.setdefault(code, []).append(pk)
        return found

    def _states(self, here: Iterable[Group]) -> list[Row]:
        names = state_names()
        inside: dict[str, list[int]] = {}
        for pk, one in self.prints.items():
            if one.is_postal and one.lies_in("US"):
                for code in _states_of(one):
                    inside.setdefault(code, []).append(pk)
        rows = self._places(
            names,
            inside,
            (one for one in here if one.region in names),
            where=lambda one: one.region,
            asked=lambda code: Place(country="US", region=code),
        )
        for row in rows:
            row.code = f"US-{row.code}"
        elsewhere = [one for one in here if one.region not in names]
        if elsewhere:
            rows.append(self._unknown_state(elsewhere))
        return sorted(rows, key=lambda row: row.name)

    def _unknown_state(self, elsewhere: list[Group]) -> Row:
        taker = self._taker(Place(country="US"))
        return Row(
            code="US-?",
            name=str(_("State not known")),
            territory=taker,
            serving=self._serving(taker),
            figures=total(elsewhere),
            uncovered=total(one for one in elsewhere if one.territory is None),
            opens=False,
        )

    def _places(
        self,
        names: Mapping[str, str],
        inside: Mapping[str, list[int]],
        here: Iterable[Group],
        *,
        where: Callable[[Group], str],
        asked: Callable[[str], Place],
    ) -> list[Row]:
        rows: dict[str, Row] = {}
        for code, name in names.items():
            taker = self._taker(asked(code))
            rows[code] = Row(
                code, name, taker, self._serving(taker), inside=sorted(inside.get(code, ()))
            )
        unknown = Row("?", str(_("Country not known")), None, NOBODY, opens=False)
        taker = self._taker(Place())
        unknown.territory, unknown.serving = taker, self._serving(taker)
        for one in here:
            row = rows.get(where(one), unknown)
            row.figures.add(one.figures)
            if one.territory is None:
                row.uncovered.add(one.figures)
        return [*rows.values(), *([unknown] if unknown.figures != Figures() else [])]

    def _taker(self, place: Place) -> Territory | None:
        found = most_specific(self.areas, place)
        return None if found is None else self.rows.get(int(found))

    def _serving(self, row: Territory | None) -> Serving:
        return NOBODY if row is None else self.serving[row.pk]

    # --- Territories ----------------------------------------------------------------------

    def _lies_in(self, pk: int, country: str, state: str) -> bool:
        if pk not in self.prints:
            return False
        one = self.prints[pk]
        if not country:
            return True
        if not one.lies_in(country):
            return False
        if not state:
            return True
        if one.is_postal:
            return state in _states_of(one)
        return one.regions is None or bool({("", state), (country, state)} & one.regions)

    def _territories(self, here: list[Group], country: str, state: str) -> list[Row]:
        rows = {
            pk: Row(
                code=str(pk),
                name=row.name,
                territory=row,
                serving=self.serving[pk],
                opens=False,
            )
            for pk, row in self.rows.items()
            if self._lies_in(pk, country, state)
        }
        gap = Row("?", str(_("In no territory")), None, NOBODY, opens=False)
        for one in here:
            row = gap
            if one.territory is not None:
                row = rows.setdefault(
                    one.territory,
                    Row(
                        code=str(one.territory),
                        name=self.rows[one.territory].name,
                        territory=self.rows[one.territory],
                        serving=self.serving[one.territory],
                        opens=False,
                    ),
                )
            row.figures.add(one.figures)
            if one.territory is None:
                row.uncovered.add(one.figures)
        found = sorted(rows.values(), key=lambda row: (-row.figures.weight, row.name))
        return [*found, gap] if gap.figures != Figures() else found

    def _tree(self, here: Iterable[Group], country: str, state: str) -> list[Node]:
        own: dict[int, Figures] = {}
        for one in here:
            if one.territory is not None:
                own.setdefault(one.territory, Figures()).add(one.figures)
        whole: dict[int, Figures] = {}
        shown = {pk for pk in self.rows if pk in own or self._lies_in(pk, country, state)}
        for pk in list(shown):
            current: int | None = pk
            while current is not None:
                shown.add(current)
                whole.setdefault(current, Figures()).add(own.get(pk, Figures()))
                current = self.rows[current].parent_id
        return [
            Node(row, depth, self.serving[row.pk], own.get(row.pk, Figures()), whole[row.pk])
            for depth, row in in_tree_order(row for row in self.rows.values() if row.pk in shown)
        ]

    # --- Colours --------------------------------------------------------------------------

    def _mark(self, rows: Sequence[Row], colour: str) -> None:
        if colour == "owner":
            self._mark_owners(rows)
            return
        mark = {"load": self._load, "sla": _late, "gaps": _gap}[colour]
        for row in rows:
            row.mark = mark(row)

    def _mark_owners(self, rows: Sequence[Row]) -> None:
        counts: dict[str, int] = {}
        for row in rows:
            if row.serving.has_anybody:
                counts[row.serving.words] = counts.get(row.serving.words, 0) + 1
        order = sorted(counts, key=lambda words: (-counts[words], words))
        steps = {words: min(n, MOST_OWNERS - 1) for n, words in enumerate(order)}
        for row in rows:
            if row.serving.has_anybody:
                words = row.serving.words
                row.mark = Mark(f"o{steps[words]:02d}", words, row.serving.short)
            elif row.territory is None and row.inside:
                row.mark = Mark("parts", str(_("cut into parts")), "÷")
            else:
                row.mark = Mark("none", str(_("nobody")), "–")

    def _load(self, row: Row) -> Mark:
        teams = [row.serving, *(self.serving[pk] for pk in row.inside)]
        held, capacity = self.load.of(frozenset().union(*(one.team for one in teams)))
        if not capacity:
            return Mark("none", str(_("nobody to carry it")), "–")
        percent = round(100 * held / capacity)
        steps = (
            (50, _("under 50 % full")),
            (80, _("50 to 79 % full")),
            (100, _("80 to 99 % full")),
        )
        for step, (below, words) in enumerate(steps):
            if percent < below:
                return Mark(f"s{step}", str(words), f"{percent}")
        return Mark("s3", str(_("full")), f"{percent}")


def _late(row: Row) -> Mark:
    figures = row.figures
    if not figures.promised:
        return Mark("none", str(_("no promise running")), "–")
    percent = round(100 * figures.late / figures.promised)
    if not figures.late:
        return Mark("s0", str(_("nothing late")), "0")
    if percent < 10:
        return Mark("s1", str(_("under 10 % late")), f"{percent}")
    if percent < 25:
        return Mark("s2", str(_("10 to 24 % late")), f"{percent}")
    return Mark("s3", str(_("25 % late or more")), f"{percent}")


def _gap(row: Row) -> Mark:
    if row.territory is not None and not row.serving.has_anybody:
        return Mark("s2", str(_("a territory that nobody serves")), "!")
    if row.territory is None and row.uncovered.weight:
        return Mark("s3", str(_("a gap with leads or accounts")), "×")
    if row.territory is None:
        words = _("only parts are covered") if row.inside else _("a gap, nothing there yet")
        return Mark("s1" if row.inside else "none", str(words), "÷" if row.inside else "–")
    return Mark("s0", str(_("covered")), "✓")


def _states_of(one: Footprint) -> frozenset[str]:
    """The states in which the ZIP codes of a footprint lie, as far as its regions allow."""
    found: set[str] = set()
    for prefix in one.prefixes:
        found |= places.states_of(prefix)
    for low, high in one.ranges:
        shared = 0
        while shared < min(len(low), len(high)) and low[shared] == high[shared]:
            shared += 1
        found |= _between(low[: shared + 1], high[: shared + 1])
    if one.regions is not None:
        found &= {region for own, region in one.regions if own in ("", "US")}
    return frozenset(found)


def _between(low: str, high: str) -> set[str]:
    """States of the ZIP codes whose beginnings lie between two of the same length."""
    if not (low.isdigit() and high.isdigit() and len(low) == len(high) <= 5):
        return set(places.states_of(low)) | set(places.states_of(high))
    found: set[str] = set()
    for number in range(int(low), int(high) + 1):
        found |= places.states_of(f"{number:0{len(low)}d}")
    return found
