"""What people did before they wrote: their intent events, as rules and scores ask for them."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from routing.models import Touch

# How far back, and of how many per person at most (the newest), rules are told.
LOOK_BACK = timedelta(days=365)
MOST_EVENTS = 200

# (name, when) of one event.
Signal = tuple[str, datetime]


def signals_of(prospects: Collection[int], *, at: datetime) -> dict[int, list[Signal]]:
    """Return prospect id → events up to this moment, oldest first; one statement."""
    found: dict[int, list[Signal]] = {}
    rows = Touch.objects.filter(
        prospect__in=prospects, kind=Touch.Kind.SIGNAL, at__lte=at, at__gt=at - LOOK_BACK
    ).order_by("at", "pk")
    for prospect, name, when in rows.values_list("prospect_id", "name", "at"):
        found.setdefault(prospect, []).append((name, when))
    return found


def fact_of(signals: Iterable[Signal], *, at: datetime) -> list[list[str | int]]:
    """Return [[name, whole seconds ago], …], oldest first: the fact `events`."""
    newest = sorted(signals, key=lambda signal: signal[1])[-MOST_EVENTS:]
    return [[name, max(0, int((at - when).total_seconds()))] for name, when in newest]
