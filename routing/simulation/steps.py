"""One chunk of a simulation: production recomputed, and both ledgers carried on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from routing import engine
from routing.dispatch import snapshot
from routing.engine import CompiledRuleSet, Counters, Roster
from routing.models import Lead, Organisation, RosterSnapshot, SimulatedLead, Simulation
from routing.qualify.facts import points_of
from routing.simulation import again, frozen, measures, period, promises
from routing.simulation.ledger import REMEMBERED, Ledger, sources_of

SIDES = ("live", "draft")
# Timed steps of one waiting lead between two batches; a bound, not a habit.
MOST_LOOKS = 20


@dataclass(slots=True)
class Side:
    """One of the two rule sets, with its ledger."""

    name: str
    rules: CompiledRuleSet
    fallbacks: frozenset[int]
    ledger: Ledger


@dataclass(slots=True)
class Step:
    """What one chunk comes to: rows to write and the progress to store with them."""

    new: list[SimulatedLead]
    changed: list[SimulatedLead]
    progress: dict[str, Any]
    done: bool


@dataclass(slots=True)
class Work:
    """A simulation in hand: what stays the same from chunk to chunk."""

    simulation: Simulation
    rules: Mapping[str, CompiledRuleSet]
    limit: promises.Limit
    now: Roster
    reps: frozenset[int]
    points: int
    cache: period.Cache = field(default_factory=period.Cache)
    extended: dict[int, Roster] = field(default_factory=dict)

    @classmethod
    def open(cls, simulation: Simulation, *, at: datetime) -> "Work":
        """
        Read what the whole simulation needs.

        :raises routing.engine.InvalidPart: if the rules cannot be read any more
        """
        return cls(
            simulation=simulation,
            rules={
                "live": snapshot.live_rules(simulation.live_id),
                "draft": frozen.thaw(simulation.draft, simulation.draft_rules),
            },
            limit=promises.limits(),
            now=snapshot.current(at=at).roster,
            reps=period.rep_ids(),
            points=points_of(Organisation.get()).get(Lead.State.NEW, 0),
        )

    def roster(self, pk: int) -> Roster:
        """A stored roster with the pools of now beside it, as both rule sets see it."""
        found = self.extended.get(pk)
        if found is None:
            if len(self.extended) > period.WARM_ROSTERS:
                self.extended.clear()
            found = period.with_new_pools(self.cache.rosters[pk], self.now)
            found = period.without_deleted(found, self.reps)
            self.extended[pk] = found
        return found

    def warm_roster(self, pk: int) -> Roster:
        """The same for one that may not have been read yet."""
        if pk not in self.cache.rosters:
            row = RosterSnapshot.objects.get(pk=pk)
            self.cache.rosters[pk] = engine.decode_roster(row.body.encode())
        return self.roster(pk)

    def sides(self, progress: Mapping[str, Any], facts: Mapping[int, Any]) -> list[Side]:
        return [
            Side(
                name,
                self.rules[name],
                frozen.fallbacks(self.rules[name]),
                Ledger.from_json(progress[name], facts),
            )
            for name in SIDES
        ]


class Rows:
    """The simulated leads of a chunk by key: those there already, and new ones."""

    def __init__(self, simulation: Simulation, there: Iterable[SimulatedLead], places: int) -> None:
        self.simulation, self.places = simulation, places
        self.by_key: dict[int, SimulatedLead] = {}
        self.touched: set[int] = set()
        for row in there:
            self.by_key[row.place if row.lead_id is None else row.lead_id] = row

    def take(self, key: int, **fresh: Any) -> SimulatedLead:
        """The row of a lead, made from `fresh` if it is its first appearance."""
        self.touched.add(key)
        row = self.by_key.get(key)
        if row is None:
            row = SimulatedLead(simulation=self.simulation, place=self.places, **fresh)
            self.by_key[key] = row
            self.places += 1
        return row

    def outcome(self, key: int) -> str:
        """What production last did with a lead; "" if it has not come yet."""
        row = self.by_key.get(key)
        return row.actual_outcome if row else ""

    def finish(self) -> tuple[list[SimulatedLead], list[SimulatedLead]]:
        new, changed = [], []
        for key in sorted(self.touched, key=lambda key: self.by_key[key].place):
            row = self.by_key[key]
            live = (row.live_outcome, row.live_rep_id, row.live_queue)
            row.moves = row.is_compared and live != (
                row.draft_outcome,
                row.draft_rep_id,
                row.draft_queue,
            )
            row.differs = (
                row.is_compared
                and row.lead_id is not None
                and live != (row.actual_outcome, row.actual_rep_id, row.actual_queue)
            )
            (new if row.pk is None else changed).append(row)
        return new, changed


@dataclass(slots=True)
class Stage:
    """The work on one chunk: both sides, the rows, and whom the policies promise what."""

    work: Work
    sides: list[Side]
    rows: Rows

    def decided(
        self,
        side: Side,
        row: SimulatedLead,
        decision: engine.Decision,
        roster: Roster,
        *,
        at: int,
        since: int,
        facts: Mapping[str, Any],
        fresh: bool,
    ) -> None:
        """Write one side's answer to a row."""
        name, promised = side.name, promises.deadline(facts, since, self.work.limit)
        in_time = None
        if promised is not None and decision.outcome != "nurture":
            rep = None if decision.rep is None else roster.reps.get(decision.rep)
            in_time = measures.in_time(rep, at, promised)
        values = {
            "outcome": decision.outcome,
            "rule": decision.rule,
            "rep_id": decision.rep,
            "queue": decision.queue,
            "pool": decision.pool,
            "in_time": in_time,
            "at_once": fresh
            and decision.outcome == "assign"
            and decision.rule not in side.fallbacks,
        }
        for key, value in values.items():
            setattr(row, f"{name}_{key}", value)

    def ask(
        self,
        side: Side,
        key: int,
        row: SimulatedLead,
        facts: Mapping[str, Any],
        roster: Roster,
        at: int,
        *,
        source: int,
        fresh: bool,
    ) -> None:
        waits = side.ledger.waiting.get(key)
        since = at if fresh or waits is None else waits.since
        decision = side.ledger.ask(side.rules, key, facts, roster, at, source=source)
        self.decided(side, row, decision, roster, at=at, since=since, facts=facts, fresh=fresh)

    def look_again(self, side: Side, key: int, roster: Roster, at: int) -> bool:
        """Ask about a waiting lead once more; say whether somebody took it."""
        waits = side.ledger.waiting[key]
        decision = side.ledger.ask_again(side.rules, key, roster, at)
        if decision is None:
            return False
        self.decided(
            side,
            self.rows.take(key),
            decision,
            roster,
            at=at,
            since=waits.since,
            facts=waits.facts,
            fresh=False,
        )
        return True

    def by_time(self, side: Side, roster: Roster, at: int, *, parked: bool) -> None:
        """
        Look at waiting leads whose time has come, each at its own instant. `parked`: those which
        production has parked, too, for which its own decisions are the better clock.
        """
        for _ in range(MOST_LOOKS):
            due = [
                (when, key)
                for when, _, key in side.ledger.timely(at)
                if parked == (self.rows.outcome(key) == "park")
            ]
            if not due:
                return
            for when, key in due:
                self.look_again(side, key, roster, at if parked else when)

    def by_place(
        self, side: Side, freed: Iterable[int], roster: Roster, at: int, *, parked: bool
    ) -> None:
        """Give each place that came free to the lead that has waited longest for it."""
        for rep in freed:
            for key in side.ledger.wanting(rep, roster):
                if parked == (self.rows.outcome(key) == "park") and self.look_again(
                    side, key, roster, at
                ):
                    break

    def happened(self, events: Sequence[period.Custody], roster: Roster) -> None:
        """What people did, in order of time, and what the waiting leads make of it."""
        for event in events:
            at = int(event.at.timestamp())
            for side in self.sides:
                self.by_time(side, roster, at, parked=False)
                if event.ends:
                    self._ended(side, event, roster, at)
                else:
                    self._given(side, event, roster)

    def _ended(self, side: Side, event: period.Custody, roster: Roster, at: int) -> None:
        held = side.ledger.held.get(event.lead)
        if side.ledger.release(event.lead) and held is not None:
            self.by_place(side, [held[0]], roster, at, parked=False)

    def _given(self, side: Side, event: period.Custody, roster: Roster) -> None:
        ledger = side.ledger
        # Whoever took it from a queue took it only where it lay there; a transfer counts where
        # somebody had it, which has ended at this very instant.
        if event.lead in ledger.held or (event.transferred and event.lead in ledger.waiting):
            return
        spec = roster.reps.get(event.rep)
        cap = None if spec is None else spec.capacity
        ledger.hold(event.lead, event.rep, event.points, event.value, cap=cap)


