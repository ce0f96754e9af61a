"""How many leads a draft would move: last month's decisions, decided again by both versions."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max

from routing import engine
from routing.dispatch import snapshot
from routing.engine import Counters, Roster, codec
from routing.models import Decision, Organisation, PersonalFacts, RosterSnapshot, RuleSet
from routing.models.simulation import Simulation
from routing.models.source import Mode

PERIOD = timedelta(days=30)
MOST = 2000
# Somebody waits for the answer; what was looked at until then is a sample, and says so.
SECONDS = 3.0
AT_ONCE = 50
# A simulation stands for last month if both its ends are this near: a longer one would dilute it.
SLACK = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Blast:
    """
    Of `looked_at` leads out of `total` decided in the last month, `moved` would have had
    another outcome. `simulation`: the finished simulation that says so, if one does.
    """

    moved: int = 0
    looked_at: int = 0
    total: int = 0
    simulation: int | None = None
    measured: float | None = None

    @property
    def percent(self) -> float:
        """Percent of the leads looked at that would have gone elsewhere; 0 without leads."""
        if self.measured is not None:
            return self.measured
        return 100 * self.moved / self.looked_at if self.looked_at else 0.0


def radius(
    draft: RuleSet, *, digest: str, at: datetime, seconds: float = SECONDS, most: int = MOST
) -> Blast:
    """
    Compare a draft with the live version on the newest leads of the last month.

    Each lead's last decision is decided again in its own stored situation. Takes at most
    about `seconds`; the newest leads come first.

    :raises routing.engine.InvalidPart: if the draft cannot be read
    """
    live = Organisation.get().live_ruleset
    if live is None:
        return Blast()
    if found := _simulated(draft, live, digest=digest, at=at):
        return found
    rules = snapshot.read_rules(draft)
    present = snapshot.live_rules(live.pk)
    ids = list(
        Decision.objects.filter(
            decided_at__gte=at - PERIOD,
            applied=True,
            batch__asked__isnull=True,
            lead__mode__in=[Mode.LIVE, Mode.BACKFILL],
        )
        .values("lead")
        .annotate(last=Max("pk"))
        .order_by("-last")
        .values_list("last", flat=True)[:most]
    )
    ends = time.monotonic() + seconds
    moved = looked_at = 0
    rosters: dict[int, Roster] = {}
    for start in range(0, len(ids), AT_ONCE):
        for case in _cases(ids[start : start + AT_ONCE], rosters):
            after = engine.decide(rules, case.facts, case.roster, case.counters, case.at)
            moved += place_of(_before(case, present)) != place_of(after)
            looked_at += 1
        if time.monotonic() >= ends:
            break
    return Blast(moved, looked_at, len(ids))


def place_of(answer: engine.Decision) -> tuple[str, int | None, int | None]:
    """Where an answer puts a lead: outcome, rep, queue."""
    return answer.outcome, answer.rep, answer.queue


def _simulated(draft: RuleSet, live: RuleSet, *, digest: str, at: datetime) -> Blast | None:
    """A finished simulation of just this content against what is live, over the last month."""
    done = Simulation.objects.filter(
        draft=draft,
        live=live,
        draft_digest=digest,
        state=Simulation.State.DONE,
        upload__isnull=True,
        since__range=(at - PERIOD - SLACK, at - PERIOD + SLACK),
        until__gte=at - SLACK,
        ended_at__gte=at - SLACK,
    ).order_by("-ended_at")
    for row in done[:1]:
        percent = row.result.get("moves_percent")
        if percent is not None:
            return Blast(
                looked_at=row.done, total=row.total, simulation=row.pk, measured=float(percent)
            )
    return None


@dataclass(frozen=True, slots=True)
class _Case:
    """
    A decision and the situation it was made in. Facts that were erased are missing
    (`is_whole` False); then both versions are asked with what is left.
    """

    decision: Decision
    facts: dict[str, Any]
    is_whole: bool
    roster: Roster
    counters: Counters

    @property
    def at(self) -> int:
        return int(self.decision.batch.at.timestamp())


def _before(case: _Case, live: engine.CompiledRuleSet) -> engine.Decision:
    """What the live version says; its own stored answer where it was the one that decided."""
    batch = case.decision.batch
    own = (batch.ruleset_id, batch.engine) == (live.ruleset.id, engine.ENGINE_VERSION)
    if own and case.is_whole:
        return codec.decode_decision(case.decision.body.encode())
    return engine.decide(live, case.facts, case.roster, case.counters, case.at)


def _cases(ids: Sequence[int], rosters: dict[int, Roster]) -> Iterator[_Case]:
    """Each of these decisions, newest batch first, with the counters as they stood then."""
    wanted = set(ids)
    rows = list(
        Decision.objects.filter(
            batch__in=Decision.objects.filter(pk__in=ids).values("batch"),
        )
        .select_related("batch")
        .order_by("-batch_id", "place")
    )
    apart = dict(PersonalFacts.objects.filter(decision__in=ids).values_list("decision_id", "facts"))
    missing = {row.batch.roster_id for row in rows} - rosters.keys()
    for stored in RosterSnapshot.objects.filter(pk__in=missing):
        rosters[stored.pk] = codec.decode_roster(stored.body.encode())
    batch, counters = 0, Counters()
    for row in rows:
        if row.batch_id != batch:
            batch = row.batch_id
            counters = codec.decode_counters(row.batch.counters.encode())
        roster = rosters[row.batch.roster_id]
        if row.pk in wanted:
            personal = apart.get(row.pk, {})
            whole = bool(personal) or not row.personal_digest
            yield _Case(row, {**row.facts, **personal}, whole, roster, counters)
        if row.applied:
            engine.apply(counters, codec.decode_decision(row.body.encode()), roster)
