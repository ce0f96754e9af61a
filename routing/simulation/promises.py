"""How soon a lead should be answered. The app of promises says it; nobody else knows policies."""

from collections.abc import Callable, Mapping
from typing import Any

Facts = Mapping[str, Any]
Limit = Callable[[Facts], int | None]

_load: Callable[[], Limit] | None = None


def register(load: Callable[[], Limit]) -> None:
    """
    Say how to find the limits: `load()` reads what is promised once and returns a function from
    facts to seconds, None where nothing is promised.
    """
    global _load
    _load = load


def limits() -> Limit:
    """The limits as they stand now."""
    return _load() if _load is not None else lambda facts: None


def deadline(facts: Facts, since: int, limit: Limit) -> int | None:
    """
    When a lead that came at `since` should be answered, in epoch seconds.

    The fact `answer_by` if the lead has it, else the policy's time limit counted around the
    clock from its arrival: a prospect waits at night, too.
    """
    stated = facts.get("answer_by")
    if isinstance(stated, int | float) and not isinstance(stated, bool):
        return int(stated)
    seconds = limit(facts)
    return None if seconds is None else since + seconds
