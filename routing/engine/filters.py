"""
What a path requires of a rep, beyond the floor. Each kind drops with a verdict of its own.

A filter that asks a fact which the lead does not have keeps nobody where the fact names what
the rep must have (a skill, a place, a territory): such a lead must not go to everybody. Where
the fact names a time (a deadline, the prospect's daytime) there is nothing to be late for, and
everybody is kept.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from routing.engine import facts as known
from routing.engine.earth import km_between
from routing.engine.eligibility import Detail, opens_at
from routing.engine.spans import Spans, first_open
from routing.engine.types import RepSpec, Situation, Verdict

Keeps: TypeAlias = Callable[[RepSpec], bool]


class Filter(ABC):
    """A requirement of the path, stricter than the floor."""

    verdict: ClassVar[Verdict]
    # Whether time alone may change what it says of a rep.
    passes_with_time: ClassVar[bool] = False
    facts: tuple[str, ...] = ()

    @abstractmethod
    def bind(self, situation: Situation) -> Keeps:
        """Return the test for this lead, everything that does not depend on the rep done."""

    @abstractmethod
    def detail(self, rep: RepSpec, situation: Situation) -> Detail:
        """Put into words why the rep fails it."""

    def not_before(self, rep: RepSpec, situation: Situation, at: int) -> int | None:
        """Return the first instant from `at` on when the rep passes; None for never."""
        return at if self.bind(situation)(rep) else None


# --- Skill, seniority, team --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SkillWanted:
    """
    A skill at a level: named by the rule, or by a fact of the lead.

    A fact that is a list (of languages, say) is met by the best of them.
    """

    skill: str | None
    fact: str | None
    at_least: int

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "SkillWanted":
        skill = options.get("skill")
        folded = None if skill is None else skill.casefold()
        return cls(folded, options.get("skill_fact"), options["at_least"])

    def names(self, situation: Situation) -> tuple[str, ...]:
        if self.skill is not None:
            return (self.skill,)
        found = situation.facts.get(self.fact or "")
        listed = found if isinstance(found, list | tuple) else (found,)
        return tuple(name.casefold() for name in listed if isinstance(name, str) and name)

    def level(self, rep: RepSpec, names: tuple[str, ...]) -> int:
        return max([rep.skills.get(name, 0) for name in names], default=0)


class SkillFilter(Filter):
    """Keep reps with the skill at the level."""

    verdict: ClassVar[Verdict] = "skill"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.wanted = SkillWanted.of(options)
        self.facts = (self.wanted.fact,) if self.wanted.fact else ()

    def bind(self, situation: Situation) -> Keeps:
        names, at_least = self.wanted.names(situation), self.wanted.at_least
        if len(names) == 1:
            name = names[0]
            return lambda rep: rep.skills.get(name, 0) >= at_least
        return lambda rep: self.wanted.level(rep, names) >= at_least

    def detail(self, rep: RepSpec, situation: Situation) -> Detail:
        names = self.wanted.names(situation)
        if not names:
            return Detail(f"the lead names no {self.wanted.fact}")
        level = self.wanted.level(rep, names)
        return Detail(f"{' or '.join(names)} {level}, needs {self.wanted.at_least}")


class LanguageFilter(SkillFilter):
    """Keep reps who speak the lead's language (fact `language`) at the level."""

    verdict = "language"

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__({**options, "skill_fact": "language"})


class SegmentFilter(SkillFilter):
    """Keep reps who have the lead's segment (fact `segment`) among their skills."""

    verdict = "segment"

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__({**options, "skill_fact": "segment"})


class SeniorityFilter(Filter):
    """Keep reps from a seniority on."""

    verdict = "seniority"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.at_least: int = options["at_least"]

    def bind(self, situation: Situation) -> Keeps:
        at_least = self.at_least
        return lambda rep: rep.seniority >= at_least

    def detail(self, rep: RepSpec, situation: Situation) -> Detail:
        return Detail(f"seniority {rep.seniority}, needs {self.at_least}")


class TeamFilter(Filter):
    """Keep reps of one team."""

    verdict = "team"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.team: int = options["id"]

    def bind(self, situation: Situation) -> Keeps:
        team = self.team
        return lambda rep: rep.team == team

    def detail(self, rep: RepSpec, situation: Situation) -> Detail:
        has = "no team" if rep.team is None else f"team {rep.team}"
        return Detail(f"{has}, needs team {self.team}")


# --- Place -------------------------------------------------------------------------------


