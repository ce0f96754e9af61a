"""
Read the tables that people hand in, CSV or XLSX, without trusting them.

Rows come one at a time, each with the number a spreadsheet would show beside it. Lives in
`reps`, the lowest app, because reps, accounts and leads are all imported from such files.
"""

import csv
import io
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from typing import Any

from openpyxl import load_workbook

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 100_000
MOST_COLUMNS = 200
# What a compressed file may grow to: real sheets compress well, bombs a thousandfold.
MOST_UNPACKED = 300 * 1024 * 1024
MOST_RATIO = 200
SMALL_ENOUGH = 10 * 1024 * 1024
DELIMITERS = ",;\t|"
# Empty rows between full ones are skipped, but not without end.
MOST_EMPTY_ROWS = 10_000
ROW = "#"


class BadFile(ValueError):
    """The file cannot be read; the message names the file, the place and the way out."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: its number in the file (the header is 1) and column → text."""

    number: int
    cells: dict[str, str] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A file with its header read; iterating reads the rows, as often as wanted."""

    name: str
    columns: tuple[str, ...]
    content: bytes
    is_sheet: bool = False
    delimiter: str = ","

    def __iter__(self) -> Iterator[Row]:
        records = _sheet(self.name, self.content) if self.is_sheet else self._csv()
        next(records)
        full = 0
        for number, cells in records:
            if not any(cells):
                continue
            full += 1
            if full > MOST_ROWS:
                raise BadFile(
                    f"{self.name} has more than {MOST_ROWS:,} rows; split it into several files."
                )
            yield _row(number, cells, self.columns)

    def _csv(self) -> Iterator[tuple[int, list[str]]]:
        return _csv(self.name, _text(self.name, self.content), self.delimiter)


def read(name: str, content: bytes) -> Table:
    """
    Open a file by its content and read its header.

    :raises BadFile: if it is too large, no table, or has no usable header
    """
    if len(content) > MOST_BYTES:
        raise BadFile(
            f"{name} is larger than {MOST_BYTES // 1024 // 1024} MB; split it into several files."
        )
    if not content.strip():
        raise BadFile(f"{name} is empty.")
    if content[:4] == b"PK\x03\x04":
        header = next(_sheet(name, content), None)
        return Table(name, _header(name, header), content, is_sheet=True)
    if content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise BadFile(f"{name} is an old or encrypted Excel file; save it as .xlsx or as CSV.")
    text = _text(name, content)
    delimiter = _delimiter(text)
    header = next(_csv(name, text, delimiter), None)
    return Table(name, _header(name, header), content, delimiter=delimiter)


def pack(table: Table) -> tuple[bytes, int]:
    """
    Return a table as plain CSV with the row numbers in front, and how many rows it has.

    From this form any row is found quickly, whatever the file was.

    :raises BadFile: if a row cannot be read
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([ROW, *table.columns])
    rows = [[row.number, *(row.cells[name] for name in table.columns)] for row in table]
    writer.writerows(rows)
    # A surrogate cannot come from UTF-8, but may come from a sheet; intake names it.
    return out.getvalue().encode("utf-8", "surrogatepass"), len(rows)


def unpack(content: bytes, *, start: int = 0, most: int | None = None) -> Iterator[Row]:
    """Yield the rows of a packed table from the one at place `start` on; none if it is emptied."""
    reader = csv.reader(io.StringIO(content.decode("utf-8", "surrogatepass"), newline=""))
    columns = next(reader, [ROW])[1:]
    stop = None if most is None else start + most
    for number, *cells in islice(reader, start, stop):
        yield Row(int(number), dict(zip(columns, cells, strict=True)))


