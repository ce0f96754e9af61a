"""What actors do. Each act takes its tally first and the rest from the test."""

import json
import os
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from reps.due.clock import database_now
from reps.models import Rep, User
from reps.services import people
from routing import states, work
from routing.dispatch import batch
from routing.intake import doors, process
from routing.models import Lead, Source
from routing.ownership import OwnershipRefused
from sla.models import Clock
from sla.services import escalate
from tests.processes.actor import Tally

REFUSED = (work.WorkRefused, OwnershipRefused, states.WrongState)


# --- One step each, on whatever chance brings -------------------------------------------
def some(rows: Any, chance: random.Random) -> Any:
    """One of these rows by chance, as it stands now, or none."""
    ids = list(rows.values_list("pk", flat=True))
    return rows.model.objects.filter(pk=chance.choice(ids)).first() if ids else None


def route(tally: Tally, chance: random.Random) -> int:
    at = database_now()
    most = chance.randint(1, 8)
    decided = tally.attempt(
        "route", lambda: batch.route(driver="test", at=at, due_before=at, most=most)
    )
    return len(decided or ())


def claim(tally: Tally, chance: random.Random) -> int:
    lead = some(Lead.objects.filter(queue__pool__isnull=False), chance)
    rep = some(Rep.objects.filter(is_active=True), chance)
    if lead is None or rep is None:
        return 0
    tally.attempt(
        "claim",
        lambda: work.claim(
            lead_id=lead.pk, epoch=lead.owner_epoch, by=rep.user, at=database_now(), driver="test"
        ),
        *REFUSED,
    )
    return 1


def move(tally: Tally, chance: random.Random) -> int:
    lead = some(Lead.objects.filter(place=Lead.Place.OWNER), chance)
    rep = some(Rep.objects.all(), chance)
    if lead is None:
        return 0
    manager = User.objects.filter(is_superuser=True).first()
    tally.attempt(
        "move",
        lambda: work.move_by_hand(
            lead_id=lead.pk,
            epoch=lead.owner_epoch,
            to=rep,
            reason="by chance",
            by=manager,
            at=database_now(),
            driver="test",
        ),
        *REFUSED,
    )
    return 1


def owned(chance: random.Random) -> tuple[Lead, User] | None:
    lead = some(Lead.objects.filter(place=Lead.Place.OWNER), chance)
    if lead is None or lead.owner_id is None:
        return None
    return lead, Rep.objects.select_related("user").get(pk=lead.owner_id).user


def work_on(name: str, act: Callable[..., Any], **more: Any) -> Callable[..., int]:
    """A step that the owner of some lead takes."""

    def step(tally: Tally, chance: random.Random) -> int:
        found = owned(chance)
        if found is not None:
            lead, user = found
            tally.attempt(
                name,
                lambda: act(
                    lead_id=lead.pk, epoch=lead.owner_epoch, by=user, at=database_now(), **more
                ),
                *REFUSED,
            )
        return 0

    return step


acknowledge = work_on("acknowledge", work.acknowledge)
decline = work_on("decline", work.decline, reason="not mine", driver="test")
close = work_on("close", work.record_outcome, kind="LOST", reason="no budget", driver="test")


def escalate_one(tally: Tally, chance: random.Random) -> int:
    """Fire a step of a clock as if it were due: only the moment is moved, not the rules."""
    clock = some(Clock.objects.filter(next_at__isnull=False), chance)
    if clock is not None and clock.next_at is not None:
        tally.attempt(
            "escalate",
            lambda: escalate.fire(
                clock_id=clock.pk,
                lead_id=clock.lead_id,
                driver="test",
                due_before=max(clock.next_at, database_now()),
            ),
        )
    return 0


def of_people(name: str, act: Callable[..., Any]) -> Callable[..., int]:
    """Something that a manager does about some rep."""

    def step(tally: Tally, chance: random.Random) -> int:
        rep = some(Rep.objects.all(), chance)
        manager = User.objects.filter(is_superuser=True).first()
        tally.attempt(
            name, lambda: act(rep, chance, by=manager, at=database_now()), people.PeopleRefused
        )
        return 0

    return step


