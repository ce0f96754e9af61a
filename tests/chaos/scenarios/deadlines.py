"""
C9: acknowledgements at the very deadline, from several processes, while two loops fire.

Turns red when `clocks._end` believes the moment of whoever had to wait for the lead.
"""

import time
from collections import defaultdict
from datetime import timedelta

from django.db.models import Count
from django.test import override_settings

from reps.due.clock import database_now
from reps.models import AuditEvent
from reps.post import deliver
from routing import work
from sla.models import Clock, Escalation
from tests import make
from tests.chaos.bench import Bench, violations
from tests.chaos.outcome import Outcome, spread
from tests.processes import scene

DEADLINES, APART = 2000, timedelta(milliseconds=25)
PROCESSES = 4
# Leads on which it is measured how long an acknowledgement takes on this machine.
TRIALS = 10
UNTIL_THE_FIRST = timedelta(seconds=3)


def acknowledged_at_the_deadline(bench: Bench, outcome: Outcome, *, scale: float) -> None:
    """Every lead is acknowledged within 50 ms of its deadline: in time or late, never both."""
    clocks = owned_leads_with_a_clock(int(DEADLINES * scale) + TRIALS)
    apart = as_fast_as_this_machine(clocks[:TRIALS])
    clocks = clocks[TRIALS:]
    seconds = (UNTIL_THE_FIRST + len(clocks) * apart).total_seconds() + 2
    actors = bench.cast(
        *[
            ("acknowledge_near", {"seed": outcome.seed + n, "clocks": clocks[n::PROCESSES]})
            for n in range(PROCESSES)
        ],
        ("tests.chaos.acts:fire", {"seconds": seconds}),
        ("tests.chaos.acts:fire", {"seconds": seconds}),
    )
    bench.ready(actors)
    let_them_come_due(clocks, apart=apart)
    bench.begin(actors)
    reports = bench.gather(actors)

    in_time = Clock.objects.filter(pk__in=clocks, breached_at__isnull=True)
    fired = Escalation.objects.values("clock").annotate(n=Count("pk"))
    outcome.faults = "acknowledgements within 50 ms of each deadline"
    outcome.count("deadlines", len(clocks))
    outcome.figures["apart"] = round(apart.total_seconds(), 3)
    outcome.figures["in time"] = in_time.count()
    outcome.figures["late"] = len(clocks) - in_time.count()
    outcome.figures["escalated"] = len(fired)
    outcome.figures["lateness"] = spread(
        [(row.fired_at - row.due_at).total_seconds() for row in Escalation.objects.all()]
    )
    outcome.demand_none(scene.errors(reports), "errors")
    states = set(Clock.objects.values_list("state", flat=True))
    outcome.demand(states == {"MET"}, f"clocks are {states}")
    outcome.demand_none(
        Escalation.objects.filter(clock__in=in_time), "escalations of what was in time"
    )
    outcome.demand_none([row for row in fired if row["n"] != 1], "clocks that fired twice")
    outcome.demand(in_time.exists(), "none was in time: no race")
    outcome.demand(fired.exists(), "none was escalated: no race")
    outcome.demand_none(told_after_acknowledgement(), "escalations after an acknowledgement")
    # No loop of this scenario delivers, and what waited for two minutes would be a violation.
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend"):
        while deliver.drain(driver="chaos", due_before=database_now()):
            pass
    outcome.demand_none(violations(), "violations of invariants")


def owned_leads_with_a_clock(number: int) -> list[int]:
    make.organisation()
    make.policy(steps=[{"at_percent": 100, "do": "tell_manager"}], hours="ALWAYS", budget=86_400)
    make.rules(make.round_robin(make.pool(*[make.rep(f"rep{n}") for n in range(4)])))
    scene.waiting_leads(number)
    scene.route_everything()
    return list(Clock.objects.order_by("pk").values_list("pk", flat=True))


def as_fast_as_this_machine(clocks: list[int]) -> timedelta:
    """
    Acknowledge some leads, and say how far apart deadlines must be for all processes together
    to keep up: one that is always behind would race with nobody.
    """
    began = time.monotonic()
    for clock in Clock.objects.filter(pk__in=clocks).select_related("lead__owner__user"):
        lead, at = clock.lead, database_now()
        work.acknowledge(lead_id=lead.pk, epoch=lead.owner_epoch, by=lead.owner.user, at=at)
    each = timedelta(seconds=(time.monotonic() - began) / len(clocks))
    return max(APART, 2 * each)


def let_them_come_due(clocks: list[int], *, apart: timedelta) -> None:
    """Move the rows, not the clock of the machine: one deadline follows closely on the other."""
    first = database_now() + UNTIL_THE_FIRST
    rows = Clock.objects.in_bulk(clocks)
    for place, pk in enumerate(clocks):
        # As if they had been promised so: the first deadline as well.
        row = rows[pk]
        row.due_at = row.next_at = row.first_due_at = first + place * apart
    moved = ["due_at", "next_at", "first_due_at"]
    Clock.objects.bulk_update(rows.values(), moved, batch_size=500)


def told_after_acknowledgement() -> list[int]:
    """Leads whose chain tells of an escalation after their acknowledgement."""
    kinds: dict[int, list[str]] = defaultdict(list)
    acts = AuditEvent.objects.filter(subject="routing.lead").order_by("subject_id", "seq")
    for lead, kind in acts.values_list("subject_id", "kind"):
        kinds[lead].append(kind)
    return [
        lead
        for lead, told in kinds.items()
        if "acknowledged" in told and "escalated" in told[told.index("acknowledged") :]
    ]
