"""Start and end the processes of a test: actors, sweeps, a worker, a broker."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from django.db import connection

from config.env import BASE_DIR
from config.launch import ask_valkey, die_with_parent, end_session, has_ended, valkey_binary

# An act and its arguments.
Part = tuple[str, dict[str, Any]]


class Late(AssertionError):
    """Something did not happen in time."""


def database_url() -> str:
    """The address of the database in which this test runs."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{quote(name)}"))


def wait_until(what: str, true: Callable[[], Any], *, seconds: float = 30.0) -> None:
    """
    Look again and again until something is true.

    :raises Late: if it does not become so
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise Late(f"After {seconds:.0f} s still not: {what}")
        time.sleep(0.05)


@dataclass
class Process:
    """A child of the test, and where its words and its report go."""

    name: str
    process: subprocess.Popen
    log: Path
    reports: Sequence[Path] = ()

    @property
    def pid(self) -> int:
        return self.process.pid

    def words(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-4000:]

    def results(self) -> list[dict[str, Any]]:
        missing = [report.name for report in self.reports if not report.exists()]
        if missing:
            raise AssertionError(f"{missing} ended without a report:\n{self.words()}")
        return [json.loads(report.read_text(encoding="utf-8")) for report in self.reports]


class Crew:
    """The processes of one test; whatever happens, none outlives it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "EMAIL_URL": "dummymail://",
            "BROKER_URL": "memory://",
            "PYTHONUNBUFFERED": "1",
        }
        self._processes: list[Process] = []

    def start(self, name: str, command: Sequence[str], **more: Any) -> Process:
        """Start a program that goes on until it is ended."""
        number = len(self._processes)
        log = self.folder / f"{number}-{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                list(command),
                cwd=BASE_DIR,
                env=self.environment,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent,
                **{"stdin": subprocess.DEVNULL, "stdout": output, **more},
            )
        started = Process(name, process, log)
        self._processes.append(started)
        return started

    def cast(self, *parts: Part) -> Process:
        """Start actors (see `actor`), which wait for `go`."""
        number = len(self._processes)
        reports = [
            self.folder / f"{number}-{n}-{act.rpartition(':')[2]}.json"
            for n, (act, _) in enumerate(parts)
        ]
        told = [
            [act, str(report), arguments]
            for (act, arguments), report in zip(parts, reports, strict=True)
        ]
        started = self.start(
            "actors",
            [sys.executable, "-m", "tests.processes.actor", json.dumps(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.reports = reports
        return started

    def ready(self, actors: Process) -> None:
        """Wait until they have read their parts."""
        if actors.process.stdout.readline() != b"ready\n":
            raise AssertionError(f"The actors did not get ready:\n{actors.words()}")

    def begin(self, actors: Process) -> None:
        """Let actors who are ready begin, all at once."""
        actors.process.stdin.write(f"{time.time() + 0.3}\n".encode())
        actors.process.stdin.flush()

    def go(self, actors: Process) -> None:
        """Wait until they are ready, and let all begin at once."""
        self.ready(actors)
        self.begin(actors)

    def gather(
        self,
        actors: Process,
        *,
        seconds: float = 300.0,
        meanwhile: Callable[[], None] | None = None,
    ) -> list[dict[str, Any]]:
        """
        Wait for the end of actors, looking at something meanwhile; return their reports.

        :raises Late: if they take too long
        """
        deadline = time.monotonic() + seconds
        while not has_ended(actors.process):
            if time.monotonic() > deadline:
                raise Late(f"Not done in {seconds:.0f} s:\n{actors.words()}")
            if meanwhile is not None:
                meanwhile()
            time.sleep(0.05)
        return actors.results()

    def play(self, *parts: Part, **how: Any) -> list[dict[str, Any]]:
        """Let actors play their parts at the same time; return their reports."""
        actors = self.cast(*parts)
        self.go(actors)
        return self.gather(actors, **how)

    def end(self, process: Process, number: int = signal.SIGKILL) -> None:
        """Send a signal to a process and wait until it and its children are gone."""
        if not has_ended(process.process):
            os.kill(process.pid, number)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and not has_ended(process.process):
            time.sleep(0.02)
        end_session(process.process)
        for stream in (process.process.stdin, process.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def end_all(self) -> None:
        for process in reversed(self._processes):
            self.end(process)

    # --- The drivers --------------------------------------------------------------------
    @contextlib.contextmanager
    def broker(self) -> Iterator[Process]:
        """Run a real broker of the kind that `make run` starts, on a unix socket."""
        folder = Path(tempfile.mkdtemp(prefix="leads-"))
        path = folder / "v.sock"
        options = ["--port", "0", "--unixsocket", str(path), "--dir", str(folder), "--save", ""]
        broker = self.start("valkey", [str(valkey_binary()), *options])
        try:
            wait_until("the broker answers", lambda: ask_valkey(path, "PING"), seconds=10)
            self.environment["BROKER_URL"] = f"redis+socket://{quote(str(path))}"
            yield broker
        finally:
            os.kill(broker.pid, signal.SIGCONT)
            self.end(broker)
            shutil.rmtree(folder, ignore_errors=True)

    def worker(self) -> Process:
        options = ["worker", "--pool", "prefork", "--concurrency", "1", "--loglevel", "WARNING"]
        quiet = ["--without-mingle", "--without-gossip", "--without-heartbeat"]
        return self.start(
            "worker", [sys.executable, "-m", "celery", "-A", "config", *options, *quiet]
        )

    def beat(self) -> Process:
        options = ["beat", "--loglevel", "WARNING", "--pidfile="]
        return self.start("beat", [sys.executable, "-m", "celery", "-A", "config", *options])

    def sweep(self) -> Process:
        return self.start("sweep", [sys.executable, "manage.py", "sweep"])
