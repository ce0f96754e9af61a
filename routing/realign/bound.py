"""
What no assignment can beat. Pure.

The least possible highest load by weight, from three relaxations, each a true lower bound:

1. units may be cut into parts, but go only to whoever is able: the smallest T for which a flow
   from the units to the workers, each taking at most T times its weight, carries everything
   (Lenstra, Shmoys and Tardos, "Approximation algorithms for scheduling unrelated parallel
   machines", 1990, use the same relaxation), found by bisection and maximum flow (Dinic);
2. the heaviest unit goes to somebody as a whole;
3. with so many moves, nobody loses more than their heaviest units of that number.

Contiguity is left out: it can only make the best possible worse.
"""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence

# To how small a share of the answer the bisection goes on.
EXACT = 1e-4
EPSILON = 1e-9
Load = tuple[int, int, frozenset[int]]


def lower_bound(
    *,
    fixed: Mapping[int, int],
    weights: Mapping[int, float],
    loads: Sequence[Load],
    most_moves: int,
) -> float:
    """
    Give what the highest load by weight cannot fall below.

    `fixed` is what a worker has whatever happens; `loads` are the units that may move: their
    load, who has them now, and who could.
    """
    if not weights:
        return 0.0
    base = max(fixed[w] / weights[w] for w in weights)
    whole = max(
        (min((fixed[w] + load) / weights[w] for w in able) for load, _, able in loads), default=0.0
    )
    return max(
        base, whole, _by_moves(fixed, weights, loads, most_moves), _by_flow(fixed, weights, loads)
    )


def _by_moves(
    fixed: Mapping[int, int], weights: Mapping[int, float], loads: Sequence[Load], most: int
) -> float:
    held: dict[int, list[int]] = defaultdict(list)
    for load, owner, _ in loads:
        held[owner].append(load)
    found = 0.0
    for worker, mine in held.items():
        left = sorted(mine, reverse=True)[most:]
        found = max(found, (fixed[worker] + sum(left)) / weights[worker])
    return found


def _by_flow(
    fixed: Mapping[int, int], weights: Mapping[int, float], loads: Sequence[Load]
) -> float:
    """Units that can go to the same workers are one source: the graph stays small."""
    groups: dict[frozenset[int], float] = defaultdict(float)
    for load, _, able in loads:
        groups[able] += load
    total = sum(groups.values())
    low = (sum(fixed.values()) + total) / sum(weights.values())
    high = max((fixed[w] + total) / weights[w] for w in weights)
    if fits(groups, fixed, weights, low):
        return low
    while high - low > EXACT * max(high, 1.0):
        middle = (low + high) / 2
        if fits(groups, fixed, weights, middle):
            high = middle
        else:
            low = middle
    # What did not fit is the bound; what fits may lie above the least.
    return low


def fits(
    groups: Mapping[frozenset[int], float],
    fixed: Mapping[int, int],
    weights: Mapping[int, float],
    most: float,
) -> bool:
    """Whether nobody needs to carry more than `most` by weight, if units may be cut."""
    room = {w: most * weights[w] - fixed[w] for w in weights}
    if min(room.values()) < -EPSILON:
        return False
    graph: dict[object, dict[object, float]] = defaultdict(dict)
    for able, amount in groups.items():
        graph["source"][able] = amount
        for worker in able:
            graph[able][worker] = amount
            graph[worker].setdefault(able, 0.0)
        graph[able].setdefault("source", 0.0)
    for worker, left in room.items():
        graph[worker]["sink"] = max(0.0, left)
        graph["sink"].setdefault(worker, 0.0)
    total = sum(groups.values())
    return max_flow(graph, "source", "sink") >= total - EPSILON * max(1.0, total)


def max_flow(graph: dict[object, dict[object, float]], source: object, sink: object) -> float:
    """Dinic's maximum flow; `graph` holds what is left of each edge and is used up."""
    flow = 0.0
    while True:
        level = {source: 0}
        edge = deque([source])
        while edge:
            here = edge.popleft()
            for there, left in graph[here].items():
                if left > EPSILON and there not in level:
                    level[there] = level[here] + 1
                    edge.append(there)
        if sink not in level:
            return flow
        while pushed := _push(graph, source, sink, float("inf"), level):
            flow += pushed


def _push(
    graph: dict[object, dict[object, float]],
    here: object,
    sink: object,
    most: float,
    level: dict[object, int],
) -> float:
    if here == sink:
        return most
    for there, left in graph[here].items():
        if left > EPSILON and level.get(there) == level[here] + 1:
            pushed = _push(graph, there, sink, min(most, left), level)
            if pushed > EPSILON:
                graph[here][there] -= pushed
                graph[there][here] = graph[there].get(here, 0.0) + pushed
                return pushed
    # Nothing more goes this way on this level.
    level.pop(here, None)
    return 0.0
