"""
The kinds of stage a path may have. Adding one is one class and one entry in `STAGES`.

| stage                    | options                              | asks for                     |
|--------------------------|--------------------------------------|------------------------------|
| filter `skill`           | `skill` or `skill_fact`, `at_least`  | a skill at a level           |
| filter `language`        | `at_least`                           | the lead's language, likewise|
| filter `segment`         | `at_least`                           | the lead's segment, likewise |
| filter `seniority`       | `at_least`                           | 1 junior … 4 principal       |
| filter `territory`       |                                      | the lead's own territory     |
| filter `team`            | `id`                                 | one team                     |
| filter `on_shift`        | `within` (seconds)                   | work now, or soon            |
| filter `before_deadline` | `within` (seconds, if any)           | an answer in time            |
| filter `daytime`         |                                      | work in the prospect's day   |
| filter `near`            | `within_km`                          | a place near by              |
| prefer `former_owner`    |                                      | who had this person before   |
| prefer `account_team`    |                                      | who works for the account    |
| prefer `nearest`         | `within_km` (if any)                 | the smallest distance        |
| prefer `skill`           | as above                             | the highest level            |
| prefer `on_shift`        | `within` (seconds)                   | work now, or soon            |
| prefer `daytime`         |                                      | work in the prospect's day   |
| prefer `propensity`      |                                      | the highest chance to win    |

Filters drop candidates, each with a verdict of its own: see `filters`. Preferences keep the
best of those who are left, see `preferences`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from routing.engine import filters, preferences
from routing.engine.filters import Filter
from routing.engine.parts import ObjectReader
from routing.engine.preferences import Preference

SENIOR_MOST = 4


def _read_skill(part: ObjectReader) -> dict[str, Any]:
    by_name, by_fact = part.says("skill"), part.says("skill_fact")
    if by_name == by_fact:
        part.refuse("skill", "give either 'skill' or 'skill_fact'")
    name = "skill" if by_name else "skill_fact"
    return {name: part.filled_text(name), **_read_level(part)}


def _read_level(part: ObjectReader) -> dict[str, Any]:
    return {"at_least": part.integer("at_least", 1, least=1)}


def _read_seniority(part: ObjectReader) -> dict[str, Any]:
    return {"at_least": part.integer("at_least", least=1, most=SENIOR_MOST)}


def _read_within(part: ObjectReader) -> dict[str, Any]:
    return {"within": part.integer("within", 0, least=0)}


def _read_within_if_any(part: ObjectReader) -> dict[str, Any]:
    return {"within": part.integer("within", least=0)} if part.says("within") else {}


def _read_distance(part: ObjectReader) -> dict[str, Any]:
    return {"within_km": part.number("within_km", least=0)}


def _read_distance_if_any(part: ObjectReader) -> dict[str, Any]:
    return _read_distance(part) if part.says("within_km") else {}


def _read_id(part: ObjectReader) -> dict[str, Any]:
    return {"id": part.integer("id")}


def _read_nothing(part: ObjectReader) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class StageKind:
    """How a stage's options are read from JSON, and what is made of them."""

    read: Callable[[ObjectReader], dict[str, Any]]
    make: Callable[[Mapping[str, Any]], Filter | Preference]


STAGES: Mapping[tuple[str, str], StageKind] = {
    ("filter", "skill"): StageKind(_read_skill, filters.SkillFilter),
    ("filter", "language"): StageKind(_read_level, filters.LanguageFilter),
    ("filter", "segment"): StageKind(_read_level, filters.SegmentFilter),
    ("filter", "seniority"): StageKind(_read_seniority, filters.SeniorityFilter),
    ("filter", "territory"): StageKind(_read_nothing, filters.TerritoryFilter),
    ("filter", "team"): StageKind(_read_id, filters.TeamFilter),
    ("filter", "on_shift"): StageKind(_read_within, filters.ShiftFilter),
    ("filter", "before_deadline"): StageKind(_read_within_if_any, filters.DeadlineFilter),
    ("filter", "daytime"): StageKind(_read_nothing, filters.DaytimeFilter),
    ("filter", "near"): StageKind(_read_distance, filters.NearFilter),
    ("prefer", "former_owner"): StageKind(_read_nothing, preferences.FormerOwnerPreference),
    ("prefer", "account_team"): StageKind(_read_nothing, preferences.AccountTeamPreference),
    ("prefer", "nearest"): StageKind(_read_distance_if_any, preferences.NearestPreference),
    ("prefer", "skill"): StageKind(_read_skill, preferences.SkillPreference),
    ("prefer", "on_shift"): StageKind(_read_within, preferences.ShiftPreference),
    ("prefer", "daytime"): StageKind(_read_nothing, preferences.DaytimePreference),
    ("prefer", "propensity"): StageKind(_read_nothing, preferences.PropensityPreference),
}
