"""Tables that people hand in are read without trust."""

import io
import zipfile
from datetime import date

import pytest
from openpyxl import Workbook

from reps import tables


def rows_of(content: bytes, name: str = "a.csv") -> list[tuple[int, dict]]:
    return [(row.number, row.cells) for row in tables.read(name, content)]


def sheet(*rows, name="Sheet") -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_delimiter_bom_and_line_end_is_read(delimiter):
    text = f'\ufeffa{delimiter}b\r\n1{delimiter}"x, y; z"\r\n\r\n2{delimiter}"two\nlines"\r\n'

    found = rows_of(text.encode())

    assert found == [(2, {"a": "1", "b": "x, y; z"}), (4, {"a": "2", "b": "two\nlines"})]


def test_a_sheet_reads_as_its_csv_would():
    content = sheet(["a", "b", "c"], [1.0, date(2026, 6, 15), True], [], ["x", 0.5, None])

    assert rows_of(content, "a.xlsx") == [
        (2, {"a": "1", "b": "2026-06-15", "c": "true"}),
        (4, {"a": "x", "b": "0.5", "c": ""}),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,b\n\xff\xfe,1\n", "line 2: not UTF-8"),
        (b"a,a\n1,2\n", "two columns are called “a”"),
        (b'a,b\n1,"never closed\n', "row 2"),
        (b"PK\x03\x04 and then rubbish", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "old or encrypted"),
        (",".join(f"c{n}" for n in range(201)).encode(), "more than 200 columns"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(content, words):
    with pytest.raises(tables.BadFile) as refused:
        rows_of(content)

    assert words in str(refused.value)
    assert "a.csv" in str(refused.value)


def test_too_many_rows_and_too_many_bytes_are_refused(monkeypatch):
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    monkeypatch.setattr(tables, "MOST_BYTES", 100)

    with pytest.raises(tables.BadFile, match="more than 3 rows"):
        rows_of(b"a\n1\n2\n3\n4\n")
    with pytest.raises(tables.BadFile, match="larger than"):
        rows_of(b"a\n" + b"1" * 100)


def test_a_zip_bomb_is_refused_before_it_unpacks(monkeypatch):
    monkeypatch.setattr(tables, "SMALL_ENOUGH", 1024)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/workbook.xml", b" " * 5_000_000)

    with pytest.raises(tables.BadFile, match="would unpack to"):
        rows_of(out.getvalue(), "bomb.xlsx")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_sheet_that_declares_entities_is_refused(encoding):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr(
            "xl/workbook.xml", '<!DOCTYPE x [<!ENTITY e "x">]><x>&e;</x>'.encode(encoding)
        )

    with pytest.raises(tables.BadFile, match="entities"):
        rows_of(out.getvalue(), "sly.xlsx")


def test_a_packed_table_keeps_rows_numbers_and_places():
    table = tables.read("a.csv", b'a,b\n1,"x\ny"\n\n3,4\n')

    content, count = tables.pack(table)

    assert count == 2
    assert tables.columns_of(content) == ("a", "b")
    assert [(r.number, r.cells["b"]) for r in tables.unpack(content)] == [(2, "x\ny"), (4, "4")]
    assert [r.number for r in tables.unpack(content, start=1, most=5)] == [4]
