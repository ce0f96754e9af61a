"""People: teams, reps, what each can do, and when they are away."""

from django.contrib import messages
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps import access, outlook, trail
from reps.due.clock import database_now
from reps.forms import NewRepForm, PauseForm, RepForm, RepSkillForm, TeamForm
from reps.models import Absence, CalendarFeed, Rep, RepSkill, Team, User
from reps.services import invitations, people
from reps.services.absences import open_leads
from reps.services.people import PeopleRefused
from reps.views import absences, calendars, feeds, me, my_channels, skills
from reps.views.absences import new_form, upcoming
from reps.views.gates import set_up_only


def reps_of(user: User) -> QuerySet[Rep]:
    """The reps whose settings a person may change."""
    reps = Rep.objects.select_related("user", "team", "calendar", "team__calendar", "backup__user")
    if access.is_revops(user):
        return reps
    return reps.filter(team__in=access.teams_of(user))


def teams_for(user: User) -> QuerySet[Team]:
    """The teams that a person may change."""
    teams = Team.objects.all()
    return teams if access.is_revops(user) else teams.filter(pk__in=access.teams_of(user))


@set_up_only
def people_list(request: HttpRequest) -> HttpResponse:
    """Teams and reps, with load and state."""
    at = database_now()
    reps = (
        reps_of(request.user)
        .select_related("load")
        .prefetch_related(
            Prefetch("skills", RepSkill.objects.select_related("skill")),
            Prefetch("absences", Absence.objects.filter(starts_at__lte=at, ends_at__gt=at)),
        )
    )
    everyone = request.GET.get("who") == "all"
    query = request.GET.get("q", "").replace("\x00", "").strip()
    if not everyone:
        reps = reps.filter(is_active=True)
    if query:
        reps = reps.filter(
            Q(user__first_name__icontains=query)
            | Q(user__last_name__icontains=query)
            | Q(user__username__icontains=query)
            | Q(team__name__icontains=query)
        )
    teams = (
        teams_for(request.user)
        .select_related("parent", "manager", "calendar")
        .annotate(size=Count("reps", filter=Q(reps__is_active=True)))
    )
    return TemplateResponse(
        request,
        "reps/people.html",
        {
            "at": at,
            "rows": [
                {"rep": rep, "load": open_leads(rep), "state": state_of(rep, at)} for rep in reps
            ],
            "teams": teams,
            "everyone": everyone,
            "query": query,
        },
    )


def state_of(rep: Rep, at) -> tuple[str, str]:
    """(words, colour) for what a rep does at the moment."""
    if not rep.is_active:
        return _("Left"), ""
    if rep.is_paused(at):
        return _("Paused"), "paused"
    if list(rep.absences.all()):
        return _("Away"), "risk"
    return _("Takes leads"), "ok"


@set_up_only
def rep_add(request: HttpRequest) -> HttpResponse:
    """Add a person who can own leads, and invite them."""
    if not teams_for(request.user).exists():
        messages.info(request, _("First make a team, so that the rep belongs somewhere."))
        return redirect("team_add")
    form = NewRepForm(request.POST or None, by=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            rep = people.add_rep(**form.cleaned_data, by=request.user, at=database_now())
        except PeopleRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(
                request, _("%(rep)s is in the team and has been invited.") % {"rep": rep}
            )
            return redirect("rep", rep.pk)
    first = ("first_name", "last_name", "email", "username")
    return TemplateResponse(
        request,
        "reps/rep_add.html",
        {
            "form": form,
            "who": [form[name] for name in first],
            "work": [field for field in form if field.name not in first],
        },
    )


@set_up_only
def rep_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One rep: settings, skills, absences, pause."""
    rep = get_object_or_404(reps_of(request.user).select_related("load"), pk=pk)
    at = database_now()
    form = RepForm(request.POST or None, by=request.user, rep=rep)
    if request.method == "POST" and form.is_valid():
        try:
            people.change_rep(rep=rep, changes=form.cleaned_data, by=request.user, at=at)
        except PeopleRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Saved %(rep)s.") % {"rep": rep})
            return redirect("rep", pk)
    return _rep_page(request, rep, at=at, form=form)


def _rep_page(request: HttpRequest, rep: Rep, *, at, **forms) -> HttpResponse:
    waiting = rep.is_active and not rep.user.has_usable_password()
    path_to_password = invitations.path_for(rep.user) if waiting else ""
    context = {
        "at": at,
        "rep": rep,
        "load": open_leads(rep),
        "state": state_of(rep, at),
        "paused": rep.is_paused(at),
        "form": RepForm(by=request.user, rep=rep),
        "pause_form": PauseForm(prefix="pause"),
        "absence_form": new_form(rep, at),
        "feed": CalendarFeed.objects.filter(rep=rep).first(),
        "week": outlook.week(rep, at=at, zone=timezone.get_current_timezone()),
        "skill_form": RepSkillForm(),
        "skills": rep.skills.select_related("skill"),
        "absences": upcoming(rep, at),
        "invitation": request.build_absolute_uri(path_to_password) if waiting else "",
        "today": at.date(),
    }
    status = 422 if any(form.errors for form in forms.values()) else 200
    return TemplateResponse(request, "reps/rep.html", {**context, **forms}, status=status)


@require_POST
@set_up_only
def rep_pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop giving a rep new leads."""
    rep = get_object_or_404(reps_of(request.user), pk=pk)
    at = database_now()
    form = PauseForm(request.POST, prefix="pause")
    if form.is_valid():
        try:
            people.pause(rep=rep, **form.cleaned_data, by=request.user, at=at)
        except PeopleRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("%(rep)s gets no new leads for now.") % {"rep": rep})
            return redirect("rep", pk)
    return _rep_page(request, rep, at=at, pause_form=form)


