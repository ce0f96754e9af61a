"""Decide to which account a lead belongs, for several leads of one company at once; and undo."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Account
from reps import trail
from reps.due import doorbell
from reps.models import User
from routing import ownership
from routing.models import Lead, MatchRefusal, MatchReview
from routing.privacy.registry import unnamed
from routing.reviews import handover
from routing.reviews.marks import company_of
from routing.reviews.teach import lesson, teach, unteach
from routing.work.refusals import WorkRefused

State = MatchReview.State
MOST_TOGETHER = 100


class ReviewRefused(WorkRefused):
    """The review cannot be decided or taken back now; the message says why."""


def siblings(review: MatchReview):
    """The other waiting reviews of the same company, by its name or its domain."""
    same = Q(pk__in=())
    if review.name_mark:
        same |= Q(name_mark=review.name_mark)
    if review.domain_mark:
        same |= Q(domain_mark=review.domain_mark)
    return MatchReview.objects.filter(same, state=State.PENDING).exclude(pk=review.pk)


@transaction.atomic
def decide(
    *,
    review_id: int,
    account_id: int | None,
    reason: str = "",
    teach_name: bool = True,
    teach_domain: bool = True,
    also: Sequence[int] = (),
    by: User,
    at: datetime,
    driver: str,
) -> list[MatchReview]:
    """
    Say which account a lead belongs to, or (None) that its company is net new.

    Sets the lead's account, has the account learn the company's name and domain, remembers
    which accounts it is not, and hands the lead to its rightful owner by policy. `also` are
    other waiting reviews of the same company that are decided alike; those that somebody
    decided meanwhile are left out. Returns what was decided, the first one first.

    :raises ReviewRefused: if somebody was quicker, or the account is not in use
    """
    reviews, leads = _locked([review_id, *also][:MOST_TOGETHER])
    first = reviews.get(review_id)
    if first is None:
        raise ReviewRefused(_("This review does not exist any more."))
    if first.state != State.PENDING:
        raise ReviewRefused(_decided_already(first))
    account = _account(account_id)
    same = set(siblings(first).values_list("pk", flat=True))
    chosen = [first, *(row for pk, row in sorted(reviews.items()) if pk in same)]
    for review in chosen:
        lead = leads[review.lead_id]
        text = unnamed(reason.strip(), lead.prospect)[:300]
        _note_before(review, lead)
        review.state = State.MATCHED if account else State.NET_NEW
        review.account, review.reason = account, text
        review.decided_at, review.decided_by = at, by
        review.decided_with = None if review is first else first
        company = company_of(lead.prospect)
        if account is not None:
            learned = lesson(account, company)
            if not teach_name:
                learned.pop("alias", None)
            if not teach_domain:
                learned.pop("domain", None)
            teach(account, learned, by=by, at=at)
            review.taught = learned
        _rule_out(review, company.mark)
        _set_account(lead, account, by=by, at=at, reason=text)
        if account is None:
            review.became = _("Net new: whoever has it keeps it.")
        else:
            review.became, review.handed_epoch = handover.to_rightful(
                lead, by=by, at=at, driver=driver
            )
        review.became = review.became[:300]
        trail.save(
            review,
            by=by,
            at=at,
            reason=text or review.state.lower(),
            kind=review.state.lower(),
        )
    return chosen


@transaction.atomic
def undo(*, review_id: int, by: User, at: datetime, driver: str) -> list[MatchReview]:
    """
    Take a decision back, with all that were decided together with it: the leads' accounts, what
    the account learned, what was ruled out, and the hand-over where the lead has not moved on.

    :raises ReviewRefused: if it is not decided
    """
    root = MatchReview.objects.filter(pk=review_id).first()
    if root is None or root.state not in (State.MATCHED, State.NET_NEW):
        raise ReviewRefused(_("There is no decision to take back."))
    first = root.decided_with_id or root.pk
    together = MatchReview.objects.filter(Q(pk=first) | Q(decided_with=first))
    reviews, leads = _locked(list(together.values_list("pk", flat=True)))
    decided = [row for row in reviews.values() if row.state in (State.MATCHED, State.NET_NEW)]
    if not decided:
        raise ReviewRefused(_("Somebody has taken this decision back already."))
    # The account that was learned from is locked once, for all of them.
    accounts = {
        row.pk: row
        for row in Account.objects.select_for_update(no_key=True)
        .filter(pk__in={row.account_id for row in decided} - {None})
        .order_by("pk")
    }
    for review in decided:
        lead, before = leads[review.lead_id], review.before
        if review.account_id is not None:
            unteach(accounts[review.account_id], review.taught, by=by, at=at)
        review.refusals.all().delete()
        if lead.account_id == review.account_id:
            lead.account_id = before["account"]
            lead.match_evidence = before["evidence"]
            trail.save(lead, by=by, at=at, reason="match undone", kind="match_undone")
        became = ""
        if review.handed_epoch is not None:
            became = handover.back(
                lead, before, epoch=review.handed_epoch, by=by, at=at, driver=driver
            )
        review.state, review.account = State.PENDING, None
        review.decided_at = review.decided_by = review.decided_with = None
        review.taught, review.before, review.handed_epoch = {}, {}, None
        review.reason, review.became = "", became[:300]
        trail.save(review, by=by, at=at, reason="undone", kind="undone")
    return decided


def _locked(ids: Sequence[int]) -> tuple[dict[int, MatchReview], dict[int, Lead]]:
    """Lock leads, then their reviews, in the order in which everybody locks them."""
    of = MatchReview.objects.filter(pk__in=ids)
    leads = ownership.lock_leads(list(of.values_list("lead_id", flat=True)))
    rows = of.select_for_update(no_key=True, of=("self",)).select_related("decided_by")
    return {row.pk: row for row in rows.order_by("pk")}, leads


def _decided_already(review: MatchReview) -> str:
    who = review.decided_by.label if review.decided_by else _("Somebody")
    what = _("matched") if review.state == State.MATCHED else review.get_state_display().lower()
    return _("%(who)s was quicker: it is decided already (%(what)s).") % {
        "who": who,
        "what": what,
    }


def _account(account_id: int | None) -> Account | None:
    if account_id is None:
        return None
    rows = Account.objects.select_for_update(no_key=True, of=("self",)).select_related("parent")
    account = rows.filter(pk=account_id, is_active=True).first()
    if account is None:
        raise ReviewRefused(_("This account is not in use any more; choose another one."))
    return account


def _note_before(review: MatchReview, lead: Lead) -> None:
    review.before = {
        **handover.place_of(lead),
        "account": lead.account_id,
        "evidence": lead.match_evidence,
    }


def _rule_out(review: MatchReview, mark: str) -> None:
    """Remember which of the candidates this company is not."""
    if not mark:
        return
    others = review.candidates.exclude(account=review.account_id)
    MatchRefusal.objects.bulk_create(
        [
            MatchRefusal(review=review, mark=mark, account_id=account)
            for account in others.values_list("account_id", flat=True)
        ]
    )


def _set_account(
    lead: Lead, account: Account | None, *, by: User, at: datetime, reason: str
) -> None:
    lead.account = account
    lead.match_evidence = [
        *lead.match_evidence,
        {"kind": "decided", "account_id": account.pk if account else None},
    ]
    # It waits for a rule that may now find somebody else.
    waits = lead.route_at is not None and lead.place == Lead.Place.QUEUE
    if waits:
        lead.route_at = at
    trail.save(
        lead,
        by=by,
        at=at,
        reason=reason or "match decided",
        kind="matched" if account else "net_new",
    )
    if waits:
        doorbell.ring("route")
