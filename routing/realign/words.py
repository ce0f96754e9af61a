"""What a plan, its preview and its proposals say, ready for a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import PlannedTerritory, Territory, TerritoryPlan
from accounts.services.plans import conflicts
from accounts.services.plans.world import World, label_of, planned, shown
from reps.models import Rep
from routing.models import Pool, TerritoryStudy
from routing.realign import charts
from routing.realign.effects import MEASURES
from routing.simulation.charts import Pair, chart

TITLES = {
    "flow": gettext_lazy("Leads of 90 days"),
    "open": gettext_lazy("Open leads"),
    "points": gettext_lazy("Points of open leads"),
    "accounts": gettext_lazy("Accounts"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One column of a territory, before and after, as people read it."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Told:
    """A change of a plan in words: what kind it is, and field by field."""

    change: PlannedTerritory
    kind: str
    state: str
    differences: list[Difference]


class Names:
    """Who and what the numbers of a plan stand for; two statements."""

    def __init__(self, *worlds: World) -> None:
        self.reps = {rep.pk: str(rep) for rep in Rep.objects.select_related("user")}
        self.areas: dict[int, str] = {}
        for world in worlds:
            self.areas |= {pk: row.name for pk, row in world.items()}

    def value(self, name: str, value: Any) -> str:
        return shown(name, value, reps=self.reps, names=self.areas)


def differences(plan: TerritoryPlan, world: World) -> list[Told]:
    """The changes of a plan, field by field."""
    changes = list(plan.changes.all())
    names = Names(world, planned(plan, world))
    # Of what has been undone or deleted only the plan still knows the name.
    for change in changes:
        names.areas.setdefault(change.territory or change.key, str(change))
    return [_told(change, names) for change in changes]


def _told(change: PlannedTerritory, names: Names) -> Told:
    before = change.was or change.before or {}
    rows = [
        Difference(
            label_of(name),
            names.value(name, before.get(name)),
            names.value(name, (change.became or change.after)[name]),
        )
        for name in change.changed
    ]
    if change.is_new:
        said = [row for row in rows if row.after and row.label != "name"]
        return Told(change, _("new"), "ok", said)
    if "is_active" in change.changed and not change.after["is_active"]:
        return Told(change, _("retired"), "paused", rows)
    return Told(change, _("changed"), "info", rows)


def conflict_rows(plan: TerritoryPlan, world: World) -> list[dict[str, Any]]:
    """What keeps a draft from being asked for, with what to choose between."""
    names = Names(world, planned(plan, world))
    return [
        {
            "change": one.change,
            "field": one.field,
            "label": label_of(one.field) if one.field else "",
            "why": one.why,
            "live": names.value(one.field, one.live),
            "wanted": names.value(one.field, one.wanted),
            "key": f"keep-{one.change.pk}-{one.field}",
            "can_choose": "was" in one.why.split(),
        }
        for one in conflicts.of(plan.changes.all(), world)
    ]


def preview(study: TerritoryStudy) -> dict[str, Any]:
    """The tables of a preview: who gets what, territory by territory, and how even it is."""
    result = study.result
    reps = {f"r{rep.pk}": str(rep) for rep in Rep.objects.select_related("user")}
    pools = {f"p{pool.pk}": str(pool) for pool in Pool.objects.all()}
    lines = [
        {
            "name": reps.get(line["key"])
            or (_("Pool %(pool)s") % {"pool": pools[line["key"]]} if line["key"] in pools else "")
            or _("Nobody in particular"),
            "rep": int(line["key"][1:]) if line["key"].startswith("r") else None,
            "pairs": [(TITLES[m], *line[m], line[m][1] - line[m][0]) for m in MEASURES],
            "flow": line["flow"],
        }
        for line in result["lines"]
    ]
    lines.sort(key=lambda line: (line["rep"] is None, line["name"]))
    drawn = chart([Pair(line["name"], *line["flow"]) for line in lines])
    return {
        "lines": [{**line, "bars": bars} for line, (_pair, bars) in zip(lines, drawn, strict=True)],
        "titles": [TITLES[m] for m in MEASURES],
        "total": [(TITLES[m], *result["total"][m]) for m in MEASURES],
        "fairness": [{"title": TITLES[m], **result["fairness"][m]} for m in MEASURES],
        "territories": result["territories"],
        "counts": result["counts"],
        "moves": result["moves"],
        "moved": result["moves"][result["policy"]],
        "without_taker": result["without_taker"],
    }


def workload(study: TerritoryStudy) -> dict[str, Any]:
    """Weeks by territory as bars and figures, loads by rep, and each proposed move in words."""
    result = study.result
    reps = {rep.pk: str(rep) for rep in Rep.objects.select_related("user")}
    there = set(Territory.objects.values_list("pk", flat=True))
    most = max((max(area["weeks"], default=0) for area in result["areas"]), default=0)
    areas = [
        {
            **area,
            "name": area["name"] or _("No territory"),
            "link": area["id"] if area["id"] in there else None,
            "owner": reps.get(area["owner"], ""),
            "chart": charts.weeks(area["weeks"], most=most, label=area["name"] or "-"),
        }
        for area in sorted(result["areas"], key=lambda one: (-one["flow"], one["id"]))
    ]
    drawn = chart([Pair(one["name"], one["before"], one["after"]) for one in result["loads"]])
    return {
        "areas": areas,
        "total": sum(area["flow"] for area in areas),
        "open": sum(area["open"] for area in areas),
        "points": sum(area["points"] for area in areas),
        "loads": [
            {**one, "bars": bars} for one, (_p, bars) in zip(result["loads"], drawn, strict=True)
        ],
        "moves": [{**one, "says": move_in_words(one, result["mean"])} for one in result["moves"]],
        "gap_percent": round(100 * result["gap"], 1),
        "weeks": range(result["number_of_weeks"], 0, -1),
    }


def move_in_words(move: Mapping[str, Any], mean: float) -> str:
    """Why a move is proposed, and what it does to both loads."""
    words = _(
        "%(who)s carries %(a)s against a mean of %(mean)s, %(to)s %(c)s. After it: %(b)s and %(d)s."
    ) % {
        "who": move["from_name"],
        "to": move["to_name"],
        "a": move["from_load"][0],
        "b": move["from_load"][1],
        "c": move["to_load"][0],
        "d": move["to_load"][1],
        "mean": f"{mean:g}",
    }
    if move["beside"]:
        words += " " + _("It touches %(places)s, which %(to)s has or gets.") % {
            "places": ", ".join(move["beside"]),
            "to": move["to_name"],
        }
    return words
