"""Which leads a person may see. The only place that decides it (design rule 11)."""

from django.db.models import Q, QuerySet

from reps import access
from reps.models import Rep, User
from routing.models import Lead, Queue


def visible_leads(user: User) -> QuerySet[Lead]:
    """
    The leads that a person may see; pages, API, admin, exports, counts, history and
    messages all start from here.

    Admins and RevOps see all; managers those of their teams, and those that wait where
    nobody owns them yet; reps their own. What a rep may claim is
    `routing.work.claimable`, which shows no person.
    """
    leads = Lead.objects.all()
    if not user.is_active:
        return leads.none()
    if access.is_revops(user):
        return leads
    seen = Q(owner__user=user)
    if access.is_manager(user):
        teams = access.teams_of(user)
        queues = Queue.objects.filter(Q(pool__isnull=True) | Q(pool__members__rep__team__in=teams))
        seen |= Q(owner__team__in=teams) | Q(place=Lead.Place.QUEUE, queue__in=queues)
        # What a team let rest or closed stays in sight of whoever manages the team.
        seen |= Q(owner__isnull=True, former_owner__team__in=teams)
        seen |= Q(place__in=[Lead.Place.NURTURE, Lead.Place.REVIEW], former_owner__isnull=True)
        return leads.filter(pk__in=leads.filter(seen).values("pk"))
    return leads.filter(seen)


def visible_reps(user: User) -> QuerySet[Rep]:
    """The reps whose work a person may see: all, those of their teams, or themselves."""
    reps = Rep.objects.select_related("user", "team")
    if access.is_revops(user):
        return reps
    if access.is_manager(user):
        return reps.filter(Q(team__in=access.teams_of(user)) | Q(user=user))
    return reps.filter(user=user)


def may_move(user: User, lead: Lead) -> bool:
    """Whether a person may give this lead to somebody else by hand."""
    if access.is_revops(user):
        return True
    return access.is_manager(user) and visible_leads(user).filter(pk=lead.pk).exists()
