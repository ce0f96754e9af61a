"""
The due work "enrich": ask providers outside.

A question is claimed by moving its due time on, so that a process which dies costs half a minute;
it is asked outside of any transaction, several at once, each under its own time-out; and each
answer is written as soon as it is there. A lead that waits is pulled forward when nothing is left
to wait for. Should a provider hang, the router is woken at the lead's deadline, not when it ends.
"""

import logging
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from reps.due import doorbell, strikes
from reps.models.tracked import bulk_writer
from routing.enrich import breaker, call, invented, mapping, question
from routing.enrich.begin import state_of, values_of
from routing.enrich.call import Said
from routing.enrich.fields import OUTSIDE
from routing.enrich.waterfall import merged, read_all
from routing.models import (
    Enquiry,
    Enrichment,
    EnrichmentProvider,
    Lead,
    ProviderAnswer,
    ProviderBreaker,
)
from routing.scoring import rescore

log = logging.getLogger(__name__)

JOB = "enrich"
BATCH, ALONE = 16, 4
THREADS = 8
# The sweep does everything else too, so a provider that hangs holds it up for a moment only.
SWEEP_SECONDS = 2.0
# A claimed question comes again after this if nobody wrote what became of it.
LEASE = timedelta(seconds=30)
BACK_OFF = (timedelta(seconds=2), timedelta(seconds=15), timedelta(minutes=2))
LONGEST_BACK_OFF = timedelta(minutes=15)

State = Enquiry.State


