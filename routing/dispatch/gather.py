"""Read everything that decides about some leads: a constant number of statements."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from accounts.geography import AreaIndex, Place, most_specific
from accounts.models import AccountOwner, Opportunity
from routing.models import Assignment, Lead, Organisation, Touch
from routing.models.assignment import Reason
from routing.qualify import facts


def facts_of(
    leads: Sequence[Lead], *, areas: AreaIndex, organisation: Organisation, at: datetime
) -> dict[int, dict[str, Any]]:
    """
    Return lead id → facts, for leads read with prospect, source and account (and parent).

    Who owns what is read as it stands; eligibility is the engine's to judge.
    """
    accounts = {lead.account_id for lead in leads if lead.account_id}
    accounts |= {
        lead.account.parent_id for lead in leads if lead.account and lead.account.parent_id
    }
    owners = _account_owners(accounts, at)
    deals = _opportunity_owners(accounts)
    former = _former_owners(leads, since=at - timedelta(days=organisation.sticky_days))
    touches, answers = _touches(leads)
    given_back = _handed_back(leads)
    found = {}
    for lead in leads:
        account = lead.account
        known = facts.Known(
            lead=lead,
            prospect=lead.prospect,
            account=account,
            touches=touches.get(lead.pk, 0),
            answers=answers.get(lead.pk, {}),
            at=at,
            links={
                "account_owner": owners.get(lead.account_id),
                "parent_account_owner": owners.get(account.parent_id) if account else None,
                "opportunity_owner": deals.get(lead.account_id),
                "former_owner": former.get(lead.prospect_id),
                "handed_back": given_back.get(lead.pk, []),
            },
        )
        values = facts.read(known)
        territory = most_specific(areas, place_of(values))
        if territory is not None:
            values["territory"] = territory
        found[lead.pk] = values
    return found


def place_of(values: dict[str, Any]) -> Place:
    """Where a lead is, for the territories."""
    employees = values.get("employees")
    return Place(
        country=values.get("country", ""),
        region=values.get("region", ""),
        postal_code=values.get("postal_code", ""),
        industry=values.get("industry", ""),
        employees=None if employees is None else int(employees),
    )


def _account_owners(accounts: set[int], at: datetime) -> dict[int, int]:
    if not accounts:
        return {}
    today = at.date()
    rows = AccountOwner.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gt=today),
        account__in=accounts,
        role=AccountOwner.Role.OWNER,
        starts_on__lte=today,
    ).order_by("starts_on", "pk")
    return dict(rows.values_list("account_id", "rep_id"))


def _opportunity_owners(accounts: set[int]) -> dict[int, int]:
    if not accounts:
        return {}
    # The oldest open deal is written last and so wins: whoever has worked longest on the
    # account keeps answering for it.
    rows = Opportunity.objects.filter(account__in=accounts, state=Opportunity.State.OPEN).order_by(
        "-opened_at", "-pk"
    )
    return dict(rows.values_list("account_id", "owner_id"))


def _former_owners(leads: Sequence[Lead], *, since: datetime) -> dict[int, int]:
    closed = Lead.objects.filter(
        place=Lead.Place.CLOSED,
        closed_at__gte=since,
        prospect__in=[lead.prospect_id for lead in leads],
        former_owner__isnull=False,
    ).order_by("closed_at", "pk")
    found = dict(closed.values_list("prospect_id", "former_owner_id"))
    # Whoever held this very lead last comes before whoever held an earlier one.
    found.update({lead.prospect_id: lead.former_owner_id for lead in leads if lead.former_owner_id})
    return found


# Whoever lost a lead in one of these ways does not get it again from a rule.
HANDED_BACK = (Reason.DECLINED, Reason.ESCALATED, Reason.REQUESTED)


def _handed_back(leads: Sequence[Lead]) -> dict[int, list[int]]:
    rows = Assignment.objects.filter(
        lead__in=[lead.pk for lead in leads],
        reason_code__in=HANDED_BACK,
        from_rep__isnull=False,
    ).order_by("lead_id", "from_rep_id")
    found: dict[int, list[int]] = {}
    for lead, rep in rows.values_list("lead_id", "from_rep_id"):
        found.setdefault(lead, []).append(rep)
    return found


def _touches(leads: Sequence[Lead]) -> tuple[dict[int, int], dict[int, dict[str, Any]]]:
    counts: dict[int, int] = {}
    answers: dict[int, dict[str, Any]] = {}
    rows = Touch.objects.filter(
        lead__in=[lead.pk for lead in leads], kind=Touch.Kind.SUBMITTED
    ).order_by("at", "pk")
    for lead, given in rows.values_list("lead_id", "answers"):
        counts[lead] = counts.get(lead, 0) + 1
        answers.setdefault(lead, {}).update(given)
    return counts, answers
