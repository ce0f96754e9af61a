"""Proposals that even out a workload: what they promise, and how good they are."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.realign.balance import Unit, Worker, pieces, propose
from routing.realign.bound import lower_bound


def grid(width, height):
    """Which cells of a grid touch."""
    cells = {f"{x}.{y}": (x, y) for x in range(width) for y in range(height)}
    names = {spot: name for name, spot in cells.items()}
    return {
        name: frozenset(
            names[spot]
            for spot in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1))
            if spot in names
        )
        for name, (x, y) in cells.items()
    }


def instance(seed, *, width=8, height=6, workers=4, locked=0.0, skills=False):
    """Columns of a grid shared out left to right, with uneven loads."""
    rng = random.Random(seed)
    touching = grid(width, height)
    people = [
        Worker(
            n, has=frozenset({"de"} if n % 2 == 0 or not skills else set()), fixed=rng.randrange(9)
        )
        for n in range(workers)
    ]
    units = []
    for name in touching:
        x = int(name.split(".")[0])
        owner = min(workers - 1, x * workers // width)
        needs = skills and "de" in people[owner].has and rng.random() < 0.3
        units.append(
            Unit(
                name,
                owner,
                rng.randrange(1, 40) * (3 if owner == 0 else 1),
                needs=frozenset({"de"} if needs else ()),
                is_locked=rng.random() < locked,
            )
        )
    return units, people, touching


def lies_in(units, owner, worker, touching):
    return pieces({u.id for u in units if owner[u.id] == worker and u.has_place}, touching)


def owners(units, found):
    return {**{u.id: u.owner for u in units}, **{m.unit: m.target for m in found.moves}}


def test_a_move_from_the_busiest_to_a_neighbour_evens_it_out():
    units = [Unit("OH", 1, 40), Unit("PA", 1, 60), Unit("NY", 2, 20), Unit("CA", 3, 60)]
    touching = {
        "OH": frozenset({"PA"}),
        "PA": frozenset({"OH", "NY"}),
        "NY": frozenset({"PA"}),
        "CA": frozenset(),
    }

    found = propose(units, [Worker(1), Worker(2), Worker(3)], touching)

    (move,) = found.moves
    assert (move.unit, move.source, move.target) == ("PA", 1, 2)
    assert (move.source_load, move.target_load) == ((100, 40), (20, 80))
    assert move.beside == ("NY",)
    assert (found.peak_before, found.peak_after) == (100, 80)


def test_what_touches_nothing_of_theirs_does_not_go_there():
    units = [Unit("OH", 1, 50), Unit("PA", 1, 50), Unit("CA", 2, 10)]
    touching = {"OH": frozenset({"PA"}), "PA": frozenset({"OH"}), "CA": frozenset()}

    assert propose(units, [Worker(1), Worker(2)], touching).moves == ()


def test_the_middle_is_not_taken_out():
    touching = {
        "a": frozenset("b"),
        "b": frozenset("acz"),
        "c": frozenset("b"),
        "z": frozenset("b"),
    }
    units = [
        Unit("a", 1, 1, is_locked=True),
        Unit("b", 1, 50),
        Unit("c", 1, 50, is_locked=True),
        Unit("z", 2, 1, is_locked=True),
    ]

    assert propose(units, [Worker(1), Worker(2)], touching).moves == ()


def test_an_even_workload_is_left_alone():
    units = [Unit("a", 1, 50), Unit("b", 2, 50)]
    touching = {"a": frozenset("b"), "b": frozenset("a")}

    assert propose(units, [Worker(1), Worker(2)], touching).moves == ()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    workers=st.integers(2, 5),
    most=st.integers(0, 8),
    locked=st.sampled_from([0.0, 0.3]),
    skills=st.booleans(),
)
def test_every_proposal_keeps_what_it_promises(seed, workers, most, locked, skills):
    units, people, touching = instance(
        seed, width=6, height=4, workers=workers, locked=locked, skills=skills
    )
    found = propose(units, people, touching, most_moves=most, rounds=60)
    after, before = owners(units, found), {u.id: u.owner for u in units}
    able = {w.id: w.has for w in people}

    assert len(found.moves) <= most
    for unit in units:
        if after[unit.id] != unit.owner:
            assert not unit.is_locked
            assert unit.needs <= able[after[unit.id]]
    for worker in able:
        held = lies_in(units, before, worker, touching)
        assert lies_in(units, after, worker, touching) <= max(held, 1)
    loads = {w.id: w.fixed for w in people}
    for unit in units:
        loads[after[unit.id]] += unit.load
    assert loads == found.after
    assert sum(found.before.values()) == sum(found.after.values())
    assert found.bound <= found.peak_after + 1e-6
    for move in found.moves:
        assert move.source_load[0] - move.source_load[1] == move.load
        assert move.target_load[1] - move.target_load[0] == move.load


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), most=st.integers(0, 6))
def test_no_assignment_beats_the_bound(seed, most):
    rng = random.Random(seed)
    weights = {w: rng.choice([1.0, 1.0, 2.0]) for w in range(3)}
    fixed = {w: rng.randrange(10) for w in weights}
    loads = []
    for _ in range(6):
        owner = rng.randrange(3)
        able = frozenset({owner, *(w for w in weights if rng.random() < 0.6)})
        loads.append((rng.randrange(1, 30), owner, able))

    best = min(
        max(
            (
                fixed[w]
                + sum(load for (load, _, _), who in zip(loads, choice, strict=True) if who == w)
            )
            / weights[w]
            for w in weights
        )
        for choice in itertools.product(range(3), repeat=6)
        if all(who in able for (_, _, able), who in zip(loads, choice, strict=True))
        and sum(who != owner for (_, owner, _), who in zip(loads, choice, strict=True)) <= most
    )

    assert lower_bound(fixed=fixed, weights=weights, loads=loads, most_moves=most) <= best + 1e-3


@pytest.mark.parametrize("seed", range(4))
def test_it_comes_close_to_what_is_possible(seed):
    units, people, touching = instance(seed)

    found = propose(units, people, touching, most_moves=16)

    assert found.peak_after < found.peak_before
    assert found.gap < 0.1
