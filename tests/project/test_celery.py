"""Celery as the first driver: its settings, its beat, and what others put into the broker."""

import ast
import json
import logging
import pickle
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.db import OperationalError, connection
from kombu import Exchange, Queue

from config import beat, env
from config.celery import app
from reps import tasks
from reps.due import alarms, heartbeats, jobs
from reps.due.jobs import Job
from reps.models import Heartbeat
from routing.models import Lead
from tests import make

APPS = ("config", "sla", "routing", "accounts", "reps")
ROOT = Path(settings.BASE_DIR)


# --- Settings ---------------------------------------------------------------------------


def test_messages_are_plain_json_and_nobody_waits_for_a_result():
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"
    assert app.conf.task_ignore_result is True
    assert app.conf.result_expires is None


def test_a_message_that_is_lost_or_comes_twice_costs_nothing_so_none_is_repeated():
    assert app.conf.task_acks_late is True
    assert app.conf.task_reject_on_worker_lost is False
    assert app.conf.worker_prefetch_multiplier == 1


def test_the_broker_gives_a_task_to_somebody_else_only_long_after_its_hard_limit():
    limit = app.conf.task_time_limit
    options = env.broker_options("redis://broker:6379/0", ROOT)

    assert app.conf.task_soft_time_limit < limit
    for timeout in (
        options["visibility_timeout"],
        app.conf.result_backend_transport_options["visibility_timeout"],
        settings.CELERY_VISIBILITY_TIMEOUT,
    ):
        assert timeout > 2 * limit


def test_a_broker_that_is_gone_is_noticed_and_a_frozen_one_leaves_no_worker_deaf():
    options = env.broker_options("redis://broker:6379/0", ROOT)

    assert 1 <= options["socket_connect_timeout"] <= 2
    assert options["socket_keepalive"] is True
    # See config/env.py: whoever sets one, stop a Redis for 12 s and look whether work goes on.
    assert "socket_timeout" not in options
    assert 0 < options["health_check_interval"] <= 25
    assert app.conf.task_publish_retry is True
    assert 1 <= app.conf.task_publish_retry_policy["max_retries"] <= 3


def test_a_stop_lets_what_runs_come_to_its_end():
    assert 0 < app.conf.worker_soft_shutdown_timeout < 10


def test_the_queue_is_our_own():
    assert app.conf.task_default_queue == "due"


def test_beat_ticks_at_intervals_only_in_utc():
    assert app.conf.timezone == "UTC"
    for entry in app.conf.beat_schedule.values():
        assert isinstance(entry["schedule"], float)


def test_no_deadline_is_a_message():
    """A countdown of 45 s ran five times over with a visibility timeout of 10 s (fault 35)."""
    banned = {"eta", "countdown"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for name in APPS
        for path in (ROOT / name).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Call) and banned & {word.arg for word in node.keywords})
        or (isinstance(node, ast.Attribute) and node.attr in ("retry_backoff", "autoretry_for"))
    ]  # fmt: skip

    assert not found


# --- What comes out of the broker -------------------------------------------------------


@pytest.fixture(scope="module")
def running():
    """A worker of ours, in a thread, on a broker in memory."""
    before = app.conf.broker_url
    app.conf.broker_url = "memory://"
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=20):
        yield
    app.conf.broker_url = before


@pytest.fixture
def worker(running, transactional_db):
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def put(body: bytes, **headers) -> None:
    """Put a message into our queue as anybody can who reaches the broker."""
    exchange = Exchange("due", type="direct")
    queue = Queue("due", exchange, routing_key="due")
    with app.connection_for_write() as link:
        link.Producer().publish(
            body, exchange=exchange, routing_key="due", declare=[queue], retry=False, **headers
        )


def until(holds, seconds=15.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)


def is_alarmed():
    return alarms.open_alarms().filter(key="broker/unknown").exists()


def works_on():
    """The worker handles what is ours, whatever came before."""
    seen = []
    jobs.register(Job("test", lambda **kwargs: seen.append(1) and 0, lambda: None))
    try:
        app.send_task("reps.drain", kwargs={"job": "test"})
        until(lambda: seen)
    finally:
        jobs._jobs.pop("test")


