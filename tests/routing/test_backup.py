"""A backup can be restored, row for row; and what was restored keeps quiet until released."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from reps.due.clock import database_now
from reps.models import Alarm, Message
from reps.trail import anchors
from routing.models import Lead, Prospect
from routing.privacy import erase
from routing.recovery import drill, look, manifest, postgres, sqlite
from routing.recovery.take import take
from tests import make

AT = make.MONDAY_9AM
FAR = datetime(2100, 1, 1, tzinfo=UTC)
EMAIL = "needle@needle-mail.example"
# What a restore adds to, for it says on record that effects are held, and tells the admins.
ADDED_TO = {"reps_hold", "reps_alarm", "reps_auditevent", "reps_audithead", "reps_message"}
# Both ask for transactions of their own.
pytestmark = pytest.mark.django_db(transaction=True)

# Drains what reaches out, as every driver does, and says what has moved.
DRAIN = f"""
import json, django
django.setup()
from datetime import datetime, UTC
from django.db.models import Count
from reps.due import jobs
from reps.models import Message
from sla.models import Clock
far = datetime({FAR.year}, 1, 1, tzinfo=UTC)
done = {{name: jobs.drain(name, driver="test", due_before=far, rounds=20)
        for name in ("clocks", "pauses", "outbox")}}
