"""
How the rows of a file become leads: the common mapping (`reps.mapping`), and beside it

    key: opportunity_id          # a row with this id is taken once, however often it comes
    person_key: opportunity_id   # who has no address is known by this
    clock: {column: engage_date, format: "%Y-%m-%d", time: "09:00", time_zone: UTC}
    skip_if_empty: [engage_date] # rows without it are no leads
    answers: [landing_page_id]   # kept as answers, usable in rules
    owner: sales_agent           # backfill only: who holds the lead already
    history: {…}                 # what `replay_history` may read, and the router never

Columns that nothing names are not read.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reps import mapping
from reps.mapping import BadCell, BadMapping, Columns
from reps.tables import Row
from routing.intake.decode import Problem
from routing.intake.doors import Incoming
from routing.intake.normalise import ADDRESSES, OTHERS, TEXTS

FIELDS = (*TEXTS, *ADDRESSES, *OTHERS)
MORE = ("key", "person_key", "clock", "skip_if_empty", "answers", "owner", "history")
CLOCK_KEYS = ("column", "format", "time", "time_zone")
HISTORY_KEYS = ("seller", "stage", "won", "lost", "closed_on", "value")
# Longer ids are kept as their digest, for a key has 200 characters.
LONGEST_ID = 120


@dataclass(frozen=True, slots=True)
class Clock:
    """When a row happened: a column, how it is written, and what a bare date means."""

    column: str
    format: str = ""
    time: time = time(9)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    def read(self, cells: Mapping[str, str]) -> datetime | None:
        """
        The moment of a row in UTC; None if the cell is empty.

        :raises BadCell: if it is no date
        """
        given = cells[self.column]
        if not given:
            return None
        try:
            parsed = (
                datetime.strptime(given, self.format)  # noqa: DTZ007 - its zone comes below
                if self.format
                else datetime.fromisoformat(given)
            )
        except ValueError as error:
            raise BadCell(self.column, f"“{given}” is not a date such as 2017-10-20.") from error
        if parsed.tzinfo is None:
            if parsed.time() == time():
                parsed = datetime.combine(parsed.date(), self.time)
            parsed = parsed.replace(tzinfo=self.zone)
        try:
            return parsed.astimezone(UTC)
        except OverflowError as error:
            raise BadCell(self.column, f"“{given}” is out of range.") from error


@dataclass(frozen=True, slots=True)
class LeadMapping:
    """A checked mapping of a file of leads."""

    columns: Columns
    key: str = ""
    person_key: str = ""
    clock: Clock | None = None
    skip_if_empty: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    owner: str = ""
    history: Mapping[str, str] = field(default_factory=dict)

    def check(self, columns: Sequence[str]) -> None:
        """
        Refuse a mapping that does not fit a file.

        :raises BadMapping: naming the key
        """
        wanted = self.columns.read_columns()
        single = {"key": self.key, "person_key": self.person_key, "owner": self.owner}
        wanted |= {column: key for key, column in single.items() if column}
        wanted |= dict.fromkeys(self.skip_if_empty, "skip_if_empty")
        wanted |= dict.fromkeys(self.answers, "answers")
        if self.clock:
            wanted[self.clock.column] = "clock.column"
        mapping.check_columns(wanted, columns, self.columns.ignore)

    def skips(self, cells: Mapping[str, str]) -> bool:
        # A row without anything in it was erased, or is a line between others.
        return not any(cells.values()) or any(not cells[column] for column in self.skip_if_empty)

    def incoming(self, row: Row, *, job: int, source: str, backfill: bool) -> Incoming | None:
        """Return what a row hands in at the door, its problems included; None: it is no lead."""
        if self.skips(row.cells):
            return None
        problems = (
            [Problem("", "bad_row", f"Row {row.number} {row.problem}.")] if row.problem else []
        )
        fields, happened = self._fields(row.cells, problems), None
        if self.clock:
            try:
                happened = self.clock.read(row.cells)
            except BadCell as error:
                problems.append(Problem(error.column, "bad_date", error.message))
        context: dict[str, Any] = {"import": {"job": job, "row": row.number}}
        if self.person_key and (given := _id(row.cells[self.person_key])):
            context["person_key"] = f"{source}:{given}"
        if self.owner and backfill and row.cells[self.owner]:
            context["owner"] = _storable(row.cells[self.owner])
        for name in ("channel", "motion"):
            if name in fields:
                context[name] = fields.pop(name).upper()
        spare = f"import-{job}-{row.number}"
        own = _id(row.cells[self.key]) if self.key else ""
        return Incoming(
            key=f"row-{own}" if own else spare,
            spare_key=spare,
            raw=json.dumps(fields, ensure_ascii=True).encode(),
            context=context,
            occurred_at=happened,
            problems=problems,
        )

    def _fields(self, cells: Mapping[str, str], problems: list[Problem]) -> dict[str, Any]:
        try:
            fields: dict[str, Any] = self.columns.fill(cells)
        except BadCell as error:
            problems.append(Problem(error.column, "bad_cell", error.message))
            # Kept as written, so that whoever mends the row sees what was there.
            fields = {name: cells[place.column] for name, place in self.columns.fields.items()}
        for name, choices in CHOICES.items():
            given = fields.get(name, "")
            if given and given.upper() not in choices:
                problems.append(
                    Problem(name, "unknown", f"“{given}” is none of {', '.join(choices)}.")
                )
                del fields[name]
        answers = {column: cells[column] for column in self.answers if cells[column]}
        return {**answers, **fields}


CHOICES = {
    "channel": ("WEB", "API", "IMPORT", "MANUAL", "EMAIL", "LINKEDIN", "EVENT", "PARTNER"),
    "motion": ("INBOUND", "OUTBOUND"),
}


def read(data: Mapping[str, Any]) -> LeadMapping:
    """
    Check a mapping.

    :raises BadMapping: naming the key
    """
    columns = mapping.parse(data, known=FIELDS, more=MORE)
    found = LeadMapping(
        columns=columns,
        key=_column(data, "key"),
        person_key=_column(data, "person_key"),
        clock=_clock(data.get("clock")),
        skip_if_empty=mapping.names(data, "skip_if_empty"),
        answers=mapping.names(data, "answers"),
        owner=_column(data, "owner"),
        history=_history(data.get("history")),
    )
    if not {*columns.fields, *columns.constants} & {*ADDRESSES} and not found.person_key:
        raise BadMapping(
            "fields",
            "Say which column holds the e-mail address, the phone number or LinkedIn; "
            "if there is none, set person_key to the column with the person's id.",
        )
    return found


def _column(data: Mapping[str, Any], key: str) -> str:
    given = data.get(key)
    return "" if given is None else mapping.text(key, given)


def _clock(given: Any) -> Clock | None:
    if given is None or given == "":
        return None
    if not isinstance(given, dict):
        return Clock(mapping.text("clock", given))
    for name in given:
        if name not in CLOCK_KEYS:
            raise BadMapping(f"clock.{name}", f"is not understood; known: {', '.join(CLOCK_KEYS)}.")
    if "column" not in given:
        raise BadMapping("clock.column", "is missing: which column says when it happened?")
    clock = {name: given[name] for name in ("column", "format") if name in given}
    return Clock(
        **{name: mapping.text(f"clock.{name}", value) for name, value in clock.items()},
        time=_time(given.get("time", "09:00")),
        zone=_zone(given.get("time_zone", "UTC")),
    )


def _time(given: Any) -> time:
    # YAML reads an unquoted 09:00 as a text, but 10:30 as the number 630.
    if not isinstance(given, str) or not re.fullmatch(r"\d{2}:\d{2}", given):
        raise BadMapping("clock.time", 'must be a time in quotes, e.g. "09:00".')
    try:
        return time.fromisoformat(given)
    except ValueError as error:
        raise BadMapping("clock.time", f"{given} is no time of day.") from error


def _zone(given: Any) -> ZoneInfo:
    name = mapping.text("clock.time_zone", given)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadMapping(
            "clock.time_zone", f"{name} is no time zone; e.g. Europe/Berlin."
        ) from error


def _history(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadMapping("history", f"must be lines of {', '.join(HISTORY_KEYS)}.")
    for name in given:
        if name not in HISTORY_KEYS:
            raise BadMapping(f"history.{name}", f"is not understood; {', '.join(HISTORY_KEYS)}.")
    return {name: mapping.text(f"history.{name}", value) for name, value in given.items()}


def _id(given: str) -> str:
    plain = _storable(given).strip()
    if len(plain) > LONGEST_ID:
        return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
    return plain


def _storable(given: str) -> str:
    """Without what a database text cannot hold."""
    return "".join(c for c in given if c != "\x00" and not 0xD800 <= ord(c) <= 0xDFFF)


# --- Guessing ----------------------------------------------------------------------------

# What columns are called elsewhere, squeezed to letters and digits.
ALSO_CALLED: Mapping[str, tuple[str, ...]] = {
    "email": ("mail", "emailaddress", "workemail", "businessemail", "emailwork"),
    "phone": ("phonenumber", "telephone", "tel", "mobile", "mobilephone", "workphone"),
    "linkedin_url": ("linkedin", "linkedinprofile", "linkedinurl"),
    "first_name": ("givenname", "firstname", "vorname"),
    "last_name": ("surname", "familyname", "lastname", "nachname"),
    "name": ("fullname", "contact", "contactname", "person"),
    "company": ("account", "accountname", "companyname", "organisation", "organization", "firma"),
    "title": ("jobtitle", "position", "role"),
    "website": ("url", "domain", "companywebsite", "web"),
    "country": ("countryregion", "land"),
    "region": ("state", "province", "stateregion"),
    "postal_code": ("zip", "zipcode", "postcode", "plz"),
    "city": ("town", "ort"),
    "industry": ("sector", "branche"),
    "employees": ("companysize", "headcount", "noofemployees", "numemployees"),
    "product_interest": ("product", "interest"),
    "campaign": ("utmcampaign", "origin", "leadsource"),
    "message": ("comment", "comments", "notes"),
    "budget_range": ("budget",),
    "expected_value": ("amount", "dealvalue", "value"),
}
IDS = ("id", "leadid", "externalid", "recordid", "crmid", "opportunityid", "mqlid")
MOMENTS = ("createdat", "created", "createddate", "receivedat", "submittedat", "date")


def guess(columns: Sequence[str]) -> dict[str, Any]:
    """Return a mapping by the columns' names, for a person to correct."""
    fields: dict[str, str] = {}
    found: dict[str, Any] = {"fields": fields}
    for column in columns:
        squeezed = re.sub(r"[^a-z0-9]", "", column.casefold())
        name = next(
            (
                name
                for name in FIELDS
                if squeezed == name.replace("_", "") or squeezed in ALSO_CALLED.get(name, ())
            ),
            None,
        )
        if name and name not in fields:
            fields[name] = column
        elif squeezed in IDS and "key" not in found:
            found["key"] = column
        elif squeezed in MOMENTS and "clock" not in found:
            found["clock"] = column
    return found
