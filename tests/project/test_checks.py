"""The system checks refuse settings that would cost a lead, and only those."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, connection

from config import checks, env

LONG_KEY = "k" * 60
POSTGRES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "leads"}}
SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": "/nowhere/db.sqlite3",
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous = FULL;",
    },
}


EMBEDDED = {
    "DEBUG": False,
    "DEMO": False,
    "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"],
    "BASE_URL": "http://127.0.0.1:8000",
    "SECRET_KEY": LONG_KEY,
    "DATABASES": {"default": SQLITE},
    "VAR": Path("/nowhere"),
    "TWILIO_ACCOUNT_SID": "",
    "TWILIO_AUTH_TOKENS": [],
    "TWILIO_SMS_FROM": "",
    "TWILIO_WHATSAPP_FROM": "",
    "TEAMS_OUTGOING_SECRETS": [],
    "VAPID_PRIVATE_KEY": "",
}
# A key of nobody: the number 1 on the curve.
VAPID_KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"
PRODUCTION = {
    **EMBEDDED,
    "DATABASES": POSTGRES,
    "BASE_URL": "https://leads.example",
    "VAPID_PRIVATE_KEY": VAPID_KEY,
}
TWILIO = {
    "TWILIO_ACCOUNT_SID": "AC1",
    "TWILIO_AUTH_TOKENS": ["x"],
    "TWILIO_WHATSAPP_FROM": "+15550100",
}


@pytest.fixture
def given(monkeypatch):
    """Let the checks see settings, with changes."""
    monkeypatch.delenv("THROWAWAY_PG", raising=False)

    def see(settings, **changes):
        monkeypatch.setattr(checks, "settings", SimpleNamespace(**{**settings, **changes}))

    return see


def ids():
    """Run the checks that need no database; return what they found."""
    functions = (
        checks.check_secret_key,
        checks.check_address,
        checks.check_demo,
        checks.check_channels,
        checks.check_sqlite,
    )
    return [message.id for function in functions for message in function(None)]


class FakeServer:
    """Connections of a server that answers SHOW."""

    def __init__(self, **shown):
        self.shown = shown

    def __getitem__(self, alias):
        return self

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *args):
        return None

    def execute(self, question):
        self.answer = self.shown[question.removeprefix("SHOW ")]

    def fetchone(self):
        return (self.answer,)


def test_the_embedded_default_and_a_good_production_pass(given):
    given(EMBEDDED)

    assert ids() == []
    given(PRODUCTION)

    assert ids() == []


@pytest.mark.parametrize(
    "changes",
    [{"DATABASES": POSTGRES}, {"ALLOWED_HOSTS": ["leads.example"]}, {"ALLOWED_HOSTS": ["*"]}],
)
def test_a_real_database_or_a_public_name_is_production(given, changes):
    given(EMBEDDED, **changes)

    assert checks.is_production()


@pytest.mark.parametrize("changes", [{}, {"DEBUG": True}, {"DEMO": True}])
def test_debug_demo_and_the_embedded_default_are_not(given, changes):
    given(EMBEDDED, **({"DATABASES": POSTGRES} if changes else {}), **changes)

    assert not checks.is_production()


def test_a_database_thrown_away_after_the_tests_is_not_production(given, monkeypatch):
    monkeypatch.setenv("THROWAWAY_PG", "1")

    given(PRODUCTION)

    assert not checks.is_production()


def test_production_needs_a_key_that_somebody_set(given, tmp_path):
    (tmp_path / "secret_key").write_text(LONG_KEY)

    given(PRODUCTION, VAR=tmp_path)

    assert ids() == ["config.E001"]


def test_production_needs_a_long_key(given):
    given(PRODUCTION, SECRET_KEY="k" * 49)

    assert ids() == ["config.E002"]


def test_production_is_warned_of_an_address_without_https(given):
    given(PRODUCTION, BASE_URL="http://leads.example")

    assert ids() == ["config.W001"]


@pytest.mark.parametrize("name", TWILIO)
def test_a_provider_of_short_messages_that_is_set_up_by_half_is_named(given, name):
    given(EMBEDDED, **TWILIO)
    assert ids() == []

    given(EMBEDDED, **TWILIO | {name: ""})
    assert ids() == ["config.W003"]


def test_a_token_of_teams_that_was_cut_off_is_named(given):
    given(EMBEDDED, TEAMS_OUTGOING_SECRETS=["c2VjcmV0"])
    assert ids() == []

    given(EMBEDDED, TEAMS_OUTGOING_SECRETS=["c2VjcmV0c"])
    assert ids() == ["config.W004"]


def test_production_is_warned_of_a_key_that_each_machine_makes_for_itself(given):
    given(PRODUCTION, VAPID_PRIVATE_KEY="")

    assert ids() == ["config.W005"]


@pytest.mark.parametrize("key", ["x", "no key at all!", "AAAA", "A" * 43, VAPID_KEY * 2])
def test_what_is_no_key_for_web_push_is_refused(given, key):
    given(PRODUCTION, VAPID_PRIVATE_KEY=key)

    assert ids() == ["config.E006"]


def test_a_demo_that_others_reach_is_warned_of(given):
    given(EMBEDDED, DEMO=True, ALLOWED_HOSTS=["*"])

    assert ids() == ["config.W002"]


@pytest.mark.parametrize(
    ("option", "value", "found"),
    [
        ("transaction_mode", "DEFERRED", "config.E003"),
        ("init_command", "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;", "config.E004"),
        ("init_command", "PRAGMA synchronous=FULL;", "config.E007"),
        ("timeout", 5, "config.E006"),
    ],
)
def test_sqlite_waits_its_turn_and_keeps_what_it_acknowledged(given, option, value, found):
    options = {**SQLITE["OPTIONS"], option: value}

    given(EMBEDDED, DATABASES={"default": {**SQLITE, "OPTIONS": options}})

    assert ids() == [found]


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ({"fsync": "on", "synchronous_commit": "on"}, []),
        ({"fsync": "on", "synchronous_commit": "remote_apply"}, []),
        ({"fsync": "off", "synchronous_commit": "on"}, ["config.E005"]),
        ({"fsync": "on", "synchronous_commit": "off"}, ["config.E005"]),
    ],
)
def test_postgres_keeps_what_it_acknowledged(given, monkeypatch, shown, found):
    monkeypatch.setattr(checks, "connections", FakeServer(**shown))

    given(PRODUCTION)

    assert [m.id for m in checks.check_postgres(None, databases=["default"])] == found


def test_postgres_is_asked_only_when_databases_are_checked(given, monkeypatch):
    monkeypatch.setattr(checks, "connections", FakeServer())

    given(PRODUCTION)

    assert checks.check_postgres(None, databases=None) == []


def test_sqlite_does_not_lie_where_locks_do_not_hold(given, monkeypatch):
    monkeypatch.setattr(checks, "file_system_of", lambda path: "nfs4")

    given(EMBEDDED)

    assert ids() == ["config.E008"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/a/db.sqlite3", "ext4"),
        ("/mnt/share/db.sqlite3", "nfs4"),
        ("/mnt/share two/db.sqlite3", "cifs"),
        ("/mnt/shared/db.sqlite3", "ext4"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(tmp_path, path, kind):
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 / ext4 rw 0 0\nserver:/x /mnt/share nfs4 rw 0 0\n"
        "//srv/y /mnt/share\\040two cifs rw 0 0\n"
    )

    assert checks.file_system_of(Path(path), mounts) == kind
    assert checks.file_system_of(Path(path), tmp_path / "missing") == ""


def test_every_way_to_sqlite_passes_the_checks_that_guard_it(given, tmp_path):
    given(EMBEDDED, DATABASES={"default": env.database(f"sqlite:///{tmp_path}/db.sqlite3")})

    assert ids() == []


def test_a_session_of_postgres_neither_waits_nor_holds_for_ever():
    options = env.database("postgres://u:p@db/leads")["OPTIONS"]["options"]

    assert "lock_timeout=10000" in options
    assert "idle_in_transaction_session_timeout=10000" in options
    assert "statement_timeout=120000" in options


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's own settings")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("statement_timeout", "2min"),
        ("transaction_isolation", "read committed"),
    ],
)
def test_a_session_really_has_them(name, value):
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        assert cursor.fetchone() == (value,)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_nobody_goes_on_with_is_ended(monkeypatch):
    forgotten = connection.copy()
    try:
        with forgotten.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = 200")
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1")
        time.sleep(1)
        with pytest.raises(DatabaseError), forgotten.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        forgotten.close()
