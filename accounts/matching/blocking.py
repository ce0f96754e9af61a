"""
Under which keys an account is found, so that a lead is compared with a few and not with all.

The same keys and the same choice serve the book in memory (`Index`) and the rows of
`AccountKey`. A key is a kind and a value:

- DOMAIN: the registrable domain;
- NAME: the normalised name or alias without spaces; a lead also asks for its initials;
- WORD: a word that is not common, in the singular; two neighbours written as one;
- ACRONYM: the initials of the name;
- SOUND: the consonants of the name, which a slip of the pen or another script's missing vowels
  mostly leave as they are.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, TypeVar

from accounts.matching.prepared import Account, Lead
from accounts.matching.words import COMMON, singular, sound

Key = tuple[str, str]
# An account in whatever order the book keeps.
Found = TypeVar("Found", int, str)

DOMAIN: Final = "DOMAIN"
NAME: Final = "NAME"
WORD: Final = "WORD"
ACRONYM: Final = "ACRONYM"
SOUND: Final = "SOUND"
# A domain or the whole name: these are looked at before any word.
_SURE: Final = frozenset({DOMAIN, NAME})

LONGEST: Final = 200
# A key with more accounts than this finds nothing by itself.
COMMON_FROM: Final = 300
# So many entries are read for one lead, those of the rarest keys first.
MOST_READ: Final = 600
# Only the most promising accounts are compared in full.
MOST_COMPARED: Final = 30
_SHORTEST_SOUND: Final = 4
_MOST_PAIRS: Final = 4


def keys_of_account(account: Account) -> frozenset[Key]:
    """Give every key of an account; values are at most `LONGEST` characters."""
    keys = {(DOMAIN, domain) for domain in account.registrables}
    keys |= {(NAME, name) for name in (account.key, *account.alias_keys)}
    keys |= {(ACRONYM, short) for short in account.acronyms}
    for words in account.spellings:
        keys |= _word_keys(words)
    return _cut(keys)


def keys_of_lead(lead: Lead) -> frozenset[Key]:
    """Give every key under which the account of a lead could be found."""
    keys = _word_keys(lead.words)
    keys.add((NAME, lead.key))
    keys.add((ACRONYM, lead.key))
    keys |= {(NAME, initials) for initials in lead.initials}
    if lead.registrable:
        keys.add((DOMAIN, lead.registrable))
    return _cut(keys)


def _cut(keys: Iterable[Key]) -> frozenset[Key]:
    return frozenset((kind, value[:LONGEST]) for kind, value in keys if value)


def _word_keys(words: Sequence[str]) -> set[Key]:
    found = {(WORD, singular(word)) for word in words if word not in COMMON}
    found |= {(WORD, singular(one + other)) for one, other in [*pairwise(words)][:_MOST_PAIRS]}
    if len(heard := sound("".join(words))) >= _SHORTEST_SOUND:
        found.add((SOUND, heard))
    return found


def worth_reading(keys: Iterable[Key], sizes: Mapping[Key, int]) -> list[Key]:
    """
    Choose the keys to read, given how many accounts each has: the sure ones, then the rarest.

    Bounded: no key above `COMMON_FROM`, and no more after `MOST_READ` entries in all.
    """
    chosen, read = [], 0
    known = (key for key in keys if sizes.get(key, 0) > 0)
    for key in sorted(known, key=lambda key: (key[0] not in _SURE, sizes[key], key)):
        if sizes[key] <= COMMON_FROM and (read == 0 or read + sizes[key] <= MOST_READ):
            chosen.append(key)
            read += sizes[key]
    return chosen


def most_promising(entries: Mapping[Key, Sequence[Found]]) -> list[Found]:
    """Give the accounts to compare, those that share the rarest keys first; at most so many."""
    promise: dict[Found, float] = {}
    for (kind, _), accounts in sorted(entries.items()):
        worth = 10.0 if kind in _SURE else 1.0 / (1.0 + math.log(len(accounts)))
        for account in accounts:
            promise[account] = promise.get(account, 0.0) + worth
    best = sorted(promise.items(), key=lambda item: (-round(item[1], 9), item[0]))
    return sorted(account for account, _ in best[:MOST_COMPARED])
