"""What must be true of history, audit, outbox and loops."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Max, Q

from reps.due import heartbeats, holds
from reps.models import AuditEvent, Message
from reps.trail import anchors, audit, compare
from reps.trail.history import tracked_fields, tracked_models
from reps.verify import Pace, invariant

STUCK_MESSAGE = timedelta(seconds=120)
LONGEST_TRANSACTION = timedelta(seconds=10)
# Of the database's log, what the auditor compares each time; some rounds may be missed.
LATELY = timedelta(minutes=30)


@invariant("I13", "no message is stuck in the outbox", Pace.QUICK)
def outbox_moves(at: datetime) -> Iterator[str]:
    if holds.excuses(at, patience=STUCK_MESSAGE):
        return
    stuck = Message.objects.filter(
        Q(leased_until__isnull=True) | Q(leased_until__lt=at),
        state=Message.State.PENDING,
        due_at__lt=at - STUCK_MESSAGE,
    )
    for pk in stuck.values_list("pk", flat=True):
        yield f"message {pk} should have left"


@invariant("I14", "no effect is queued twice")
def nothing_twice(at: datetime) -> Iterator[str]:
    twice = Message.objects.values("key").annotate(n=Count("pk")).filter(n__gt=1)
    for row in twice:
        yield f"message {row['key']} is there {row['n']} times"


@invariant("I15", "no loop is silent", Pace.QUICK)
def loops_speak(at: datetime) -> Iterator[str]:
    for sign in heartbeats.broken_off(heartbeats.signs(at)):
        yield f"{sign.name} has been silent for {sign.silent} s"


@invariant("I17", "no transaction is left open", Pace.QUICK)
def transactions_end(at: datetime) -> Iterator[str]:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND state LIKE 'idle in transaction%%' AND clock_timestamp() - state_change > %s",
            [LONGEST_TRANSACTION],
        )
        for (pid,) in cursor.fetchall():
            yield f"process {pid} holds a transaction open"


@invariant("H1", "the newest history row of every tracked row equals the row")
def history_is_true(at: datetime) -> Iterator[str]:
    for model in tracked_models():
        history, pk = model.history.model, model._meta.pk.attname
        names = [field.attname for field in tracked_fields(model)]
        newest = history.objects.values(pk).annotate(newest=Max("history_id")).values_list("newest")
        told = {
            getattr(row, pk): tuple(getattr(row, name) for name in names)
            for row in history.objects.filter(history_id__in=newest).exclude(history_type="-")
        }
        label = model._meta.label_lower
        for row in model.objects.all().iterator(chunk_size=2000):
            stands = tuple(getattr(row, name) for name in names)
            if told.pop(row.pk, None) != stands:
                yield f"{label} {row.pk} differs from its history"
        for gone in told:
            yield f"{label} {gone} is gone without a history row that says so"


@invariant("H2", "every history row has exactly one audit event, with the same author and time")
def history_is_answered(at: datetime) -> Iterator[str]:
    for model in tracked_models():
        pk = model._meta.pk.attname
        label = model._meta.label_lower
        told = _acts(
            model.history.model.objects.order_by("history_id").values_list(
                pk, "history_date", "history_user_id"
            )
        )
        answered = _acts(
            AuditEvent.objects.filter(subject=label, writes_history=True)
            .order_by("chain", "seq")
            .values_list("subject_id", "at", "actor_id")
        )
        for row in sorted(told.keys() | answered.keys()):
            if told.get(row) != answered.get(row):
                yield f"{label} {row}: history and audit trail disagree"


def _acts(rows) -> dict[int, list[tuple[datetime, int | None]]]:
    found: dict[int, list[tuple[datetime, int | None]]] = {}
    for pk, when, who in rows:
        found.setdefault(pk, []).append((when, who))
    return found


@invariant("A1", "the audit trail is unbroken")
def trail_is_whole(at: datetime) -> Iterator[str]:
    for fault in audit.broken():
        yield f"{fault.chain} event {fault.seq} {fault.what}"


@invariant("A2", "every audit event names its actor and its reason")
def trail_is_signed(at: datetime) -> Iterator[str]:
    unsigned = AuditEvent.objects.filter(Q(actor_label="") | Q(reason_code=""))
    for chain, seq in unsigned.values_list("chain", "seq"):
        yield f"{chain} event {seq} has no actor or no reason"


@invariant("A3", "every day of the trail is as it was sealed")
def days_are_sealed(at: datetime) -> Iterator[str]:
    yield from anchors.broken()


@invariant("L2", "what changed lately stands in the log as in the history", Pace.QUICK)
def log_is_history_lately(at: datetime) -> Iterator[str]:
    yield from compare.faults(since=at - LATELY)


@invariant("L1", "the database's own log and the history tell the same")
def log_is_history(at: datetime) -> Iterator[str]:
    yield from compare.faults()
