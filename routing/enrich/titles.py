"""
What a job title says: how senior somebody is, in which department, whether they decide. Pure.

English, German, French, Spanish and Portuguese, by word lists of our own (`title_words`); measured
in docs/development/enrichment.md. What a title does not say stays empty; nothing is guessed from
the absence of words.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from routing.enrich import title_words as words

SENIORITIES: Final = (
    "owner", "c_level", "vp", "director", "manager", "senior", "staff", "entry",
)  # fmt: skip
DEPARTMENTS: Final = ("executive", *words.DEPARTMENTS)
AUTHORITIES: Final = ("decides", "influences", "uses")
_AUTHORITY: Final = {
    "owner": "decides",
    "c_level": "decides",
    "vp": "decides",
    "director": "decides",
    "manager": "influences",
    "senior": "influences",
    "staff": "uses",
    "entry": "uses",
}
LONGEST: Final = 200
# "(m/w/d)" and its kin say who may apply.
_GENDERS: Final = re.compile(r"\(?\b[mwfdhx](?:\s*[/|,]\s*[mwfdhx*])+\b\)?")


@dataclass(frozen=True, slots=True)
class Title:
    """What a title says; "" where it says nothing."""

    seniority: str = ""
    department: str = ""

    @property
    def authority(self) -> str:
        """Whether such a person decides about buying, influences it, or uses what is bought."""
        return _AUTHORITY.get(self.seniority, "")


@lru_cache(maxsize=4096)
def read(title: str) -> Title:
    """Return what a title says; never an exception, whatever the text."""
    text = plain(title)
    if not text:
        return Title()
    seniority = _seniority(text)
    return Title(seniority, _department(text, seniority))


def plain(title: str) -> str:
    """A title in small letters without accents, signs and "(m/w/d)"; words parted by spaces."""
    folded = _GENDERS.sub(" ", title[:LONGEST].casefold())
    bare = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", bare))


def _seniority(text: str) -> str:
    if _any(_HELPERS, text):
        return "entry" if _any(_SENIORITY["entry"], text) else "staff"
    for pattern, level in _SPECIAL:
        if pattern.search(text):
            return level
    if _any(_SENIORITY["entry"], text):
        return "entry"
    if _any(_TEAM_LEADS, text):
        return "manager"
    for level, patterns in _SENIORITY.items():
        if _any(patterns, text):
            return level
    return "staff" if _any(_WORKERS, text) else ""


def _department(text: str, seniority: str) -> str:
    for name, patterns in _DEPARTMENTS.items():
        if _any(patterns, text):
            return name
    if _any(_EXECUTIVE, text) or seniority in ("owner", "c_level"):
        return "executive"
    return ""


def _compiled(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(_pattern(one) for one in patterns))


def _pattern(written: str) -> str:
    parts = []
    for word in written.split():
        if word == "*":
            parts.append(r"\w+")
        else:
            parts.append(re.escape(word).replace(r"\*", r"\w*"))
    return rf"\b{' '.join(parts)}\b"


def _any(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.search(text) is not None


_HELPERS: Final = _compiled(words.HELPERS)
_TEAM_LEADS: Final = _compiled(words.TEAM_LEADS)
_WORKERS: Final = _compiled(words.WORKERS)
_EXECUTIVE: Final = _compiled(words.EXECUTIVE)
_SPECIAL: Final = tuple((re.compile(_pattern(one)), level) for one, level in words.SPECIAL)
_SENIORITY: Final = {level: _compiled(patterns) for level, patterns in words.SENIORITY.items()}
_DEPARTMENTS: Final = {name: _compiled(patterns) for name, patterns in words.DEPARTMENTS.items()}
