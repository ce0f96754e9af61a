"""
Digests: when a storm breaks over a person, they are told once, of everything.

After an outage hundreds of messages may be due at once. More than a handful for one person
are collected into a single message, and for a minute after it further ones wait for the next.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error, transaction
from django.db.models import Count, Max, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from reps.models import Message, User
from reps.post import kinds, quiet
from reps.post.kinds import Text

log = logging.getLogger(__name__)

KIND = "digest"
# As many as a person reads one by one; more at once is a storm.
AT_ONCE = 5
# One digest per person in this time, however hard it pours.
APART = timedelta(seconds=60)
# What one digest says at most; the rest is told by the next, a minute later.
LONGEST = 500
# How many people are looked after in one round, so that the others' messages are not held up.
PEOPLE = 20

State, Waits = Message.State, Message.Waits


@dataclass(frozen=True, slots=True)
class Collected:
    """What a round did, and which messages nobody may send one by one: they are for a digest."""

    handled: int = 0
    of_a_storm: Q | None = None


def collect(*, due_before: datetime, at: datetime) -> Collected:
    """
    Collect what is due for people over whom a storm breaks.

    Urgent messages count apart: up to `AT_ONCE` of them leave one by one even in a storm of
    others. Nothing is collected for somebody in their quiet hours; it waits for their end.
    """
    due = _due(due_before, at)
    counts = due.order_by().values_list("recipient_id", "urgent").annotate(n=Count("pk"))
    waiting = {(who, urgent): number for who, urgent, number in counts}
    told = _told_lately({who for who, _urgent in waiting}, at=at)
    storms: dict[int, list[bool]] = {}
    for (who, urgent), number in sorted(waiting.items()):
        if number > AT_ONCE or (who in told and not urgent):
            storms.setdefault(who, []).append(urgent)
    handled, failed = 0, set()
    for who, urgencies in list(storms.items())[:PEOPLE]:
        theirs = due.filter(recipient_id=who, urgent__in=urgencies)
        try:
            handled += (
                theirs.update(due_at=told[who] + APART, waits_for=Waits.DIGEST)
                if who in told
                else _collect(theirs, who=who, at=at)
            )
        except Error:
            raise
        except Exception:
            # One that cannot be judged must not stop the rest: they go one by one.
            log.exception("No digest for user %s", who)
            failed.add(who)
    return Collected(handled, _either(storms, but=failed))


def _due(due_before: datetime, at: datetime) -> QuerySet[Message]:
    """What is due and may be told with others: nobody holds it, and no channel has it yet."""
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=at)
    return Message.objects.filter(
        free, state=State.PENDING, due_at__lte=due_before, attempts=0, kind__in=kinds.collectable()
    )


def _told_lately(people: Iterable[int], *, at: datetime) -> dict[int, datetime]:
    """Who had a digest within the last minute, and when."""
    if not people:
        return {}
    rows = Message.objects.filter(kind=KIND, recipient__in=people, created_at__gt=at - APART)
    return dict(rows.order_by().values_list("recipient_id").annotate(newest=Max("created_at")))


def _either(storms: dict[int, list[bool]], *, but: set[int]) -> Q | None:
    if not storms.keys() - but:
        return None
    found = Q()
    for urgent in (False, True):
        people = [who for who, kinds_of in storms.items() if urgent in kinds_of and who not in but]
        found |= Q(recipient__in=people, urgent=urgent)
    return found & Q(attempts=0, kind__in=kinds.collectable())


@transaction.atomic
def _collect(due: QuerySet[Message], *, who: int, at: datetime) -> int:
    # Whoever holds the person collects for them; another process leaves it to that one.
    user = User.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=who).first()
    if user is None or _told_lately([who], at=at):
        return 0
    locked = due.select_for_update(skip_locked=True, no_key=True)
    rows = list(locked.order_by("-urgent", "due_at", "pk")[:LONGEST])
    for row in rows:
        row.recipient = user
    waits = [(row, quiet.waits_until(row, at=at)) for row in rows]
    for until in {until for _row, until in waits} - {None}:
        quiet_ones = [row for row, its_end in waits if its_end == until]
        _of(quiet_ones).update(due_at=until, waits_for=Waits.QUIET)
    asked = [(row, kinds.get(row.kind).still_wanted(row)) for row, until in waits if until is None]
    wanted = [row for row, is_wanted in asked if is_wanted]
    unwanted = [row for row, is_wanted in asked if not is_wanted]
    _of(unwanted).update(state=State.DROPPED, done_at=at, waits_for="")
    if len(wanted) < 2:
        return len(rows) - len(wanted)
    digest = Message.objects.create(
        key=f"digest-{who}-{at.timestamp():.3f}",
        kind=KIND,
        recipient=user,
        urgent=any(row.urgent for row in wanted),
        created_at=at,
        due_at=at,
    )
    _of(wanted).update(state=State.DIGESTED, digest=digest, done_at=at, waits_for="")
    return len(rows)


def _of(rows: Sequence[Message]) -> QuerySet[Message]:
    return Message.objects.filter(pk__in=[row.pk for row in rows])


# --- What it says ------------------------------------------------------------------------


def told_by(digest: Message, *, reader: User) -> list[tuple[Message, str]]:
    """The messages that a digest tells of, urgent and old ones first, each with its line."""
    rows = list(digest.collected.order_by("-urgent", "created_at", "pk"))
    said = kinds.lines(rows, reader=reader)
    return [(row, said[row.pk]) for row in rows if row.pk in said]


def _render(digest: Message) -> Text:
    told = told_by(digest, reader=digest.recipient)
    urgent = sum(row.urgent for row, _line in told)
    hidden = digest.collected.count() - len(told)
    subject = _("%(n)s messages at once") % {"n": len(told)}
    if urgent:
        subject = _("%(n)s messages at once, %(urgent)s urgent") % {
            "n": len(told),
            "urgent": urgent,
        }
    items = [(line, settings.BASE_URL + reverse("message", args=[row.pk])) for row, line in told]
    if hidden:
        note = ngettext(
            "%(n)s more is about a lead that is not yours to see any more.",
            "%(n)s more are about leads that are not yours to see any more.",
            hidden,
        )
        items.append((note % {"n": hidden}, ""))
    return Text(
        subject=subject,
        body="\n".join(f"• {line}" for line, _link in items),
        url=settings.BASE_URL + reverse("message", args=[digest.pk]),
        action=_("Read them one by one"),
        items=items,
    )


def _lines(digests: Sequence[Message], reader: User) -> dict[int, str]:
    counts = dict(
        Message.objects.filter(digest__in=[one.pk for one in digests])
        .order_by()
        .values_list("digest_id")
        .annotate(n=Count("pk"))
    )
    return {one.pk: _("%(n)s messages at once") % {"n": counts.get(one.pk, 0)} for one in digests}


kinds.register(
    kinds.Kind(
        KIND,
        _render,
        lambda digest: bool(told_by(digest, reader=digest.recipient)),
        _lines,
        alone=True,
        title=gettext_lazy("Digest"),
    )
)
