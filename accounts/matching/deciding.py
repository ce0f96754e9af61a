"""
Which of the candidates a lead belongs to, if any, and what beat the others.

Nothing here reads a database, a clock or a network, and the answer does not depend on the
order of the candidates. Place only supports or weakens, it never matches by itself.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accounts.matching import calibration, evidence
from accounts.matching.calibration import MARGIN, MATCH_AT, REVIEW_AT
from accounts.matching.coefficients import MODEL
from accounts.matching.fitting import Model, probability
from accounts.matching.prepared import Account, Lead
from accounts.matching.types import (
    AccountId,
    Candidate,
    Contender,
    Evidence,
    LeadIdentity,
    Match,
    Verdict,
    Weigh,
)
from accounts.matching.words import plain_weight

MOST_CONTENDERS: Final = 5
_LEAST_SHOWN: Final = 0.01
_MATCH_FROM: Final = math.log(MATCH_AT / (1 - MATCH_AT))
_REVIEW_FROM: Final = math.log(REVIEW_AT / (1 - REVIEW_AT))
# Nothing is surer than this: 0.9991.
_SUREST: Final = 7.0

# Among candidates that are nearly as likely, the first of these that differs decides who
# leads: the very host, the very name or alias, an open deal, a named account, the parent before
# its child, the likelier, and last the account that was there first. It is only an order: a
# person decides, and sees it.
TIE_BREAKERS: Final = (
    "domain",
    "name",
    "open_deal",
    "named_account",
    "parent",
    "confidence",
    "account_id",
)
# In which order the kinds of evidence are asked what put a clear loser behind.
_STRENGTHS: Final = ("domain", "name", "place")


def match(
    lead: LeadIdentity, candidates: Iterable[Candidate], *, weigh: Weigh | None = None
) -> Match:
    """
    Decide which of the candidates the lead belongs to, if any.

    A free or disposable domain is ignored and noted. Two candidates nearly as good as each
    other are a "review" with both in the evidence. `weigh` tells how much sharing a word
    means (`Index.weigh` knows the whole book); without it, only the background is asked.
    """
    prepared = {candidate.account_id: Account(candidate) for candidate in candidates}
    return decide(Lead(lead), list(prepared.values()), weigh or plain_weight)


def is_clear(confidence: float, rival: float) -> bool:
    """Whether one candidate is so much likelier than another that they are no contest."""
    return _log_odds(confidence) - _log_odds(rival) >= MARGIN - 1e-9


def _log_odds(confidence: float) -> float:
    bounded = min(max(confidence, 1e-6), 1 - 1e-6)
    return math.log(bounded / (1 - bounded))


@dataclass(frozen=True, slots=True)
class _Scored:
    account: Account
    log_odds: float
    evidence: list[Evidence]
    parts: Mapping[str, float]

    @property
    def confidence(self) -> float:
        return round(probability(self.log_odds), 4)

    @property
    def kinds(self) -> set[str]:
        return {row["kind"] for row in self.evidence}


def decide(lead: Lead, accounts: Sequence[Account], weigh: Weigh, model: Model = MODEL) -> Match:
    """As `match`, for what is prepared already; no account twice."""
    closest = _closest_host(lead, accounts)
    scored = [one for a in accounts if (one := _score(lead, a, closest, weigh, model))]
    ranked, contest = _ranked(scored)
    notes: list[Evidence] = []
    if lead.ignored_domain:
        notes.append({"kind": "domain_ignored", "lead": lead.stated_domain})
    contenders = _contenders(ranked, contest)
    if not ranked or ranked[0].log_odds < _REVIEW_FROM:
        return Match("net_new", None, 0.0, notes, contenders)
    best = ranked[0]
    rows = [*best.evidence, *_parent(best), *notes]
    if contest > 1:
        for rival in ranked[1:contest][:MOST_CONTENDERS]:
            rows += [_contest(best, rival), *rival.evidence]
    verdict: Verdict = "match" if contest == 1 and best.log_odds >= _MATCH_FROM else "review"
    return Match(verdict, best.account.id, best.confidence, rows, contenders)


def _ranked(scored: Sequence[_Scored]) -> tuple[list[_Scored], int]:
    """
    Sort, best first, and say how many of the first are too close to choose between.

    The tie-breakers only order these; those that stand clearly behind follow by likelihood.
    """
    by_odds = sorted(scored, key=lambda one: (-one.log_odds, _order(one.account.id)))
    if not by_odds:
        return [], 0
    top = by_odds[0]
    close = [
        one
        for one in by_odds
        if top.log_odds - one.log_odds < MARGIN - 1e-9
        and (one is top or one.log_odds >= _REVIEW_FROM)
    ]
    behind = [one for one in by_odds if one not in close]
    parents = {one.account.candidate.parent_id for one in close} - {None}
    close.sort(key=lambda one: _tie_key(one, parents))
    return [*close, *behind], len(close)


def _tie_key(one: _Scored, parents: set[AccountId | None]) -> tuple[Any, ...]:
    """Give what the tie-breakers compare, in their order; smaller leads."""
    candidate, kinds = one.account.candidate, one.kinds
    return (
        "domain" not in kinds,
        kinds.isdisjoint({"name", "alias"}),
        not candidate.has_open_deal,
        not candidate.is_named,
        candidate.account_id not in parents,
        -one.confidence,
        _order(candidate.account_id),
    )


def _order(account_id: AccountId) -> tuple[int, int, str]:
    return (0, account_id, "") if isinstance(account_id, int) else (1, 0, account_id)


def _contenders(ranked: Sequence[_Scored], contest: int) -> tuple[Contender, ...]:
    if not ranked:
        return ()
    best = ranked[0]
    parents = {one.account.candidate.parent_id for one in ranked[:contest]} - {None}
    winner = _tie_key(best, parents)
    found = []
    for place, one in enumerate(ranked[:MOST_CONTENDERS]):
        if place and place >= contest and one.confidence < _LEAST_SHOWN:
            break
        beaten_by = ""
        if 0 < place < contest:
            pairs = zip(TIE_BREAKERS, winner, _tie_key(one, parents), strict=True)
            beaten_by = next(name for name, ours, theirs in pairs if ours != theirs)
        elif place:
            beaten_by = next(
                (kind for kind in _STRENGTHS if best.parts[kind] > one.parts[kind] + 1e-9),
                "confidence",
            )
        found.append(Contender(one.account.id, one.confidence, one.evidence, beaten_by))
    return tuple(found)


def _contest(best: _Scored, rival: _Scored) -> Evidence:
    return {
        "kind": "contest",
        "account_id": rival.account.id,
        "confidence": rival.confidence,
        "gap": round(abs(best.confidence - rival.confidence), 4),
        "same_family": _is_parent(best, rival) or _is_parent(rival, best),
    }


def _is_parent(parent: _Scored, child: _Scored) -> bool:
    above = child.account.candidate.parent_id
    return above is not None and above == parent.account.id


def _parent(best: _Scored) -> list[Evidence]:
    """Name the company above the account: its owner may answer for the lead."""
    candidate = best.account.candidate
    if candidate.parent_id is None:
        return []
    row: Evidence = {"kind": "parent", "account_id": candidate.parent_id}
    return [row | ({"account": candidate.parent_name} if candidate.parent_name else {})]


def _closest_host(lead: Lead, accounts: Iterable[Account]) -> str:
    """Give the longest account host that is the lead's or lies above it; empty if none."""
    if lead.host is None:
        return ""
    mine = lead.host
    above = (host for a in accounts for host in a.hosts if evidence.covers(host, mine))
    return max(above, key=len, default="")


