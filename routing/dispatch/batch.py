"""
One desk decides (design rule 4).

A batch claims due leads, gathers facts without a lock, then locks the desk, reads the
counters, decides lead by lead in memory, writes in bulk and commits. Fairness and
capacity are exact, because one decider at a time reads and moves the counters.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from reps.models.bulk import insert_many, update_many
from reps.models.tracked import bulk_writer
from routing import engine, ownership
from routing.dispatch import counting, gather, inputs, parked, poison, snapshot
from routing.dispatch.parked import Decided
from routing.engine import Counters, codec
from routing.engine.types import Seat
from routing.fairness import ledger
from routing.fairness.ledger import Posting, Standing
from routing.fairness.room import Room
from routing.models import (
    BalanceLine,
    Batch,
    Decision,
    Desk,
    Lead,
    Organisation,
    PersonalFacts,
    Source,
)
from routing.models.assignment import Reason
from routing.models.source import Mode
from routing.qualify import facts

LARGEST = {"postgresql": 200, "sqlite": 25}


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Decide one batch of due leads; return how many were handled."""
    organisation = Organisation.objects.first()
    if organisation is None or organisation.routing_paused_at is not None:
        return 0
    return poison.drain(
        route,
        driver=driver,
        due_before=due_before,
        at=at or due_before,
        most=LARGEST[connection.vendor],
    )


def is_paused() -> bool:
    """Whether a person has stopped routing, so that nothing is waiting by mistake."""
    return Organisation.objects.filter(routing_paused_at__isnull=False).exists()


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
    leads, version = _claim(
        due_before, only, most or LARGEST[connection.vendor], organisation.live_ruleset_id
    )
    if not leads:
        return []
    if version is None:
        parked.park_without_rules(leads, at=at)
        return []
    rules = snapshot.live_rules(version)
    # Facts are read before the desk is locked, from the roster's index of territories; a
    # change of the plan that commits in between is caught below.
    before = snapshot.current(at=at)
    known = gather.facts_of(leads, areas=before.areas, organisation=organisation, at=at)

    desk = Desk.objects.select_for_update(no_key=True).get(pk=Desk.default_pk())
    loads = ownership.lock_loads(sorted(before.roster.reps))
    shot = snapshot.current(at=at)
    if shot is not before:
        known = gather.facts_of(leads, areas=shot.areas, organisation=organisation, at=at)
    counters = counting.read(
        {rep: load.open for rep, load in loads.items()},
        roster=shot.roster,
        organisation=organisation,
        by_value=asks_for_value(rules),
        at=at,
    )
    start = counters.copy()

    decided, attempts = _decide(leads, known, rules, shot.roster, counters, at)
    news = [one for one in decided if not parked.waits_as_before(one)]
    if news:
        consulted = codec.encode_counters(part_consulted(start, attempts, shot.roster))
        batch = Batch.objects.create(
            desk=desk,
            ruleset_id=rules.ruleset.id,
            roster_id=snapshot.stored(shot, at=at),
            at=at,
            driver=driver,
            engine=engine.ENGINE_VERSION,
            counters=consulted.decode(),
            counters_digest=codec.digest(consulted),
            rules_digest=snapshot.rules_digest(rules.ruleset.id),
            size=len(news),
        )
        capped = {rep: spec.limits for rep, spec in shot.roster.reps.items() if spec.limits}
        room = Room(capped, start.copy())
        _place(
            news,
            store(news, batch, roster=shot.digest),
            rules=rules,
            room=room,
            at=at,
            driver=driver,
        )
        write_lines(news, start, counters, batch=batch)
    parked.look_again_later([one for one in decided if parked.waits_as_before(one)], at=at)
    return decided


def _claim(
    due_before: datetime, only: Sequence[int] | None, most: int, live: int | None
) -> tuple[list[Lead], int | None]:
    """
    Lock due leads of one version of the rules: the first one's. Returns them and the version.

    A lead that waits does so under the version that parked it, any other takes the live one.
    Leads of other versions are left to the next batch.
    """
    rows = (
        Lead.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("prospect", "source", "account__parent")
        .ready(due_before)
        .order_by("-priority", "route_at", "pk")
    )
    if only is not None:
        rows = rows.filter(pk__in=only)
    found = [(lead, lead.wait_ruleset_id or live) for lead in rows[:most]]
    if not found:
        return [], live
    version = found[0][1]
    leads = [lead for lead, theirs in found if theirs == version]
    # Shadows move no counter, so they come last, and the canary after them: what stands last
    # in a batch can be cleaned away without breaking the seals of others.
    leads.sort(key=lambda lead: (lead.mode == Mode.SHADOW, lead.source.slug == Source.CANARY))
    return leads, version


