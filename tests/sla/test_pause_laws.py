"""
Nobody gains time by moving or pausing a lead (fault 45 of the reliability study).

Random sequences of everything that people do with a lead; an oracle of its own counts, second by
second and without our working-time engine, how long the promise has been running.
"""

from datetime import UTC, datetime, timedelta
from math import ceil, floor

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reps import verify
from reps.due import jobs
from routing import work
from sla.models import Clock
from sla.services import pauses
from tests import make

pytestmark = pytest.mark.django_db
AT = make.MONDAY_9AM
DAY = 86_400
BUDGET = 6 * 3600
# Berlin in summer, 9:00 to 17:00, and away on Tuesday afternoon.
OPENS, CLOSES = 7 * 3600, 15 * 3600
AWAY = (
    int(datetime(2026, 6, 16, 12, tzinfo=UTC).timestamp()),
    int(datetime(2026, 6, 16, 18, tzinfo=UTC).timestamp()),
)


class Oracle:
    """How long the first holder's promise has run, by brute force over days."""

    def __init__(self, start: datetime) -> None:
        self.start = ceil(start.timestamp())
        self.pauses: list[tuple[int, int]] = []
        self.begun: datetime | None = None
        self.until: datetime | None = None

    def begin(self, at: datetime, until: datetime) -> None:
        self.begun, self.until = at, until

    def end(self, at: datetime) -> None:
        """Whatever ends it: what stands still goes on, at the stated moment at the latest."""
        if self.begun is None:
            return
        ended = min(at, self.until)
        self.pauses.append((floor(self.begun.timestamp()), ceil(ended.timestamp())))
        self.begun = self.until = None

    def pass_time(self, at: datetime) -> None:
        if self.until is not None and self.until <= at:
            self.end(at)

    def ran(self, upto: int) -> int:
        """Seconds of working time from the start, those of pauses left out."""
        counted = 0
        for day in range(self.start // DAY, upto // DAY + 1):
            if datetime.fromtimestamp(day * DAY, UTC).weekday() >= 5:
                continue
            spans = [(max(day * DAY + OPENS, self.start), min(day * DAY + CLOSES, upto))]
            for hole in (AWAY, *self.pauses):
                spans = [part for span in spans for part in _without(span, hole)]
            counted += sum(max(0, end - begin) for begin, end in spans)
        return counted


def _without(span: tuple[int, int], hole: tuple[int, int]) -> list[tuple[int, int]]:
    parts = [(span[0], min(span[1], hole[0])), (max(span[0], hole[1]), span[1])]
    return [(begin, end) for begin, end in parts if begin < end]


@pytest.fixture
def world():
    boss = make.user("boss", group="manager")
    make.organisation(responsible=boss)
    team = make.team("North", manager=boss)
    berlin = make.calendar("Berlin", time_zone="Europe/Berlin")
    ann = make.rep("ann", team=team, calendar=berlin)
    make.absence(ann, *(datetime.fromtimestamp(second, UTC) for second in AWAY))
    tokyo = make.calendar("Tokyo", time_zone="Asia/Tokyo")
    reps = [ann, make.rep("ben", team=team), make.rep("kei", team=team, calendar=tokyo)]
    make.policy(
        "Contact",
        metric="CONTACT",
        budget=BUDGET,
        steps=[{"at_percent": 50, "do": "remind"}, {"at_percent": 100, "do": "tell_manager"}],
    )
    # Never late: so that acknowledging always has a clock that stood still to end.
    make.policy("Ack", scope="HOLD", hours="ALWAYS", budget=400 * DAY, steps=[])
    return {"boss": boss, "reps": reps, "reason": make.pause_reason("Any", longest=30 * DAY)}


class Run:
    """One lead, what people do with it, and the oracle beside it."""

    def __init__(self, world, start: datetime) -> None:
        self.world, self.at = world, start
        self.lead = make.owned(world["reps"][0], at=start)
        self.oracle = Oracle(start)

    def clock(self) -> Clock:
        return Clock.objects.get(lead=self.lead, metric="CONTACT")

    def step(self, gap: timedelta, act: str, argument: int) -> None:
        self.at += gap
        self.lead.refresh_from_db()
        getattr(self, act)(argument)

    def pause(self, argument: int) -> None:
        until = self.at + timedelta(seconds=argument)
        self.oracle.pass_time(self.at)
        already = self.oracle.begun is not None
        late = self.oracle.ran(floor(self.at.timestamp())) >= BUDGET
        try:
            made = pauses.pause(
                lead_id=self.lead.pk,
                epoch=self.lead.owner_epoch,
                reason=self.world["reason"],
                until=until,
                note="",
                by=self.world["boss"],
                at=self.at,
            )
        except (pauses.PauseRefused, work.NotYours):
            assert already or late or self.lead.owner_id is None
            return
        assert not already
        assert (self.clock().pk in made.clocks) == (not late)
        if late:
            # Only the other clock stands still, which the oracle does not count.
            pauses.resume(
                lead_id=self.lead.pk,
                epoch=self.lead.owner_epoch,
                by=self.world["boss"],
                at=self.at,
            )
        else:
            self.oracle.begin(self.at, until)

    def resume(self, argument: int) -> None:
        try:
            pauses.resume(
                lead_id=self.lead.pk,
                epoch=self.lead.owner_epoch,
                by=self.world["boss"],
                at=self.at,
            )
        except (pauses.PauseRefused, work.NotYours):
            assert self.oracle.begun is None
        self.oracle.end(self.at)

    def acknowledge(self, argument: int) -> None:
        owner = self.lead.owner
        if owner is None or self.lead.acknowledged_at is not None:
            return
        work.acknowledge(
            lead_id=self.lead.pk, epoch=self.lead.owner_epoch, by=owner.user, at=self.at
        )
        self.oracle.end(self.at)

    def reassign(self, argument: int) -> None:
        target = self.world["reps"][argument % 3]
        if target.pk == self.lead.owner_id:
            return
        work.move_by_hand(
            lead_id=self.lead.pk,
            epoch=self.lead.owner_epoch,
            to=target,
            reason="Better",
            by=self.world["boss"],
            at=self.at,
            driver="test",
        )
        self.oracle.end(self.at)

    def hand_back(self, argument: int) -> None:
        if self.lead.owner is None:
            return
        work.decline(
            lead_id=self.lead.pk,
            epoch=self.lead.owner_epoch,
            reason="No",
            by=self.lead.owner.user,
            at=self.at,
            driver="test",
        )
        self.oracle.end(self.at)

    def try_to_reach(self, argument: int) -> None:
        if self.lead.owner is None:
            return
        first = self.lead.acknowledged_at is None
        self._log(reached=False)
        if first:
            self.oracle.end(self.at)

    def _log(self, *, reached: bool) -> None:
        work.log_contact(
            lead_id=self.lead.pk,
            epoch=self.lead.owner_epoch,
            way="CALL",
            reached=reached,
            note="",
            by=self.lead.owner.user,
            at=self.at,
        )

    def sweep(self, argument: int) -> None:
        jobs.drain("pauses", driver="test", due_before=self.at)
        jobs.drain("clocks", driver="test", due_before=self.at)
        self.oracle.pass_time(self.at)

    def finish(self) -> None:
        """Reach the person; the deadline is where the oracle sees the time used up."""
        self.step(timedelta(minutes=1), "reassign", 0)
        self.lead.refresh_from_db()
        self._log(reached=True)
        self.oracle.end(self.at)
        found = self.clock()
        due = int(found.due_at.timestamp())
        assert self.oracle.ran(due) == BUDGET
        assert self.oracle.ran(due - 1) == BUDGET - 1
        assert found.state == Clock.State.MET
        assert (found.breached_at is not None) == (found.ended_at > found.due_at)
        assert found.paused_at is None


# Mostly short, so that the promise is not used up before much has happened.
SECONDS = st.one_of(
    st.integers(1, 3),
    st.integers(1, 1200),
    st.integers(1, 3600),
    st.integers(3600, 2 * DAY),
    st.just(15 * 3600),
)
# Standing still and going on again comes up more often than the rest, and so more than once.
ACTS = (
    *("pause", "resume") * 3,
    "acknowledge",
    "reassign",
    "hand_back",
    "try_to_reach",
    "sweep",
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    start=st.integers(0, 5 * DAY),
    steps=st.lists(
        st.tuples(SECONDS, st.sampled_from([0, 0, 1, 999_999]), st.sampled_from(ACTS), SECONDS),
        max_size=12,
    ),
)
def test_a_promise_runs_for_its_budget_of_working_time_less_its_pauses(world, start, steps):
    with transaction.atomic():
        run = Run(world, AT + timedelta(seconds=start))
        for seconds, microseconds, act, argument in steps:
            run.step(timedelta(seconds=seconds, microseconds=microseconds), act, argument)
        run.finish()

        jobs.drain("clocks", driver="test", due_before=run.at)
        found = verify.run(at=run.at, codes=["I6", "I8", "I9", "S1", "S2"])
        assert [line for _, lines in found for line in lines] == []
        transaction.set_rollback(True)


def test_the_oracle_sees_a_clock_that_a_move_starts_anew(world):
    """The test above is able to fail."""
    run = Run(world, AT)
    run.step(timedelta(hours=1), "reassign", 1)
    Clock.objects.filter(metric="CONTACT").update(due_at=AT + timedelta(days=1, hours=1))

    with pytest.raises(AssertionError):
        run.finish()