def first_progress(simulation: Simulation) -> dict[str, Any]:
    """Where a simulation starts."""
    made: dict[str, Any] = {
        "step": 0,
        "places": 0,
        "after": None,
        "roster": None,
        "seconds": 0.0,
        "tally": {"decisions": 0, "agree": 0, "erased": 0, "altered": 0, "other_engine": 0},
    }
    if simulation.upload is None:
        since = simulation.since
        ledger = period.opening(since).to_json()
        made["through"] = (since - timedelta(microseconds=1)).isoformat()
    else:
        ledger = Ledger().to_json()
    return {**made, **dict.fromkeys(SIDES, ledger)}


def next_step(work: Work, *, most: int = period.AT_ONCE) -> Step:
    """Compute the next chunk. Nothing is written; the caller does, in one transaction."""
    simulation = work.simulation
    progress = dict(simulation.progress) or first_progress(simulation)
    if simulation.upload is not None:
        return _of_upload(work, progress, most)
    return _of_period(work, progress, most)


def _of_period(work: Work, progress: dict[str, Any], most: int) -> Step:
    simulation = work.simulation
    after = progress["after"]
    chunk = period.read(
        since=simulation.since,
        until=simulation.until,
        after=None if after is None else (datetime.fromisoformat(after[0]), after[1]),
        through=datetime.fromisoformat(progress["through"]),
        most=most,
    )
    work.cache.warm(chunk.batches)
    sources = {source for name in SIDES for source in sources_of(progress[name])}
    facts = {pk: again.facts_of(row) for pk, row in period.stored(sources).items()}
    sides = work.sides(progress, facts)
    keys = chunk.leads | {key for side in sides for key in side.ledger.waiting}
    there = SimulatedLead.objects.filter(simulation=simulation, lead__in=sorted(keys))
    stage = Stage(work, sides, Rows(simulation, there, progress["places"]))
    tally = dict(progress["tally"])
    roster = None if progress["roster"] is None else work.warm_roster(progress["roster"])
    custody = iter([*chunk.custody, None])
    event = next(custody)
    for batch in chunk.batches:
        present = work.roster(batch.roster_id)
        ready = []
        # What lasted no time at all has its end after the batch in which it began.
        while event is not None and (
            event.at < batch.at or (event.at == batch.at and not event.at_once)
        ):
            ready.append(event)
            event = next(custody)
        stage.happened(ready, roster or present)
        recomputed, start = again.recompute(
            batch,
            chunk.decisions.get(batch.pk, ()),
            work.cache.rules[batch.ruleset_id],
            work.cache.rosters[batch.roster_id],
        )
        _batch(stage, recomputed, start, present, roster or present, int(batch.at.timestamp()))
        _count(tally, recomputed)
        roster = present
    rest = [event, *custody] if event is not None else []
    done = not chunk.batches
    if roster is not None:
        stage.happened([one for one in rest if one is not None], roster)
        if done:
            _end(stage, roster, int(simulation.until.timestamp()))
    if chunk.batches:
        last = chunk.batches[-1]
        progress["after"] = [last.at.isoformat(), last.pk]
        progress["through"] = last.at.isoformat()
        progress["roster"] = last.roster_id
        for side in sides:
            side.ledger.forget_before(int(last.at.timestamp()) - REMEMBERED)
    progress["tally"] = tally
    return _finished(stage, progress, done)


