"""What came of the experiments: rules that split their leads between two paths (RUL-8)."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Exists, OuterRef, Subquery

from routing.insight import measures
from routing.insight.measures import Interval
from routing.models import Decision, Lead, Outcome

SIDES = ("a", "b")


@dataclass(frozen=True, slots=True)
class Side:
    """One path of an experiment: its leads, and what became of them."""

    leads: int
    contacted: Interval | None
    meetings: Interval | None
    won: Interval | None
    # From received to first contact, of those that were contacted.
    median: timedelta | None


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of both sides and how far they differ, b over a."""

    name: str
    a: Interval | None
    b: Interval | None
    gap: Interval | None


@dataclass(frozen=True, slots=True)
class Experiment:
    """Two paths side by side: `a` is the rule's own, `b` the other."""

    name: str
    a: Side
    b: Side

    @property
    def measures(self) -> Sequence[Measure]:
        """The shares that are compared, each with the difference and its range."""
        return [
            Measure(name, one, other, _gap(one, other))
            for name, one, other in (
                ("contacted", self.a.contacted, self.b.contacted),
                ("meetings", self.a.meetings, self.b.meetings),
                ("won", self.a.won, self.b.won),
            )
        ]


def _gap(one: Interval | None, other: Interval | None) -> Interval | None:
    return None if one is None or other is None else measures.difference(one, other)


def running() -> list[Experiment]:
    """
    Return every experiment that has decided about a lead, by name: two statements.

    A lead counts on the side that its latest decision under the experiment says, once.
    """
    latest = (
        Decision.objects.filter(lead=OuterRef("pk"), applied=True)
        .exclude(branch="")
        .order_by("-pk")
        .values("branch")[:1]
    )
    outcomes = Outcome.objects.filter(lead=OuterRef("pk"))
    rows = (
        Lead.objects.counted()
        .filter(Exists(Decision.objects.filter(lead=OuterRef("pk")).exclude(branch="")))
        .annotate(
            branch=Subquery(latest),
            met=Exists(outcomes.filter(kind__in=[Outcome.Kind.MEETING, Outcome.Kind.SHOW])),
            won=Exists(outcomes.filter(kind=Outcome.Kind.WON)),
        )
        .values_list("branch", "received_at", "contacted_at", "met", "won")
    )
    found: dict[str, list[tuple]] = defaultdict(list)
    for branch, *rest in rows:
        if branch:
            found[branch].append(tuple(rest))
    names = sorted({branch.rpartition(":")[0] for branch in found})
    return [
        Experiment(name, *(_side(found.get(f"{name}:{side}", [])) for side in SIDES))
        for name in names
    ]


def _side(rows: Sequence[tuple]) -> Side:
    waits = [contacted - received for received, contacted, *_ in rows if contacted is not None]
    return Side(
        leads=len(rows),
        contacted=measures.share(len(waits), len(rows)),
        meetings=measures.share(sum(met for *_, met, _won in rows), len(rows)),
        won=measures.share(sum(won for *_, won in rows), len(rows)),
        median=statistics.median(waits) if waits else None,
    )
