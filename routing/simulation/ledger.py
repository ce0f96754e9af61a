"""
One rule set's own ledger: what its counters would have been. Pure: no Django, no clock.

It carries on from lead to lead. A lead is open with its rep until the real lead closed or left
its owner; a lead that nobody could take waits and is asked about again, as routing does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from routing import engine
from routing.engine import CompiledRuleSet, Counters, Decision, Roster

# How far back limits per period look; older assignments are forgotten.
REMEMBERED = 8 * 86_400


@dataclass(slots=True)
class Waiting:
    """
    A lead that nobody could take. `source` names its stored facts, which were true at `based`;
    it was first asked about at `since`. `pool` or `rep`: whom it waits for.
    """

    source: int
    facts: Mapping[str, Any]
    based: int
    since: int
    retry_at: int | None
    blocked: str | None
    pool: int | None
    rep: int | None


@dataclass(slots=True)
class Ledger:
    """
    Counters of one rule set, and what they are made of.

    `held`: lead → (rep, points, value) of every lead open in this ledger. `primed`: pools whose
    rotation has begun here. `peak`: most open leads of a rep at any time. `full`: how often a lead
    had to wait for capacity; `over`: how often a person put a rep above the cap. `freed`: reps
    with whom a place came free since the waiting were last looked through, once per place.
    """

    counters: Counters = field(default_factory=Counters)
    held: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    waiting: dict[int, Waiting] = field(default_factory=dict)
    primed: set[int] = field(default_factory=set)
    peak: dict[int, int] = field(default_factory=dict)
    freed: list[int] = field(default_factory=list)
    full: int = 0
    over: int = 0

    # --- What happens around the decisions ------------------------------------------------

    def prime(self, seen: Counters) -> None:
        """
        Take over what a batch was decided with and this ledger does not know: the rotation of
        pools that it has not used yet, and who was away. Loads are this ledger's own.
        """
        new = {seat[0] for seat in (*seen.balance, *seen.turn)} - self.primed
        for seat, units in seen.balance.items():
            if seat[0] in new:
                self.counters.balance[seat] = units
        for seat, turn in seen.turn.items():
            if seat[0] in new:
                self.counters.turn[seat] = turn
        self.primed |= new
        # Whoever was looked at has a load in the batch; of the others nothing new is known.
        for rep in seen.open:
            self.counters.away.pop(rep, None)
            self.counters.credited.discard(rep)
        self.counters.away.update(seen.away)
        self.counters.credited |= seen.credited

    def release(self, lead: int) -> bool:
        """The lead is no longer open; say whether it was open here."""
        self.waiting.pop(lead, None)
        found = self.held.pop(lead, None)
        if found is None:
            return False
        rep, points, value = found
        for counts, less in (
            (self.counters.open, 1),
            (self.counters.points, points),
            (self.counters.value, value),
        ):
            counts[rep] = max(0, counts.get(rep, 0) - less)
        self.freed.append(rep)
        return True

    def hold(
        self, lead: int, rep: int, points: int = 0, value: int = 0, *, cap: int | None = None
    ) -> None:
        """A person gave the rep a lead, or the rep had it from the start; no turn is booked."""
        self.release(lead)
        self._open(lead, rep, points, value)
        counters = self.counters
        counters.open[rep] = counters.open.get(rep, 0) + 1
        counters.points[rep] = counters.points.get(rep, 0) + points
        counters.value[rep] = counters.value.get(rep, 0) + value
        self._note_peak(rep)
        if cap is not None and counters.open[rep] > cap:
            self.over += 1

    def forget_before(self, at: int) -> None:
        """Drop assignments that no limit looks back to."""
        for rep, given in self.counters.given.items():
            self.counters.given[rep] = tuple(one for one in given if one.at >= at)

    # --- Deciding -------------------------------------------------------------------------

    def ask(
        self,
        rules: CompiledRuleSet,
        lead: int,
        facts: Mapping[str, Any],
        roster: Roster,
        at: int,
        *,
        source: int,
    ) -> Decision:
        """Decide about a lead anew, whatever this ledger thought of it before."""
        before = self.waiting.pop(lead, None)
        self.release(lead)
        decision = engine.decide(rules, facts, roster, self.counters, at)
        self.book(lead, decision, roster)
        if decision.outcome == "park":
            self._wait(lead, decision, facts, at, source, before)
            if decision.blocked == "capacity" and before is None:
                self.full += 1
        return decision

    def ask_again(
        self, rules: CompiledRuleSet, lead: int, roster: Roster, at: int
    ) -> Decision | None:
        """Look at a waiting lead once more; None if it goes on waiting."""
        waits = self.waiting[lead]
        facts = dict(waits.facts)
        facts["waited"] = facts.get("waited", 0) + at - waits.based
        if "now" in facts:
            facts["now"] = at
        decision = engine.decide(rules, facts, roster, self.counters, at)
        if decision.outcome == "park":
            waits.retry_at = None if decision.retry_at is None else max(decision.retry_at, at + 1)
            waits.blocked, waits.pool, waits.rep = (
                decision.blocked,
                decision.wait_pool,
                decision.wait_rep,
            )
            return None
        del self.waiting[lead]
        self.book(lead, decision, roster)
        return decision

    def timely(self, at: int) -> list[tuple[int, int, int]]:
        """The waiting leads whose time has come by `at`: (instant, since, lead), in order."""
        return sorted(
            (waits.retry_at, waits.since, lead)
            for lead, waits in self.waiting.items()
            if waits.retry_at is not None and waits.retry_at <= at
        )

    def wanting(self, rep: int, roster: Roster) -> list[int]:
        """
        The leads that wait for a place with this rep, longest waiting first; none if the rep is
        at the cap after all.
        """
        spec = roster.reps.get(rep)
        if spec is None or not spec.active:
            return []
        if spec.capacity is not None and self.counters.open.get(rep, 0) >= spec.capacity:
            return []
        return [
            lead
            for _, lead in sorted(
                (waits.since, lead)
                for lead, waits in self.waiting.items()
                if waits.blocked == "capacity" and _means(waits, rep, roster)
            )
        ]

    def book(self, lead: int, decision: Decision, roster: Roster) -> None:
        """Fold a decision in and remember who holds the lead now."""
        if decision.rep is None:
            return
        engine.apply(self.counters, decision, roster)
        self._open(lead, decision.rep, decision.points, decision.value)
        self._note_peak(decision.rep)
        if decision.pool is not None:
            self.primed.add(decision.pool)

    def _open(self, lead: int, rep: int, points: int, value: int) -> None:
        self.waiting.pop(lead, None)
        self.held[lead] = (rep, points, value)

    def _note_peak(self, rep: int) -> None:
        self.peak[rep] = max(self.peak.get(rep, 0), self.counters.open[rep])

    def _wait(
        self,
        lead: int,
        decision: Decision,
        facts: Mapping[str, Any],
        at: int,
        source: int,
        before: Waiting | None,
    ) -> None:
        self.waiting[lead] = Waiting(
            source=source,
            facts=facts,
            based=at,
            since=at if before is None else before.since,
            retry_at=None if decision.retry_at is None else max(decision.retry_at, at + 1),
            blocked=decision.blocked,
            pool=decision.wait_pool,
            rep=decision.wait_rep,
        )

    # --- Between two steps ----------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """Everything but the facts of those who wait, which are stored where they came from."""
        return {
            "counters": self.counters.to_json(),
            "held": [[lead, *what] for lead, what in sorted(self.held.items())],
            "waiting": [
                [lead, w.source, w.based, w.since, w.retry_at, w.blocked, w.pool, w.rep]
                for lead, w in sorted(self.waiting.items())
            ],
            "primed": sorted(self.primed),
            "peak": [list(pair) for pair in sorted(self.peak.items())],
            "freed": self.freed,
            "full": self.full,
            "over": self.over,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], facts: Mapping[int, Mapping[str, Any]]) -> "Ledger":
        """Read what `to_json` wrote; `facts` by source."""
        return cls(
            counters=Counters.from_json(data["counters"]),
            held={lead: (rep, points, value) for lead, rep, points, value in data["held"]},
            waiting={
                lead: Waiting(source, facts[source], based, since, retry_at, blocked, pool, rep)
                for lead, source, based, since, retry_at, blocked, pool, rep in data["waiting"]
            },
            primed=set(data["primed"]),
            peak=dict(data["peak"]),
            freed=list(data["freed"]),
            full=data["full"],
            over=data["over"],
        )


def _means(waits: Waiting, rep: int, roster: Roster) -> bool:
    if waits.rep is not None:
        return waits.rep == rep
    pool = roster.pools.get(waits.pool) if waits.pool is not None else None
    return pool is not None and rep in pool.by_rep


def sources_of(data: Mapping[str, Any]) -> set[int]:
    """Whose facts a stored ledger needs to go on."""
    return {row[1] for row in data["waiting"]}
