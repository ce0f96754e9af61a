"""
Hold the change log, which the database writes, against the history, which the product writes.

For each row: its states in the log, in order, must be its states in the history. What changed
without history is missing there; what history made up is missing in the log. PostgreSQL only.

A transaction may change a row several times and put one state on record or several: it must
record the last, and nothing that the row never was. Almost all rows are settled by the database
in one statement per table; the few with several states in one transaction are looked at here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db import connection

from reps.models import ChangeLog, TrackedModel
from reps.trail import triggers
from reps.trail.history import OWN_COLUMNS, tracked_models

GONE = "D"
# What the log and the history say of a table since its newest mark. `base` is the state that a
# row had before: the newest history from before the mark.
ACCOUNTS = """
WITH mark AS (
  SELECT id, row_id AS history_id FROM reps_changelog
  WHERE table_name = %(table)s AND verb = 'S' ORDER BY id DESC LIMIT 1
), log AS (
  SELECT c.row_id, c.id AS place, c.transaction,
         CASE c.verb WHEN 'D' THEN 'D' ELSE c.digest END AS state
  FROM reps_changelog c, mark
  WHERE c.table_name = %(table)s AND c.verb <> 'S' AND c.id > mark.id {{only_log}}
), told AS (
  SELECT h.{pk} AS row_id, h.history_id AS place,
         CASE h.history_type WHEN '-' THEN 'D'
              ELSE md5((to_jsonb(h) - %(own)s::text[])::text) END AS state
  FROM {history} h, mark WHERE h.history_id > mark.history_id {{only_told}}
), base AS (
  SELECT DISTINCT ON (h.{pk}) h.{pk} AS row_id, 0::bigint AS place,
         CASE h.history_type WHEN '-' THEN 'D'
              ELSE md5((to_jsonb(h) - %(own)s::text[])::text) END AS state
  FROM {history} h, mark
  WHERE h.history_id <= mark.history_id
    AND h.{pk} IN (SELECT row_id FROM log UNION SELECT row_id FROM told)
  ORDER BY h.{pk}, h.history_id DESC
)"""
SUSPECTS = """,
each_log AS (
  SELECT row_id, place, state, state IS DISTINCT FROM lag(state) OVER w AS is_news
  FROM (SELECT row_id, place, state FROM log UNION ALL TABLE base) s
  WINDOW w AS (PARTITION BY row_id ORDER BY place)
), last_states AS (
  SELECT row_id, place, state FROM (
    SELECT row_id, place, state,
           transaction IS DISTINCT FROM lead(transaction) OVER w AS is_last
    FROM log WINDOW w AS (PARTITION BY row_id ORDER BY place)) s WHERE is_last
), last_log AS (
  SELECT row_id, place, state, state IS DISTINCT FROM lag(state) OVER w AS is_news
  FROM (TABLE last_states UNION ALL TABLE base) s
  WINDOW w AS (PARTITION BY row_id ORDER BY place)
), each_told AS (
  SELECT row_id, place, state, state IS DISTINCT FROM lag(state) OVER w AS is_news
  FROM (TABLE told UNION ALL TABLE base) s
  WINDOW w AS (PARTITION BY row_id ORDER BY place)
), seen AS (
  SELECT row_id, md5(string_agg(state, ',' ORDER BY place)) AS states
  FROM each_log WHERE is_news GROUP BY row_id
), seen_last AS (
  SELECT row_id, md5(string_agg(state, ',' ORDER BY place)) AS states
  FROM last_log WHERE is_news GROUP BY row_id
), said AS (
  SELECT row_id, md5(string_agg(state, ',' ORDER BY place)) AS states
  FROM each_told WHERE is_news GROUP BY row_id
)
SELECT row_id FROM said FULL JOIN seen USING (row_id) FULL JOIN seen_last USING (row_id)
WHERE said.states IS DISTINCT FROM seen.states
  AND said.states IS DISTINCT FROM seen_last.states
