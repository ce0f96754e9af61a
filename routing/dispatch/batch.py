"""
One desk decides (design rule 4).

A batch claims due leads, gathers facts without a lock, then locks the desk, reads the
counters, decides lead by lead in memory, writes in bulk and commits. Fairness and
capacity are exact, because one decider at a time reads and moves the counters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from reps import trail
from reps.availability import moment
from reps.models import Rep
from reps.models.bulk import Upsert, insert_many, update_many
from reps.models.tracked import bulk_writer
from routing import engine, ownership
from routing.dispatch import gather, snapshot
from routing.engine import Counters, codec
from routing.models import (
    Batch,
    Decision,
    Desk,
    Lead,
    Organisation,
    PersonalFacts,
    PoolStanding,
)
from routing.models.assignment import Reason
from routing.models.source import Mode
from routing.qualify import facts

LARGEST = {"postgresql": 200, "sqlite": 25}
# A parked lead without a known chance is looked at again after this long, so that a change
# nobody announced cannot leave it behind for ever.
LOOK_AGAIN = timedelta(hours=1)
SOONEST = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Decided:
    """One lead of a batch with the engine's answer and what it was answered from."""

    lead: Lead
    facts: dict[str, Any]
    answer: engine.Decision


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Decide one batch of due leads; return how many were handled."""
    organisation = Organisation.objects.first()
    if organisation is None or organisation.routing_paused_at is not None:
        return 0
    return len(route(driver=driver, at=at or due_before, due_before=due_before))


def oldest() -> datetime | None:
    """Since when the oldest ready lead has waited for a decision."""
    return (
        Lead.objects.filter(route_at__isnull=False)
        .order_by("route_at")
        .values_list("route_at", flat=True)
        .first()
    )


@transaction.atomic
def route(
    *,
    driver: str,
    at: datetime,
    due_before: datetime,
    only: Sequence[int] | None = None,
    most: int | None = None,
) -> list[Decided]:
    """
    Decide and place up to `most` due leads (`only` these, if given) as of `at`.

    Leads that another router holds are left to it. Statements per batch are constant.
    """
    organisation = Organisation.get()
    leads = _claim(due_before, only, most or LARGEST[connection.vendor])
    if not leads:
        return []
    if organisation.live_ruleset_id is None:
        _park_without_rules(leads, at=at)
        return []
    rules = snapshot.live_rules(organisation.live_ruleset_id)
    # Facts are read before the desk is locked, from the roster's index of territories; a
    # change of the plan that commits in between is caught below.
    before = snapshot.current(at=at)
    known = gather.facts_of(leads, areas=before.areas, organisation=organisation, at=at)

    desk = Desk.objects.select_for_update(no_key=True).get(pk=Desk.default_pk())
    loads = ownership.lock_loads(sorted(before.roster.reps))
    shot = snapshot.current(at=at)
    if shot is not before:
        known = gather.facts_of(leads, areas=shot.areas, organisation=organisation, at=at)
    counters = _counters({rep: load.open for rep, load in loads.items()}, at)
    start = counters.copy()

    decided, attempts = _decide(leads, known, rules, shot.roster, counters, at)
    news = [one for one in decided if not _waits_as_before(one)]
    if news:
        batch = Batch.objects.create(
            desk=desk,
            ruleset_id=rules.ruleset.id,
            roster_id=snapshot.stored(shot, at=at),
            at=at,
            driver=driver,
            engine=engine.ENGINE_VERSION,
            counters=codec.encode_counters(_consulted(start, attempts, shot.roster)).decode(),
            size=len(news),
        )
        _place(news, _store(news, batch), at=at, driver=driver)
        _write_standings(news, counters)
    _look_again_later([one for one in decided if _waits_as_before(one)], at=at)
    return decided


def _claim(due_before: datetime, only: Sequence[int] | None, most: int) -> list[Lead]:
    rows = (
        Lead.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("prospect", "source", "account__parent")
        .ready(due_before)
        .order_by("-priority", "route_at", "pk")
    )
    if only is not None:
        rows = rows.filter(pk__in=only)
    return list(rows[:most])


def _counters(open_leads: dict[int, int], at: datetime) -> Counters:
    """Read what the engine counts with; the desk and the loads are locked."""
    balance, turn = {}, {}
    for pool, rep, lane, owed, last in PoolStanding.objects.values_list(
        "pool_id", "rep_id", "lane", "balance", "turn"
    ):
        balance[pool, rep, lane], turn[pool, rep, lane] = owed, last
    away = {
        rep: None if until is None else int(until.timestamp())
        for rep, until in Rep.objects.filter(paused_at__isnull=False).values_list(
            "pk", "paused_until"
        )
        if until is None or until > at
    }
    return Counters(open=open_leads, balance=balance, turn=turn, away=away)


def _decide(
    leads: Sequence[Lead],
    known: dict[int, dict[str, Any]],
    rules: engine.CompiledRuleSet,
    roster: engine.Roster,
    counters: Counters,
    at: datetime,
) -> tuple[list[Decided], list[engine.Attempt]]:
    now = int(at.timestamp())
    decided: list[Decided] = []
    attempts: list[engine.Attempt] = []
    for lead in leads:
        answer = engine.decide(rules, known[lead.pk], roster, counters, now, trace=attempts)
        # A shadow lead is decided, not done: it takes nobody's place and nobody's turn.
        if lead.mode != Mode.SHADOW:
            engine.apply(counters, answer, roster)
        decided.append(Decided(lead, known[lead.pk], answer))
    return decided, attempts


def _consulted(
    start: Counters, attempts: Sequence[engine.Attempt], roster: engine.Roster
) -> Counters:
    """
    The part of the counters that these decisions could see: all that running them again
    needs, and no more, since every batch stores it.
    """
    pools = {attempt.pool for attempt in attempts if attempt.pool is not None}
    reps = {member.rep for attempt in attempts for member in attempt.candidates}
    reps |= {member.rep for pool in pools for member in roster.pools[pool].members}
    return Counters(
        open={rep: number for rep, number in start.open.items() if rep in reps},
        balance={seat: owed for seat, owed in start.balance.items() if seat[0] in pools},
        turn={seat: last for seat, last in start.turn.items() if seat[0] in pools},
        away={rep: until for rep, until in start.away.items() if rep in reps},
    )


def _store(decided: Sequence[Decided], batch: Batch) -> dict[int, Decision]:
    rows, personal = [], []
    for place, one in enumerate(decided):
        kept, apart = facts.split(one.facts)
        rows.append(
            Decision(
                batch=batch,
                place=place,
                lead=one.lead,
                rule_id=one.answer.rule,
                outcome=one.answer.outcome,
                rep_id=one.answer.rep,
                applied=one.lead.mode != Mode.SHADOW,
                facts=kept,
                personal_digest=codec.digest(codec.canonical(apart)) if apart else "",
                body=codec.encode_decision(one.answer).decode(),
                decided_at=batch.at,
            )
        )
        personal.append(apart)
    insert_many(rows)
    insert_many(
        [
            PersonalFacts(decision=row, facts=apart)
            for row, apart in zip(rows, personal, strict=True)
            if apart
        ]
    )
    return {row.lead_id: row for row in rows}


def _waits_as_before(one: Decided) -> bool:
    """
    Whether a lead waits for what it has waited for already: no decision is stored then, so
    that a lead which is looked at every opening does not fill the book with one answer.
    """
    lead, answer = one.lead, one.answer
    return answer.outcome == "park" and (
        lead.waiting == WAITING[answer.blocked]
        and lead.wait_pool_id == answer.wait_pool
        and lead.wait_rep_id == answer.wait_rep
    )


def _place(
    news: Sequence[Decided], stored: dict[int, Decision], *, at: datetime, driver: str
) -> None:
    moves, stay, shadows = [], [], []
    for one in news:
        if one.lead.mode == Mode.SHADOW:
            shadows.append(one)
        elif one.answer.outcome == "park" or _is_there_already(one):
            stay.append(one)
        else:
            moves.append(_move(one, stored[one.lead.pk]))
    ownership.change_many(
        moves, by=None, at=at, driver=driver, leads={one.lead.pk: one.lead for one in news}
    )
    _park(stay, stored, at=at)
    with bulk_writer("shadow"):
        # Only the wake-up time moves, which history leaves out.
        update_many(Lead, [{"pk": one.lead.pk, "route_at": None} for one in shadows])


def _look_again_later(waiting: Sequence[Decided], *, at: datetime) -> None:
    with bulk_writer("park"):
        # Only the wake-up time moves, which history leaves out.
        update_many(
            Lead,
            [{"pk": one.lead.pk, "route_at": _look_again(one.answer, at)} for one in waiting],
        )


def _is_there_already(one: Decided) -> bool:
    """A rule that sends a lead where it waits leaves it there, without a new custody."""
    answer, lead = one.answer, one.lead
    return (answer.outcome == "queue" and lead.queue_id == answer.queue) or (
        answer.outcome == "nurture" and lead.place == Lead.Place.NURTURE
    )


def _move(one: Decided, decision: Decision) -> ownership.Move:
    answer = one.answer
    places = {
        "assign": Lead.Place.OWNER,
        "queue": Lead.Place.QUEUE,
        "nurture": Lead.Place.NURTURE,
    }
    return ownership.Move(
        lead_id=one.lead.pk,
        epoch=one.lead.owner_epoch,
        place=places[answer.outcome],
        rep_id=answer.rep,
        queue_id=answer.queue,
        reason_code=Reason.ROUTED,
        decision_id=decision.pk,
        data={"rule_id": answer.rule, "ruleset_id": decision.batch.ruleset_id},
    )


WAITING = {
    "capacity": Lead.Waiting.CAPACITY,
    "hours": Lead.Waiting.HOURS,
    "away": Lead.Waiting.AWAY,
    "nobody": Lead.Waiting.NOBODY,
}


def _park(stay: Sequence[Decided], stored: dict[int, Decision], *, at: datetime) -> None:
    """Say for each lead why it waits and when it is looked at again, or that it may stay."""
    if not stay:
        return
    rows, changes = [], []
    for one in stay:
        answer = one.answer
        waits = answer.outcome == "park"
        row = {
            "pk": one.lead.pk,
            "route_at": _look_again(answer, at) if waits else None,
            "waiting": WAITING[answer.blocked] if waits else Lead.Waiting.NONE,
            "wait_pool": answer.wait_pool,
            "wait_rep": answer.wait_rep,
        }
        rows.append(row)
        changes.append(
            trail.Change(
                id=one.lead.pk,
                kind="parked" if waits else "stays",
                reason_code=Reason.PARKED if waits else Reason.ROUTED,
                data={
                    "waiting": row["waiting"],
                    "wait_pool_id": answer.wait_pool,
                    "wait_rep_id": answer.wait_rep,
                    "decision_id": stored[one.lead.pk].pk,
                },
            )
        )
    with bulk_writer("park"):
        update_many(Lead, rows)
    trail.record(Lead, changes, by=None, at=at)


def _look_again(answer: engine.Decision, at: datetime) -> datetime:
    """The next chance the engine saw, or a while; released capacity wakes it earlier."""
    chance = at + LOOK_AGAIN
    if answer.retry_at is not None:
        chance = min(max(moment(answer.retry_at), at + SOONEST), at + timedelta(days=7))
    return chance


def _park_without_rules(leads: Sequence[Lead], *, at: datetime) -> None:
    rows = [
        {"pk": lead.pk, "route_at": at + timedelta(minutes=1), "waiting": Lead.Waiting.UNROUTED}
        for lead in leads
    ]
    with bulk_writer("park"):
        update_many(Lead, rows)
    trail.record(
        Lead,
        [
            trail.Change(
                id=lead.pk,
                kind="parked",
                reason_code=Reason.PARKED,
                data={"waiting": Lead.Waiting.UNROUTED},
            )
            for lead in leads
            if lead.waiting != Lead.Waiting.UNROUTED
        ],
        by=None,
        at=at,
    )


def _write_standings(decided: Sequence[Decided], counters: Counters) -> None:
    """Store the balances and turns that this batch moved."""
    touched = {
        (one.answer.pool, rep, one.answer.lane)
        for one in decided
        if one.answer.pool is not None and one.lead.mode != Mode.SHADOW
        for rep, _units in one.answer.charges
    }
    if not touched:
        return
    insert_many(
        [
            PoolStanding(
                pool_id=pool,
                rep_id=rep,
                lane=lane,
                balance=counters.balance.get((pool, rep, lane), 0),
                turn=counters.turn.get((pool, rep, lane), 0),
            )
            for pool, rep, lane in sorted(touched)
        ],
        upsert=Upsert(("pool", "rep", "lane"), ("balance", "turn")),
    )
