"""Accounts by role, open deals, territories, and covers."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.areas import AreaIndex, Place, most_specific
from accounts.models import Account, AccountOwner, Cover, Opportunity, Territory, TerritoryBackup
from accounts.services.territories import area_of, serving
from reps import trail
from reps.models import Rep
from reps.models.bulk import insert_many, update_many
from reps.models.tracked import bulk_writer
from routing.models import OffboardingItem
from routing.models.offboarding import Way
from routing.offboarding.kinds.base import Column
from routing.offboarding.registry import Act, Found

State = OffboardingItem.State
TO_MANY = (Way.SUCCESSOR, Way.BACKUP, Way.TERRITORY, Way.POOL, Way.SPLIT, Way.NOBODY, Way.KEEP)


def territory_owners(accounts: Sequence[Account]) -> dict[int, int | None]:
    """Account → the owner of the territory that it lies in; two statements."""
    rows = {row.pk: row for row in Territory.objects.all()}
    areas = AreaIndex([area_of(row) for row in serving(rows)])
    found = {}
    for account in accounts:
        place = Place(
            country=account.country,
            region=account.region,
            postal_code=account.postal_code,
            industry=account.industry,
            employees=account.employees,
        )
        territory = most_specific(areas, place)
        found[account.pk] = rows[int(territory)].owner_id if territory is not None else None
    return found


def backups_of(accounts: set[int], on: date) -> dict[int, int]:
    rows = AccountOwner.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gt=on),
        account__in=accounts,
        role=AccountOwner.Role.BACKUP,
        starts_on__lte=on,
    )
    return dict(rows.values_list("account_id", "rep_id"))


class NamedAccounts(Column):
    """
    The accounts that a rep holds in any role, now or from a day to come.

    A holding that has begun ends on the day and the taker's begins; one that has not begun
    changes its name. Put back on the same day, all is as before; later, the taker's days stay
    on record and the rep's begin anew.
    """

    name = "accounts"
    label = _("Named accounts")
    position = 20
    model = AccountOwner
    column = "rep"
    ways = TO_MANY

    def rows(self, rep: Rep, at: datetime) -> QuerySet:
        today = at.date()
        rows = super().rows(rep, at).filter(Q(ends_on__isnull=True) | Q(ends_on__gt=today))
        # One that begins and ends on the same day never was.
        return rows.exclude(ends_on=F("starts_on")).select_related("account")

    def label_of(self, row: Any) -> str:
        return f"{row.account}: {row.get_role_display()}"

    def find(self, rep: Rep, at: datetime) -> list[Found]:
        return _with_account(self, rep, at)

    def move(self, items: Sequence[OffboardingItem], act: Act) -> None:
        today = act.at.date()
        rows = self._locked(items)
        ended, renamed, added = [], [], []
        for item in items:
            row = rows.get(item.row_id)
            if row is None or row.rep_id != act.rep.pk or not _runs(row, today):
                item.state = State.SKIPPED
                continue
            item.state, item.note = State.DONE, ""
            item.before = {"ends_on": row.ends_on and row.ends_on.isoformat()}
            if row.starts_on > today and item.to_rep_id is not None:
                renamed.append((row, item.to_rep_id))
                item.after = {"renamed": item.to_rep_id}
                continue
            ended.append((row, max(today, row.starts_on)))
            item.after = {"ended_on": ended[-1][1].isoformat(), "row": None}
            if item.to_rep_id is not None:
                added.append(
                    (
                        item,
                        AccountOwner(
                            account_id=row.account_id,
                            rep_id=item.to_rep_id,
                            role=row.role,
                            starts_on=today,
                            ends_on=row.ends_on,
                        ),
                    )
                )
        self._set("ends_on", ended, act, kind="ended")
        self._set("rep", renamed, act, kind="handed_over")
        self._add([row for _, row in added], act)
        for item, row in added:
            item.after["row"] = row.pk

    def restore(self, items: Sequence[OffboardingItem], act: Act) -> None:
        today = act.at.date()
        rows = self._locked(items)
        taken = AccountOwner.objects.filter(pk__in=[item.after.get("row") for item in items])
        takers = {row.pk: row for row in taken.select_for_update(no_key=True, of=("self",))}
        held = self._held(rows.values(), today)
        reopened, renamed, ended, added = [], [], [], []
        for item in items:
            row, taker = rows.get(item.row_id), takers.get(item.after.get("row"))
            if problem := self._changed(item, row, taker, held):
                item.state, item.note = State.EXCEPTION, problem
                continue
            item.state, item.note = State.RESTORED, ""
            until = item.before["ends_on"] and date.fromisoformat(item.before["ends_on"])
            if "renamed" in item.after:
                renamed.append((row, act.rep.pk))
            elif row.ends_on == today or row.starts_on > today:
                if taker is not None:
                    # From a day until before that day: it never was.
                    ended.append((taker, max(today, taker.starts_on)))
                reopened.append((row, until))
            else:
                if taker is not None:
                    ended.append((taker, today))
                added.append(
                    AccountOwner(
                        account_id=row.account_id,
                        rep_id=act.rep.pk,
                        role=row.role,
                        starts_on=today,
                        ends_on=until,
                    )
                )
        self._set("ends_on", ended, act, kind="ended")
        self._set("ends_on", reopened, act, kind="handed_back")
        self._set("rep", renamed, act, kind="handed_back")
        self._add(added, act)

    def _held(self, rows: Iterable[Any], today: date) -> set[tuple[int, str]]:
        """The accounts of these rows that somebody holds, by role."""
        now = AccountOwner.objects.filter(account__in=[row.account_id for row in rows])
        now = now.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=today))
        return set(now.exclude(ends_on=F("starts_on")).values_list("account_id", "role"))

    def _changed(
        self, item: OffboardingItem, row: Any, taker: Any, held: set[tuple[int, str]]
    ) -> str:
        """What somebody did since that stands in the way of putting it back."""
        if row is None:
            return "It is gone."
        if "renamed" in item.after:
            same = row.rep_id == item.after["renamed"]
            return "" if same else "Somebody has changed it since."
        if row.ends_on is None or row.ends_on.isoformat() != item.after["ended_on"]:
            return "Somebody has changed it since."
        until = item.before["ends_on"]
        if item.after["row"] is None:
            is_held = (row.account_id, row.role) in held
            return "Somebody else holds it now." if is_held else ""
        if taker is None or taker.rep_id != item.to_rep_id:
            return "Somebody has changed it since."
        if (taker.ends_on and taker.ends_on.isoformat()) != until:
            return "Its holder has changed since."
        return ""

    def _set(self, column: str, writes: Sequence[tuple[Any, Any]], act: Act, *, kind: str) -> None:
        if not writes:
            return
        with bulk_writer("offboarding"):
            update_many(AccountOwner, [{"pk": row.pk, column: value} for row, value in writes])
        said = "rep_id" if column == "rep" else column
        trail.record(
            AccountOwner,
            [
                trail.Change(row.pk, {said: value}, kind, "offboarding", act.reason)
                for row, value in writes
            ],
            by=act.by,
            at=act.at,
        )

    def _add(self, rows: Sequence[AccountOwner], act: Act) -> None:
        if not rows:
            return
        with bulk_writer("offboarding"):
            insert_many(rows)
        trail.record(
            AccountOwner,
            [
                trail.Change(row.pk, {"rep_id": row.rep_id}, "created", "offboarding", act.reason)
                for row in rows
            ],
            by=act.by,
            at=act.at,
            created=True,
        )


def _runs(row: AccountOwner, today: date) -> bool:
    return row.ends_on is None or row.ends_on > today


class OpenDeals(Column):
    name = "deals"
    label = _("Open opportunities")
    position = 22
    model = Opportunity
    column = "owner"
    ways = tuple(way for way in TO_MANY if way != Way.NOBODY)

    def rows(self, rep: Rep, at: datetime) -> QuerySet:
        rows = super().rows(rep, at).filter(state=Opportunity.State.OPEN)
        return rows.select_related("account")

    def label_of(self, row: Any) -> str:
        return f"{row} ({row.account})"

    def find(self, rep: Rep, at: datetime) -> list[Found]:
        return _with_account(self, rep, at)


def _with_account(kind: Column, rep: Rep, at: datetime) -> list[Found]:
    """Rows of an account, each with the account's backup and the owner of its territory."""
    rows = list(kind.rows(rep, at))
    accounts = [row.account for row in rows]
    territories = territory_owners(accounts) if accounts else {}
    backups = backups_of({one.pk for one in accounts}, at.date())
    return [
        Found(
            row.pk,
            kind.label_of(row)[:200],
            backup=backups.get(row.account_id),
            territory=territories.get(row.account_id),
        )
        for row in rows
    ]


