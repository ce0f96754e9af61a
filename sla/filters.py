"""Whose promises, and which: the same for page, API and export."""

import django_filters as filters
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from reps.models import Rep, Team
from routing.models import Lead
from routing.visibility import visible_reps
from sla.models import Clock, Policy


def _reps(request) -> QuerySet[Rep]:
    return visible_reps(request.user) if request is not None else Rep.objects.none()


def _teams(request) -> QuerySet[Team]:
    return Team.objects.filter(pk__in=_reps(request).order_by().values("team"))


class PromisedFilter(filters.FilterSet):
    """Leads by who holds them and what is promised. Only whom the reader may see can be chosen."""

    team = filters.ModelChoiceFilter(
        field_name="owner__team", queryset=_teams, label=_("Team"), empty_label=_("Any team")
    )
    rep = filters.ModelChoiceFilter(
        field_name="owner", queryset=_reps, label=_("Rep"), empty_label=_("Anybody")
    )
    metric = filters.ChoiceFilter(
        method="promised",
        choices=Policy.Metric.choices,
        label=_("Promise"),
        empty_label=_("Any promise"),
    )

    class Meta:
        model = Lead
        fields: list[str] = []

    def promised(self, leads: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        running = Clock.objects.filter(lead=OuterRef("pk"), metric=value, state=Clock.State.RUNNING)
        return leads.filter(Exists(running))

    @property
    def metric_chosen(self) -> str:
        """The promise asked for, "" for any."""
        return (self.form.cleaned_data.get("metric") or "") if self.form.is_valid() else ""
