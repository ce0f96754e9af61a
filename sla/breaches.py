"""The story of each promise that was not kept."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from routing.models import Assignment, Lead
from sla import chain
from sla.models import Clock, Escalation
from sla.services import attainment


@dataclass(frozen=True, slots=True)
class Story:
    """
    One breach: the clock, who or what held the lead until it was due, and the steps that were
    taken: when, what, and what came of it.
    """

    clock: Clock
    holder: str
    steps: Sequence[tuple[datetime, str, str]]

    @property
    def lines(self) -> list[tuple[datetime, str]]:
        """What happened, in order."""
        clock = self.clock
        due = _("“%(policy)s” was due; %(holder)s held the lead.") % {
            "policy": clock.policy,
            "holder": self.holder,
        }
        found = [(at, effect or words) for at, words, effect in self.steps]
        found.append((clock.due_at, due))
        if clock.ended_at is not None:
            is_met = clock.state == Clock.State.MET
            found.append((clock.ended_at, _("Done.") if is_met else _("No longer asked for.")))
        return sorted(found, key=lambda line: line[0])

    @property
    def late_by(self) -> int | None:
        """Seconds from the deadline until it was done; None while it is not."""
        if self.clock.state != Clock.State.MET or self.clock.ended_at is None:
            return None
        return int((self.clock.ended_at - self.clock.due_at).total_seconds())


def of(
    leads: QuerySet[Lead],
    since: datetime,
    until: datetime,
    *,
    by: attainment.By,
    key: Any,
) -> QuerySet[Clock]:
    """The broken promises behind one line of `attainment`, the latest first."""
    clocks = attainment.counted(leads, since, until, by=by).filter(breached_at__isnull=False)
    chosen = clocks.filter(key__isnull=True) if key is None else clocks.filter(key=key)
    return chosen.select_related("policy", "lead__prospect", "lead__account").order_by(
        "-breached_at", "-pk"
    )


def stories(clocks: Iterable[Clock]) -> list[Story]:
    """Tell of each clock; two statements however many there are."""
    rows = list(clocks)
    steps: dict[int, list[tuple[datetime, str, str]]] = {}
    for one in Escalation.objects.filter(clock__in=rows).order_by("fired_at", "pk"):
        words = chain.ACTIONS[one.action].words
        steps.setdefault(one.clock_id, []).append((one.fired_at, words, one.effect))
    custody: dict[int, list[Assignment]] = {}
    held = Assignment.objects.filter(lead__in={clock.lead_id for clock in rows})
    for spell in held.select_related("rep__user", "queue").order_by("lead", "epoch"):
        custody.setdefault(spell.lead_id, []).append(spell)
    return [
        Story(
            clock=clock,
            holder=_holder(custody.get(clock.lead_id, ()), clock.due_at),
            steps=steps.get(clock.pk, ()),
        )
        for clock in rows
    ]


def _holder(custody: Sequence[Assignment], due_at: datetime) -> str:
    """Who or what held the lead until its deadline; a step at that moment may have moved it."""
    before = [spell for spell in custody if spell.started_at < due_at]
    if not before:
        return _("Nobody")
    last = before[-1]
    return str(last.rep or last.queue or Lead.Place(last.place).label)


def cells(clocks: QuerySet[Clock], *, size: int = 500) -> Iterator[tuple[Any, ...]]:
    """The stories as rows of a table, read by so many at a time."""
    batch: list[Clock] = []
    for clock in clocks.iterator(chunk_size=size):
        batch.append(clock)
        if len(batch) == size:
            yield from _cells(batch)
            batch = []
    yield from _cells(batch)


def _cells(batch: Sequence[Clock]) -> Iterator[tuple[Any, ...]]:
    for story in stories(batch):
        clock = story.clock
        yield (
            clock.lead_id,
            str(clock.policy),
            clock.due_at.isoformat(),
            clock.breached_at.isoformat() if clock.breached_at else "",
            story.holder,
            "; ".join(f"{at:%Y-%m-%d %H:%M:%S} {words}" for at, words, _effect in story.steps),
            clock.state,
            clock.ended_at.isoformat() if clock.ended_at else "",
        )
