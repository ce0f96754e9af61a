"""Tables as downloads: streamed, whole, safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse

# What a spreadsheet takes for the start of a formula.
STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_safe(value: Any) -> Any:
    """A cell that no spreadsheet runs: a text that would be a formula gets a quote before it."""
    if isinstance(value, str) and value.startswith(STARTS_A_FORMULA):
        return f"'{value}"
    return value


def as_written(text: str) -> str:
    """A cell as it was before `csv_safe`, so that what was exported can be read back."""
    if text[:1] == "'" and text[1:].startswith(STARTS_A_FORMULA):
        return text[1:]
    return text


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
