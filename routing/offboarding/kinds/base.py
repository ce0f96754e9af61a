"""Kinds whose rows name the rep, or their user, in one column."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.utils.functional import Promise

from reps import trail
from reps.models import Rep
from reps.models.bulk import update_many
from reps.models.tracked import bulk_writer
from routing.models import OffboardingItem
from routing.models.offboarding import Way
from routing.offboarding.registry import REP, USER, Act, Found

State = OffboardingItem.State


class Column:
    """
    Rows of a tracked model that name the rep in one column, which is given another name.

    Statements per batch are constant: the rows are locked, written and recorded together.
    """

    name: ClassVar[str]
    label: ClassVar[str | Promise]
    position: ClassVar[int] = 50
    model: ClassVar[type[Model]]
    column: ClassVar[str]
    takes: ClassVar[str] = REP
    ways: ClassVar[tuple[str, ...]] = (Way.SUCCESSOR, Way.NOBODY, Way.KEEP)
    default: ClassVar[str] = Way.SUCCESSOR
    otherwise: ClassVar[str] = ""
    revops_only: ClassVar[bool] = False

    @property
    def references(self) -> tuple[str, ...]:
        return (f"{self.model._meta.label}.{self.column}",)

    # --- What it finds; subclasses say more ----------------------------------------------

    def rows(self, rep: Rep, at: datetime) -> QuerySet:
        """The rows that name the rep now."""
        who = rep.user_id if self.takes == USER else rep.pk
        return self.model._default_manager.filter(**{self.column: who}).order_by("pk")

    def label_of(self, row: Any) -> str:
        return str(row)

    def suggests(self, row: Any) -> dict[str, int | None]:
        """Whom the row itself suggests: `backup`, `territory`."""
        return {}

    def find(self, rep: Rep, at: datetime) -> list[Found]:
        return [
            Found(row.pk, self.label_of(row)[:200], **self.suggests(row))
            for row in self.rows(rep, at)
        ]

    def loads(self, reps: Sequence[int]) -> dict[int, int]:
        """What each of them has of the kind already, for an even split."""
        if self.takes == USER:
            return dict.fromkeys(reps, 0)
        found = dict.fromkeys(reps, 0)
        held = self.model._default_manager.filter(**{f"{self.column}__in": reps})
        for rep in held.values_list(f"{self.column}_id", flat=True):
            found[rep] += 1
        return found

    # --- Both ways -----------------------------------------------------------------------

    def move(self, items: Sequence[OffboardingItem], act: Act) -> None:
        holder = act.rep.user_id if self.takes == USER else act.rep.pk
        rows = self._locked(items)
        writes = []
        for item in items:
            row, to = rows.get(item.row_id), taker(item, self.takes)
            if row is None or getattr(row, f"{self.column}_id") != holder:
                item.state = State.SKIPPED
            elif problem := self.refuses(row, to):
                item.state, item.note = State.LEFT, problem
            else:
                item.state = State.DONE
                item.before, item.after = {"holder": holder}, {"holder": to}
                writes.append((row, to))
        self._write(writes, act, kind="handed_over")

    def refuses(self, row: Any, to: int | None) -> str:
        """Why this row cannot go to them; nothing if it can."""
        return ""

    def restore(self, items: Sequence[OffboardingItem], act: Act) -> None:
        rows = self._locked(items)
        writes = []
        for item in items:
            row = rows.get(item.row_id)
            if row is None:
                item.state, item.note = State.EXCEPTION, "It is gone."
            elif getattr(row, f"{self.column}_id") != item.after["holder"]:
                item.state, item.note = State.EXCEPTION, "Somebody has changed it since."
            else:
                item.state, item.note = State.RESTORED, ""
                writes.append((row, item.before["holder"]))
        self._write(writes, act, kind="handed_back")

    def _locked(self, items: Sequence[OffboardingItem]) -> dict[int, Any]:
        rows = self.model._default_manager.filter(pk__in=[item.row_id for item in items])
        return {
            row.pk: row for row in rows.order_by("pk").select_for_update(no_key=True, of=("self",))
        }

    def _write(self, writes: Sequence[tuple[Any, int | None]], act: Act, *, kind: str) -> None:
        if not writes:
            return
        with bulk_writer("offboarding"):
            update_many(self.model, [{"pk": row.pk, self.column: to} for row, to in writes])
        trail.record(
            self.model,
            [
                trail.Change(
                    id=row.pk,
                    kind=kind,
                    reason_code="offboarding",
                    reason=act.reason,
                    data={f"{self.column}_id": to},
                )
                for row, to in writes
            ],
            by=act.by,
            at=act.at,
        )


def taker(item: OffboardingItem, takes: str) -> int | None:
    """The id of whoever gets it; None for nobody."""
    return item.to_user_id if takes == USER else item.to_rep_id
