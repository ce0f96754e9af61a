"""Tables that leave the product: streamed, whole, safe to open in a spreadsheet, on record."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import StreamingHttpResponse

from reps import trail
from reps.models import User
from routing.models import Organisation

# What a spreadsheet takes for the start of a formula.
STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_safe(value: Any) -> Any:
    """A cell that no spreadsheet runs: a text that would be a formula gets a quote before it."""
    if isinstance(value, str) and value.startswith(STARTS_A_FORMULA):
        return f"'{value}"
    return value


class _Echo:
    """A file that hands back what is written, so that rows can leave one by one."""

    def write(self, value: str) -> str:
        return value


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Write rows as CSV, one at a time, with every cell safe."""
    writer = csv.writer(_Echo())
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow([csv_safe(cell) for cell in row])


def csv_response(
    name: str, header: Iterable[str], rows: Iterable[Iterable[Any]]
) -> StreamingHttpResponse:
    """Stream a table as a download; nothing is held in memory, so there is no row limit."""
    return StreamingHttpResponse(
        csv_lines(header, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


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
