"""Who or what held a lead, from when to when, in seconds that add up exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from reps.availability import absences, calendar_of
from reps.hours import Spans, elapsed
from reps.models import Rep
from routing.models import Assignment, Lead, Queue


@dataclass(frozen=True, slots=True)
class Spell:
    """
    One stretch of a lead's custody; it ends the moment the next begins.

    `seconds` count from whole second to whole second, so that the spells of a lead add up to
    the whole of it. `working_seconds` are those within the rep's working time as it is known
    today, without their absences; None where no rep held it.
    """

    epoch: int
    place: str
    holder: Rep | Queue | None
    label: str
    started_at: datetime
    ended_at: datetime | None
    seconds: int
    working_seconds: int | None
    reason_code: str
    by_label: str


def spells(lead: Lead, *, at: datetime) -> list[Spell]:
    """
    The whole custody of a lead until `at`, in order; statements are constant.

    Their seconds add up to the time from the first spell's start to the last one's end, or to
    `at` while that is open. What came before the first placement is not custody.
    """
    rows = list(
        lead.assignments.select_related(
            "rep__user", "rep__calendar", "rep__team__calendar", "queue", "by"
        ).order_by("epoch")
    )
    holders = {row.rep_id for row in rows if row.rep_id is not None}
    away = absences(holders, since=rows[0].started_at) if holders else {}
    return [_spell(row, away, at=at) for row in rows]


def total(found: Sequence[Spell]) -> int:
    """The seconds of these spells together."""
    return sum(spell.seconds for spell in found)


def _spell(row: Assignment, away: Mapping[int, Spans], *, at: datetime) -> Spell:
    start = int(row.started_at.timestamp())
    # A moment before the last move shows that move as having just happened.
    end = max(start, int((row.ended_at or at).timestamp()))
    working = None
    if row.rep is not None:
        calendar = calendar_of(row.rep, year=row.started_at.year)
        working = elapsed(calendar, start, end, away.get(row.rep_id, ()))
    holder = row.rep or row.queue
    return Spell(
        epoch=row.epoch,
        place=row.place,
        holder=holder,
        label=str(holder) if holder else str(Lead.Place(row.place).label),
        started_at=row.started_at,
        ended_at=row.ended_at,
        seconds=end - start,
        working_seconds=working,
        reason_code=row.reason_code,
        by_label=row.by.label if row.by else _("System"),
    )
