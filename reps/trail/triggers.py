"""
What PostgreSQL itself keeps watch over (SQLite has none of it; there the models refuse).

Every change of a tracked table writes a line of the change log, whoever made it and by whatever
means; the trail, the log and the history refuse to be changed. Neither knows of the product's
code, which is the point: `reps.trail.compare` holds the two accounts against each other.

`install` runs after every migration. It looks at what is there and does nothing if that is what
should be. A table whose tracked columns have changed gets a mark in the log (verb "S"), from
which on it is compared: lines from before speak of other columns.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import connections, transaction

from reps.models import AuditAnchor, AuditEvent, ChangeLog, TrackedModel
from reps.trail.history import tracked_fields, tracked_models

# Lets a session empty guarded tables as a whole: the tests, whose database lives for them.
MAINTENANCE = "leads.maintenance"
MARK = "S"

# Statement by statement, so that a batch of 200 leads costs one INSERT. Columns are read as
# JSON, so that a column which comes or goes needs no other function; UTC, because JSON writes
# times in the zone of the session. The arguments are the columns that history leaves out.
LOG = """
CREATE OR REPLACE FUNCTION reps_log_changes() RETURNS trigger LANGUAGE plpgsql
SET timezone = 'UTC' SET search_path FROM CURRENT AS $$
DECLARE
  skip text[] := coalesce(TG_ARGV, '{}');
BEGIN
  IF TG_OP = 'UPDATE' THEN
    INSERT INTO reps_changelog (table_name, row_id, verb, digest, transaction, at)
    SELECT TG_TABLE_NAME, id, 'U', md5(after::text),
           pg_current_xact_id()::text::bigint, clock_timestamp()
    FROM (SELECT n.id, to_jsonb(o) - skip AS before, to_jsonb(n) - skip AS after
          FROM fresh n JOIN stale o ON o.id = n.id) changed
    WHERE before <> after ORDER BY id;
  ELSIF TG_OP = 'INSERT' THEN
    INSERT INTO reps_changelog (table_name, row_id, verb, digest, transaction, at)
    SELECT TG_TABLE_NAME, n.id, 'I', md5((to_jsonb(n) - skip)::text),
           pg_current_xact_id()::text::bigint, clock_timestamp()
    FROM fresh n ORDER BY n.id;
  ELSE
    INSERT INTO reps_changelog (table_name, row_id, verb, digest, transaction, at)
    SELECT TG_TABLE_NAME, o.id, 'D', '',
           pg_current_xact_id()::text::bigint, clock_timestamp()
    FROM stale o ORDER BY o.id;
  END IF;
  RETURN NULL;
END $$"""

REFUSE = f"""
CREATE OR REPLACE FUNCTION reps_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' AND current_setting('{MAINTENANCE}', true) = 'on' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'restrict_violation';
END $$"""

FUNCTIONS = {"reps_log_changes": LOG, "reps_refuse_change": REFUSE}


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger of one table: its name, and everything after it in `CREATE TRIGGER`."""

    table: str
    name: str
    rest: str

    def create(self, note: str) -> list[str]:
        return [
            f"CREATE OR REPLACE TRIGGER {self.name} {self.rest.format(table=self.table)}",
            f"COMMENT ON TRIGGER {self.name} ON \"{self.table}\" IS '{note}'",
        ]

    @property
    def digest(self) -> str:
        return _digest(self.rest)


def guarded_tables() -> list[str]:
    """What may only grow: the trail, its anchors, the log, and every history."""
    own = [model._meta.db_table for model in (AuditEvent, AuditAnchor, ChangeLog)]
    return [*own, *(model.history.model._meta.db_table for model in tracked_models())]


def columns_left_out(model: type[TrackedModel]) -> list[str]:
    """The columns that the history does not keep, so that a change of them alone is none."""
    kept = {field.column for field in tracked_fields(model)}
    return [f.column for f in model._meta.concrete_fields if f.column not in kept]


def wanted() -> list[Trigger]:
    """Every trigger that there should be."""
    found = []
    for model in tracked_models():
        table = model._meta.db_table
        skipped = ", ".join(f"'{column}'" for column in columns_left_out(model))
        run = f"FOR EACH STATEMENT EXECUTE FUNCTION reps_log_changes({skipped})"
        for verb, transition in (
            ("INSERT", "NEW TABLE AS fresh"),
            ("UPDATE", "OLD TABLE AS stale NEW TABLE AS fresh"),
            ("DELETE", "OLD TABLE AS stale"),
        ):
            found.append(
                Trigger(
                    table,
                    f"reps_log_{verb.lower()}",
                    f'AFTER {verb} ON "{{table}}" REFERENCING {transition} {run}',
                )
            )
    for table in guarded_tables():
        found += [
            Trigger(
                table,
                "reps_only_grows",
                'BEFORE UPDATE OR DELETE ON "{table}" FOR EACH ROW '
                "EXECUTE FUNCTION reps_refuse_change()",
            ),
            Trigger(
                table,
                "reps_is_not_emptied",
                'BEFORE TRUNCATE ON "{table}" FOR EACH STATEMENT '
                "EXECUTE FUNCTION reps_refuse_change()",
            ),
        ]
    return found


