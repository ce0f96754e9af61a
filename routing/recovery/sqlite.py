"""Copy a SQLite database while it is in use, and put a copy in its place."""

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import connection

from routing.recovery import Refused, contents, files
from routing.recovery.contents import Contents

SUFFIX = ".sqlite3"
PATIENCE = 20.0
# How long to wait for whoever may just be closing the database.
IN_USE_AFTER = 2.0
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"


def dump(part: Path) -> Contents:
    """
    Write a copy of the database into a file, and say what is in it.

    All pages are read in one go, as of one moment; nobody has to wait for that.

    :raises Refused: if there is nothing to copy
    """
    source = _path()
    if not source.is_file():
        raise Refused(f"{source} is not there, so there is nothing to back up. Set DATABASE_URL.")
    with closing(_open(source)) as live, closing(_open(part)) as copy:
        live.backup(copy)
        # One file, without a log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
    return read(part)


def read(path: Path) -> Contents:
    """
    Say what a database file holds that nobody writes to.

    :raises Refused: if it is damaged
    """
    try:
        with closing(_open(path)) as copy, closing(_open(path)) as raw:
            [(answer,)] = copy.execute("PRAGMA quick_check(1)")
            if answer != "ok":
                raise Refused(f"{path.name} is damaged: {answer}.")
            # Text as its bytes, so that what is no UTF-8 is compared as well.
            raw.text_factory = bytes
            names = [name for (name,) in copy.execute(TABLES)]
            return contents.read(partial(_fetch, copy), partial(_digest, raw), names)
    except sqlite3.DatabaseError as error:
        raise Refused(f"{path.name} cannot be read as a SQLite database: {error}.") from error


@contextmanager
def loaded(backup: Path, *, replace: bool, kept_as: Path) -> Iterator[Path | None]:
    """
    Work on a copy of the backup as the database, and put it in its place at the end.

    Inside the block the default connection is the copy's, so that nobody else sees it before it
    is ready. On an error everything is as it was before. The former database, if there was one,
    gets the name `kept_as`, which is what the block is given.

    :raises Refused: if there are data and `replace` is not given, or the database is in use
    """
    target = _path()
    target.parent.mkdir(parents=True, exist_ok=True)
    connection.close()
    has_data = _has_tables(target)
    if has_data and not replace:
        raise Refused(
            f"{target} holds data. Point DATABASE_URL at a new file, or say --replace: the present "
            f"one is then kept beside it as {kept_as.name}."
        )
    if target.exists():
        _close_for_good(target)
    part = target.with_name(f"{target.name}.restoring")
    for leftover in _all_of(part):
        leftover.unlink(missing_ok=True)
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        shutil.copyfile(backup, part)
        if target.exists():
            # Whoever could read the former one can read this one.
            shutil.copymode(target, part)
        with _connected_to(part):
            yield kept_as if has_data else None
        # Back in one file before it is renamed, and again nobody has it open.
        _close_for_good(part)
        files.settle(part)
        if has_data:
            _keep(target, kept_as)
        part.replace(target)
        files.settle(target.parent)
    finally:
        for leftover in _all_of(part):
            leftover.unlink(missing_ok=True)


@contextmanager
def _connected_to(path: Path) -> Iterator[None]:
    before = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = str(path)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def _keep(target: Path, kept_as: Path) -> None:
    try:
        # Under both names for a moment, so that at no moment there is none.
        os.link(target, kept_as)
    except FileExistsError:
        raise Refused(f"{kept_as} is there already; move it away, then again.") from None
    except OSError:
        # Some file systems give a file one name only.
        target.rename(kept_as)


def _close_for_good(path: Path) -> None:
    """
    Fold the log beside a database into it, which needs it for oneself.

    :raises Refused: if somebody else has it open
    """
    try:
        with closing(_open(path, patience=IN_USE_AFTER)) as one:
            [(mode,)] = one.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError:
        mode = "locked"
    if mode != "delete":
        raise Refused(
            f"{path} is in use. Stop the product first: web, workers, beat and sweep; then again."
        )


def _has_tables(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        with closing(_open(path)) as one:
            return bool(one.execute(TABLES).fetchone())
    except sqlite3.DatabaseError:
        # Not readable, but perhaps what somebody still wants to look into.
        return True


def _path() -> Path:
    name = str(connection.settings_dict["NAME"])
    if ":memory:" in name or "mode=memory" in name:
        raise Refused("The database is in memory only. Set DATABASE_URL to a file.")
    return Path(name)


def _all_of(path: Path) -> list[Path]:
    return [path.with_name(f"{path.name}{suffix}") for suffix in ("", "-wal", "-shm", "-journal")]


def _open(path: Path, *, patience: float = PATIENCE) -> sqlite3.Connection:
    # Read and write, but never make one: a wrong path must not become an empty database.
    return sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=patience)


def _fetch(one: sqlite3.Connection, sql: str) -> Iterable[Sequence[Any]]:
    return one.execute(sql)


def _digest(one: sqlite3.Connection, table: str) -> tuple[int, str]:
    return contents.of_rows(one.execute(f'SELECT * FROM "{table}" ORDER BY rowid'))
