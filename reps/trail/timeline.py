"""
The time line of one row, e.g. a lead: everything every app knows about it, in order.

Apps register a source; reps tells of the audit trail and of messages. Each source costs the
same number of statements however much there is to tell.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from django.db.models import Model
from django.utils.translation import gettext as _

from reps.models import AuditEvent, Message
from reps.trail import audit


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One thing that happened. `kind` is the name of its source; `state` colours the mark
    ("ok", "risk", "breach" or nothing); `changes` are (field, from, to).
    """

    at: datetime
    kind: str
    title: str
    detail: str = ""
    actor: str = ""
    icon: str = "dots"
    state: str = ""
    changes: tuple[tuple[str, str, str], ...] = ()


Source: TypeAlias = Callable[[Model], Iterable[Entry]]
_sources: dict[str, tuple[int, Source]] = {}


def register(name: str, source: Source, *, place: int) -> None:
    """
    Add a source; apps do this when they are ready. What one transaction wrote has one
    instant: there `place` puts causes before their effects, lower ones first.
    """
    _sources[name] = (place, source)


def kinds() -> list[str]:
    """The names of the sources, causes before effects."""
    return sorted(_sources, key=lambda name: _sources[name][0])


def of(row: Model, *, only: Collection[str] | None = None) -> list[Entry]:
    """Return what happened to a row, oldest first, from all sources or only the named ones."""
    found = [
        (entry.at, place, entry)
        for name, (place, source) in _sources.items()
        if only is None or name in only
        for entry in source(row)
    ]
    # Stable: within a source, what was told first stays first.
    return [entry for *_order, entry in sorted(found, key=lambda one: one[:2])]


def audit_events(row: Model) -> Iterable[Entry]:
    """The row's chain in the audit trail."""
    events = AuditEvent.objects.filter(
        subject=audit.subject_of(type(row)), subject_id=row.pk
    ).order_by("seq")
    for event in events:
        code = event.reason_code.replace("_", " ").lower()
        yield Entry(
            at=event.at,
            kind="audit",
            title=_("On record: %(kind)s") % {"kind": event.kind.replace("_", " ")},
            detail=" · ".join(
                part
                for part in (
                    code if code != event.kind else "",
                    event.reason,
                    _("event %(n)s, %(hash)s") % {"n": event.seq, "hash": event.hash[:12]},
                )
                if part
            ),
            actor=event.actor_label,
            icon="lock",
        )


MARKS = {
    Message.State.SENT: "ok",
    Message.State.DEAD: "breach",
    Message.State.PENDING: "risk",
    Message.State.DROPPED: "",
    Message.State.DIGESTED: "ok",
}


def messages(row: Model) -> Iterable[Entry]:
    """What was said about the row, to whom, and whether it arrived."""
    about = f"{row._meta.label_lower}:{row.pk}"
    rows = Message.objects.filter(about=about).select_related("recipient")
    for message in rows.order_by("created_at", "pk"):
        channels = ", ".join(sorted(message.delivered))
        yield Entry(
            at=message.created_at,
            kind="messages",
            title=_("Message to %(who)s: %(kind)s")
            % {"who": message.recipient.label, "kind": message.kind.replace("_", " ")},
            detail=" · ".join(
                part
                for part in (
                    str(message.get_state_display()),
                    _("by %(channels)s") % {"channels": channels} if channels else "",
                    message.last_error,
                )
                if part
            ),
            icon="mail",
            state=MARKS[message.state],
        )


register("messages", messages, place=80)
register("audit", audit_events, place=100)
