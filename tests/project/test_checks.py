"""The system checks refuse settings that would cost a lead, and only those."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from config import checks

LONG_KEY = "k" * 60
POSTGRES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "leads"}}
SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
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
}
PRODUCTION = {**EMBEDDED, "DATABASES": POSTGRES, "BASE_URL": "https://leads.example"}


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


def test_a_demo_that_others_reach_is_warned_of(given):
    given(EMBEDDED, DEMO=True, ALLOWED_HOSTS=["*"])

    assert ids() == ["config.W002"]


@pytest.mark.parametrize(
    ("option", "value", "found"),
    [
        ("transaction_mode", "DEFERRED", "config.E003"),
        ("init_command", "PRAGMA synchronous=NORMAL;", "config.E004"),
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
