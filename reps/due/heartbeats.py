"""Signs of life, so that silence is noticed."""

from typing import Any

from reps.due.clock import database_now
from reps.models import Heartbeat


def beat(name: str, *, max_age: int, detail: dict[str, Any] | None = None) -> None:
    """Note that a loop finished a round; silence beyond `max_age` seconds turns it red."""
    Heartbeat.objects.update_or_create(
        name=name,
        defaults={"at": database_now(), "max_age": max_age, "detail": detail or {}},
    )


def retire(name: str) -> None:
    """Forget a loop that was stopped on purpose."""
    Heartbeat.objects.filter(name=name).delete()