class TerritoryFilter(Filter):
    """Keep who owns the lead's territory, stands in for its owner, or is in its pool."""

    verdict = "territory"
    facts = ("territory",)

    def __init__(self, options: Mapping[str, Any]) -> None:
        pass

    def bind(self, situation: Situation) -> Keeps:
        number = known.id_in(situation.facts, "territory")
        territory = None if number is None else situation.roster.territories.get(number)
        if territory is None:
            return lambda rep: False
        pool = None if territory.pool is None else situation.roster.pools.get(territory.pool)
        own = frozenset(
            {
                territory.owner,
                territory.backup,
                *territory.backups,
                *(pool.by_rep if pool else ()),
            }
        )
        return lambda rep: rep.id in own

    def detail(self, rep: RepSpec, situation: Situation) -> Detail:
        number = known.id_in(situation.facts, "territory")
        if number is None:
            return Detail("the lead has no territory")
        return Detail(f"not of territory {number}")


class NearFilter(Filter):
    """Keep reps within so many kilometres of the lead (fact `location`)."""

    verdict = "near"
    facts = ("location",)

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.within_km: float = options["within_km"]

    def bind(self, situation: Situation) -> Keeps:
        here, within = known.point_in(situation.facts, "location"), self.within_km
        if here is None:
            return lambda rep: False
        return lambda rep: rep.place is not None and km_between(*here, *rep.place) <= within

    def detail(self, rep: RepSpec, situation: Situation) -> Detail:
        here = known.point_in(situation.facts, "location")
        if here is None:
            return Detail("the lead has no location")
        if rep.place is None:
            return Detail("no place known")
        return Detail(f"{km_between(*here, *rep.place):.0f} km away, at most {self.within_km:g}")


# --- Time --------------------------------------------------------------------------------


class ShiftFilter(Filter):
    """Keep reps who work now, or who will within so many seconds."""

    verdict: ClassVar[Verdict] = "off_shift"
    passes_with_time = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.within: int = options["within"]

    def bind(self, situation: Situation) -> Keeps:
        at = situation.at
        latest = at + self.within

        def keeps(rep: RepSpec) -> bool:
            if rep.absences:
                opens = opens_at(rep, at)
            elif rep.hours is None:
                return True
            else:
                opens = first_open(rep.hours, at)
            return opens is not None and opens <= latest

        return keeps

    def not_before(self, rep: RepSpec, situation: Situation, at: int) -> int | None:
        opens = opens_at(rep, at)
        return None if opens is None else max(at, opens - self.within)

    def detail(self, rep: RepSpec, situation: Situation) -> Detail:
        opens = opens_at(rep, situation.at)
        return Detail("no shift planned" if opens is None else f"opens at {opens}", opens)


class DeadlineFilter(Filter):
    """
    Keep reps who work before the first answer is due (fact `answer_by`).

    With `within` the deadline is so many seconds from now instead, whatever was promised.
    """

    verdict = "before_deadline"
    passes_with_time = True
    facts = ("answer_by",)

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.within: int | None = options.get("within")

    def deadline(self, situation: Situation, at: int) -> int | None:
        if self.within is not None:
            return at + self.within
        return known.instant_in(situation.facts, "answer_by")

    def bind(self, situation: Situation) -> Keeps:
        at = situation.at
        latest = self.deadline(situation, at)
        if latest is None:
            return lambda rep: True

        def keeps(rep: RepSpec) -> bool:
            opens = opens_at(rep, at)
            return opens is not None and opens <= latest

        return keeps

    def not_before(self, rep: RepSpec, situation: Situation, at: int) -> int | None:
        latest = self.deadline(situation, at)
        if latest is None:
            return at
        opens = opens_at(rep, at)
        if opens is None:
            return None
        if self.within is not None:
            return max(at, opens - self.within)
        return at if opens <= latest else None

    def detail(self, rep: RepSpec, situation: Situation) -> Detail:
        opens = opens_at(rep, situation.at)
        if opens is None:
            return Detail("no shift planned")
        due = self.deadline(situation, situation.at)
        return Detail(f"opens at {opens}, too late for {due}", opens)


class DaytimeFilter(Filter):
    """Keep reps who, from now on, work at some time when it is day for the prospect."""

    verdict = "daytime"
    passes_with_time = True
    facts = ("daytime",)

    def __init__(self, options: Mapping[str, Any]) -> None:
        pass

    def bind(self, situation: Situation) -> Keeps:
        day, at = known.spans_in(situation.facts, "daytime"), situation.at
        if day is None:
            return lambda rep: True
        return lambda rep: works_within(rep, day, at)

    def not_before(self, rep: RepSpec, situation: Situation, at: int) -> int | None:
        day = known.spans_in(situation.facts, "daytime")
        return at if day is None or works_within(rep, day, at) else None

    def detail(self, rep: RepSpec, situation: Situation) -> Detail:
        return Detail("does not work in the prospect's daytime")


def works_within(rep: RepSpec, spans: Spans, at: int) -> bool:
    """Say whether the rep works at some instant of these spans, from `at` on."""
    for start, end in spans:
        opens = opens_at(rep, max(start, at))
        if opens is not None and opens < end:
            return True
    return False
