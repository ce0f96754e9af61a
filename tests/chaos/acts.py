"""What the people of the floor do while the product is being tormented."""

import random
import time
from collections.abc import Callable
from typing import Any

from django.db import Error, close_old_connections

from reps.due.clock import database_now
from reps.models import Rep, User
from routing import work
from routing.models import Lead
from tests.processes.actor import Tally
from tests.processes.acts import REFUSED, fire_until

# Of ten leads, so many are acknowledged by their owner.
ACKNOWLEDGED_OF_TEN = 7


def staff(tally: Tally, *, seed: int, seconds: float, pause: float = 0.1) -> None:
    """
    Claim, acknowledge, close, decline and reassign for so many seconds.

    An outage of the database is for them what it is for anybody: they try again later.
    """
    chance = random.Random(seed)
    outages = 0
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        verb = chance.choices((claim, acknowledge, close, reassign), (3, 6, 5, 1))[0]
        try:
            close_old_connections()
            verb(tally, chance)
        except Error:
            outages += 1
            time.sleep(0.5)
        time.sleep(chance.uniform(0, 2 * pause))
    tally.notes["outages"] = outages


def fire(tally: Tally, *, seconds: float) -> None:
    """Take the steps of clocks as they come due, for so many seconds."""
    fire_until(tally, until=tally.begins + seconds)


def claim(tally: Tally, chance: random.Random) -> None:
    lead = _some(Lead.objects.filter(queue__pool__isnull=False), chance)
    rep = _some(Rep.objects.select_related("user").filter(is_active=True), chance)
    if lead is not None and rep is not None:
        _do(tally, "claim", work.claim, lead, rep.user, driver="test")


def acknowledge(tally: Tally, chance: random.Random) -> None:
    unseen = Lead.objects.filter(place=Lead.Place.OWNER, acknowledged_at__isnull=True)
    lead = _some(unseen, chance)
    if lead is not None and lead.owner is not None and lead.pk % 10 < ACKNOWLEDGED_OF_TEN:
        _do(tally, "acknowledge", work.acknowledge, lead, lead.owner.user)


def close(tally: Tally, chance: random.Random) -> None:
    lead = _some(Lead.objects.filter(place=Lead.Place.OWNER), chance)
    if lead is not None and lead.owner is not None:
        more = {"kind": "LOST", "reason": "no budget", "driver": "test"}
        _do(tally, "close", work.record_outcome, lead, lead.owner.user, **more)


def reassign(tally: Tally, chance: random.Random) -> None:
    lead = _some(Lead.objects.filter(place=Lead.Place.OWNER), chance)
    rep = _some(Rep.objects.filter(is_active=True), chance)
    boss = User.objects.filter(is_superuser=True).first()
    if lead is not None and boss is not None:
        more = {"to": rep, "reason": "by chance", "driver": "test"}
        _do(tally, "move", work.move_by_hand, lead, boss, **more)


def _do(
    tally: Tally, name: str, act: Callable[..., Any], lead: Lead, by: User, **more: Any
) -> None:
    def once() -> Any:
        at = database_now()
        return act(lead_id=lead.pk, epoch=lead.owner_epoch, by=by, at=at, **more)

    # What the database refuses because it is away is no error of the product.
    result = tally.attempt(name, once, *REFUSED, Error)
    if isinstance(result, Error):
        raise result


def _some(rows: Any, chance: random.Random) -> Any:
    """One of the newest fifty of these rows by chance, or none."""
    ids = list(rows.order_by("-pk").values_list("pk", flat=True)[:50])
    return rows.filter(pk=chance.choice(ids)).first() if ids else None
