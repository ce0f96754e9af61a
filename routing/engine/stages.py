"""
How a path narrows its candidates. Adding a stage is one class and one entry in `STAGES`.

Filters drop candidates, each with a verdict of its own. Preferences keep the best of those who
are left, and change nothing where nobody stands out: they never cost a lead its taker.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from routing.engine.eligibility import Detail, opens_at
from routing.engine.parts import ObjectReader
from routing.engine.targets import id_in
from routing.engine.types import Member, RepSpec, Situation, Verdict

Keeps: TypeAlias = Callable[[RepSpec], bool]


class Filter(ABC):
    """A requirement of the path, stricter than the floor."""

    verdict: ClassVar[Verdict]
    # Whether a rep who fails it may pass later, just by waiting.
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


class Preference(ABC):
    """A wish of the path."""

    facts: tuple[str, ...] = ()

    @abstractmethod
    def best(self, members: Sequence[Member], situation: Situation) -> Sequence[Member]:
        """Return those who stand out, in the given order; nobody if nobody does."""


# --- Skill -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SkillWanted:
    """
    A skill at a level: named by the rule, or by a fact of the lead.

    A fact that is a list (of languages, say) is met by the best of them. A lead that does not
    have the fact asks for a skill nobody has: it must not go to everybody.
    """

    skill: str | None
    fact: str | None
    at_least: int

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

    verdict = "skill"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.wanted = _skill_wanted(options)
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


class SkillPreference(Preference):
    """Prefer the highest level of the skill, from `at_least` on."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.wanted = _skill_wanted(options)
        self.facts = (self.wanted.fact,) if self.wanted.fact else ()

    def best(self, members: Sequence[Member], situation: Situation) -> Sequence[Member]:
        names, reps = self.wanted.names(situation), situation.roster.reps
        levels = [self.wanted.level(reps[member.rep], names) for member in members]
        highest = max(levels, default=0)
        if highest < self.wanted.at_least:
            return ()
        return [m for m, level in zip(members, levels, strict=True) if level == highest]


def _skill_wanted(options: Mapping[str, Any]) -> SkillWanted:
    skill = options.get("skill")
    return SkillWanted(
        None if skill is None else skill.casefold(), options.get("skill_fact"), options["at_least"]
    )


def _read_skill(part: ObjectReader) -> dict[str, Any]:
    if part.has("skill") == part.has("skill_fact"):
        part.refuse("skill", "give either 'skill' or 'skill_fact'")
    name = "skill" if part.has("skill") else "skill_fact"
    return {name: part.filled_text(name), "at_least": part.integer("at_least", 1, least=1)}


# --- Shift -------------------------------------------------------------------------------


class ShiftFilter(Filter):
    """Keep reps who work now, or who will within so many seconds."""

    verdict = "off_shift"
    passes_with_time = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.within: int = options["within"]

    def bind(self, situation: Situation) -> Keeps:
        at = situation.at
        latest = at + self.within

        def keeps(rep: RepSpec) -> bool:
            if rep.hours is None and not rep.absences:
                return True
            opens = opens_at(rep, at)
            return opens is not None and opens <= latest

        return keeps

    def not_before(self, rep: RepSpec, situation: Situation, at: int) -> int | None:
        opens = opens_at(rep, at)
        return None if opens is None else max(at, opens - self.within)

    def detail(self, rep: RepSpec, situation: Situation) -> Detail:
        opens = opens_at(rep, situation.at)
        return Detail("no shift planned" if opens is None else f"opens at {opens}", opens)


class ShiftPreference(Preference):
    """Prefer reps who work now, or who will within so many seconds."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.filter = ShiftFilter(options)

    def best(self, members: Sequence[Member], situation: Situation) -> Sequence[Member]:
        keeps, reps = self.filter.bind(situation), situation.roster.reps
        return [member for member in members if keeps(reps[member.rep])]


def _read_within(part: ObjectReader) -> dict[str, Any]:
    return {"within": part.integer("within", 0, least=0)}


# --- Team, former owner ------------------------------------------------------------------


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


def _read_id(part: ObjectReader) -> dict[str, Any]:
    return {"id": part.integer("id")}


class FormerOwnerPreference(Preference):
    """Prefer the rep who had this person before (fact `former_owner`)."""

    facts = ("former_owner",)

    def __init__(self, options: Mapping[str, Any]) -> None:
        pass

    def best(self, members: Sequence[Member], situation: Situation) -> Sequence[Member]:
        former = id_in(situation.facts, "former_owner")
        return [member for member in members if member.rep == former]


def _read_nothing(part: ObjectReader) -> dict[str, Any]:
    return {}


# --- The registry ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StageKind:
    """How a stage's options are read from JSON, and what is made of them."""

    read: Callable[[ObjectReader], dict[str, Any]]
    make: Callable[[Mapping[str, Any]], Filter | Preference]


STAGES: Mapping[tuple[str, str], StageKind] = {
    ("filter", "skill"): StageKind(_read_skill, SkillFilter),
    ("filter", "on_shift"): StageKind(_read_within, ShiftFilter),
    ("filter", "team"): StageKind(_read_id, TeamFilter),
    ("prefer", "former_owner"): StageKind(_read_nothing, FormerOwnerPreference),
    ("prefer", "skill"): StageKind(_read_skill, SkillPreference),
    ("prefer", "on_shift"): StageKind(_read_within, ShiftPreference),
}
