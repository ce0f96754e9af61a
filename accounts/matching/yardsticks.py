"""
Two common ways to compare names, to be better than, and the measure to compare them by.

`token_sort` and `token_set` follow their well-known definitions: text lowered, signs as spaces,
words sorted, then the share of letters that are in both in the same order.
"""

from collections.abc import Callable, Sequence

from accounts.matching.calibration import by_name
from accounts.matching.coefficients import MODEL
from accounts.matching.evidence import name_evidence
from accounts.matching.likeness import similarity
from accounts.matching.prepared import Account, Lead
from accounts.matching.types import Candidate, LeadIdentity
from accounts.matching.words import plain_weight

Compare = Callable[[str, str], float]


def token_sort(one: str, other: str) -> float:
    """Compare the sorted words as one text."""
    return _ratio(" ".join(sorted(_words(one))), " ".join(sorted(_words(other))))


def token_set(one: str, other: str) -> float:
    """Compare the shared words with each name, and the names with each other; the best."""
    ours, theirs = set(_words(one)), set(_words(other))
    shared = " ".join(sorted(ours & theirs))
    if shared and (not ours - theirs or not theirs - ours):
        return 1.0
    left = f"{shared} {' '.join(sorted(ours - theirs))}".strip()
    right = f"{shared} {' '.join(sorted(theirs - ours))}".strip()
    pairs = [(left, right), *([(shared, left), (shared, right)] if shared else [])]
    return max(_ratio(a, b) for a, b in pairs)


class Ours:
    """The matcher's own view of two names, remembered in prepared form."""

    def __init__(self) -> None:
        self._leads: dict[str, Lead] = {}
        self._accounts: dict[str, Account] = {}

    def __call__(self, one: str, other: str) -> float:
        """Give something that grows with the likelihood of one company; order does not matter."""
        return max(self._one_way(one, other), self._one_way(other, one))

    def _one_way(self, one: str, other: str) -> float:
        lead = self._leads.setdefault(one, Lead(LeadIdentity(one)))
        account = self._accounts.setdefault(other, Account(Candidate(1, other)))
        found = name_evidence(lead, account, plain_weight)
        if found is not None:
            return by_name(found[0], "", MODEL)
        return -20.0 + similarity(lead.words, account.spellings[0])


def average_precision(scores: Sequence[float], truths: Sequence[bool]) -> float:
    """Give the area under precision by recall; ties count as if in the worst order."""
    ranked = sorted(zip(scores, truths, strict=True), key=lambda pair: (-pair[0], pair[1]))
    hits, total = 0, 0.0
    for place, (_, truth) in enumerate(ranked, 1):
        if truth:
            hits += 1
            total += hits / place
    return total / hits if hits else 0.0


def best_f1(scores: Sequence[float], truths: Sequence[bool]) -> float:
    """Give the highest F1 that any threshold on the score reaches."""
    ranked = sorted(zip(scores, truths, strict=True), reverse=True)
    positives, hits, best = sum(truths), 0, 0.0
    for place, (value, truth) in enumerate(ranked, 1):
        hits += truth
        if place == len(ranked) or ranked[place][0] != value:
            best = max(best, 2 * hits / (place + positives))
    return best


def _words(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in text.lower()).split()


def _ratio(one: str, other: str) -> float:
    """Give twice the longest common subsequence by the letters of both, by bits."""
    if not one and not other:
        return 1.0
    places: dict[str, int] = {}
    for place, char in enumerate(one):
        places[char] = places.get(char, 0) | 1 << place
    every = (1 << len(one)) - 1
    row = every
    for char in other:
        seen = row & places.get(char, 0)
        row = ((row + seen) | (row - seen)) & every
    return 2 * (len(one) - row.bit_count()) / (len(one) + len(other))
