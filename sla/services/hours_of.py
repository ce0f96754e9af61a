"""Which working time a promise is counted in: the holder's, the team's, the queue's, or all."""

from collections.abc import Collection, Mapping
from datetime import datetime

from reps.availability import absences
from reps.hours import Spans
from reps.models import Rep, Team, WorkCalendar
from reps.models.bulk import insert_many
from routing.models import PoolMember, Queue
from sla.hours import ROUND_THE_CLOCK, Hours
from sla.models import Clock, ClockHours, Policy


class WorkingTime:
    """
    The hours of these holders and queues, read once for many clocks.

    Statements do not depend on how many there are; none are asked for policies that count
    around the clock. Absences are known from `since` on, and holidays around that year.
    """

    def __init__(
        self,
        policies: Collection[Policy],
        *,
        holders: Collection[int],
        queues: Collection[int],
        since: datetime,
    ) -> None:
        kinds = {policy.hours for policy in policies}
        self._year = since.year
        asks = kinds != {Policy.Hours.ALWAYS} and bool(kinds)
        self._reps = self._read_reps(holders) if asks and holders else {}
        self._away: Mapping[int, Spans] = (
            absences(list(holders), since=since) if Policy.Hours.REP in kinds and holders else {}
        )
        self._teams = self._read_teams() if Policy.Hours.TEAM in kinds and holders else {}
        self._queues = self._read_queues(queues) if asks and queues else {}

    def of(
        self, policy: Policy, *, holder: int | None, queue: int | None, start: datetime
    ) -> Hours:
        """The hours in which a clock of this policy counts, started at this moment."""
        if policy.hours == Policy.Hours.ALWAYS:
            return ROUND_THE_CLOCK
        if holder is None:
            return self._queues.get(queue or 0, ROUND_THE_CLOCK)
        rep = self._reps[holder]
        if policy.hours == Policy.Hours.TEAM:
            return self._of(self._team_calendar(rep.team_id))
        second = int(start.timestamp())
        away = tuple(span for span in self._away.get(holder, ()) if span[1] > second)
        return Hours(self._of(rep.calendar or rep.team.calendar).calendars, away)

    def _of(self, calendar: WorkCalendar | None) -> Hours:
        if calendar is None:
            return ROUND_THE_CLOCK
        return Hours(calendars=(calendar.as_json(year=self._year),))

    def _team_calendar(self, team: int | None) -> WorkCalendar | None:
        """That of the nearest team up the parents that has one."""
        seen: set[int] = set()
        while team is not None and team not in seen:
            seen.add(team)
            row = self._teams[team]
            if row.calendar is not None:
                return row.calendar
            team = row.parent_id
        return None

    def _read_reps(self, holders: Collection[int]) -> dict[int, Rep]:
        rows = Rep.objects.select_related("calendar", "team__calendar").filter(pk__in=holders)
        return {rep.pk: rep for rep in rows}

    def _read_teams(self) -> dict[int, Team]:
        return {team.pk: team for team in Team.objects.select_related("calendar")}

    def _read_queues(self, queues: Collection[int]) -> dict[int, Hours]:
        """Per queue the hours in which anybody works who may claim from it."""
        pools = dict(Queue.objects.filter(pk__in=queues).values_list("pk", "pool_id"))
        members = PoolMember.objects.filter(pool__in=pools.values(), rep__is_active=True)
        # Agents never sleep; a promise in working hours is about people.
        members = members.exclude(rep__role=Rep.Role.AI_AGENT)
        calendars: dict[int, set[WorkCalendar | None]] = {}
        for member in members.select_related("rep__calendar", "rep__team__calendar"):
            calendar = member.rep.calendar or member.rep.team.calendar
            calendars.setdefault(member.pool_id, set()).add(calendar)
        return {queue: self._together(calendars.get(pool, ())) for queue, pool in pools.items()}

    def _together(self, calendars: Collection[WorkCalendar | None]) -> Hours:
        if not calendars or None in calendars:
            return ROUND_THE_CLOCK
        return Hours(tuple(sorted({row.as_json(year=self._year) for row in calendars if row})))


def keep(hours: Collection[Hours]) -> None:
    """Write down the hours that clocks are started in, each content once."""
    rows = {one.digest: one for one in hours if not one.is_always}
    insert_many(
        # In one order, so that two batches never wait for each other.
        [ClockHours(digest=digest, body=rows[digest].as_json()) for digest in sorted(rows)],
        ignore_conflicts=True,
    )


def kept(clock: Clock) -> Hours:
    """The hours that a clock was started in; `hours` was read with it."""
    return Hours.from_json(clock.hours.body) if clock.hours_id else ROUND_THE_CLOCK
