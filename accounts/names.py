"""
Company names, made comparable.

Pure text in, pure text out: no database, no settings. What may be relied on:

- `normalise` gives the same answer for its own answer (idempotent), never raises for any
  text, and is empty only for a name that is empty or only white space;
- `key` is `normalise` without its spaces: the value to index and to look up.

Legal forms come from `legal_forms.json` next to this module: a compact table made from
`org_types.yml` of opensanctions/rigour (MIT; source, licence and recipe are in the file).
They are taken off the end only (Chinese, Japanese and Korean ones, which are written without a
space, also off the beginning), so a short one ("AS", "SA", "Co") counts as the last word and
never eats an ordinary word in the middle.
"""

import html
import json
import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final

from accounts.transliteration import latin

# Letters that Unicode does not take apart into a base letter and an accent.
_PLAIN: Final = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "ı": "i"}
    | {"æ": "ae", "œ": "oe", "þ": "th"}
)
_APOSTROPHES: Final = str.maketrans("", "", "'’‘`´ʼʹ")
# The US register of listed companies marks re-used names so, with the state of incorporation:
# "KEYCORP /NEW/", "SEALED AIR CORP/DE". Only real marks, so that "A/S" stays a legal form.
_REGISTER_MARK: Final = re.compile(
    r"(?<=\S)\s*[/\\]\s?(?:new|adr|"
    r"a[klrz]|c[aot]|d[ce]|fl|ga|hi|i[adln]|k[sy]|la|m[adeinost]|n[cdehjmvy]|o[hkr]|pa|ri|s[cd]|"
    r"t[nx]|ut|v[at]|w[aivy])\s?[/\\]?\s*$"
)
# Only what stands for one word in any company name.
_SHORT_FOR: Final = {
    "assn": "association",
    "bros": "brothers",
    "co": "company",
    "corp": "corporation",
    "ins": "insurance",
    "intl": "international",
    "mfg": "manufacturing",
    "mgmt": "management",
    "natl": "national",
    "svcs": "services",
}
_PARENTHESIS: Final = re.compile(r"\s*\(([^()]*)\)\s*")
_LONGEST_CACHED: Final = 200


def _load_legal_forms() -> frozenset[tuple[str, ...]]:
    text = Path(__file__).with_name("legal_forms.json").read_text(encoding="utf-8")
    return frozenset(tuple(form.split()) for form in json.loads(text)["forms"])


LEGAL_FORMS: Final = _load_legal_forms()
_LONGEST_FORM: Final = max(len(form) for form in LEGAL_FORMS)
_ATTACHED_FORMS: Final = tuple(
    sorted(
        (
            form[0]
            for form in LEGAL_FORMS
            # Kana, Chinese characters, Hangul; two characters could be part of a word.
            if len(form) == 1 and len(form[0]) >= 3 and "\u3040" <= form[0][0] <= "\ud7a3"
        ),
        key=lambda form: (-len(form), form),
    )
)


def fold(text: str) -> str:
    """
    Give the text in lower case, compatibility forms unified and accents removed.

    Vowel signs and voicing marks of scripts where they are letters (Indic, kana) stay.
    """
    for _ in range(4):  # folding one letter can uncover another; four passes are plenty
        decomposed = unicodedata.normalize("NFKD", text)
        decomposed = unicodedata.normalize("NFKD", decomposed.casefold()).translate(_PLAIN)
        bare = "".join(char for char in decomposed if not _is_accent(char))
        folded = unicodedata.normalize("NFKC", bare)
        if folded == text:
            break
        text = folded
    return text


def _is_accent(char: str) -> bool:
    # Classes: 10-35 Hebrew and Arabic points, 200 and above marks over, under and through.
    placed = unicodedata.combining(char)
    return placed >= 200 or 10 <= placed <= 35 or placed == 1


