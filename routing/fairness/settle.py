"""A manager sets what the rotation owes a member to zero, with a reason."""

from datetime import datetime

from django.db import transaction

from reps import trail
from reps.models import Rep, User
from routing.fairness import ledger, shares
from routing.fairness.ledger import Posting
from routing.models import BalanceLine, Pool


class SettleRefused(Exception):
    """Nothing was settled; the message says why."""


@transaction.atomic
def settle(
    *, pool: Pool, rep: Rep, by: User, at: datetime, reason: str, lane: str | None = None
) -> list[BalanceLine]:
    """
    Set a member's balance to zero, in one lane or (None) in all; the others share the
    difference by weight, so that balances still add up to zero. Returns the member's lines.

    :raises SettleRefused: without a reason, for somebody outside of the pool or alone in it,
        or where nothing is owed either way
    """
    text = reason.strip()
    if not text:
        raise SettleRefused("Say why.")
    ledger.lock_desk(pool)
    weights = shares.weights(pool.pk)
    if weights.pop(rep.pk, None) is None:
        raise SettleRefused(f"{rep} is not in {pool}.")
    if not weights:
        raise SettleRefused(f"{rep} is alone in {pool}; there is nobody to settle with.")
    before = ledger.standings(pool.pk)
    owed = {
        seat: one.balance
        for seat, one in before.items()
        if seat[1] == rep.pk and lane in (None, seat[2]) and one.balance
    }
    if not owed:
        raise SettleRefused(f"{rep} owes nothing and is owed nothing.")
    postings = []
    for seat, units in owed.items():
        postings.append(Posting(seat, BalanceLine.Kind.SETTLED, -units))
        postings += shared_out(pool.pk, seat[2], units, weights)
    ledger.write(postings, before=before, at=at, by=by, reason=text)
    trail.note(
        pool,
        kind="settled",
        by=by,
        at=at,
        reason_code="settled",
        reason=text,
        data={"rep": rep.pk, "units": {seat[2]: units for seat, units in owed.items()}},
    )
    lines = BalanceLine.objects.filter(pool=pool, rep=rep, kind=BalanceLine.Kind.SETTLED)
    return list(lines.order_by("-pk")[: len(owed)])


def shared_out(pool_id: int, lane: str, units: int, weights: dict[int, int]) -> list[Posting]:
    """The lines of those who share, by weight, what somebody's change left over."""
    return [
        Posting((pool_id, rep, lane), BalanceLine.Kind.SHARED_OUT, part)
        for rep, part in shares.share_out(units, weights).items()
        if part
    ]
