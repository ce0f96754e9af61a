"""What the team board and the review show. Reads only; the same queries for 2 rows and 200."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from reps import access, availability
from reps.hours import HoursError, Spans, is_open, next_open
from reps.models import Rep, User
from routing.models import Assignment, Lead, ReassignmentRequest, RepLoad
from routing.models.assignment import Reason
from routing.models.source import Mode
from routing.visibility import requests_to_decide, visible_leads, visible_reps

# Under this share of the time a promise is at risk; the pages' clocks use the same.
AT_RISK = 0.3
# Of the lists on the board, what is shown; the counts are of everything.
LISTED = 60
# How many of the nearest deadlines are looked at to find those at risk.
NEAREST = 400


# --- The team board ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RepNow:
    """One line of the board: a rep, whether they take leads, and what they hold."""

    rep: Rep
    state: str  # taking, full, paused, absent, off
    until: datetime | None
    open: int
    late: int
    last_at: datetime | None

    @property
    def is_taking(self) -> bool:
        return self.state == "taking"


def team(user: User, *, at: datetime) -> list[RepNow]:
    """The active reps whose work a person may see, as they stand at this moment."""
    reps = list(
        visible_reps(user)
        .active()
        .select_related("user", "team", "team__calendar", "calendar")
        .annotate(
            # The last custody by load number: an index holds these in order per rep.
            last_at=Subquery(
                Assignment.objects.filter(rep=OuterRef("pk"), opened_seq__isnull=False)
                .order_by("-opened_seq")
                .values("started_at")[:1]
            )
        )
        .order_by("team__name", "user__first_name", "user__last_name", "user__username", "pk")
    )
    ids = [rep.pk for rep in reps]
    loads = dict(RepLoad.objects.filter(rep__in=ids).values_list("rep_id", "open"))
    late = dict(
        Lead.objects.filter(owner__in=ids, place=Lead.Place.OWNER, due_at__lte=at)
        .values_list("owner_id")
        .annotate(n=Count("pk"))
        .order_by()
    )
    away = availability.absences(ids, since=at)
    rows = []
    for rep in reps:
        held = loads.get(rep.pk, 0)
        state, until = state_of(rep, held=held, away=away.get(rep.pk, ()), at=at)
        rows.append(RepNow(rep, state, until, held, late.get(rep.pk, 0), rep.last_at))
    return rows


def state_of(rep: Rep, *, held: int, away: Spans, at: datetime) -> tuple[str, datetime | None]:
    """Whether a rep takes leads now, and until when not, as far as time alone ends it."""
    if rep.is_paused(at):
        return "paused", rep.paused_until
    now = int(at.timestamp())
    for start, end in away:
        if start <= now < end:
            return "absent", availability.moment(end)
    try:
        calendar = availability.calendar_of(rep, year=at.year)
        if not is_open(calendar, now):
            return "off", availability.moment(next_open(calendar, now))
    except HoursError:
        return "off", None
    return ("full" if held >= rep.capacity else "taking"), None


@dataclass(frozen=True, slots=True)
class AtRisk:
    """Leads whose next promise is late or nearly: the first of them, and how many of each."""

    leads: list[Lead]
    late: int
    risk: int

    @property
    def more(self) -> int:
        return max(0, self.late + self.risk - len(self.leads))


def at_risk(user: User, *, at: datetime) -> AtRisk:
    """Late leads and those with under 30 % of their time left, most urgent first."""
    owned = board_leads(visible_leads(user)).filter(due_at__isnull=False)
    late = owned.filter(due_at__lte=at).count()
    leads = list(
        owned.select_related("prospect", "account", "owner__user", "owner__team", "queue").order_by(
            "due_at", "pk"
        )[:NEAREST]
    )
    near = [lead for lead in leads if lead.due_at > at and is_at_risk(lead, at=at)]
    listed = [lead for lead in leads if lead.due_at <= at] + near
    return AtRisk(leads=listed[:LISTED], late=late, risk=len(near))


def is_at_risk(lead: Lead, *, at: datetime) -> bool:
    """Whether less than 30 % of the time for the next promise is left."""
    whole = lead.due_at - (lead.due_from or at)
    return lead.due_at - at < whole * AT_RISK


def board_leads(leads: QuerySet[Lead]) -> QuerySet[Lead]:
    """The open leads somebody can act on; shadows belong to another system."""
    return leads.filter(place__in=[Lead.Place.OWNER, Lead.Place.QUEUE]).exclude(mode=Mode.SHADOW)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Leads that nobody owns yet: the first of them, and how many there are."""

    leads: list[Lead]
    total: int
    oldest_at: datetime | None

    @property
    def more(self) -> int:
        return max(0, self.total - len(self.leads))


