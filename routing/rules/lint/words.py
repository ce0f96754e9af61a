"""How findings name things."""

from collections.abc import Iterable
from typing import Final

_MOST: Final = 3


def some(names: Iterable[object]) -> str:
    """Name the first few of a list, and say how many more there are."""
    listed = [str(name) for name in names]
    shown, more = listed[:_MOST], len(listed) - _MOST
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join([*([", ".join(shown[:-1])] if len(shown) > 1 else []), *shown[-1:]])


def span(seconds: int) -> str:
    """Say a length of time in the largest unit that divides it."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds % size == 0 and seconds >= size:
            number = seconds // size
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return "no time"
