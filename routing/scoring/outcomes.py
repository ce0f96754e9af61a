"""
Take in what became of leads, from a file: a CRM's won and lost with their dates.

    source: website                      # whose external ids these are (with external_id)
    fields:
      external_id: opportunity_id        # or lead: our number, or email
      outcome: stage
      at: closed_on
      value: amount
      reason: lost_reason
    values:
      outcome: {Closed Won: WON, Closed Lost: LOST}

Run twice it changes nothing. A row that cannot be taken is named, and stops no other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction

from reps import mapping, trail
from reps.models import User
from reps.tables import Row, Table
from routing import ownership, states
from routing.models import Lead, Outcome, ProspectKey, Submission
from routing.work import WorkRefused, record_outcome

FIELDS = ("lead", "external_id", "email", "outcome", "at", "value", "reason")
IDS = ("lead", "external_id", "email")


@dataclass(slots=True)
class Tally:
    """What an import did, row by row; `problems` name the rows that were refused."""

    rows: int = 0
    recorded: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.rows} rows: {self.recorded} recorded, {self.known} known already, "
            f"{len(self.problems)} refused"
        )


class RowRefused(ValueError):
    """A row cannot be taken; the message says why, and the way out."""


def import_outcomes(
    *, table: Table, data: Mapping[str, Any], by: User | None, at: datetime
) -> Tally:
    """
    Record each row's outcome on its lead, dated as the row says; WON and LOST end an open lead.

    :raises reps.mapping.BadMapping: naming the key
    :raises reps.tables.BadFile: if the file cannot be read to its end
    """
    columns = mapping.parse(data, known=FIELDS, more=("source",))
    mapping.check_columns(columns.read_columns(), table.columns, columns.ignore)
    given = {*columns.fields, *columns.constants}
    if not given & set(IDS):
        raise mapping.BadMapping("fields", f"must name one of {', '.join(IDS)}.")
    for name in ("outcome", "at"):
        if name not in given:
            raise mapping.BadMapping(f"fields.{name}", "is missing: say which column holds it.")
    source = data.get("source", "")
    if "external_id" in given and not (isinstance(source, str) and source):
        raise mapping.BadMapping("source", "is missing: whose ids are these? Give its key.")
    tally = Tally()
    for row in table:
        tally.rows += 1
        try:
            with transaction.atomic():
                is_new = _record(row, columns, source=source, by=by, at=at)
        except (
            RowRefused,
            mapping.BadCell,
            WorkRefused,
            states.WrongState,
            ownership.OwnershipRefused,
        ) as refused:
            tally.problems.append(f"row {row.number}: {refused}")
        else:
            tally.recorded += is_new
            tally.known += not is_new
    return tally


def _record(
    row: Row, columns: mapping.Columns, *, source: str, by: User | None, at: datetime
) -> bool:
    if row.problem:
        raise RowRefused(row.problem)
    cells = columns.fill(row.cells)
    kind = cells.get("outcome", "").strip().upper().replace(" ", "_")
    if kind not in Outcome.Kind.values:
        raise RowRefused(
            f"outcome: “{cells.get('outcome', '')}” is none of {', '.join(Outcome.Kind.values)}; "
            "map it under values.outcome."
        )
    (found,) = ownership.lock_leads([_lead_id(cells, source)]).values()
    when = _moment(cells.get("at", ""))
    if when > at:
        raise RowRefused("at: lies in the future.")
    if when < found.received_at:
        raise RowRefused(f"at: lies before {found} was received ({found.received_at:%Y-%m-%d}).")
    if Outcome.objects.filter(lead=found, kind=kind).exists():
        return False
    value, reason = _value(cells.get("value", "")), cells.get("reason", "")
    if found.is_open:
        record_outcome(
            lead_id=found.pk,
            epoch=found.owner_epoch,
            kind=kind,
            value=value,
            reason=reason or "told by a file",
            by=by,
            at=at,
            driver="outcomes",
            owner_only=False,
            happened_at=when,
        )
    else:
        Outcome.objects.create(lead=found, kind=kind, value=value, at=when, by=by)
        trail.note(found, kind="outcome", by=by, at=at, reason_code="outcome", data={"kind": kind})
    return True


def _lead_id(cells: Mapping[str, str], source: str) -> int:
    if given := cells.get("lead", ""):
        if not given.isdecimal() or not Lead.objects.filter(pk=int(given)).exists():
            raise RowRefused(f"lead: there is no lead {given}.")
        return int(given)
    if given := cells.get("external_id", ""):
        return _by_external_id(source, given)
    if given := cells.get("email", ""):
        return _newest_of(ProspectKey.Kind.EMAIL, given.strip().casefold(), "email", given)
    raise RowRefused(f"Nothing says which lead it is; fill one of {', '.join(IDS)}.")


def _by_external_id(source: str, given: str) -> int:
    """By the key that the lead was imported with, else by the person's id elsewhere."""
    # Rows of a file are kept under the key that their mapping named.
    key = (
        Submission.objects.filter(
            source__slug=source, idempotency_key__in=[given, f"row-{given}"], lead__isnull=False
        )
        .values_list("lead_id", flat=True)
        .first()
    )
    if key is not None:
        return key
    return _newest_of(ProspectKey.Kind.EXTERNAL, f"{source}:{given}", "external_id", given)


def _newest_of(kind: str, value: str, name: str, given: str) -> int:
    found = (
        Lead.objects.of_people()
        .counted()
        .filter(prospect__keys__kind=kind, prospect__keys__value=value)
        .order_by("-received_at", "-pk")
        .values_list("pk", flat=True)
        .first()
    )
    if found is None:
        # Whoever it is may have been erased; the address is not repeated in a report.
        shown = given if name == "external_id" else "this address"
        raise RowRefused(f"{name}: no lead is known by {shown}.")
    return found


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise RowRefused("at: is no date such as 2026-01-31 or 2026-01-31T09:30:00Z.") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _value(text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        found = Decimal(text.replace(",", "").replace(" ", ""))
    except InvalidOperation as error:
        raise RowRefused("value: is no number.") from error
    if not found.is_finite() or not 0 <= found < Decimal("1e12"):
        raise RowRefused("value: must be a number from 0 on.")
    return found.quantize(Decimal("0.01"))
