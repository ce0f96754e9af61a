"""Tables that leave the product are on record; how they are written is `reps.downloads`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from reps import trail
from reps.downloads import csv_lines, csv_response, csv_safe
from reps.models import User
from routing.models import Organisation

__all__ = ["csv_lines", "csv_response", "csv_safe", "note_export"]


@transaction.atomic
def note_export(*, what: str, filters: Mapping[str, Any], by: User, at: datetime) -> None:
    """
    Put on record who took which table out. `filters` must hold no personal data.

    :raises routing.models.desk.NotSetUp: before there is an organisation to note it on
    """
    Organisation.get()
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=1)
    trail.note(
        organisation,
        kind="exported",
        by=by,
        at=at,
        reason_code=what,
        data={"what": what, "filters": dict(filters)},
    )
