"""
The registry of invariants: what must be true of the data whatever has happened to it.

An app registers each as one function that yields a line per violation; nothing yielded means
the invariant holds. Codes I1 to I17 are those of the reliability study behind this product.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

SHOWN = 20


class Pace(Enum):
    """How the auditor, which may take a moment only, looks at an invariant."""

    # An index or a small table answers at once.
    QUICK = "quick"
    # Lead by lead: `check(at, leads)` takes the first and the last id of a stretch.
    STRETCH = "stretch"
    # The whole table must be read, so it is checked at night, in a process of its own.
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Invariant:
    """A promise about the data. `check(at)` yields one line per violation."""

    code: str
    promise: str
    check: Callable[..., Iterable[str]]
    pace: Pace = Pace.WHOLE


_invariants: dict[str, Invariant] = {}
_repairs: dict[str, Callable[[datetime], list[str]]] = {}
_newest_lead: Callable[[], int] | None = None


def invariant(code: str, promise: str, pace: Pace = Pace.WHOLE) -> Callable[[Callable], Callable]:
    """Register the function below as the check of an invariant."""

    def register(check: Callable[..., Iterable[str]]) -> Callable:
        _invariants[code] = Invariant(code, promise, check, pace)
        return check

    return register


def repair(code: str) -> Callable[[Callable], Callable]:
    """Register the function below as what puts an invariant right; it says what it did."""

    def register(mend: Callable[[datetime], list[str]]) -> Callable:
        _repairs[code] = mend
        return mend

    return register


def repair_of(code: str) -> Callable[[datetime], list[str]] | None:
    """What may put an invariant right without a person; None for most."""
    return _repairs.get(code)


def leads_end_at(newest: Callable[[], int]) -> None:
    """Say how the id of the newest lead is found, so that they can be looked at in stretches."""
    global _newest_lead
    _newest_lead = newest


def newest_lead() -> int:
    """The id of the newest lead, 0 if there is none."""
    return _newest_lead() if _newest_lead is not None else 0


def all_invariants() -> list[Invariant]:
    """Every registered invariant, in the order of their codes."""
    return sorted(_invariants.values(), key=lambda one: (one.code[0], int(one.code[1:])))


def run(*, at: datetime, codes: Iterable[str] = ()) -> Iterator[tuple[Invariant, list[str]]]:
    """Check invariants (all, or only `codes`) and yield each with its violations."""
    wanted = set(codes)
    for one in all_invariants():
        if not wanted or one.code in wanted:
            yield one, list(one.check(at))