@dataclass(frozen=True, slots=True)
class Asked:
    """A claimed question: ready to send, or what became of it without asking."""

    enquiry: Enquiry
    deadline_at: datetime | None
    built: question.Question | None = None
    said: Said | None = None
    demo_key: str = ""


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Ask one batch of due questions; return how many were dealt with."""
    began, at = time.monotonic(), at or due_before
    alone = driver == "sweep"

    def now() -> datetime:
        return at + timedelta(seconds=time.monotonic() - began)

    asked, free = _claim(ALONE if alone else BATCH, due_before, at=at)
    for lead in free:
        release(lead, at=now())
    for one, said in _answers(asked, alone=alone, now=now):
        # Its next turn is set already, so one that cannot be written comes again by itself.
        strikes.each(
            JOB, [one.enquiry.pk], lambda pk, one=one, said=said: settle(one, said, at=now()), at=at
        )
    # One round for the sweep, whatever else is waiting.
    return 0 if alone else len(asked) + len(free)


def oldest() -> datetime | None:
    """The due time of the question that has waited longest."""
    rows = Enquiry.objects.filter(due_at__isnull=False).exclude(pk__in=strikes.given_up(JOB))
    return rows.order_by("due_at").values_list("due_at", flat=True).first()


# --- Claim ----------------------------------------------------------------------------------


@transaction.atomic
def _claim(most: int, due_before: datetime, *, at: datetime) -> tuple[list[Asked], list[int]]:
    """
    Take due questions, as far as the breakers of their providers let them through; and name the
    leads of the others, which need not wait for them.

    Lock order: questions, then breakers by id; whoever writes an answer takes them apart.
    """
    rows = list(
        Enquiry.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("provider", "lead__prospect", "lead__enrichment")
        .filter(due_at__lte=due_before)
        .exclude(pk__in=strikes.given_up(JOB))
        .order_by("due_at", "pk")[:most]
    )
    breakers = _locked_breakers({row.provider_id for row in rows})
    found, turned_away = [], []
    for row in rows:
        stands = state_of(breakers[row.provider_id])
        after, admitted = breaker.admit(stands, at=at)
        if row.provider.is_active and not admitted:
            row.due_at, row.blocks = after.until, False
            turned_away.append(row)
            continue
        if after != stands:
            _store(breakers[row.provider_id], after, at=at)
        row.due_at, row.attempts = at + LEASE, row.attempts + 1
        found.append(row)
    Enquiry.objects.bulk_update(rows, ["due_at", "blocks", "attempts"])
    return [_prepared(row) for row in found], sorted({row.lead_id for row in turned_away})


def _locked_breakers(providers: Iterable[int]) -> dict[int, ProviderBreaker]:
    wanted = sorted(set(providers))
    if not wanted:
        return {}
    ProviderBreaker.objects.bulk_create(
        [ProviderBreaker(provider_id=pk) for pk in wanted], ignore_conflicts=True
    )
    rows = ProviderBreaker.objects.select_for_update(no_key=True).filter(pk__in=wanted)
    return {row.pk: row for row in rows.order_by("pk")}


def _store(row: ProviderBreaker, stands: breaker.Breaker, *, at: datetime) -> None:
    row.state, row.failures = stands.state, stands.failures
    row.opens, row.until, row.changed_at = stands.opens, stands.until, at
    row.save()


def _prepared(row: Enquiry) -> Asked:
    """What is sent, from what is known of the lead now."""
    lead, provider = row.lead, row.provider
    deadline_at = lead.enrichment.deadline_at if row.blocks else None
    if not provider.is_active or lead.prospect.erased_at is not None:
        why = Said("FAILED", error="It is asked no more." if not provider.is_active else "Erased.")
        return Asked(row, deadline_at, said=why)
    told = question.told(lead.prospect)
    if provider.kind == EnrichmentProvider.Kind.DEMO:
        return Asked(row, deadline_at, demo_key=told["domain"])
    try:
        built = question.build(provider, told)
    except question.NotAskable as missing:
        return Asked(row, deadline_at, said=Said("FAILED", error=str(missing), faulty=True))
    if built is None:
        return Asked(row, deadline_at, said=Said("EMPTY"))
    return Asked(row, deadline_at, built=built)


# --- Ask ------------------------------------------------------------------------------------


def _answers(asked: list[Asked], *, alone: bool, now) -> Iterable[tuple[Asked, Said]]:
    """Ask several at once, and give each answer as soon as it is there."""
    over_the_wire = []
    for one in asked:
        if one.said is not None:
            yield one, one.said
        elif one.demo_key:
            body = invented.answer(one.demo_key)
            yield one, Said("ANSWERED", body=body) if body else Said("EMPTY")
        else:
            over_the_wire.append(one)
    if not over_the_wire:
        return
    deadlines = sorted({one.deadline_at for one in over_the_wire if one.deadline_at})
    with ThreadPoolExecutor(min(THREADS, len(over_the_wire)), thread_name_prefix=JOB) as pool:
        pending: dict[Future[Said], Asked] = {
            pool.submit(_ask, one, alone=alone): one for one in over_the_wire
        }
        while pending:
            while deadlines and deadlines[0] <= now():
                # Its lead is due: whoever routes need not wait for us or for the next tick.
                deadlines.pop(0)
                doorbell.ring("route")
            left = (deadlines[0] - now()).total_seconds() if deadlines else None
            done, _ = wait(pending, timeout=left, return_when=FIRST_COMPLETED)
            for future in done:
                yield pending.pop(future), future.result()


def _ask(one: Asked, *, alone: bool) -> Said:
    assert one.built is not None
    seconds = one.enquiry.provider.timeout / 1000
    return call.call(
        one.built,
        seconds=min(seconds, SWEEP_SECONDS) if alone else seconds,
        inside=settings.ENRICHMENT_HOSTS_INSIDE,
    )


# --- Write ----------------------------------------------------------------------------------


def settle(one: Asked, said: Said, *, at: datetime) -> int:
    """Write what came of a question: the breaker first, for others wait to know."""
    if one.built is not None or one.demo_key or said.faulty:
        _note(one.enquiry.provider_id, said, at=at)
    _write(one, said, at=at)
    return 1


@transaction.atomic
def _note(provider: int, said: Said, *, at: datetime) -> None:
    if said.kind == "FAILED" and not said.faulty:
        return
    row = _locked_breakers([provider]).get(provider)
    if row is None:
        return
    stands = state_of(row)
    if said.faulty:
        after = breaker.failed(stands, at=at, retry_after=said.retry_after)
    else:
        after = breaker.succeeded(stands)
    if after != stands:
        _store(row, after, at=at)


@transaction.atomic
def _write(one: Asked, said: Said, *, at: datetime) -> None:
    """
    Keep the answer with its lead. Lock order: the lead, its enrichment, the question.
    """
    lead = (
        Lead.objects.select_for_update(no_key=True, of=("self",))
        .select_related("prospect", "source", "account__parent")
        .get(pk=one.enquiry.lead_id)
    )
    row = Enrichment.objects.select_for_update(no_key=True).get(pk=lead.pk)
    enquiry = (
        Enquiry.objects.select_for_update(no_key=True, of=("self",))
        .select_related("provider")
        .filter(pk=one.enquiry.pk, state=State.WAITING)
        .first()
    )
    if enquiry is None:
        return
    enquiry.ms = said.ms if one.built is not None else enquiry.ms
    enquiry.error = said.error[:200]
    enquiry.is_late = row.deadline_at is None or at >= row.deadline_at
    provider = enquiry.provider
    if said.kind == "FAILED" and said.again and enquiry.attempts <= provider.retries:
        _put_off(enquiry, said, row.deadline_at, at=at)
    else:
        enquiry.state, enquiry.due_at, enquiry.ended_at = State(said.kind), None, at
        if lead.prospect.erased_at is None and said.kind != "FAILED":
            _take(enquiry, said, one, lead, row, at=at)
    enquiry.save()
    if not Enquiry.objects.filter(lead=lead, state=State.WAITING, blocks=True).exists():
        _let_go(lead, row, at=at)


def _put_off(enquiry: Enquiry, said: Said, deadline_at: datetime | None, *, at: datetime) -> None:
    pause = BACK_OFF[min(enquiry.attempts, len(BACK_OFF)) - 1]
    if said.retry_after is not None:
        pause = min(max(said.retry_after, timedelta(seconds=1)), LONGEST_BACK_OFF)
    enquiry.due_at = at + pause
    # What comes after the deadline is not waited for.
    enquiry.blocks = enquiry.blocks and deadline_at is not None and enquiry.due_at < deadline_at


def _take(
    enquiry: Enquiry, said: Said, one: Asked, lead: Lead, row: Enrichment, *, at: datetime
) -> None:
    provider = enquiry.provider
    mapped = mapping.apply(provider.mapping, said.body, OUTSIDE)
    enquiry.error = "; ".join(mapped.problems)[:200]
    if not mapped.values:
        enquiry.state = State.EMPTY
    until = at + timedelta(days=provider.ttl_days)
    _keep_answer(one, lead, provider, mapped, at=at, until=until)
    found = values_of(
        provider, mapped.values, mapped.confidence, prospect=lead.prospect, at=at, until=until
    )
    if not found:
        return
    row.values = [value.as_json() for value in merged(read_all(row.values), found)]
    was_routed = lead.route_at is None or lead.waiting != Lead.Waiting.NONE
    if was_routed or enquiry.is_late:
        row.recheck_at = at
        doorbell.ring("late_data")
    row.save(update_fields=["values", "recheck_at"])
    rescore.one(lead, at=at, reason_code="enriched")


def _keep_answer(
    one: Asked,
    lead: Lead,
    provider: EnrichmentProvider,
    mapped: mapping.Mapped,
    *,
    at: datetime,
    until: datetime,
) -> None:
    if one.built is not None:
        key, is_personal = one.built.key, one.built.is_personal
    else:
        key, is_personal = question.key_of(provider, one.demo_key, None), False
    if not one.built and not one.demo_key:
        return
    ProviderAnswer.objects.update_or_create(
        provider=provider,
        key=key,
        defaults={
            # An answer about a company may still name people; what is kept is of the company.
            "prospect": lead.prospect if is_personal else None,
            "values": dict(mapped.values),
            "confidence": mapped.confidence,
            "fetched_at": at,
            "expires_at": until,
        },
    )


def _let_go(lead: Lead, row: Enrichment, *, at: datetime) -> None:
    """Route a lead now that waits for nothing any more; one that is due already stays so."""
    if row.settled_at is None:
        Enrichment.objects.filter(pk=lead.pk).update(settled_at=at)
    if row.deadline_at is None or at >= row.deadline_at:
        return
    with bulk_writer("enrich"):
        # Only the wake-up time moves, which history leaves out.
        moved = Lead.objects.filter(pk=lead.pk, route_at=row.deadline_at).update(route_at=at)
    if moved:
        doorbell.ring("route")


def release(lead_id: int, *, at: datetime) -> None:
    """Let a lead go now if it waits for no question any more."""
    if Enquiry.objects.filter(lead=lead_id, state=State.WAITING, blocks=True).exists():
        return
    row = Enrichment.objects.filter(pk=lead_id).first()
    if row is None or row.deadline_at is None or at >= row.deadline_at:
        return
    with bulk_writer("enrich"):
        # Only the wake-up time moves, which history leaves out.
        Lead.objects.filter(pk=lead_id, route_at=F("enrichment__deadline_at")).update(route_at=at)
    doorbell.ring("route")