deactivate = of_people(
    "deactivate",
    lambda rep, chance, **who: people.deactivate(
        rep=rep, reason="left the company", driver="test", **who
    ),
)
reactivate = of_people("reactivate", lambda rep, chance, **who: people.reactivate(rep=rep, **who))
pause = of_people(
    "pause", lambda rep, chance, **who: people.pause(rep=rep, until=None, reason="lunch", **who)
)
resume = of_people("resume", lambda rep, chance, **who: people.resume(rep=rep, **who))
resize = of_people(
    "resize",
    lambda rep, chance, **who: people.set_capacity(rep=rep, capacity=chance.randint(2, 8), **who),
)


def in_turn(things: list[Any], place: int) -> list[Any]:
    """
    The same things for every actor, in blocks of four that each begins elsewhere.

    So they stay side by side and each reaches for every fourth one first.
    """
    found = []
    for first in range(0, len(things), 4):
        block = things[first : first + 4]
        found += block[place % len(block) :] + block[: place % len(block)]
    return found


# --- What whole actors do ---------------------------------------------------------------
def by_chance(
    tally: Tally, *, seed: int, weights: dict[str, int], attempts: int = 0, steps: int = 0
) -> None:
    """Take steps by chance, until so many assignments were attempted or steps taken."""
    chance = random.Random(seed)
    names, shares = list(weights), list(weights.values())
    tried = taken = 0
    while tried < attempts or taken < steps:
        step = chance.choices(names, shares)[0]
        tried += globals()[step](tally, chance)
        taken += 1
        if tally.errors and len(tally.errors) > 20:
            break
    tally.notes["attempts"] = tried
    tally.notes["steps"] = taken


def claim_all(tally: Tally, *, leads: list[list[int]], username: str, place: int = 0) -> None:
    """Claim these leads (id, epoch) one after the other, as everybody else does."""
    user = User.objects.get(username=username)
    won = []
    for lead, epoch in in_turn(leads, place):
        result = tally.attempt(
            "claim",
            lambda lead=lead, epoch=epoch: work.claim(
                lead_id=lead, epoch=epoch, by=user, at=database_now(), driver="test"
            ),
            *REFUSED,
        )
        if isinstance(result, Lead):
            won.append(lead)
    tally.notes["won"] = won


def claim_for(tally: Tally, *, leads: list[list[int]], usernames: list[str]) -> None:
    """
    Claim leads of one's own for one rep after the other, as many as each may have: the reps at
    the same instants as everybody else does.
    """
    mine = iter(leads)
    for number, username in enumerate(usernames):
        user = User.objects.get(username=username)
        tally.wait_for(number * 0.04)
        for lead, epoch in mine:
            result = tally.attempt(
                "claim",
                lambda lead=lead, epoch=epoch, user=user: work.claim(
                    lead_id=lead, epoch=epoch, by=user, at=database_now(), driver="test"
                ),
                *REFUSED,
            )
            if not isinstance(result, Lead):
                break


def move_to(tally: Tally, *, leads: list[list[int]], usernames: list[str]) -> None:
    """
    Give leads of one's own to one rep after the other, as many as each may have: to the reps at
    the same instants as everybody else does.
    """
    manager = User.objects.filter(is_superuser=True).first()
    mine = iter(leads)
    for number, username in enumerate(usernames):
        rep = Rep.objects.get(user__username=username)
        tally.wait_for(number * 0.04)
        for lead, epoch in mine:
            result = tally.attempt(
                "move",
                lambda lead=lead, epoch=epoch, rep=rep: work.move_by_hand(
                    lead_id=lead,
                    epoch=epoch,
                    to=rep,
                    reason="yours",
                    by=manager,
                    at=database_now(),
                    driver="test",
                ),
                *REFUSED,
            )
            if not isinstance(result, Lead):
                break


