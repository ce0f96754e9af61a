"""Count what an act leaves behind, and hold history and audit trail against each other."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from reps.models import AuditEvent
from reps.trail.audit import broken, subject_of
from reps.trail.history import tracked_models


@dataclass
class Recorded:
    """The history rows (model label, row) and audit events that a block wrote."""

    rows: list[tuple[str, Any]] = field(default_factory=list)
    events: list[AuditEvent] = field(default_factory=list)


@contextmanager
def recorded():
    """
    Collect what the block records; afterwards rows and events must be one to one and agree
    in subject, author, time and reason, and no chain may be broken.
    """
    last = {model: model.history.order_by("-history_id").first() for model in tracked_models()}
    last_event = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    found = Recorded()
    yield found
    for model, row in last.items():
        new = model.history.filter(history_id__gt=row.history_id if row else 0)
        found.rows += [(subject_of(model), one) for one in new.order_by("history_id")]
    found.events = list(AuditEvent.objects.filter(pk__gt=last_event).order_by("pk"))
    answers = [event for event in found.events if event.writes_history]
    assert sorted(map(_of_row, found.rows), key=str) == sorted(map(_of_event, answers), key=str)
    assert list(broken()) == []


def _of_row(pair: tuple[str, Any]) -> tuple:
    subject, row = pair
    pk = getattr(row, row.instance_type._meta.pk.attname)
    reason = row.history_change_reason or "edited"
    return subject, pk, row.history_user_id, row.history_date, reason[:40]


def _of_event(event: AuditEvent) -> tuple:
    return event.subject, event.subject_id, event.actor_id, event.at, event.reason_code
