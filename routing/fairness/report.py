"""What a pool promised its members and what they got; the same numbers on pages and by API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Sum

from reps.models import Rep
from routing.engine.rotation import UNIT
from routing.engine.types import MAIN
from routing.fairness import weights
from routing.fairness.factors import HUNDRED
from routing.insight import measures
from routing.models import Assignment, BalanceLine, Lead, Pool, PoolMember, PoolStanding
from routing.models.assignment import Reason


def in_leads(units: int) -> str:
    """Units of the rotation as people read them: leads with a sign and two decimals."""
    leads = f"{abs(units) / UNIT:.2f}"
    sign = "" if leads == "0.00" else "+" if units > 0 else "\N{MINUS SIGN}"
    return f"{sign}{leads}"


def _percent(part: float) -> str:
    return f"{part * 100:.0f}"


@dataclass(frozen=True, slots=True)
class Share:
    """
    One member in one lane. Shares are parts of 1; `balance` is in units, above 0 if owed.

    `in_force`: the weight in hundredths; `cause`: why it is not the set one. `low`, `high`: the
    95 % interval of `share`. `mean`: the leads that the member would have got by weight.
    """

    member: PoolMember
    lane: str
    in_force: int
    cause: str
    promised: float
    got: int
    share: float
    low: float
    high: float
    mean: float
    balance: int
    last_turn: datetime | None

    @property
    def rep(self) -> Rep:
        return self.member.rep

    @property
    def weight(self) -> float:
        """The weight in force, in set weights."""
        return self.in_force / HUNDRED

    @property
    def balance_words(self) -> str:
        return in_leads(self.balance)

    @property
    def promised_percent(self) -> str:
        return _percent(self.promised)

    @property
    def share_percent(self) -> str:
        return _percent(self.share)

    @property
    def low_percent(self) -> str:
        return _percent(self.low)

    @property
    def high_percent(self) -> str:
        return _percent(self.high)


@dataclass(frozen=True, slots=True)
class Lane:
    """
    One rotation of a pool: its members' shares, the leads they got together in the period, and
    how unevenly these were spread over the weights (Gini, 0 to 1).
    """

    tier: str
    shares: tuple[Share, ...]
    total: int
    gini: float

    @property
    def label(self) -> str:
        """The tier as people call it; empty for the main lane."""
        return str(Lead.Tier(self.tier).label) if self.tier else ""


def lanes(pool: Pool, *, since: datetime, until: datetime) -> list[Lane]:
    """
    Return the main lane and then each tier's own, for leads routed in [since, until).

    Weights, balances and turns are as they stand. Four statements, whatever the pool's size.
    """
    members = list(pool.members.select_related("rep__user", "rep__team"))
    names = [MAIN, *pool.lanes]
    got = _got(pool, members, since=since, until=until)
    balances = {
        (rep, lane): units
        for rep, lane, units in PoolStanding.objects.filter(pool=pool).values_list(
            "rep_id", "lane", "balance"
        )
    }
    turns = {
        (rep, lane): at
        for rep, lane, at in BalanceLine.objects.filter(
            pool=pool, kind=BalanceLine.Kind.LEADS, leads__gt=0
        )
        .order_by()
        .values_list("rep_id", "lane")
        .annotate(at=Max("at"))
    }
    return [_lane(lane, members, got, balances, turns) for lane in names]


def _lane(lane: str, members: Sequence[PoolMember], got, balances, turns) -> Lane:
    in_force = [weights.shown(one) for one in members]
    active = sum(w for one, w in zip(members, in_force, strict=True) if one.rep.is_active)
    total = sum(got.get((one.rep_id, lane), 0) for one in members)
    shares = []
    for one, weight in zip(members, in_force, strict=True):
        leads = got.get((one.rep_id, lane), 0)
        promised = weight / active if one.rep.is_active else 0.0
        certain = measures.share(leads, total)
        shares.append(
            Share(
                member=one,
                lane=lane,
                in_force=weight,
                cause=one.weight_cause,
                promised=promised,
                got=leads,
                share=leads / total if total else 0.0,
                low=certain.low if certain else 0.0,
                high=certain.high if certain else 1.0,
                mean=promised * total,
                balance=balances.get((one.rep_id, lane), 0),
                last_turn=turns.get((one.rep_id, lane)),
            )
        )
    spread = [one.got * HUNDRED / one.in_force for one in shares if one.rep.is_active]
    return Lane(tier=lane, shares=tuple(shares), total=total, gini=measures.gini(spread))


def _got(
    pool: Pool, members: Sequence[PoolMember], *, since: datetime, until: datetime
) -> dict[tuple[int, str], int]:
    """Leads that rules gave through this pool, by rep and lane; what was taken back is left out."""
    rows = (
        Assignment.objects.filter(
            pool=pool,
            rep__in=[one.rep_id for one in members],
            reason_code=Reason.ROUTED,
            started_at__gte=since,
            started_at__lt=until,
            undone_at__isnull=True,
        )
        .order_by()
        .values_list("rep_id", "tier")
        .annotate(n=Count("pk"))
    )
    found: dict[tuple[int, str], int] = {}
    for rep, tier, count in rows:
        seat = (rep, tier if tier in pool.lanes else MAIN)
        found[seat] = found.get(seat, 0) + count
    return found


@dataclass(frozen=True, slots=True)
class Balance:
    """A member's account in one lane: the sum of all its lines, and the balance; in units."""

    lane: str
    sum: int
    balance: int

    @property
    def agrees(self) -> bool:
        return self.sum == self.balance

    @property
    def sum_words(self) -> str:
        return in_leads(self.sum)

    @property
    def balance_words(self) -> str:
        return in_leads(self.balance)


def balances(pool: Pool, rep: Rep) -> list[Balance]:
    """Return the member's accounts, the main lane first; a lane that never moved has none."""
    sums = dict(
        BalanceLine.objects.filter(pool=pool, rep=rep)
        .order_by()
        .values_list("lane")
        .annotate(units=Sum("units"))
    )
    stands = dict(PoolStanding.objects.filter(pool=pool, rep=rep).values_list("lane", "balance"))
    return [
        Balance(lane=lane, sum=sums.get(lane, 0), balance=stands.get(lane, 0))
        for lane in sorted({*sums, *stands, MAIN})
    ]
