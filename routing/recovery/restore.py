"""Restore a backup, and let nothing leave before somebody has looked at the gap."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max

from reps import verify
from reps.due import doorbell, holds
from reps.due.clock import database_now
from reps.management.commands.verify import one_picture
from reps.models import AuditEvent, Hold
from reps.trail import anchors
from routing.models import Submission
from routing.privacy import erase
from routing.recovery import Refused, contents, manifest, postgres, sqlite
from routing.recovery.contents import Contents


@dataclass(slots=True)
class Report:
    """
    What a restore found and did.

    `as_of` is the moment that came back and `newest_receipt` that of the last submission in it,
    None if there is none; `violations` are lines by code of the invariant; `kept_as` is where the
    former SQLite database is now, `migrated` whether the tables were brought up to this code.
    """

    at: datetime
    as_of: datetime
    newest_receipt: datetime | None
    migrated: bool = False
    has_ledger: bool = False
    repeated: erase.Repeated = field(default_factory=erase.Repeated)
    violations: dict[str, list[str]] = field(default_factory=dict)
    kept_as: Path | None = None


def restore(
    backup: Path, *, replace: bool = False, other_key: bool = False, verified: bool = True
) -> Report:
    """
    Put a backup in the place of the database, held back and with the erased erased again.

    SQLite gets it at once and as a whole, when everything below is done; PostgreSQL must be empty.
    What was loaded is compared with the manifest, then: migrations that are missing, the hold,
    the erasure ledger, and unless `verified` is False every invariant as of the backup's moment.

    :raises Refused: if it may not, or what was loaded is not what the manifest says
    """
    told = manifest.read(backup)
    manifest.check(told, backup, vendor=connection.vendor, other_key=other_key)
    # Whoever listens there works on another database.
    doorbell.connect(None)
    at = database_now()
    with _loaded(backup, replace=replace, at=at) as (found, kept_as):
        different = contents.differences(told.tables, found.tables)
        newest = told.newest_receipt and datetime.fromisoformat(told.newest_receipt)
        report = Report(at, datetime.fromisoformat(told.made_at), newest or None, kept_as=kept_as)
        report.migrated = _migrate()
        _hold(
            f"restored from {backup.name} of {told.made_at[:19]} UTC",
            at=at,
            detail={"backup": backup.name, "sha256": told.sha256, "made_at": told.made_at},
        )
        if different:
            raise Refused(
                "What was restored is not what the manifest says: " + "; ".join(different[:5])
                + ". Use another backup; a PostgreSQL database that was filled stays held, drop it."
            )  # fmt: skip
        _catch_up(report)
        if verified:
            report.violations = violations(report.as_of)
    return report


def recovered() -> Report:
    """
    Do the same for a database that came back by another way, such as a provider's recovery.

    Nothing tells of which moment it is but its own trail, so that is asked.

    :raises Refused: if it has no tables, or newer ones than this code
    """
    applied = MigrationRecorder(connection).applied_migrations()
    if not applied:
        raise Refused("This database has no tables yet. Is DATABASE_URL right?")
    manifest.check_migrations(f"{app}.{name}" for app, name in applied)
    doorbell.connect(None)
    migrated, at = _migrate(), database_now()
    newest = AuditEvent.objects.aggregate(at=Max("at"))["at"]
    receipt = Submission.objects.aggregate(at=Max("received_at"))["at"]
    report = Report(at, newest or at, receipt, migrated=migrated)
    _hold(f"recovered as of {report.as_of:%Y-%m-%d %H:%M:%S} UTC", at=at, detail={})
    _catch_up(report)
    report.violations = violations(report.as_of)
    return report


def violations(at: datetime) -> dict[str, list[str]]:
    """
    Check every invariant of what was restored; return the lines by code.

    As of the moment that came back: work that had waited for a second then is not late because
    the backup lay on a shelf for a day.
    """
    with one_picture():
        return {one.code: lines for one, lines in verify.run(at=at) if lines}


@contextmanager
def _loaded(backup: Path, *, replace: bool, at: datetime) -> Iterator[tuple[Contents, Path | None]]:
    if connection.vendor == "sqlite":
        target = Path(connection.settings_dict["NAME"])
        name = target.with_name(f"{target.name}.before-{at:%Y%m%dT%H%M%SZ}")
        with sqlite.loaded(backup, replace=replace, kept_as=name) as kept_as:
            yield sqlite.read(Path(connection.settings_dict["NAME"])), kept_as
        return
    if replace:
        raise Refused(
            "--replace is for SQLite. Make an empty PostgreSQL database (createdb), point "
            "DATABASE_URL at it, and keep the former one until the new one is at work."
        )
    yield postgres.load(backup), None


def _migrate() -> bool:
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    call_command("migrate", interactive=False, verbosity=0)
    return True


def _catch_up(report: Report) -> None:
    """Tell the anchors' file that days were given up, and erase again whom the ledger names."""
    anchors.note_restore(at=report.at)
    report.has_ledger = Path(settings.ERASURE_LEDGER).exists()
    report.repeated = erase.repeat_ledger(at=report.at)


def _hold(what: str, *, at: datetime, detail: dict[str, str]) -> None:
    with transaction.atomic():
        holds.hold(
            kind=Hold.Kind.RESTORED,
            reason=f"{what}; release when the gap has been looked at",
            at=at,
            detail=detail,
        )
        holds.mark_restored()
