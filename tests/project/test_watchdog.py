"""A worker whose loop stands still is ended, and only while the broker answers others."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from config.celery import app
from config.watchdog import EVERY, LIMIT, LIMIT_TO_CONNECT, Watchdog


class Consumer:
    """Stands for a worker's consumer with an event loop that a test turns."""

    def __init__(self) -> None:
        self.hub, self.app, self.timer = object(), app, self
        self.turn: Any = None

    def call_repeatedly(self, _every: float, turn: Any) -> Any:
        self.turn = turn
        return SimpleNamespace(cancel=lambda: None)


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> Consumer:
    monkeypatch.setattr(Watchdog, "_watch", lambda *_: None)
    return Consumer()


@pytest.fixture
def dog(consumer: Consumer) -> Watchdog:
    found = Watchdog(consumer)
    found.start(consumer)
    return found


def looks(dog: Watchdog, *, start: float, seconds: float, answers: bool = True) -> float | None:
    """Look every two seconds; after how many seconds the loop is found stuck, if it is."""
    for number in range(int(seconds / EVERY) + 1):
        if dog.is_stuck(start + number * EVERY, lambda: answers):
            return number * EVERY
    return None


def test_a_loop_that_stands_still_is_ended_at_the_second_look(dog):
    assert looks(dog, start=time.monotonic(), seconds=60) == LIMIT + EVERY


def test_a_loop_that_turned_in_between_lives_on(dog, consumer, monkeypatch):
    now = time.monotonic()
    assert looks(dog, start=now, seconds=LIMIT) is None, "seen for the first time"
    monkeypatch.setattr(time, "monotonic", lambda: now + LIMIT + EVERY)
    consumer.turn()
    assert looks(dog, start=now + LIMIT + 2 * EVERY, seconds=LIMIT - 2 * EVERY) is None


def test_nobody_is_ended_for_a_broker_that_answers_nobody(dog):
    now = time.monotonic()
    assert looks(dog, start=now, seconds=300, answers=False) is None
    assert not dog.is_stuck(now + 302, lambda: True), "it has only just come back"


def test_a_process_that_was_frozen_as_a_whole_lives_on(dog):
    now = time.monotonic()
    assert looks(dog, start=now, seconds=4) is None
    assert looks(dog, start=now + 60, seconds=LIMIT) is None


def test_a_worker_that_connects_anew_gets_more_time(dog, consumer):
    dog.stop(consumer)
    found = looks(dog, start=time.monotonic(), seconds=120)
    assert found == LIMIT_TO_CONNECT + EVERY


def test_every_worker_is_watched():
    assert Watchdog in app.steps["consumer"]
