"""What is on record for each side of a dispute: read, not claimed."""

from datetime import datetime

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Account, AccountOwner, Opportunity
from reps.models import Rep
from routing.models import Assignment, Dispute, Touch
from routing.owners.claims import Told


def of_both(dispute: Dispute, told: Told, *, at: datetime) -> tuple[list[str], list[str]]:
    """
    Return what speaks for the claimant and for the holder: the owner order's claims, named
    accounts, deals, custody and contacts. A number of statements that is fixed.
    """
    sides: dict[int, list[str]] = {dispute.claimant_id: []}
    if dispute.holder_id is not None:
        sides[dispute.holder_id] = []
    for step, row in zip(told.answer.steps, told.rows, strict=True):
        claim = step.claim
        if claim.pool is None and claim.reps and claim.reps[0] in sides:
            source = f": {row.source}" if row.source else ""
            sides[claim.reps[0]].append(f"{row.label}{source}")
    account = dispute.lead.account if dispute.lead else dispute.account
    if account is not None:
        _of_account(account, sides, at=at)
    if dispute.lead_id is not None:
        _of_lead(dispute, sides)
    return sides[dispute.claimant_id], sides.get(dispute.holder_id or 0, [])


def _of_account(account: Account, sides: dict[int, list[str]], *, at: datetime) -> None:
    today = at.date()
    for owner in AccountOwner.objects.filter(account=account, rep__in=sides).order_by(
        "starts_on", "pk"
    ):
        runs = owner.ends_on is None or owner.ends_on > today
        if runs and owner.role == AccountOwner.Role.OWNER:
            # The owner order has said so.
            continue
        words = _("%(role)s of %(account)s from %(start)s")
        if not runs:
            words = _("%(role)s of %(account)s from %(start)s until before %(end)s")
        sides[owner.rep_id].append(
            words
            % {
                "role": owner.get_role_display(),
                "account": account,
                "start": date_format(owner.starts_on, "j M Y"),
                "end": date_format(owner.ends_on, "j M Y") if owner.ends_on else "",
            }
        )
    group = Q(account=account) | Q(account__parent=account)
    for deal in Opportunity.objects.filter(group, owner__in=sides).order_by("opened_at", "pk")[:20]:
        sides[deal.owner_id].append(
            _("Deal “%(name)s”, %(state)s, opened %(day)s")
            % {
                "name": deal.name,
                "state": deal.get_state_display().lower(),
                "day": date_format(deal.opened_at, "j M Y"),
            }
        )


def _of_lead(dispute: Dispute, sides: dict[int, list[str]]) -> None:
    for held in Assignment.objects.filter(lead=dispute.lead_id, rep__in=sides).order_by("epoch"):
        words = _("Had the lead from %(start)s: %(why)s")
        if held.ended_at is None:
            words = _("Has the lead since %(start)s: %(why)s")
        sides[held.rep_id or 0].append(
            words
            % {
                "start": date_format(held.started_at, "j M Y H:i"),
                "why": held.get_reason_code_display().lower(),
            }
        )
    users = dict(Rep.objects.filter(pk__in=sides).values_list("user_id", "pk"))
    contacts = Touch.objects.filter(
        lead=dispute.lead_id, kind=Touch.Kind.CONTACT, by__in=users
    ).order_by("at", "pk")
    last: dict[int, tuple[int, datetime]] = {}
    for by, moment in contacts.values_list("by_id", "at"):
        last[by] = (last.get(by, (0, moment))[0] + 1, moment)
    for by, (number, moment) in last.items():
        sides[users[by]].append(
            _("Logged %(n)s contacts, the last on %(day)s")
            % {"n": number, "day": date_format(moment, "j M Y H:i")}
        )
