"""The result of a simulation: counted by the database from its rows, a constant few statements."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q

from routing.models import Assignment, Lead, SimulatedLead, Simulation
from routing.models.assignment import Reason
from routing.simulation import steps
from routing.simulation.measures import Seat, fairness, percent


def result(simulation: Simulation, work: steps.Work, *, at: datetime) -> dict[str, Any]:
    """
    Return the figures of a finished simulation as JSON.

    `moves_percent`: percent of the compared leads whose holder (rep, queue or outcome) under the
    draft differs from that under the live rules, both in ledgers of their own.
    """
    if simulation.upload is None:
        _mark_moved(simulation)
    rows = SimulatedLead.objects.filter(simulation=simulation)
    totals = _totals(rows)
    compared, tally = totals["compared"], simulation.progress["tally"]
    recomputed = tally["decisions"] - tally["erased"]
    seconds = simulation.progress["seconds"]
    return {
        "leads": totals["leads"],
        "compared": compared,
        "moves": totals["moves"],
        "moves_percent": percent(totals["moves"], compared),
        "agreement": {
            **tally,
            "recomputed": recomputed,
            "percent": percent(tally["agree"], recomputed) if recomputed else 100.0,
            "leads_agree": totals["agree"],
            "leads_disagree": totals["disagree"],
            "leads_erased": totals["erased"],
        },
        "production": {
            "differs": totals["differs"],
            "moved_by_people": totals["moved"],
            "both": totals["both"],
        },
        **{side: _side(side, totals, simulation) for side in steps.SIDES},
        "reps": _by(rows, "rep_id", "rep", _caps(simulation, work)),
        "tiers": _by_own(rows, "tier"),
        "territories": _by_own(rows, "territory"),
        "rules": _rules(rows, work),
        "pools": _pools(rows, simulation, work),
        "seconds": round(seconds, 2),
        "leads_per_second": round(totals["leads"] / seconds, 1) if seconds else 0.0,
    }


def _mark_moved(simulation: Simulation) -> None:
    """Say of which leads a person changed the holder within the period."""
    by_hand = Assignment.objects.filter(
        lead=OuterRef("lead"),
        decision__isnull=True,
        place=Lead.Place.OWNER,
        started_at__gte=simulation.since,
        started_at__lt=simulation.until,
    ).exclude(reason_code=Reason.IMPORTED)
    SimulatedLead.objects.filter(Exists(by_hand), simulation=simulation).update(was_moved=True)


def _totals(rows: Any) -> dict[str, int]:
    counts = {
        "leads": Count("pk"),
        "compared": Count("pk", filter=Q(is_compared=True)),
        "moves": Count("pk", filter=Q(moves=True)),
        "agree": Count("pk", filter=Q(agrees=True)),
        "disagree": Count("pk", filter=Q(agrees=False)),
        "erased": Count("pk", filter=Q(is_compared=False)),
        "differs": Count("pk", filter=Q(differs=True)),
        "moved": Count("pk", filter=Q(was_moved=True)),
        "both": Count("pk", filter=Q(differs=True, was_moved=True)),
    }
    for side in steps.SIDES:
        counts[f"{side}_at_once"] = Count("pk", filter=Q(**{f"{side}_at_once": True}))
        counts[f"{side}_promised"] = Count("pk", filter=Q(**{f"{side}_in_time__isnull": False}))
        counts[f"{side}_in_time"] = Count("pk", filter=Q(**{f"{side}_in_time": True}))
        for outcome in ("assign", "queue", "nurture", "park"):
            counts[f"{side}_{outcome}"] = Count("pk", filter=Q(**{f"{side}_outcome": outcome}))
    # Prefixed, for an annotation must not have the name of a column.
    found = rows.order_by().aggregate(**{f"n_{name}": one for name, one in counts.items()})
    return {name: found[f"n_{name}"] for name in counts}


def _side(side: str, totals: dict[str, int], simulation: Simulation) -> dict[str, Any]:
    ledger = simulation.progress[side]
    promised = totals[f"{side}_promised"]
    return {
        "outcomes": {
            outcome: totals[f"{side}_{outcome}"]
            for outcome in ("assign", "queue", "nurture", "park")
        },
        "at_once": totals[f"{side}_at_once"],
        "coverage_percent": percent(totals[f"{side}_at_once"], totals["leads"]),
        "promised": promised,
        "in_time": totals[f"{side}_in_time"],
        "in_time_percent": percent(totals[f"{side}_in_time"], promised),
        "waited_for_capacity": ledger["full"],
        "put_over_cap": ledger["over"],
    }


def _caps(simulation: Simulation, work: steps.Work) -> dict[int, dict[str, Any]]:
    """Rep → the cap at the end of the period and the highest loads."""
    reps = _last_roster(simulation, work).reps
    peaks = {side: dict(simulation.progress[side]["peak"]) for side in steps.SIDES}
    return {
        pk: {
            "cap": reps[pk].capacity if pk in reps else None,
            **{f"{side}_peak": peaks[side].get(pk, 0) for side in steps.SIDES},
        }
        for pk in {*peaks["live"], *peaks["draft"]}
    }


def _last_roster(simulation: Simulation, work: steps.Work) -> Any:
    pk = simulation.progress["roster"]
    return work.now if pk is None else work.warm_roster(pk)


def _by(
    rows: Any,
    column: str,
    name: str,
    more: dict[int, dict[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """How many leads each side gives to each value of one of its columns."""
    counts: dict[int, dict[str, int]] = defaultdict(lambda: {"live": 0, "draft": 0})
    for side in steps.SIDES:
        field = f"{side}_{column}"
        found = rows.filter(**{f"{field}__isnull": False}).order_by().values_list(field)
        for value, number in found.annotate(number=Count("pk")):
            counts[value][side] = number
    # Somebody who only keeps what they had gets a line, too.
    for value in more or {}:
        counts[value] = counts[value]
    lines = [
        {
            name: value,
            **both,
            "delta": both["draft"] - both["live"],
            **(more or {}).get(value, {}),
        }
        for value, both in counts.items()
    ]
    return sorted(lines, key=lambda line: (-max(line["live"], line["draft"]), line[name]))


def _rules(rows: Any, work: steps.Work) -> list[dict[str, Any]]:
    """Leads per rule, by name: a draft's copy of a rule has an id of its own."""
    counts: dict[str, dict[str, int]] = {}
    for side in steps.SIDES:
        found = rows.filter(**{f"{side}_rule__isnull": False}).order_by()
        numbers = dict(found.values_list(f"{side}_rule").annotate(number=Count("pk")))
        for rule in work.rules[side].ruleset.rules:
            line = counts.setdefault(rule.name, {"live": 0, "draft": 0})
            line[side] += numbers.get(rule.id, 0)
    return [
        {"rule": name, **both, "delta": both["draft"] - both["live"]}
        for name, both in counts.items()
    ]


