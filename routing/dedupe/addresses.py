"""
Which spellings of an address are one person's, as an organisation has it set. Pure.

A provider's rule says what its mailboxes ignore: dots, and what follows a tag sign. Only what a
provider documents is on from the start; nothing is assumed of anybody else's mail server.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

# What a provider may let people add to their address.
TAG_SIGNS = ("+", "-")


@dataclass(frozen=True, slots=True)
class Provider:
    """
    How a provider reads addresses at its domains; the first domain stands for all of them.

    `tag`: what follows this sign is ignored; empty: nothing is. Off, each spelling is its own.
    """

    name: str
    domains: tuple[str, ...]
    tag: str = "+"
    dots: bool = False
    on: bool = True

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "domains": list(self.domains),
            "tag": self.tag,
            "dots": self.dots,
            "on": self.on,
        }

    def mailbox(self, local: str) -> str:
        """The address that all spellings of this local part reach."""
        read = local.split(self.tag, 1)[0] if self.tag else local
        read = read.replace(".", "") if self.dots else read
        # A tag and nothing else is somebody's whole address.
        return f"{read or local}@{self.domains[0]}"


PROVIDERS: tuple[Provider, ...] = (
    Provider("Gmail", ("gmail.com", "googlemail.com"), dots=True),
    Provider("Outlook", ("outlook.com",)),
    Provider("Hotmail", ("hotmail.com",)),
    Provider("Live", ("live.com",)),
    Provider("iCloud", ("icloud.com", "me.com", "mac.com")),
    Provider("Proton", ("proton.me", "protonmail.com", "pm.me"), dots=True),
    Provider("Fastmail", ("fastmail.com",)),
    # A Yahoo alias has a stem of its own before the sign, so two of them may be two people's.
    Provider("Yahoo", ("yahoo.com",), tag="-", on=False),
    Provider("Yandex", ("yandex.ru", "yandex.com", "ya.ru"), on=False),
)
# Read by several people, or by nobody (RFC 2142, and what websites print).
SHARED_MAILBOXES: tuple[str, ...] = (
    "abuse",
    "accounting",
    "accounts",
    "admin",
    "administration",
    "billing",
    "bonjour",
    "buero",
    "bewerbung",
    "careers",
    "contact",
    "contacto",
    "contato",
    "customerservice",
    "einkauf",
    "enquiries",
    "finance",
    "hallo",
    "hello",
    "help",
    "helpdesk",
    "hi",
    "hola",
    "hostmaster",
    "hr",
    "info",
    "information",
    "inquiries",
    "it",
    "jobs",
    "kontakt",
    "kundenservice",
    "legal",
    "mail",
    "marketing",
    "media",
    "no-reply",
    "noreply",
    "office",
    "orders",
    "personal",
    "postmaster",
    "presse",
    "press",
    "privacy",
    "purchasing",
    "reception",
    "sales",
    "security",
    "sekretariat",
    "service",
    "support",
    "team",
    "verkauf",
    "vertrieb",
    "ventas",
    "webmaster",
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What an organisation lets recognise a person; read once per batch."""

    providers: Mapping[str, Provider] = field(default_factory=dict)
    tags_everywhere: bool = False
    shared: frozenset[str] = frozenset()
    phone_identifies: bool = True

    @classmethod
    def of(
        cls,
        *,
        providers: Iterable[Mapping[str, Any]],
        tags_everywhere: bool = False,
        shared: Iterable[str] = (),
        phone_identifies: bool = True,
    ) -> "Rules":
        """Read the rules as they are stored; providers that are off are left out."""
        by_domain: dict[str, Provider] = {}
        for row in providers:
            one = Provider(
                row["name"], tuple(row["domains"]), row["tag"], bool(row["dots"]), bool(row["on"])
            )
            if one.on:
                by_domain |= {domain: one for domain in one.domains if domain not in by_domain}
        return cls(by_domain, tags_everywhere, frozenset(map(_bare, shared)), phone_identifies)

    def mailbox(self, email: str) -> str:
        """
        The mailbox behind an address, where a rule says that several spellings reach it; else
        nothing. The same answer for its own answer.
        """
        local, at, domain = email.casefold().rpartition("@")
        if not at or not local:
            return ""
        if (provider := self.providers.get(domain)) is not None:
            return provider.mailbox(local)
        if self.tags_everywhere:
            return f"{local.split('+', 1)[0] or local}@{domain}"
        return ""

    def is_shared(self, email: str) -> bool:
        """Whether an address is read by several people, like sales@ or info.de@."""
        local = email.rpartition("@")[0].casefold().split("+", 1)[0]
        if _bare(local) in self.shared:
            return True
        # A country, a language or a place after the word: info.de@, sales-emea@.
        head = re.split(r"[.\-_]", local, maxsplit=1)
        return len(head) == 2 and len(head[1]) <= 4 and _bare(head[0]) in self.shared


def _bare(local: str) -> str:
    return re.sub(r"[.\-_]", "", local.casefold())


DEFAULT = Rules.of(
    providers=[one.as_json() for one in PROVIDERS],
    shared=SHARED_MAILBOXES,
)


def fold_name(*parts: str) -> str:
    """A name for comparison: lower case, without accents and signs, words by single blanks."""
    text = unicodedata.normalize("NFKD", " ".join(parts).casefold())
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = text.translate(_PLAIN)
    return " ".join("".join(c if c.isalnum() else " " for c in text).split())


_PLAIN = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ß": "ss"})


def linkedin_profile(path: str) -> str:
    """
    The profile that a path at LinkedIn names, `linkedin.com/in/…`; empty if it names none.

    Percent-encoding, a language at the end and case do not matter. The old public address
    /pub/ann-lee/1a/2b/3c is today's /in/ann-lee-03c02b1a: its numbers turned round, the last two
    filled up to three digits. Without them, /pub/ and /in/ name the same.
    """
    parts = [_plain(part) for part in path.split("/") if part]
    while parts and parts[0] in ("mwlite", "m"):
        parts = parts[1:]
    if len(parts) < 2 or parts[0] not in ("in", "pub") or not parts[1]:
        return ""
    name = parts[1]
    numbers: Sequence[str] = parts[2:5]
    if parts[0] == "pub" and len(numbers) == 3 and all(map(_is_number, numbers)):
        first, second, third = numbers
        name = f"{name}-{third.zfill(3)}{second.zfill(3)}{first}"
    if any(unicodedata.category(c)[0] == "C" for c in name):
        return ""
    return f"linkedin.com/in/{name}"


def _plain(part: str) -> str:
    """Decoded and folded until nothing changes any more; what parts an address stays encoded."""
    text = unquote(part)
    for _ in range(2):
        text = unicodedata.normalize("NFKC", text).casefold()
    text = " ".join(text.split())
    return "".join(quote(c, safe="") if c in "%/?#\\" else c for c in text).casefold()


def _is_number(part: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{1,3}", part))
