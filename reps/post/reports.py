"""What providers report of a message after they have taken it: it arrived, or it never will."""

from datetime import datetime

from django.db import transaction

from reps.due import doorbell
from reps.models import Delivery, Message
from reps.post.deliver import MOST_ATTEMPTS

Outcome = Delivery.Outcome


def arrived(*, provider_id: str) -> bool:
    """Note that a message arrived; False if nothing was to be noted, as when told twice."""
    rows = Delivery.objects.filter(provider_id=provider_id, outcome=Outcome.TAKEN)
    return bool(rows.update(outcome=Outcome.CONFIRMED))


@transaction.atomic
def lost(*, provider_id: str, detail: str, at: datetime) -> bool:
    """
    Note that a message which was taken did not arrive, and send it on by the next channel.

    The attempt counts as refused for good, and the message is due again now, unless it is no
    longer wanted by then. False if nothing was to be noted: told twice, or after it arrived.
    """
    found = Delivery.objects.filter(provider_id=provider_id, outcome=Outcome.TAKEN).first()
    if found is None:
        return False
    message = Message.objects.select_for_update(no_key=True).get(pk=found.message_id)
    row = Delivery.objects.select_for_update(no_key=True).get(pk=found.pk)
    if row.outcome != Outcome.TAKEN:
        return False
    row.outcome, row.detail = Outcome.REFUSED, detail[:300]
    row.save(update_fields=["outcome", "detail"])
    message.delivered.pop(row.channel, None)
    # One attempt more, so that a sender who is at it now cannot write back what it read before;
    # and at least one left, so that there is a next one.
    message.attempts = min(message.attempts + 1, MOST_ATTEMPTS - 1)
    if message.state == Message.State.SENT:
        message.state, message.done_at, message.leased_until = Message.State.PENDING, None, None
        message.due_at = at
    message.last_error = f"{row.channel}: {detail}"[:300]
    message.save(
        update_fields=[
            "delivered",
            "attempts",
            "state",
            "done_at",
            "leased_until",
            "due_at",
            "last_error",
        ]
    )
    doorbell.ring("outbox")
    return True