class Territories(Column):
    name = "territories"
    label = _("Territories they own")
    position = 24
    model = Territory
    column = "owner"
    ways = (Way.SUCCESSOR, Way.BACKUP, Way.POOL, Way.SPLIT, Way.NOBODY, Way.KEEP)

    def suggests(self, row: Any) -> dict[str, int | None]:
        return {"backup": row.backup_id if row.backup_id != row.owner_id else None}


class TerritoryBackups(Column):
    name = "territory_backups"
    label = _("Territories whose backup they are")
    position = 25
    model = Territory
    column = "backup"


class FurtherBackups(Column):
    """Places in the order of those who stand in for a territory's owner and first backup."""

    name = "further_backups"
    label = _("Territories in which they stand in further down")
    position = 25
    model = TerritoryBackup
    column = "rep"
    ways = (Way.SUCCESSOR, Way.KEEP)

    def rows(self, rep: Rep, at: datetime) -> QuerySet:
        return super().rows(rep, at).select_related("territory", "rep__user")

    def refuses(self, row: Any, to: int | None) -> str:
        others = TerritoryBackup.objects.filter(territory=row.territory_id, rep=to)
        return "They stand in for this territory already." if others.exists() else ""


class StandsIn(Column):
    """Covers of an account or a territory in which the rep stands in."""

    name = "stands_in"
    label = _("Temporary covers in which they stand in")
    position = 26
    model = Cover
    column = "stand_in"
    ways = (Way.SUCCESSOR, Way.KEEP)

    def rows(self, rep: Rep, at: datetime) -> QuerySet:
        rows = super().rows(rep, at).filter(ends_at__gt=at)
        return rows.select_related("account", "territory", "rep__user", "stand_in__user")

    def refuses(self, row: Any, to: int | None) -> str:
        return "Nobody can stand in for themselves." if row.rep_id == to else ""
