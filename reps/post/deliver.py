"""Deliver what is in the outbox: claim under a lease, send without a transaction, note."""

import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Q, QuerySet, prefetch_related_objects
from django.utils import timezone

from reps import trail
from reps.due import doorbell
from reps.due.clock import database_now
from reps.models import Delivery, Message, User
from reps.post import attempts, digest, fanout, kinds, quiet, ways
from reps.post.rests import Rests

log = logging.getLogger(__name__)

BATCH = 20
# Longer than any one hand-over takes; it is renewed after each.
LEASE = timedelta(seconds=60)
# 5 s, 10 s, 20 s … up to an hour; with 12 attempts about three hours in all, then DEAD:
# visible in the outbox page and replayable there.
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(hours=1)
MOST_ATTEMPTS = 12
# The kind of message that leaves although effects are held (`reps.post.alarming`).
ALARM = "alarm"

State, Waits = Message.State, Message.Waits


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Deliver one batch of due messages, urgent ones first; return how many were handled."""
    collected = digest.collect(due_before=due_before, at=database_now())
    claimed = _claim(due_before=due_before, but=collected.of_a_storm)
    rests = Rests()
    for message in claimed:
        _deliver(message, driver=driver, rests=rests)
    return collected.handled + len(claimed)


def drain_alarms(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """While effects are held, deliver only what calls somebody who can release them."""
    claimed = _claim(due_before=due_before, but=~Q(kind=ALARM))
    rests = Rests()
    for message in claimed:
        _deliver(message, driver=driver, rests=rests)
    return len(claimed)


def oldest() -> datetime | None:
    """The due time of the oldest message still waiting."""
    return (
        Message.objects.filter(state=State.PENDING)
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )


@transaction.atomic
def _claim(*, due_before: datetime, but: Q | None = None) -> list[Message]:
    now = database_now()
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    due = Message.objects.filter(free, state=State.PENDING, due_at__lte=due_before)
    rows = list(
        (due if but is None else due.exclude(but))
        .select_for_update(skip_locked=True, no_key=True)
        .order_by("-urgent", "due_at", "pk")[:BATCH]
    )
    for row in rows:
        row.leased_until = now + LEASE
    Message.objects.filter(pk__in=[row.pk for row in rows]).update(leased_until=now + LEASE)
    prefetch_related_objects(
        rows,
        "recipient__channel_choices",
        "recipient__notification_preference",
        "recipient__push_subscriptions",
    )
    return rows


def _deliver(message: Message, *, driver: str, rests: Rests) -> None:
    if not _begin(message):
        return None
    message.driver = driver
    try:
        kind = kinds.get(message.kind)
        if not kind.still_wanted(message):
            return _end(message, State.DROPPED)
        until = None if kind.only else quiet.waits_until(message, at=database_now())
        if until is not None:
            return _wait(message, until, Waits.QUIET)
        with timezone.override(ZoneInfo(message.recipient.time_zone)):
            text = kind.render(message)
        wanted = ways.of(message.recipient, urgent=message.urgent, only=kind.only)
    except Exception as error:
        log.exception("Message %s could not be written", message.pk)
        return _retry(message, attempts.in_words(error))
    sending = attempts.Sending(message, text, not kind.secret, driver, database_now)
    return _settle(message, fanout.tell(wanted, sending, rests=rests, note=_note))


def _begin(message: Message) -> bool:
    """
    Count the attempt and renew the lease; False if the lease passed and another has it now.

    The attempt counts from here: a process that dies while sending has had it, so that a
    message which kills its sender cannot do so for ever, and those claimed with it lose none.
    """
    if message.attempts >= MOST_ATTEMPTS:
        message.last_error = message.last_error or "Its sender died while sending it."
        _end(message, State.DEAD)
        return False
    leased_until = database_now() + LEASE
    mine = Message.objects.filter(
        pk=message.pk,
        state=State.PENDING,
        attempts=message.attempts,
        leased_until=message.leased_until,
    )
    if not mine.update(attempts=F("attempts") + 1, leased_until=leased_until):
        return False
    message.attempts += 1
    message.leased_until = leased_until
    return True


def _note(row: Delivery) -> bool:
    """Remember an attempt at once, renew the lease, and say whether it is still ours."""
    message = row.message
    message.leased_until = row.at + timedelta(seconds=row.seconds) + LEASE
    with transaction.atomic():
        row.save()
        if row.outcome == Delivery.Outcome.TAKEN:
            message.delivered[row.channel] = row.at.isoformat()
        return _update(message, "delivered", "leased_until")


def _settle(message: Message, told: fanout.Told) -> None:
    message.last_error = told.error or message.last_error
    if told.is_over:
        nobody = told.error and not message.delivered
        return _end(message, State.DEAD if nobody else State.SENT)
    if not told.has_tried and told.rests_until is not None:
        return _wait(message, told.rests_until, Waits.REST)
    return _retry(message, told.error, at_least=told.retry_after)


def _retry(message: Message, error: str, *, at_least: timedelta = timedelta(0)) -> None:
    message.last_error = error[:300]
    if message.attempts >= MOST_ATTEMPTS:
        # Given up is what nobody was told of; what one channel took has been said.
        return _end(message, State.SENT if message.delivered else State.DEAD)
    pause = min(FIRST_RETRY * 2 ** (message.attempts - 1), LONGEST_RETRY)
    message.due_at = database_now() + max(pause, at_least)
    message.waits_for, message.leased_until = Waits.RETRY, None
    _update(message, "last_error", "due_at", "waits_for", "leased_until", "driver")
    return None


def _wait(message: Message, until: datetime, why: str) -> None:
    """Put a message off without having tried to send it."""
    message.due_at, message.waits_for, message.leased_until = until, why, None
    Message.objects.filter(pk=message.pk, state=State.PENDING, attempts=message.attempts).update(
        due_at=until, waits_for=why, leased_until=None, attempts=F("attempts") - 1
    )


def _end(message: Message, state: str) -> None:
    message.state, message.done_at = state, database_now()
    message.waits_for, message.leased_until = "", None
    _update(message, "state", "done_at", "waits_for", "leased_until", "driver", "last_error")


def _update(message: Message, *names: str) -> bool:
    """Write columns, unless another sender has taken over meanwhile: each counts an attempt."""
    values = {name: getattr(message, name) for name in names}
    mine = Message.objects.filter(pk=message.pk, state=State.PENDING, attempts=message.attempts)
    return bool(mine.update(**values))


@transaction.atomic
def replay(rows: QuerySet[Message], *, by: User, at: datetime) -> int:
    """Give those of these messages that were given up another round; return how many."""
    dead = Message.objects.filter(pk__in=rows.values("pk"), state=State.DEAD)
    replayed = dead.update(
        state=State.PENDING, attempts=0, due_at=at, leased_until=None, done_at=None
    )
    if replayed:
        data = {"messages": replayed}
        who = User.objects.get(pk=by.pk)
        trail.note(who, kind="replayed", by=by, at=at, reason_code="by_hand", data=data)
        doorbell.ring("outbox")
    return replayed
