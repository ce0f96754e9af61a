"""
Seal each day of the trail, so that a chain which somebody rewrote as a whole shows too.

A chain proves that its events belong together; whoever rewrites all of it, head included, leaves
it whole. An anchor is a hash over the hashes of a day's events and over the anchor before it:
kept elsewhere (`manage.py audit_anchor --print`, `AUDIT_ANCHOR_FILE`), it cannot be rewritten.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from reps.models import AuditAnchor, AuditEvent

# A day is sealed this long after its end: its last transactions are over by then.
AFTER_MIDNIGHT = timedelta(hours=1)
CHUNK = 5000


def next_at(at: datetime) -> datetime:
    """The next moment at which a day is sealed."""
    today = datetime.combine(at.astimezone(UTC).date(), time(), UTC) + AFTER_MIDNIGHT
    return today if at < today else today + timedelta(days=1)


def last_day(at: datetime) -> date:
    """The last day that is over, in UTC."""
    return (at.astimezone(UTC) - AFTER_MIDNIGHT).date() - timedelta(days=1)


def run(at: datetime) -> dict[str, Any]:
    """Seal what is due, as a routine does; says what it did."""
    made = seal(at=at)
    _append_to_file()
    return {"sealed": made.day.isoformat(), "events": made.events} if made else {}


@transaction.atomic
def seal(*, at: datetime) -> AuditAnchor | None:
    """
    Seal everything up to the end of yesterday (UTC) that is not sealed yet; None if that is
    done.

    Days without a run, for the product was down, are sealed with the next one. An anchor covers
    the ids after the one before it up to the greatest id of an event dated before midnight; an
    event that was dated earlier and came later belongs to the next day's.
    """
    day = last_day(at)
    newest = AuditAnchor.objects.select_for_update(no_key=True).order_by("-day").first()
    if newest is not None and newest.day >= day:
        return None
    first = newest.last_id + 1 if newest else 1
    midnight = datetime.combine(day + timedelta(days=1), time(), UTC)
    last = _last_id_before(midnight, first=first)
    anchor = AuditAnchor(
        day=day,
        first_id=first,
        last_id=last,
        prev_root=newest.root if newest else "",
        made_at=at,
    )
    anchor.root, anchor.events = _root(anchor)
    anchor.save()
    return anchor


def _last_id_before(midnight: datetime, *, first: int) -> int:
    """
    The greatest id of an event dated before midnight, below which no transaction in flight
    can still add one.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                # Waits for whoever is writing events; the savepoint gives the lock back at once.
                cursor.execute("SET LOCAL lock_timeout = '2s'")
                cursor.execute("LOCK TABLE reps_auditevent IN SHARE MODE")
        within = AuditEvent.objects.filter(pk__gte=first, at__lt=midnight).order_by("-pk")
        last = within.values_list("pk", flat=True).first()
        transaction.set_rollback(True)
    return last or first - 1


def broken() -> Iterator[str]:
    """Yield every anchor that its events no longer give, and what the file knows better."""
    previous: AuditAnchor | None = None
    for anchor in AuditAnchor.objects.order_by("day"):
        if anchor.prev_root != (previous.root if previous else ""):
            yield f"the anchor of {anchor.day} does not follow the one before it"
        if anchor.first_id != (previous.last_id + 1 if previous else 1):
            yield f"the anchor of {anchor.day} leaves events out"
        if (anchor.root, anchor.events) != _root(anchor):
            yield f"events of {anchor.day} or before are not those that were sealed"
        previous = anchor
    yield from _differences_from_file()


def as_line(anchor: AuditAnchor) -> str:
    """An anchor as one line of text, for keeping elsewhere."""
    return json.dumps(
        {
            "day": anchor.day.isoformat(),
            "last_id": anchor.last_id,
            "events": anchor.events,
            "root": anchor.root,
        }
    )


def newest() -> AuditAnchor | None:
    """The anchor of the last day that was sealed."""
    return AuditAnchor.objects.order_by("-day").first()


def _root(anchor: AuditAnchor) -> tuple[str, int]:
    """The root that an anchor should have, and how many events there are in its range."""
    head = f"{anchor.prev_root}\n{anchor.day}\n{anchor.first_id}-{anchor.last_id}"
    found, count = hashlib.sha256(head.encode()), 0
    rows = AuditEvent.objects.filter(pk__range=(anchor.first_id, anchor.last_id)).order_by("pk")
    for pk, value in rows.values_list("pk", "hash").iterator(chunk_size=CHUNK):
        found.update(f"\n{pk}:{value}".encode())
        count += 1
    return found.hexdigest(), count


def _file() -> Path | None:
    return Path(settings.AUDIT_ANCHOR_FILE) if settings.AUDIT_ANCHOR_FILE else None


def note_restore(*, at: datetime) -> None:
    """Tell the file that days after the newest one here were given up by a restore."""
    if _file() is not None:
        found = newest()
        day = found.day.isoformat() if found else ""
        _add_lines([json.dumps({"restored_at": at.isoformat(), "day": day})])


def _kept() -> dict[str, str]:
    """Day → root, as the file has them; a restore takes back the days after it."""
    path, kept = _file(), {}
    if path is None or not path.exists():
        return kept
    for line in filter(None, path.read_text(encoding="utf-8").splitlines()):
        row = json.loads(line)
        if "restored_at" in row:
            kept = {day: root for day, root in kept.items() if day <= row["day"]}
        else:
            kept[row["day"]] = row["root"]
    return kept


def _append_to_file() -> None:
    """Bring the file up to date; a run that could not write it is made up for by the next."""
    if _file() is not None:
        kept, anchors = _kept(), AuditAnchor.objects.order_by("day")
        _add_lines([as_line(one) for one in anchors if one.day.isoformat() not in kept])


def _add_lines(lines: Sequence[str]) -> None:
    path = _file()
    if not lines or path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def _differences_from_file() -> Iterator[str]:
    """What the file outside says otherwise: anchors altered, or gone from the database."""
    kept = _kept()
    there = {a.day.isoformat(): a.root for a in AuditAnchor.objects.all()}
    for day, root in sorted(kept.items()):
        if day not in there:
            yield f"the anchor of {day} is in {settings.AUDIT_ANCHOR_FILE} only"
        elif there[day] != root:
            yield f"the anchor of {day} is not the one in {settings.AUDIT_ANCHOR_FILE}"
