"""Read settings from the environment, and fail at start with the name of what is wrong."""

import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent

# Seconds after which the broker gives an unfinished message to somebody else.
VISIBILITY_TIMEOUT = 3600
# PostgreSQL, in milliseconds. Routers queue up at the desk, each for the length of a batch, so
# they wait for longer than other locks would ask for.
LOCK_TIMEOUT = 10_000
# A transaction that nobody goes on with holds its locks and the vacuum up.
IDLE_TIMEOUT = 10_000

_environ = environ.Env()


def text(name: str, default: str | None = None) -> str:
    """
    Return a variable as text.

    :raises ImproperlyConfigured: if it is missing and has no default
    """
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"Set the environment variable {name}; see .env.example.")
    return value


def flag(name: str, *, default: bool) -> bool:
    """
    Return a variable as yes or no.

    :raises ImproperlyConfigured: for anything but 1/0, true/false, yes/no, on/off
    """
    raw = os.environ.get(name, "").strip().lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be yes or no, not {raw!r}.")


def number(name: str, default: int) -> int:
    """
    Return a variable as a whole number.

    :raises ImproperlyConfigured: if it is not one
    """
    raw = os.environ.get(name, str(default))
    try:
        return int(raw)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {raw!r}.") from error


def words(name: str, default: str = "") -> list[str]:
    """Return a comma-separated variable as a list, empty items left out."""
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


def beginning(prefix: str) -> dict[str, str]:
    """Return every variable that begins so and is not empty, by the rest of its name."""
    return {
        name.removeprefix(prefix): value
        for name, value in os.environ.items()
        if name.startswith(prefix) and name != prefix and value
    }


def database(url: str, *, durable: bool = True) -> dict:
    """
    Translate a database address into Django's settings.

    SQLite runs in WAL with immediate transactions (measured: without them most concurrent
    writers get "database is locked") and `synchronous=FULL`, so that what a door
    acknowledged survives a power cut. Tests do without that (`durable`), for they
    would spend most of their time waiting for the disk.
    """
    config = dict(_environ.db_url_config(url))
    if config["ENGINE"].endswith("sqlite3"):
        name = Path(config["NAME"])
        name.parent.mkdir(parents=True, exist_ok=True)
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA cache_size=-20000;"
            f"PRAGMA synchronous={'FULL' if durable else 'OFF'};",
        }
        # A file, so that threads and worker processes of the tests meet real locks.
        config["TEST"] = {"NAME": str(name.with_name("test.sqlite3"))}
    else:
        config["CONN_MAX_AGE"] = 60
        config["CONN_HEALTH_CHECKS"] = True
        config["OPTIONS"] = {
            **config.get("OPTIONS", {}),
            "options": f"-c lock_timeout={LOCK_TIMEOUT} "
            # Tests run in one transaction each, and some of them think for long.
            f"-c idle_in_transaction_session_timeout={IDLE_TIMEOUT * (1 if durable else 6)} "
            f"-c statement_timeout={1000 * number('STATEMENT_TIMEOUT', 120)}",
        }
    return config


def secret_key(path: Path) -> str:
    """
    Return `SECRET_KEY`, or a random one kept in a private file for the embedded default.

    Production sets the variable; a system check refuses a real database without it.
    """
    given = os.environ.get("SECRET_KEY")
    if given:
        return given
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(get_random_secret_key(), encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()


def mail(url: str) -> dict:
    """Translate a mail address such as `smtp://user:password@host:587` into settings."""
    return dict(_environ.email_url_config(url))


def broker_options(url: str, var: Path) -> dict:
    """
    Return Celery's transport options for a broker address.

    Redis: a redelivery sweep every 10 s (the default is 100 s), and a broker that is gone is
    noticed. Files: folders below `var`.
    """
    if url.startswith("filesystem"):
        folders = {name: var / "broker" / name for name in ("queue", "control")}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        return {
            "data_folder_in": str(folders["queue"]),
            "data_folder_out": str(folders["queue"]),
            "control_folder": str(folders["control"]),
            "polling_interval": 0.05,
        }
    if url.startswith("redis"):
        return {
            "visibility_timeout": VISIBILITY_TIMEOUT,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": 2,
            # No socket_timeout: with one, an acknowledgement that a frozen broker does not answer
            # leaves kombu's count of unfinished messages one too high, and with a prefetch of 1
            # the worker takes nothing more, ever (seen with Celery 5.7 and a stopped Redis). A
            # broker that froze goes on where it was; one that is gone the kernel finds out.
            "socket_keepalive": True,
            "health_check_interval": 10,
        }
    return {}
