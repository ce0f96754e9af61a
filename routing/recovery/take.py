"""Make a backup, while the product runs."""

from datetime import datetime
from pathlib import Path

from django.db import connection

from reps.due.clock import database_now
from routing.recovery import Refused, files, manifest, postgres, sqlite
from routing.recovery.manifest import Manifest


def take(place: Path) -> tuple[Path, Manifest]:
    """
    Back the database up into a file, or under a name with the time (UTC) into a folder.

    Two files of mode 0600 are the result, the backup and its manifest; both are whole or not
    there. It is the database as of one moment, and nobody has to wait for it.

    :raises Refused: if there is nothing to back up, or it cannot be written there
    """
    room = _room()
    at = database_now()
    path = _name(place, at, room.SUFFIX)
    with files.whole(path) as part:
        found = room.dump(part)
        if not found.migrations:
            raise Refused("This database has no tables yet. Is DATABASE_URL right?")
        told = Manifest(
            vendor=connection.vendor,
            made_at=at.isoformat(),
            size=part.stat().st_size,
            sha256=files.sha256(part),
            key=manifest.key_mark(),
            migrations=found.migrations,
            counts=found.counts,
            newest_receipt=found.newest_receipt,
            head=found.head,
            anchor=found.anchor,
            tables=found.tables,
        )
    manifest.write(told, path)
    return path, told


def _room():
    if connection.vendor not in ("sqlite", "postgresql"):
        raise Refused(f"There is no backup for {connection.vendor}, only SQLite and PostgreSQL.")
    return postgres if connection.vendor == "postgresql" else sqlite


def _name(place: Path, at: datetime, suffix: str) -> Path:
    if place.is_dir():
        return place / f"leads-{at:%Y%m%dT%H%M%SZ}{suffix}"
    if not place.parent.is_dir():
        raise Refused(f"The folder {place.parent} is not there. Make it first (mkdir -p).")
    return place