def asks_for_value(rules: engine.CompiledRuleSet) -> bool:
    """Whether a strategy of these rules compares the value of open leads."""
    paths = [rule.path for rule in rules.ruleset.rules]
    paths += [path.split.path for path in paths if path.split is not None]
    return any(
        stage.do == "select" and stage.by == "least_value"
        for path in paths
        for stage in path.stages
    )


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
        turn = None
        # A shadow lead is decided, not done: it takes nobody's place and nobody's turn.
        if lead.mode != Mode.SHADOW:
            seat = seat_of(answer)
            before = counters.turn.get(seat, 0) if seat else 0
            engine.apply(counters, answer, roster)
            if seat:
                turn = (before, counters.turn[seat])
        decided.append(Decided(lead, known[lead.pk], answer, turn))
    return decided, attempts


def seat_of(answer: engine.Decision) -> Seat | None:
    """The seat of the receiver in the rotation that chose; None if none did."""
    if answer.rep is None or answer.pool is None or not answer.charges:
        return None
    return (answer.pool, answer.rep, answer.lane)


def part_consulted(
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
        points={rep: number for rep, number in start.points.items() if rep in reps},
        value={rep: number for rep, number in start.value.items() if rep in reps},
        balance={seat: owed for seat, owed in start.balance.items() if seat[0] in pools},
        turn={seat: last for seat, last in start.turn.items() if seat[0] in pools},
        away={rep: until for rep, until in start.away.items() if rep in reps},
        credited=start.credited & reps,
        # A share is counted among everything that a pool gave, to former members too.
        given={
            rep: given
            for rep, given in start.given.items()
            if rep in reps or any(one.pool in pools for one in given)
        },
    )


def store(decided: Sequence[Decided], batch: Batch, *, roster: str) -> dict[int, Decision]:
    rows, personal = [], []
    seal = inputs.Seal(batch, roster=roster)
    for place, one in enumerate(decided):
        kept, apart = facts.split(one.facts)
        row = Decision(
            batch=batch,
            place=place,
            lead=one.lead,
            rule_id=one.answer.rule or None,
            outcome=one.answer.outcome,
            rep_id=one.answer.rep,
            branch=one.answer.branch,
            applied=one.lead.mode != Mode.SHADOW,
            facts=kept,
            personal_digest=codec.digest(codec.canonical(apart)) if apart else "",
            body=codec.encode_decision(one.answer).decode(),
            decided_at=batch.at,
        )
        seal.put_on(row)
        rows.append(row)
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


def _place(
    news: Sequence[Decided],
    stored: dict[int, Decision],
    *,
    rules: engine.CompiledRuleSet,
    room: Room,
    at: datetime,
    driver: str,
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
        moves,
        by=None,
        at=at,
        driver=driver,
        leads={one.lead.pk: one.lead for one in news},
        room=room,
    )
    parked.park(stay, stored, version=rules.ruleset.id, at=at)
    with bulk_writer("shadow"):
        # Only the wake-up time moves, which history leaves out.
        update_many(Lead, [{"pk": one.lead.pk, "route_at": None} for one in shadows])


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
        pool_id=answer.pool,
        moved=moved_by(one),
        data={
            "rule_id": answer.rule,
            "ruleset_id": decision.batch.ruleset_id,
            "inputs_digest": decision.inputs_digest,
        },
    )


def moved_by(one: Decided) -> dict[str, Any]:
    """What the assignment will have moved, so that it can be taken back exactly."""
    answer = one.answer
    if answer.rep is None:
        return {}
    moved: dict[str, Any] = {"points": answer.points, "value": answer.value}
    if one.turn is not None:
        moved["lane"], moved["turn"] = answer.lane, list(one.turn)
        moved["charges"] = [list(charge) for charge in answer.charges]
    return moved


def write_lines(
    decided: Sequence[Decided], start: Counters, end: Counters, *, batch: Batch
) -> None:
    """Enter what this batch moved in the book of the rotation: a line for each seat."""
    # Of each seat: units, leads shared, leads received. Every member of a pool is charged for
    # every lead, so this runs as often as leads times members.
    moved: dict[tuple[int, str], dict[int, list[int]]] = {}
    for one in decided:
        received = seat_of(one.answer)
        if received is None or one.lead.mode == Mode.SHADOW:
            continue
        pool, receiver, lane = received
        by_rep = moved.setdefault((pool, lane), {})
        for rep, units in one.answer.charges:
            sums = by_rep.get(rep)
            if sums is None:
                by_rep[rep] = [units, 1, 0]
            else:
                sums[0] += units
                sums[1] += 1
        by_rep[receiver][2] += 1
    seats = sorted(
        ((pool, rep, lane), sums)
        for (pool, lane), by_rep in moved.items()
        for rep, sums in by_rep.items()
    )
    ledger.write(
        [
            Posting(seat, BalanceLine.Kind.LEADS, units, leads, shared)
            for seat, (units, shared, leads) in seats
        ],
        before={
            seat: Standing(start.balance.get(seat, 0), start.turn.get(seat, 0)) for seat, _ in seats
        },
        turns={seat: end.turn.get(seat, 0) for seat, _ in seats},
        batch=batch,
        at=batch.at,
    )
