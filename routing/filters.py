"""Filters that mean the same on a page, in the API and in an export."""

from datetime import date, datetime, time, timedelta

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from reps import access
from reps.models import Rep, User
from routing.models import Assignment, Lead, Queue, RuleSet, Source, Submission
from routing.models.assignment import Reason
from routing.visibility import visible_reps


def _reps(request) -> QuerySet[Rep]:
    return visible_reps(request.user) if request is not None else Rep.objects.none()


def _movers(request) -> QuerySet[User]:
    """Who can have moved a lead: the reps one may see, managers, RevOps and admins."""
    people = User.objects.filter(
        Q(rep__in=_reps(request).values("pk"))
        | Q(groups__name__in=[access.ADMIN, access.MANAGER, access.REVOPS])
        | Q(is_superuser=True)
    )
    return User.objects.filter(pk__in=people.values("pk")).order_by(
        "first_name", "last_name", "username"
    )


class PersonField(filters.fields.ModelChoiceField):
    """People by the name that is shown everywhere."""

    def label_from_instance(self, user: User) -> str:
        return user.label


class PersonFilter(filters.ModelChoiceFilter):
    field_class = PersonField


def day_start(day: date) -> datetime:
    """The instant at which a day begins in the reader's time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def about_person(name: str, text: str) -> Q:
    """Leads (at the other end of `name`) whose person or company has each word somewhere."""
    found = Q()
    for word in text.split()[:8]:
        found &= (
            Q(**{f"{name}prospect__first_name__icontains": word})
            | Q(**{f"{name}prospect__last_name__icontains": word})
            | Q(**{f"{name}prospect__email__icontains": word})
            | Q(**{f"{name}prospect__company__icontains": word})
            | Q(**{f"{name}account__name__icontains": word})
        )
    return found


class AssignmentFilter(filters.FilterSet):
    """Changes of place and owner. Needs the request: only reps it may see can be chosen."""

    since = filters.DateFilter(
        method="from_day",
        label=_("From day"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = filters.DateFilter(
        method="to_day",
        label=_("To day"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    reason = filters.ChoiceFilter(
        field_name="reason_code",
        choices=Reason.choices,
        label=_("Why"),
        empty_label=_("Any reason"),
    )
    from_rep = filters.ModelChoiceFilter(queryset=_reps, label=_("From"), empty_label=_("Anybody"))
    to = filters.ModelChoiceFilter(
        field_name="rep", queryset=_reps, label=_("To"), empty_label=_("Anybody")
    )
    by = PersonFilter(queryset=_movers, label=_("By"), empty_label=_("Anybody"))
    ruleset = filters.ModelChoiceFilter(
        field_name="decision__batch__ruleset",
        queryset=RuleSet.objects.filter(state=RuleSet.State.PUBLISHED),
        label=_("Rule version"),
        empty_label=_("Any version"),
    )
    source = filters.ModelChoiceFilter(
        field_name="lead__source",
        queryset=Source.objects.all(),
        label=_("Source"),
        empty_label=_("Any source"),
    )
    q = filters.CharFilter(method="search", label=_("Person or company"))

    class Meta:
        model = Assignment
        fields: list[str] = []

    def from_day(self, rows: QuerySet, name: str, value: date) -> QuerySet:
        return rows.filter(started_at__gte=day_start(value))

    def to_day(self, rows: QuerySet, name: str, value: date) -> QuerySet:
        return rows.filter(started_at__lt=day_start(value + timedelta(days=1)))

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(about_person("lead__", value))


class LeadFilter(filters.FilterSet):
    """Leads by where they are, how far they are and who they are about."""

    place = filters.ChoiceFilter(choices=Lead.Place.choices)
    state = filters.ChoiceFilter(choices=Lead.State.choices)
    tier = filters.ChoiceFilter(choices=Lead.Tier.choices)
    owner = filters.ModelChoiceFilter(queryset=_reps)
    queue = filters.ModelChoiceFilter(queryset=Queue.objects.all())
    source = filters.ModelChoiceFilter(queryset=Source.objects.all())
    waiting = filters.ChoiceFilter(choices=[c for c in Lead.Waiting.choices if c[0]])
    received_after = filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="gte")
    received_before = filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="lt")
    q = filters.CharFilter(method="search")

    class Meta:
        model = Lead
        fields: list[str] = []

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(about_person("", value))


class SubmissionFilter(filters.FilterSet):
    """What came in, by source."""

    source = filters.ModelChoiceFilter(
        queryset=Source.objects.all(), label=_("Source"), empty_label=_("Any source")
    )

    class Meta:
        model = Submission
        fields: list[str] = []
