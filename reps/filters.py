"""Which messages: the same for everybody who looks at the outbox."""

from datetime import timedelta

import django_filters as filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from reps.models import Delivery, Message
from reps.post import channels, kinds

HOURS = {"hour": 1, "day": 24, "week": 7 * 24}


def _channels() -> list[tuple[str, str]]:
    return [(channel.name, channel.label) for channel in channels.ALL]


def _kinds() -> list[tuple[str, str]]:
    return [(name, kinds.label_of(name)) for name in kinds.names()]


class MessageFilter(filters.FilterSet):
    """Messages by person, channel tried, kind, urgency and age at the moment `at`."""

    person = filters.CharFilter(method="to_person", label=_("Person"))
    channel = filters.ChoiceFilter(
        method="by_channel", choices=_channels, label=_("Channel"), empty_label=_("Any channel")
    )
    kind = filters.ChoiceFilter(choices=_kinds, label=_("Kind"), empty_label=_("Any kind"))
    urgent = filters.ChoiceFilter(
        field_name="urgent",
        choices=[("True", _("Urgent")), ("False", _("Not urgent"))],
        label=_("Urgency"),
        empty_label=_("Any urgency"),
    )
    age = filters.ChoiceFilter(
        method="of_age",
        choices=[
            ("hour", _("the last hour")),
            ("day", _("the last day")),
            ("week", _("the last week")),
            ("older", _("older than a week")),
        ],
        label=_("Written"),
        empty_label=_("Any time"),
    )

    class Meta:
        model = Message
        fields: list[str] = []

    def __init__(self, *args, at, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.at = at

    def to_person(self, rows: QuerySet[Message], name: str, value: str) -> QuerySet[Message]:
        for word in value.split()[:4]:
            rows = rows.filter(
                Q(recipient__username__icontains=word)
                | Q(recipient__first_name__icontains=word)
                | Q(recipient__last_name__icontains=word)
            )
        return rows

    def by_channel(self, rows: QuerySet[Message], name: str, value: str) -> QuerySet[Message]:
        return rows.filter(Exists(Delivery.objects.filter(message=OuterRef("pk"), channel=value)))

    def of_age(self, rows: QuerySet[Message], name: str, value: str) -> QuerySet[Message]:
        hours = HOURS.get(value)
        if hours is None:
            return rows.filter(created_at__lt=self.at - timedelta(days=7))
        return rows.filter(created_at__gte=self.at - timedelta(hours=hours))
