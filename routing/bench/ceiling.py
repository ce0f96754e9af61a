"""
What the database could do: the rows of a product's batch, written again by a plain loop.

The rows that the product wrote for some leads are read back, given to as many fresh leads,
and written with set-based statements and nothing else: no rules, no facts, no decisions, no
hashing, no models. PostgreSQL only. All Python that prepares the rows runs before the clock.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import connection, models, transaction

from reps.models import AuditEvent, AuditHead, Message
from routing.models import (
    Assignment,
    BalanceLine,
    Batch,
    Decision,
    Desk,
    Lead,
    PersonalFacts,
    PoolStanding,
    RepLoad,
)

Row = dict[str, Any]
Clock = Lead._meta.get_field("clocks").related_model
# Gapless numbers of the ceiling's own, far beyond what the product has reached.
FAR = 1_000_000_000
SUBJECT = "routing.lead"
LEAD_COLUMNS = (
    "place",
    "owner_id",
    "queue_id",
    "owner_epoch",
    "responsible_id",
    "assigned_at",
    "route_at",
    "waiting",
    "wait_ruleset_id",
    "due_at",
    "due_what",
    "due_from",
)


def rows_of(model: type[models.Model], where: str, params: Sequence[Any] = ()) -> list[Row]:
    """Read rows as text, the form in which they are written again."""
    columns = [field.column for field in model._meta.concrete_fields]
    listed = ", ".join(f'"{column}"::text' for column in columns)
    order = model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT {listed} FROM "{model._meta.db_table}" WHERE {where} ORDER BY "{order}"',
            params,
        )
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


class Table:
    """Rows for one table as arrays, and the statement that writes them all."""

    def __init__(self, model: type[models.Model], rows: Sequence[Row], ending: str = "") -> None:
        fields = [f for f in model._meta.concrete_fields if not isinstance(f, models.AutoField)]
        self.columns = [field.column for field in fields]
        self.arrays = [[row[column] for row in rows] for column in self.columns]
        names = ", ".join(f'"{column}"' for column in self.columns)
        given = ", ".join(f"%s::{_type(field)}[]" for field in fields)
        self.sql = (
            f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT * FROM unnest({given}) {ending}'
        )

    def put(self, column: str, values: list[Any]) -> None:
        self.arrays[self.columns.index(column)] = values


def _type(field: models.Field) -> str:
    return (
        field.rel_db_type(connection)
        if field.primary_key
        else (field.target_field if field.is_relation else field).rel_db_type(connection)
    )


class Copy:
    """One batch of the product, to be written again for fresh leads; `write` is measured."""

    def __init__(self, batch: Batch, fresh: Sequence[int], *, number: int) -> None:
        """`number` keeps the unique numbers of several copies apart."""
        self.batch = batch
        decisions = rows_of(Decision, "batch_id = %s AND outcome = 'assign'", [batch.pk])
        decisions = decisions[: len(fresh)]
        old = [int(row["lead_id"]) for row in decisions]
        new = dict(zip(map(str, old), map(str, fresh), strict=False))
        self.ids = [int(pk) for pk in new.values()]
        for row in decisions:
            row["new"] = new[row["lead_id"]]
        personal = {
            row["decision_id"]: row["facts"]
            for row in rows_of(
                PersonalFacts, "decision_id = ANY(%s)", [[int(row["id"]) for row in decisions]]
            )
        }
        self.personal = [personal.get(row["id"], "{}") for row in decisions]
        self.lead_ids = [row["new"] for row in decisions]
        self.decisions = Table(
            Decision, [{**row, "lead_id": row["new"]} for row in decisions], "RETURNING id"
        )
        assignments = rows_of(Assignment, "lead_id = ANY(%s) AND epoch = 1", [old])
        for place, row in enumerate(assignments):
            row["opened_seq"] = str(FAR + number * 10_000 + place)
            row["lead_id"] = new[row["lead_id"]]
        self.assigned = [row["lead_id"] for row in assignments]
        self.assignments = Table(Assignment, assignments)
        self.loads = Counter(int(row["rep_id"]) for row in assignments)
        self.clocks = Table(
            Clock,
            [
                {**row, "lead_id": new[row["lead_id"]]}
                for row in rows_of(Clock, "lead_id = ANY(%s)", [old])
            ],
        )
        self._trail(old, new)
        self._leads(old, new)
        self.lines = Table(BalanceLine, rows_of(BalanceLine, "batch_id = %s", [batch.pk]))
        self.standings = Table(
            PoolStanding,
            rows_of(PoolStanding, "TRUE"),
            "ON CONFLICT (pool_id, rep_id, lane) DO UPDATE "
            "SET balance = excluded.balance, turn = excluded.turn",
        )

    def _trail(self, old: list[int], new: dict[str, str]) -> None:
        events = rows_of(
            AuditEvent,
            "subject = %s AND subject_id = ANY(%s) AND kind = 'placed'",
            [SUBJECT, old],
        )
        for row in events:
            row["subject_id"] = new[row["subject_id"]]
            row["chain"] = f"{SUBJECT}:{row['subject_id']}"
        self.events = Table(AuditEvent, events)
        self.heads = Table(
            AuditHead,
            sorted(events, key=lambda row: row["chain"]),
            "ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
        )
        messages = rows_of(Message, "key = ANY(%s)", [[f"assigned-{pk}-1" for pk in old]])
        for row in messages:
            row["key"] = f"assigned-{new[row['key'].split('-')[1]]}-1"
        self.messages = Table(Message, messages)

    def _leads(self, old: list[int], new: dict[str, str]) -> None:
        leads = rows_of(Lead, '"id" = ANY(%s)', [old])
        fields = {field.column: field for field in Lead._meta.concrete_fields}
        columns = ["id", *LEAD_COLUMNS]
        self.lead_arrays = [
            [new[row["id"]] if column == "id" else row[column] for row in leads]
            for column in columns
        ]
        sets = ", ".join(f'"{column}" = v."{column}"' for column in LEAD_COLUMNS)
        given = ", ".join(f"%s::{_type(fields[column])}[]" for column in columns)
        self.lead_sql = (
            f"UPDATE routing_lead SET {sets} FROM unnest({given}) AS v({', '.join(columns)}) "
            "WHERE routing_lead.id = v.id"
        )
        history = Lead.history.model._meta
        kept = {field.attname for field in history.concrete_fields}
        listed = ", ".join(
            f'"{field.column}"' for field in fields.values() if field.attname in kept
        )
        self.history_sql = (
            f'INSERT INTO "{history.db_table}" ({listed}, history_date, history_type, '
            f"history_change_reason) SELECT {listed}, now(), '~', 'ROUTED' "
            "FROM routing_lead WHERE id = ANY(%s)"
        )

    def write(self) -> int:
        """Write it all in one transaction, under the same locks; return the number of leads."""
        with transaction.atomic(), connection.cursor() as cursor:
            run = cursor.execute
            run(
                "SELECT id FROM routing_lead WHERE id = ANY(%s) FOR NO KEY UPDATE SKIP LOCKED",
                [self.ids],
            )
            run(f"SELECT id FROM {Desk._meta.db_table} LIMIT 1 FOR NO KEY UPDATE")
            run(
                f"SELECT rep_id, open FROM {RepLoad._meta.db_table} WHERE rep_id = ANY(%s) "
                "ORDER BY rep_id FOR NO KEY UPDATE",
                [sorted(self.loads)],
            )
            self._write_decisions(cursor)
            run(self.assignments.sql, self.assignments.arrays)
            run(self.lead_sql, self.lead_arrays)
            run(self.history_sql, [self.ids])
            for table in (
                self.events,
                self.heads,
                self.clocks,
                self.messages,
                self.lines,
                self.standings,
            ):
                run(table.sql, table.arrays)
            run(
                f"UPDATE {RepLoad._meta.db_table} SET open = open + v.n, seq = seq + v.n "
                "FROM unnest(%s::bigint[], %s::int[]) AS v(rep, n) WHERE rep_id = v.rep",
                [list(self.loads), list(self.loads.values())],
            )
        return len(self.ids)

    def _write_decisions(self, cursor: Any) -> None:
        written = Batch.objects.create(
            desk_id=self.batch.desk_id,
            ruleset_id=self.batch.ruleset_id,
            roster_id=self.batch.roster_id,
            at=self.batch.at,
            driver="ceiling",
            engine=self.batch.engine,
            counters=self.batch.counters,
            size=len(self.ids),
        )
        self.decisions.put("batch_id", [written.pk] * len(self.ids))
        cursor.execute(self.decisions.sql, self.decisions.arrays)
        made = [pk for (pk,) in cursor.fetchall()]
        cursor.execute(
            f"INSERT INTO {PersonalFacts._meta.db_table} (decision_id, facts) "
            "SELECT * FROM unnest(%s::bigint[], %s::jsonb[])",
            [made, self.personal],
        )
        decision_of = dict(zip(self.lead_ids, made, strict=True))
        self.assignments.put("decision_id", [decision_of[lead] for lead in self.assigned])
