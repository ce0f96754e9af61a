"""
One lead decided anew, at once, because whoever holds it is late.

Asked are the live rules, or one pool in their place. Unlike in a batch the lead stays where it
is if nobody can take it now: somebody who is late is better than nobody. What was decided is
stored like any decision, so that it can be told and run again.

Lock order: the lead, which the caller holds, → desk → rep loads.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from reps.models import Rep
from routing import engine, ownership
from routing.dispatch import counting, gather, inputs, snapshot
from routing.dispatch.batch import (
    asks_for_value,
    moved_by,
    part_consulted,
    seat_of,
    store,
    write_lines,
)
from routing.dispatch.parked import Decided
from routing.engine import CompiledRuleSet, Counters, codec
from routing.fairness.room import Room
from routing.models import Assignment, Batch, Decision, Desk, Lead, Organisation, Pool, Queue
from routing.models.assignment import Reason

# Whoever said that a lead is not theirs does not get it from a rule again, however late it is.
SAID_NO = (Reason.DECLINED, Reason.REQUESTED)


@dataclass(frozen=True, slots=True)
class Found:
    """Where a lead went that was decided anew: to a rep, or into a queue."""

    rep: Rep | None = None
    queue: Queue | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """The rules that are asked: a version's, or the one `rule` in their place."""

    rules: CompiledRuleSet
    version: int
    rule: dict[str, Any] | None

    @property
    def digest(self) -> str:
        if self.rule is None:
            return snapshot.rules_digest(self.version)
        return inputs.of_asked(self.rule)


@dataclass(frozen=True, slots=True)
class _Answered:
    decided: Decided
    attempts: Sequence[engine.Attempt]
    start: Counters
    end: Counters


@transaction.atomic
def give_anew(
    *, lead: Lead, reason: str, at: datetime, driver: str, pool: Pool | None = None
) -> Found | None:
    """
    Give a locked lead to whom the live rules, or this pool, find for it now; None if nobody.

    Never to whoever holds it or said no to it; and to nobody else who held it before, while
    anybody who has not can take it. Hours, caps, limits and the rotation count as ever.
    """
    organisation = Organisation.get()
    if organisation.live_ruleset_id is None:
        return None
    asked = _asked(organisation.live_ruleset_id, pool)
    before = snapshot.current(at=at)
    known = _facts(lead, before, organisation, at=at)
    desk = Desk.objects.select_for_update(no_key=True).get(pk=Desk.default_pk())
    loads = ownership.lock_loads(sorted(before.roster.reps))
    shot = snapshot.current(at=at)
    if shot is not before:
        known = _facts(lead, shot, organisation, at=at)
    counters = counting.read(
        {rep: load.open for rep, load in loads.items()},
        roster=shot.roster,
        organisation=organisation,
        by_value=asks_for_value(asked.rules),
        at=at,
    )
    answered = _answer(lead, known, asked.rules, shot.roster, counters, at=at)
    if answered is None:
        return None
    consulted = codec.encode_counters(
        part_consulted(answered.start, answered.attempts, shot.roster)
    )
    batch = Batch.objects.create(
        desk=desk,
        ruleset_id=asked.version,
        roster_id=snapshot.stored(shot, at=at),
        at=at,
        driver=driver,
        engine=engine.ENGINE_VERSION,
        counters=consulted.decode(),
        counters_digest=codec.digest(consulted),
        rules_digest=asked.digest,
        asked=asked.rule,
        size=1,
    )
    decision = store([answered.decided], batch, roster=shot.digest)[lead.pk]
    capped = {rep: spec.limits for rep, spec in shot.roster.reps.items() if spec.limits}
    ownership.change_many(
        [_move(answered.decided, decision, reason=reason)],
        by=None,
        at=at,
        driver=driver,
        leads={lead.pk: lead},
        room=Room(capped, answered.start.copy()),
    )
    write_lines([answered.decided], answered.start, answered.end, batch=batch)
    return _found(answered.decided.answer)


