"""H0: with everything healthy, how long from a hot lead's submit to its owner's notification."""

import time

from reps.models import Message
from routing.models import Lead, Source
from tests import make
from tests.chaos import floor, stage
from tests.chaos.bench import Bench
from tests.chaos.outcome import Outcome, percentile, spread
from tests.chaos.receiver import Received, receiver
from tests.processes.crew import wait_until

LEADS, RATE = 150, 2.0
MEDIAN, SLOWEST = 1.0, 30.0
OWNER_P99, INTAKE_P99, LATENESS_P99 = 5.0, 0.3, 5.0


def hot_leads(bench: Bench, outcome: Outcome, *, scale: float) -> None:
    """Hand-raisers through the form: submit → owner → the receiver's clock."""
    with receiver() as told, bench.broker():
        bench.environment["HOOK_HOSTS_INSIDE"] = told.host
        doors = floor.open_floor(capacity=1000, told=told, claimed=False)
        # Who fills in this form asks to be contacted: that is hot.
        source = Source.objects.get(slug=doors.form_source)
        source.is_hand_raise = True
        make.saved(source)
        bench.up("web", "beat", "worker", "sweep")
        warm_up(bench, doors)
        number = max(20, int(LEADS * scale))
        client = bench.client(
            name="hot",
            number=number,
            rate=RATE,
            threads=2,
            seed=outcome.seed,
            duplicates=0.0,
            hostile=0.0,
            doors="form",
            **doors.plan(),
        )
        bench.wait_for(client, seconds=number / RATE + 60)
        wait_until("everybody was told", lambda: len(waits(bench, told)) >= number, seconds=60)
        to_message = waits(bench, told)
        # The steps of their clocks, all healthy.
        time.sleep(42 * min(1.0, scale))
        stage.judge(bench, outcome, slowest=INTAKE_P99, latest=LATENESS_P99)
    outcome.count("hot leads", len(to_message))
    outcome.figures["submit to notification"] = spread(to_message)
    outcome.figures["put to taken"] = spread(queued())
    outcome.demand_within(
        "median to notification", percentile(to_message, 50), stage.patience(MEDIAN)
    )
    outcome.demand_within("longest to notification", max(to_message), SLOWEST)
    outcome.figures["to owner"] = spread(floor.to_owner())
    owned = percentile(floor.to_owner(), 99)
    outcome.demand_within("receipt to owner p99", owned, stage.patience(OWNER_P99))


def warm_up(bench: Bench, doors: floor.Doors) -> None:
    """
    A few leads beforehand: what is measured is the product at work, not its first second.

    Each process of the web must have answered once.
    """
    client = bench.client(
        name="warm",
        number=6,
        rate=2,
        threads=2,
        seed=1,
        duplicates=0.0,
        hostile=0.0,
        **doors.plan(),
    )
    bench.wait_for(client, seconds=60)
    wait_until(
        "they have owners",
        lambda: Lead.objects.filter(place=Lead.Place.OWNER).count() >= 6,
        seconds=60,
    )


def waits(bench: Bench, told: Received) -> list[float]:
    """Seconds from the moment each client sent its lead to the arrival of the notification."""
    sent = {
        act.email: act.at - act.seconds
        for act in bench.acts()
        if act.is_acknowledged and act.email.startswith("hot")
    }
    leads = dict(Lead.objects.values_list("pk", "prospect__email"))
    found = []
    for key, moments in list(told.at.items()):
        words = key.split("-")
        if words[0] == "assigned" and (email := leads.get(int(words[1]))) in sent:
            found.append(moments[0] - sent[email])
    return found


def queued() -> list[float]:
    """Seconds in the outbox, of messages of a first owner."""
    rows = Message.objects.filter(kind="lead_assigned", state=Message.State.SENT)
    return [(done - put).total_seconds() for done, put in rows.values_list("done_at", "created_at")]
