"""Tell the admins of an alarm, once each, in the transaction that raised it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.dispatch import receiver
from django.urls import reverse
from django.utils.translation import gettext_lazy

from reps import access, signals
from reps.models import Alarm, Message, User
from reps.post import deliver, kinds, outbox
from reps.post.kinds import Text


@receiver(signals.alarm_raised, dispatch_uid="reps.tell_of_alarm")
def tell(*, alarm: Alarm, at: datetime, **kwargs: Any) -> None:
    admins = User.objects.filter(
        Q(is_superuser=True) | Q(groups__name=access.ADMIN), is_active=True
    ).distinct()
    outbox.put(
        [
            outbox.Draft(
                key=f"alarm-{alarm.pk}-{user}",
                kind=deliver.ALARM,
                to=user,
                payload={"alarm": alarm.pk},
                urgent=True,
            )
            for user in admins.order_by("pk").values_list("pk", flat=True)
        ],
        at=at,
    )


def _text(message: Message) -> Text:
    alarm = Alarm.objects.get(pk=message.payload["alarm"])
    return Text(
        subject=f"Alarm: {alarm.text}",
        body="Something needs a look. It clears by itself when it is right again.",
        facts=[("Alarm", alarm.key), ("Since", kinds.clock_time(alarm.since))],
        url=settings.BASE_URL + reverse("operations"),
        action="Look at the operations",
    )


def _still_wanted(message: Message) -> bool:
    return Alarm.objects.filter(pk=message.payload["alarm"], cleared_at__isnull=True).exists()


def _lines(messages: Sequence[Message], reader: User) -> Mapping[int, str]:
    alarms = Alarm.objects.in_bulk([message.payload["alarm"] for message in messages])
    return {
        message.pk: alarms[message.payload["alarm"]].text
        for message in messages
        if message.payload["alarm"] in alarms
    }


kinds.register(
    kinds.Kind(deliver.ALARM, _text, _still_wanted, _lines, alone=True, title=gettext_lazy("Alarm"))
)
