"""
Mend what a bad version did: the leads it placed that nobody has touched are routed again.

First a preview: what the live version would do with each now. Then the chosen ones go back to
the waiting room, their counters as if they had never been given, and are due at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, QuerySet

from reps import trail
from reps.due import doorbell
from reps.models import AuditEvent, User
from routing import engine, ownership
from routing.dispatch import gather, snapshot
from routing.fairness import undo
from routing.models import Assignment, Lead, Organisation, RuleSet
from routing.models.assignment import Reason
from routing.models.source import Mode
from routing.ownership import Move
from routing.rules import golden, present
from routing.rules.refusals import RulesRefused
from routing.rules.sentences import Names
from routing.visibility import visible_leads

MOST = 200
# Leads moved in one transaction.
AT_ONCE = {"postgresql": 100, "sqlite": 25}


@dataclass(frozen=True, slots=True)
class Preview:
    """
    An untouched lead: where the bad version put it, and what the live one would do now.

    `moves`: whether that is somewhere else.
    """

    lead: Lead
    assignment: Assignment
    would: str
    moves: bool


@dataclass(frozen=True, slots=True)
class Previews:
    """The newest untouched leads of a version, of `total` that the person may see."""

    rows: Sequence[Preview]
    total: int
    hidden: int


@dataclass(slots=True)
class Repaired:
    """What became of the chosen leads: sent back, or left alone and why."""

    moved: list[int] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    event: int | None = None


def untouched(ruleset: RuleSet) -> QuerySet[Assignment]:
    """
    The live assignments that decisions of this version made and nobody has touched since.

    Neither acknowledged nor contacted, in the same epoch, not in the waiting room anyway.
    """
    room = Organisation.get().intake_queue_id
    return (
        Assignment.objects.filter(
            ended_at__isnull=True,
            decision__batch__ruleset=ruleset,
            reason_code=Reason.ROUTED,
            lead__owner_epoch=F("epoch"),
            lead__acknowledged_at__isnull=True,
            lead__contacted_at__isnull=True,
            lead__state=Lead.State.NEW,
            lead__mode__in=[Mode.LIVE, Mode.BACKFILL],
        )
        .exclude(place=Lead.Place.CLOSED)
        .exclude(queue=room)
    )


def preview(ruleset: RuleSet, *, by: User, at: datetime, most: int = MOST) -> Previews:
    """
    Say what the live version would do now with each untouched lead of a bad one.

    Decided one after the other, newest last, from the counters as they would stand without
    these leads; nothing is stored.

    :raises RulesRefused: if the version is the live one, or nothing is live
    """
    organisation = _ready(ruleset)
    found = untouched(ruleset)
    seen = found.filter(lead__in=visible_leads(by))
    total = seen.count()
    rows = list(
        seen.select_related(
            "lead__prospect", "lead__source", "lead__account__parent", "rep__user", "queue"
        ).order_by("-started_at", "-pk")[:most]
    )
    shot = snapshot.current(at=at)
    leads = [row.lead for row in rows]
    known = gather.facts_of(leads, areas=shot.areas, organisation=organisation, at=at)
    rules = snapshot.live_rules(organisation.live_ruleset_id)
    called = {rule.id: rule.name for rule in rules.ruleset.rules}
    names, moment = Names.read(), int(at.timestamp())
    counters = present.without(present.counters(at=at), rows)
    told: dict[int, Preview] = {}
    for row in sorted(rows, key=lambda one: (-one.lead.priority, one.lead.received_at, one.pk)):
        facts = dict(known[row.lead_id])
        if row.rep_id is not None and facts.get("former_owner") == row.rep_id:
            # Whoever got it by mistake has no claim to it.
            facts.pop("former_owner")
        answer = engine.decide(rules, facts, shot.roster, counters, moment)
        engine.apply(counters, answer, shot.roster)
        told[row.pk] = Preview(
            lead=row.lead,
            assignment=row,
            would=golden.in_words(answer, called, names),
            moves=_elsewhere(row, answer),
        )
    return Previews([told[row.pk] for row in rows], total, found.count() - total)


def _elsewhere(row: Assignment, answer: engine.Decision) -> bool:
    places = {
        "assign": Lead.Place.OWNER,
        "queue": Lead.Place.QUEUE,
        "nurture": Lead.Place.NURTURE,
        "park": None,
    }
    return (row.place, row.rep_id, row.queue_id) != (
        places[answer.outcome],
        answer.rep,
        answer.queue,
    )


def reroute(
    *,
    ruleset: RuleSet,
    chosen: Sequence[tuple[int, int]],
    reason: str,
    by: User,
    at: datetime,
    driver: str = "web",
) -> Repaired:
    """
    Send the chosen leads, (id, epoch as seen), back to the waiting room, due at once.

    Leads that somebody touched meanwhile, or that this person may not see, are skipped and
    named. Done in steps, each a transaction; the result is on record with the version.

    :raises RulesRefused: without a reason, without leads, for too many, or if the version is live
    """
    organisation = _ready(ruleset)
    if not reason.strip():
        raise RulesRefused("Say why.")
    if not chosen:
        raise RulesRefused("Choose at least one lead.")
    if len(chosen) > MOST:
        raise RulesRefused(f"At most {MOST} leads at a time; the rest is listed afterwards.")
    epochs = dict(chosen)
    ids = sorted(epochs)
    done = Repaired()
    step = AT_ONCE[connection.vendor]
    for start in range(0, len(ids), step):
        some = {pk: epochs[pk] for pk in ids[start : start + step]}
        _step(done, ruleset, organisation, some, reason=reason, by=by, at=at, driver=driver)
    with transaction.atomic():
        row = RuleSet.objects.select_for_update(no_key=True).get(pk=ruleset.pk)
        trail.note(
            row,
            kind="repaired",
            by=by,
            at=at,
            reason_code=Reason.REPAIRED,
            reason=reason,
            data={"moved": done.moved, "skipped": [list(one) for one in done.skipped]},
        )
        done.event = (
            AuditEvent.objects.filter(subject="routing.ruleset", subject_id=row.pk, kind="repaired")
            .latest("pk")
            .pk
        )
    return done


@transaction.atomic
def _step(
    done: Repaired,
    ruleset: RuleSet,
    organisation: Organisation,
    epochs: dict[int, int],
    *,
    reason: str,
    by: User,
    at: datetime,
    driver: str,
) -> None:
    leads = ownership.lock_leads(sorted(epochs))
    visible = set(visible_leads(by).filter(pk__in=epochs).values_list("pk", flat=True))
    live = {row.lead_id: row for row in untouched(ruleset).filter(lead__in=epochs)}
    given = _given_before(live.values())
    moves = []
    for pk, epoch in epochs.items():
        lead = leads.get(pk)
        why = _why_not(lead, epoch, is_untouched=pk in live, is_visible=pk in visible)
        if why or lead is None:
            done.skipped.append((pk, why))
            continue
        moves.append(
            Move(
                lead_id=pk,
                epoch=epoch,
                place=Lead.Place.QUEUE,
                queue_id=organisation.intake_queue_id,
                reason_code=Reason.REPAIRED,
                reason=reason,
                data={"ruleset_id": ruleset.pk},
                also={
                    "route_at": at,
                    # Whoever got it by mistake is no former owner whom a rule may prefer.
                    "former_owner": lead.former_owner_id,
                    "assigned_at": given.get(pk) if lead.owner_id else lead.assigned_at,
                },
            )
        )
    if not moves:
        return
    taken_back = [live[move.lead_id] for move in moves]
    for row in sorted(taken_back, key=lambda one: one.pk, reverse=True):
        # The last one first, so that each member's last turn is again the one before.
        undo.give_charges_back(row, by=by, at=at, reason=reason)
    Assignment.objects.filter(pk__in=[row.pk for row in taken_back]).update(
        counts=False, undone_at=at
    )
    ownership.change_many(moves, by=by, at=at, driver=driver, leads=leads)
    done.moved += [move.lead_id for move in moves]
    doorbell.ring("route")


def _given_before(rows: Iterable[Assignment]) -> dict[int, datetime]:
    """When each lead had been given to a rep before: lead → moment."""
    epochs = {row.lead_id: row.epoch for row in rows}
    earlier = Assignment.objects.filter(
        lead__in=epochs, place=Lead.Place.OWNER, undone_at__isnull=True
    ).order_by("epoch")
    return {
        lead: started
        for lead, epoch, started in earlier.values_list("lead_id", "epoch", "started_at")
        if epoch < epochs[lead]
    }


def _why_not(lead: Lead | None, epoch: int, *, is_untouched: bool, is_visible: bool) -> str:
    if lead is None or not is_visible:
        return "It is not there, or not yours to see."
    if lead.owner_epoch != epoch:
        return "It has changed hands meanwhile."
    if lead.contacted_at is not None:
        return "The person has been contacted meanwhile."
    if lead.acknowledged_at is not None or lead.state != Lead.State.NEW:
        return "Somebody has begun to work on it."
    return "" if is_untouched else "This version did not place it."


def _ready(ruleset: RuleSet) -> Organisation:
    organisation = Organisation.get()
    if ruleset.state == RuleSet.State.DRAFT:
        raise RulesRefused("A draft has placed no leads.")
    if organisation.live_ruleset_id is None:
        raise RulesRefused("Nothing is live that could route the leads again.")
    if organisation.live_ruleset_id == ruleset.pk:
        raise RulesRefused(
            f"{ruleset} is live, so it would only do the same again. Roll back to an earlier "
            "version or publish a better one first."
        )
    return organisation