def _batch(
    stage: Stage,
    recomputed: Sequence[again.Recomputed],
    start: Counters,
    roster: Roster,
    before: Roster,
    at: int,
) -> None:
    for side in stage.sides:
        stage.by_time(side, before, at, parked=False)
        side.ledger.prime(start)
    for one in recomputed:
        key, answer = one.row.lead_id, one.answer
        known = one.facts or {}
        fresh = stage.rows.outcome(key) != "park"
        row = stage.rows.take(
            key, lead_id=key, at=one.row.decided_at, live_outcome="park", draft_outcome="park"
        )
        row.decision_id = one.row.pk
        row.tier = answer.tier or str(one.row.facts.get("tier", ""))[:4]
        row.territory = one.row.facts.get("territory")
        row.actual_outcome, row.actual_rep_id = answer.outcome, answer.rep
        row.actual_queue = answer.queue
        row.agrees = _agrees(row.agrees, one)
        for side in stage.sides:
            if one.facts is None:
                row.is_compared = False
                _as_stored(stage, side, row, key, answer, roster, at)
            elif fresh or key in side.ledger.waiting:
                stage.ask(side, key, row, known, roster, at, source=one.row.pk, fresh=fresh)
    for side in stage.sides:
        freed, side.ledger.freed = side.ledger.freed, []
        stage.by_time(side, roster, at, parked=True)
        stage.by_place(side, freed, roster, at, parked=True)
        side.ledger.freed = []


def _agrees(known: bool | None, one: again.Recomputed) -> bool | None:
    """A lead agrees if all its decisions do; erased ones say nothing."""
    if one.verdict == "erased":
        return known
    return (known is not False) and one.verdict == "agrees"


def _as_stored(
    stage: Stage,
    side: Side,
    row: SimulatedLead,
    key: int,
    answer: engine.Decision,
    roster: Roster,
    at: int,
) -> None:
    """Without its facts nobody can be asked about a lead; what production did stands."""
    side.ledger.release(key)
    side.ledger.book(key, answer, roster)
    stage.decided(side, row, answer, roster, at=at, since=at, facts={}, fresh=False)


def _count(tally: dict[str, int], recomputed: Sequence[again.Recomputed]) -> None:
    for one in recomputed:
        tally["decisions"] += 1
        tally["agree"] += one.verdict == "agrees"
        tally["erased"] += one.verdict == "erased"
        tally["altered"] += one.verdict == "altered"
        tally["other_engine"] += not one.exact


def _end(stage: Stage, roster: Roster, at: int) -> None:
    """The period is over: whoever waits is looked at as far as time and free places go."""
    for side in stage.sides:
        freed, side.ledger.freed = side.ledger.freed, []
        for parked in (False, True):
            stage.by_time(side, roster, at - 1, parked=parked)
            stage.by_place(side, freed, roster, at - 1, parked=parked)


def _finished(stage: Stage, progress: dict[str, Any], done: bool) -> Step:
    new, changed = stage.rows.finish()
    progress["step"] += 1
    progress["places"] = stage.rows.places
    for side in stage.sides:
        progress[side.name] = side.ledger.to_json()
    return Step(new, changed, progress, done)


# --- An uploaded file --------------------------------------------------------------------


def _of_upload(work: Work, progress: dict[str, Any], most: int) -> Step:
    """The next rows of a file, with the roster of now and counters that began empty."""
    simulation = work.simulation
    asked = int(simulation.asked_at.timestamp())
    rows = sorted(simulation.upload["rows"], key=lambda row: (row[1] or asked, row[0]))
    areas = snapshot.current(at=simulation.asked_at).areas
    sources = {source for name in SIDES for source in sources_of(progress[name])}
    start = progress["places"]
    chosen = range(start, min(len(rows), start + most))
    facts = {n: _as_gathered(rows[n], areas, work.points, asked) for n in sources | set(chosen)}
    sides = work.sides(progress, facts)
    keys = {key for side in sides for key in side.ledger.waiting}
    there = SimulatedLead.objects.filter(simulation=simulation, place__in=sorted(keys))
    stage = Stage(work, sides, Rows(simulation, there, start))
    away = period.away_now(simulation.asked_at)
    for n in chosen:
        number, moment, _ = rows[n]
        at = moment or asked
        row = stage.rows.take(
            n,
            label=f"Row {number}",
            at=datetime.fromtimestamp(at, tz=simulation.asked_at.tzinfo),
            tier=str(facts[n].get("tier", ""))[:4],
            territory=facts[n].get("territory"),
        )
        for side in stage.sides:
            side.ledger.counters.away = dict(away)
            stage.by_time(side, work.now, at, parked=False)
            stage.ask(side, n, row, facts[n], work.now, at, source=n, fresh=True)
    return _finished(stage, progress, not chosen)


def _as_gathered(row: Sequence[Any], areas: Any, points: int, asked: int) -> Mapping[str, Any]:
    """
    The facts of a row with what every new lead has, unless the file says otherwise: the time at
    which it comes, an id (its row), the points of a new lead, the territory that it falls into.
    """
    number, moment, told = row
    facts = {"now": moment or asked, "waited": 0, "lead": number, "points": points, **told}
    territory = None if "territory" in facts else period.territory_of(facts, areas)
    return facts if territory is None else {**facts, "territory": territory}
