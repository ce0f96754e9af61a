"""
The book of the rotation: every change of a balance is a line, and the lines add up to it.

Whoever writes holds the desk, under which balances are read and moved (design rule 4).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from reps.models import Rep, User
from reps.models.bulk import Upsert, insert_many
from routing.engine import codec
from routing.engine.types import Seat
from routing.models import BalanceLine, Batch, Desk, Pool, PoolStanding


@dataclass(frozen=True, slots=True)
class Posting:
    """A change of one seat: units added, and how many leads it tells of."""

    seat: Seat
    kind: str
    units: int
    leads: int = 0
    shared: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """A seat's balance in units, and the ordinal of its last turn."""

    balance: int = 0
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """One lead of a line: what it changed, and whether this member was the one to get it."""

    lead_id: int
    decision_id: int
    place: int
    units: int
    received: bool


def lock_desk(pool: Pool) -> None:
    """Wait until nobody else decides or moves balances; the lock is held until the commit."""
    Desk.objects.select_for_update(no_key=True).get(pk=pool.desk_id)


def standings(pool_id: int) -> dict[Seat, Standing]:
    """Every seat of a pool that was ever charged, in all lanes."""
    rows = PoolStanding.objects.filter(pool=pool_id).order_by("lane", "rep_id")
    return {(row.pool_id, row.rep_id, row.lane): Standing(row.balance, row.turn) for row in rows}


def write(
    postings: Sequence[Posting],
    *,
    before: Mapping[Seat, Standing],
    at: datetime,
    turns: Mapping[Seat, int] | None = None,
    batch: Batch | None = None,
    by: User | None = None,
    reason: str = "",
) -> None:
    """
    Write these changes as lines and move the standings by them; two statements.

    `before` are the standings as they are, `turns` the last turns that change too.
    """
    if not postings:
        return
    balance = {one.seat: before.get(one.seat, Standing()).balance for one in postings}
    lines = []
    for one in postings:
        balance[one.seat] += one.units
        pool, rep, lane = one.seat
        lines.append(
            BalanceLine(
                pool_id=pool,
                rep_id=rep,
                lane=lane,
                kind=one.kind,
                units=one.units,
                balance_after=balance[one.seat],
                leads=one.leads,
                shared=one.shared,
                batch=batch,
                at=at,
                by=by,
                reason=reason[:300],
            )
        )
    insert_many(lines)
    turns = turns or {}
    insert_many(
        [
            PoolStanding(
                pool_id=seat[0],
                rep_id=seat[1],
                lane=seat[2],
                balance=units,
                turn=turns.get(seat, before.get(seat, Standing()).turn),
            )
            for seat, units in sorted(balance.items())
        ],
        upsert=Upsert(("pool", "rep", "lane"), ("balance", "turn")),
    )


def lines_of(pool: Pool, rep: Rep, lane: str | None = None) -> QuerySet[BalanceLine]:
    """The lines of a member, newest first; of all lanes unless one is named."""
    rows = BalanceLine.objects.filter(pool=pool, rep=rep).select_related("batch", "by")
    if lane is not None:
        rows = rows.filter(lane=lane)
    return rows.order_by("-pk")


def expand(line: BalanceLine) -> list[Charge]:
    """
    Return the leads that a line of a batch tells of, in the order in which they were decided.

    Lines of other kinds have none.
    """
    return [] if line.batch is None else list(_charges(line, line.batch))


def _charges(line: BalanceLine, batch: Batch) -> Iterable[Charge]:
    rows = batch.decisions.filter(applied=True, outcome="assign").order_by("place")
    for decision in rows:
        answer = codec.decode_decision(decision.body.encode())
        if (answer.pool, answer.lane) != (line.pool_id, line.lane):
            continue
        units = dict(answer.charges).get(line.rep_id)
        if units is not None:
            yield Charge(
                lead_id=decision.lead_id,
                decision_id=decision.pk,
                place=decision.place,
                units=units,
                received=answer.rep == line.rep_id,
            )
