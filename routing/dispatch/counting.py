"""The counters that a decision starts from, as they stand now."""

from collections.abc import Mapping
from datetime import datetime

from reps.models import Rep
from routing.engine import Counters, Roster
from routing.fairness import limits
from routing.models import Organisation, PoolStanding


def read(
    open_leads: Mapping[int, int],
    *,
    roster: Roster,
    organisation: Organisation,
    by_value: bool,
    at: datetime,
) -> Counters:
    """
    Read balances, turns, who is away, and what limits count; whoever decides holds the locks.

    `by_value`: the value of everybody's open leads is wanted, not only of those it limits.
    """
    balance, turn = {}, {}
    for pool, rep, lane, owed, last in PoolStanding.objects.values_list(
        "pool_id", "rep_id", "lane", "balance", "turn"
    ):
        balance[pool, rep, lane], turn[pool, rep, lane] = owed, last
    paused = Rep.objects.filter(paused_at__isnull=False).values_list(
        "pk", "paused_until", "pause_is_own"
    )
    away, credited = {}, set()
    for rep, until, is_own in paused:
        if until is None or until > at:
            away[rep] = None if until is None else int(until.timestamp())
            if not is_own:
                credited.add(rep)
    found = Counters(
        open=dict(open_leads), balance=balance, turn=turn, away=away, credited=credited
    )
    limits.fill(
        found,
        {rep: spec.limits for rep, spec in roster.reps.items() if spec.limits},
        at=at,
        stage_points=organisation.stage_points,
        by_value=roster.reps if by_value else (),
    )
    return found
