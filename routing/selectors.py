"""What the pages of reps and leads read: a constant number of statements each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Max, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.utils.translation import gettext as _

from reps.availability import absences, calendar_of, moment
from reps.hours import ALWAYS
from reps.models import Rep, User
from routing import ownership, visibility, why, work
from routing.dedupe.timeline import merges
from routing.models import Assignment, Lead, RepLoad, Touch
from routing.work.answering import answers_for

# What counts as "now" on the rep's page, beside what is unacknowledged or late.
SOON = timedelta(hours=1)
MOST_NEEDS = 50
MOST_LATER = 20
MOST_CLAIMABLE = 10
AT_RISK = 0.3
TONES = {"late": "breach", "risk": "risk", "soon": "ok", "later": "ok"}


def mine(rep: Rep) -> QuerySet[Lead]:
    """The open leads that a rep holds, the most urgent first."""
    return (
        visibility.visible_leads(rep.user)
        .filter(owner=rep, place=Lead.Place.OWNER)
        .order_by(F("due_at").asc(nulls_last=True), "-priority", "received_at", "pk")
    )


def needs_now(at: datetime) -> Q:
    """
    What asks for its owner now: not acknowledged yet, late, or due within the hour; what
    somebody let stand still waits.
    """
    return Q(acknowledged_at__isnull=True, paused_until__isnull=True) | Q(due_at__lte=at + SOON)


def for_rows(leads: QuerySet[Lead]) -> QuerySet[Lead]:
    """Read with leads all that a row shows: the person, why it is there, the last touch."""
    last = Touch.objects.filter(lead=OuterRef("pk"), kind=Touch.Kind.SUBMITTED).order_by(
        "-at", "-pk"
    )
    current = Assignment.objects.filter(ended_at__isnull=True).select_related(
        "decision__rule", "by", "from_rep__user", "rep__user", "queue"
    )
    return (
        leads.select_related("prospect", "account", "source", "owner__user", "queue")
        .prefetch_related(Prefetch("assignments", queryset=current, to_attr="current"))
        .annotate(last_touch_id=Subquery(last.values("pk")[:1]))
    )


def dressed(leads: QuerySet[Lead], *, me: Rep | None, at: datetime) -> list[Lead]:
    """
    Return leads read by `for_rows` with what a row says of them, in one statement more.

    Sets `did` (the last thing the person did) with `last_touch`, `why`, and `tone`, the
    colour of the next promise: breach, risk, ok or none.
    """
    rows = list(leads)
    touches = Touch.objects.select_related("source", "submission__form").in_bulk(
        [lead.last_touch_id for lead in rows if lead.last_touch_id]
    )
    for lead in rows:
        lead.last_touch = touches.get(lead.last_touch_id)
        lead.did = what_they_did(lead.last_touch)
        lead.why = why.one_line(lead.current[0] if lead.current else None, me=me)
        lead.tone = TONES.get(urgency(lead.due_at, lead.due_from, at), "")
        lead.is_late = lead.tone == "breach"
        lead.is_urgent = lead.tone in ("breach", "risk")
    return rows


def teasers(leads: QuerySet[Lead], most: int) -> list[Lead]:
    """Return leads that a rep may claim, described without the person behind them."""
    rows = list(leads[:most])
    for lead in rows:
        industry = (lead.account.industry if lead.account else "") or lead.industry
        employees = (lead.account.employees if lead.account else None) or lead.employees
        size = _("%(n)s people") % {"n": employees} if employees else ""
        words = ", ".join(filter(None, [industry, size]))
        lead.kind_of = words or _("A lead from %(source)s") % {"source": lead.source}
        lead.where = lead.prospect.region or lead.prospect.country
    return rows


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many open leads a rep holds, of how many at most."""

    open: int
    cap: int

    @property
    def room(self) -> int:
        return max(0, self.cap - self.open)


def capacity(rep: Rep) -> Capacity:
    load = RepLoad.objects.filter(rep=rep).values_list("open", flat=True).first()
    return Capacity(open=load or 0, cap=rep.capacity)


@dataclass(frozen=True, slots=True)
class RepHome:
    """Everything on a rep's page that moves."""

    needs: Sequence[Lead]
    needs_count: int
    late: int
    at_risk: int
    later: Sequence[Lead]
    later_count: int
    claimable: Sequence[Lead]
    claimable_count: int
    capacity: Capacity
    paused_until: datetime | None


