"""Moments that tests choose, for this process and for the database it asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from unittest import mock

import time_machine
from django.utils import timezone

from reps.due import guard


@contextmanager
def travel(at: datetime) -> Iterator[None]:
    """Stand still at a moment; PostgreSQL's own clock, which runs on, is not asked."""
    # Moving a test in time is no jump of the database's clock.
    guard.forget()
    with (
        time_machine.travel(at, tick=False),
        mock.patch("reps.due.clock._server_time", timezone.now),
    ):
        yield
    guard.forget()
