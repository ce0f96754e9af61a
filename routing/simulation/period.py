"""A period read in chunks, a constant number of statements each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, F, Q

from accounts.areas import AreaIndex, most_specific
from reps.models import Rep
from routing.dispatch import gather, snapshot
from routing.engine import CompiledRuleSet, Roster, codec
from routing.engine.types import Given
from routing.models import Assignment, Batch, Decision, Lead, RosterSnapshot, RuleSet
from routing.simulation.ledger import REMEMBERED, Ledger

# Decisions per chunk: about a second of work, and what a crash would cost.
AT_ONCE = 500
WARM_ROSTERS = 40


@dataclass(frozen=True, slots=True)
class Custody:
    """
    Something that changed who holds a lead outside of routing, at an instant.

    `ends`: the lead left its owner or closed. Otherwise a person gave it to `rep`; `transferred`
    if it came from another rep.
    """

    at: datetime
    lead: int
    ends: bool
    rep: int = 0
    points: int = 0
    value: int = 0
    transferred: bool = False
    at_once: bool = False


@dataclass(slots=True)
class Chunk:
    """Some batches of a period in order, their decisions, and what happened up to the last."""

    batches: list[Batch]
    decisions: dict[int, list[Decision]]
    custody: list[Custody]

    @property
    def leads(self) -> set[int]:
        return {row.lead_id for rows in self.decisions.values() for row in rows}


@dataclass(slots=True)
class Cache:
    """Rosters and rules read before; kept per process while one simulation is worked on."""

    rosters: dict[int, Roster] = field(default_factory=dict)
    rules: dict[int, CompiledRuleSet] = field(default_factory=dict)

    def warm(self, batches: Sequence[Batch]) -> None:
        """Read what these batches were decided with; two statements, however many."""
        wanted = {batch.roster_id for batch in batches}
        missing = wanted - self.rosters.keys()
        if len(self.rosters) + len(missing) > WARM_ROSTERS:
            self.rosters = {pk: one for pk, one in self.rosters.items() if pk in wanted}
        for row in RosterSnapshot.objects.filter(pk__in=missing):
            self.rosters[row.pk] = codec.decode_roster(row.body.encode())
        unread = {batch.ruleset_id for batch in batches} - self.rules.keys()
        for ruleset in RuleSet.objects.filter(pk__in=unread).prefetch_related("rules"):
            self.rules[ruleset.pk] = snapshot.read_rules(ruleset)


def batches_of(since: datetime, until: datetime):
    """The batches decided by rules in a half-open period, in order of time."""
    rows = Batch.objects.filter(at__gte=since, at__lt=until, asked__isnull=True)
    return rows.order_by("at", "pk")


def count_leads(since: datetime, until: datetime) -> int:
    """How many leads were decided in the period."""
    rows = Decision.objects.filter(batch__in=batches_of(since, until).order_by(), applied=True)
    return rows.order_by().values("lead").distinct().count()


def read(
    *,
    since: datetime,
    until: datetime,
    after: tuple[datetime, int] | None,
    through: datetime,
    most: int,
) -> Chunk:
    """
    Return the next batches after the place `after`, about `most` decisions, whole batches only;
    and what people did after `through`, up to the last of them (up to `until` if none is left).
    """
    rows = batches_of(since, until)
    if after is not None:
        at, pk = after
        rows = rows.filter(Q(at__gt=at) | Q(at=at, pk__gt=pk))
    batches, number = [], 0
    for batch in rows[:most]:
        batches.append(batch)
        number += batch.size
        if number >= most:
            break
    decisions: dict[int, list[Decision]] = defaultdict(list)
    for row in (
        Decision.objects.filter(batch__in=[batch.pk for batch in batches])
        .select_related("personal")
        .order_by("batch_id", "place")
    ):
        decisions[row.batch_id].append(row)
    last = batches[-1].at if batches else until - timedelta(microseconds=1)
    return Chunk(batches, decisions, _custody(through, last))


_BY_RULES = ExpressionWrapper(
    Q(decision__isnull=False, decision__batch__asked__isnull=True), output_field=BooleanField()
)


def _custody(after: datetime, through: datetime) -> list[Custody]:
    # Whom an escalation took from a pool, no version chose: like what people did, it happened.
    rows = (
        Assignment.objects.annotate(by_rules=_BY_RULES)
        .filter(
            Q(ended_at__gt=after, ended_at__lte=through)
            | Q(started_at__gt=after, started_at__lte=through, by_rules=False),
            place__in=[Lead.Place.OWNER, Lead.Place.CLOSED],
        )
        .order_by("lead_id", "epoch")
    )
    found = []
    for row in rows:
        if row.place == Lead.Place.CLOSED:
            # Closed where nobody had it; where somebody had, their custody has ended already.
            if after < row.started_at <= through:
                found.append(Custody(at=row.started_at, lead=row.lead_id, ends=True))
            continue
        # In order of time, ends before beginnings; what lasted no time at all ends afterwards.
        moved = row.moved
        if not row.by_rules and after < row.started_at <= through:
            found.append(
                Custody(
                    at=row.started_at,
                    lead=row.lead_id,
                    ends=False,
                    rep=row.rep_id,
                    points=int(moved.get("points", 0)),
                    value=int(moved.get("value", 0)),
                    transferred=row.from_rep_id is not None,
                )
            )
        if row.ended_at is not None and after < row.ended_at <= through:
            brief = row.ended_at == row.started_at
            found.append(Custody(at=row.ended_at, lead=row.lead_id, ends=True, at_once=brief))
    return sorted(found, key=lambda one: (one.at, one.at_once, not one.ends))


def opening(since: datetime) -> Ledger:
    """How things stood when the period began: who held which leads, and what limits remember."""
    ledger = Ledger()
    held = Assignment.objects.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gte=since),
        place=Lead.Place.OWNER,
        started_at__lt=since,
    ).exclude(ended_at=F("started_at"))
    for lead, rep, moved in held.values_list("lead_id", "rep_id", "moved"):
        ledger.hold(lead, rep, int(moved.get("points", 0)), int(moved.get("value", 0)))
    given: dict[int, list[Given]] = defaultdict(list)
    counted = Assignment.objects.filter(
        counts=True,
        rep__isnull=False,
        started_at__gte=since - timedelta(seconds=REMEMBERED),
        started_at__lt=since,
    ).order_by("started_at", "pk")
    for rep, at, pool, tier in counted.values_list("rep_id", "started_at", "pool_id", "tier"):
        given[rep].append(Given(int(at.timestamp()), pool, tier))
    ledger.counters.given = {rep: tuple(rows) for rep, rows in given.items()}
    return ledger


def stored(ids: Iterable[int]) -> dict[int, Decision]:
    """Decisions with their personal facts, by id."""
    rows = Decision.objects.filter(pk__in=sorted(ids)).select_related("personal")
    return {row.pk: row for row in rows}


def with_new_pools(roster: Roster, now: Roster) -> Roster:
    """
    A roster of the past, with the pools and territories that did not exist then as they are now,
    so that a draft may use them. Whoever had not come yet takes no part.
    """
    pools = {pk: pool for pk, pool in now.pools.items() if pk not in roster.pools}
    areas = {pk: one for pk, one in now.territories.items() if pk not in roster.territories}
    if not pools and not areas:
        return roster
    return Roster(roster.reps, {**roster.pools, **pools}, {**roster.territories, **areas})


def rep_ids() -> frozenset[int]:
    """The reps that there are, those who have left included."""
    return frozenset(Rep.objects.values_list("pk", flat=True))


def without_deleted(roster: Roster, present: frozenset[int]) -> Roster:
    """A roster of the past in which nobody takes leads whose record has been deleted since."""
    gone = roster.reps.keys() - present
    if not gone:
        return roster
    reps = {
        pk: replace(spec, active=False) if pk in gone else spec for pk, spec in roster.reps.items()
    }
    return Roster(reps, roster.pools, roster.territories)


def away_now(at: datetime) -> dict[int, int | None]:
    """Who is paused at this moment, until when."""
    paused = Rep.objects.filter(paused_at__isnull=False).values_list("pk", "paused_until")
    return {
        rep: None if until is None else int(until.timestamp())
        for rep, until in paused
        if until is None or until > at
    }


def territory_of(facts: Mapping[str, Any], areas: AreaIndex) -> int | None:
    """The territory that a lead with these facts falls into."""
    return most_specific(areas, gather.place_of(dict(facts)))
