"""
Effects held back: nothing is sent and no clock fires until a person releases it.

Doors, intake and routing go on. What waits runs after the release, oldest first. There may be
several holds at once, one of a kind; work goes on when the last of them is released.
"""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from reps import trail
from reps.due import alarms
from reps.due.clock import database_now
from reps.models import Heartbeat, Hold, User

# Drivers ask before every round, so the answer is kept for a moment.
KEPT = 1.0
RESTORING = "lead_routing.restoring"

_seen: tuple[float, Hold | None] | None = None
_has_noted_restore = False


def held() -> Hold | None:
    """Return the oldest hold in force, as it was within the last second."""
    global _seen
    now = time.monotonic()
    if _seen is None or now - _seen[0] > KEPT:
        _seen = (now, next(iter(open_holds()), None))
    return _seen[1]


def forget() -> None:
    """Look at the database again when asked next."""
    global _seen
    _seen = None


def open_holds() -> list[Hold]:
    """The holds in force, the oldest first; always asks the database."""
    return list(Hold.objects.filter(released_at__isnull=True).order_by("since", "pk"))


def last_release() -> datetime | None:
    """When effects were last let go, from which what had waited is counted as late."""
    rows = Hold.objects.filter(released_at__isnull=False).order_by("-released_at")
    return rows.values_list("released_at", flat=True).first()


def excuses(at: datetime, *, patience: timedelta) -> bool:
    """Whether due effects may still be waiting: they are held, or were until just now."""
    released = last_release()
    return bool(open_holds()) or (released is not None and released > at - patience)


@transaction.atomic
def hold(
    *,
    kind: str,
    reason: str,
    at: datetime,
    by: User | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Hold:
    """Hold effects back, and tell the admins; a hold of this kind that is in force stays."""
    row, is_new = Hold.objects.get_or_create(
        kind=kind,
        released_at__isnull=True,
        defaults={"since": at, "reason": reason[:300], "detail": dict(detail or {})},
    )
    if is_new:
        trail.note(
            row, kind="held", by=by, at=at, reason_code=kind.lower(), reason=reason, data=row.detail
        )
        alarms.raise_(_alarm(kind), f"Effects are held back: {reason}", at=at)
    forget()
    transaction.on_commit(forget)
    return row


@transaction.atomic
def release(*, kind: str, by: User | None, at: datetime, reason: str = "") -> bool:
    """Let effects go, and keep who did so and why; False if there was no such hold."""
    rows = Hold.objects.select_for_update(no_key=True)
    row = rows.filter(kind=kind, released_at__isnull=True).first()
    if row is None:
        return False
    row.released_at, row.released_by = at, by
    row.save(update_fields=["released_at", "released_by"])
    trail.note(
        row, kind="released", by=by, at=at, reason_code=kind.lower(), reason=reason or "released"
    )
    alarms.clear(_alarm(kind), at=at)
    # Signs of life that a wrong clock dated ahead would make the next process hold again.
    Heartbeat.objects.filter(at__gt=at).update(at=at)
    forget()
    transaction.on_commit(forget)
    return True


def hold_if_restored() -> None:
    """
    Once per process: whatever starts with RESTORE_MODE set, or on a database whose restore did
    not come to its end, holds effects back first.

    Processes that fork do so before, so that none of their children, whenever it comes, holds
    again what somebody has released meanwhile.
    """
    global _has_noted_restore
    if _has_noted_restore:
        return
    if settings.RESTORE_MODE:
        reason = "started in restore mode; release when the gap has been looked at"
        hold(kind=Hold.Kind.RESTORED, reason=reason, at=database_now())
    elif is_being_restored():
        with transaction.atomic():
            reason = "a restore did not come to its end; run it again on an empty database"
            hold(kind=Hold.Kind.RESTORED, reason=reason, at=database_now())
            mark_restored()
    _has_noted_restore = True


def is_being_restored() -> bool:
    """Whether a restore marked this database and has not held it yet (PostgreSQL only)."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase "
            "WHERE d.datname = current_database() AND %s = ANY(s.setconfig)",
            [f"{RESTORING}=on"],
        )
        return bool(cursor.fetchone()[0])


def mark_restoring() -> None:
    """
    Note beside the database, where no restore overwrites it, that one has begun: one that is
    killed before it could hold what it loaded is held by the next process (PostgreSQL only).
    """
    _set_mark(f"SET {RESTORING} = 'on'")


def mark_restored() -> None:
    """Take the mark back, in the transaction that holds."""
    _set_mark(f"RESET {RESTORING}")


def _set_mark(what: str) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT quote_ident(current_database())")
            cursor.execute(f"ALTER ROLE CURRENT_USER IN DATABASE {cursor.fetchone()[0]} {what}")


def _alarm(kind: str) -> str:
    return f"held/{kind.lower()}"
