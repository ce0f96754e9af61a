"""The bench: the product as `make run` starts it, on a database and a broker of its own."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection, transaction

from config import launch
from config.env import BASE_DIR
from reps import verify
from reps.due import jobs
from reps.due.clock import database_now
from tests.chaos import journal
from tests.chaos.load import Plan
from tests.processes.crew import Crew, Process, wait_until

# What waits for longer than this is not at work, but stuck.
AT_WORK = timedelta(seconds=3)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Bench(Crew):
    """
    The processes of one scenario, by name: web, worker, beat, sweep, and what else it wants.

    Each is a session of its own, so that a signal hits it with all its children.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = free_port()
        self.environment |= {
            "DEBUG": "0",
            "DEMO": "0",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "BASE_URL": f"http://127.0.0.1:{self.port}",
            "LOG_LEVEL": "WARNING",
        }
        for name in ("ALLOWED_HOSTS", "BEHIND_PROXY", "CSRF_TRUSTED_ORIGINS"):
            self.environment.pop(name, None)
        self.running: dict[str, Process] = {}
        self.journals: list[Path] = []
        self._commands: dict[str, Sequence[str]] = {
            program.name: program.command for program in self._product().serve
        }

    def _product(self) -> launch.Plan:
        address = self.environment["BASE_URL"]
        return launch.the_product(host="127.0.0.1", number=self.port, address=address, demo=False)

    def command(self, name: str) -> list[str]:
        return list(self._commands[name])

    # --- Starting, killing, freezing ----------------------------------------------------
    def add(self, name: str, command: Sequence[str]) -> None:
        """Say what a process of this name is, to be started by `up`."""
        self._commands[name] = command

    def up(self, *names: str, seconds: float = 90.0) -> None:
        """Start these and wait until they are at work."""
        for name in names:
            self.revive(name)
        if "web" in names:
            wait_until("the web answers", self.web_answers, seconds=seconds)
        for name, beats in (("worker", "celery"), ("sweep", "sweep")):
            # A worker shows life only when beat ticks for it.
            if name in names and (name == "sweep" or "beat" in self.running):
                wait_until(
                    f"{name} is at work", lambda beats=beats: self.beats(beats), seconds=seconds
                )

    def revive(self, name: str) -> None:
        """Start one again, whatever has become of it."""
        if name in self.running:
            self.kill(name)
        self.running[name] = self.start(name, self._commands[name])

    def tend(self) -> list[str]:
        """Start again whoever has died by itself, as `make run` does; return their names."""
        dead = [name for name, one in self.running.items() if launch.has_ended(one.process)]
        for name in dead:
            self.revive(name)
        return dead

    def kill(self, name: str) -> None:
        """kill -9, with all children."""
        self.end(self.running.pop(name))

    def stop(self, *names: str) -> None:
        """Ask these to end in good order."""
        for name in names:
            self.end(self.running.pop(name), signal.SIGTERM)

    def freeze(self, name: str) -> None:
        os.killpg(self.running[name].pid, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        os.killpg(self.running[name].pid, signal.SIGCONT)

    def children(self, name: str) -> list[int]:
        pid = self.running[name].pid
        try:
            listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
        except OSError:
            return []
        return [int(number) for number in listed.split()]

    def end_all(self) -> None:
        self.running.clear()
        super().end_all()

    # --- Asking it ----------------------------------------------------------------------
    def ask(self, path: str, *, seconds: float = 5.0) -> tuple[int, Any]:
        """GET a page of the product; 0 if nobody answers."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            line.request("GET", path)
            answer = line.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            return 0, None
        finally:
            line.close()
        try:
            return answer.status, json.loads(said)
        except ValueError:
            return answer.status, said

    def web_answers(self) -> bool:
        return self.ask("/healthz")[0] == 200

    def beats(self, name: str, *, since: datetime | None = None) -> bool:
        """Whether this loop has shown life since then, or in the last five seconds."""
        from reps.models import Heartbeat

        since = since or database_now() - timedelta(seconds=5)
        return Heartbeat.objects.filter(name=name, at__gte=since).exists()

    def tracebacks(self) -> int:
        """How many errors the processes have told, as a figure."""
        logs = self.folder.glob("*.log")
        return sum(log.read_text(errors="replace").count("Traceback (most") for log in logs)

    # --- The load -----------------------------------------------------------------------
    def client(self, **plan: Any) -> Process:
        """Start a client process; its journal belongs to the run."""
        number = len(self.journals)
        path = self.folder / f"journal-{number}.jsonl"
        told = self.folder / f"client-{number}.json"
        self.journals.append(path)
        made = Plan(port=self.port, journal=str(path), **plan)
        told.write_text(json.dumps(asdict(made)), encoding="utf-8")
        return self.start("client", [sys.executable, "-m", "tests.chaos.load", str(told)])

    def wait_for(self, *processes: Process, seconds: float) -> None:
        """Wait until clients have sent everything."""
        for process in processes:
            wait_until(
                "the clients are done",
                lambda process=process: launch.has_ended(process.process),
                seconds=seconds,
            )

    def acts(self) -> list[journal.Act]:
        return journal.read([path for path in self.journals if path.exists()])

    # --- The end ------------------------------------------------------------------------
    def overdue(self) -> dict[str, float]:
        """What should have been done by now, and for how many seconds it has waited."""
        at, found = database_now(), {}
        for name in jobs.names():
            oldest = jobs.get(name).oldest()
            if oldest is not None and oldest < at - AT_WORK:
                found[name] = round((at - oldest).total_seconds(), 1)
        return found

    def quieten(self, *, seconds: float = 75.0) -> tuple[float, dict[str, float]]:
        """
        Wait until nothing is overdue, twice in a row.

        Return how long that took, and what was still overdue when patience ended.
        """
        began = time.monotonic()
        calm, overdue = 0, {}
        while calm < 2 and time.monotonic() - began < seconds:
            overdue = self.overdue()
            calm = 0 if overdue else calm + 1
            time.sleep(0.5)
        return round(time.monotonic() - began, 1), overdue

    # --- A broker that can be reached by TCP ----------------------------------------------
    @contextlib.contextmanager
    def broker(self, *, port: int = 0, options: Sequence[str] = ()) -> Iterator[str]:
        """Run the broker that `make run` starts; with a port, on TCP too. Named "broker"."""
        folder = Path(tempfile.mkdtemp(prefix="leads-"))
        path = folder / "v.sock"
        words = ["--port", str(port), "--unixsocket", str(path), "--dir", str(folder)]
        words += ["--save", "", "--maxmemory-policy", "noeviction", *options]
        self.add("broker", [str(launch.valkey_binary()), *words])
        self.environment["BROKER_URL"] = f"redis+socket://{quote(str(path))}"
        try:
            self.revive("broker")
            wait_until("the broker answers", lambda: launch.ask_valkey(path, "PING"), seconds=10)
            yield str(path)
        finally:
            if "broker" in self.running:
                self.kill("broker")
            shutil.rmtree(folder, ignore_errors=True)


def violations(codes: Sequence[str] = ()) -> list[str]:
    """Every invariant that does not hold, of one consistent picture of the database."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        checked = list(verify.run(at=database_now(), codes=codes))
    return [f"{one.code} {line}" for one, found in checked for line in found]


def collect_static() -> None:
    """Gather what pages link to, as `make run` does before it starts."""
    if (settings.STATIC_ROOT / "staticfiles.json").exists():
        newest = max(path.stat().st_mtime for path in (BASE_DIR / "static").rglob("*"))
        if (settings.STATIC_ROOT / "staticfiles.json").stat().st_mtime > newest:
            return
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"],
        cwd=BASE_DIR,
        env={**os.environ, "DEBUG": "0", "DJANGO_SETTINGS_MODULE": "config.settings"},
        check=True,
    )
