"""A worker whose loop stands still is ended, and only while the broker answers others."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from config.celery import app
from config.watchdog import LIMIT, LIMIT_TO_CONNECT, Watchdog


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


def test_a_loop_that_stands_still_is_ended_at_the_second_look(dog):
    now = time.monotonic()
    assert not dog.is_stuck(now + LIMIT + 1, lambda: True)
    assert dog.is_stuck(now + LIMIT + 3, lambda: True)


def test_a_loop_that_turned_in_between_lives_on(dog, consumer, monkeypatch):
    later = time.monotonic() + LIMIT + 1
    assert not dog.is_stuck(later, lambda: True)
    monkeypatch.setattr(time, "monotonic", lambda: later)
    consumer.turn()
    assert not dog.is_stuck(later + 2, lambda: True)
    assert not dog.is_stuck(later + LIMIT + 2, lambda: True), "it is seen for the first time"


def test_nobody_is_ended_for_a_broker_that_answers_nobody(dog):
    later = time.monotonic() + LIMIT + 1
    assert not dog.is_stuck(later, lambda: True)
    assert not dog.is_stuck(later + 2, lambda: False)
    assert not dog.is_stuck(later + 4, lambda: True), "it has only just come back"


def test_a_worker_that_connects_anew_gets_more_time(dog, consumer):
    dog.stop(consumer)
    later = time.monotonic() + LIMIT + 1
    assert not dog.is_stuck(later, lambda: True)
    assert not dog.is_stuck(later + 2, lambda: True)
    later = time.monotonic() + LIMIT_TO_CONNECT + 1
    assert not dog.is_stuck(later, lambda: True)
    assert dog.is_stuck(later + 2, lambda: True)


def test_every_worker_is_watched():
    assert Watchdog in app.steps["consumer"]
