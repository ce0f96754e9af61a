"""Whom people stand in for, and whom they lead."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from reps import trail
from reps.models import Absence, CalendarFeed, Rep, Team
from routing.models import OffboardingItem
from routing.models.offboarding import Way
from routing.offboarding.kinds.base import Column
from routing.offboarding.registry import USER, Act

State = OffboardingItem.State


class BackupOfReps(Column):
    name = "backup_of"
    label = _("Reps whose backup they are")
    position = 40
    model = Rep
    column = "backup"

    def rows(self, rep: Rep, at: datetime) -> QuerySet:
        return super().rows(rep, at).filter(is_active=True).select_related("user")

    def refuses(self, row: Any, to: int | None) -> str:
        return f"{row} cannot be their own backup." if row.pk == to else ""


class DelegateOf(Column):
    name = "delegate_of"
    label = _("Absences in which they stand in")
    position = 41
    model = Absence
    column = "delegate"

    def rows(self, rep: Rep, at: datetime) -> QuerySet:
        return super().rows(rep, at).filter(ends_at__gt=at).select_related("rep__user")

    def suggests(self, row: Any) -> dict[str, int | None]:
        return {"backup": row.rep.backup_id}

    def refuses(self, row: Any, to: int | None) -> str:
        return f"{row.rep} cannot stand in for themselves." if row.rep_id == to else ""


class ManagerOf(Column):
    name = "manager_of"
    label = _("Teams they manage")
    position = 42
    model = Team
    column = "manager"
    takes = USER
    ways = (Way.MANAGER, Way.SUCCESSOR, Way.NOBODY, Way.KEEP)
    default = Way.MANAGER


class DeputyOf(ManagerOf):
    name = "deputy_of"
    label = _("Teams whose deputy they are")
    position = 43
    column = "deputy"
    ways = (Way.NOBODY, Way.SUCCESSOR, Way.MANAGER, Way.KEEP)
    default = Way.NOBODY


class OwnFeed(Column):
    """The rep's own calendar: it is read no more, and read again when the rep is back."""

    name = "own_feed"
    label = _("Their calendar, which is read")
    position = 80
    model = CalendarFeed
    column = "rep"
    ways = (Way.NOBODY, Way.KEEP)
    default = Way.NOBODY

    def rows(self, rep: Rep, at: datetime) -> QuerySet:
        return super().rows(rep, at).filter(is_active=True)

    def move(self, items: Sequence[OffboardingItem], act: Act) -> None:
        self._switch(items, act, on=False)

    def restore(self, items: Sequence[OffboardingItem], act: Act) -> None:
        self._switch(items, act, on=True)

    def _switch(self, items: Sequence[OffboardingItem], act: Act, *, on: bool) -> None:
        rows = self._locked(items)
        for item in items:
            row = rows.get(item.row_id)
            if row is None or row.is_active is on:
                item.state = State.EXCEPTION if on else State.SKIPPED
                item.note = "It is gone or switched on again." if on else ""
                continue
            # One at most: a rep has one calendar.
            row.is_active = on
            trail.save(row, by=act.by, at=act.at, reason="offboarding")
            item.state = State.RESTORED if on else State.DONE
            item.before, item.after = {"is_active": True}, {"is_active": False}
