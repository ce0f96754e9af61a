"""Two names compared word by word."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from accounts.matching.types import Weigh
from accounts.matching.words import COMMON, plain_weight, sound

_SLIP: Final = 0.9  # one slip of the pen
_PLURAL: Final = 0.95
_SAME_SOUND: Final = 0.75  # "Zefir" for "Zephyr"
_SHORTENED: Final = 0.8  # "auto" for "automotive"
_KIN: Final = 0.7  # "health" and "healthcare"
_LEAST_KIN: Final = 5
_BANKS: Final = frozenset({"bank", "banks", "banc", "bancorp", "bancshares", "bankshares"})


@dataclass(frozen=True, slots=True)
class Alignment:
    """
    What two names share and what each has alone, in weights of words.

    `shared` counts a word that differs by a slip of the pen a little less than the same one.
    """

    shared: float
    strongest: float
    words: int
    ours: float
    theirs: float
    our_rest: tuple[str, ...]
    their_rest: tuple[str, ...]
    same_head: bool
    exact: bool
    bent: bool


def align(ours: Sequence[str], theirs: Sequence[str], weigh: Weigh) -> Alignment:
    """
    Pair the words of two names; each word is used once.

    Neighbours that the other side writes as one word ("wal mart") are one word. Then the same
    words, plurals, slips of the pen in words of five letters or more, and short or kindred forms.
    """
    left, right = _join(ours, frozenset(theirs)), _join(theirs, frozenset(ours))
    same = left.keys() & right.keys()
    rest_left = [word for word in left if word not in same]
    rest_right = [word for word in right if word not in same]
    gains = [weigh(word) for word in same]
    pairs = {word: word for word in same}
    exact = not rest_left and not rest_right
    bent = False
    for word in tuple(rest_left):
        quality, near = max(
            ((_near(word, other), other) for other in rest_right), default=(0.0, "")
        )
        if quality:
            rest_left.remove(word)
            rest_right.remove(near)
            pairs[word] = near
            bent = bent or quality <= _SHORTENED
            gains.append(quality * min(weigh(word), weigh(near)))
    first_left, first_right = next(iter(left), ""), next(iter(right), "")
    return Alignment(
        shared=sum(gains),
        strongest=max(gains, default=0.0),
        words=len(gains),
        ours=sum(map(weigh, rest_left)),
        theirs=sum(map(weigh, rest_right)),
        our_rest=tuple(rest_left),
        their_rest=tuple(rest_right),
        same_head=bool(first_left) and pairs.get(first_left) == first_right,
        exact=exact,
        bent=bent,
    )


def similarity(ours: Sequence[str], theirs: Sequence[str], weigh: Weigh = plain_weight) -> float:
    """Compare two names: 0 nothing shared that says anything, 1 the same words. Symmetric."""
    there, back = align(ours, theirs, weigh), align(theirs, ours, weigh)
    return (of(there) + of(back)) / 2


def of(found: Alignment) -> float:
    """Give the likeness of two aligned names from 0 to 1: half overlap, half containment."""
    if not found.shared:
        return 0.0
    whole = found.shared + found.ours + found.theirs
    smaller = found.shared + min(found.ours, found.theirs)
    return min(1.0, (found.shared / whole + found.shared / smaller) / 2)


def _join(words: Sequence[str], others: frozenset[str]) -> dict[str, None]:
    """Write neighbours as one word where the other side does; the order stays."""
    joined: dict[str, None] = {}
    position = 0
    while position < len(words):
        pair = "".join(words[position : position + 2])
        if position + 1 < len(words) and pair in others:
            joined[pair] = None
            position += 2
        else:
            joined[words[position]] = None
            position += 1
    return joined


def _near(one: str, other: str) -> float:
    """Give how far two different words may stand for each other, 0 if they may not."""
    if one[0] != other[0] or min(len(one), len(other)) < 3:
        return 0.0
    short, long = sorted((one, other), key=lambda word: (len(word), word))
    if short in _BANKS and long in _BANKS:
        return _KIN
    if long in (short + "s", short + "es") or (short.endswith("y") and long == short[:-1] + "ies"):
        return _PLURAL
    if long.startswith(short) and long in COMMON:
        return _SHORTENED
    if one_slip(one, other):
        return _SLIP
    if len(short) >= _LEAST_KIN and len(heard := sound(short)) >= 3 and heard == sound(long):
        return _SAME_SOUND
    kin = len(short) >= _LEAST_KIN and short[:_LEAST_KIN] == long[:_LEAST_KIN]
    return _KIN if kin and short in COMMON and long in COMMON else 0.0


def one_slip(one: str, other: str) -> bool:
    """Whether one letter was changed, added, left out or swapped with its neighbour."""
    if min(len(one), len(other)) < 5 or abs(len(one) - len(other)) > 1 or one[0] != other[0]:
        return False
    if one.isdigit() or other.isdigit():
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    swapped = len(a) > 1 and len(b) > 1 and a[0] == b[1] and a[1] == b[0] and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]
