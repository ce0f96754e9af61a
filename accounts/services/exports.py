"""Accounts with their owners as a table, in the form in which `imports` reads them."""

from collections.abc import Iterator
from datetime import date

from django.db.models import Prefetch

from accounts.models import Account, AccountOwner
from accounts.services import holders

HEADER = (
    "name",
    "domain",
    "aliases",
    "parent",
    "industry",
    "employees",
    "revenue",
    "country",
    "region",
    "city",
    "postal_code",
    "external_id",
    "owner",
    "sdr",
    "backup",
)
AT_ONCE = 500


def rows(today: date, *, named_only: bool = False) -> Iterator[list[str]]:
    """One row per active account, by name; three statements per 500 accounts."""
    current = holders.on_day(today).select_related("rep__user")
    accounts = Account.objects.filter(is_active=True).select_related("parent")
    if named_only:
        accounts = accounts.filter(pk__in=current.values("account"))
    accounts = accounts.prefetch_related(Prefetch("owners", current, to_attr="current"))
    role = AccountOwner.Role
    for account in accounts.order_by("name", "pk").iterator(chunk_size=AT_ONCE):
        who = {one.role: one.rep.user.email for one in account.current}
        parent = account.parent
        yield [
            account.name,
            account.domain,
            "; ".join(account.aliases),
            (parent.external_id or parent.name) if parent else "",
            account.industry,
            "" if account.employees is None else str(account.employees),
            "" if account.revenue is None else str(account.revenue),
            account.country,
            account.region,
            account.city,
            account.postal_code,
            account.external_id,
            who.get(role.OWNER, ""),
            who.get(role.SDR, ""),
            who.get(role.BACKUP, ""),
        ]
