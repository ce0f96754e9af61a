"""The only SQL of our own on the write path: change many rows, each to its own values."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models


def update_many(
    model: type[models.Model],
    rows: Sequence[Mapping[str, Any]],
    *,
    key: str = "pk",
    only_where: str = "",
) -> int:
    """
    Set columns of many rows in one statement; return how many rows were changed.

    Every row maps the same field names to values and holds `key`, by which rows are found.
    Django's `bulk_update` writes CASE ladders, which cost several times as much (measured).
    `only_where` is a fixed further condition on the table, written as SQL.
    """
    if not rows:
        return 0
    meta, quote = model._meta, connection.ops.quote_name
    key_field = meta.pk if key == "pk" else meta.get_field(key)
    fields = [meta.get_field(name) for name in rows[0] if name != key]
    listed = [key_field, *fields]
    line = f"({', '.join(['%s'] * len(listed))})"
    params = [
        field.get_db_prep_save(row[key if field is key_field else field.name], connection)
        for row in rows
        for field in listed
    ]
    names = [f"c{number}" for number in range(len(listed))]
    table = quote(meta.db_table)
    sets = ", ".join(
        f"{quote(field.column)} = {_typed(field, f'v.{name}')}"
        for field, name in zip(fields, names[1:], strict=True)
    )
    matches = f"{table}.{quote(key_field.column)} = {_typed(key_field, 'v.c0')}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH v({', '.join(names)}) AS (VALUES {', '.join([line] * len(rows))}) "
            f"UPDATE {table} SET {sets} FROM v WHERE {matches}"
            + (f" AND {only_where}" if only_where else ""),
            params,
        )
        return cursor.rowcount


def _typed(field: models.Field, column: str) -> str:
    """PostgreSQL takes a column of NULLs for text; SQLite would mangle dates it casts."""
    if connection.vendor != "postgresql":
        return column
    kind = field.target_field if field.is_relation else field
    return f"CAST({column} AS {kind.db_type(connection).split(' CHECK')[0]})"
