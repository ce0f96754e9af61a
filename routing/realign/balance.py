"""
Even out a workload with few moves. Pure.

Units (states, postal prefixes, countries, whole territories) belong to workers; a proposal moves
some of them so that load by weight comes out even. Every step keeps what is in one piece in one
piece: a unit goes only to somebody who has a neighbour of it (or nothing at all with a place),
and never tears what its holder keeps into more pieces than it was in. Locked units stay; whoever
gets a unit has every skill that it needs.

The search is a tabu search over single shifts, as is usual in districting (Bozkaya, Erkut and
Laporte, "A tabu search heuristic and adaptive memory procedure for political districting",
2003): the best shift that is not tabu is made, even for the worse, and the best state seen is
kept. The aim is the sum of the squared deviations from the mean, in shares of the mean, plus a
price per unit moved, so that a move has to be worth making.

How good that is, is not left to trust: `lower_bound` says what no assignment can beat.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from routing.realign.bound import lower_bound

# What a move must win, in the sum of squares of shares: 2 % of the mean from one to another.
PRICE = 0.0008
ROUNDS = 400
SECONDS = 8.0
# So many rounds without a better state end the search.
PATIENCE = 80
TABU = 7


@dataclass(frozen=True, slots=True)
class Unit:
    """Something that one worker has as a whole. `has_place` is False where nothing touches it."""

    id: str
    owner: int
    load: int
    needs: frozenset[str] = frozenset()
    is_locked: bool = False
    has_place: bool = True


@dataclass(frozen=True, slots=True)
class Worker:
    """Who can have units. `fixed` is load that no unit carries, such as named accounts."""

    id: int
    weight: float = 1.0
    fixed: int = 0
    has: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Move:
    """
    One unit from one worker to another; the loads of both around it, as if moves were made in
    this order. `beside` are the receiver's units, or units they get too, that it touches.
    """

    unit: str
    source: int
    target: int
    load: int
    source_load: tuple[int, int]
    target_load: tuple[int, int]
    beside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """
    The moves, and how even it is before and after: the highest load by weight, and the least
    that it can be. `gap` is what the highest lies above that bound, as a share of it.
    """

    moves: tuple[Move, ...]
    before: Mapping[int, int]
    after: Mapping[int, int]
    peak_before: float
    peak_after: float
    mean: float
    bound: float
    rounds: int
    in_time: bool

    @property
    def gap(self) -> float:
        return (self.peak_after - self.bound) / self.bound if self.bound else 0.0


@dataclass(slots=True)
class _State:
    """Who has what during the search."""

    units: Mapping[str, Unit]
    workers: Mapping[int, Worker]
    touching: Mapping[str, frozenset[str]]
    owner: dict[str, int]
    loads: dict[int, int] = field(default_factory=dict)
    # Only what has a place.
    having: dict[int, set[str]] = field(default_factory=dict)
    mean: float = 0.0
    moved: int = 0

    def __post_init__(self) -> None:
        self.loads = {one.id: one.fixed for one in self.workers.values()}
        self.having = {one: set() for one in self.workers}
        for unit in self.units.values():
            self.loads[self.owner[unit.id]] += unit.load
            if unit.has_place:
                self.having[self.owner[unit.id]].add(unit.id)
        weights = sum(one.weight for one in self.workers.values())
        self.mean = sum(self.loads.values()) / weights if weights else 0.0

    def share(self, worker: int, load: float) -> float:
        """How far a load is from the mean by weight, as a share of the mean."""
        return load / self.workers[worker].weight / self.mean - 1 if self.mean else 0.0

    def cost(self) -> float:
        return sum(self.share(w, load) ** 2 for w, load in self.loads.items()) + PRICE * self.moved

    def gain(self, unit: Unit, target: int) -> float:
        """What the cost changes by if the unit goes to the target; negative is better."""
        source = self.owner[unit.id]
        change = (
            self.share(source, self.loads[source] - unit.load) ** 2
            - self.share(source, self.loads[source]) ** 2
            + self.share(target, self.loads[target] + unit.load) ** 2
            - self.share(target, self.loads[target]) ** 2
        )
        return change + PRICE * (self.moved_after(unit, target) - self.moved)

    def moved_after(self, unit: Unit, target: int) -> int:
        was, is_ = self.owner[unit.id] != unit.owner, target != unit.owner
        return self.moved - was + is_

    def targets(self, unit: Unit, able: Sequence[int]) -> list[int]:
        """Who could have the unit: whoever has a neighbour of it, or nothing with a place."""
        source = self.owner[unit.id]
        if not unit.has_place:
            return [one for one in {*able, unit.owner} if one != source]
        near = {self.owner[u] for u in self.touching.get(unit.id, ())}
        return [
            one
            for one in {*able, unit.owner}
            if one != source and (one in near or not self.having[one])
        ]

    def tears(self, unit: Unit) -> bool:
        """Whether its holder's other units lie in more pieces without this one."""
        left = self.having[self.owner[unit.id]] - {unit.id}
        near = self.touching.get(unit.id, frozenset()) & left
        if len(near) <= 1 or not unit.has_place:
            return False
        # Torn if its neighbours do not reach one another without it.
        start, *others = near
        missing, reached, edge = set(others), {start}, [start]
        while edge and missing:
            fresh = (self.touching.get(edge.pop(), frozenset()) & left) - reached
            reached |= fresh
            missing -= fresh
            edge.extend(fresh)
        return bool(missing)

    def shift(self, unit: Unit, target: int) -> None:
        source = self.owner[unit.id]
        self.moved = self.moved_after(unit, target)
        if unit.has_place:
            self.having[source].discard(unit.id)
            self.having[target].add(unit.id)
        self.loads[source] -= unit.load
        self.loads[target] += unit.load
        self.owner[unit.id] = target


