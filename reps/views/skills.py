"""The catalogue of skills."""

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _

from reps import trail
from reps.due.clock import database_now
from reps.forms import SkillForm
from reps.models import Skill
from reps.views.gates import set_up_only


@set_up_only
def skill_list(request: HttpRequest) -> HttpResponse:
    """What a lead may need, how many have it, and whose level is due for another look."""
    today = database_now().date()
    skills = Skill.objects.annotate(
        held=Count("holders", filter=Q(holders__rep__is_active=True)),
        stale=Count(
            "holders", filter=Q(holders__rep__is_active=True, holders__review_on__lt=today)
        ),
    )
    return TemplateResponse(request, "reps/skills.html", {"skills": skills})


@set_up_only
def skill_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a skill; its key stays, for rules name it."""
    row = None if pk is None else get_object_or_404(Skill, pk=pk)
    form = SkillForm(request.POST or None, instance=row)
    if row is not None:
        form.fields["slug"].disabled = True
    if request.method == "POST" and form.is_valid():
        trail.save(
            form.instance, by=request.user, at=database_now(), reason="edited" if pk else "created"
        )
        messages.success(request, _("Saved the skill %(skill)s.") % {"skill": form.instance})
        return redirect("skills")
    return TemplateResponse(request, "reps/skill.html", {"form": form, "skill": row})


urlpatterns = [
    path("people/skills/", skill_list, name="skills"),
    path("people/skills/new/", skill_edit, name="skill_add"),
    path("people/skills/<int:pk>/", skill_edit, name="skill"),
]
