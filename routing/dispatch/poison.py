"""
One lead that cannot be decided stops neither the others nor its driver.

A batch that fails is decided again lead by lead; so is one that took its process with it, which
shows in the attempts, for those are counted before the work. A lead that failed three times by
itself goes to review, where RevOps see it, and can be tried again from the operations page.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from reps.due import strikes
from reps.models import User
from reps.models.tracked import bulk_writer
from routing import ownership
from routing.models import Lead, Organisation
from routing.models.assignment import Reason
from routing.models.source import Mode

log = logging.getLogger(__name__)

JOB = "route"
# A lead is decided within a second; one that has waited for longer may have been in a batch
# that died, so from then on batches are counted too, by their first lead.
STALE = timedelta(seconds=5)
RETRY = timedelta(seconds=10)

Route = Callable[..., Sequence[object]]


def drain(route: Route, *, driver: str, due_before: datetime, at: datetime, most: int) -> int:
    """Have one batch of due leads decided, the suspect ones by themselves; return how many."""
    how = {"driver": driver, "at": at, "due_before": due_before}
    struck = strikes.left_behind(JOB)
    # Whoever killed a batch is among the next ones: none of them risks another's turn.
    suspects = _due(due_before, most=most, only=None if any(struck.values()) else struck)
    if struck and suspects:
        return sum(_alone(route, pk, **how) for pk, _since in suspects)
    head = _head(due_before, at=at)
    try:
        with transaction.atomic():
            if head is not None:
                strikes.at_work(JOB, head)
            decided = len(route(**how))
            if head is not None:
                strikes.forgive(JOB, head)
    except (OperationalError, InterfaceError):
        # The database's trouble is no lead's fault.
        if head is not None:
            strikes.take_back(JOB, head)
        raise
    except Exception as error:
        log.exception("A batch of leads could not be decided; trying them one by one")
        if head is not None:
            strikes.take_back(JOB, head)
        return _apart(route, [pk for pk, _since in _due(due_before, most=most)], error, **how)
    return decided


def _head(due_before: datetime, *, at: datetime) -> int | None:
    """The first lead of a batch that has waited for too long, its attempt counted."""
    oldest = Lead.objects.ready(due_before).order_by("route_at").values_list("route_at", flat=True)
    since = oldest.first()
    if since is None or at - since <= STALE:
        return None
    with transaction.atomic():
        rows = Lead.objects.select_for_update(skip_locked=True, no_key=True).ready(due_before)
        ids = rows.order_by("-priority", "route_at", "pk").values_list("pk", flat=True)
        head = ids.first()
    if head is not None:
        strikes.begin(JOB, head, at=at)
    return head


def _due(
    due_before: datetime, *, most: int, only: Collection[int] | None = None
) -> list[tuple[int, datetime]]:
    rows = Lead.objects.ready(due_before).order_by("-priority", "route_at", "pk")
    if only is not None:
        rows = rows.filter(pk__in=only)
    return list(rows.values_list("pk", "route_at")[:most])


def _apart(
    route: Route,
    leads: Sequence[int],
    error: Exception,
    *,
    driver: str,
    at: datetime,
    due_before: datetime,
) -> int:
    """
    Decide leads one by one. If every one of several fails it is none of them: then nothing is
    held against them, and the driver hears of it.
    """
    failed = []
    for pk in leads:
        if _try(route, pk, driver=driver, at=at, due_before=due_before) is not None:
            failed.append(pk)
    if len(failed) == len(leads) > 1:
        for pk in failed:
            strikes.take_back(JOB, pk)
        raise error
    for pk in failed:
        _put_off_or_aside(pk, at=at, driver=driver)
    return len(leads)


def _alone(route: Route, pk: int, *, driver: str, at: datetime, due_before: datetime) -> int:
    error = _try(route, pk, driver=driver, at=at, due_before=due_before)
    if error is not None:
        _put_off_or_aside(pk, at=at, driver=driver)
    return 1


def _try(
    route: Route, pk: int, *, driver: str, at: datetime, due_before: datetime
) -> Exception | None:
    """Decide one lead, its attempt counted first; returns what went wrong."""
    if not strikes.begin(JOB, pk, at=at):
        return strikes.GivenUp()
    try:
        with transaction.atomic():
            strikes.at_work(JOB, pk)
            decided = route(driver=driver, at=at, due_before=due_before, only=[pk], most=1)
            if decided:
                strikes.forgive(JOB, pk)
    except (OperationalError, InterfaceError):
        strikes.take_back(JOB, pk)
        raise
    except Exception as error:
        log.exception("Lead %s could not be decided", pk)
        # The kind only: its text may quote the person.
        strikes.failed(JOB, pk, error=type(error).__name__, at=at)
        return error
    if not decided:
        # Another router holds it, or has decided it.
        strikes.take_back(JOB, pk)
    return None


def _put_off_or_aside(pk: int, *, at: datetime, driver: str) -> None:
    failures = strikes.failures(JOB, pk)
    if failures < strikes.MOST:
        _set_route_at(pk, at + RETRY * failures)
        return
    lead = Lead.objects.get(pk=pk)
    if lead.mode == Mode.SHADOW:
        _set_route_at(pk, None)
        return
    try:
        ownership.change_many(
            [
                ownership.Move(
                    lead_id=pk,
                    epoch=lead.owner_epoch,
                    place=Lead.Place.REVIEW,
                    reason_code=Reason.FAILED,
                    reason=_("It could not be decided %(n)s times.") % {"n": failures},
                )
            ],
            by=None,
            at=at,
            driver=driver,
        )
    except ownership.OwnershipRefused:
        # Somebody has taken it in hand meanwhile.
        strikes.forgive(JOB, pk)


def _set_route_at(pk: int, when: datetime | None) -> None:
    with bulk_writer("poison"):
        # Only the wake-up time moves, which history leaves out.
        Lead.objects.filter(pk=pk, route_at__isnull=False).update(route_at=when)


def retry(row_id: int, *, by: User, at: datetime) -> None:
    """Let a lead that was set aside be decided once more."""
    lead = Lead.objects.get(pk=row_id)
    if lead.place != Lead.Place.REVIEW:
        return
    ownership.change_many(
        [
            ownership.Move(
                lead_id=lead.pk,
                epoch=lead.owner_epoch,
                place=Lead.Place.QUEUE,
                queue_id=Organisation.get().intake_queue_id,
                reason_code=Reason.CORRECTED,
                reason=_("Tried again"),
                also={"route_at": at},
            )
        ],
        by=by,
        at=at,
        driver="web",
    )
