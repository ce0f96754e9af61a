"""Which leads a person may see. The only place that decides it (design rule 11)."""

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import AccountOwner, Opportunity
from reps import access
from reps.models import Rep, User
from reps.presence import stands_in_for
from routing.models import (
    Assignment,
    Dispute,
    Lead,
    MatchReview,
    Queue,
    ReassignmentRequest,
)


def visible_leads(user: User) -> QuerySet[Lead]:
    """
    The leads that a person may see; pages, API, admin, exports, counts, history and
    messages all start from here.

    Admins and RevOps see all; managers those of their teams, and those that wait where
    nobody owns them yet; reps their own. Whoever stands in for a manager who is away sees
    what that manager sees of the team, and whoever is to decide a request sees its lead. What
    a rep may claim is `routing.work.claimable`, which shows no person.
    """
    leads = Lead.objects.of_people()
    if not user.is_active:
        return leads.none()
    if access.is_revops(user):
        return leads
    seen = Q(owner__user=user)
    asked = ReassignmentRequest.objects.filter(
        answers=user, state=ReassignmentRequest.State.PENDING
    ).values_list("lead_id", flat=True)
    is_manager, teams = access.is_manager(user), teams_answered_for(user)
    if not is_manager and not teams:
        # Read apart: as a part of the condition it would keep the index of owners from use.
        to_decide = list(asked)
        return leads.filter(seen | Q(pk__in=to_decide)) if to_decide else leads.filter(seen)
    seen |= Q(pk__in=asked)
    queues = Queue.objects.filter(Q(pool__isnull=True) | Q(pool__members__rep__team__in=teams))
    seen |= Q(owner__team__in=teams) | Q(place=Lead.Place.QUEUE, queue__in=queues)
    # What a team let rest or closed stays in sight of whoever manages the team.
    seen |= Q(owner__isnull=True, former_owner__team__in=teams)
    seen |= Q(place__in=[Lead.Place.NURTURE, Lead.Place.REVIEW], former_owner__isnull=True)
    return leads.filter(pk__in=leads.filter(seen).values("pk"))


def teams_answered_for(user: User) -> set[int]:
    """
    The teams that a person manages, or stands in for while their manager is away, with those
    below them.

    Who may look is no deadline, so this host's clock will do, and saves a statement.
    """
    stood_in = stands_in_for(user, timezone.now())
    if access.is_manager(user):
        return access.teams_of(user, also=stood_in)
    return access.teams_of(user, also=stood_in) if stood_in else set()


def visible_reps(user: User) -> QuerySet[Rep]:
    """
    The reps whose work a person may see: all, those of the teams they answer for, or themselves.
    """
    reps = Rep.objects.select_related("user", "team")
    if access.is_revops(user):
        return reps
    teams = teams_answered_for(user)
    return reps.filter(Q(team__in=teams) | Q(user=user)) if teams else reps.filter(user=user)


def requests_to_decide(user: User) -> QuerySet[ReassignmentRequest]:
    """
    The requests for reassignment that a person may decide now: those that ask them, those of
    the teams they answer for, all of them if they see everything; else never their own.
    """
    pending = ReassignmentRequest.objects.filter(state=ReassignmentRequest.State.PENDING)
    if not user.is_active:
        return pending.none()
    if access.is_revops(user):
        return pending
    # Their leads are in sight: those of a team's reps, and those that one is asked about.
    teams = teams_answered_for(user)
    theirs = Q(answers=user) | Q(requested_by__team__in=teams)
    return pending.filter(theirs).exclude(requested_by__user=user)


def visible_reviews(user: User) -> QuerySet[MatchReview]:
    """The reviews of matches that a manager or RevOps may see and decide: of leads they see."""
    reviews = MatchReview.objects.all()
    if not access.may_set_up(user):
        return reviews.none()
    return reviews.filter(lead__in=visible_leads(user).order_by().values("pk"))


def visible_disputes(user: User) -> QuerySet[Dispute]:
    """
    The disputes that a person may see: those that they opened, that are about what they claim
    or hold, that they decide, and those of the teams they answer for. RevOps sees all.
    """
    disputes = Dispute.objects.all()
    if not user.is_active:
        return disputes.none()
    if access.is_revops(user):
        return disputes
    seen = Q(opened_by=user) | Q(claimant__user=user) | Q(holder__user=user) | Q(decider=user)
    teams = teams_answered_for(user)
    if teams:
        seen |= Q(claimant__team__in=teams) | Q(holder__team__in=teams)
    return disputes.filter(seen)


def contestable_leads(user: User) -> QuerySet[Lead]:
    """
    The open leads that a person may contest, for themselves or for reps of the teams they answer
    for: those that they see, and, of which they are told no more than the company, those that one
    of these reps held before and those of companies that one owns or has an open deal with.
    """
    leads = Lead.objects.of_people().filter(place__in=[Lead.Place.OWNER, Lead.Place.QUEUE])
    if not user.is_active:
        return leads.none()
    if access.is_revops(user):
        return leads
    reps = visible_reps(user).order_by().values("pk")
    today = timezone.now().date()
    named = AccountOwner.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gt=today), rep__in=reps, starts_on__lte=today
    ).values("account")
    deals = Opportunity.objects.filter(owner__in=reps, state=Opportunity.State.OPEN)
    seen = Q(pk__in=visible_leads(user).order_by().values("pk"))
    seen |= Q(pk__in=Assignment.objects.filter(rep__in=reps).values("lead"))
    seen |= Q(account__in=named) | Q(account__parent__in=named)
    seen |= Q(account__in=deals.values("account"))
    return leads.filter(pk__in=leads.filter(seen).values("pk"))


def may_move(user: User, lead: Lead) -> bool:
    """Whether a person may give this lead to somebody else by hand."""
    if access.is_revops(user):
        return True
    return access.is_manager(user) and visible_leads(user).filter(pk=lead.pk).exists()
