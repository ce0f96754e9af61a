"""What a replay shows: who got what by which rule, what waited and why, how fast it was."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date, datetime
from statistics import median
from typing import Any

from django.db.models import Max

from routing.models import Assignment, Decision, Lead, PoolMember, Rule
from routing.rehearsal.run import Run


@dataclass(frozen=True, slots=True)
class Share:
    """What a member of a pool got from it, beside what the weight promises."""

    pool: str
    rep: str
    leads: int
    share: float
    by_weight: float


@dataclass(frozen=True, slots=True)
class Findings:
    """The figures of one replay."""

    first: date
    last: date
    leads: int
    assigned: int
    closed: int
    parked_ever: int
    parked_why: dict[str, int]
    parked_then_assigned: int
    parked_days: float
    closed_waiting: int
    still_waiting: dict[str, int]
    in_fallback: int
    not_held_back: int
    by_rule_share: float
    rules: dict[str, int]
    pools: dict[str, tuple[int, int, int]]
    shares: list[Share]
    fullest: int
    offices_learnt: int
    messages: int
    clocks: int
    seconds: dict[str, float]
    per_second: float

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "first": str(self.first), "last": str(self.last)}

    def as_text(self) -> str:
        lines = [
            f"{self.first} to {self.last}, virtual clock",
            f"leads in                {self.leads:>7,}",
            f"assigned                {self.assigned:>7,}",
            f"parked at some time     {self.parked_ever:>7,}  {_pairs(self.parked_why)}",
            f"  then assigned         {self.parked_then_assigned:>7,}"
            f"  after {self.parked_days:.0f} days (median)",
            f"  closed while waiting  {self.closed_waiting:>7,}",
            f"  still waiting         {sum(self.still_waiting.values()):>7,}"
            f"  {_pairs(self.still_waiting)}",
            f"in the fallback queue   {self.in_fallback:>7,}",
            f"closed                  {self.closed:>7,}",
            f"not held back by a cap  {self.not_held_back:>7,}"
            f"  {self.by_rule_share:.2%} assigned by a rule that is not the fallback",
            f"most leads on one rep   {self.fullest:>7,}",
            f"offices learnt          {self.offices_learnt:>7,}",
            f"messages, clocks        {self.messages:>7,}  {self.clocks}",
            "assigned by rule:",
        ]
        for name, number in self.rules.items():
            lines.append(f"  {number:>7,}  {number / max(1, self.assigned):>6.1%}  {name}")
        lines.append("per member of each pool (equal weights): fewest, exact share, most")
        for name, (fewest, total, most) in self.pools.items():
            members = sum(share.pool == name for share in self.shares)
            lines.append(f"  {fewest:>5,} {total / max(1, members):>8.1f} {most:>5,}  {name}")
        lines.append("per rep, over all pools: leads, share, share by weight")
        for rep, number, share, by_weight in self._reps():
            lines.append(f"  {number:>5,} {share:>7.2%} {by_weight:>7.2%}  {rep}")
        parts = ", ".join(f"{name} {spent:.1f}" for name, spent in self.seconds.items())
        total = sum(self.seconds.values())
        lines.append(f"{total:.1f} s ({parts}): {self.per_second:.0f} leads a second")
        return "\n".join(lines)

    def _reps(self) -> list[tuple[str, int, float, float]]:
        totals = {name: total for name, (_, total, _) in self.pools.items()}
        counts: Counter[str] = Counter()
        promised: Counter[str] = Counter()
        for share in self.shares:
            counts[share.rep] += share.leads
            promised[share.rep] += share.by_weight * totals[share.pool]
        whole = max(1, sum(counts.values()))
        return [
            (rep, counts[rep], counts[rep] / whole, promised[rep] / whole)
            for rep in sorted(counts, key=lambda rep: (-counts[rep], rep))
        ]


def _pairs(counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in counts.items())


def findings(run: Run) -> Findings:
    """Read from the ledgers what a replay did."""
    leads = Lead.objects.filter(source=run.source)
    story = _stories(run)
    rules = {rule.pk: rule for rule in Rule.objects.all()}
    won = Counter(last.rule_id for last in (s.assigned for s in story.values()) if last)
    free = [s for s in story.values() if not s.held_back]
    by_rule = sum(bool(s.assigned) and not rules[s.assigned.rule_id].is_fallback for s in free)
    open_ones = leads.open().exclude(waiting=Lead.Waiting.NONE)
    shares, pools = _shares(run)
    spent = sum(run.seconds.values())
    return Findings(
        first=run.first,
        last=run.last,
        leads=leads.count(),
        assigned=sum(won.values()),
        closed=run.closed,
        parked_ever=sum(bool(s.parked) for s in story.values()),
        parked_why=dict(Counter(s.why for s in story.values() if s.parked)),
        parked_then_assigned=sum(bool(s.parked and s.assigned) for s in story.values()),
        parked_days=median(
            [
                (s.assigned.decided_at - s.parked).total_seconds() / 86_400
                for s in story.values()
                if s.parked and s.assigned
            ]
            or [0]
        ),
        closed_waiting=leads.filter(place=Lead.Place.CLOSED, assigned_at=None).count(),
        still_waiting=dict(Counter(open_ones.values_list("waiting", flat=True))),
        in_fallback=sum(
            last.outcome != "park" and bool(rules[last.rule_id].is_fallback)
            for last in (s.last for s in story.values())
            if last.rule_id is not None
        ),
        not_held_back=len(free),
        by_rule_share=by_rule / max(1, len(free)),
        rules={
            rules[pk].name: number
            for pk, number in sorted(won.items(), key=lambda pair: rules[pair[0]].position)
        },
        pools=pools,
        shares=shares,
        fullest=Assignment.objects.filter(lead__source=run.source).aggregate(
            most=Max("load_after")
        )["most"]
        or 0,
        offices_learnt=run.offices_learnt,
        messages=run.messages(),
        clocks=run.clocks(),
        seconds={name: round(spent, 2) for name, spent in run.seconds.items()},
        per_second=round(run.leads / spent, 1) if spent else 0.0,
    )


@dataclass(slots=True)
class _Story:
    """What the decisions about one lead say, first to last."""

    last: Decision
    assigned: Decision | None = None
    parked: datetime | None = None
    why: str = ""

    @property
    def held_back(self) -> bool:
        return self.why == "capacity"


def _stories(run: Run) -> dict[int, _Story]:
    stories: dict[int, _Story] = {}
    decisions = Decision.objects.filter(lead__source=run.source).order_by("pk")
    for one in decisions.defer("facts").iterator(chunk_size=2000):
        story = stories.setdefault(one.lead_id, _Story(one))
        story.last = one
        if one.outcome == Decision.Outcome.ASSIGN:
            story.assigned = one
        elif one.outcome == Decision.Outcome.PARK and story.parked is None:
            story.parked = one.decided_at
            story.why = json.loads(one.body).get("blocked") or "unknown"
    return stories


def _shares(run: Run) -> tuple[list[Share], dict[str, tuple[int, int, int]]]:
    """Who got how much from each pool that gave leads, and fewest, total and most of each."""
    counts: Counter[tuple[int, int]] = Counter()
    given = Decision.objects.filter(lead__source=run.source, outcome=Decision.Outcome.ASSIGN)
    for rep, target in given.values_list("rep_id", "rule__path"):
        counts[target["target"]["id"], rep] += 1
    shares, pools = [], {}
    members = PoolMember.objects.select_related("pool", "rep__user").order_by("pool__name", "pk")
    weights: Counter[int] = Counter()
    for member in members:
        weights[member.pool_id] += member.weight
    for member in members:
        total = sum(number for (pool, _), number in counts.items() if pool == member.pool_id)
        if not total:
            continue
        got = counts[member.pool_id, member.rep_id]
        shares.append(
            Share(
                pool=member.pool.name,
                rep=member.rep.user.label,
                leads=got,
                share=got / total,
                by_weight=member.weight / weights[member.pool_id],
            )
        )
        fewest, _, most = pools.get(member.pool.name, (got, total, got))
        pools[member.pool.name] = (min(fewest, got), total, max(most, got))
    return shares, pools
