"""A search of the whole database, every column of every table, for words that must be gone."""

from collections.abc import Iterable

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper


def found(words: Iterable[str], one: BaseDatabaseWrapper = connection) -> set[tuple[str, str]]:
    """Tables and columns in which one of the words stands, however it is written."""
    wanted = [word.casefold() for word in words]
    with one.cursor() as cursor:
        tables = one.introspection.table_names(cursor)
        return {hit for table in tables for hit in _in_table(cursor, table, wanted)}


def _in_table(cursor, table: str, wanted: list[str]) -> set[tuple[str, str]]:
    cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
    columns = [column[0] for column in cursor.description]
    return {
        (table, column)
        for row in cursor
        for column, value in zip(columns, row, strict=True)
        if any(word in _text(value) for word in wanted)
    }


def _text(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("latin-1").casefold()
    return str(value).casefold()