def rep_home(*, rep: Rep, at: datetime) -> RepHome:
    """The rep's own page at this moment."""
    now, rest = mine(rep).filter(needs_now(at)), mine(rep).exclude(needs_now(at))
    needs = dressed(_with_clocks(now)[:MOST_NEEDS], me=rep, at=at)
    later = dressed(_with_clocks(rest)[:MOST_LATER], me=rep, at=at)
    queue = work.claimable(rep)
    until = rests_until(rep=rep, at=at)
    for lead in [*needs, *later]:
        lead.rests_until = until if _counts_hours(lead) else None
        stands = lead.paused_until if lead.due_at is None else lead.rests_until
        if stands and not lead.is_late:
            lead.tone, lead.is_urgent = "paused", False
    manager, backup = answers_for(rep, at).label, str(rep.backup) if rep.backup_id else ""
    for lead in needs:
        lead.next_step = _next_step(lead, manager=manager, backup=backup, at=at)
    return RepHome(
        needs=needs,
        needs_count=len(needs) if len(needs) < MOST_NEEDS else now.count(),
        late=sum(1 for lead in needs if lead.is_late),
        at_risk=sum(1 for lead in needs if lead.tone == "risk"),
        later=later,
        later_count=len(later) if len(later) < MOST_LATER else rest.count(),
        claimable=teasers(queue, MOST_CLAIMABLE),
        claimable_count=queue.count(),
        capacity=capacity(rep),
        paused_until=until,
    )


def _with_clocks(leads: QuerySet[Lead]) -> QuerySet[Lead]:
    return for_rows(leads).prefetch_related("clocks__policy")


def running(lead: Lead) -> list[Any]:
    """The clocks of a lead that do not stand still, the next deadline first."""
    clocks = (clock for clock in lead.clocks.all() if clock.state == "RUNNING")
    return sorted(
        (clock for clock in clocks if clock.paused_at is None),
        key=lambda clock: (clock.due_at, clock.pk),
    )


def _counts_hours(lead: Lead) -> bool:
    """Whether the promise that a row shows is counted in its holder's hours."""
    clocks = running(lead)
    return bool(clocks) and clocks[0].policy.hours == "REP"


def _next_step(lead: Lead, *, manager: str, backup: str, at: datetime) -> str:
    clocks = [clock for clock in running(lead) if why.consequence(clock)]
    if not clocks:
        return ""
    first = min(clocks, key=lambda clock: why.consequence(clock)["at"])
    return why.next_step(first, manager=manager, backup=backup, at=at)


def rests_until(*, rep: Rep, at: datetime) -> datetime | None:
    """When the rep's working time begins again; None while it runs."""
    calendar = calendar_of(rep, year=at.year)
    second = int(at.timestamp())
    away = absences([rep.pk], since=at).get(rep.pk, ())
    end = next((stop for start, stop in away if start <= second < stop), None)
    if calendar == ALWAYS:
        return moment(end) if end else None
    spans = calendar.open_spans(second, second + 14 * 86_400)
    begin = end or second
    opening = next((max(start, begin) for start, stop in spans if stop > begin), None)
    if opening is None:
        return moment(end) if end else None
    return moment(opening) if opening > second else None


def home_stamp(*, rep: Rep, at: datetime) -> str:
    """
    A stamp that changes whenever the rep's page would: cheap enough to ask every 5 s.

    History of their leads, custody of their queues, clocks passing a limit, and the rep.
    """
    held = list(
        Lead.objects.filter(owner=rep)
        .order_by("pk")
        .values_list("pk", "due_at", "due_from", "paused_until")
    )
    ids = [pk for pk, *_clock in held]
    queue = work.claimable(rep).order_by()
    waiting = list(queue.values_list("pk", "score").order_by("pk")[:200])
    row = (
        Lead.history.filter(id__in=ids).aggregate(newest=Max("history_id"))["newest"],
        Touch.objects.filter(lead__in=ids).aggregate(newest=Max("pk"))["newest"],
        Lead.objects.filter(pk__in=ids).aggregate(
            newest=Max("clocks__next_at"), steps=Sum("clocks__next_step")
        ),
        [(pk, due, urgency(due, since, at), until) for pk, due, since, until in held],
        waiting,
        # How long ago things happened is told in minutes.
        int(at.timestamp()) // 60,
        (rep.paused_at, rep.paused_until, rep.is_paused(at), rep.capacity, rep.is_active),
        rests_until(rep=rep, at=at),
    )
    return repr(row)


def urgency(due: datetime | None, since: datetime | None, at: datetime) -> str:
    """How pressing a promise is: late, risk (under 30 % left), soon, later, or none."""
    if due is None:
        return "none"
    if due <= at:
        return "late"
    whole = (due - (since or at)).total_seconds()
    if whole > 0 and (due - at).total_seconds() / whole < AT_RISK:
        return "risk"
    return "soon" if due <= at + SOON else "later"