def _by_own(rows: Any, column: str) -> list[dict[str, Any]]:
    """Per tier or territory: its leads, those that move, and what each side gives to a person."""
    found = (
        rows.order_by()
        .values(column)
        .annotate(
            leads=Count("pk"),
            moves=Count("pk", filter=Q(moves=True)),
            live=Count("pk", filter=Q(live_outcome="assign")),
            draft=Count("pk", filter=Q(draft_outcome="assign")),
        )
    )
    lines = [{**line, "delta": line["draft"] - line["live"]} for line in found]
    return sorted(lines, key=lambda line: (-line["leads"], str(line[column])))


def _pools(rows: Any, simulation: Simulation, work: steps.Work) -> list[dict[str, Any]]:
    counts: dict[tuple[int, int], dict[str, int]] = defaultdict(lambda: {"live": 0, "draft": 0})
    for side in steps.SIDES:
        found = (
            rows.filter(**{f"{side}_pool__isnull": False})
            .order_by()
            .values_list(f"{side}_pool", f"{side}_rep_id")
        )
        for pool, rep, number in found.annotate(number=Count("pk")):
            counts[pool, rep][side] = number
    pools = _last_roster(simulation, work).pools
    lines = []
    for pk in sorted({pool for pool, _ in counts}):
        members = pools[pk].members if pk in pools else ()
        seats = [Seat(m.rep, m.weight, **counts[pk, m.rep]) for m in members]
        if not seats:
            continue
        fair, weights = fairness(seats), sum(seat.weight for seat in seats)
        lines.append(
            {
                "pool": pk,
                **{name: getattr(fair, name) for name in fair.__slots__},
                "members": [
                    {
                        "rep": seat.rep,
                        "weight": seat.weight,
                        "share": percent(seat.weight, weights),
                        "live": seat.live,
                        "draft": seat.draft,
                        "live_share": percent(seat.live, fair.live),
                        "draft_share": percent(seat.draft, fair.draft),
                    }
                    for seat in seats
                ],
            }
        )
    return lines
