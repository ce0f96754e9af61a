"""The places in which intake and routing hold something about a person."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from reps import tables
from reps.models import Delivery, Message, Strike
from routing.models import (
    DuplicatePair,
    ImportJob,
    Lead,
    Merge,
    PersonalFacts,
    ProspectKey,
    ProspectTrait,
    SimulatedLead,
    Submission,
    Touch,
)
from routing.privacy import ledger
from routing.privacy.registry import Holding, Person, register

# What a prospect's row says about the person; the id and its dates stay.
COLUMNS = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "linkedin_url",
    "title",
    "company",
    "website",
    "country",
    "region",
    "city",
    "postal_code",
)
LEAD_COLUMNS = (
    "id",
    "state",
    "state_reason",
    "channel",
    "motion",
    "campaign",
    "product_interest",
    "budget_range",
    "timeline",
    "industry",
    "score",
    "tier",
)
SUBMISSION_COLUMNS = (
    "raw",
    "corrected",
    "errors",
    "context",
    "idempotency_key",
    "state",
    "due_at",
    "processed_at",
)
# Of what a door knew beside the body, what says nothing about the person.
CONTEXT_KEPT = ("import",)
# Of what a rep noted about a contact, what says nothing about the person.
ANSWERS_KEPT = ("way", "reached")


def _plain(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


# --- Who they are --------------------------------------------------------------------------------


def _show_identity(person: Person) -> list[dict[str, Any]]:
    who = person.prospect
    row = {name: getattr(who, name) for name in COLUMNS if getattr(who, name)}
    if not row and not person.keys:
        return []
    keys = [{"kind": key.kind, "value": key.value} for key in person.keys]
    return [{**row, "known_since": _plain(who.created_at), "recognised_by": keys}]


def _erase_identity(person: Person, at: datetime) -> int:
    who = person.prospect
    ProspectKey.objects.filter(prospect=who).delete()
    for name in COLUMNS:
        setattr(who, name, "")
    who.erased_at, who.compare_at = at, None
    who.save(update_fields=[*COLUMNS, "erased_at", "compare_at"])
    return 1


# --- What they sent ------------------------------------------------------------------------------


def submissions_of(person: Person) -> list[Submission]:
    """What became leads of this person, and what names them and became nothing yet."""
    theirs = list(
        Submission.objects.select_related("source")
        .filter(Q(lead__in=person.leads) | Q(touch__prospect=person.prospect))
        .distinct()
        .order_by("pk")
    )
    waiting = Submission.objects.select_related("source").filter(lead__isnull=True).order_by("pk")
    if person.marks:
        theirs += [row for row in waiting.iterator(chunk_size=200) if _names(row, person)]
    return theirs


def _names(row: Submission, person: Person) -> bool:
    texts = (bytes(row.raw).decode("utf-8", "replace"), row.corrected, str(row.context))
    return any(person.marks.are_in(text) for text in texts)


def _show_submissions(person: Person) -> list[dict[str, Any]]:
    return [
        {
            "id": str(row.public_id),
            "source": row.source.name,
            "received_at": _plain(row.received_at),
            "state": row.state,
            "body": bytes(row.raw).decode("utf-8", "replace"),
            "corrected": row.corrected,
            "context": {k: v for k, v in row.context.items() if k not in CONTEXT_KEPT},
        }
        for row in submissions_of(person)
        if row.raw or row.corrected
    ]


def _erase_submissions(person: Person, at: datetime) -> int:
    """
    The receipt stays, with its key and the fingerprint of what it was: sent again with the same
    key it is still a repetition. What had become nothing yet never will.
    """
    rows = submissions_of(person)
    Strike.objects.filter(job="intake", row_id__in=[row.pk for row in rows]).update(last_error="")
    for row in rows:
        empty_submission(row)
        if person.marks.are_in(row.idempotency_key):
            row.idempotency_key = f"erased-{ledger.keyed(row.idempotency_key)}"
        if row.lead_id is None:
            row.state, row.due_at, row.processed_at = Submission.State.DISMISSED, None, at
    Submission.objects.bulk_update(rows, SUBMISSION_COLUMNS, batch_size=200)
    return len(rows)


def empty_submission(row: Submission) -> None:
    """Take what it says from a submission; its fingerprint is what is left. Not saved yet."""
    row.raw, row.corrected, row.errors = b"", "", []
    row.context = {name: row.context[name] for name in CONTEXT_KEPT if name in row.context}


# --- What they did, and what was done to reach them --------------------------------------------


def _show_touches(person: Person) -> list[dict[str, Any]]:
    return [
        {
            "kind": row.kind,
            "at": _plain(row.at),
            "text": row.text,
            "answers": row.answers,
            "page": row.page_url,
            "name": row.name,
        }
        for row in Touch.objects.filter(prospect=person.prospect).order_by("at", "pk")
        if row.text or row.page_url or row.name or _told(row)
    ]


def _told(row: Touch) -> bool:
    return bool(set(row.answers) - set(ANSWERS_KEPT))


def _erase_touches(person: Person, at: datetime) -> int:
    rows = list(Touch.objects.filter(prospect=person.prospect))
    for row in rows:
        row.text, row.page_url, row.name = "", "", ""
        row.answers = {name: row.answers[name] for name in ANSWERS_KEPT if name in row.answers}
    Touch.objects.bulk_update(rows, ["text", "page_url", "name", "answers"], batch_size=500)
    return len(rows)


# --- What was decided about them ----------------------------------------------------------------


def _facts(person: Person) -> QuerySet[PersonalFacts]:
    return PersonalFacts.objects.filter(decision__lead__in=person.leads).order_by("pk")


def _show_facts(person: Person) -> list[dict[str, Any]]:
    return [
        {"decision": row.decision_id, "at": _plain(row.decision.decided_at), "facts": row.facts}
        for row in _facts(person).select_related("decision")
    ]


def _erase_facts(person: Person, at: datetime) -> int:
    # Decisions keep their digest of them, and the facts that are nobody's.
    return _facts(person).delete()[0]


def _show_leads(person: Person) -> list[dict[str, Any]]:
    leads = Lead.objects.filter(pk__in=person.leads).order_by("pk")
    return [
        {
            **{name: getattr(row, name) for name in LEAD_COLUMNS},
            "received_at": _plain(row.received_at),
            "closed_at": _plain(row.closed_at),
            "custody": [
                {
                    "place": held.place,
                    "from": _plain(held.started_at),
                    "until": _plain(held.ended_at),
                    "reason": held.reason or held.get_reason_code_display(),
                }
                for held in row.assignments.order_by("epoch")
            ],
            "outcomes": [
                {"kind": one.kind, "at": _plain(one.at), "value": one.value}
                for one in row.outcomes.all()
            ],
        }
        for row in leads.prefetch_related("outcomes", "assignments")
    ]


def _keep(person: Person, at: datetime) -> int:
    """Leads are the trail's: they hold categories and moments, no address and no name."""
    return 0


