"""What goes into matching a lead to an account, and what comes out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

AccountId = int | str
Verdict = Literal["match", "review", "net_new"]
Evidence = dict[str, Any]
# How much sharing a word says, from 0 (nothing) to 1 (as rare as words get).
Weigh = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    One account as far as matching needs it; domains may be hosts, addresses or URLs.

    `has_open_deal` and `is_named` only order accounts that are equally likely.
    """

    account_id: AccountId
    name: str
    domains: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    city: str = ""
    state: str = ""
    country: str = ""
    parent_id: AccountId | None = None
    parent_name: str = ""
    has_open_deal: bool = False
    is_named: bool = False


@dataclass(frozen=True, slots=True)
class LeadIdentity:
    """What a lead says about its company; `domain` as `domains.account_domain` gives it."""

    company: str = ""
    domain: str | None = None
    city: str = ""
    state: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Contender:
    """
    An account that was considered, with what speaks for it.

    `confidence` is the probability that the lead belongs to it, from 0 to 1. `beaten_by` is
    empty for the winner. For another it names the kind of evidence that put it behind the
    winner ("domain", "name", "place" …) or, among equally likely ones, the first tie-breaker
    that did: see `deciding.TIE_BREAKERS`.
    """

    account_id: AccountId
    confidence: float
    evidence: list[Evidence]
    beaten_by: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """
    The verdict with its reasons, strongest first.

    "match": one account, beyond reasonable doubt. "review": `account_id` is the likeliest,
    and a person should say. "net_new": no account (`account_id` is None, `confidence` 0); what
    came nearest is still among the `contenders`. Those are at most five, best first. Every
    evidence row can be written as JSON and names its `kind` and, where there is one, its
    `account_id`.
    """

    verdict: Verdict
    account_id: AccountId | None
    confidence: float
    evidence: list[Evidence]
    contenders: tuple[Contender, ...] = ()