def _asked(version: int, pool: Pool | None) -> _Asked:
    if pool is None:
        return _Asked(snapshot.live_rules(version), version, None)
    rule = {
        "id": 0,
        "position": 0,
        "name": f"Late: somebody of {pool}",
        "condition": {"all": []},
        "path": {
            "target": {"kind": "pool", "id": pool.pk},
            "stages": [
                {"do": "filter", "by": "on_shift", "within": 0},
                {"do": "select", "by": "round_robin"},
            ],
        },
        "fallback": False,
    }
    return _Asked(snapshot.one_rule(rule), version, rule)


def _facts(
    lead: Lead, shot: snapshot.Snapshot, organisation: Organisation, *, at: datetime
) -> dict[str, Any]:
    known = gather.facts_of([lead], areas=shot.areas, organisation=organisation, at=at)[lead.pk]
    if lead.owner_id is not None and lead.assigned_at is not None:
        # With somebody who is late it waits as well, so rules relax as they would in a queue.
        known["waited"] = max(0, int((at - lead.assigned_at).total_seconds()))
    return known


def _answer(
    lead: Lead,
    known: dict[str, Any],
    rules: CompiledRuleSet,
    roster: engine.Roster,
    counters: Counters,
    *,
    at: datetime,
) -> _Answered | None:
    """The first answer that moves the lead: without any former holder, else with them."""
    holder = {lead.owner_id} - {None}
    held, said_no = _holders(lead)
    start = counters.copy()
    for never in (held | said_no | holder, said_no | holder):
        facts = {**known, "handed_back": sorted(never)}
        attempts: list[engine.Attempt] = []
        answer = engine.decide(rules, facts, roster, counters, int(at.timestamp()), trace=attempts)
        if _moves(answer, lead):
            seat = seat_of(answer)
            turn_before = counters.turn.get(seat, 0) if seat else 0
            engine.apply(counters, answer, roster)
            turn = (turn_before, counters.turn[seat]) if seat else None
            return _Answered(Decided(lead, facts, answer, turn), attempts, start, counters)
    return None


def _holders(lead: Lead) -> tuple[set[int], set[int]]:
    """Who has held this lead, and who of them said no to it."""
    rows: Iterable[tuple[int | None, int | None, str]] = Assignment.objects.filter(
        lead=lead
    ).values_list("rep_id", "from_rep_id", "reason_code")
    held, said_no = set(), set()
    for rep, before, code in rows:
        if rep is not None:
            held.add(rep)
        if before is not None and code in SAID_NO:
            said_no.add(before)
    return held, said_no


def _moves(answer: engine.Decision, lead: Lead) -> bool:
    """
    Whether an answer takes the lead to somebody: to a rep, or to where people claim.

    Nobody is waiting in a last resort, and a late lead is not put to rest.
    """
    if answer.outcome == "queue" and lead.queue_id != answer.queue:
        return Queue.objects.get(pk=answer.queue).is_staffed()
    return answer.outcome == "assign"


def _move(one: Decided, decision: Decision, *, reason: str) -> ownership.Move:
    answer = one.answer
    return ownership.Move(
        lead_id=one.lead.pk,
        epoch=one.lead.owner_epoch,
        place=Lead.Place.OWNER if answer.outcome == "assign" else Lead.Place.QUEUE,
        rep_id=answer.rep,
        queue_id=answer.queue,
        reason_code=Reason.ESCALATED,
        reason=reason,
        decision_id=decision.pk,
        pool_id=answer.pool,
        moved=moved_by(one),
        data={
            "rule_id": answer.rule or None,
            "ruleset_id": decision.batch.ruleset_id,
            "inputs_digest": decision.inputs_digest,
        },
    )


def _found(answer: engine.Decision) -> Found:
    if answer.rep is not None:
        return Found(rep=Rep.objects.select_related("user", "team").get(pk=answer.rep))
    return Found(queue=Queue.objects.get(pk=answer.queue))
