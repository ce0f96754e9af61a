"""The drill: back up, restore somewhere else, and see whether it is the same and keeps quiet."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import Error, connection

from routing.recovery import Refused
from routing.recovery.manifest import Manifest
from routing.recovery.take import take

LONGEST_NAME = 63


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the drill: how many seconds it took, and what was wrong."""

    name: str
    seconds: float
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Drilled:
    """How a drill went."""

    backup: Manifest
    steps: list[Step]

    @property
    def wrong(self) -> list[str]:
        return [f"{step.name}: {line}" for step in self.steps for line in step.wrong]


def drill(*, folder: Path | None = None) -> Drilled:
    """
    Back the present database up, restore that into a scratch one, and look at it there.

    The present database is only read. Scratch and backup lie below `folder` (by default where
    temporary files do; on PostgreSQL the scratch is a database on the same server) and are gone
    afterwards, and the ledger and the anchor file that are used are copies.

    :raises Refused: if there can be no backup or no scratch
    """
    with tempfile.TemporaryDirectory(prefix="leads-drill-", dir=folder) as name:
        room = Path(name)
        began = time.monotonic()
        backup, told = take(room)
        steps = [Step("backup", time.monotonic() - began)]
        with scratch(room) as url:
            environment = _environment(room, url)
            began = time.monotonic()
            done = _run(["manage.py", "restore", str(backup), "--skip-verify"], environment)
            wrong = [] if done.returncode == 0 else [_last_words(done)]
            steps.append(Step("restore", time.monotonic() - began, wrong))
            if not wrong:
                steps += _look(backup, environment)
    return Drilled(told, steps)


@contextmanager
def scratch(room: Path) -> Iterator[str]:
    """Give the address of an empty database of the same kind, gone afterwards."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{room}/scratch.sqlite3"
        return
    # A name that a drill which was killed has left is nobody's.
    name = f"{connection.settings_dict['NAME'][: LONGEST_NAME - 20]}_drill_{os.getpid()}"
    quoted = connection.ops.quote_name(name)
    try:
        _say(f"DROP DATABASE IF EXISTS {quoted}")
        _say(f"CREATE DATABASE {quoted} TEMPLATE template0")
    except Error as error:
        raise Refused(
            f"No scratch database could be made ({str(error).strip()}). Let the product's role "
            "make some (ALTER ROLE … CREATEDB), or run the drill on a copy of the server."
        ) from error
    try:
        yield address_of(name)
    finally:
        _say(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")


def address_of(database: str) -> str:
    """DATABASE_URL with another database's name."""
    given = os.environ["DATABASE_URL"]
    return re.sub(
        r"(://[^/?]*)(/[^?]*)?", lambda found: f"{found[1]}/{quote(database)}", given, count=1
    )


def _say(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _environment(room: Path, url: str) -> dict[str, str]:
    """What the scratch knows: the same key, its own copies of what lies outside, and no broker."""
    ours = {
        "DATABASE_URL": url,
        "BROKER_URL": "memory://",
        "SECRET_KEY": settings.SECRET_KEY,
        "RESTORE_MODE": "0",
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
        "ERASURE_LEDGER": _copy(settings.ERASURE_LEDGER, room / "erasures.log"),
        "AUDIT_ANCHOR_FILE": "",
    }
    if settings.AUDIT_ANCHOR_FILE:
        ours["AUDIT_ANCHOR_FILE"] = _copy(settings.AUDIT_ANCHOR_FILE, room / "anchors.jsonl")
    return {**os.environ, **ours}


def _copy(source: str, copy: Path) -> str:
    if Path(source).exists():
        shutil.copyfile(source, copy)
    return str(copy)


def _look(backup: Path, environment: Mapping[str, str]) -> list[Step]:
    began = time.monotonic()
    done = _run(["-m", "routing.recovery.look", str(backup)], environment)
    if done.returncode != 0:
        return [Step("look", time.monotonic() - began, [_last_words(done)])]
    found = json.loads(done.stdout)
    return [Step(name, step["seconds"], step["wrong"]) for name, step in found.items()]


def _run(words: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *words],
        cwd=settings.BASE_DIR,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )


def _last_words(done: subprocess.CompletedProcess) -> str:
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()[-5:]
    return " ".join(lines) or f"ended with {done.returncode} and said nothing"
