"""Written questions about working time: a JSON line in, its answer out."""

import json
import reprlib
from datetime import datetime, timedelta

from reps.hours.budget import due_at, working_time
from reps.hours.calendar import Calendar, calendar_for


class CaseError(ValueError):
    """A line does not ask a question that can be answered. The message says what to write."""


def answer(line: str) -> dict[str, object]:
    """
    Answer one line: `{"due": ISO in UTC}`, `{"seconds": N}` or `{"error": what to mend}`.

    The line is `{"calendar": {…} or null, "op": "add", "start": ISO, "seconds": N}` or
    `{"calendar": …, "op": "elapsed", "start": ISO, "end": ISO}`; times carry their UTC offset, and
    a calendar of null is around the clock. It never raises for what a line says.
    """
    try:
        case = _case(line)
        calendar = _calendar(case)
        start = _time(case, "start")
        match case.get("op"):
            case "add":
                return {"due": due_at(calendar, start, _budget(case)).isoformat()}
            case "elapsed":
                return {"seconds": _seconds(working_time(calendar, start, _time(case, "end")))}
            case op:
                raise CaseError(f'op: {reprlib.repr(op)} is unknown; write "add" or "elapsed"')
    except (ValueError, OverflowError) as error:
        return {"error": str(error)}


def _case(line: str) -> dict[str, object]:
    try:
        case = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CaseError(f"not JSON ({error})") from error
    if not isinstance(case, dict):
        raise CaseError(f"expected an object {{…}}, got {reprlib.repr(case)}")
    return case


def _calendar(case: dict[str, object]) -> Calendar:
    if "calendar" not in case:
        raise CaseError("calendar: missing; write null for around the clock")
    # By its text, so that lines that share a calendar share what has been worked out for it.
    return calendar_for(json.dumps(case["calendar"], sort_keys=True))


def _time(case: dict[str, object], name: str) -> datetime:
    text = case.get(name)
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        at = None
    if at is None:
        raise CaseError(
            f"{name}: {reprlib.repr(text)} is not a time; "
            "write ISO 8601 such as 2026-03-27T16:30:00+01:00"
        )
    if at.utcoffset() is None:
        raise CaseError(f"{name}: {text} has no UTC offset; write one, such as +01:00 or Z")
    return at


def _budget(case: dict[str, object]) -> timedelta:
    seconds = case.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
        raise CaseError(f"seconds: {reprlib.repr(seconds)} is not a number of seconds from 0 up")
    try:
        return timedelta(seconds=seconds)
    except OverflowError as error:
        raise CaseError(f"seconds: {reprlib.repr(seconds)} is more than can be counted") from error


def _seconds(duration: timedelta) -> int | float:
    """Write whole seconds without a decimal point."""
    seconds = duration.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds
