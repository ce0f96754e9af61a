"""
Working time: when people work, and how budgets of working time run. Pure, no Django.

`intervals` are sets of time, `calendar` turns local windows into open spans in UTC, `budget` counts
on them, and `cases` answers one written question (the `working_time` command). Instants are whole
epoch seconds UTC and budgets are seconds; `due_at` and `working_time` take datetimes.
"""

from reps.hours.budget import (
    NeverCloses,
    NeverOpen,
    add,
    back,
    due_at,
    elapsed,
    is_open,
    next_close,
    next_open,
    working_time,
)
from reps.hours.calendar import (
    ALWAYS,
    Calendar,
    CalendarError,
    HoursError,
    OutOfRange,
    Window,
    Windows,
    calendar_for,
)
from reps.hours.intervals import (
    Span,
    Spans,
    clip,
    covers,
    intersect,
    length,
    normalise,
    subtract,
    union,
)

__all__ = [
    "ALWAYS",
    "Calendar",
    "CalendarError",
    "HoursError",
    "NeverCloses",
    "NeverOpen",
    "OutOfRange",
    "Span",
    "Spans",
    "Window",
    "Windows",
    "add",
    "back",
    "calendar_for",
    "clip",
    "covers",
    "due_at",
    "elapsed",
    "intersect",
    "is_open",
    "length",
    "next_close",
    "next_open",
    "normalise",
    "subtract",
    "union",
    "working_time",
]