def pieces(some: set[str], touching: Mapping[str, frozenset[str]]) -> int:
    """In how many pieces a set of units lies."""
    left, found = set(some), 0
    while left:
        found += 1
        edge = [left.pop()]
        while edge:
            near = touching.get(edge.pop(), frozenset()) & left
            left -= near
            edge.extend(near)
    return found


def propose(
    units: Sequence[Unit],
    workers: Sequence[Worker],
    touching: Mapping[str, frozenset[str]],
    *,
    most_moves: int = 10,
    rounds: int = ROUNDS,
    seconds: float = SECONDS,
) -> Proposal:
    """
    Say which units should move. The same question has the same answer, unless time runs out
    (`in_time` is False then, and the best so far is given).
    """
    by_id, by_worker = {u.id: u for u in units}, {w.id: w for w in workers}
    state = _State(by_id, by_worker, touching, {u.id: u.owner for u in units})
    before = dict(state.loads)
    able = {
        unit.id: [w.id for w in workers if unit.needs <= w.has]
        for unit in units
        if not unit.is_locked
    }
    best_cost, best = state.cost(), dict(state.owner)
    tabu: dict[tuple[str, int], int] = {}
    began, done, since, in_time = time.monotonic(), 0, 0, True
    for turn in range(rounds):
        if time.monotonic() - began > seconds:
            in_time = False
            break
        done = turn + 1
        step = _best_step(state, able, tabu, turn, best_cost, most_moves)
        if step is None:
            break
        unit, target = step
        tabu[unit.id, state.owner[unit.id]] = turn + TABU
        state.shift(unit, target)
        if state.cost() < best_cost - 1e-12:
            best_cost, best, since = state.cost(), dict(state.owner), turn
        elif turn - since > PATIENCE:
            break
    after = _State(by_id, by_worker, touching, best)
    bound = lower_bound(
        fixed={
            w.id: w.fixed + sum(u.load for u in units if u.owner == w.id and u.is_locked)
            for w in workers
        },
        weights={w.id: w.weight for w in workers},
        loads=[(u.load, u.owner, frozenset(able[u.id]) | {u.owner}) for u in units if u.id in able],
        most_moves=most_moves,
    )
    return Proposal(
        moves=_in_order(by_id, by_worker, touching, best),
        before=before,
        after=dict(after.loads),
        peak_before=max((before[w] / by_worker[w].weight for w in before), default=0.0),
        peak_after=max((after.loads[w] / by_worker[w].weight for w in before), default=0.0),
        mean=after.mean,
        bound=bound,
        rounds=done,
        in_time=in_time,
    )


def _best_step(
    state: _State,
    able: Mapping[str, Sequence[int]],
    tabu: Mapping[tuple[str, int], int],
    turn: int,
    best_cost: float,
    most_moves: int,
) -> tuple[Unit, int] | None:
    """The best shift that is allowed; a tabu one only if it beats everything so far."""
    cost = state.cost()
    candidates = []
    for name, targets in able.items():
        unit = state.units[name]
        for target in state.targets(unit, targets):
            if state.moved_after(unit, target) > most_moves:
                continue
            gain = state.gain(unit, target)
            is_tabu = tabu.get((name, target), -1) >= turn
            if not is_tabu or cost + gain < best_cost - 1e-12:
                candidates.append((gain, name, target))
    for _, name, target in sorted(candidates):
        if not state.tears(state.units[name]):
            return state.units[name], target
    return None


def _in_order(
    units: Mapping[str, Unit],
    workers: Mapping[int, Worker],
    touching: Mapping[str, frozenset[str]],
    owner: Mapping[str, int],
) -> tuple[Move, ...]:
    """The moves in the order in which each helps most, with the loads around it."""
    state = _State(units, workers, touching, {u.id: u.owner for u in units.values()})
    left = {name: target for name, target in owner.items() if target != units[name].owner}
    found = []
    while left:
        name = min(left, key=lambda one: (state.gain(units[one], left[one]), one))
        unit, target = units[name], left.pop(name)
        source = unit.owner
        around = state.loads[source], state.loads[target]
        state.shift(unit, target)
        near = {u for u in touching.get(name, ()) if owner[u] == target}
        found.append(
            Move(
                unit=name,
                source=source,
                target=target,
                load=unit.load,
                source_load=(around[0], state.loads[source]),
                target_load=(around[1], state.loads[target]),
                beside=tuple(sorted(near)),
            )
        )
    return tuple(found)
