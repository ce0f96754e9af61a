"""Read everything that decides about some leads: a constant number of statements."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Min

from accounts.areas import AreaIndex, Place, most_specific
from accounts.models import AccountOwner, Opportunity
from accounts.services import holders
from routing import promise
from routing.enrich import known as enriched
from routing.models import Assignment, Lead, Organisation, Source, Submission, Touch
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
    # The parent was read with the lead; what is above that is asked for, where there is any.
    parents = {
        lead.account.parent_id: lead.account.parent.parent_id
        for lead in leads
        if lead.account and lead.account.parent_id
    }
    lines = _lines_above(parents)
    everything = accounts | {pk for line in lines.values() for pk in line}
    named = holders.named(everything, at.date())
    covered, _ = holders.covers(accounts=everything, at=at)
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
                **_holders_of(lead, named, covered, lines, organisation=organisation),
                "opportunity_owner": deals.get(lead.account_id),
                "former_owner": former.get(lead.prospect_id),
                "handed_back": given_back.get(lead.pk, []),
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
    _, standing_in = holders.covers(
        territories={one["territory"] for one in found.values() if "territory" in one}, at=at
    )
    for values in found.values():
        if values.get("territory") in standing_in:
            values["territory_cover"] = standing_in[values["territory"]]
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


def _lines_above(parents: dict[int, int | None]) -> dict[int, tuple[int, ...]]:
    """Parent → itself and all above it, the nearest first; no statement where that is all."""
    higher = {pk for pk in parents.values() if pk is not None}
    above = holders.ancestors(higher) if higher else {}
    return {
        pk: (pk,) if next_up is None else (pk, next_up, *above[next_up])
        for pk, next_up in parents.items()
    }


def _holders_of(
    lead: Lead,
    named: dict[int, dict[str, int]],
    covered: dict[int, int],
    lines: dict[int, tuple[int, ...]],
    *,
    organisation: Organisation,
) -> dict[str, Any]:
    """Who holds a lead's account and the nearest parent that names anybody, as facts."""
    if lead.account is None:
        return {}
    outbound = lead.motion == Source.Motion.OUTBOUND
    first = organisation.named_outbound if outbound else organisation.named_inbound
    roles = named.get(lead.account_id, {})
    owner = holders.takes_leads(roles, first)
    role = AccountOwner.Role
    links: dict[str, Any] = {
        "account_owner": owner,
        "account_ae": roles.get(role.OWNER),
        "account_sdr": roles.get(role.SDR),
        "account_backup": roles.get(role.BACKUP),
        "account_cover": covered.get(lead.account_id),
        "account_team": [rep for rep in dict.fromkeys(roles.values()) if rep != owner],
    }
    for above in lines.get(lead.account.parent_id, ()):
        theirs = named.get(above, {})
        if (taker := holders.takes_leads(theirs, first)) is not None:
            links["parent_account_owner"] = taker
            links["parent_account_backup"] = theirs.get(role.BACKUP)
            links["parent_account_cover"] = covered.get(above)
            break
    return links


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