def listed(*, user: User, rep: Rep | None, sees_all: bool) -> QuerySet[Lead]:
    """The leads of the list page: a rep's own open ones, everybody else's visible ones."""
    if rep is not None and not sees_all:
        return mine(rep)
    return visibility.visible_leads(user).order_by("-received_at", "-pk")


def search(leads: QuerySet[Lead], text: str) -> QuerySet[Lead]:
    """Leads whose person or company goes by these words, every one of them."""
    for word in text.split()[:6]:
        leads = leads.filter(
            Q(prospect__first_name__icontains=word)
            | Q(prospect__last_name__icontains=word)
            | Q(prospect__company__icontains=word)
            | Q(prospect__email__icontains=word)
            | Q(account__name__icontains=word)
        )
    return leads


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a lead's time line."""

    at: datetime
    icon: str
    tone: str
    title: str
    by: str = ""
    text: str = ""
    quote: str = ""
    answers: Sequence[tuple[str, str]] = ()
    page: str = ""


WAY_ICONS = {"CALL": "phone", "EMAIL": "mail", "MEETING": "cal"}


def happenings(lead: Lead) -> list[Happening]:
    """A lead's time line, the latest first: what the person did and what was done for them."""
    lines = [_of_touch(touch) for touch in _touches(lead)]
    lines += [_of_custody(one) for one in ownership.custody(lead)]
    lines += [
        Happening(
            at=one.at,
            icon="star",
            tone="ok",
            title=str(one.get_kind_display()),
            by=one.by.label if one.by else "",
            text=_("Value %(value)s") % {"value": one.value} if one.value is not None else "",
        )
        for one in lead.outcomes.select_related("by")
    ]
    lines += [
        Happening(at=one.fired_at, icon="alert", tone="risk", title=one.effect)
        for one in lead.escalations.all()
    ]
    lines += [
        Happening(at=one.at, icon=one.icon, tone="info", title=one.title, by=one.actor)
        for one in merges(lead)
    ]
    # What came of a touch at the same instant stands above it.
    return sorted(lines, key=lambda line: line.at)[::-1]


def _touches(lead: Lead) -> QuerySet[Touch]:
    return lead.touches.select_related("source", "by", "submission__form")


def _of_touch(touch: Touch) -> Happening:
    answers = [(str(name), str(value)) for name, value in touch.answers.items()]
    by = touch.by.label if touch.by else ""
    if touch.kind == Touch.Kind.CONTACT:
        way = touch.answers.get("way", "")
        reached = touch.answers.get("reached")
        label = work.Way(way).label if way in work.Way.values else _("Contact")
        return Happening(
            at=touch.at,
            icon=WAY_ICONS.get(way, "phone"),
            tone="info",
            title=_("%(way)s, reached") % {"way": label}
            if reached
            else _("%(way)s, not reached") % {"way": label},
            by=by,
            quote=touch.text,
        )
    if touch.kind == Touch.Kind.SIGNAL:
        title = _("Showed interest: %(what)s") % {"what": touch.name.replace("_", " ")}
        return Happening(at=touch.at, icon="bolt", tone="info", title=title)
    return Happening(
        at=touch.at,
        icon="bolt" if touch.is_hand_raise else "page",
        tone="ok" if touch.is_hand_raise else "",
        title=what_they_did(touch),
        by=by,
        quote=touch.text,
        answers=answers,
        page=touch.page_url,
    )


def what_they_did(touch: Touch | None) -> str:
    """The last thing a person did, in a few words."""
    if touch is None:
        return ""
    submission = touch.submission
    if submission is not None and submission.form is not None:
        return _("Filled in “%(form)s”") % {"form": submission.form.title}
    if touch.by_id:
        return _("Entered by hand")
    name = touch.source.name if touch.source else _("an unknown source")
    return _("Came from %(source)s") % {"source": name}


def _of_custody(one: Assignment) -> Happening:
    where = _("To %(place)s") % {"place": place_of(one)}
    return Happening(
        at=one.started_at,
        icon="swap" if one.rep_id else "queue",
        tone="info" if one.rep_id else "",
        title=where,
        by=one.by.label if one.by else "",
        text=" · ".join(filter(None, [str(one.get_reason_code_display()), one.reason])),
    )


def place_of(one: Assignment) -> str:
    """Where a lead was in one stretch of its custody."""
    if one.rep is not None:
        return str(one.rep)
    if one.queue is not None:
        return str(one.queue)
    return str(one.get_place_display())
