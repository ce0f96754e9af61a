"""The one clock by which everything due is judged: the database's."""

from datetime import UTC, datetime

from django.db import connection
from django.utils import timezone


def database_now() -> datetime:
    """
    Return the database's present time, UTC.

    With several hosts no two clocks agree; rows are judged by the one clock that all of
    them share. SQLite lives on this host, so there it is this process's clock.
    """
    return _server_time() if connection.vendor == "postgresql" else timezone.now()


def _server_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    return now.astimezone(UTC)
