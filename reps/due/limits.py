"""Statements that may take a moment only."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

# SQLite asks after so many of its own steps whether to go on.
STEPS = 20_000


class TookTooLong(Exception):
    """The statements inside were cut off; what they did is undone."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """
    Run statements that are cut off when their time is over, with all they did.

    Needs a transaction around it: only what is inside is undone.

    :raises TookTooLong: if they were
    """
    limit = _limit_on_postgresql if connection.vendor == "postgresql" else _limit_on_sqlite
    began = time.monotonic()
    try:
        with transaction.atomic(), limit(max(0.001, seconds)):
            yield
    except OperationalError as error:
        # Only a statement that was cut off takes all the time there was.
        if time.monotonic() - began < 0.9 * seconds:
            raise
        raise TookTooLong(str(error)) from error


@contextmanager
def _limit_on_postgresql(seconds: float) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        (before,) = cursor.fetchone()
        cursor.execute(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
    yield
    # After an error the savepoint takes this back by itself.
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])


@contextmanager
def _limit_on_sqlite(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    connection.ensure_connection()
    raw = connection.connection
    raw.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)
