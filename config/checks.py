"""
System checks: mistakes between settings, found at start and named before they cost a lead.

Production is what is neither debug nor demo and either has a real database or is reached
from other machines. The embedded default passes, and so does a database thrown away
after the tests.
"""

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections
from py_vapid import Vapid

LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]", ".localhost", "testserver"}
SHORTEST_KEY = 50
SHORTEST_WAIT = 20
NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "afs", "ceph", "glusterfs", "fuse.sshfs", "9p")


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


@register(Tags.security)
def check_channels(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """W003 to W005, E006: a channel that is half set up would stay silent without a word."""
    return [*_check_twilio(), *_check_teams(), *_check_vapid()]


def _check_twilio() -> list[CheckMessage]:
    """W003: SMS and WhatsApp need the account, its token, and a sender."""
    given = {
        "TWILIO_ACCOUNT_SID": settings.TWILIO_ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": settings.TWILIO_AUTH_TOKENS,
        "TWILIO_SMS_FROM or TWILIO_WHATSAPP_FROM": settings.TWILIO_SMS_FROM
        or settings.TWILIO_WHATSAPP_FROM,
    }
    missing = [name for name, value in given.items() if not value]
    if not missing or len(missing) == len(given):
        return []
    return [
        Warning(
            f"SMS and WhatsApp are set up by half: {' and '.join(missing)} is missing.",
            hint="Set all three, or none; see docs/operators/channels.md.",
            id="config.W003",
        )
    ]


def _check_teams() -> list[CheckMessage]:
    """W004: Teams shows the security token in base64, and a part of it signs nothing."""
    for secret in settings.TEAMS_OUTGOING_SECRETS:
        try:
            base64.b64decode(secret, validate=True)
        except ValueError:
            return [
                Warning(
                    "TEAMS_OUTGOING_SECRET is not the security token that Teams showed.",
                    hint="Copy it whole, with the = at its end, or make a new outgoing webhook.",
                    id="config.W004",
                )
            ]
    return []


def _check_vapid() -> list[CheckMessage]:
    """W005, E006: with another key than yesterday's, no browser takes a message."""
    if not settings.VAPID_PRIVATE_KEY:
        if not is_production():
            return []
        return [
            Warning(
                "VAPID_PRIVATE_KEY is not set: each machine makes a key of its own in var/, and "
                "browsers take messages from the one that they subscribed with only.",
                hint="Set it, the same on every machine; see docs/operators/channels.md.",
                id="config.W005",
            )
        ]
    try:
        Vapid.from_string(settings.VAPID_PRIVATE_KEY)
    except ValueError:
        return [
            Error(
                "VAPID_PRIVATE_KEY is not a private key on P-256 in base64url.",
                hint="docs/operators/channels.md says how to make one.",
                id="config.E006",
            )
        ]
    return []


@register(Tags.compatibility)
def check_sqlite(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """
    E003, E004, E006, E007, E008: on SQLite, concurrent writers wait instead of failing, readers
    keep nobody waiting, commits last, and the file lies where locks hold.
    """
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
    if options.get("timeout", 0) < SHORTEST_WAIT:
        found.append(
            Error(
                f"SQLite must wait at least {SHORTEST_WAIT} s for its lock: otherwise a writer "
                "fails where it could have waited its turn.",
                id="config.E006",
            )
        )
    if "journal_mode=wal" not in pragmas:
        found.append(
            Error(
                "SQLite must run with journal_mode=WAL: otherwise whoever reads keeps whoever "
                "writes waiting.",
                id="config.E007",
            )
        )
    kind = file_system_of(Path(settings.DATABASES["default"]["NAME"]))
    if kind.startswith(NETWORK_FILE_SYSTEMS):
        found.append(
            Error(
                f"SQLite lies on a network file system ({kind}), where its locks do not hold.",
                hint="Put it on a disk of this machine, or use PostgreSQL.",
                id="config.E008",
            )
        )
    return found


def file_system_of(path: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """The kind of file system that a path lies on, by the table of mounts; "" if unknown."""
    found, longest = "", -1
    if mounts.exists():
        for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
            _device, where, kind, *_rest = line.split(" ")
            if path.absolute().is_relative_to(where.replace("\\040", " ")) and len(where) > longest:
                found, longest = kind, len(where)
    return found


@register(Tags.database)
def check_postgres(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """E005: what PostgreSQL acknowledged must be on its disk; `migrate` asks at each release."""
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
