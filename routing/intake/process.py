"""Turn received submissions into leads and touches, many at a time."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from accounts.matching import Match
from accounts.models import Account
from accounts.services.matching import match_many
from reps import trail
from reps.due import doorbell
from reps.models.bulk import insert_many, update_many
from reps.models.tracked import bulk_writer
from routing import signals
from routing.dedupe import again as came_again
from routing.enrich.begin import Begun, begin
from routing.intake import attempts, score
from routing.intake.company import company_of
from routing.intake.decode import Undecodable, decode
from routing.intake.identify import prospects_of
from routing.intake.normalise import Normalised, Refused, normalise
from routing.intake.owners import hand_over
from routing.models import DuplicatePolicy, Lead, Organisation, Prospect, Submission, Touch
from routing.models.source import Mode
from routing.privacy.marks import masked
from routing.privacy.registry import marks_of
from routing.qualify import facts, interest
from routing.reviews import arrivals

log = logging.getLogger(__name__)

BATCH = 100


@dataclass(slots=True)
class Item:
    """One submission on its way through intake."""

    submission: Submission
    person: Normalised
    prospect: Prospect | None = None
    match: Match | None = None
    lead: Lead | None = None
    is_new: bool = False
    hand_raise: bool = False
    signals: list[interest.Signal] = field(default_factory=list)

    @property
    def message(self) -> str:
        return self.person.text("message")


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """
    Process one batch of due submissions; return how many were handled.

    If a batch fails, or took its process with it, its submissions are tried one by one, so that
    a broken one stops no other; after five attempts it waits in quarantine for a person.
    """
    if not Organisation.objects.exists():
        return 0
    at = at or due_before
    if attempts.has_suspects(due_before):
        return _one_by_one(due_before=due_before, at=at)
    head = attempts.count_head(due_before, since=oldest(), at=at)
    try:
        return _process_batch(due_before=due_before, at=at)
    except (OperationalError, InterfaceError):
        # The database's trouble is no submission's fault.
        attempts.take_back(head)
        raise
    except Exception:
        log.exception("A batch of submissions failed; trying them one by one")
        attempts.take_back(head)
        return _one_by_one(due_before=due_before, at=at)


def oldest() -> datetime | None:
    """Since when the oldest submission has waited to be processed."""
    return (
        Submission.objects.filter(state=Submission.State.RECEIVED)
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )


@transaction.atomic
def _process_batch(
    *, due_before: datetime, at: datetime | None = None, only: int | None = None
) -> int:
    rows = attempts.due(due_before)
    submissions = list(rows.filter(pk=only) if only else rows[:BATCH])
    if submissions:
        process(submissions, at=at or due_before)
    return len(submissions)


def _one_by_one(*, due_before: datetime, at: datetime) -> int:
    """
    Process due submissions one by one. If every one of several fails it is none of them: then
    nothing is held against them, and the driver hears of it.
    """
    with transaction.atomic():
        ids = list(attempts.due(due_before).values_list("pk", flat=True)[:BATCH])
    failed: dict[int, Exception] = {}
    for pk in ids:
        if not attempts.count(pk, at=at):
            continue
        try:
            _process_batch(due_before=due_before, at=at, only=pk)
        except (OperationalError, InterfaceError):
            attempts.take_back(pk)
            raise
        except Exception as error:
            log.exception("Submission %s failed", pk)
            failed[pk] = error
    if len(failed) == len(ids) > 1:
        for pk in failed:
            attempts.take_back(pk)
        raise failed[ids[0]]
    for pk, error in failed.items():
        attempts.put_off(pk, type(error).__name__, at=at)
    return len(ids)


def process(submissions: Sequence[Submission], *, at: datetime) -> list[Item]:
    """
    Process locked submissions in the caller's transaction; statements are constant.

    Returns the items that became leads or touches; the others wait in quarantine.
    """
    organisation = Organisation.get()
    items = _readable(submissions, at=at)
    if items:
        policy = DuplicatePolicy.get()
        prospects = prospects_of([item.person for item in items], at=at, rules=policy.rules)
        for item, prospect in zip(items, prospects, strict=True):
            item.prospect = prospect
            item.hand_raise = _is_hand_raise(item)
        _match(items)
        noted = came_again.come_back(items, policy=policy, at=at)
        _leads(
            [item for item in items if item not in noted],
            organisation=organisation,
            policy=policy,
            at=at,
        )
        _touch(noted)
        _finish(items, at=at)
        _hand_over(items, at=at)
    return items


def _hand_over(items: Sequence[Item], *, at: datetime) -> None:
    """An import may bring history with its owners; nobody else can name one."""
    given = [
        (item.lead, item.submission.context["owner"])
        for item in items
        if item.is_new
        and item.submission.mode == Mode.BACKFILL
        and item.submission.context.get("owner")
    ]
    if given:
        hand_over(given, at=at)


def read(submission: Submission) -> Normalised:
    """
    Return a submission in normal form, a person's correction before the raw body.

    :raises Undecodable: if the body cannot be read
    :raises Refused: if fields cannot be used
    """
    if submission.corrected:
        fields = decode(submission.corrected.encode(), "application/json")
    else:
        fields = decode(bytes(submission.raw), submission.content_type)
    given = submission.context.get("fields", {})
    return normalise(
        {**fields, **given},
        required=required_of(submission),
        external_id=submission.context.get("person_key", ""),
        received_at=submission.received_at,
    )


def required_of(submission: Submission) -> tuple[str, ...]:
    """The questions that the form of a submission insists on."""
    if submission.form is None:
        return ()
    return tuple(q["name"] for q in submission.form.fields if q.get("required"))


def _readable(submissions: Sequence[Submission], *, at: datetime) -> list[Item]:
    items, broken = [], []
    for submission in submissions:
        try:
            if submission.context.get("looks_like_spam") and not submission.corrected:
                raise Undecodable("spam", "Looks like spam: a field that people cannot see is set.")
            items.append(Item(submission, read(submission)))
        except Undecodable as error:
            broken.append((submission, [error.problem]))
        except Refused as error:
            broken.append((submission, error.problems))
    for submission, problems in broken:
        submission.state, submission.due_at = Submission.State.QUARANTINED, None
        submission.errors = [problem.as_json() for problem in problems]
    Submission.objects.bulk_update(
        [submission for submission, _ in broken], ["state", "due_at", "errors"]
    )
    return items


def _is_hand_raise(item: Item) -> bool:
    if item.person.hand_raise is not None:
        return item.person.hand_raise
    return item.submission.source.is_hand_raise


def _match(items: Sequence[Item]) -> None:
    identities = [company_of(item.prospect) for item in items]
    for item, found in zip(items, match_many(identities), strict=True):
        item.match = found
    arrivals.heed(items)


def _leads(
    items: Sequence[Item], *, organisation: Organisation, policy: DuplicatePolicy, at: datetime
) -> None:
    """Give each item its open lead, an existing one or a new one, and count it in."""
    if not items:
        return
    present = {
        (lead.prospect_id, lead.mode): lead
        for lead in Lead.objects.select_for_update(no_key=True, of=("self",))
        .select_related("source", "account__parent", "queue")
        .filter(prospect__in={item.prospect.pk for item in items})
        .open()
        .order_by("pk")
    }
    accounts, terms = _accounts(items), facts.Terms.of(organisation)
    new: dict[tuple[int, str], Item] = {}
    again: dict[int, Lead] = {}
    before: dict[int, tuple[Any, ...]] = {}
    for item in items:
        place = (item.prospect.pk, item.submission.mode)
        if place in new:
            item.lead = new[place].lead
        elif place in present:
            item.lead = again.setdefault(present[place].pk, present[place])
            before.setdefault(item.lead.pk, score.standing(item.lead))
        else:
            item.lead, item.is_new = _new_lead(item, organisation, accounts), True
            new[place] = item
        item.lead.is_hand_raise = item.lead.is_hand_raise or item.hand_raise
    stored = interest.signals_of({item.prospect.pk for item in items}, at=at)
    _add_signals(items, stored)
    enriched = begin(items, organisation=organisation, at=at)
    score.put_on(
        items,
        again,
        signals=stored,
        organisation=organisation,
        terms=terms,
        enriched=enriched,
        at=at,
    )
    _create([item.lead for item in new.values()], enriched=enriched, at=at)
    enriched.keep(at=at)
    arrivals.open_reviews(list(new.values()), at=at)
    _touch(items)
    score.write([lead for lead in again.values() if before[lead.pk] != score.standing(lead)], at=at)
    _decide_again([lead for lead in again.values() if lead.mode == Mode.SHADOW], at=at)
    came_again.announce(items, before, policy=policy, at=at)


def _new_lead(item: Item, organisation: Organisation, accounts: dict[int, Account]) -> Lead:
    submission, source, person = item.submission, item.submission.source, item.person
    context = submission.context
    sure = item.match.verdict == "match"
    # These go on record for good, so nobody's name or address may be among them.
    whose = marks_of(item.prospect)
    return Lead(
        prospect=item.prospect,
        source=source,
        mode=submission.mode,
        place=Lead.Place.QUEUE,
        queue=organisation.intake_queue,
        responsible_id=organisation.intake_queue.responsible_id,
        received_at=(submission.occurred_at if submission.mode == Mode.BACKFILL else None)
        or submission.received_at,
        account=accounts.get(item.match.account_id) if sure else None,
        match_confidence=item.match.confidence,
        match_evidence=[
            {"kind": row.get("kind"), "account_id": row.get("account_id")}
            for row in item.match.evidence
        ],
        channel=context.get("channel") or source.channel,
        motion=context.get("motion") or source.motion,
        campaign=masked(person.text("campaign") or context.get("campaign", ""), whose),
        product_interest=masked(person.text("product_interest"), whose),
        budget_range=masked(person.text("budget_range"), whose),
        timeline=masked(person.text("timeline"), whose),
        expected_value=person.expected_value,
        employees=person.employees,
        industry=masked(person.text("industry"), whose),
    )


def _accounts(items: Sequence[Item]) -> dict[int, Account]:
    ids = {item.match.account_id for item in items if item.match.verdict == "match"}
    rows = Account.objects.select_related("parent").filter(pk__in=ids) if ids else ()
    return {row.pk: row for row in rows}


def _add_signals(items: Sequence[Item], stored: dict[int, list[interest.Signal]]) -> None:
    """
    Note on each item which of its events are new, and add them to what is stored.

    A site may send what somebody did along with every form: the same event at the same
    moment is one.
    """
    for item in items:
        known = stored.setdefault(item.prospect.pk, [])
        before = set(known)
        handed_in = item.submission.occurred_at or item.submission.received_at
        given = [(event.name, event.at or handed_in) for event in item.person.events]
        item.signals = [signal for signal in dict.fromkeys(given) if signal not in before]
        known += item.signals


def _create(leads: Sequence[Lead], *, enriched: Begun, at: datetime) -> None:
    if not leads:
        return
    for lead in leads:
        lead.route_at = enriched.route_at(lead, at=at)
    with bulk_writer("intake"):
        insert_many(leads)
    trail.record(
        Lead,
        [
            trail.Change(
                id=lead.pk,
                kind="received",
                reason_code="received",
                data={
                    "source_id": lead.source_id,
                    "mode": lead.mode,
                    "place": lead.place,
                    "queue_id": lead.queue_id,
                    "score": lead.score,
                    "account_id": lead.account_id,
                },
            )
            for lead in leads
        ],
        by=None,
        at=at,
        created=True,
    )
    signals.leads_received.send(sender=Lead, leads=list(leads), at=at)
    doorbell.ring("route")


def _touch(items: Sequence[Item]) -> None:
    insert_many(
        [
            Touch(
                lead=item.lead,
                prospect=item.prospect,
                source=item.submission.source,
                kind=Touch.Kind.SIGNAL,
                at=when,
                name=name,
            )
            for item in items
            for name, when in item.signals
        ]
    )
    insert_many(
        [
            Touch(
                lead=item.lead,
                prospect=item.prospect,
                source=item.submission.source,
                submission=item.submission,
                kind=Touch.Kind.SUBMITTED,
                at=item.submission.occurred_at or item.submission.received_at,
                by=item.submission.submitted_by,
                is_hand_raise=item.hand_raise,
                text=item.person.text("message"),
                answers=dict(item.person.answers),
                page_url=item.person.text("page_url") or item.submission.context.get("page", ""),
            )
            for item in items
        ]
    )


def _decide_again(shadows: Sequence[Lead], *, at: datetime) -> None:
    """What a shadow is for is its decision, so each time it comes it is decided anew."""
    if not shadows:
        return
    with bulk_writer("intake"):
        # Only the wake-up time moves, which history leaves out.
        Lead.objects.filter(pk__in=[lead.pk for lead in shadows]).update(route_at=at)
    doorbell.ring("route")


def _finish(items: Sequence[Item], *, at: datetime) -> None:
    update_many(
        Submission,
        [
            {
                "pk": item.submission.pk,
                "state": Submission.State.PROCESSED,
                "due_at": None,
                "errors": [],
                "lead": item.lead.pk,
                "processed_at": at,
            }
            for item in items
        ],
    )
