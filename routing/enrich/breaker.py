"""
The breaker of a provider: one that fails again and again is left alone for a while. Pure.

    CLOSED ──(5 failures in a row, or "not now")──▶ OPEN ──(rest is over)──▶ HALF_OPEN
       ▲                                             ▲                          │
       └──────────────(the one that tries succeeds)──┼──────────────────────────┤
                                                     └──────(it fails: rest twice as long)

In HALF_OPEN one question is let through. Whoever was to ask it may have died, so after a while
another is let through.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

State = Literal["CLOSED", "OPEN", "HALF_OPEN"]

FAILURES: Final = 5
REST: Final = timedelta(seconds=30)
LONGEST_REST: Final = timedelta(minutes=10)
# What a provider may ask for at most ("Retry-After").
LONGEST_ASKED: Final = timedelta(hours=1)
# A question takes ten seconds at most; after this whoever asked it is dead.
PROBE: Final = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Breaker:
    """
    Where a breaker stands: `failures` in a row, `opens` how often it opened since it last was
    well, `until` when it rests (OPEN) or when another may try (HALF_OPEN).
    """

    state: State = "CLOSED"
    failures: int = 0
    opens: int = 0
    until: datetime | None = None


def admit(breaker: Breaker, *, at: datetime) -> tuple[Breaker, bool]:
    """Return whether a question may be asked now, and the breaker after it."""
    if breaker.state == "CLOSED":
        return breaker, True
    if breaker.until is not None and at < breaker.until:
        return breaker, False
    return replace(breaker, state="HALF_OPEN", until=at + PROBE), True


def is_open(breaker: Breaker, *, at: datetime) -> bool:
    """Whether a question would be turned away now; nothing changes."""
    return not admit(breaker, at=at)[1]


def succeeded(breaker: Breaker) -> Breaker:
    """The breaker after an answer, whatever it says: the provider is well."""
    return Breaker()


def failed(breaker: Breaker, *, at: datetime, retry_after: timedelta | None = None) -> Breaker:
    """The breaker after a failure; `retry_after` is how long the provider wants to be left."""
    failures = breaker.failures + 1
    if retry_after is not None:
        rest = min(max(retry_after, timedelta(seconds=1)), LONGEST_ASKED)
        return Breaker("OPEN", failures, max(breaker.opens, 1), at + rest)
    if breaker.state == "OPEN" and breaker.until is not None and at < breaker.until:
        # Asked before it opened; it is no news.
        return replace(breaker, failures=failures)
    if breaker.state == "CLOSED" and failures < FAILURES:
        return replace(breaker, failures=failures)
    rest = min(REST * 2 ** min(breaker.opens, 10), LONGEST_REST)
    return Breaker("OPEN", failures, breaker.opens + 1, at + rest)