# --- What was said about them to others ---------------------------------------------------------


def _messages(person: Person) -> QuerySet[Message]:
    about = [f"routing.lead:{pk}" for pk in person.leads]
    return Message.objects.filter(Q(about__in=about) | Q(payload__lead__in=person.leads)).order_by(
        "pk"
    )


def _show_messages(person: Person) -> list[dict[str, Any]]:
    return [
        {
            "kind": row.kind,
            "at": _plain(row.created_at),
            "state": row.state,
            "as_sent": [one.body for one in row.deliveries.all() if one.body],
        }
        for row in _messages(person).prefetch_related("deliveries")
    ]


def _erase_messages(person: Person, at: datetime) -> int:
    """Messages hold ids only; what a delivery showed of them, in them or in a digest, goes."""
    ids = list(_messages(person).values_list("pk", flat=True))
    digests = Message.objects.filter(collected__in=ids).values_list("pk", flat=True)
    ids += list(digests)
    Message.objects.filter(pk__in=ids).update(last_error="")
    Strike.objects.filter(job="outbox", row_id__in=ids).update(last_error="")
    Strike.objects.filter(job="route", row_id__in=person.leads).update(last_error="")
    return Delivery.objects.filter(message__in=ids).update(body=None, detail="")


# --- Copies ---------------------------------------------------------------------------------------


