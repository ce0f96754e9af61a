"""Leads that nobody can take now: why they wait, under which rules, and until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reps import trail
from reps.availability import moment
from reps.models.bulk import update_many
from reps.models.tracked import bulk_writer
from routing import engine
from routing.models import Decision, Lead
from routing.models.assignment import Reason

# A parked lead without a known chance is looked at again after this long, so that a change
# nobody announced cannot leave it behind for ever.
LOOK_AGAIN = timedelta(hours=1)
SOONEST = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Decided:
    """
    One lead of a batch with the engine's answer and what it was answered from.

    `turn` is the receiver's last turn before and after, where a rotation chose.
    """

    lead: Lead
    facts: dict[str, Any]
    answer: engine.Decision
    turn: tuple[int, int] | None = None


def waits_as_before(one: Decided) -> bool:
    """
    Whether a lead waits for what it has waited for already: no decision is stored then, so
    that a lead which is looked at every opening does not fill the book with one answer.

    One that was handed to newer rules waits anew, under those.
    """
    lead, answer = one.lead, one.answer
    return answer.outcome == "park" and (
        lead.wait_ruleset_id is not None
        and lead.waiting == WAITING[answer.blocked]
        and lead.wait_pool_id == answer.wait_pool
        and lead.wait_rep_id == answer.wait_rep
    )


def look_again_later(waiting: Sequence[Decided], *, at: datetime) -> None:
    with bulk_writer("park"):
        # Only the wake-up time moves, which history leaves out.
        update_many(
            Lead,
            [{"pk": one.lead.pk, "route_at": _look_again(one.answer, at)} for one in waiting],
        )


WAITING = {
    "capacity": Lead.Waiting.CAPACITY,
    "hours": Lead.Waiting.HOURS,
    "away": Lead.Waiting.AWAY,
    "nobody": Lead.Waiting.NOBODY,
}


def park(
    stay: Sequence[Decided], stored: dict[int, Decision], *, version: int, at: datetime
) -> None:
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
            "wait_ruleset": version if waits else None,
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
                    "wait_ruleset_id": row["wait_ruleset"],
                    "decision_id": stored[one.lead.pk].pk,
                    "inputs_digest": stored[one.lead.pk].inputs_digest,
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


def park_without_rules(leads: Sequence[Lead], *, at: datetime) -> None:
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
