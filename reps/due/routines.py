"""
Housekeeping that comes round again: each routine is a row with a due time.

Beat, the sweep and ten workers may all drain them; a slot runs once, because whoever runs it
holds the row and moves its due time on in the same transaction.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from reps.due import holds
from reps.due.clock import database_now
from reps.models import Routine

log = logging.getLogger(__name__)
# After a failure a routine comes again this soon, or at its own pace if that is quicker.
AGAIN_AFTER = timedelta(seconds=60)
AGAIN_IN = "again_in"
CLOCK_WENT_BACK = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Work:
    """
    Something to be done every so often. `run(at)` returns what it found, as plain JSON.

    `next_at(at)` says when it is due after a run at `at`, in the database's time, unless the run
    itself asks to come again sooner, by seconds under AGAIN_IN. One that `reaches_out` does not
    run while effects are held.
    """

    name: str
    run: Callable[[datetime], dict[str, Any]]
    next_at: Callable[[datetime], datetime]
    reaches_out: bool = False


_works: dict[str, Work] = {}


def register(work: Work) -> None:
    """Add a routine; apps do this when they are ready."""
    _works[work.name] = work


def every(**span: float) -> Callable[[datetime], datetime]:
    """The due time of a routine that keeps a distance, such as `every(minutes=5)`."""
    distance = timedelta(**span)
    return lambda at: at + distance


def names() -> list[str]:
    """The registered routines."""
    return list(_works)


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Run each routine that is due, once; return how many ran."""
    _make_missing(at or due_before)
    due = Routine.objects.filter(_is_due(due_before), name__in=_allowed())
    return sum(
        _run(name, driver=driver, due_before=due_before, at=at or due_before)
        for name in due.order_by("next_at").values_list("name", flat=True)
    )


def oldest() -> datetime | None:
    """Since when the routine that waits longest has been due."""
    rows = Routine.objects.filter(name__in=_allowed()).order_by("next_at")
    return rows.values_list("next_at", flat=True).first()


def run_now(name: str, *, at: datetime) -> bool:
    """Make a routine due; False if there is none of this name."""
    return name in _works and bool(Routine.objects.filter(name=name).update(next_at=at))


def last(name: str) -> dict[str, Any]:
    """What a routine found when it last ran; nothing before it has."""
    return Routine.objects.filter(name=name).values_list("detail", flat=True).first() or {}


def _allowed() -> list[str]:
    held = holds.held() is not None
    return [name for name, work in _works.items() if not (held and work.reaches_out)]


def _is_due(at: datetime) -> Q:
    """Due, or run at a time that is yet to come: the clock has gone back since."""
    return Q(next_at__lte=at) | Q(last_at__gt=at + CLOCK_WENT_BACK)


def _make_missing(at: datetime) -> None:
    known = set(Routine.objects.values_list("name", flat=True))
    missing = [Routine(name=name, next_at=at) for name in _works if name not in known]
    if missing:
        Routine.objects.bulk_create(missing, ignore_conflicts=True)


def _run(name: str, *, driver: str, due_before: datetime, at: datetime) -> int:
    with transaction.atomic():
        row = (
            Routine.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(_is_due(due_before), name=name)
            .first()
        )
        if row is None:
            return 0
        began = time.monotonic()
        try:
            with transaction.atomic():
                row.detail = _works[name].run(at)
            row.failures, row.last_error = 0, ""
            again_in = row.detail.pop(AGAIN_IN, None)
            row.next_at = (
                _works[name].next_at(at) if again_in is None else at + timedelta(seconds=again_in)
            )
        except Exception as error:
            # Errors of the database too, or one routine would stop those after it for ever. If
            # the database itself is gone, saving below fails and the driver hears of it.
            log.exception("The routine %s failed", name)
            row.failures += 1
            row.last_error = f"{type(error).__name__}: {error}"[:300]
            row.next_at = min(_works[name].next_at(at), database_now() + AGAIN_AFTER)
        row.last_at, row.driver = at, driver
        row.seconds = round(time.monotonic() - began, 3)
        row.save()
    return 1