class Evil:
    """Runs code when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.once
def test_a_pickle_is_never_opened(worker, tmp_path):
    path = tmp_path / "was-here"
    body = pickle.dumps(Evil(path))
    put(body, content_type="application/x-python-serialize", content_encoding="binary",
        headers={"task": "reps.drain", "id": "1"})  # fmt: skip

    works_on()

    assert not path.exists()


@pytest.mark.once
@pytest.mark.parametrize(
    ("task", "arguments"),
    [("leads.of_the_last_version", {}), ("reps.drain", {"job": "of_the_last_version"})],
)
def test_what_is_not_known_here_is_dropped_and_a_person_hears(worker, task, arguments):
    for _ in range(3):
        app.send_task(task, kwargs=arguments)

    until(is_alarmed)
    works_on()

    assert "of_the_last_version" in alarms.open_alarms().get(key="broker/unknown").text


# What is JSON and no task at all ends the worker, which its supervisor starts again: whoever can
# write into the broker can stop the first driver, and the second needs no broker.
FORGED = [
    b"{",
    json.dumps([[], {"job": "route", "lead": 1}, {}]).encode(),
    json.dumps([[1], {"job": "route"}, {}]).encode(),
    json.dumps([[], {"job": {"a": "b"}}, {}]).encode(),
    json.dumps([[], {"job": "x" * 1_000_000}, {}]).encode(),
]


@pytest.mark.once
def test_a_forged_message_changes_nothing(worker, subtests):
    make.organisation()
    before = list(Lead.objects.values())
    for body in FORGED:
        with subtests.test(repr(body[:30])):
            is_harmless(body, before)


def is_harmless(body, before):
    put(body, content_type="application/json", content_encoding="utf-8",
        headers={"task": "reps.drain", "id": "1"})  # fmt: skip

    works_on()

    assert list(Lead.objects.values()) == before


@pytest.mark.django_db
def test_a_name_is_shown_without_what_a_page_cannot_show():
    tasks.drop_unknown(name="evil\n\x1b[31m" + "x" * 500)

    text = alarms.open_alarms().get().text
    assert "\n" not in text
    assert "\x1b" not in text
    assert len(text) < 250


# --- Beat -------------------------------------------------------------------------------


@pytest.fixture
def scheduler(db, monkeypatch):
    made = beat.Scheduler(app=app, lazy=True)
    monkeypatch.setattr(beat.DatabaseScheduler, "tick", lambda self, *a, **k: 0.5)
    monkeypatch.setattr(beat.DatabaseScheduler, "close", lambda self: None)
    return made


def test_beat_says_that_it_ticks_whether_a_worker_hears_it_or_not(scheduler):
    assert scheduler.tick() == 0.5

    assert Heartbeat.objects.get().name == "beat"


def test_beat_says_so_every_few_seconds_only(scheduler, monkeypatch):
    said = []
    monkeypatch.setattr(beat, "beat", lambda name, **kwargs: said.append(name))

    for _ in range(10):
        scheduler.tick()

    assert said == ["beat"]


def test_beat_ticks_on_without_the_database(scheduler, monkeypatch):
    def gone(*args, **kwargs):
        raise OperationalError("gone")

    monkeypatch.setattr(beat, "beat", gone)
    logging.disable(logging.CRITICAL)
    try:
        assert scheduler.tick() == 0.5
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize(("waiting", "sent"), [(0, 1), (1000, 1), (1001, 0)])
def test_beat_does_not_fill_the_broker_when_no_worker_takes_its_ticks(
    scheduler, monkeypatch, waiting, sent
):
    out = []
    declared = SimpleNamespace(message_count=waiting)
    channel = SimpleNamespace(queue_declare=lambda queue, passive: declared)
    monkeypatch.setattr(beat.Scheduler, "producer", SimpleNamespace(channel=channel))
    monkeypatch.setattr(beat.DatabaseScheduler, "apply_async", lambda self, e: out.append(e))

    scheduler.apply_async("a tick")

    assert len(out) == sent


def test_beat_waits_for_the_broker_for_seconds_only(scheduler):
    assert scheduler.connection.transport_options["socket_timeout"] == beat.PATIENCE


def test_beat_makes_a_new_connection_after_one_that_failed(scheduler, monkeypatch):
    first = scheduler.connection

    def fails(self, entry):
        raise ConnectionError("gone")

    monkeypatch.setattr(beat.DatabaseScheduler, "apply_async", fails)
    monkeypatch.setattr(beat.Scheduler, "_is_backed_up", lambda self: False)
    with pytest.raises(ConnectionError):
        scheduler.apply_async("a tick")

    assert scheduler.connection is not first


def test_beat_that_is_stopped_says_so(scheduler):
    scheduler.tick()
    scheduler.close()

    (sign,) = heartbeats.signs(heartbeats.database_now())
    assert sign.is_stopped


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_two_beats_do_no_harm(team_of_one):
    """Every tick comes twice, at once, and everything is done once."""
    import threading

    for _ in range(20):
        make.submission()
    errors = []

    def ticks():
        try:
            for _ in range(3):
                for name in ("intake", "route", "clocks", "outbox", "routines"):
                    tasks.drain(job=name)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=ticks) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not errors
    owned = Lead.objects.filter(owner=team_of_one)
    assert owned.count() == 20
    assert {lead.decisions.count() for lead in owned} == {1}
    assert {lead.assignments.count() for lead in owned} == {1}


@pytest.fixture
def team_of_one(transactional_db):
    make.organisation()
    rep = make.rep("ann")
    make.policy()
    make.rules(make.round_robin(make.pool(rep)))
    return rep
