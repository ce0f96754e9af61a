"""
System checks: mistakes between settings, found at start and named before they cost a lead.

Production is what is neither debug nor demo and either has a real database or is reached
from other machines. The embedded default passes, and so does a database thrown away
after the tests.
"""

import os
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]", ".localhost", "testserver"}
SHORTEST_KEY = 50


def uses(engine: str, alias: str = "default") -> bool:
    return settings.DATABASES[alias]["ENGINE"].endswith(engine)


def is_reached_from_elsewhere() -> bool:
    return not LOCAL_HOSTS.issuperset(settings.ALLOWED_HOSTS)


def is_production() -> bool:
    if settings.DEBUG or settings.DEMO or os.environ.get("THROWAWAY_PG"):
        return False
    return uses("postgresql") or is_reached_from_elsewhere()


@register(Tags.security)
def check_secret_key(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E001, E002: sessions and links of production hang on a key that somebody chose."""
    if not is_production():
        return []
    own = settings.VAR / "secret_key"
    if own.exists() and own.read_text(encoding="utf-8").strip() == settings.SECRET_KEY:
        return [
            Error(
                "SECRET_KEY is not set, so this machine uses a key that only it has.",
                hint="Set the environment variable SECRET_KEY, the same on every machine.",
                id="config.E001",
            )
        ]
    if len(settings.SECRET_KEY) < SHORTEST_KEY:
        return [
            Error(
                f"SECRET_KEY is shorter than {SHORTEST_KEY} characters.",
                hint="python -c 'import secrets; print(secrets.token_urlsafe(64))' makes one.",
                id="config.E002",
            )
        ]
    return []


@register(Tags.security)
def check_address(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """W001: without HTTPS in BASE_URL, cookies and the links in mails travel in the clear."""
    if not is_production() or settings.BASE_URL.startswith("https://"):
        return []
    return [
        Warning(
            f"BASE_URL is {settings.BASE_URL}, which is not HTTPS.",
            hint="Set BASE_URL to the address that people use; secure cookies follow from it.",
            id="config.W001",
        )
    ]


@register(Tags.security)
def check_demo(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """W002: everybody knows the demo's passwords."""
    if not (settings.DEMO and is_reached_from_elsewhere()):
        return []
    return [
        Warning(
            "DEMO is on, whose logins everybody knows, and ALLOWED_HOSTS names other hosts.",
            hint="Set DEMO=0, or keep ALLOWED_HOSTS to this machine.",
            id="config.W002",
        )
    ]


@register(Tags.compatibility)
def check_sqlite(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E003, E004: on SQLite, concurrent writers wait instead of failing, and commits last."""
    if not uses("sqlite3"):
        return []
    options = settings.DATABASES["default"].get("OPTIONS", {})
    pragmas = options.get("init_command", "").replace(" ", "").lower()
    found: list[CheckMessage] = []
    if options.get("transaction_mode") != "IMMEDIATE":
        found.append(
            Error(
                'SQLite must run with transaction_mode "IMMEDIATE": otherwise most concurrent '
                'writers get "database is locked".',
                id="config.E003",
            )
        )
    if "synchronous=full" not in pragmas:
        found.append(
            Error(
                "SQLite must run with synchronous=FULL: otherwise a power cut can lose leads "
                "that were acknowledged.",
                id="config.E004",
            )
        )
    return found


@register(Tags.database)
def check_postgres(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """E005: what PostgreSQL acknowledged must be on its disk."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        if not (is_production() and uses("postgresql", alias)):
            continue
        for name in ("fsync", "synchronous_commit"):
            with connections[alias].cursor() as cursor:
                cursor.execute(f"SHOW {name}")
                value = cursor.fetchone()[0]
            if value == "off":
                found.append(
                    Error(
                        f"PostgreSQL runs with {name}=off ({alias}): a crash can lose leads that "
                        "were acknowledged.",
                        hint=f"Set {name} to on in the server's configuration.",
                        id="config.E005",
                    )
                )
    return found
