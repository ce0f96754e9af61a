"""What intake and routing keep, and for how long (requirement AUD-3, with `reps.retention`)."""

import contextlib
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from reps.retention import Kept, of_rows, register
from routing.models import ImportJob, Lead, Prospect, Simulation, Submission
from routing.privacy import erase
from routing.privacy.held import SUBMISSION_COLUMNS, empty_submission
from routing.privacy.registry import Person

WHY = "Kept long enough: all of their leads are closed"
# Erasing a person touches many tables; few at a time leave room for others.
FEW = 50


def _held_by_law() -> list[Person]:
    """Whose data must be kept; few, so that files and bodies can be searched for them."""
    return [Person.read(row) for row in Prospect.objects.exclude(legal_hold="")]


def _names_any(text: str, people: list[Person]) -> bool:
    return any(person.marks.are_in(text) for person in people)


# --- Bodies of submissions --------------------------------------------------------------------


def _bodies(before: datetime) -> QuerySet[Submission]:
    """Bodies behind leads that have long been closed; `lead` may have others that are not."""
    return Submission.objects.filter(
        ~Q(raw=b""),
        state=Submission.State.PROCESSED,
        lead__closed_at__lt=before,
        lead__prospect__legal_hold="",
    )


def _empty_bodies(before: datetime, limit: int, at: datetime) -> int:
    rows = list(_bodies(before).order_by("pk")[:limit])
    for row in rows:
        empty_submission(row)
    Submission.objects.bulk_update(rows, SUBMISSION_COLUMNS, batch_size=200)
    return len(rows)


def _unused(state: str) -> dict[str, Any]:
    def rows(before: datetime) -> QuerySet[Submission]:
        return Submission.objects.filter(state=state, lead__isnull=True, received_at__lt=before)

    def delete(before: datetime, limit: int, at: datetime) -> int:
        held = _held_by_law()
        found = rows(before).order_by("pk")[: limit if not held else None]
        ids = [row.pk for row in found if not _names_any(_text(row), held)][:limit]
        Submission.objects.filter(pk__in=ids).delete()
        return len(ids)

    return {"count": lambda before: rows(before).count(), "delete": delete}


def _text(row: Submission) -> str:
    return f"{bytes(row.raw).decode('utf-8', 'replace')} {row.corrected} {row.context}"


# --- People -------------------------------------------------------------------------------------


def _people(before: datetime) -> QuerySet[Prospect]:
    """Who has leads, all closed long ago, and nothing that forbids to forget them."""
    leads = Lead.objects.filter(prospect=OuterRef("pk"))
    fresh = leads.filter(Q(closed_at__isnull=True) | Q(closed_at__gte=before))
    held = Prospect.objects.filter(merged_into=OuterRef("pk")).exclude(legal_hold="")
    return Prospect.objects.filter(
        Exists(leads), ~Exists(fresh), ~Exists(held), legal_hold="", erased_at__isnull=True
    )


def _erase_people(before: datetime, limit: int, at: datetime) -> int:
    ids = list(_people(before).order_by("pk").values_list("pk", flat=True)[: min(limit, FEW)])
    for pk in ids:
        with contextlib.suppress(erase.HeldByLaw):
            erase.erase(prospect_id=pk, reason=WHY, by=None, at=at)
    return len(ids)


# --- Files and simulations ------------------------------------------------------------------------


def _files(before: datetime) -> QuerySet[ImportJob]:
    ended = [ImportJob.State.DONE, ImportJob.State.CANCELLED]
    return ImportJob.objects.filter(~Q(content=b""), state__in=ended, finished_at__lt=before)


def _empty_files(before: datetime, limit: int, at: datetime) -> int:
    held = _held_by_law()
    emptied = 0
    for job in _files(before).order_by("pk").iterator(chunk_size=1):
        text = bytes(job.content).decode("utf-8", "surrogatepass")
        if emptied < limit and not _names_any(text, held):
            job.content = b""
            job.save(update_fields=["content"])
            emptied += 1
    return emptied


def _simulations(before: datetime) -> QuerySet[Simulation]:
    running = [Simulation.State.WAITING, Simulation.State.RUNNING]
    return Simulation.objects.exclude(state__in=running).filter(ended_at__lt=before)


register(
    Kept(
        "submissions",
        _("Bodies of submissions"),
        _(
            "What came through the doors, once its lead is closed. The receipt stays, so that a "
            "repeated delivery is still recognised."
        ),
        default_days=365,
        least_days=30,
        count=lambda before: _bodies(before).count(),
        delete=_empty_bodies,
    )
)
register(
    Kept(
        "dismissed",
        _("Dismissed submissions"),
        _(
            "What a person said will never be a lead. A repeated delivery is recognised for 30 "
            "days, so they are kept that long."
        ),
        default_days=90,
        least_days=30,
        **_unused(Submission.State.DISMISSED),
    )
)
register(
    Kept(
        "quarantined",
        _("Forgotten submissions"),
        _("What waits to be mended and nobody has looked at: deleted without becoming a lead."),
        default_days=365,
        least_days=90,
        **_unused(Submission.State.QUARANTINED),
    )
)
register(
    Kept(
        "people",
        _("People without an open lead"),
        _(
            "Erased, as on request, once all of their leads have been closed for so long. Leads, "
            "decisions and the trail stay, without the person."
        ),
        default_days=1095,
        least_days=90,
        count=lambda before: _people(before).count(),
        delete=_erase_people,
        in_one_run=2 * FEW,
    )
)
register(
    Kept(
        "imports",
        _("Imported files"),
        _("The content of files whose import has ended; that there was one stays."),
        default_days=90,
        least_days=7,
        count=lambda before: _files(before).count(),
        delete=_empty_files,
    )
)
register(
    Kept(
        "simulations",
        _("Finished simulations"),
        _("With what each lead would have got."),
        default_days=180,
        least_days=7,
        **of_rows(_simulations),
    )
)
