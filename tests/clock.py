"""Moments that tests choose, for this process and for the database it asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from unittest import mock

import time_machine
from django.utils import timezone


@contextmanager
def travel(at: datetime) -> Iterator[None]:
    """Stand still at a moment; PostgreSQL's own clock, which runs on, is not asked."""
    with (
        time_machine.travel(at, tick=False),
        mock.patch("reps.due.clock._server_time", timezone.now),
    ):
        yield