def _imports(person: Person) -> Iterator[tuple[ImportJob, list[tables.Row]]]:
    """Files that hold the person, with the rows that do."""
    for job in ImportJob.objects.order_by("pk").iterator(chunk_size=1):
        content = bytes(job.content)
        if not content or not person.marks.are_in(content.decode("utf-8", "surrogatepass")):
            continue
        rows = [
            row
            for row in tables.unpack(content)
            if person.marks.are_in(" ".join(row.cells.values()))
        ]
        if rows:
            yield job, rows


def _show_imports(person: Person) -> list[dict[str, Any]]:
    return [
        {"at": _plain(job.created_at), "row": row.number, "cells": row.cells}
        for job, rows in _imports(person)
        for row in rows
    ]


def _erase_imports(person: Person, at: datetime) -> int:
    """The rows stay in their places, empty: an import which is half-way counts on them."""
    count = 0
    for job, rows in _imports(person):
        job.content = tables.without(bytes(job.content), {row.number for row in rows})
        job.save(update_fields=["content"])
        count += len(rows)
    return count


def _simulated(person: Person) -> QuerySet[SimulatedLead]:
    return SimulatedLead.objects.filter(lead__in=person.leads).order_by("pk")


def _show_simulations(person: Person) -> list[dict[str, Any]]:
    rows = _simulated(person).exclude(label="")
    return [{"simulation": row.simulation_id, "label": row.label} for row in rows]


def _erase_simulations(person: Person, at: datetime) -> int:
    return _simulated(person).exclude(label="").update(label="")


# --- What says that they are one with others ----------------------------------------------------


def _merges(person: Person) -> QuerySet[Merge]:
    who = person.prospect
    return Merge.objects.filter(Q(winner=who) | Q(loser=who)).order_by("pk")


def _show_merges(person: Person) -> list[dict[str, Any]]:
    """What was written over on their row, each merge once: with whoever gave way."""
    return [
        {
            "at": _plain(row.at),
            "undone_at": _plain(row.undone_at),
            "with": row.winner_id,
            "written_over": row.fields,
        }
        for row in _merges(person)
        if row.loser_id == person.prospect.pk
    ]


def _erase_merges(person: Person, at: datetime) -> int:
    """That there was a merge stays, and what moved by it; what it wrote over goes."""
    who = person.prospect
    ProspectTrait.objects.filter(prospect=who).delete()
    DuplicatePair.objects.filter(Q(first=who) | Q(second=who)).update(reason="")
    return _merges(person).exclude(fields={}).update(fields={}, reason="", undone_reason="")


register(Holding("leads", _("Leads"), _show_leads, _keep), place=20)
register(Holding("submissions", _("What came in"), _show_submissions, _erase_submissions), place=30)
register(Holding("touches", _("What happened"), _show_touches, _erase_touches), place=40)
register(Holding("facts", _("Facts behind decisions"), _show_facts, _erase_facts), place=50)
register(Holding("messages", _("Messages about them"), _show_messages, _erase_messages), place=60)
register(Holding("imports", _("Rows of files"), _show_imports, _erase_imports), place=70)
register(Holding("simulations", _("Simulations"), _show_simulations, _erase_simulations), place=80)
register(Holding("merges", _("Merged with"), _show_merges, _erase_merges), place=90)
# Last: the marks by which the other places find the person are read from here.
register(Holding("identity", _("Who they are"), _show_identity, _erase_identity), place=100)