def _score(
    lead: Lead, account: Account, closest: str, weigh: Weigh, model: Model
) -> _Scored | None:
    """Weigh all evidence that this lead belongs to this account."""
    domain = evidence.domain_evidence(lead, account, closest)
    name = evidence.name_evidence(lead, account, weigh)
    if domain is None and name is None:
        return None
    agreement, place = evidence.place_evidence(lead, account)
    parts = dict.fromkeys(_STRENGTHS, 0.0)
    rows: list[Evidence] = []
    if domain is not None:
        rows.append(domain)
        parts["domain"] = calibration.DOMAINS[domain["kind"]]
        parts["place"] = calibration.by_place(agreement)
        if name is not None:
            # An exact name decides between accounts that share a domain; a similar one helps.
            features, row = name
            same = "exact" in features or features.get("same_words")
            share = 1.0 if same else row.get("likeness", 0.0) / 2
            parts["name"] = calibration.NAME_BESIDE_DOMAIN * share
            rows.append(row)
    else:
        assert name is not None
        features, row = name
        rows.append(row)
        parts["name"] = calibration.by_name(features, "", model)
        with_place = evidence.with_place(features, agreement)
        parts["place"] = calibration.by_name(with_place, agreement, model) - parts["name"]
        if (clash := evidence.clashing_domain(lead, account)) is not None:
            parts["domain"] = calibration.OTHER_DOMAIN
            rows.append(clash)
    if place is not None:
        rows.append(place)
    log_odds = min(_SUREST, sum(parts.values()))
    rows[0]["confidence"] = round(probability(log_odds), 4)
    return _Scored(account, log_odds, rows, parts)
