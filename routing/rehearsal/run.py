"""Day by day through the past; nothing of a later day is looked at."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter

from django.db import transaction

from accounts.models import Account
from reps import trail
from reps.models import Message, Rep
from routing.dispatch import batch
from routing.intake import doors, process
from routing.models import Lead, Outcome, Source, Submission
from routing.models.source import Mode
from routing.rehearsal.past import Past, ReplayRefused
from routing.rehearsal.stage import DRIVER, office_of
from routing.work import record_outcome

OPENS, CLOSES = time(9), time(17)
AT_ONCE = 200


@dataclass(slots=True)
class Run:
    """What a replay did, and how long each part took."""

    source: Source
    first: date
    last: date
    leads: int = 0
    closed: int = 0
    offices_learnt: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    messages_before: int = 0

    def messages(self) -> int:
        return Message.objects.count() - self.messages_before

    def clocks(self) -> int:
        """Leads that got a clock or a deadline; must be none."""
        leads = Lead.objects.filter(source=self.source)
        return (
            leads.filter(clocks__isnull=False).distinct().count()
            + leads.filter(due_at__isnull=False).count()
        )


def replay(past: Sequence[Past], *, source: Source, until: date) -> Iterator[Run]:
    """
    Replay the past day by day; yields after each day, and holds the whole at the end.

    :raises ReplayRefused: if this source has been replayed already: a clock runs once
    """
    if Submission.objects.filter(source=source).exists():
        raise ReplayRefused("A history has been replayed here; use a fresh database.")
    run = Run(source, past[0].day, until, messages_before=Message.objects.count())
    offices = Offices()
    arriving = defaultdict(list)
    for one in past:
        arriving[one.day].append(one)
    closing: dict[date, list[tuple[Past, int]]] = defaultdict(list)
    day = run.first
    while day <= until:
        morning = datetime.combine(day, OPENS, tzinfo=UTC)
        with _timed(run, "accounts"):
            run.offices_learnt += offices.tell(at=morning)
        with _timed(run, "intake"):
            for one, lead in _take_in(arriving[day], source=source, at=morning):
                run.leads += 1
                if one.closed_on is not None:
                    closing[max(one.closed_on, day)].append((one, lead))
        with _timed(run, "routing"):
            _route(at=morning)
        evening = datetime.combine(day, CLOSES, tzinfo=UTC)
        with _timed(run, "outcomes"):
            run.closed += _close(closing.pop(day, []), at=evening)
        # What comes free in the evening is given out next morning; on the last day at once,
        # so that the past ends with nothing undecided.
        if day == until:
            with _timed(run, "routing"):
                _route(at=evening)
        # Only now may the day's rows teach anything.
        offices.learn(arriving[day])
        yield run
        day += timedelta(days=1)


@contextmanager
def _timed(run: Run, part: str) -> Iterator[None]:
    """Add the seconds that the block takes to a part of the run."""
    started = perf_counter()
    try:
        yield
    finally:
        run.seconds[part] += perf_counter() - started


class Offices:
    """Which office an account belongs to: that of most of those who sold to it so far."""

    def __init__(self) -> None:
        self.of_seller = {
            rep.user.label: office_of(rep.team)
            for rep in Rep.objects.select_related("user", "team__parent")
        }
        self.accounts = {row.name.casefold(): row for row in Account.objects.all()}
        self.seen: dict[str, Counter[str]] = defaultdict(Counter)

    def learn(self, past: Sequence[Past]) -> None:
        for one in past:
            office = self.of_seller.get(one.seller)
            if office and one.company.casefold() in self.accounts:
                self.seen[one.company.casefold()][office] += 1

    def tell(self, *, at: datetime) -> int:
        """Write what has been learnt to the accounts it changes; return how many."""
        changed = 0
        for name, counts in self.seen.items():
            account = self.accounts[name]
            office, most = counts.most_common(1)[0]
            # A tie changes nothing: who is ahead stays ahead.
            if office != account.region and most > counts[account.region]:
                account.region = office
                trail.save(account, by=None, at=at, reason="office learnt")
                changed += 1
        return changed


def _take_in(past: Sequence[Past], *, source: Source, at: datetime) -> Iterator[tuple[Past, int]]:
    """Hand a day's rows in at the door, process them, and return each with its lead."""
    if not past:
        return
    doors.receive_many(
        source=source,
        incoming=[one.incoming for one in past],
        mode=Mode.BACKFILL,
        at=at,
        by=None,
    )
    while process.drain(driver=DRIVER, due_before=at):
        pass
    leads = dict(
        Submission.objects.filter(
            source=source, idempotency_key__in=[one.incoming.key for one in past]
        ).values_list("idempotency_key", "lead_id")
    )
    for one in past:
        lead = leads[one.incoming.key]
        if lead is None:
            row = one.incoming.context["import"]["row"]
            raise ReplayRefused(f"Row {row} was not taken in; see the quarantine.")
        yield one, lead


def _route(*, at: datetime) -> None:
    while batch.route(driver=DRIVER, at=at, due_before=at, most=AT_ONCE):
        pass


@transaction.atomic
def _close(closing: Sequence[tuple[Past, int]], *, at: datetime) -> int:
    epochs = dict(
        Lead.objects.filter(pk__in=[lead for _, lead in closing]).values_list("pk", "owner_epoch")
    )
    for one, lead in closing:
        record_outcome(
            lead_id=lead,
            epoch=epochs[lead],
            kind=Outcome.Kind.WON if one.won else Outcome.Kind.LOST,
            value=one.value if one.won else None,
            reason="" if one.won else "Lost, as the CRM says",
            by=None,
            at=at,
            driver=DRIVER,
            owner_only=False,
        )
    return len(closing)