def take_in(tally: Tally, *, until: float) -> None:
    """Process submissions until none is left."""
    due = datetime.fromtimestamp(until, UTC)
    handled = idle = 0
    while idle < 5:
        done = tally.attempt("drain", lambda: process.drain(driver="test", due_before=due))
        handled += done or 0
        idle = 0 if done else idle + 1
        if not done or connection.vendor == "sqlite":
            # What is locked by somebody else is not seen, so look a few times. And SQLite has
            # one writer and no queue for it: step back, or the first would do everything.
            time.sleep(0.1)
    tally.notes["handled"] = handled


def knock(tally: Tally, *, source: str, calls: list[list[str]], place: int = 0) -> None:
    """Bring submissions (key, body) to the door."""
    door = Source.objects.get(slug=source)
    answers = []
    for number, (key, body) in enumerate(in_turn(calls, place)):
        # All four come to the same four keys at the same instant, however quick they were.
        tally.wait_for(number // 4 * 0.03)
        result = tally.attempt(
            "receive",
            lambda key=key, body=body: doors.receive(
                source=door,
                raw=body.encode(),
                content_type="application/json",
                key=key,
                at=database_now(),
            ),
            doors.KeyReused,
        )
        if isinstance(result, doors.Receipt):
            said = "replayed" if result.replayed else "new"
            answers.append([key, said, result.submission.pk])
        elif isinstance(result, doors.KeyReused):
            answers.append([key, "reused", 0])
    tally.notes["answers"] = answers


def post(tally: Tally, *, source: str, number: int, pause: float = 0.0, prefix: str = "p") -> None:
    """Post leads like a web process, with the doorbell where the actor has one; time each."""
    door = Source.objects.get(slug=source)
    slowest = 0.0
    for n in range(number):
        name = f"{prefix}{os.getpid()}-{n}"
        raw = json.dumps({"email": f"{name}@company{n}.com"}).encode()
        began = time.monotonic()
        tally.attempt(
            "post",
            lambda raw=raw, name=name: doors.receive(
                source=door,
                raw=raw,
                content_type="application/json",
                key=name,
                at=database_now(),
            ),
        )
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(pause)
    tally.notes["slowest"] = slowest


def route_all(tally: Tally, *, seed: int, most: int = 25) -> None:
    """Route until nothing is due, in batches of chance size, so that several interleave."""
    chance = random.Random(seed)
    at = database_now()
    routed = 0
    while True:
        decided = tally.attempt(
            "route",
            lambda: batch.route(driver="test", at=at, due_before=at, most=chance.randint(1, most)),
        )
        if decided is None:
            break
        routed += len(decided)
        if not decided and not Lead.objects.ready(at).exists():
            break
    tally.notes["routed"] = routed


def acknowledge_near(tally: Tally, *, seed: int, clocks: list[int]) -> None:
    """Acknowledge the lead of each clock within 50 ms of its deadline, before or after."""
    chance = random.Random(seed)
    late = []
    for pk in clocks:
        clock = Clock.objects.select_related("lead__owner__user").get(pk=pk)
        lead = clock.lead
        wanted = clock.due_at + timedelta(milliseconds=chance.uniform(-50, 50))
        time.sleep(max(0.0, (wanted - database_now()).total_seconds()))
        at = database_now()
        late.append((at - wanted).total_seconds())
        tally.attempt(
            "acknowledge",
            lambda lead=lead, at=at: work.acknowledge(
                lead_id=lead.pk, epoch=lead.owner_epoch, by=lead.owner.user, at=at
            ),
        )
    tally.notes["latest"] = max(late)


def fire_until(tally: Tally, *, until: float) -> None:
    """Take the steps of clocks as they come due, the whole time."""
    while time.time() < until:
        fired = tally.attempt(
            "drain", lambda: escalate.drain(driver="test", due_before=database_now())
        )
        tally.notes["fired"] = tally.notes.get("fired", 0) + (fired or 0)
        time.sleep(0.002)
