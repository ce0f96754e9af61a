"""Share things out among several people. Pure."""

import heapq
from collections.abc import Mapping, Sequence


def in_turn(things: Sequence[int], takers: Sequence[int]) -> dict[int, int]:
    """Give each thing to the next taker, in order: nobody gets two more than anybody else."""
    if not takers:
        return {}
    return {thing: takers[place % len(takers)] for place, thing in enumerate(things)}


def to_the_least(things: Sequence[int], loads: Mapping[int, int]) -> dict[int, int]:
    """
    Give each thing, in order, to whoever has least by then; on a tie to the lower id.

    `loads` says what each taker has already; nobody gets one while somebody else has less.
    """
    heap = [(load, taker) for taker, load in loads.items()]
    heapq.heapify(heap)
    found = {}
    for thing in things:
        if not heap:
            break
        load, taker = heap[0]
        found[thing] = taker
        heapq.heapreplace(heap, (load + 1, taker))
    return found
