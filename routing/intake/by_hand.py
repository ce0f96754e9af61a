"""Leads that people of the organisation enter themselves."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from reps import trail
from reps.models import User
from routing.intake import doors
from routing.models import Source

SLUG = "manual"


@transaction.atomic
def receive(*, fields: Mapping[str, Any], key: str, by: User, at: datetime) -> doors.Receipt:
    """
    Take in a lead entered by hand, through the door that every lead comes through.

    :raises routing.intake.doors.DoorRefused: as that door does
    """
    return doors.receive(
        source=_source(by=by, at=at),
        raw=json.dumps(dict(fields), ensure_ascii=False).encode(),
        content_type="application/json",
        key=key,
        at=at,
        by=by,
    )


def _source(*, by: User, at: datetime) -> Source:
    found = Source.objects.filter(slug=SLUG).first()
    if found is None:
        found = Source(slug=SLUG, name="Entered by hand", channel=Source.Channel.MANUAL)
        trail.save(found, by=by, at=at, reason="first lead by hand")
    return found
