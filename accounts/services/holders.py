"""Who holds which account on a day, by role; what is inherited from the parents above."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, Q, QuerySet

from accounts.models import Account, AccountOwner, Cover

# Groups of companies are not deeper; a circle that slipped in ends here too.
DEEPEST = 8

Roles = Mapping[str, int]


def on_day(day: date) -> QuerySet[AccountOwner]:
    """The holdings that count on a day; one that ends on the day it begins never does."""
    rows = AccountOwner.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gt=day), starts_on__lte=day
    )
    return rows.exclude(ends_on=F("starts_on"))


def named(accounts: Collection[int], day: date) -> dict[int, dict[str, int]]:
    """Account → role → rep, as named on a day; one statement."""
    found: dict[int, dict[str, int]] = {}
    if not accounts:
        return found
    rows = on_day(day).filter(account__in=accounts).order_by("starts_on", "pk")
    for account, role, rep in rows.values_list("account_id", "role", "rep_id"):
        found.setdefault(account, {})[role] = rep
    return found


def ancestors(accounts: Collection[int]) -> dict[int, tuple[int, ...]]:
    """
    Account → its parents, the nearest first. One statement per level of the tree, at most
    `DEEPEST`, however many accounts.
    """
    above: dict[int, int | None] = {}
    wanted = set(accounts)
    for _ in range(DEEPEST):
        wanted -= above.keys()
        if not wanted:
            break
        rows = dict(Account.objects.filter(pk__in=wanted).values_list("pk", "parent_id"))
        above.update({pk: rows.get(pk) for pk in wanted})
        wanted = {parent for parent in rows.values() if parent is not None}
    found = {}
    for account in accounts:
        line: list[int] = []
        here = above.get(account)
        while here is not None and here not in line and here != account:
            line.append(here)
            here = above.get(here)
        found[account] = tuple(line)
    return found


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds a role of an account, and where that is said: there, or at a parent."""

    rep: int
    account: int
    inherited: bool


def effective(accounts: Collection[int], day: date) -> dict[int, dict[str, Held]]:
    """
    Account → role → who holds it on a day: as named there, else as the nearest parent that
    names anybody for the role.
    """
    lines = ancestors(accounts)
    everything = set(accounts) | {pk for line in lines.values() for pk in line}
    by_account = named(everything, day)
    found: dict[int, dict[str, Held]] = {}
    for account, line in lines.items():
        mine: dict[str, Held] = {}
        for place in (account, *line):
            for role, rep in by_account.get(place, {}).items():
                mine.setdefault(role, Held(rep, place, place != account))
        found[account] = mine
    return found


def takes_leads(roles: Roles, first: str) -> int | None:
    """
    Who of an account's holders gets its leads: the role that the organisation says, else the
    other of AE and SDR. A backup only stands in.
    """
    other = AccountOwner.Role.SDR if first == AccountOwner.Role.OWNER else AccountOwner.Role.OWNER
    return roles.get(first) or roles.get(other)


def covers(
    *, accounts: Collection[int] = (), territories: Collection[int] = (), at: datetime
) -> tuple[dict[int, int], dict[int, int]]:
    """
    Who stands in at this moment: account → rep, and territory → rep; one statement, none
    where there is nothing to ask.
    """
    if not accounts and not territories:
        return {}, {}
    rows = Cover.objects.filter(
        Q(account__in=accounts) | Q(territory__in=territories),
        starts_at__lte=at,
        ends_at__gt=at,
        stand_in__is_active=True,
    ).order_by("starts_at", "pk")
    of_accounts: dict[int, int] = {}
    of_territories: dict[int, int] = {}
    for account, territory, rep in rows.values_list("account_id", "territory_id", "stand_in_id"):
        if account is not None:
            of_accounts[account] = rep
        else:
            of_territories[territory] = rep
    return of_accounts, of_territories
