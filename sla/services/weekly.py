"""
The weekly mail to managers: what their teams were given, kept, and have before them.

Due on Monday at seven by each manager's own clock. The routine looks every hour, and at each
of these moments; who has the mail of a week (its key says which) never gets it again, and
whoever was missed, because everything stood still, gets it until Wednesday ends.
"""

import zoneinfo
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext_lazy

from reps import access
from reps.due import routines
from reps.models import Message, Rep, User
from reps.post import kinds, outbox
from reps.post.kinds import Text
from routing.insight import selectors
from routing.messages import link
from routing.models import Assignment
from routing.visibility import visible_leads
from sla.services import attainment, forecast

KIND = "weekly"
HOUR = time(7)
# After that, last week is history, and the mail would come with the next one.
LATEST = timedelta(days=3)
LOOKS_EVERY = timedelta(hours=1)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Line:
    """A rep's week: leads received, promises kept and broken; and what they hold now."""

    rep: Rep
    received: int
    held: int
    kept: int
    late: int


@dataclass(frozen=True, slots=True)
class Week:
    """What a manager is told of [since, until); `waiting`, `late` and `at_risk` are now."""

    lines: Sequence[Line]
    fallback: selectors.Share
    waiting: int
    late: int
    at_risk: int


# --- When --------------------------------------------------------------------------------


def run(at: datetime) -> dict[str, Any]:
    """Queue the mail for every manager whose Monday morning has come; say how many."""
    drafts = [
        outbox.Draft(
            key=f"{KIND}-{user.pk}-{_name(monday)}",
            kind=KIND,
            to=user.pk,
            payload={"monday": monday.isoformat()},
        )
        for user in managers()
        if (monday := due_week(user, at=at)) is not None
    ]
    keys = [draft.key for draft in drafts]
    known = set(Message.objects.filter(key__in=keys).values_list("key", flat=True))
    outbox.put([draft for draft in drafts if draft.key not in known], at=at)
    return {"queued": len(drafts) - len(known)}


def next_at(at: datetime) -> datetime:
    """The next Monday at seven somewhere, and in an hour at the latest."""
    return min([at + LOOKS_EVERY, *(_next_monday(user, at=at) for user in managers())])


def managers() -> list[User]:
    """Everybody who leads a team that still has somebody in it."""
    led = User.objects.filter(is_active=True, managed_teams__reps__is_active=True)
    return list(led.distinct().order_by("pk"))


def due_week(user: User, *, at: datetime) -> date | None:
    """The Monday with which the week began that a manager is to be told of now, if any."""
    zone = zoneinfo.ZoneInfo(user.time_zone)
    today = at.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    if _moment(monday, HOUR, zone) <= at < _moment(monday + LATEST, time(0), zone):
        return monday - WEEK
    return None


def _next_monday(user: User, *, at: datetime) -> datetime:
    zone = zoneinfo.ZoneInfo(user.time_zone)
    today = at.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    this = _moment(monday, HOUR, zone)
    return this if this > at else _moment(monday + WEEK, HOUR, zone)


def _moment(day: date, wall: time, zone: zoneinfo.ZoneInfo) -> datetime:
    return datetime.combine(day, wall, tzinfo=zone).astimezone(UTC)


def _name(monday: date) -> str:
    year, week, _day = monday.isocalendar()
    return f"{year}-W{week:02}"


# --- What --------------------------------------------------------------------------------


def week_of(user: User, *, since: datetime, until: datetime, at: datetime) -> Week:
    """Work out a manager's week; the number of statements does not depend on reps or leads."""
    reps = Rep.objects.filter(team__in=access.teams_of(user), is_active=True)
    reps = list(reps.select_related("user", "load").order_by("pk"))
    leads = visible_leads(user)
    kept = {row.key: row for row in attainment.attainment(leads, since, until, by="rep")}
    received = _received(reps, since, until)
    risk = forecast.at_risk(leads, at)
    return Week(
        lines=sorted(
            (_line(rep, received.get(rep.pk, 0), kept.get(rep.pk)) for rep in reps),
            key=lambda line: (-line.late, -line.received, str(line.rep)),
        ),
        fallback=selectors.figures(user, since=since, until=until, at=at).fallback,
        waiting=selectors.requests(user).count(),
        late=risk.buckets[forecast.LATE],
        at_risk=len(risk.rows) - risk.buckets[forecast.LATE],
    )


def _received(reps: Iterable[Rep], since: datetime, until: datetime) -> dict[int, int]:
    counted = Assignment.objects.filter(
        rep__in=reps, started_at__gte=since, started_at__lt=until, lead__mode__in=attainment.COUNTED
    )
    return dict(counted.order_by().values_list("rep").annotate(n=Count("pk")))


def _line(rep: Rep, received: int, kept: attainment.Row | None) -> Line:
    return Line(
        rep=rep,
        received=received,
        held=rep.load.open if hasattr(rep, "load") else 0,
        kept=kept.kept if kept else 0,
        late=kept.late if kept else 0,
    )


# --- In words ----------------------------------------------------------------------------


def _render(message: Message) -> Text:
    user = message.recipient
    zone = zoneinfo.ZoneInfo(user.time_zone)
    monday = date.fromisoformat(message.payload["monday"])
    week = week_of(
        user,
        since=_moment(monday, time(0), zone),
        until=_moment(monday + WEEK, time(0), zone),
        at=message.created_at,
    )
    share = week.fallback
    late, kept = sum(line.late for line in week.lines), sum(line.kept for line in week.lines)
    return Text(
        subject=f"Your teams' week: {sum(line.received for line in week.lines)} leads, "
        f"{late} {'promise' if late == 1 else 'promises'} broken",
        body="\n".join(
            [
                f"From {_spoken(monday)} to {_spoken(monday + timedelta(days=6))}.",
                *(_said(line) for line in week.lines),
            ]
        ),
        facts=[
            ("Promises kept", f"{kept} of {kept + late}" if kept + late else "none was due"),
            (
                "By the fallback rule",
                f"{share.part} of {share.sample} placed" if share.sample else "nothing was placed",
            ),
            ("Requests waiting", str(week.waiting)),
            ("Late now", str(week.late)),
            ("At risk now", str(week.at_risk)),
        ],
        url=link("board"),
        action="Open the board",
    )


def _said(line: Line) -> str:
    broken = f", {line.late} broken" if line.late else ""
    kept = f", {line.kept} kept" if line.kept else ""
    return f"{line.rep}: {line.received} received, {line.held} held now{kept}{broken}"


def _spoken(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"


def _lines(messages: Sequence[Message], reader: User) -> dict[int, str]:
    mondays = {one.pk: date.fromisoformat(one.payload["monday"]) for one in messages}
    return {
        one.pk: f"Your teams' week from {_spoken(mondays[one.pk])}"
        for one in messages
        if one.recipient_id == reader.pk or access.is_revops(reader)
    }


kinds.register(
    kinds.Kind(KIND, _render, lines=_lines, alone=True, title=gettext_lazy("Weekly summary"))
)
routines.register(routines.Work("weekly", run, next_at))