states = list(Message.objects.order_by().values_list("state").annotate(n=Count("pk")))
running = Clock.objects.filter(state="RUNNING").count()
print(json.dumps({{"done": done, "states": dict(states), "running": running}}))
"""


@pytest.fixture(autouse=True)
def outside(settings, tmp_path):
    settings.ERASURE_LEDGER = str(tmp_path / "outside" / "erasures.log")
    settings.AUDIT_ANCHOR_FILE = ""


@pytest.fixture(autouse=True)
def as_migrated(settings):
    """Tables are made from the models here; note that all migrations are behind them."""
    settings.MIGRATION_MODULES = {}
    recorder = MigrationRecorder(connection)
    recorder.ensure_schema()
    recorder.flush()
    for app, name in MigrationLoader(None, ignore_no_migrations=True).disk_migrations:
        recorder.record_applied(app, name)
    yield
    recorder.flush()


@pytest.fixture
def world():
    """Leads that somebody promised something about, and messages that wait."""
    make.organisation()
    team = make.team("North", manager=make.user("boss", group="manager"))
    ann = make.rep("ann", team=team)
    make.policy("Acknowledge")
    make.rules(make.round_robin(make.pool(ann)))
    for number in range(3):
        make.routed(make.lead({"first_name": f"Näme {number}", "message": "a\x0bb\n'\"\\"}))
    assert Message.objects.filter(state="PENDING").exists()
    return make.routed(make.lead({"email": EMAIL, "first_name": "Needle"}))


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "backups"
    made.mkdir()
    return made


@pytest.fixture
def scratch(tmp_path):
    with drill.scratch(tmp_path) as url:
        yield url


KILLED_AFTER_LOADING = """
import os, sys
from pathlib import Path
import django
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()
from routing.recovery import postgres
postgres.load(Path(sys.argv[1]))
os._exit(9)
"""


def python(url: str, *words: object, **more: str) -> subprocess.CompletedProcess:
    """Run Python as an operator does, on another database."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "SECRET_KEY": django_settings.SECRET_KEY,
        "BROKER_URL": "memory://",
        "EMAIL_URL": "dummymail://",
        "ERASURE_LEDGER": django_settings.ERASURE_LEDGER,
        "AUDIT_ANCHOR_FILE": django_settings.AUDIT_ANCHOR_FILE,
        **more,
    }
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=django_settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def restored(url: str, backup: Path, *words: str) -> str:
    done = python(url, "manage.py", "restore", backup, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(url: str, backup: Path, *words: str, **more: str) -> str:
    done = python(url, "manage.py", "restore", backup, *words, **more)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def drained(url: str) -> dict:
    done = python(url, "-c", DRAIN)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def rows_at(url: str | None) -> dict[str, list[str]]:
    """Every row of every table, read by other means than those of the backup."""
    one = connection if url is None else connection.copy()
    if url is not None:
        name = url.rpartition("sqlite:///")[2] if "sqlite" in url else name_in(url)
        one.settings_dict = {**connection.settings_dict, "NAME": name}
    found = {}
    try:
        with one.cursor() as cursor:
            for table in one.introspection.table_names(cursor):
                cursor.execute(f'SELECT * FROM "{table}"')
                found[table] = sorted(map(repr, cursor.fetchall()))
    finally:
        if url is not None:
            one.close()
    return found


def name_in(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def rewritten(backup: Path, **changes: object) -> None:
    """Change the manifest of a backup."""
    path = manifest.path_of(backup)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


# --- Backing up -----------------------------------------------------------------------------------


def test_a_backup_is_two_private_files_and_says_what_is_in_it(world, folder):
    call_command("backup", str(folder), stdout=StringIO())

    backup, beside = sorted(folder.iterdir(), key=lambda path: path.name.endswith(".json"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in (backup, beside)} == {0o600}
    told = manifest.read(backup)
    assert told.counts["leads"] == Lead.objects.count()
    assert datetime.fromisoformat(told.newest_receipt) == AT
    assert told.head["hash"]
    assert told.vendor == connection.vendor
    assert (told.size, len(told.sha256)) == (backup.stat().st_size, 64)
    words = beside.read_text() + told.key
    assert EMAIL not in words
    assert django_settings.SECRET_KEY not in words


def test_a_backup_overwrites_nothing(world, folder):
    (folder / "mine").write_text("precious")

    with pytest.raises(CommandError, match="Choose another name"):
        call_command("backup", str(folder / "mine"))

    assert (folder / "mine").read_text() == "precious"


@pytest.mark.parametrize("place", ["no/mine", "no/"])
def test_a_backup_into_a_folder_that_is_not_there_names_the_way_out(world, folder, place):
    with pytest.raises(CommandError, match="mkdir -p"):
        call_command("backup", f"{folder}/{place}")

    assert list(folder.iterdir()) == []


def test_a_backup_that_fails_half_way_leaves_nothing(world, folder, monkeypatch):
    room = postgres if connection.vendor == "postgresql" else sqlite
    real = room.dump

    def full(part):
        real(part)
        raise OSError("No space left on device")

    monkeypatch.setattr(room, "dump", full)

    with pytest.raises(OSError, match="No space"):
        take(folder)

    assert list(folder.iterdir()) == []


def test_a_backup_of_nothing_is_refused(folder):
    MigrationRecorder(connection).flush()

    with pytest.raises(CommandError, match="DATABASE_URL"):
        call_command("backup", str(folder))

    assert list(folder.iterdir()) == []


@pytest.mark.nightly
@pytest.mark.processes
def test_a_backup_is_of_one_moment_while_others_write(world, folder, scratch):
    stop = threading.Event()

    def write():
        number = 0
        try:
            while not stop.is_set():
                number += 1
                Alarm.objects.bulk_create(
                    Alarm(key=f"{half}/{number}", text="", since=AT, seen_at=AT)
                    for half in ("left", "right")
                )
        finally:
            connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while Alarm.objects.count() < 20:
            stop.wait(0.01)
        backup, told = take(folder)
    finally:
        stop.set()
        writer.join()

    assert told.tables["reps_alarm"][0] >= 20
    assert told.tables["reps_alarm"][0] % 2 == 0
    restored(scratch, backup, "--skip-verify")


# --- Restoring ------------------------------------------------------------------------------------


@pytest.mark.processes
def test_a_round_trip_keeps_every_row_of_every_table(world, folder, scratch):
    anchors.run(AT + timedelta(days=3))
    backup, _ = take(folder)

    said = restored(scratch, backup)

    assert "All invariants hold." in said
    here, there = rows_at(None), rows_at(scratch)
    assert here.keys() == there.keys()
    for table, rows in here.items():
        if table in ADDED_TO:
            assert set(rows) <= set(there[table]), table
        else:
            assert rows == there[table], table
    assert len(there["reps_hold"]) == 1


@pytest.mark.nightly
@pytest.mark.processes
def test_new_rows_go_on_where_the_backup_ended(world, folder, scratch):
    backup, told = take(folder)
    restored(scratch, backup)

    done = python(
        scratch,
        "-c",
        "import django; django.setup()\n"
        "from reps.models import AuditEvent; from reps.trail import audit\n"
        f"assert AuditEvent.objects.get(pk={told.head['id']}).hash == '{told.head['hash']}'\n"
        f"assert AuditEvent.objects.filter(pk__gt={told.head['id']}, kind='held').exists()\n"
        "assert list(audit.broken()) == []",
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.nightly
@pytest.mark.processes
def test_nothing_is_sent_and_no_clock_fires_until_it_is_released(world, folder, scratch):
    backup, _ = take(folder)
    restored(scratch, backup)

    held = drained(scratch)
    again = drained(scratch)

    assert held["done"] == {"clocks": 0, "pauses": 0, "outbox": 0}
    assert held["running"] > 0
    assert held["states"].keys() == {"PENDING"}
    assert held == again

    release = python(scratch, "manage.py", "release", "restored", "--reason", "looked at")
    free = drained(scratch)

    assert release.returncode == 0, release.stderr
    assert free["done"]["clocks"] > 0
    assert free["done"]["outbox"] > 0


@pytest.mark.processes
def test_whom_a_backup_brings_back_is_erased_again(world, folder, scratch):
    stays = Prospect.objects.exclude(pk=world.prospect_id).first()
    backup, _ = take(folder)
    erase.erase(prospect_id=world.prospect_id, reason="asked", by=None, at=database_now())

    said = restored(scratch, backup)

    assert "1 erased again" in said
    there = rows_at(scratch)
    assert not [row for rows in there.values() for row in rows if "needle" in row.casefold()]
    assert any(stays.email in row for row in there["routing_prospect"])


@pytest.mark.nightly
@pytest.mark.processes
def test_a_restore_says_how_much_is_missing_and_that_there_is_no_ledger(world, folder, scratch):
    backup, _ = take(folder)

    done = python(scratch, "manage.py", "restore", backup)

    assert f"the newest receipt is of {AT:%Y-%m-%dT%H:%M:%S} UTC" in done.stdout
    assert "There is no erasure ledger" in done.stderr


@pytest.mark.nightly
@pytest.mark.processes
def test_an_older_backup_is_brought_up_to_this_code(world, folder, scratch):
    # One that changes no table, so that they are as they were before it.
    app, name = "admin", "0003_logentry_add_action_flag_choices"
    MigrationRecorder(connection).record_unapplied(app, name)
    backup, told = take(folder)
    assert f"{app}.{name}" not in told.migrations

    said = restored(scratch, backup)

    assert "brought up to this code" in said
    assert any(name in row for row in rows_at(scratch)["django_migrations"])


@pytest.mark.nightly
@pytest.mark.processes
def test_days_that_a_restore_gave_up_are_no_forgery(world, folder, scratch, settings, tmp_path):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")
    anchors.run(AT + timedelta(days=3))
    backup, _ = take(folder)
    anchors.run(AT + timedelta(days=8))

    assert "All invariants hold." in restored(scratch, backup)


@pytest.mark.nightly
@pytest.mark.processes
def test_violations_are_shown_and_what_was_restored_stays_held(world, folder, scratch):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE routing_repload SET open = open + 1")
    backup, _ = take(folder)

    done = python(scratch, "manage.py", "restore", backup)

    assert done.returncode == 1
    assert "I4   VIOLATED" in done.stdout
    assert "restored and held" in done.stderr
    assert len(rows_at(scratch)["reps_hold"]) == 1


@pytest.mark.nightly
@pytest.mark.processes
def test_a_database_that_came_back_by_another_way_is_held_and_erased_again(world, folder, scratch):
    """As a provider does it, who knows of neither manifest nor ledger."""
    backup, _ = take(folder)
    restored(scratch, backup)
    release = python(scratch, "manage.py", "release", "restored", "--reason", "for the test")
    assert release.returncode == 0, release.stderr
    erase.erase(prospect_id=world.prospect_id, reason="asked", by=None, at=database_now())

    done = python(scratch, "manage.py", "restore", "--recovered")

    assert "1 erased again" in done.stdout, done.stderr
    assert f"the newest receipt is of {AT:%Y-%m-%dT%H:%M:%S} UTC" in done.stdout
    assert drained(scratch)["done"] == {"clocks": 0, "pauses": 0, "outbox": 0}


def test_a_restore_wants_either_a_file_or_what_was_recovered(world, folder):
    backup, _ = take(folder)

    with pytest.raises(CommandError, match="Name the backup"):
        call_command("restore")
    with pytest.raises(CommandError, match="Name the backup"):
        call_command("restore", str(backup), "--recovered")


def test_a_recovered_database_of_nothing_or_of_newer_code_is_refused():
    MigrationRecorder(connection).record_applied("routing", "9999_of_tomorrow")
    with pytest.raises(CommandError, match=r"does not know routing\.9999_of_tomorrow"):
        call_command("restore", "--recovered")

    MigrationRecorder(connection).flush()
    with pytest.raises(CommandError, match="DATABASE_URL"):
        call_command("restore", "--recovered")


# --- What is refused ------------------------------------------------------------------------------


@pytest.mark.once
@pytest.mark.parametrize("harm", ["a byte", "the end"])
def test_a_corrupted_file_is_refused(world, folder, harm):
    backup, _ = take(folder)
    content = bytearray(backup.read_bytes())
    if harm == "a byte":
        content[len(content) // 2] ^= 0xFF
    else:
        del content[-100:]
    backup.write_bytes(content)

    with pytest.raises(CommandError, match="damaged"):
        call_command("restore", str(backup))


def test_a_backup_without_its_manifest_is_refused(world, folder):
    backup, _ = take(folder)
    manifest.path_of(backup).unlink()

    with pytest.raises(CommandError, match="Copy both files"):
        call_command("restore", str(backup))


@pytest.mark.once
@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "tables": {}}'])
def test_a_manifest_that_is_none_is_refused(world, folder, text):
    backup, _ = take(folder)
    manifest.path_of(backup).write_text(text)

    with pytest.raises(CommandError, match="damaged"):
        call_command("restore", str(backup))


def test_a_backup_of_newer_code_is_refused(world, folder):
    backup, told = take(folder)
    rewritten(backup, migrations=[*told.migrations, "routing.9999_of_tomorrow"])

    with pytest.raises(CommandError, match=r"does not know routing\.9999_of_tomorrow"):
        call_command("restore", str(backup))


def test_a_backup_of_another_kind_of_database_is_refused(world, folder):
    backup, _ = take(folder)
    rewritten(backup, vendor="oracle")

    with pytest.raises(CommandError, match="backup of oracle"):
        call_command("restore", str(backup))


def test_another_secret_key_is_refused_for_nobody_could_be_erased(world, folder, settings):
    backup, _ = take(folder)
    settings.SECRET_KEY = "another" * 10

    with pytest.raises(CommandError, match="SECRET_KEY is not the one"):
        call_command("restore", str(backup))


def test_a_database_with_data_is_refused_and_stays_as_it_is(world, folder):
    backup, _ = take(folder)
    before = rows_at(None)

    with pytest.raises(CommandError, match=r"holds data|is not empty"):
        call_command("restore", str(backup))

    assert rows_at(None) == before


@pytest.mark.nightly
@pytest.mark.processes
def test_rows_that_are_not_those_of_the_manifest_are_refused(world, folder, scratch):
    backup, told = take(folder)
    rewritten(backup, tables={**told.tables, "routing_lead": [4, "of other rows"]})

    said = refused(scratch, backup)

    assert "routing_lead has 4 rows as it should, but not the same ones" in said
    if connection.vendor == "postgresql":
        # It is filled already, so nothing may leave it.
        assert len(rows_at(scratch)["reps_hold"]) == 1
    else:
        assert not Path(scratch.removeprefix("sqlite:///")).exists()


# --- SQLite ---------------------------------------------------------------------------------------

only_sqlite = pytest.mark.skipif(
    "connection.vendor != 'sqlite'", reason="a file can be put in another's place"
)
only_postgres = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="a server has programs, roles and connections"
)


@only_sqlite
@pytest.mark.nightly
@pytest.mark.processes
def test_a_database_is_replaced_only_when_told_and_then_kept(world, folder, scratch, tmp_path):
    backup, _ = take(folder)
    restored(scratch, backup)
    former = rows_at(scratch)

    assert "--replace" in refused(scratch, backup)
    assert rows_at(scratch) == former
    said = restored(scratch, backup, "--replace")

    [kept] = tmp_path.glob("scratch.sqlite3.before-*")
    assert str(kept) in said
    assert rows_at(f"sqlite:///{kept}") == former
    assert sorted(path.name for path in tmp_path.glob("scratch*")) == sorted(
        ["scratch.sqlite3", kept.name]
    )


@only_sqlite
@pytest.mark.nightly
@pytest.mark.processes
def test_a_database_in_use_is_not_replaced(world, folder, scratch):
    backup, _ = take(folder)
    restored(scratch, backup)
    path = scratch.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as another:
        another.execute("PRAGMA journal_mode=WAL")
        another.execute("SELECT count(*) FROM routing_lead").fetchall()

        assert "Stop the product first" in refused(scratch, backup, "--replace")
        assert another.execute("SELECT count(*) FROM routing_lead").fetchall() == [(4,)]


# --- PostgreSQL -----------------------------------------------------------------------------------


@only_postgres
@pytest.mark.nightly
@pytest.mark.processes
def test_a_server_s_database_that_others_use_is_not_restored_into(world, folder, scratch):
    backup, _ = take(folder)
    other = connection.copy()
    other.settings_dict = {**connection.settings_dict, "NAME": name_in(scratch)}
    with closing(other), other.cursor():
        assert "1 others are connected" in refused(scratch, backup)


@only_postgres
@pytest.mark.nightly
@pytest.mark.processes
def test_a_server_s_database_is_never_replaced(world, folder, scratch):
    backup, _ = take(folder)

    assert "--replace is for SQLite" in refused(scratch, backup, "--replace")


@only_postgres
@pytest.mark.nightly
@pytest.mark.processes
def test_a_restore_that_is_killed_before_it_holds_is_held_by_whoever_starts(world, folder, scratch):
    backup, _ = take(folder)
    done = python(scratch, "-c", KILLED_AFTER_LOADING, str(backup))
    assert done.returncode == 9, done.stderr

    assert drained(scratch)["done"] == {"clocks": 0, "pauses": 0, "outbox": 0}


@only_postgres
def test_the_password_is_on_no_command_line(world, folder, monkeypatch):
    seen = []

    def run(command, *, env, **more):
        seen.append((command, env))
        return subprocess.CompletedProcess(command, 0, "", "")

    programs = postgres.programs()
    monkeypatch.setattr(postgres, "programs", lambda: programs)
    monkeypatch.setattr(postgres.subprocess, "run", run)
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "not-for-everybody")

    take(folder)

    [(command, environment)] = seen
    assert "not-for-everybody" not in " ".join(command)
    assert environment["PGPASSWORD"] == "not-for-everybody"


@only_postgres
def test_no_programs_of_the_server_s_version_name_the_way_out(world, folder, monkeypatch):
    monkeypatch.delenv("PG_BIN", raising=False)
    monkeypatch.setattr(postgres, "_version", lambda folder: 9)

    with pytest.raises(CommandError, match="set PG_BIN"):
        call_command("backup", str(folder))

    assert list(folder.iterdir()) == []


# --- The drill ------------------------------------------------------------------------------------


def databases() -> set[str]:
    if connection.vendor != "postgresql":
        return set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.processes
def test_a_drill_is_green_and_leaves_everything_as_it_was(world, folder, settings, tmp_path):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")
    gone = make.lead({"email": "gone@gone.example"}).prospect_id
    erase.erase(prospect_id=gone, reason="asked", by=None, at=database_now())
    anchors.run(AT + timedelta(days=3))
    before, outside, there = rows_at(None), read_outside(settings), databases()
    printed = StringIO()

    call_command("drill", "--folder", str(folder), stdout=printed)

    said = printed.getvalue()
    for step in ("backup", "restore", "compare", "held back", "verify"):
        assert any(line.startswith(step) and line.endswith("ok") for line in said.splitlines())
    assert "The drill went well" in said
    assert rows_at(None) == before
    assert read_outside(settings) == outside
    assert databases() == there
    assert list(folder.iterdir()) == []


def read_outside(settings) -> list[str]:
    return [Path(p).read_text() for p in (settings.ERASURE_LEDGER, settings.AUDIT_ANCHOR_FILE)]


@pytest.mark.nightly
@pytest.mark.processes
def test_a_drill_is_red_when_a_row_differs(world, folder, monkeypatch):
    def take_another(room):
        """The manifest of one moment with the rows of another."""
        path, told = take(room)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE routing_lead SET campaign = 'other' WHERE id = %s", [world.pk])
        other, later = take(room / "other")
        other.replace(path)
        manifest.path_of(other).unlink()
        rewritten(path, sha256=later.sha256, size=later.size)
        return path, told

    monkeypatch.setattr(drill, "take", take_another)
    there, printed = databases(), StringIO()

    with pytest.raises(CommandError, match="The drill failed"):
        call_command("drill", "--folder", str(folder), stdout=printed)

    assert "routing_lead has 4 rows as it should, but not the same ones" in printed.getvalue()
    assert databases() == there


def test_a_look_names_what_is_missing_and_what_is_too_much(world, folder):
    _, told = take(folder)
    assert look.compared(told) == []
    make.lead()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE routing_submission AS SELECT 1 AS id WHERE 1 = 0")

    wrong = look.compared(told)

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE routing_submission")
    assert wrong == ["5 leads instead of 4", "0 receipts instead of 4"]


def test_a_look_lets_nothing_out_of_a_database_that_is_not_held(world):
    before = rows_at(None)

    assert look.let_out() == ["it is not in restore mode"]
    assert rows_at(None) == before
