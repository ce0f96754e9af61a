"""Signs of life, so that silence is noticed, also that of a loop which never began."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from reps.due.clock import database_now
from reps.models import Heartbeat

# The loops that drive everything, and the signs that only come while one of them runs.
DRIVERS = ("sweep", "celery")
CARRIED = ("watch", "auditor", "canary")


@dataclass(frozen=True, slots=True)
class Sign:
    """What is known of a loop. `silent` is None if it has never been heard."""

    name: str
    silent: int | None
    max_age: int
    is_stopped: bool = False

    @property
    def is_alive(self) -> bool:
        return self.silent is not None and self.silent <= self.max_age


def beat(name: str, *, max_age: int, detail: dict[str, Any] | None = None) -> None:
    """Note that a loop finished a round; silence beyond `max_age` seconds turns it red."""
    Heartbeat.objects.update_or_create(
        name=name,
        defaults={"at": database_now(), "max_age": max_age, "detail": detail or {}},
    )


def retire(name: str) -> None:
    """Note that a loop was stopped on purpose; where it is expected, its silence still shows."""
    Heartbeat.objects.filter(name=name).update(detail={"stopped": True})


def signs(at: datetime) -> list[Sign]:
    """Every loop that is expected here (EXPECTED_LOOPS) or has been heard, by name."""
    known = {row.name: _sign(row, at) for row in Heartbeat.objects.all()}
    missing = {name: Sign(name, None, 0) for name in settings.EXPECTED_LOOPS if name not in known}
    return [sign for _name, sign in sorted({**known, **missing}.items())]


def silent(found: list[Sign]) -> list[Sign]:
    """The loops that should speak and do not; one stopped on purpose only if it is expected."""
    return [
        sign
        for sign in found
        if not sign.is_alive and (not sign.is_stopped or sign.name in settings.EXPECTED_LOOPS)
    ]


def broken_off(found: list[Sign]) -> list[Sign]:
    """The loops that fell silent without being stopped, here or with what carries them."""
    running = any(sign.name in DRIVERS and not sign.is_stopped for sign in found)
    return [
        sign
        for sign in found
        if not (sign.is_alive or sign.silent is None or sign.is_stopped)
        and (running or sign.name not in CARRIED)
    ]


def _sign(row: Heartbeat, at: datetime) -> Sign:
    return Sign(
        row.name,
        max(0, int((at - row.at).total_seconds())),
        row.max_age,
        is_stopped=bool(row.detail.get("stopped")),
    )
