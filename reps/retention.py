"""
How long things are kept: what may be deleted by age, and deleting it in small batches.

Apps register each kind of thing. Without a `RetentionRule` row only what is safe is deleted
(`by_default`): what nobody would miss. Everything else is kept until RevOps says how long. Never
here: audit events, history, decisions, assignments and their anchors. They are the evidence, hold
no personal data, and a trail with holes proves nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reps import trail
from reps.due import routines
from reps.models import Alarm, Message, RetentionRule, Strike, User
from reps.trail import audit

AT_ONCE = 500
AGAIN_AFTER = 60
AT_NIGHT = timedelta(hours=2, minutes=30)


class RetentionRefused(Exception):
    """The rule stays as it is; the message says why."""


@dataclass(frozen=True, slots=True)
class Kept:
    """
    A kind of thing that may be deleted by age.

    `count(before)` says how many there are from before a moment; `delete(before, limit, at)`
    deletes up to `limit` of them, each with all that belongs to it, and says how many.
    `least_days` is what some promise needs, such as that a repeated delivery is recognised.
    """

    slug: str
    label: str | Promise
    explanation: str | Promise
    default_days: int
    least_days: int
    count: Callable[[datetime], int]
    delete: Callable[[datetime, int, datetime], int]
    by_default: bool = False
    # In one run of the routine; what is left over goes a minute later.
    in_one_run: int = 2000


@dataclass(frozen=True, slots=True)
class Rule:
    """How long a kind of thing is kept now: its row, or what goes without one."""

    kept: Kept
    days: int
    is_active: bool

    def before(self, at: datetime) -> datetime:
        return at - timedelta(days=self.days)


_kinds: dict[str, Kept] = {}


def register(kept: Kept) -> None:
    """Add a kind of thing; apps do this when they are ready."""
    _kinds[kept.slug] = kept


def rules() -> list[Rule]:
    """Every kind of thing with how long it is kept; one statement."""
    rows = {row.what: row for row in RetentionRule.objects.all()}
    return [_rule(kept, rows.get(slug)) for slug, kept in sorted(_kinds.items())]


def _rule(kept: Kept, row: RetentionRule | None) -> Rule:
    if row is None:
        return Rule(kept, kept.default_days, kept.by_default)
    # A row from before a promise grew longer is kept to the promise.
    return Rule(kept, max(row.days, kept.least_days), row.is_active)


@transaction.atomic
def set_rule(*, what: str, days: int, is_active: bool, by: User, at: datetime) -> RetentionRule:
    """
    Say how long something is kept, or that it is kept for good.

    :raises RetentionRefused: for an unknown thing, or fewer days than a promise needs
    """
    kept = _kinds.get(what)
    if kept is None:
        raise RetentionRefused(f"Nothing here is called {what!r}.")
    if days < kept.least_days:
        raise RetentionRefused(
            f"{kept.label}: keep them for {kept.least_days} days at least; promises rely on them."
        )
    row = RetentionRule.objects.select_for_update(no_key=True).filter(what=what).first()
    row = row or RetentionRule(what=what)
    if row.pk is None or (row.days, row.is_active) != (days, is_active):
        row.days, row.is_active = days, is_active
        trail.save(row, by=by, at=at, reason="retention set")
    return row


def due(*, at: datetime) -> dict[str, int]:
    """How many of each active kind would be deleted now; nothing is."""
    return {rule.kept.slug: rule.kept.count(rule.before(at)) for rule in rules() if rule.is_active}


def run(at: datetime) -> dict[str, Any]:
    """Delete what is due, as the nightly routine does; soon again if that was not all."""
    done, is_all = sweep(at=at, is_bounded=True)
    return done if is_all else {**done, routines.AGAIN_IN: AGAIN_AFTER}


def sweep(*, at: datetime, is_bounded: bool = False) -> tuple[dict[str, int], bool]:
    """
    Delete what is due, each batch in a transaction of its own; bounded, some of each kind only.

    Returns how many of each kind, and whether that was all.
    """
    done: dict[str, int] = {}
    is_all = True
    for rule in rules():
        if not rule.is_active:
            continue
        kept, so_far = rule.kept, 0
        while not is_bounded or so_far < kept.in_one_run:
            with transaction.atomic():
                number = kept.delete(rule.before(at), AT_ONCE, at)
            if not number:
                break
            so_far += number
        else:
            is_all = False
        if so_far:
            done[kept.slug] = so_far
    if done:
        _note(done, at=at)
    return done, is_all


def tonight(at: datetime) -> datetime:
    """The next time at which things are deleted by age."""
    today = datetime.combine(at.astimezone(UTC).date(), time(), UTC) + AT_NIGHT
    return today if at < today else today + timedelta(days=1)


@transaction.atomic
def _note(done: dict[str, int], *, at: datetime) -> None:
    audit.append(
        [
            audit.Entry(
                subject="reps.retention",
                subject_id=0,
                kind="deleted_by_age",
                at=at,
                by=None,
                reason_code="retention",
                data=done,
                writes_history=False,
            )
        ]
    )


# --- What people and messages leave behind --------------------------------------------------------


def _messages(before: datetime):
    done = [Message.State.SENT, Message.State.DROPPED, Message.State.DIGESTED]
    return Message.objects.filter(state__in=done, created_at__lt=before)


def _alarms(before: datetime):
    return Alarm.objects.filter(cleared_at__lt=before)


def _strikes(before: datetime):
    # What was given up waits for a person, however old it is.
    return Strike.objects.filter(given_up_at__isnull=True, last_at__lt=before)


def _sessions(before: datetime):
    return Session.objects.filter(expire_date__lt=before)


def of_rows(rows: Callable[[datetime], Any]) -> dict[str, Callable[..., int]]:
    """Count and delete for things that are rows and nothing more."""

    def delete(before: datetime, limit: int, at: datetime) -> int:
        found = rows(before)
        ids = list(found.order_by("pk").values_list("pk", flat=True)[:limit])
        found.model._base_manager.filter(pk__in=ids).delete()
        return len(ids)

    return {"count": lambda before: rows(before).count(), "delete": delete}


register(
    Kept(
        "messages",
        _("Messages that were sent"),
        _("Sent, no longer wanted, or told in a digest; with what was handed over of them."),
        default_days=180,
        least_days=30,
        **of_rows(_messages),
    )
)
register(
    Kept(
        "alarms",
        _("Alarms that are over"),
        _("Long right again; the trail does not need them."),
        default_days=90,
        least_days=7,
        by_default=True,
        **of_rows(_alarms),
    )
)
register(
    Kept(
        "strikes",
        _("Failures that passed"),
        _("Counted failures of work that went well later. What was given up stays."),
        default_days=30,
        least_days=7,
        by_default=True,
        **of_rows(_strikes),
    )
)
register(
    Kept(
        "sessions",
        _("Expired sign-ins"),
        _("Nobody can use them any more."),
        default_days=max(1, settings.SESSION_COOKIE_AGE // 86_400),
        least_days=1,
        by_default=True,
        **of_rows(_sessions),
    )
)
