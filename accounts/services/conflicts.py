"""
Where what is said about owners contradicts itself, and the way out of each.

Everything is read in a number of statements that does not depend on how many accounts there
are; only accounts that somebody holds, or has a deal with, are looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.areas import AreaIndex, Place, most_specific
from accounts.models import Account, AccountKey, AccountOwner, Opportunity, Territory
from accounts.services import holders, ownership
from accounts.services.territories import area_of, serving
from reps import trail
from reps.models import Rep, User

OWNER, SDR, BACKUP = AccountOwner.Role.OWNER, AccountOwner.Role.SDR, AccountOwner.Role.BACKUP

KINDS: dict[str, str | Promise] = {
    "gone": _("The holder has left"),
    "twice": _("The same company twice, with different owners"),
    "parent": _("Parent and part have different owners"),
    "territory": _("The owner is not the territory's"),
    "deal": _("An open opportunity is somebody else's"),
    "own_backup": _("The owner is their own backup"),
    "no_owner": _("Held by somebody, owned by nobody"),
}


@dataclass(frozen=True, slots=True)
class WayOut:
    """One click that settles a conflict: a verb with its words. `rep` is who gets it."""

    do: str
    label: str
    rep: int | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """
    One contradiction about an account. `row` is the holding or the deal it is about, `other`
    the account or the rep on the other side. `words` say it in full.
    """

    kind: str
    account: int
    name: str
    words: str
    row: int | None = None
    other: int | None = None
    ways: tuple[WayOut, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.kind}-{self.account}-{self.row or 0}-{self.other or 0}"


class ConflictGone(Exception):
    """It has been settled meanwhile, or never had this way out."""


def find(at: datetime, *, kinds: Iterable[str] = KINDS) -> list[Conflict]:
    """Every conflict of these kinds, kind by kind and account by account."""
    book = _Book(at.date())
    wanted = set(kinds)
    found: list[Conflict] = []
    for kind, rows in (
        ("gone", book.gone),
        ("twice", book.twice),
        ("parent", book.parents),
        ("territory", book.territories),
        ("deal", book.deals),
        ("own_backup", book.own_backups),
        ("no_owner", book.nobody),
    ):
        if kind in wanted:
            found += sorted(rows(), key=lambda one: (one.name, one.account, one.key))
    return found


class _Book:
    """What is read for all kinds: who holds what, the accounts, the reps, the deals."""

    def __init__(self, today: date) -> None:
        rows = holders.on_day(today).order_by("starts_on", "pk")
        self.rows: dict[tuple[int, str], AccountOwner] = {
            (row.account_id, row.role): row for row in rows
        }
        deals = Opportunity.objects.filter(state=Opportunity.State.OPEN)
        self.open_deals = list(deals.order_by("pk"))
        ids = {account for account, _ in self.rows} | {d.account_id for d in self.open_deals}
        self.accounts = Account.objects.filter(is_active=True).in_bulk(list(ids))
        self.reps = {rep.pk: rep for rep in Rep.objects.select_related("user")}

    def owner(self, account: int | None) -> AccountOwner | None:
        return self.rows.get((account, OWNER)) if account is not None else None

    def name(self, rep: int) -> str:
        return str(self.reps[rep])

    def is_here(self, rep: int | None) -> bool:
        return rep is not None and self.reps[rep].is_active

    def _conflict(self, kind: str, account: int, words: str, **more: Any) -> Conflict:
        return Conflict(kind, account, self.accounts[account].name, words, **more)

    def gone(self) -> list[Conflict]:
        found = []
        for (account, role), row in self.rows.items():
            if account not in self.accounts or self.is_here(row.rep_id):
                continue
            backup = self.rows.get((account, BACKUP))
            ways = [WayOut("end", str(_("Nobody any more")))]
            if role != BACKUP and backup is not None and self.is_here(backup.rep_id):
                label = str(_("%(rep)s takes over")) % {"rep": self.name(backup.rep_id)}
                ways.insert(0, WayOut("give", label, backup.rep_id))
            words = str(_("%(rep)s has left and still holds it as %(role)s.")) % {
                "rep": self.name(row.rep_id),
                "role": row.get_role_display(),
            }
            found.append(self._conflict("gone", account, words, row=row.pk, ways=tuple(ways)))
        return found

    def twice(self) -> list[Conflict]:
        owned = [account for account, role in self.rows if role == OWNER]
        keys: dict[tuple[str, str], list[int]] = {}
        for kind, value, account in (
            AccountKey.objects.filter(account__in=owned, account__is_active=True)
            .order_by("account_id")
            .values_list("kind", "value", "account_id")
        ):
            keys.setdefault((kind, value), []).append(account)
        pairs: dict[tuple[int, int], str] = {}
        for (kind, value), same in keys.items():
            for one, other in pairwise(same):
                if self._related(one, other):
                    continue
                if self.rows[one, OWNER].rep_id != self.rows[other, OWNER].rep_id:
                    what = _("domain") if kind == AccountKey.Kind.DOMAIN else _("name")
                    pairs.setdefault((one, other), f"{what} {value}")
        return [
            self._conflict(
                "twice",
                one,
                str(_("%(other)s has the same %(key)s. Owners: %(a)s and %(b)s."))
                % {
                    "other": self.accounts[other].name,
                    "key": key,
                    "a": self.name(self.rows[one, OWNER].rep_id),
                    "b": self.name(self.rows[other, OWNER].rep_id),
                },
                other=other,
                ways=self._same_owner(one, other),
            )
            for (one, other), key in pairs.items()
        ]

    def _related(self, one: int, other: int) -> bool:
        """Parent and part share a domain by nature; they are looked at as such."""
        a, b = self.accounts[one], self.accounts[other]
        return b.pk == a.parent_id or a.pk == b.parent_id

    def _same_owner(self, one: int, other: int) -> tuple[WayOut, ...]:
        ways = []
        for do, account in (("both_first", one), ("both_second", other)):
            rep = self.rows[account, OWNER].rep_id
            if self.is_here(rep):
                label = str(_("Both to %(rep)s")) % {"rep": self.name(rep)}
                ways.append(WayOut(do, label, rep))
        return tuple(ways)

    def parents(self) -> list[Conflict]:
        found = []
        for (account, role), row in self.rows.items():
            part = self.accounts.get(account)
            above = self.owner(part.parent_id) if part else None
            if role != OWNER or above is None or above.rep_id == row.rep_id:
                continue
            if above.account_id not in self.accounts:
                continue
            who = self.name(above.rep_id)
            ways = [WayOut("end", str(_("Follow the parent: %(rep)s")) % {"rep": who})]
            found.append(
                self._conflict(
                    "parent",
                    account,
                    str(_("%(parent)s, above it, is %(theirs)s's; this is %(mine)s's."))
                    % {
                        "parent": self.accounts[above.account_id].name,
                        "theirs": who,
                        "mine": self.name(row.rep_id),
                    },
                    row=row.pk,
                    other=above.account_id,
                    ways=tuple(ways) if self.is_here(above.rep_id) else (),
                )
            )
        return found

    def territories(self) -> list[Conflict]:
        owned = [row for (_pk, role), row in self.rows.items() if role == OWNER]
        if not owned:
            return []
        areas = {row.pk: row for row in Territory.objects.all()}
        index = AreaIndex([area_of(row) for row in serving(areas)])
        found = []
        for row in owned:
            account = self.accounts.get(row.account_id)
            if account is None:
                continue
            territory = most_specific(index, _place(account))
            rep = areas[int(territory)].owner_id if territory is not None else None
            if rep is None or rep == row.rep_id or not self.is_here(rep):
                continue
            label = str(_("Give it to %(rep)s")) % {"rep": self.name(rep)}
            words = str(_("It lies in %(territory)s, which is %(rep)s's.")) % {
                "territory": areas[int(territory or 0)].name,
                "rep": self.name(rep),
            }
            found.append(
                self._conflict(
                    "territory",
                    row.account_id,
                    words,
                    row=row.pk,
                    other=rep,
                    ways=(WayOut("give", label, rep),),
                )
            )
        return found

    def deals(self) -> list[Conflict]:
        found = []
        for deal in self.open_deals:
            owner = self.owner(deal.account_id)
            if owner is None or owner.rep_id == deal.owner_id:
                continue
            if deal.account_id not in self.accounts:
                continue
            ways = []
            if self.is_here(owner.rep_id):
                label = str(_("Give the deal to %(rep)s")) % {"rep": self.name(owner.rep_id)}
                ways.append(WayOut("give_deal", label, owner.rep_id))
            words = str(_("“%(deal)s” is %(rep)s's, the account %(owner)s's.")) % {
                "deal": deal.name,
                "rep": self.name(deal.owner_id),
                "owner": self.name(owner.rep_id),
            }
            found.append(
                self._conflict("deal", deal.account_id, words, row=deal.pk, ways=tuple(ways))
            )
        return found

    def own_backups(self) -> list[Conflict]:
        found = []
        for (account, role), row in self.rows.items():
            owner = self.owner(account)
            if role != BACKUP or owner is None or owner.rep_id != row.rep_id:
                continue
            if account in self.accounts:
                words = str(_("%(rep)s would stand in for themselves.")) % {
                    "rep": self.name(row.rep_id)
                }
                ways = (WayOut("end", str(_("No backup"))),)
                found.append(self._conflict("own_backup", account, words, row=row.pk, ways=ways))
        return found

    def nobody(self) -> list[Conflict]:
        found: dict[int, Conflict] = {}
        held = {account: row for (account, role), row in self.rows.items() if role != OWNER}
        for account, row in held.items():
            if account not in self.accounts or self.owner(account) is not None:
                continue
            ways = []
            if self.is_here(row.rep_id):
                label = str(_("%(rep)s owns it")) % {"rep": self.name(row.rep_id)}
                ways.append(WayOut("own", label, row.rep_id))
            words = str(_("%(rep)s is its %(role)s, and it has no owner (AE).")) % {
                "rep": self.name(row.rep_id),
                "role": row.get_role_display(),
            }
            found[account] = self._conflict(
                "no_owner", account, words, other=row.rep_id, ways=tuple(ways)
            )
        return list(found.values())


def _place(account: Account) -> Place:
    return Place(
        country=account.country,
        region=account.region,
        postal_code=account.postal_code,
        industry=account.industry,
        employees=account.employees,
    )


# --- The way out -------------------------------------------------------------------------


@transaction.atomic
def settle(*, key: str, do: str, by: User, at: datetime) -> Conflict:
    """
    Take a way out of a conflict, if it is still there and still offers it.

    :raises ConflictGone: if it does not
    :raises accounts.services.ownership.OwnerRefused: if the holder cannot be changed
    """
    kind = key.partition("-")[0]
    there = [one for one in find(at, kinds=[kind]) if one.key == key] if kind in KINDS else []
    way = next((way for one in there for way in one.ways if way.do == do), None)
    if way is None:
        raise ConflictGone("Somebody has settled this meanwhile.")
    conflict, today = there[0], at.date()
    acts: dict[str, Any] = {"by": by, "at": at}
    if do == "end":
        holding = AccountOwner.objects.get(pk=conflict.row)
        ownership.end_holding(holding=holding, on=today, **acts)
    elif do == "give":
        holding = AccountOwner.objects.select_related("account").get(pk=conflict.row)
        _give(holding.account, holding.role, way.rep, today, acts)
        if conflict.kind == "gone":
            # Whoever took over from the backup's place stands in for nobody any more.
            theirs = holders.on_day(today).filter(account=holding.account_id, role=BACKUP)
            for backup in theirs.filter(rep=way.rep):
                ownership.end_holding(holding=backup, on=today, **acts)
    elif do == "own":
        _give(Account.objects.get(pk=conflict.account), OWNER, way.rep, today, acts)
    elif do in ("both_first", "both_second"):
        other = conflict.other if do == "both_first" else conflict.account
        _give(Account.objects.get(pk=other), OWNER, way.rep, today, acts)
    elif do == "give_deal":
        deal = Opportunity.objects.select_for_update(no_key=True, of=("self",)).get(pk=conflict.row)
        deal.owner_id = way.rep
        trail.save(deal, by=by, at=at, reason="follows the account")
    return conflict


def _give(account: Account, role: str, rep: int | None, today: date, acts: dict[str, Any]) -> None:
    taker = Rep.objects.select_related("user").get(pk=rep)
    ownership.set_owner(account=account, rep=taker, role=role, starts_on=today, **acts)


def involved(conflict: Conflict) -> set[int]:
    """The reps from whom a way out may take something; whoever settles it manages them."""
    if conflict.kind == "deal":
        return {Opportunity.objects.get(pk=conflict.row).owner_id}
    accounts = {conflict.account}
    if conflict.kind == "twice" and conflict.other is not None:
        accounts.add(conflict.other)
    rows = AccountOwner.objects.filter(account__in=accounts, ends_on__isnull=True)
    return set(rows.values_list("rep_id", flat=True))
