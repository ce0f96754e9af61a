"""Erase a person, and leave the trail whole."""

import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from reps import trail
from reps.models import User
from routing import ownership, states
from routing.dedupe import family
from routing.dedupe.merging import MergeRefused
from routing.dedupe.unmerging import unmerge
from routing.models import Erasure, Lead, Merge, Prospect
from routing.models.assignment import Reason
from routing.privacy import ledger
from routing.privacy.marks import masked
from routing.privacy.registry import Person, holdings

DRIVER = "erasure"
WORDS = "Personal data erased"
AGAIN = "Erased before; done again after a restore"


class HeldByLaw(Exception):
    """The person's data must be kept; the message says why, as somebody wrote it down."""


@transaction.atomic
def erase(*, prospect_id: int, reason: str, by: User | None, at: datetime) -> Erasure:
    """
    Erase everything that is held about a person, everywhere, at once; done twice it is done.

    What stays is what is nobody's: that there was a lead, when, who held it, why, and the
    digests by which receipts and decisions are still proven. Open leads are closed and their
    clocks stop. The erasure goes into the ledger outside of the database, too. Everybody who was
    merged with the person is the person, and is erased as well, whichever of them is named.

    :raises HeldByLaw: if a legal hold lies on the person
    """
    person = family.locked_whole(prospect_id)
    for row in person:
        if row.legal_hold:
            raise HeldByLaw(
                f"This person's data is under a legal hold ({row.legal_hold}). "
                "Lift the hold first, if it no longer applies."
            )
    done = {row.pk: _erase(row, reason=reason, by=by, at=at) for row in person}
    return done[prospect_id]


@transaction.atomic
def set_legal_hold(*, prospect_id: int, why: str, by: User, at: datetime) -> Prospect:
    """Keep a person's data from being erased or deleted by age; an empty reason lifts that."""
    prospect = _locked(prospect_id)
    why = masked(why.strip(), Person.read(prospect).marks)[:200]
    if why != prospect.legal_hold:
        prospect.legal_hold = why
        prospect.save(update_fields=["legal_hold"])
        code = "held_by_law" if why else "released_by_law"
        trail.note(prospect, kind=code, by=by, at=at, reason_code=code, reason=why)
    return prospect


@dataclass(frozen=True, slots=True)
class Repeated:
    """What repeating the ledger came to."""

    erased: int = 0
    already: int = 0
    unknown: int = 0


def repeat_ledger(*, at: datetime) -> Repeated:
    """
    Erase again whom a restored backup has brought back.

    A legal hold in the backup is no reason not to: it had been lifted when they were erased.
    Lines about prospects that this backup does not have, or whose id is another person's here,
    are counted as unknown.
    """
    erased = already = unknown = 0
    lines = {one.prospect: one for one in ledger.read()}
    for line in lines.values():
        with transaction.atomic():
            prospect = Prospect.objects.filter(pk=line.prospect).first()
            if prospect is None or ledger.digest_of(prospect) != line.digest:
                unknown += 1
            elif prospect.erased_at is not None:
                already += 1
            else:
                for row in _still_one(prospect.pk, erased=lines.keys(), at=at):
                    _erase(row, reason=AGAIN, by=None, at=at)
                erased += 1
    return Repeated(erased, already, unknown)


def _still_one(prospect_id: int, *, erased: Collection[int], at: datetime) -> list[Prospect]:
    """
    The rows of somebody who was erased, locked. Where the backup knows a merge that had been
    undone by then, it is undone again, so that nobody else is erased with them.
    """
    person = family.locked_whole(prospect_id)
    merges = Merge.objects.filter(undone_at__isnull=True, loser__in=[row.pk for row in person])
    for merge in merges.order_by("-pk"):
        if (merge.loser_id in erased) != (merge.winner_id in erased):
            with contextlib.suppress(MergeRefused), transaction.atomic():
                unmerge(merge_id=merge.pk, by=None, at=at, driver=DRIVER, reason=AGAIN)
    return family.locked_whole(prospect_id)


def _erase(prospect: Prospect, *, reason: str, by: User | None, at: datetime) -> Erasure:
    done = prospect.erasures.first()
    if prospect.erased_at is not None and done is not None:
        return done
    person = Person.read(prospect)
    reason = masked(reason.strip(), person.marks)[:200] or WORDS
    closed = _close(person, by=by, at=at)
    counts = {one.name: number for one in holdings() if (number := one.erase(person, at))}
    counts["closed"] = closed
    erasure = Erasure.objects.create(prospect=prospect, at=at, by=by, reason=reason, counts=counts)
    trail.note(
        prospect, kind="erased", by=by, at=at, reason_code="erased", reason=reason, data=counts
    )
    ledger.write_soon(at)
    return erasure


def _locked(prospect_id: int) -> Prospect:
    # As intake does it: the person, then their leads.
    return Prospect.objects.select_for_update(no_key=True).get(pk=prospect_id)


def _close(person: Person, *, by: User | None, at: datetime) -> int:
    """End what is still open, as any lead is ended: capacity and clocks are released."""
    leads = ownership.lock_leads(person.leads)
    still = [lead for lead in leads.values() if lead.is_open]
    for lead in still:
        states.check(lead, Lead.State.DISQUALIFIED)
    ownership.change_many(
        [
            ownership.Move(
                lead_id=lead.pk,
                epoch=lead.owner_epoch,
                place=Lead.Place.CLOSED,
                reason_code=Reason.CLOSED,
                reason=WORDS,
                also={"state": Lead.State.DISQUALIFIED, "state_reason": WORDS},
            )
            for lead in still
        ],
        by=by,
        at=at,
        driver=DRIVER,
        leads=leads,
    )
    return len(still)
