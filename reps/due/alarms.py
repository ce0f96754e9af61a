"""
What a person should know is wrong: one open row per key, told once, gone when it is right again.

Telling is the business of `reps.post`, which hears of every new alarm in its transaction.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction

from reps import signals
from reps.models import Alarm

LONGEST = 500


@transaction.atomic
def raise_(key: str, text: str, *, at: datetime) -> bool:
    """Say that something is wrong; True if it is news. What is known is seen again."""
    row, is_new = Alarm.objects.get_or_create(
        key=key,
        cleared_at__isnull=True,
        defaults={"text": text[:LONGEST], "since": at, "seen_at": at},
    )
    if is_new:
        signals.alarm_raised.send(sender=Alarm, alarm=row, at=at)
    else:
        Alarm.objects.filter(pk=row.pk).update(text=text[:LONGEST], seen_at=at)
    return is_new


def clear(key: str, *, at: datetime) -> bool:
    """Say that something is right again; False if nobody thought otherwise."""
    return bool(Alarm.objects.filter(key=key, cleared_at__isnull=True).update(cleared_at=at))


def settle(found: Mapping[str, str], *, about: Collection[str], at: datetime) -> None:
    """
    Raise what was found wrong (key → text), and clear whatever else was about the same.

    Keys are `about/which`, such as `silent/sweep`; only those `about` these are cleared.
    """
    for key, text in found.items():
        raise_(key, text, at=at)
    for key in open_alarms().values_list("key", flat=True):
        if key.partition("/")[0] in about and key not in found:
            clear(key, at=at)


def open_alarms():
    """What is wrong now, the newest first."""
    return Alarm.objects.filter(cleared_at__isnull=True)
