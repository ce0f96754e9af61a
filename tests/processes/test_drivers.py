"""Two drivers, each able to do all the work: Celery, and a sweep that needs only the database."""

import os
import random
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import Count

from reps.due import jobs
from reps.due.clock import database_now
from reps.models import Message
from routing.models import Assignment, Lead, Source, Submission
from sla.models import Clock, Escalation
from tests import make
from tests.processes import scene
from tests.processes.crew import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

# What holds although processes were killed: everything but the signs of life.
ALL = ("I1", "I2", "I6", "I7", "I8", "I9", "I13", "I16", *scene.OWNERSHIP, *scene.TRAIL)


def has_valkey() -> bool:
    try:
        from config.launch import valkey_binary

        return Path(valkey_binary()).exists()
    except ImportError:
        return False


needs_valkey = pytest.mark.skipif(not has_valkey(), reason="the embedded Valkey is not there")


@pytest.fixture
def source(transactional_db) -> Source:
    """A floor that answers within a second, or the manager hears of it."""
    make.organisation()
    make.policy(budget=1, hours="ALWAYS", steps=[{"at_percent": 100, "do": "tell_manager"}])
    make.rules(make.round_robin(make.pool(make.rep("one"), make.rep("two"))))
    return make.source("website")


def owned() -> int:
    return Lead.objects.filter(place=Lead.Place.OWNER).count()


def escalated() -> int:
    return Escalation.objects.values("lead").distinct().count()


def drivers() -> dict[str, set[str]]:
    return {
        "assigned": set(Assignment.objects.values_list("driver", flat=True)),
        "escalated": set(Escalation.objects.values_list("driver", flat=True)),
    }


def waited() -> list[float]:
    """Seconds from the door to the owner, as on record, for each lead."""
    rows = Lead.objects.exclude(assigned_at=None).values_list("assigned_at", "received_at")
    return sorted((assigned - received).total_seconds() for assigned, received in rows)


@pytest.mark.races
@needs_valkey
def test_without_the_sweep_a_worker_and_beat_do_all_the_work(crew, source, figures):
    with crew.broker():
        crew.worker()
        crew.beat()
        (report,) = crew.play(
            ("post", {"source": source.slug, "number": 20, "pause": 0.1, "rings": True})
        )
        wait_until("all leads have an owner", lambda: owned() == 20, seconds=60)
        wait_until("every late lead was escalated", lambda: escalated() == 20, seconds=60)

    assert scene.errors([report]) == []
    figures(slowest_post=round(report["slowest"], 3), assigned_within=waited()[-1])
    assert drivers() == {"assigned": {"celery"}, "escalated": {"celery"}}
    assert scene.violations(ALL) == {}


@needs_valkey
def test_the_doorbell_alone_wakes_the_worker(crew, source, figures):
    with crew.broker():
        crew.worker()
        # The worker comes up with the first lead; the second shows how quick it is.
        for number in (1, 2):
            (report,) = crew.play(
                (
                    "post",
                    {"source": source.slug, "number": 1, "prefix": "ab"[number - 1], "rings": True},
                )
            )
            assert scene.errors([report]) == []
            wait_until("the lead has an owner", lambda n=number: owned() == n, seconds=60)

    figures(both_leads_waited=waited())
    assert drivers()["assigned"] == {"celery"}


@pytest.mark.races
def test_without_worker_and_broker_the_sweep_does_all_the_work(crew, source, figures):
    # No broker listens here: the bell finds nobody, and nobody minds.
    crew.environment["BROKER_URL"] = f"redis+socket://{crew.folder}/nobody.sock"
    crew.sweep()

    (report,) = crew.play(
        ("post", {"source": source.slug, "number": 20, "pause": 0.1, "rings": True})
    )
    wait_until("all leads have an owner", lambda: owned() == 20, seconds=60)
    wait_until("every late lead was escalated", lambda: escalated() == 20, seconds=60)

    figures(slowest_post=round(report["slowest"], 3), assigned_within=waited()[-1])
    assert posting_errors(report) == []
    assert report["slowest"] < 1
    assert drivers() == {"assigned": {"sweep"}, "escalated": {"sweep"}}
    assert scene.violations(ALL) == {}


@pytest.mark.races
@needs_valkey
def test_a_frozen_broker_holds_nobody_at_the_door(crew, source, figures):
    with crew.broker() as broker:
        crew.sweep()
        os.kill(broker.pid, signal.SIGSTOP)
        (report,) = crew.play(
            ("post", {"source": source.slug, "number": 30, "pause": 0.3, "rings": True}), seconds=60
        )
        wait_until("all leads have an owner", lambda: owned() == 30, seconds=60)

    figures(slowest_post=round(report["slowest"], 3))
    assert posting_errors(report) == []
    assert report["slowest"] < 1
    assert drivers()["assigned"] == {"sweep"}


def posting_errors(report: dict) -> list[str]:
    """Errors, but for the word that the broker is away, which a log ought to have."""
    said = [error for error in report["errors"] if "did not take a wake-up" in error]
    assert said
    return scene.errors([{"errors": [e for e in report["errors"] if e not in said]}])


def test_a_sweep_killed_twenty_times_loses_nothing_and_doubles_nothing(crew, source, seed, figures):
    chance = random.Random(seed)
    number, kills = 160, 0
    command = [sys.executable, "-m", "tests.processes.sweeper", "0", "0.02"]
    sweepers = [crew.start("sweeper", command) for _ in range(2)]
    wait_until("the sweeps are up", lambda: all(one.words() for one in sweepers))
    posts = crew.cast(
        *[
            ("post", {"source": source.slug, "number": number // 2, "pause": 0.08, "prefix": name})
            for name in "ab"
        ]
    )
    crew.go(posts)

    while kills < 20:
        time.sleep(chance.uniform(0.1, 0.5))
        victim = int(chance.choice(sweepers).words().split()[-1])
        os.kill(victim, signal.SIGKILL)
        kills += 1
    reports = crew.gather(posts)
    wait_until(
        "all is quiet",
        lambda: escalated() == number and not any(waits(name) for name in jobs.names()),
        seconds=60,
    )
    for one in sweepers:
        crew.end(one, signal.SIGTERM)

    figures(kills=kills, leads=owned(), escalations=Escalation.objects.count())
    assert scene.errors(reports) == []
    # The sweeps send test leads of their own, too.
    assert Submission.objects.filter(state="PROCESSED", source=source).count() == number
    leads = Lead.objects.filter(source=source)
    assert owned() == leads.count() == number
    assert set(leads.values_list("owner_epoch", flat=True)) == {1}
    assert set(
        Escalation.objects.values("clock").annotate(n=Count("pk")).values_list("n", flat=True)
    ) == {1}
    assert Clock.objects.count() == number
    assert scene.violations(ALL) == {}


def waits(name: str) -> bool:
    """Whether something of this kind is due; a message may rest with whoever was killed."""
    if name == "outbox":
        free = Message.objects.filter(state=Message.State.PENDING, leased_until=None)
        return free.filter(due_at__lte=database_now()).exists()
    oldest = jobs.get(name).oldest()
    return oldest is not None and oldest <= database_now() + timedelta(seconds=1)
