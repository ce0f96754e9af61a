"""
What is promised for which leads, as told by the app that keeps the promises.

Routing knows no promises of its own: whoever does registers how to read them.
"""

from collections.abc import Callable, Sequence

from routing.rules.lint.world import Promise

_readers: list[Callable[[], Sequence[Promise]]] = []


def register(reader: Callable[[], Sequence[Promise]]) -> None:
    """Add a source of promises, read in one statement, in the order in which they are asked."""
    if reader not in _readers:
        _readers.append(reader)


def read() -> tuple[Promise, ...]:
    """Return every promise that is in force."""
    return tuple(promise for reader in _readers for promise in reader())
