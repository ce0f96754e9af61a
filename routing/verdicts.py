"""What the engine says of one rep, told to people: whom it concerns, since when, how much."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reps.availability import moment
from reps.models import Rep
from routing.engine.eligibility import FULL_OF
from routing.engine.explain import SET_ASIDE
from routing.engine.types import RepSpec, Roster
from routing.rules.names import Names
from routing.why import VERDICTS, clock_time

# A preference → whom it prefers.
PREFERRED: Mapping[str, Any] = {
    "former_owner": gettext_lazy("the former owner"),
    "account_team": gettext_lazy("the account's team"),
    "nearest": gettext_lazy("whoever is nearest"),
    "skill": gettext_lazy("whoever is best at it"),
    "on_shift": gettext_lazy("who works now"),
    "daytime": gettext_lazy("who works in the prospect's daytime"),
    "propensity": gettext_lazy("whoever is likeliest to win it"),
}
# A filter → what it asks for.
ASKED_FOR: Mapping[str, Any] = {
    "skill": gettext_lazy("the skill"),
    "language": gettext_lazy("the language"),
    "segment": gettext_lazy("the segment"),
    "seniority": gettext_lazy("the seniority"),
    "territory": gettext_lazy("the territory"),
    "team": gettext_lazy("the team"),
    "on_shift": gettext_lazy("working hours"),
    "before_deadline": gettext_lazy("being back in time"),
    "daytime": gettext_lazy("the prospect's daytime"),
    "near": gettext_lazy("the distance"),
}
# As the engine writes what is missing of a skill.
_SKILL = re.compile(r"(?P<skills>.+) (?P<level>\d+), needs (?P<wanted>\d+)")


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict with its detail and the instant it ends, as the engine's stories have them."""

    verdict: str
    detail: str = ""
    until: int | None = None


def verdict_words(verdict: str) -> str:
    """What a verdict says of one rep."""
    return str(VERDICTS.get(verdict, (verdict, ""))[0])


def detail_words(
    said: Said, *, rep: int, roster: Roster, facts: Mapping[str, Any], names: Names
) -> str:
    """What more there is to say; "" where the verdict says it all."""
    spec = roster.reps.get(rep)
    at = "" if said.until is None else clock_time(moment(said.until))
    match said.verdict:
        case "away":
            return _("until %(at)s") % {"at": at} if at else _("until further notice")
        case "absent":
            return _("until %(at)s") % {"at": at} if at else ""
        case "off_shift" | "before_deadline":
            return _("works from %(at)s") % {"at": at} if at else _("no shift planned")
        case "team":
            return _team(spec, names)
        case "territory":
            return _territory(facts, names)
        case "seniority":
            label = Rep.Seniority(spec.seniority if spec else 0).label
            return _("seniority: %(label)s") % {"label": label}
        case "skill" | "language" | "segment":
            return _skill(said.detail, names)
        case "near":
            return said.detail
    if said.verdict == SET_ASIDE:
        return str(PREFERRED.get(said.detail, said.detail))
    if said.verdict in FULL_OF:
        return _("%(how)s, room at %(at)s") % {"how": said.detail, "at": at} if at else said.detail
    return ""


def _team(spec: RepSpec | None, names: Names) -> str:
    if spec is None or spec.team is None:
        return _("in no team")
    return _("in %(team)s") % {"team": names.teams.get(spec.team, _("a team that is gone"))}


def _territory(facts: Mapping[str, Any], names: Names) -> str:
    territory = facts.get("territory")
    if territory is None:
        return _("the lead has no territory")
    name = names.territories.get(territory, _("a territory that is gone"))
    return _("the lead is of %(territory)s") % {"territory": name}


def _skill(detail: str, names: Names) -> str:
    found = _SKILL.fullmatch(detail)
    if found is None:
        return detail
    asked = [names.skills.get(slug, slug) for slug in found["skills"].split(" or ")]
    values = {"skill": _(" or ").join(asked), "level": found["level"], "wanted": found["wanted"]}
    if found["level"] == "0":
        return _("%(skill)s is asked at level %(wanted)s") % values
    return _("%(skill)s at level %(level)s, level %(wanted)s is asked") % values
