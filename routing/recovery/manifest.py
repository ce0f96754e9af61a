"""The small file beside a backup, which says what is in it and whom it suits."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db.migrations.loader import MigrationLoader

from routing.privacy import ledger
from routing.recovery import Refused, files

FORMAT = 1
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Manifest:
    """
    What a backup holds, as of one moment.

    `made_at` and `newest_receipt` are UTC in ISO format, `size` is in bytes, `sha256` that of the
    file; `tables` has the rows and a digest for each table; `key` tells whether SECRET_KEY is
    still the same without saying what it is. For the others see `contents.Contents`.
    """

    vendor: str
    made_at: str
    size: int
    sha256: str
    key: str
    migrations: list[str]
    counts: dict[str, int]
    newest_receipt: str | None
    head: dict[str, Any] | None
    anchor: dict[str, Any] | None
    tables: dict[str, tuple[int, str]]
    format: int = FORMAT

    @property
    def summary(self) -> str:
        return ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in self.counts.items())


def path_of(backup: Path) -> Path:
    """Where the manifest of a backup is."""
    return backup.with_name(f"{backup.name}.json")


def write(found: Manifest, backup: Path) -> None:
    """Put the manifest beside its backup, whole or not at all."""
    with files.whole(path_of(backup)) as part:
        part.write_text(json.dumps(asdict(found), indent=1), encoding="utf-8")


def read(backup: Path) -> Manifest:
    """
    Return the manifest of a backup.

    :raises Refused: if either is missing, or the manifest is none
    """
    path = path_of(backup)
    if not backup.is_file():
        raise Refused(f"There is no file {backup}. Name the backup itself, not its folder.")
    if not path.is_file():
        raise Refused(
            f"{path.name} is not beside the backup, so nothing says what it should hold. "
            "Copy both files from where the backup was made."
        )
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["format"] != FORMAT:
            raise Refused(
                f"{path.name} has format {raw['format']}, and this product reads {FORMAT}. "
                "Restore it with the version of the product that wrote it."
            )
        raw["tables"] = {name: (rows, digest) for name, (rows, digest) in raw["tables"].items()}
        return Manifest(**raw)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"{path.name} is damaged ({error}). Take another copy of it.") from error


def check(found: Manifest, backup: Path, *, vendor: str, other_key: bool = False) -> None:
    """
    See that a backup is undamaged and suits this database, this code and this key.

    :raises Refused: if it does not
    """
    if found.vendor != vendor:
        raise Refused(
            f"This is a backup of {found.vendor}, and DATABASE_URL names {vendor}. Point "
            f"DATABASE_URL at an empty {found.vendor} database."
        )
    check_migrations(found.migrations)
    if found.key != key_mark() and not other_key:
        raise Refused(
            "SECRET_KEY is not the one with which the backup was made, so nobody could be erased "
            "again. Set it as it was; if it is lost, --other-key goes on without."
        )
    if backup.stat().st_size != found.size or files.sha256(backup) != found.sha256:
        raise Refused(
            f"{backup.name} is damaged: its bytes are not those that were written. Take another "
            "copy, or an older backup."
        )


def check_migrations(applied: Iterable[str]) -> None:
    """
    See that this code knows every migration that a database has behind it.

    :raises Refused: if it is older than the database
    """
    newer = sorted(set(applied) - known_migrations())
    if newer:
        more = f" and {len(newer) - SHOWN} more" if len(newer) > SHOWN else ""
        raise Refused(
            f"The backup is newer than this code, which does not know {', '.join(newer[:SHOWN])}"
            f"{more}. Install the version of the product that made it, or a later one."
        )


def known_migrations() -> set[str]:
    """The migrations that this code has, ours and those of its packages."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return {f"{app}.{name}" for app, name in loader.disk_migrations}


def key_mark() -> str:
    """By what a backup tells whether SECRET_KEY is still the one it was made with."""
    return ledger.keyed("backup")
