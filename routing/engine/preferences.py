"""
What a path wishes for. Preferences keep the best of those who are left, and change nothing
where nobody stands out: they never cost a lead its taker.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from routing.engine import facts as known
from routing.engine.earth import km_between
from routing.engine.filters import DaytimeFilter, Filter, ShiftFilter, SkillWanted
from routing.engine.types import Member, Situation


class Preference(ABC):
    """A wish of the path."""

    facts: tuple[str, ...] = ()

    @abstractmethod
    def best(self, members: Sequence[Member], situation: Situation) -> Sequence[Member]:
        """Return those who stand out, in the given order; nobody if nobody does."""


class FormerOwnerPreference(Preference):
    """Prefer the rep who had this person before (fact `former_owner`)."""

    facts = ("former_owner",)

    def __init__(self, options: Mapping[str, Any]) -> None:
        pass

    def best(self, members: Sequence[Member], situation: Situation) -> Sequence[Member]:
        former = known.id_in(situation.facts, "former_owner")
        return [member for member in members if member.rep == former]


class AccountTeamPreference(Preference):
    """Prefer reps who work for the lead's account already (fact `account_team`)."""

    facts = ("account_team",)

    def __init__(self, options: Mapping[str, Any]) -> None:
        pass

    def best(self, members: Sequence[Member], situation: Situation) -> Sequence[Member]:
        team = known.ids_in(situation.facts, "account_team")
        return [member for member in members if member.rep in team]


class SkillPreference(Preference):
    """Prefer the highest level of the skill, from `at_least` on."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.wanted = SkillWanted.of(options)
        self.facts = (self.wanted.fact,) if self.wanted.fact else ()

    def best(self, members: Sequence[Member], situation: Situation) -> Sequence[Member]:
        names, reps = self.wanted.names(situation), situation.roster.reps
        return _highest(
            members,
            lambda member: self.wanted.level(reps[member.rep], names),
            lambda level: level >= self.wanted.at_least,
        )


class NearestPreference(Preference):
    """Prefer whoever is nearest to the lead (fact `location`), within a distance if one is set."""

    facts = ("location",)

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.within_km: float | None = options.get("within_km")

    def best(self, members: Sequence[Member], situation: Situation) -> Sequence[Member]:
        here, reps = known.point_in(situation.facts, "location"), situation.roster.reps
        if here is None:
            return ()

        def nearness(member: Member) -> float | None:
            place = reps[member.rep].place
            return None if place is None else -km_between(*here, *place)

        within = self.within_km
        return _highest(members, nearness, lambda near: within is None or -near <= within)


class PropensityPreference(Preference):
    """Prefer whoever is likeliest to win the lead (fact `propensity`)."""

    facts = ("propensity",)

    def __init__(self, options: Mapping[str, Any]) -> None:
        pass

    def best(self, members: Sequence[Member], situation: Situation) -> Sequence[Member]:
        scores = known.scores_in(situation.facts, "propensity")
        return _highest(members, lambda member: scores.get(member.rep), lambda score: True)


Measure: TypeAlias = Callable[[Member], float | None]


def _highest(
    members: Sequence[Member], measure: Measure, enough: Callable[[float], bool]
) -> Sequence[Member]:
    """Keep who measures highest, if that is enough; who cannot be measured does not."""
    measured = [(member, measure(member)) for member in members]
    highest = max([value for _, value in measured if value is not None], default=None)
    if highest is None or not enough(highest):
        return ()
    return [member for member, value in measured if value == highest]


class KeptPreference(Preference):
    """Prefer whom a filter would keep."""

    def __init__(self, made: Filter) -> None:
        self.filter = made
        self.facts = made.facts

    def best(self, members: Sequence[Member], situation: Situation) -> Sequence[Member]:
        keeps, reps = self.filter.bind(situation), situation.roster.reps
        return [member for member in members if keeps(reps[member.rep])]


class ShiftPreference(KeptPreference):
    """Prefer reps who work now, or who will within so many seconds."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(ShiftFilter(options))


class DaytimePreference(KeptPreference):
    """Prefer reps who work when it is day for the prospect."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(DaytimeFilter(options))
