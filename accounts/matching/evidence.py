"""What speaks for and against a lead belonging to an account, as numbers and as rows to read."""

from collections.abc import Mapping
from typing import Final

from accounts import domains
from accounts.matching import likeness
from accounts.matching.prepared import Account, Lead
from accounts.matching.types import Evidence, Weigh
from accounts.matching.words import FUND

# Less alike than this is no evidence at all (no labelled match lies below).
LEAST_LIKENESS: Final = 0.45
# The city of the lead in a name says little more than the city itself does.
_PLACE_WORD: Final = 0.3

Features = Mapping[str, float]


def name_evidence(lead: Lead, account: Account, weigh: Weigh) -> tuple[Features, Evidence] | None:
    """
    Compare the names; None where they share nothing that says anything.

    The features are what `calibration` has weights for; the row says the same in words.
    """
    if not lead.key:
        return None
    row: Evidence = {"account_id": account.id, "lead": " ".join(lead.words)}
    if lead.key == account.key:
        return {"exact": 1.0}, row | {"kind": "name", "account": account.candidate.name}
    if (alias := account.alias_keys.get(lead.key)) is not None:
        return {"exact": 1.0}, row | {"kind": "alias", "account": alias}
    row["account"] = account.candidate.name
    # The same word in every language of the map is still one word: weights are remembered.
    heard: dict[str, float] = {}

    def weigh_here(word: str) -> float:
        if word not in heard:
            heard[word] = weigh(word) * (_PLACE_WORD if word in lead.place_words else 1.0)
        return heard[word]

    found = max(
        (likeness.align(lead.words, words, weigh_here) for words in account.spellings),
        key=lambda one: (likeness.of(one), one.shared),
    )
    alike = likeness.of(found)
    if alike >= LEAST_LIKENESS:
        kind = "similar_name"
        if len(lead.words) > 1 and tuple(sorted(lead.words)) in account.bags:
            kind = "name_order"
        elif lead.core and lead.core in account.cores:
            kind = "name_core"
        row |= {"kind": kind, "likeness": round(alike, 3)}
        return _similar(found, kind, alike), row
    if lead.key in account.acronyms or account.key in lead.initials:
        return {"acronym": 1.0}, row | {"kind": "acronym"}
    return None


def _similar(found: likeness.Alignment, kind: str, alike: float) -> Features:
    ours, theirs = min(found.ours, 2.0), min(found.theirs, 2.0)
    fund = not FUND.isdisjoint(found.our_rest) and FUND.isdisjoint(found.their_rest)
    return {
        "similar": 1.0,
        "same_words": float(kind != "similar_name"),
        "shared": min(found.shared, 2.0),
        "lead_alone": ours,
        "account_alone": theirs,
        "lead_within": float(not found.our_rest),
        "account_within": float(not found.their_rest),
        "likeness_squared": alike**2,
        "same_head": float(found.same_head),
        "same_head_strongest": found.strongest if found.same_head else 0.0,
        "shortened": float(found.bent),
        "fund": float(fund),
    }


def place_evidence(lead: Lead, account: Account) -> tuple[str, Evidence | None]:
    """Give how far the places agree ("" if unknown) and the row that says so."""
    agreement = lead.place.compare(account.place)
    if not agreement:
        return "", None
    return agreement, {"kind": "place", "account_id": account.id, "agreement": agreement}


def with_place(features: Features, agreement: str) -> Features:
    """Add what the place says; beside a name that is only similar it says more."""
    if not agreement:
        return features
    place = agreement.replace(" ", "_")
    added = {place: 1.0}
    if "similar" in features and place in ("same_city", "same_state"):
        added[f"{place}_similar"] = 1.0
    if place == "same_city":
        added["same_city_same_head"] = features.get("same_head", 0.0)
        added["same_city_acronym"] = features.get("acronym", 0.0)
    return {**features, **added}


def domain_evidence(lead: Lead, account: Account, closest: str) -> Evidence | None:
    """
    Tell how the lead's host lies to the account's: the same, under it, beside it; else None.

    `closest` is the longest host of all candidates that is the lead's or lies above it.
    """
    if lead.host is None or lead.registrable is None:
        return None
    row: Evidence = {"kind": "domain", "account_id": account.id, "lead": lead.host}
    for host in sorted(account.hosts, key=len, reverse=True):
        if host == lead.host:
            return row | {"account": host}
        if covers(host, lead.host):
            # An account with a closer host of its own has the better claim.
            kind = "sub_domain" if host == closest else "same_registrable_domain"
            return row | {"kind": kind, "account": host}
        if domains.registrable(host) == lead.registrable:
            return row | {"kind": "same_registrable_domain", "account": host}
    return None


def clashing_domain(lead: Lead, account: Account) -> Evidence | None:
    """Note that both sides have domains and none agrees, not even in its name (acme.de)."""
    if lead.registrable is None or not account.hosts:
        return None
    label = lead.registrable.partition(".")[0]
    own = [domains.registrable(host) or host for host in account.hosts]
    if any(one.partition(".")[0] == label for one in own):
        return None
    return {
        "kind": "other_domain",
        "account_id": account.id,
        "lead": lead.registrable,
        "account": own[0],
    }


def covers(upper: str, host: str) -> bool:
    """Whether a host is another or lies under it."""
    return host == upper or host.endswith("." + upper)