ORDER BY row_id"""
IN_FULL = """
SELECT row_id, 'base', place, 0::bigint, state FROM base
UNION ALL SELECT row_id, 'log', place, transaction, state FROM log
UNION ALL SELECT row_id, 'told', place, 0::bigint, state FROM told
ORDER BY 1, 2, 3"""
ONLY_SINCE = (
    "AND {column} IN (SELECT row_id FROM reps_changelog "
    "WHERE table_name = %(table)s AND at >= %(since)s)"
)
ONLY_ROWS = "AND {column} = ANY(%(rows)s)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One row of which log and history tell different stories."""

    table: str
    row_id: int
    what: str

    def __str__(self) -> str:
        return f"{self.table} {self.row_id} {self.what}"


def differences(*, since: datetime | None = None) -> Iterator[Difference]:
    """
    Yield every row whose log and history differ; with `since`, of those changed from then on.

    Two statements per table at most, however many rows there are; nothing on SQLite.
    """
    if connection.vendor != "postgresql":
        return
    touched = _touched(since) if since else None
    for model in tracked_models():
        table = model._meta.db_table
        if touched is not None and table not in touched:
            continue
        suspects = _suspects(model, since=since)
        for row_id, base, log, told in _in_full(model, suspects):
            if what := contradiction(base, log, told):
                yield Difference(table, row_id, what)


def faults(*, since: datetime | None = None) -> Iterator[str]:
    """Yield what is wrong with the log, in words: triggers that are not there, and differences."""
    yield from triggers.missing()
    for difference in differences(since=since):
        yield str(difference)


def contradiction(base: str | None, log: Sequence[tuple[int, str]], told: Sequence[str]) -> str:
    """
    Say what is wrong with one row, "" if nothing: its state before, (transaction, state) of
    the log, and the states of its history, in order.

    The history must fall into one stretch per transaction: states of that transaction, in
    their order, up to its last one.
    """
    told = _without_repeats(base, told)
    reached, before = {0}, base
    for _transaction, entries in groupby(log, key=lambda entry: entry[0]):
        states = [state for _, state in entries]
        last = states[-1]
        further = set(reached) if last == before else set()
        for start in reached:
            for end in range(start + 1, len(told) + 1):
                if told[end - 1] == last and _is_part(told[start:end], states):
                    further.add(end)
        if not further:
            return "was changed without a history row that says so"
        reached, before = further, last
    return "" if len(told) in reached else "has a history row of what it never was"


def _without_repeats(base: str | None, states: Sequence[str]) -> list[str]:
    found, previous = [], base
    for state in states:
        if state != previous:
            found.append(state)
        previous = state
    return found


def _is_part(few: Sequence[str], many: Sequence[str]) -> bool:
    """Whether the few are among the many, in their order."""
    rest = iter(many)
    return all(state in rest for state in few)


def _touched(since: datetime) -> set[str]:
    """The tables that the log speaks of since a moment."""
    rows = ChangeLog.objects.filter(at__gte=since).order_by().values_list("table_name", flat=True)
    return set(rows.distinct())


def _suspects(model: type[TrackedModel], *, since: datetime | None) -> list[int]:
    only = ONLY_SINCE if since else ""
    with connection.cursor() as cursor:
        cursor.execute(_sql(model, only) + SUSPECTS, {**_params(model), "since": since})
        return [row_id for (row_id,) in cursor.fetchall()]


def _in_full(
    model: type[TrackedModel], rows: Sequence[int]
) -> Iterator[tuple[int, str | None, list[tuple[int, str]], list[str]]]:
    """Both accounts of some rows, read in one statement: one moment for both."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(_sql(model, ONLY_ROWS) + IN_FULL, {**_params(model), "rows": list(rows)})
        found = cursor.fetchall()
    for row_id, entries in groupby(found, key=lambda entry: entry[0]):
        base, log, told = None, [], []
        for _, account, _place, transaction, state in entries:
            if account == "base":
                base = state
            elif account == "log":
                log.append((transaction, state))
            else:
                told.append(state)
        yield row_id, base, log, told


def _sql(model: type[TrackedModel], only: str) -> str:
    quote = connection.ops.quote_name
    pk = quote(model._meta.pk.column)
    accounts = ACCOUNTS.format(pk=pk, history=quote(model.history.model._meta.db_table))
    return accounts.format(
        only_log=only.format(column="c.row_id"), only_told=only.format(column=f"h.{pk}")
    )


def _params(model: type[TrackedModel]) -> dict[str, object]:
    history = model.history.model._meta
    return {
        "table": model._meta.db_table,
        "own": [history.get_field(name).column for name in OWN_COLUMNS],
    }
