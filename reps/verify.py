"""
The registry of invariants: what must be true of the data whatever has happened to it.

An app registers each as one function that yields a line per violation; nothing yielded means
the invariant holds. Codes I1 to I17 are those of the reliability study behind this product.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Invariant:
    """A promise about the data. `check(at)` yields one line per violation."""

    code: str
    promise: str
    check: Callable[[datetime], Iterable[str]]


_invariants: dict[str, Invariant] = {}


def invariant(code: str, promise: str) -> Callable[[Callable], Callable]:
    """Register the function below as the check of an invariant."""

    def register(check: Callable[[datetime], Iterable[str]]) -> Callable:
        _invariants[code] = Invariant(code, promise, check)
        return check

    return register


def all_invariants() -> list[Invariant]:
    """Every registered invariant, in the order of their codes."""
    return sorted(_invariants.values(), key=lambda one: (one.code[0], int(one.code[1:])))


def run(*, at: datetime, codes: Iterable[str] = ()) -> Iterator[tuple[Invariant, list[str]]]:
    """Check invariants (all, or only `codes`) and yield each with its violations."""
    wanted = set(codes)
    for one in all_invariants():
        if not wanted or one.code in wanted:
            yield one, list(one.check(at))