def waiting(user: User) -> Waiting:
    """Leads in queues, those that wait for routing included, hot ones first, then oldest."""
    rows = board_leads(visible_leads(user)).filter(place=Lead.Place.QUEUE)
    oldest = rows.order_by("received_at").values_list("received_at", flat=True).first()
    leads = list(
        rows.select_related(
            "prospect", "account", "queue__pool", "wait_pool", "wait_rep__user"
        ).order_by("-priority", "received_at", "pk")[:LISTED]
    )
    return Waiting(leads=leads, total=rows.count(), oldest_at=oldest)


def why_it_waits(lead: Lead) -> str:
    """Why a lead in a queue has no owner yet, in words."""
    if lead.waiting == Lead.Waiting.NONE:
        if lead.queue.pool_id is None:
            if lead.route_at:
                return _("is being routed")
            return _("in %(queue)s, where nobody claims") % {"queue": lead.queue}
        return _("waits to be claimed from %(queue)s") % {"queue": lead.queue}
    why = lead.get_waiting_display()
    if lead.wait_rep_id:
        return _("%(why)s: it is for %(rep)s") % {"why": why, "rep": lead.wait_rep}
    if lead.wait_pool_id:
        return _("%(why)s, in %(pool)s") % {"why": why, "pool": lead.wait_pool}
    return str(why)


def requests(user: User) -> QuerySet[ReassignmentRequest]:
    """
    The reassignment requests a person may decide, oldest first; their own only if they see
    everything anyway.
    """
    return (
        requests_to_decide(user)
        .select_related(
            "lead__prospect",
            "lead__account",
            "requested_by__user",
            "requested_by__team",
            "wanted__user",
            "answers",
        )
        .order_by("requested_at", "pk")
    )


# --- The review --------------------------------------------------------------------------

WINDOW = timedelta(days=30)
# A change from the initial owner for one of these reasons counts in the reassignment rate
# (requirement INS-2). Claims take a lead from a queue, not from an owner; leavers are shown
# apart; closing, recycling and merging end a hold without correcting it.
COUNTED = (Reason.CORRECTED, Reason.REQUESTED, Reason.DECLINED, Reason.ESCALATED)

TABS: dict[str, tuple[str, ...]] = {
    "all": (),
    "corrections": (Reason.CORRECTED, Reason.REQUESTED),
    "claims": (Reason.CLAIMED,),
    "escalations": (Reason.ESCALATED,),
    "leavers": (Reason.LEAVER,),
}


def changes(user: User) -> QuerySet[Assignment]:
    """Every change of place or owner of the leads a person may see, newest first."""
    rows = Assignment.objects.all()
    if not access.is_revops(user):
        rows = rows.filter(lead__in=visible_leads(user))
    return rows.order_by("-started_at", "-pk")


def with_names(rows: QuerySet[Assignment]) -> QuerySet[Assignment]:
    """Changes with everything that a line of the review says."""
    return rows.select_related(
        "lead__prospect",
        "lead__account",
        "lead__source",
        "from_rep__user",
        "rep__user",
        "queue",
        "by",
        "decision__rule",
        "decision__batch__ruleset",
    )


