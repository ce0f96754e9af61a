"""Deliver what is in the outbox: claim under a lease, send without a transaction, note."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from reps.due.clock import database_now
from reps.models import Message
from reps.post import channels, kinds

log = logging.getLogger(__name__)

BATCH = 20
LEASE = timedelta(seconds=60)
# 5 s, 10 s, 20 s … up to an hour; with 12 attempts about three hours in all, then DEAD:
# visible in the outbox page and replayable there.
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(hours=1)
MOST_ATTEMPTS = 12


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Deliver one batch of due messages, urgent ones first; return how many were handled."""
    claimed = _claim(due_before=due_before)
    for message in claimed:
        _deliver(message, driver=driver)
    return len(claimed)


def oldest() -> datetime | None:
    """The due time of the oldest message still waiting."""
    return (
        Message.objects.filter(state=Message.State.PENDING)
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )


@transaction.atomic
def _claim(*, due_before: datetime) -> list[Message]:
    now = database_now()
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    rows = list(
        Message.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(free, state=Message.State.PENDING, due_at__lte=due_before)
        .order_by("-urgent", "due_at", "pk")[:BATCH]
    )
    # The attempt counts from here: a process that dies while sending has had its attempt,
    # so that a message which kills its sender cannot do so for ever.
    for row in rows:
        row.attempts += 1
        row.leased_until = now + LEASE
    Message.objects.bulk_update(rows, ["attempts", "leased_until"])
    return rows


def _deliver(message: Message, *, driver: str) -> None:
    message.driver = driver
    try:
        kind = kinds.get(message.kind)
        if not kind.still_wanted(message):
            return _end(message, Message.State.DROPPED)
        text = kind.render(message)
    except Exception as error:
        log.exception("Message %s could not be written", message.pk)
        return _retry(message, error)
    failure: Exception | None = None
    for channel in channels.wanted_by(message.recipient):
        if channel.name in message.delivered:
            continue
        try:
            channel.send(text, to=message.recipient, key=message.key)
        except Exception as error:
            log.warning("Message %s did not leave by %s: %s", message.pk, channel.name, error)
            failure = error
        else:
            message.delivered[channel.name] = database_now().isoformat()
            Message.objects.filter(pk=message.pk).update(delivered=message.delivered)
    if failure is not None:
        return _retry(message, failure)
    return _end(message, Message.State.SENT)


def _retry(message: Message, error: Exception) -> None:
    message.last_error = f"{type(error).__name__}: {error}"[:300]
    if message.attempts >= MOST_ATTEMPTS:
        return _end(message, Message.State.DEAD)
    wait = min(FIRST_RETRY * 2 ** (message.attempts - 1), LONGEST_RETRY)
    message.due_at = database_now() + wait
    message.leased_until = None
    message.save(update_fields=["last_error", "due_at", "leased_until", "driver", "delivered"])
    return None


def _end(message: Message, state: str) -> None:
    message.state = state
    message.done_at = database_now()
    message.leased_until = None
    message.save(
        update_fields=["state", "done_at", "leased_until", "driver", "delivered", "last_error"]
    )


def replay(*, message: Message, at: datetime) -> None:
    """Give a message that was given up another round of attempts."""
    Message.objects.filter(pk=message.pk, state=Message.State.DEAD).update(
        state=Message.State.PENDING, attempts=0, due_at=at, leased_until=None, done_at=None
    )
