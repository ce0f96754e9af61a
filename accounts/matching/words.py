"""
How much a word of a company's name says about which company is meant.

A word is as telling as it is rare, in the account book and in a background of ordinary
business words: `word_counts.json` counts words of names of large companies of the world (source
and recipe are in the file; only words are kept, no names), and `DESCRIPTIVE` adds what that
sample lacks. So "Systems" says little even in a book that has it once.
"""

import json
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from accounts import names

JOINTS: Final = frozenset({"and", "of", "the", "for", "in", "de", "y", "und", "et", "e", "&"})
# Words about how a company is held together, not about which company it is.
STRUCTURAL: Final = frozenset(
    {"companies", "enterprise", "enterprises", "group", "groupe", "gruppe", "grupo"}
    | {"holding", "holdings", "bancorporation"}
)
_FUND_WORDS: Final = """
acquisition bond convertible dividend duration equity etf floating fund funds income
mortgage muni municipal opportunities opportunity portfolio preferred premium reit
royalties royalty spac strategic term trust trusts yield
"""
_DESCRIPTIVE_WORDS: Final = """
advisors aerospace airlines america american apparel associates auto automotive bancorp
bancshares bank banks beverage biopharma biosciences biotech brands broadcasting building
capital care casualty chemical chemicals clinical com communications components computer
computing construction consulting consumer corporate credit data department design
development diagnostics digital distribution education electric electronics energy
engineering entertainment environmental equipment europe express finance financial first
food foods foundation gaming gas general genetics global gold hospital hospitality hotel
hotels industrial industries information ins insurance interactive international investment
investments investors laboratories labs land leasing life logistics management manufacturing
marine market marketing markets materials media medical medicine metals mining mobile motor
motors mutual national natural network networks north oil oncology online packaging paper
partners petroleum pharma pharmaceutical pharmaceuticals pharmacy power printing products
properties property publishing railway realty recycling rental resource resources restaurant
restaurants retail savings school science sciences security semiconductor semiconductors
service services shipping software solar solutions south specialty sports steel storage
store stores supply surgical system systems technologies technology telecom
telecommunications textile therapeutics tools transport transportation travel trucking
united universal university us usa utilities ventures water web west wholesale wireless
world worldwide
"""
# What people invest in; an affiliate of a company, hardly ever the company itself.
FUND: Final = frozenset(_FUND_WORDS.split())
# Words that half of an industry carries, whether or not the background counts them often.
DESCRIPTIVE: Final = STRUCTURAL | FUND | frozenset(_DESCRIPTIVE_WORDS.split())
# In how many of the names that were counted such a word is at least taken to be.
_DESCRIPTIVE_COUNT: Final = 60
_STRUCTURAL_COUNT: Final = 400


def _load() -> Mapping[str, Any]:
    text = Path(__file__).with_name("word_counts.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


_BACKGROUND: Final = _load()
# How many names were counted, and in how many of them each word is.
NAMES_COUNTED: Final[int] = _BACKGROUND["names"]
COUNTS: Final[Mapping[str, int]] = {
    **dict.fromkeys(DESCRIPTIVE, _DESCRIPTIVE_COUNT),
    **{
        word: max(count, _DESCRIPTIVE_COUNT if word in DESCRIPTIVE else 0)
        for word, count in _BACKGROUND["counts"].items()
    },
    **dict.fromkeys(STRUCTURAL, _STRUCTURAL_COUNT),
}
# A word in at least one of 500 names finds no account by itself.
COMMON: Final = (
    frozenset(word for word, count in COUNTS.items() if count * 500 >= NAMES_COUNTED) | JOINTS
)


# Consonants that sound alike, and letters that a slip or a script without vowels leaves out.
_ALIKE: Final = str.maketrans({"c": "k", "q": "k", "z": "s", "v": "f", "w": "f", "j": "g"})
_SILENT: Final = frozenset("aeiouyh")


def rarity(count: Callable[[str], int], size: int) -> Callable[[str], float]:
    """
    Give the function that weighs words for a book of `size` accounts.

    `count` says in how many accounts of the book a word is; it is not asked for common words,
    which the background knows well enough. A joining word weighs 0, a word that neither
    the book nor the background has 1.
    """
    total = NAMES_COUNTED + size + 1
    most = math.log(total)

    def weigh(word: str) -> float:
        if word in JOINTS:
            return 0.0
        known = COUNTS.get(word, 0)
        if word in COMMON:
            return math.log(NAMES_COUNTED / known) / math.log(NAMES_COUNTED)
        return math.log(total / (known + max(0, count(word) - 1) + 1)) / most

    return lru_cache(maxsize=65536)(lambda word: weigh(word) ** 2)


# For a few candidates out of an unknown book.
plain_weight: Final = rarity(lambda word: 1, 0)


def words_of(name: str) -> tuple[str, ...]:
    """Give the words of a normalised name without joining ones, initials written as one word."""
    found: list[str] = []
    letters = ""
    for word in (*names.tokens(name), ""):
        if len(word) == 1 and word.isalnum() and word.isascii():
            letters += word
            continue
        if letters:
            found.append(letters)
            letters = ""
        if word and word not in JOINTS:
            found.append(word)
    return tuple(found) or names.tokens(name)


def singular(word: str) -> str:
    """Give a word of five letters or more without its plural s."""
    return word[:-1] if len(word) > 4 and word.endswith("s") and word[-2] != "s" else word


@lru_cache(maxsize=65536)
def sound(word: str) -> str:
    """Give the consonants of a word, those that sound alike as one and none twice in a row."""
    spoken = word.replace("ph", "f").replace("ck", "k").translate(_ALIKE)
    heard = spoken[:1]
    for char in spoken[1:]:
        if char not in _SILENT and char != heard[-1]:
            heard += char
    return heard
