"""Write where nobody may: as whoever owns the database and switches its triggers off."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def triggers_off() -> Iterator[None]:
    """Leave PostgreSQL's triggers out in this block, which only a superuser can."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
    try:
        yield
    finally:
        # A statement that failed leaves a transaction in which nothing can be said any more.
        if not connection.needs_rollback and connection.connection.info.transaction_status != 3:
            with connection.cursor() as cursor:
                cursor.execute("SET session_replication_role = origin")


def run(sql: str, *params: Any) -> int:
    """Write behind the product's back and the database's; return how many rows."""
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.rowcount
