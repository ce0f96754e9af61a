"""What intake does about matches: heed what people have ruled out, and open reviews."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from accounts.matching import MATCH_AT, Contender, Evidence, Match, is_clear
from reps import trail
from reps.models.bulk import insert_many
from reps.models.tracked import bulk_writer
from routing.models import Lead, MatchCandidate, MatchRefusal, MatchReview, Prospect
from routing.models.source import Mode
from routing.reviews.marks import company_of

MOST_CANDIDATES = 5
# A shadow is decided and not done: there is nobody to hand it over to.
REVIEWED = (Mode.LIVE, Mode.BACKFILL, Mode.TEST)
# What of a row of evidence is about the account; the rest is the lead's, or unknown here.
TEXTS = ("kind", "account", "agreement")


class Arrival(Protocol):
    """A submission on its way through intake."""

    prospect: Prospect | None
    match: Match | None
    lead: Lead | None
    is_new: bool


def heed(arrivals: Sequence[Arrival]) -> None:
    """
    Leave out of each match the accounts of which somebody has said that this company is not
    they. One statement, and none where nothing was matched.
    """
    asked: list[tuple[Arrival, str]] = []
    for one in arrivals:
        if one.match is not None and one.prospect is not None and one.match.account_id is not None:
            mark = company_of(one.prospect).mark
            if mark:
                asked.append((one, mark))
    if not asked:
        return
    refused: dict[str, set[int]] = {}
    rows = MatchRefusal.objects.filter(mark__in={mark for _, mark in asked})
    for mark, account in rows.values_list("mark", "account_id"):
        refused.setdefault(mark, set()).add(account)
    for one, mark in asked:
        if mark in refused and one.match is not None:
            one.match = without(one.match, refused[mark])


def without(match: Match, refused: Collection[int]) -> Match:
    """
    Return a match as it stands without these accounts.

    What was a contest only with one of them is none any more. Pure.
    """
    contenders = match.contenders or _only(match)
    left = tuple(one for one in contenders if one.account_id not in refused)
    if len(left) == len(contenders):
        return match
    gone: list[Evidence] = [
        {"kind": "ruled_out", "account_id": one.account_id}
        for one in contenders
        if one.account_id in refused
    ]
    if not left:
        return Match("net_new", None, 0.0, gone)
    best = left[0]
    clear = len(left) == 1 or is_clear(best.confidence, left[1].confidence)
    # Whoever is beaten by nobody else is as sure as it is likely.
    is_sure = best.confidence >= MATCH_AT and clear
    evidence = [*best.evidence, *gone]
    verdict = "match" if is_sure else "review"
    return Match(verdict, best.account_id, best.confidence, evidence, left)


def _only(match: Match) -> tuple[Contender, ...]:
    if match.account_id is None:
        return ()
    return (Contender(match.account_id, match.confidence, match.evidence),)


def open_reviews(arrivals: Sequence[Arrival], *, at: datetime) -> list[MatchReview]:
    """
    Open a review for each new lead whose match is not certain, with its candidates.

    In the caller's transaction; statements are constant.
    """
    unsure = [
        one
        for one in arrivals
        if one.is_new
        and one.lead is not None
        and one.prospect is not None
        and one.match is not None
        and one.match.verdict == "review"
        and one.lead.mode in REVIEWED
    ]
    if not unsure:
        return []
    reviews = [_review(one, at=at) for one in unsure]
    with bulk_writer("match reviews"):
        insert_many(reviews)
    insert_many(
        [
            candidate
            for one, review in zip(unsure, reviews, strict=True)
            for candidate in _candidates(one.match, review)
        ]
    )
    trail.record(
        MatchReview,
        [
            trail.Change(
                id=review.pk,
                kind="opened",
                reason_code="opened",
                data={"lead_id": review.lead_id, "is_contest": review.is_contest},
            )
            for review in reviews
        ],
        by=None,
        at=at,
        created=True,
    )
    return reviews


def _review(one: Arrival, *, at: datetime) -> MatchReview:
    assert one.prospect is not None
    assert one.match is not None
    company = company_of(one.prospect)
    return MatchReview(
        lead=one.lead,
        is_contest=any(row.get("kind") == "contest" for row in one.match.evidence),
        name_mark=company.name_mark,
        domain_mark=company.domain_mark,
        opened_at=at,
    )


def _candidates(match: Match | None, review: MatchReview) -> list[MatchCandidate]:
    if match is None:
        return []
    contenders = (match.contenders or _only(match))[:MOST_CANDIDATES]
    return [
        MatchCandidate(
            review=review,
            account_id=one.account_id,
            position=position,
            confidence=one.confidence,
            evidence=[kept(row) for row in one.evidence],
            beaten_by=one.beaten_by[:200],
        )
        for position, one in enumerate(contenders, start=1)
    ]


def kept(row: Mapping[str, Any]) -> dict[str, Any]:
    """What may be kept of a row of evidence: figures, and what the account says."""
    return {
        name: value
        for name, value in row.items()
        if isinstance(value, bool | int | float) or (name in TEXTS and isinstance(value, str))
    }