def _words(name: str) -> list[str]:
    """Split the name into folded words; "&" is a word, all other punctuation a space."""
    for _ in range(3):  # exports escape twice now and then: "&amp;amp;"
        plain = html.unescape(name)
        if plain == name:
            break
        name = plain
    text = fold(name).strip()
    while (unmarked := _REGISTER_MARK.sub("", text)) != text:
        text = unmarked
    text = text.translate(_APOSTROPHES).replace("&", " and ")
    return "".join(_word_char(char) for char in text).split()


def _word_char(char: str) -> str:
    if char.isalnum():
        return char
    category = unicodedata.category(char)
    if category == "Cf":  # soft hyphen, zero-width space: invisible, so it parts nothing
        return ""
    return char if category[0] == "M" else " "


def _strip_forms(words: list[str]) -> list[str]:
    """Take legal forms off the end until none is left, and "the" off both ends."""
    changed = True
    while changed:
        changed = False
        for edge in (0, -1):
            if len(words) > 1 and words[edge] == "the":
                del words[edge]
                changed = True
        for length in range(min(_LONGEST_FORM, len(words) - 1), 0, -1):
            if tuple(words[-length:]) in LEGAL_FORMS:
                del words[-length:]
                changed = True
                break
        if words and (shorter := _strip_attached(words)) != words:
            words = shorter
            changed = True
    return words


def _strip_attached(words: list[str]) -> list[str]:
    """Take one legal form off a script that writes it without a space ("株式会社")."""
    for form in _ATTACHED_FORMS:
        if len(words[-1]) > len(form) and words[-1].endswith(form):
            return [*words[:-1], words[-1][: -len(form)]]
        if len(words[0]) > len(form) and words[0].startswith(form):
            return [words[0][len(form) :], *words[1:]]
    return words


def normalise(name: str) -> str:
    """
    Give the form in which two spellings of one company's name are equal.

    HTML entities decoded, NFKC, lower case, accents folded, "&" as "and", other punctuation
    as spaces, "the" dropped at either end, legal forms dropped at the end as often as they
    occur, other scripts in Latin letters (`transliteration`), a few abbreviations written out
    ("Intl."). A name made only of such words keeps
    one of them ("The Limited" is "limited"); a name without letter or digit falls back to
    its own characters.
    """
    return _normalise(name) if len(name) <= _LONGEST_CACHED else _normalise.__wrapped__(name)


@lru_cache(maxsize=8192)
def _normalise(name: str) -> str:
    words = _words(name)
    if words:
        # Abbreviations after the forms, which have abbreviations of their own; then again.
        words = [latin(word) for word in _strip_forms(words)]
        words = [_SHORT_FOR.get(word, word) for word in _strip_forms(words)]
        return " ".join(_strip_forms(words))
    # Nothing but signs ("!!!"): better its own characters than equal to every other such name.
    # Unprintable ones are replaced, since PostgreSQL refuses NUL and lone surrogates.
    signs = "".join(fold(name).split()) or "".join(name.split())
    return "".join(char if char.isprintable() else "\ufffd" for char in signs)


def key(name: str) -> str:
    """Give the blocking key to index and look up: the normalised name without spaces."""
    return normalise(name).replace(" ", "")


def tokens(name: str) -> tuple[str, ...]:
    """Give the words of the normalised name, in order."""
    return tuple(normalise(name).split())


def acronym(name: str) -> str:
    """
    Give the first letters of a name of at least two words, without joining words.

    Empty for a name of one word, which has no acronym to speak of.
    """
    words = [word for word in tokens(name) if word not in {"and", "of", "the", "for"}]
    return "".join(word[0] for word in words) if len(words) > 1 else ""


def alternates(name: str) -> tuple[str, ...]:
    """
    Give other names that the name itself states in parentheses.

    "Jones Lang LaSalle (JLL)" is "Jones Lang LaSalle", and "JLL" since those are its initials;
    the remark in "Prudential Financial (U.S.)" is not a name of its own.
    """
    remarks = _PARENTHESIS.findall(name)
    without = _PARENTHESIS.sub(" ", name).strip()
    if not remarks or not without:
        return ()
    initials = acronym(without)
    return (without, *(one for one in remarks if len(key(one)) >= 3 and key(one) == initials))
