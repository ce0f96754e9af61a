"""Everything that the checks look at: the rules, and the company they are for. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from accounts.areas import Area
from routing.engine import Check, Condition, Member, Path, Roster, Rule, Spans

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


HOT: Final = Check("tier", "eq", "HOT")


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule as the engine reads it, with the user who answers for it and its review date."""

    rule: Rule
    owner: int | None = None
    review_on: date | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths that its leads can take: two if it splits its traffic."""
        path = self.rule.path
        return (path,) if path.split is None else (path, path.split.path)


@dataclass(frozen=True, slots=True)
class QueueInfo:
    """A queue: who may claim from it (None: nobody), and the user who answers for it."""

    name: str
    pool: int | None
    responsible: int


@dataclass(frozen=True, slots=True)
class Promise:
    """
    A time limit for leads that meet a condition, in seconds.

    Of the promises about one thing (`about`) the first whose condition holds applies.
    `around_the_clock`: nights and weekends count; else only the rep's working hours.
    """

    about: str
    condition: Condition
    seconds: int
    around_the_clock: bool


@dataclass(frozen=True, slots=True)
class Traffic:
    """
    Leads decided in the last weeks, by the name of the rule that decided.

    `since` is the day on which a rule of that name was first live.
    """

    days: int = 30
    total: int = 0
    by_rule: Mapping[str, int] = field(default_factory=dict)
    since: Mapping[str, date] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """
    The company as it stands at an instant (`at`, epoch seconds; `today`, its day in UTC).

    `users` are those whose account is open. `areas` are the territories in service with their
    criteria. Names are by id; a person who has left has a name too.
    """

    at: int
    today: date
    roster: Roster = field(default_factory=Roster)
    pools: Mapping[int, str] = field(default_factory=dict)
    queues: Mapping[int, QueueInfo] = field(default_factory=dict)
    reps: Mapping[int, str] = field(default_factory=dict)
    teams: Mapping[int, str] = field(default_factory=dict)
    territories: Mapping[int, str] = field(default_factory=dict)
    areas: tuple[Area, ...] = ()
    users: frozenset[int] = frozenset()
    people: Mapping[int, str] = field(default_factory=dict)
    promises: tuple[Promise, ...] = ()
    traffic: Traffic = field(default_factory=Traffic)
    kinds: Mapping[str, str] = field(default_factory=dict)
    # What holds for every hot lead.
    hot: Condition = HOT
    # Whether a score is live at all, and its threshold (None: not known here).
    has_score: bool = True
    threshold: int | None = None

    def is_active(self, rep: int | None) -> bool:
        """Say whether a rep is there and works here."""
        spec = None if rep is None else self.roster.reps.get(rep)
        return spec is not None and spec.active

    def members(self, pool: int | None) -> tuple[Member, ...]:
        """Return the members of a pool who work here; none for a pool that is gone."""
        spec = None if pool is None else self.roster.pools.get(pool)
        return () if spec is None else tuple(m for m in spec.members if self.is_active(m.rep))

    def staffed(self, pool: int, *, within: int = 0) -> Spans | None:
        """
        Return when a member of the pool works, or will within so many seconds, by plan.

        None: somebody does around the clock. Absences are not in the plan.
        """
        spans: list[tuple[int, int]] = []
        for member in self.members(pool):
            hours = self.roster.reps[member.rep].hours
            if hours is None:
                return None
            spans += [(start - within, end) for start, end in hours]
        return union(spans)


def union(spans: list[tuple[int, int]]) -> Spans:
    """Join spans that touch or overlap."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)
