"""Read everything that decides about some leads: a constant number of statements."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Min, Q

from accounts.areas import AreaIndex, Place, most_specific
from accounts.models import AccountOwner, Opportunity
from routing import promise
from routing.enrich import known as enriched
from routing.models import Assignment, Lead, Organisation, Submission, Touch
from routing.models.assignment import Reason
from routing.qualify import facts, interest


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
    owners, teams = _account_owners(accounts, at)
    deals = _opportunity_owners(accounts)
    former = _former_owners(leads, since=at - timedelta(days=organisation.sticky_days))
    touches, answers = _touches(leads)
    given_back = _handed_back(leads)
    began = _began_to_wait(leads)
    signals = interest.signals_of({lead.prospect_id for lead in leads}, at=at)
    terms = facts.Terms.of(organisation)
    added = enriched.of_leads([lead.pk for lead in leads], at=at)
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
                "account_team": teams.get(lead.account_id, []),
                "events": interest.fact_of(signals.get(lead.prospect_id, ()), at=at),
                "waited": _seconds_since(began.get(lead.pk), at),
            },
            terms=terms,
            enriched=added.get(lead.pk, {}),
        )
        values = facts.read(known)
        territory = most_specific(areas, place_of(values))
        if territory is not None:
            values["territory"] = territory
        found[lead.pk] = values
    for pk, instant in promise.answer_by(leads, facts=found, at=at).items():
        found[pk]["answer_by"] = instant
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
        facts=values,
    )


def _account_owners(
    accounts: set[int], at: datetime
) -> tuple[dict[int, int], dict[int, list[int]]]:
    """The owner of each account, and who else works for it."""
    owners: dict[int, int] = {}
    teams: dict[int, list[int]] = {}
    if not accounts:
        return owners, teams
    today = at.date()
    rows = AccountOwner.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gt=today),
        account__in=accounts,
        starts_on__lte=today,
    ).order_by("starts_on", "pk")
    for account, role, rep in rows.values_list("account_id", "role", "rep_id"):
        if role == AccountOwner.Role.OWNER:
            owners[account] = rep
        elif rep not in teams.setdefault(account, []):
            teams[account].append(rep)
    return owners, teams


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


def _began_to_wait(leads: Sequence[Lead]) -> dict[int, datetime]:
    """
    Since when each lead that nobody holds has waited for routing.

    That is since it came into its queue; where it came by intake, since the door received it
    (what a backfill tells of an earlier time is not waiting); and in nurture, where nothing is
    waited for, since the person came back.
    """
    waiting = [lead for lead in leads if lead.place in (Lead.Place.QUEUE, Lead.Place.NURTURE)]
    custody = dict(
        Assignment.objects.filter(lead__in=waiting, ended_at__isnull=True).values_list(
            "lead_id", "started_at"
        )
    )
    doors = {
        lead: (first, last)
        for lead, first, last in Submission.objects.filter(lead__in=waiting)
        .values("lead_id")
        .annotate(first=Min("received_at"), last=Max("received_at"))
        .values_list("lead_id", "first", "last")
    }
    found = {}
    for lead in waiting:
        first, last = doors.get(lead.pk, (lead.received_at, lead.received_at))
        since = custody.get(lead.pk, first)
        found[lead.pk] = max(since, last) if lead.place == Lead.Place.NURTURE else since
    return found


def _seconds_since(moment: datetime | None, at: datetime) -> int | None:
    return None if moment is None else max(0, int((at - moment).total_seconds()))


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