def without(content: bytes, numbers: Collection[int]) -> bytes:
    """Return a packed table with these rows empty, each still in its place."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    reader = csv.reader(io.StringIO(content.decode("utf-8", "surrogatepass"), newline=""))
    writer.writerow(next(reader))
    for number, *cells in reader:
        writer.writerow([number, *([""] * len(cells) if int(number) in numbers else cells)])
    return out.getvalue().encode("utf-8", "surrogatepass")


def columns_of(content: bytes) -> tuple[str, ...]:
    """The columns of a packed table."""
    line = io.StringIO(content.decode("utf-8", "surrogatepass"), newline="")
    return tuple(next(csv.reader(line), [ROW])[1:])


# A cell longer than this is a mistake, such as a quote that never ends.
csv.field_size_limit(131_072)


def _text(name: str, content: bytes) -> str:
    is_utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadFile(
            f"{name}, line {line}: not UTF-8 text. Save the file as “CSV UTF-8”."
        ) from error


def _delimiter(text: str) -> str:
    """The character that parts the header into the most columns."""
    line = text.lstrip("\r\n").split("\n", 1)[0]
    unquoted = "".join(line.split('"')[::2])
    return max(DELIMITERS, key=lambda one: (unquoted.count(one), -DELIMITERS.index(one)))


def _csv(name: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise BadFile(
            f"{name}, row {number + 1} (line {reader.line_num}): {error}. "
            "Look for a quotation mark that is not closed or not doubled."
        ) from error


def _header(name: str, first: tuple[int, Sequence[str]] | None) -> tuple[str, ...]:
    cells = list(first[1]) if first else []
    while cells and not cells[-1]:
        cells.pop()
    if not cells:
        raise BadFile(f"{name} has no header: its first row must name the columns.")
    if len(cells) > MOST_COLUMNS:
        raise BadFile(f"{name} has more than {MOST_COLUMNS} columns.")
    names = [cell or f"column {place}" for place, cell in enumerate(cells, start=1)]
    for column in names:
        if names.count(column) > 1:
            raise BadFile(f"{name}: two columns are called “{column}”; rename one.")
    return tuple(names)


def _row(number: int, cells: Sequence[str], columns: Sequence[str]) -> Row:
    problem = ""
    extra = [cell for cell in cells[len(columns) :] if cell]
    if extra:
        problem = f"has {len(cells)} cells, the header {len(columns)}"
    filled = [*cells[: len(columns)], *[""] * (len(columns) - len(cells))]
    return Row(number, dict(zip(columns, filled, strict=True)), problem)


# --- Sheets ------------------------------------------------------------------------------


def _sheet(name: str, content: bytes) -> Iterator[tuple[int, list[str]]]:
    _check_package(name, content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    except Exception as error:
        # openpyxl raises whatever the XML or the zip module raises; all mean the same here.
        raise BadFile(f"{name} is not a readable .xlsx file; save it again or as CSV.") from error
    try:
        sheet = book.worksheets[0] if book.worksheets else None
        if sheet is None:
            raise BadFile(f"{name} has no sheet.")
        # What a file claims about its size may be wrong; read what is there.
        sheet.reset_dimensions()
        yield from _sheet_rows(name, sheet)
    finally:
        book.close()


def _sheet_rows(name: str, sheet: Any) -> Iterator[tuple[int, list[str]]]:
    rows = sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS + 1)
    empty = number = 0
    while True:
        try:
            values = next(rows, None)
        except Exception as error:
            raise BadFile(f"{name}, after row {number}: the sheet is damaged.") from error
        if values is None:
            return
        number += 1
        cells = [_cell(value) for value in values]
        empty = 0 if any(cells) else empty + 1
        if empty > MOST_EMPTY_ROWS:
            raise BadFile(f"{name}, row {number}: more than {MOST_EMPTY_ROWS:,} empty rows.")
        yield number, cells


def _check_package(name: str, content: bytes) -> None:
    """Refuse zip bombs and XML that declares entities, before any parser sees them."""
    try:
        package = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        raise BadFile(f"{name} is damaged: it starts like an .xlsx file but is none.") from error
    with package:
        members = package.infolist()
        unpacked = sum(member.file_size for member in members)
        ratio = unpacked / max(1, len(content))
        if unpacked > MOST_UNPACKED or (unpacked > SMALL_ENOUGH and ratio > MOST_RATIO):
            raise BadFile(f"{name} would unpack to {unpacked // 1024 // 1024} MB; refused.")
        for member in members:
            if member.filename.endswith((".xml", ".rels")) and _declares(package, member, name):
                raise BadFile(f"{name} declares XML entities; refused. Save it as CSV.")


# In every encoding that the XML parser would accept.
FORBIDDEN = [
    word.encode(code)
    for word in ("<!DOCTYPE", "<!ENTITY")
    for code in ("ascii", "utf-16-le", "utf-16-be")
]


def _declares(package: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bool:
    before = b""
    try:
        with package.open(member) as part:
            while chunk := part.read(1 << 20):
                if any(word in before + chunk for word in FORBIDDEN):
                    return True
                before = chunk[-20:]
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise BadFile(f"{name} is damaged or encrypted; save it again or as CSV.") from error
    except Exception as error:
        # zlib.error and its like, which have no common base
        raise BadFile(f"{name} is damaged; save it again or as CSV.") from error
    return False


def _cell(value: Any) -> str:
    """A cell as text, in the form in which a CSV would have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        whole_day = value.time() == time()
        return value.date().isoformat() if whole_day else value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value).strip()
