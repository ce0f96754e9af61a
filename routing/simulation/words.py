"""What a simulation found, in words and pictures, for its page and its export."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Territory
from reps.models import Rep
from routing.models import Lead, Pool, Queue, SimulatedLead, Simulation
from routing.qualify.facts import ALL
from routing.simulation.charts import Pair, chart
from routing.simulation.uploads import MOMENT

OUTCOMES = {
    "assign": gettext_lazy("with a rep"),
    "queue": gettext_lazy("in a queue"),
    "nurture": gettext_lazy("in nurture"),
    "park": gettext_lazy("waits"),
}
MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class Line:
    """A lead of the list, in words."""

    row: SimulatedLead
    who: str
    company: str
    tier: str
    recomputed: str
    actual: str
    live: str
    live_rule: str
    draft: str
    draft_rule: str


class Names:
    """Names of what a simulation knows by id; each kind is read once, when first needed."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation

    @cached_property
    def reps(self) -> dict[int, str]:
        return {rep.pk: rep.user.label for rep in Rep.objects.select_related("user")}

    @cached_property
    def queues(self) -> dict[int, str]:
        return dict(Queue.objects.values_list("pk", "name"))

    @cached_property
    def pools(self) -> dict[int, str]:
        return dict(Pool.objects.values_list("pk", "name"))

    @cached_property
    def territories(self) -> dict[int, str]:
        return dict(Territory.objects.values_list("pk", "name"))

    @cached_property
    def live_rules(self) -> dict[int, str]:
        return dict(self.simulation.live.rules.values_list("pk", "name"))

    @cached_property
    def draft_rules(self) -> dict[int, str]:
        return {rule["id"]: rule["name"] for rule in self.simulation.draft_rules}

    def rep(self, pk: int) -> str:
        return self.reps.get(pk) or _("rep %(n)s") % {"n": pk}

    def pool(self, pk: int) -> str:
        return self.pools.get(pk) or _("pool %(n)s") % {"n": pk}

    def territory(self, pk: int | None) -> str:
        if pk is None:
            return _("no territory")
        return self.territories.get(pk) or _("territory %(n)s") % {"n": pk}

    def holder(self, outcome: str, rep: int | None, queue: int | None) -> str:
        """Who or what has a lead."""
        if rep is not None:
            return self.rep(rep)
        if queue is not None:
            return self.queues.get(queue) or _("queue %(n)s") % {"n": queue}
        return str(OUTCOMES.get(outcome, ""))

    def line(self, row: SimulatedLead) -> Line:
        lead = row.lead
        company = "" if lead is None else lead.prospect.company
        if lead is not None and lead.account is not None:
            company = lead.account.name
        recomputed = {True: _("as it was"), False: _("otherwise"), None: ""}[row.agrees]
        return Line(
            row=row,
            who=row.label if lead is None else lead.prospect.name,
            company=company,
            tier=str(dict(Lead.Tier.choices).get(row.tier, row.tier)),
            recomputed=recomputed if row.is_compared else _("cannot be"),
            actual=self.holder(row.actual_outcome, row.actual_rep_id, row.actual_queue),
            live=self.holder(row.live_outcome, row.live_rep_id, row.live_queue),
            live_rule=self.live_rules.get(row.live_rule, ""),
            draft=self.holder(row.draft_outcome, row.draft_rep_id, row.draft_queue),
            draft_rule=self.draft_rules.get(row.draft_rule, ""),
        )


def found(simulation: Simulation, names: Names) -> dict[str, Any]:
    """The parts of the result page: the figures, and charts with their tables."""
    result = simulation.result
    live, draft = result["live"], result["draft"]
    tiers = dict(Lead.Tier.choices)
    return {
        "agrees": result["agreement"]["agree"] == result["agreement"]["recomputed"],
        "disagreeing": result["agreement"]["recomputed"] - result["agreement"]["agree"],
        "measures": [
            _measure(_("Given to a person at once"), live, draft, "coverage_percent", " %"),
            _measure(_("Could be answered in time"), live, draft, "in_time_percent", " %"),
            _measure(_("Had to wait for a free place"), live, draft, "waited_for_capacity"),
            _measure(_("Put above a cap by people"), live, draft, "put_over_cap"),
        ],
        "outcomes": chart(
            [
                Pair(str(label), live["outcomes"][name], draft["outcomes"][name])
                for name, label in OUTCOMES.items()
            ]
        ),
        "reps": _counted(result["reps"], "rep", names.rep),
        "loads": _loads(result["reps"], names),
        "tiers": _counted(
            result["tiers"], "tier", lambda name: str(tiers.get(name, name or _("no tier")))
        ),
        "territories": _counted(result["territories"], "territory", names.territory),
        "rules": _counted(result["rules"], "rule", str),
        "pools": [_pool(line, names) for line in result["pools"]],
        "hidden": max(0, len(result["reps"]) - MOST_LINES),
    }


def _measure(
    label: str, live: dict[str, Any], draft: dict[str, Any], name: str, unit: str = ""
) -> dict[str, Any]:
    before, after = live[name], draft[name]
    return {
        "label": label,
        "live": f"{before:g}{unit}",
        "draft": f"{after:g}{unit}",
        "delta": _signed(round(after - before, 2)),
        # Nothing is promised about any of these leads, so there is nothing to compare.
        "is_empty": name == "in_time_percent" and not live["promised"] and not draft["promised"],
    }


def _signed(number: float) -> str:
    return f"+{number:g}" if number > 0 else f"−{-number:g}" if number < 0 else "0"


def _counted(lines: list[dict[str, Any]], name: str, say: Any) -> list[dict[str, Any]]:
    lines = lines[:MOST_LINES]
    pairs = [Pair(say(line[name]), line["live"], line["draft"]) for line in lines]
    return [
        {**line, "label": pair.label, "delta": _signed(line["delta"]), "bars": bars}
        for line, (pair, bars) in zip(lines, chart(pairs), strict=True)
    ]


def _loads(lines: list[dict[str, Any]], names: Names) -> list[dict[str, Any]]:
    lines = [line for line in lines if "cap" in line][:MOST_LINES]
    pairs = [Pair(names.rep(line["rep"]), line["live_peak"], line["draft_peak"]) for line in lines]
    return [
        {
            **line,
            "label": pair.label,
            "bars": bars,
            "is_full": line["cap"] is not None and line["draft_peak"] >= line["cap"],
        }
        for line, (pair, bars) in zip(
            lines, chart(pairs, [line["cap"] for line in lines]), strict=True
        )
    ]


def _pool(line: dict[str, Any], names: Names) -> dict[str, Any]:
    members = line["members"]
    pairs = [
        Pair(
            names.rep(one["rep"]),
            one["live_share"],
            one["draft_share"],
            f"{one['live_share']:g} %",
            f"{one['draft_share']:g} %",
        )
        for one in members
    ]
    return {
        **line,
        "label": names.pool(line["pool"]),
        "members": [
            {**one, "label": pair.label, "bars": bars}
            for one, (pair, bars) in zip(
                members, chart(pairs, [one["share"] for one in members]), strict=True
            )
        ],
    }


def columns() -> list[tuple[str, str]]:
    """What a column of an uploaded file can be called, and what it means."""
    moment = (MOMENT, _("when it comes, such as 2026-06-15T09:30"))
    return [moment, *((fact.name, str(fact.label)) for fact in ALL)]