def install(using: str = "default") -> list[str]:
    """
    Bring functions, triggers and marks to what they should be; return the tables touched.

    Each table is changed in a transaction of its own, under a lock that waits for whoever is
    writing to it, so that no change falls between the old state and the new one.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
    if ChangeLog._meta.db_table not in tables:
        return []
    _install_functions(using)
    there = _installed(using)
    should = {(one.table, one.name): one for one in wanted() if one.table in tables}
    stale = {
        table
        for table, name in should.keys() | there.keys()
        if there.get((table, name))
        != (should[table, name].digest if (table, name) in should else None)
    }
    marks = _columns_by_table(using, tables)
    marked = _marked(using)
    stale |= {table for table, columns in marks.items() if marked.get(table) != columns}
    for table in sorted(stale):
        _change(using, table, should=should, there=there, mark=marks.get(table), marked=marked)
    return sorted(stale)


def missing(using: str = "default") -> list[str]:
    """Triggers that should watch and do not, because they are gone, altered or switched off."""
    if connections[using].vendor != "postgresql":
        return []
    there = _installed(using, enabled_only=True)
    return [
        f"{one.table}: the trigger {one.name} is missing, altered or switched off"
        for one in wanted()
        if there.get((one.table, one.name)) != one.digest
    ]


def _install_functions(using: str) -> None:
    with transaction.atomic(using), connections[using].cursor() as cursor:
        for name, body in FUNCTIONS.items():
            cursor.execute(
                "SELECT obj_description(p.oid, 'pg_proc') FROM pg_proc p "
                "WHERE p.proname = %s AND p.pronamespace = current_schema()::regnamespace",
                [name],
            )
            if cursor.fetchone() != (_digest(body),):
                cursor.execute(body)
                cursor.execute(f"COMMENT ON FUNCTION {name}() IS '{_digest(body)}'")


def _installed(using: str, *, enabled_only: bool = False) -> dict[tuple[str, str], str | None]:
    """Our triggers as they are: (table, name) → the digest kept with each."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, t.tgname, obj_description(t.oid, 'pg_trigger') "
            "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "JOIN pg_proc p ON p.oid = t.tgfoid "
            "WHERE p.proname = ANY(%s) AND c.relnamespace = current_schema()::regnamespace "
            "AND (NOT %s OR t.tgenabled IN ('O', 'A'))",
            [list(FUNCTIONS), enabled_only],
        )
        return {(table, name): note for table, name, note in cursor.fetchall()}


def _change(
    using: str,
    table: str,
    *,
    should: Mapping[tuple[str, str], Trigger],
    there: Mapping[tuple[str, str], str | None],
    mark: str | None,
    marked: Mapping[str, str],
) -> None:
    with transaction.atomic(using), connections[using].cursor() as cursor:
        cursor.execute(f'LOCK TABLE "{table}" IN SHARE ROW EXCLUSIVE MODE')
        for key in there:
            if key[0] == table and key not in should:
                cursor.execute(f'DROP TRIGGER {key[1]} ON "{table}"')
        for key, one in should.items():
            if key[0] == table and there.get(key) != one.digest:
                for statement in one.create(one.digest):
                    cursor.execute(statement)
        if mark is not None and marked.get(table) != mark:
            _write_mark(cursor, table, mark)


def _write_mark(cursor, table: str, columns: str) -> None:
    """Note from which history row on this table is compared, and with which columns."""
    history = next(m for m in tracked_models() if m._meta.db_table == table).history.model
    cursor.execute(
        "INSERT INTO reps_changelog (table_name, row_id, verb, digest, transaction, at) "
        f"SELECT %s, coalesce(max(history_id), 0), %s, %s, pg_current_xact_id()::text::bigint, "
        f'clock_timestamp() FROM "{history._meta.db_table}"',
        [table, MARK, columns],
    )


def _columns_by_table(using: str, tables: Iterable[str]) -> dict[str, str]:
    """Tracked table → a digest of its tracked columns as the database has them."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, udt_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() ORDER BY table_name, column_name"
        )
        columns: dict[str, list[tuple[str, str]]] = {}
        for table, name, kind in cursor.fetchall():
            columns.setdefault(table, []).append((name, kind))
    return {
        model._meta.db_table: hashlib.md5(
            repr(
                [c for c in columns[model._meta.db_table] if c[0] not in columns_left_out(model)]
            ).encode(),
            usedforsecurity=False,
        ).hexdigest()
        for model in tracked_models()
        if model._meta.db_table in columns and model.history.model._meta.db_table in columns
    }


def _marked(using: str) -> dict[str, str]:
    """Table → the columns that its newest mark stands for."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (table_name) table_name, digest FROM reps_changelog "
            "WHERE verb = %s ORDER BY table_name, id DESC",
            [MARK],
        )
        return dict(cursor.fetchall())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
