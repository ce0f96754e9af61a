"""
What is asked of a provider outside: address, headers and body, from what is known of a lead.

The company may always be named; what is about the person only if the provider's set-up lists it.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.utils.crypto import salted_hmac

from accounts import domains
from routing.models import EnrichmentProvider

COMPANY: Final = ("domain", "company", "website", "country")
PERSONAL: Final = (
    "email", "email_sha256", "phone", "first_name", "last_name", "title", "linkedin_url",
    "region", "city", "postal_code",
)  # fmt: skip
PLACEHOLDER: Final = re.compile(r"\{([a-z0-9_]*)\}")
SECRET: Final = re.compile(r"\$\{([A-Z0-9_]+)\}")


class NotAskable(Exception):
    """The provider cannot be asked as it is set up; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Question:
    """
    One request, ready to send. `key` stands for all that it says; `is_personal`: it says
    something about the person and not only about the company.
    """

    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes | None
    key: str
    is_personal: bool


def told(prospect: Any) -> dict[str, str]:
    """Everything that could be said about a lead, by the name that stands in braces."""
    email = prospect.email
    found = {
        name: getattr(prospect, name)
        for name in (*COMPANY[1:], *PERSONAL)
        if name != "email_sha256"
    }
    found["domain"] = domains.account_domain(email) or domains.registrable(prospect.website) or ""
    found["email_sha256"] = (
        hashlib.sha256(email.strip().lower().encode()).hexdigest() if email else ""
    )
    return found


def placeholders(provider: EnrichmentProvider) -> set[str]:
    """What the address of a provider, or its body, says about a lead."""
    names = set(PLACEHOLDER.findall(provider.url))
    if provider.method == EnrichmentProvider.Method.POST:
        names |= {"domain", "company", *provider.sends}
    return names


def build(provider: EnrichmentProvider, values: Mapping[str, str]) -> Question | None:
    """
    Return the question about a lead; None if what the address names is not known of it.

    :raises NotAskable: if it names a secret that the environment does not have
    """
    names = set(PLACEHOLDER.findall(provider.url))
    allowed = {*COMPANY, *provider.sends}
    if names - allowed or any(not values.get(name) for name in names):
        return None
    url = PLACEHOLDER.sub(lambda found: quote(values[found[1]], safe=""), provider.url)
    body: bytes | None = None
    said = set(names)
    if provider.method == EnrichmentProvider.Method.POST:
        content = {
            name: values[name] for name in (*COMPANY[:2], *provider.sends) if values.get(name)
        }
        if not content:
            return None
        said |= set(content)
        body = json.dumps(content, ensure_ascii=False, sort_keys=True).encode()
    headers = {name: _with_secrets(text) for name, text in provider.headers.items()}
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    if provider.signing_secret:
        headers["X-Signature"] = sign(
            secret_of(provider.signing_secret), provider.method, url, body or b"", int(time.time())
        )
    return Question(
        url=url,
        method=provider.method,
        headers=headers,
        body=body,
        key=key_of(provider, url, body),
        is_personal=bool(said & set(PERSONAL)),
    )


def key_of(provider: EnrichmentProvider, url: str, body: bytes | None) -> str:
    """What stands for a question in the store of answers; nothing can be read from it."""
    content = b"\x00".join([str(provider.pk).encode(), url.encode(), body or b""])
    return salted_hmac("routing.enrich.answer", content, algorithm="sha256").hexdigest()


def sign(secret: str, method: str, url: str, body: bytes, moment: int) -> str:
    """
    Return `t=…,v1=…`: HMAC-SHA256 in hex over "moment.METHOD path" and the body, a line between.
    """
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    content = f"{moment}.{method} {target}\n".encode() + body
    return f"t={moment},v1={hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()}"


def secret_of(name: str) -> str:
    """
    Return a secret of the environment: ENRICHMENT_SECRET_ and its name.

    :raises NotAskable: if there is none
    """
    found = settings.ENRICHMENT_SECRETS.get(name, "")
    if not found:
        raise NotAskable(f"The environment has no ENRICHMENT_SECRET_{name}.")
    return found


def _with_secrets(text: str) -> str:
    return SECRET.sub(lambda found: secret_of(found[1]), text)