def tab_counts(rows: QuerySet[Assignment]) -> dict[str, int]:
    """How many changes each tab holds; one statement."""
    return rows.order_by().aggregate(
        **{
            name: Count("pk", filter=Q(reason_code__in=codes)) if codes else Count("pk")
            for name, codes in TABS.items()
        }
    )


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a sample; without a sample there is no share."""

    part: int
    sample: int

    @property
    def percent(self) -> float | None:
        return 100 * self.part / self.sample if self.sample else None


@dataclass(frozen=True, slots=True)
class Figures:
    """
    What the strip over the review says about a period.

    `changes`: leads that left an owner, came to one, or both.
    `reassigned`: of the leads that got their first owner in the period, those that were
    taken from that owner within 30 days, for a reason in `COUNTED`; `maturing` of them may
    still be.
    `leavers`: of the same leads, those moved because their first owner left.
    `claimed`: of the same leads, those whose first owner claimed them.
    `many_owners`: of the same leads, those that have had three owners or more.
    `fallback`: of the placements by a rule in the period, those by a fallback rule.
    """

    changes: int
    reassigned: Share
    maturing: int
    leavers: int
    claimed: int
    many_owners: Share
    fallback: Share


def figures(user: User, *, since: datetime | None, until: datetime | None, at: datetime) -> Figures:
    """
    Work out the figures of [since, until) over the leads a person may see.

    Tests and shadows are left out; an open end is no limit.
    """
    rows = changes(user).filter(lead__mode__in=[Mode.LIVE, Mode.BACKFILL]).order_by()
    period = _within(rows, since, until)
    moves = period.aggregate(
        changes=Count("pk", filter=Q(rep__isnull=False) | Q(from_rep__isnull=False)),
        by_rule=Count("pk", filter=Q(decision__rule__isnull=False)),
        by_fallback=Count("pk", filter=Q(decision__rule__is_fallback=True)),
    )
    first = _within(first_holds(rows), since, until)
    # Custody has no gap, so what ended the first hold is the epoch after it.
    following = Assignment.objects.filter(lead=OuterRef("lead"), epoch=OuterRef("epoch") + 1)
    holds = first.annotate(ended_by=Subquery(following.values("reason_code")[:1]))
    in_time = Q(ended_at__lte=F("started_at") + WINDOW)
    counted = holds.aggregate(
        sample=Count("pk"),
        reassigned=Count("pk", filter=Q(ended_by__in=COUNTED) & in_time),
        leavers=Count("pk", filter=Q(ended_by=Reason.LEAVER) & in_time),
        claimed=Count("pk", filter=Q(reason_code=Reason.CLAIMED)),
        maturing=Count("pk", filter=Q(ended_at__isnull=True, started_at__gt=at - WINDOW)),
    )
    many = (
        Assignment.objects.filter(lead__in=first.values("lead"), rep__isnull=False)
        .values("lead")
        .annotate(owners=Count("rep", distinct=True))
        .filter(owners__gte=3)
        .order_by()
        .count()
    )
    return Figures(
        changes=moves["changes"],
        reassigned=Share(counted["reassigned"], counted["sample"]),
        maturing=counted["maturing"],
        leavers=counted["leavers"],
        claimed=counted["claimed"],
        many_owners=Share(many, counted["sample"]),
        fallback=Share(moves["by_fallback"], moves["by_rule"]),
    )


def first_holds(rows: QuerySet[Assignment]) -> QuerySet[Assignment]:
    """Of each lead, the custody of its first owner."""
    earlier = Assignment.objects.filter(
        lead=OuterRef("lead"), place=Lead.Place.OWNER, epoch__lt=OuterRef("epoch")
    )
    return rows.filter(place=Lead.Place.OWNER).exclude(Exists(earlier))


def _within(
    rows: QuerySet[Assignment], since: datetime | None, until: datetime | None
) -> QuerySet[Assignment]:
    if since is not None:
        rows = rows.filter(started_at__gte=since)
    if until is not None:
        rows = rows.filter(started_at__lt=until)
    return rows


# --- Leads chosen on the board -----------------------------------------------------------


def chosen(user: User, picks: Sequence[str]) -> tuple[list[Lead], dict[int, int]]:
    """
    Read picks of the form "lead:epoch" as a page sends them: the leads that the person may
    move, and the epoch they saw of each. What they may not see is not there.
    """
    epochs: dict[int, int] = {}
    for pick in picks[:500]:
        pk, _colon, epoch = pick.partition(":")
        if pk.isdecimal() and epoch.isdecimal() and len(pk) < 19 and len(epoch) < 10:
            epochs[int(pk)] = int(epoch)
    leads = list(
        visible_leads(user)
        .filter(pk__in=list(epochs))
        .open()
        .select_related("prospect", "account", "owner__user", "queue")
        .order_by("pk")
    )
    return leads, {lead.pk: epochs[lead.pk] for lead in leads}


def room(rep_ids: Iterable[int]) -> dict[int, int]:
    """How many open leads these reps hold."""
    return dict(RepLoad.objects.filter(rep__in=list(rep_ids)).values_list("rep_id", "open"))
