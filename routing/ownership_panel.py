"""On the pages of leads and accounts: who should own it and why, and whether it is contested."""

from datetime import datetime

from django.http import HttpRequest

from accounts import panels as account_panels
from accounts.models import Account
from reps import access
from routing import panels
from routing.models import Dispute, Lead, MatchReview
from routing.models.desk import NotSetUp
from routing.owners import claims
from routing.panels import Drawn
from routing.visibility import visible_disputes


def owner_order(request: HttpRequest, lead: Lead | None, at: datetime) -> Drawn | None:
    """Every claim to a lead in the order of the live rules; nothing once it is closed."""
    if lead is None or not lead.is_open:
        return None
    user = request.user
    try:
        told = claims.of_lead(lead, at=at)
    except NotSetUp:
        return None
    dispute = (
        Dispute.objects.filter(lead=lead, kind=Dispute.Kind.LEAD, state=Dispute.State.OPEN)
        .select_related("claimant__user")
        .first()
    )
    may_set_up = access.may_set_up(user)
    mine = lead.owner is not None and lead.owner.user_id == user.pk
    return Drawn(
        "routing/_lead_owner.html",
        {
            "told": told,
            "review": MatchReview.objects.filter(
                lead=lead, state=MatchReview.State.PENDING
            ).first(),
            "may_review": may_set_up,
            "dispute": dispute,
            "sees_dispute": dispute is not None
            and visible_disputes(user).filter(pk=dispute.pk).exists(),
            "may_contest": not mine and lead.place in (Lead.Place.OWNER, Lead.Place.QUEUE),
        },
    )


def account_order(
    request: HttpRequest, account: Account, at: datetime
) -> account_panels.Drawn | None:
    """To whom the live rules would give a new lead of this company."""
    try:
        told = claims.of_account(account, at=at)
    except NotSetUp:
        return None
    dispute = (
        Dispute.objects.filter(account=account, kind=Dispute.Kind.ACCOUNT, state=Dispute.State.OPEN)
        .select_related("claimant__user")
        .first()
    )
    return account_panels.Drawn(
        "routing/_account_owner.html",
        {
            "told": told,
            "account": account,
            "dispute": dispute,
            "sees_dispute": dispute is not None
            and visible_disputes(request.user).filter(pk=dispute.pk).exists(),
        },
    )


account_panels.register("owner_order", account_order, position=50)
panels.register(panels.LEAD, "owner_order", owner_order, position=60)