@require_POST
@set_up_only
def rep_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a paused rep leads again."""
    rep = get_object_or_404(reps_of(request.user), pk=pk)
    people.resume(rep=rep, by=request.user, at=database_now())
    messages.success(request, _("%(rep)s gets leads again.") % {"rep": rep})
    return redirect("rep", pk)


@require_POST
@set_up_only
def rep_return(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a rep who had left back in."""
    rep = get_object_or_404(reps_of(request.user), pk=pk)
    people.reactivate(rep=rep, by=request.user, at=database_now())
    messages.success(request, _("%(rep)s is back and gets leads again.") % {"rep": rep})
    return redirect("rep", pk)


@require_POST
@set_up_only
def rep_invite(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the invitation once more."""
    rep = get_object_or_404(reps_of(request.user), pk=pk)
    if rep.user.has_usable_password():
        messages.warning(request, _("%(rep)s has a password already.") % {"rep": rep})
    else:
        invitations.invite(user=rep.user, by=request.user, at=database_now())
        messages.success(request, _("Another invitation is on its way to %(rep)s.") % {"rep": rep})
    return redirect("rep", pk)


# --- Skills of a rep ---------------------------------------------------------------------


@require_POST
@set_up_only
def rep_skill(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that a rep has a skill, or change how well."""
    rep = get_object_or_404(reps_of(request.user), pk=pk)
    at = database_now()
    form = RepSkillForm(request.POST)
    if not form.is_valid():
        return _rep_page(request, rep, at=at, skill_form=form)
    people.set_skill(rep=rep, **form.cleaned_data, by=request.user, at=at)
    messages.success(request, _("Saved the skills of %(rep)s.") % {"rep": rep})
    return redirect("rep", pk)


@require_POST
@set_up_only
def rep_skill_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that a rep has a skill no more."""
    held = get_object_or_404(RepSkill.objects.filter(rep__in=reps_of(request.user)), pk=pk)
    trail.delete(held, by=request.user, at=database_now(), reason="taken off")
    messages.success(request, _("Taken off."))
    return redirect("rep", held.rep_id)


# --- Teams -------------------------------------------------------------------------------


@set_up_only
def team_add(request: HttpRequest) -> HttpResponse:
    """Make a team; a manager's first team is theirs."""
    leads_none = not access.is_revops(request.user) and not access.teams_of(request.user)
    team = Team(manager=request.user if access.is_manager(request.user) else None)
    form = TeamForm(request.POST or None, by=request.user, instance=team)
    if request.method == "POST" and form.is_valid():
        made = form.instance
        if not access.is_revops(request.user) and (leads_none or made.parent is None):
            # Or they would make a team that they may not touch.
            made.manager = request.user
        trail.save(made, by=request.user, at=database_now(), reason="created")
        messages.success(request, _("Made the team %(team)s.") % {"team": made})
        return redirect("people")
    return TemplateResponse(
        request, "reps/team.html", {"form": form, "team": None, "first": leads_none}
    )


@set_up_only
def team_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a team's name, manager, hours or place."""
    team = get_object_or_404(teams_for(request.user), pk=pk)
    form = TeamForm(request.POST or None, by=request.user, instance=team)
    if request.method == "POST" and form.is_valid():
        trail.save(form.instance, by=request.user, at=database_now(), reason="edited")
        messages.success(request, _("Saved the team %(team)s.") % {"team": team})
        return redirect("people")
    return TemplateResponse(request, "reps/team.html", {"form": form, "team": team})


urlpatterns = [
    path("people/", people_list, name="people"),
    path("people/new/", rep_add, name="rep_add"),
    path("people/reps/<int:pk>/", rep_detail, name="rep"),
    path("people/reps/<int:pk>/pause/", rep_pause, name="rep_pause"),
    path("people/reps/<int:pk>/resume/", rep_resume, name="rep_resume"),
    path("people/reps/<int:pk>/return/", rep_return, name="rep_return"),
    path("people/reps/<int:pk>/invite/", rep_invite, name="rep_invite"),
    path("people/reps/<int:pk>/skills/", rep_skill, name="rep_skill"),
    path("people/rep-skills/<int:pk>/drop/", rep_skill_drop, name="rep_skill_drop"),
    path("people/teams/new/", team_add, name="team_add"),
    path("people/teams/<int:pk>/", team_edit, name="team"),
    *calendars.urlpatterns,
    *skills.urlpatterns,
    *me.urlpatterns,
    *my_channels.urlpatterns,
    *absences.urlpatterns,
    *feeds.urlpatterns,
]
