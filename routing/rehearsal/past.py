"""The past as a file has it: what comes in at the door, and what only its day may tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from reps.mapping import BadMapping
from reps.tables import Table
from routing.intake import doors, mapping

SOURCE = "crm-history"


class ReplayRefused(Exception):
    """The past cannot be replayed here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Past:
    """A row of history. The router sees `incoming`, the rest is told when its day comes."""

    incoming: doors.Incoming
    day: date
    company: str
    seller: str
    closed_on: date | None
    won: bool
    value: Decimal | None


def past_of(table: Table, data: Mapping[str, Any], *, until: date | None) -> list[Past]:
    """
    Return the dated rows in the order in which they happened, up to a day.

    :raises BadMapping: if the mapping does not fit or says nothing about history
    :raises ReplayRefused: naming the first row that cannot be read
    """
    how = mapping.read(data)
    how.check(table.columns)
    if how.clock is None or not how.key or not how.history:
        raise BadMapping("history", "A replay needs “key”, “clock” and “history” in the mapping.")
    for name in ("seller", "stage", "closed_on"):
        if how.history.get(name) not in table.columns:
            raise BadMapping(f"history.{name}", "names no column of the file.")
    found = []
    for row in table:
        one = how.incoming(row, job=0, source=SOURCE, backfill=True)
        if one is None:
            continue
        if one.problems or one.occurred_at is None:
            texts = "; ".join(p.message for p in one.problems) or "it has no date"
            raise ReplayRefused(f"Row {row.number}: {texts}")
        found.append(_past(one, row.cells, how))
    found.sort(key=lambda past: (past.day, past.incoming.context["import"]["row"]))
    return [past for past in found if until is None or past.day <= until]


def _past(one: doors.Incoming, cells: Mapping[str, str], how: mapping.LeadMapping) -> Past:
    known = how.history
    stage, closed = cells[known["stage"]], cells[known["closed_on"]]
    ended = stage in (known.get("won"), known.get("lost"))
    company = how.columns.fields.get("company")
    return Past(
        incoming=one,
        day=one.occurred_at.date(),
        company=how.columns.fill(cells).get("company", "") if company else "",
        seller=cells[known["seller"]],
        closed_on=date.fromisoformat(closed) if ended and closed else None,
        won=stage == known.get("won"),
        value=_value(cells[known["value"]]) if known.get("value") else None,
    )


def _value(given: str) -> Decimal | None:
    try:
        return Decimal(given)
    except InvalidOperation:
        return None
