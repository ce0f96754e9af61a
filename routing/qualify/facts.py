"""
The registry of facts: everything that rules, scores and policies may ask about a lead.

A fact is one `Fact(…)` line here. Personal facts are kept apart from decisions, so that
they can be erased. `VERSION` rises when the meaning of a fact changes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts import domains
from routing.engine import FactKind

VERSION = 1


@dataclass(frozen=True, slots=True)
class Known:
    """What was read about one lead; `links` holds ids that only routing uses."""

    lead: Any
    prospect: Any
    account: Any = None
    touches: int = 0
    answers: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing rules may ask: its name in conditions, its type, and how it is read."""

    name: str
    kind: FactKind
    label: str
    read: Callable[[Known], Any]
    group: str = "lead"
    personal: bool = False
    # Only known when a lead is routed, so scores cannot use it.
    routing_only: bool = False
    choices: tuple[str, ...] = ()


def _of_lead(name: str) -> Callable[[Known], Any]:
    return lambda known: getattr(known.lead, name)


def _of_prospect(name: str) -> Callable[[Known], Any]:
    return lambda known: getattr(known.prospect, name)


def _of_account(name: str) -> Callable[[Known], Any]:
    return lambda known: getattr(known.account, name) if known.account else None


def _link(name: str) -> Callable[[Known], Any]:
    return lambda known: known.links.get(name)


def _first(*readers: Callable[[Known], Any]) -> Callable[[Known], Any]:
    """The first answer that is there: what the account record says before the prospect."""

    def read(known: Known) -> Any:
        for reader in readers:
            value = reader(known)
            if value not in (None, ""):
                return value
        return None

    return read


def _number(reader: Callable[[Known], Any]) -> Callable[[Known], Any]:
    def read(known: Known) -> Any:
        value = reader(known)
        return None if value is None else float(value)

    return read


ALL: tuple[Fact, ...] = (
    Fact("source", "text", _("source"), lambda k: k.lead.source.slug),
    Fact("channel", "text", _("channel"), _of_lead("channel")),
    Fact("motion", "text", _("motion"), _of_lead("motion"), choices=("INBOUND", "OUTBOUND")),
    Fact("campaign", "text", _("campaign"), _of_lead("campaign")),
    Fact("product_interest", "text", _("product interest"), _of_lead("product_interest")),
    Fact("budget_range", "text", _("budget"), _of_lead("budget_range")),
    Fact("timeline", "text", _("timeline"), _of_lead("timeline")),
    Fact("expected_value", "number", _("expected value"), _number(_of_lead("expected_value"))),
    Fact("score", "number", _("score"), _of_lead("score"), routing_only=True),
    Fact(
        "tier",
        "text",
        _("tier"),
        _of_lead("tier"),
        routing_only=True,
        choices=("HOT", "WARM", "COLD"),
    ),
    Fact("hand_raise", "boolean", _("asked to be contacted"), _of_lead("is_hand_raise")),
    Fact("prequalified", "boolean", _("pre-qualified"), lambda k: k.lead.source.is_prequalified),
    Fact("touches", "number", _("number of touches"), lambda k: k.touches),
    Fact(
        "answers",
        "list",
        _("the form's own answers"),
        lambda k: answer_list(k.answers),
        personal=True,
    ),
    # the company
    Fact("account", "id", _("account"), _of_lead("account_id"), "company"),
    Fact("has_account", "boolean", _("matches an account"), lambda k: bool(k.account), "company"),
    Fact(
        "employees",
        "number",
        _("employees"),
        _first(_of_account("employees"), _of_lead("employees")),
        "company",
    ),
    Fact(
        "industry",
        "text",
        _("industry"),
        _first(_of_account("industry"), _of_lead("industry")),
        "company",
    ),
    Fact("revenue", "number", _("yearly revenue"), _number(_of_account("revenue")), "company"),
    Fact(
        "country",
        "text",
        _("country"),
        _first(_of_prospect("country"), _of_account("country")),
        "company",
    ),
    Fact(
        "region",
        "text",
        _("state or region"),
        _first(_of_prospect("region"), _of_account("region")),
        "company",
    ),
    # the person
    Fact(
        "postal_code",
        "text",
        _("postal code"),
        _first(_of_prospect("postal_code"), _of_account("postal_code")),
        "person",
        personal=True,
    ),
    Fact("title", "text", _("job title"), _of_prospect("title"), "person", personal=True),
    Fact(
        "email_domain",
        "text",
        _("e-mail domain"),
        lambda k: k.prospect.email.rpartition("@")[2] or None,
        "person",
        personal=True,
    ),
    Fact(
        "email_class",
        "text",
        _("kind of e-mail"),
        lambda k: domains.mail_class(k.prospect.email) if k.prospect.email else None,
        "person",
        choices=("work", "free", "disposable"),
    ),
    # whose it is: read when the lead is routed
    Fact("account_owner", "id", _("named-account owner"), _link("account_owner"), "owner"),
    Fact(
        "parent_account_owner",
        "id",
        _("parent account's owner"),
        _link("parent_account_owner"),
        "owner",
    ),
    Fact(
        "opportunity_owner",
        "id",
        _("open opportunity's owner"),
        _link("opportunity_owner"),
        "owner",
    ),
    Fact("former_owner", "id", _("former owner"), _link("former_owner"), "owner"),
    Fact("territory", "id", _("territory"), _link("territory"), "owner"),
    Fact("handed_back", "list", _("reps who held it before"), _link("handed_back"), "owner"),
)
BY_NAME: Mapping[str, Fact] = {fact.name: fact for fact in ALL}
OWNER_GROUP = "owner"

# What conditions of rules may ask, and what scores may: no score of a score, no owners.
KINDS: Mapping[str, FactKind] = {fact.name: fact.kind for fact in ALL}
SCORE_KINDS: Mapping[str, FactKind] = {
    fact.name: fact.kind for fact in ALL if not fact.routing_only and fact.group != OWNER_GROUP
}


def answer_list(answers: Mapping[str, Any]) -> list[str]:
    """The form's own answers as `question=answer`, the form in which rules ask for them."""
    return sorted(f"{name}={value}".casefold() for name, value in answers.items())


def read(known: Known) -> dict[str, Any]:
    """Return every fact that is known; what is missing is left out."""
    found = {}
    for fact in ALL:
        value = fact.read(known)
        if value is not None and value != "" and value != []:
            found[fact.name] = value
    return found


def split(facts: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part facts into those a decision keeps and the personal ones that lie apart."""
    kept, personal = {}, {}
    for name, value in facts.items():
        (personal if BY_NAME[name].personal else kept)[name] = value
    return kept, personal
