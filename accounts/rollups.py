"""
What upper apps count about accounts, for pages of the market: open leads, for one.

A counter is one function, registered when its app is ready. It sees only what the reader may.
"""

from collections.abc import Callable, Collection, Mapping

from django.utils.functional import Promise

from reps.models import User

# (reader, account ids) → number by account id; one statement.
Counter = Callable[[User, Collection[int]], Mapping[int, int]]
_counters: dict[str, tuple[str | Promise, Counter]] = {}


def register(name: str, label: str | Promise, counter: Counter) -> None:
    """Add a column to the trees of accounts."""
    _counters[name] = (label, counter)


def columns() -> list[str | Promise]:
    """What is counted, in words."""
    return [label for label, _ in _counters.values()]


def counts(user: User, accounts: Collection[int]) -> list[Mapping[int, int]]:
    """For each column, number by account; accounts without any are missing."""
    return [counter(user, accounts) for _, counter in _counters.values()]
