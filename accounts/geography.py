"""
Names of places in comparable form: countries, regions, postal codes.

Pure: text in, a code out; what is not known is not guessed.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from accounts import names
from accounts.countries import ALSO_CALLED, ISO_3166, US_STATES


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """Give the words of a place name: folded, "&" and "St" spelled out, without "the"."""
    words = re.sub(r"[^\w]+", " ", names.fold(text.replace("&", " and "))).split()
    words = ["saint" if word == "st" else word for word in words]
    return " ".join(words[1:] if words[:1] == ["the"] else words)


def _rows(table: str) -> Iterator[str]:
    return (" ".join(row.split()) for row in table.strip().split(";"))


def _country_names() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for row in _rows(ISO_3166):
        two, three, name = row.split(" ", 2)
        found |= dict.fromkeys((two.lower(), three.lower(), plain(name)), two)
    for two, others in ALSO_CALLED.items():
        found |= {plain(other): two for other in others.split(",")}
    return found


_COUNTRIES: Final = _country_names()
_ISO_2: Final = frozenset(_COUNTRIES.values())
_STATES: Final = {plain(name): code for code, name in (r.split(" ", 1) for r in _rows(US_STATES))}
# ISO 3166-2: "US-CA", "GB-ENG", "FR-75".
_SUBDIVISION: Final = re.compile(r"([A-Z]{2})-([A-Z0-9]{1,3})")
_ZIP_PLUS_FOUR: Final = re.compile(r"\d{5}-\d{4}")


@lru_cache(maxsize=8192)
def country_code(text: str) -> str | None:
    """
    Give the ISO 3166 two-letter code for a code of two or three letters or a usual name.

    None for what is not known; nothing is guessed.
    """
    return _COUNTRIES.get(plain(text)) if text else None


@lru_cache(maxsize=8192)
def subdivision(text: str) -> tuple[str, str] | None:
    """Give country and part of an ISO 3166-2 code such as "US-CA"; None for anything else."""
    match = _SUBDIVISION.fullmatch(text.strip().upper())
    return (match[1], match[2]) if match and match[1] in _ISO_2 else None


def country_names() -> Mapping[str, str]:
    """Give every country of ISO 3166: two-letter code → name."""
    rows = (row.split(" ", 2) for row in _rows(ISO_3166))
    return {two: name for two, _, name in rows}


def state_names() -> Mapping[str, str]:
    """Give the states of the US, with the District of Columbia and Puerto Rico: code → name."""
    found: dict[str, str] = {}
    for code, name in (row.split(" ", 1) for row in _rows(US_STATES)):
        found.setdefault(code, name)
    return found


@lru_cache(maxsize=8192)
def region_code(country: str, text: str) -> str:
    """
    Give the comparable form of a region: US states as two letters, all else folded, upper case.

    `country` is an ISO code or empty; a code with its country in front ("US-CA") loses it when
    that is no contradiction.
    """
    part = subdivision(text)
    if part and country in ("", part[0]):
        return part[1]
    words = plain(text)
    if country in ("", "US") and words in _STATES:
        return _STATES[words]
    return words.upper()


def postal_code(country: str, text: str) -> str:
    """
    Give the comparable form of a postal code: capital letters and digits only.

    ZIP+4 is cut to five digits: anything longer in the US, the form 12345-6789 when the
    country is unknown.
    """
    upper = unicodedata.normalize("NFKC", text).upper().strip()
    code = re.sub(r"[^A-Z0-9]+", "", upper)
    cut = country == "US" or (not country and _ZIP_PLUS_FOUR.fullmatch(upper))
    return code[:5] if cut else code
