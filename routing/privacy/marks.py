"""By what a person is recognised in a text: addresses, number, full name. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote_plus

ERASED = "[erased]"
ADDRESS = re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+")
NUMBER = re.compile(r"\+?\d(?:[\s().\-/\u00a0]{0,2}\d){7,}")
# Fewer digits at the end of a number than these could be anybody's.
ENOUGH_DIGITS = 8
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True, slots=True)
class Marks:
    """What only this person has. A first name, a company or a town are many people's."""

    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.emails or self.phones or self.names or self.others)

    def are_in(self, text: str) -> bool:
        """Whether a text holds any of them, plain, escaped as in JSON, or as in an address."""
        return any(self._are_in(way) for way in _ways(text))

    def _are_in(self, text: str) -> bool:
        folded = " ".join(text.casefold().split())
        if any(mark in folded for mark in (*self.emails, *self.names, *self.others)):
            return True
        if not self.phones:
            return False
        return any(self.is_number(found.group()) for found in NUMBER.finditer(text))

    def is_number(self, text: str) -> bool:
        """Whether this is their phone number, with or without the country in front."""
        digits = _digits(text)
        return any(
            digits == phone or (len(digits) >= ENOUGH_DIGITS and phone.endswith(digits.lstrip("0")))
            for phone in self.phones
        )


def marks(
    *,
    emails: Iterable[str] = (),
    phones: Iterable[str] = (),
    names: Iterable[tuple[str, str]] = (),
    others: Iterable[str] = (),
) -> Marks:
    """Return the marks of a person; what is too short to be theirs alone is left out."""
    return Marks(
        emails=frozenset(email.strip().casefold() for email in emails if "@" in email),
        phones=frozenset(d for d in map(_digits, phones) if len(d) >= ENOUGH_DIGITS),
        names=frozenset(
            " ".join(f"{first} {last}".casefold().split())
            for first, last in names
            if first.strip() and last.strip()
        ),
        others=frozenset(other.casefold() for other in others if len(other) >= ENOUGH_DIGITS),
    )


def masked(text: str, whose: Marks | None = None) -> str:
    """
    Return a text without any address or number that is somebody's, or this person's name.

    For what goes on record for good: the kind of campaign may stay there, an e-mail address
    that somebody typed into it may not.
    """
    text = ADDRESS.sub(ERASED, text)
    text = NUMBER.sub(lambda found: _masked_number(found.group(), whose), text)
    for name in whose.names if whose else ():
        words = r"\s+".join(map(re.escape, name.split()))
        text = re.sub(words, ERASED, text, flags=re.IGNORECASE)
    return text


def _masked_number(number: str, whose: Marks | None) -> str:
    """A number written as phone numbers are, or known as theirs; a budget looks otherwise."""
    is_phone = number.startswith("+") or (whose is not None and whose.is_number(number))
    return ERASED if is_phone else number


def _ways(text: str) -> Iterable[str]:
    yield text
    if "%" in text or "+" in text:
        yield unquote_plus(text)
    if "\\u" in text:
        yield ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text)


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())
