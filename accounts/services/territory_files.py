"""
Territories from a file: first what would change, then the change; twice changes nothing.

A territory is known by its name. A row that is refused stops no other, but its parts are
refused with it. Statements per file do not grow with its rows, those to change backups apart.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import Territory, TerritoryBackup
from accounts.services.territory_rows import COLUMNS, BadCell, People, cells_of, values_of
from reps import trail
from reps.models import Rep, User
from reps.models.bulk import insert_many, update_many
from reps.models.tracked import bulk_writer
from reps.tables import Row, Table

IMPORTED = "imported"
MOST_ROWS = 20_000
# Rows of one statement: SQLite has a limit of values.
CHUNK = 500
# What is written as it is; parent and backups are found by name first.
PLAIN = (
    "description",
    "countries",
    "regions",
    "postal_prefixes",
    "postal_ranges",
    "industries",
    "employees_min",
    "employees_max",
    "conditions",
    "rank",
    "is_active",
)


class FileRefused(ValueError):
    """The file as a whole cannot be taken; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row is not taken: where, what, and the way out."""

    row: int
    column: str
    message: str

    def __str__(self) -> str:
        return f"row {self.row}, {self.column}: {self.message}"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a territory that the file changes, in words."""

    field: str
    before: str
    after: str


@dataclass(slots=True)
class Entry:
    """A row that can be taken: the territory as it will be, and what is new about it."""

    row: int
    territory: Territory
    parent: str
    backups: list[Rep]
    is_new: bool = False
    differences: list[Difference] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """What a file would do."""

    rows: int = 0
    created: list[Entry] = field(default_factory=list)
    changed: list[Entry] = field(default_factory=list)
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.rows} rows: {len(self.created)} created, {len(self.changed)} updated, "
            f"{self.unchanged} unchanged, {len(self.problems)} refused"
        )


def plan(table: Table) -> Plan:
    """
    Say what a file would change, and change nothing.

    :raises FileRefused: if a column is unknown, none holds the name, or there are too many rows
    :raises reps.tables.BadFile: if the file cannot be read to its end
    """
    unknown = [name for name in table.columns if name not in COLUMNS]
    if unknown:
        raise FileRefused(
            f"The column {unknown[0]} is not known; there are {', '.join(COLUMNS)}. "
            "Rename or remove it."
        )
    if "name" not in table.columns:
        raise FileRefused("There is no column called name; it says which territory a row means.")
    rows = list(table)
    if len(rows) > MOST_ROWS:
        raise FileRefused(f"There are more than {MOST_ROWS:,} rows; split the file.")
    return _Planner(rows).plan


@transaction.atomic
def apply(table: Table, *, by: User | None, at: datetime) -> Plan:
    """
    Do what `plan` says at this moment, and return it.

    :raises FileRefused: as `plan`, and if somebody made one of the new territories meanwhile
    """
    # Whoever changes territories by file or in bulk meets here, in the order of their ids.
    list(
        Territory.objects.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True)
    )
    made = plan(table)
    try:
        with transaction.atomic():
            _write(made, by=by, at=at)
    except IntegrityError as error:
        raise FileRefused(
            "Somebody changed these territories at the same moment; look at the preview again."
        ) from error
    return made


def export() -> Iterator[list[Any]]:
    """Yield every territory as the cells of `COLUMNS`, wholes before their parts."""
    known = _territories()
    backups = _backups()
    depth: dict[int, int] = {}

    def deep(row: Territory) -> int:
        if row.pk not in depth:
            depth[row.pk] = 0 if row.parent_id is None else deep(known[row.parent_id]) + 1
        return depth[row.pk]

    for row in sorted(known.values(), key=lambda one: (deep(one), one.name, one.pk)):
        yield cells_of(row, in_order(row, backups.get(row.pk, ())))


def in_order(row: Territory, further: Iterable[Rep]) -> list[Rep]:
    """Everybody who stands in at a territory, the first one first."""
    first = [row.backup] if row.backup_id else []
    return [*first, *(rep for rep in further if rep.pk != row.backup_id)]


def _territories() -> dict[int, Territory]:
    rows = Territory.objects.select_related("parent", "owner__user", "backup__user")
    return {row.pk: row for row in rows}


def _backups() -> dict[int, list[Rep]]:
    found: dict[int, list[Rep]] = {}
    for one in TerritoryBackup.objects.select_related("rep__user"):
        found.setdefault(one.territory_id, []).append(one.rep)
    return found


class _Planner:
    """Reads rows one by one, then connects them with their wholes."""

    def __init__(self, rows: list[Row]) -> None:
        self.plan = Plan(rows=len(rows))
        self._people = People()
        self._known = _territories()
        self._backups = _backups()
        self._by_name = {row.name.casefold(): row for row in self._known.values()}
        self._names = {row.pk: row.name for row in self._known.values()}
        entries: dict[str, Entry] = {}
        for row in rows:
            try:
                entry = self._entry(row, entries)
            except BadCell as error:
                self.plan.problems.append(Problem(row.number, error.column, str(error)))
            else:
                entries[entry.territory.name.casefold()] = entry
        self._connect(entries)
        for entry in entries.values():
            self._file(entry)
        self.plan.problems.sort(key=lambda problem: problem.row)

    def _entry(self, row: Row, entries: Mapping[str, Entry]) -> Entry:
        if row.problem:
            raise BadCell("row", row.problem)
        values = values_of(row, self._people)
        name = values.get("name", "")
        if not name:
            raise BadCell("name", "It is empty; write the name of the territory.")
        earlier = entries.get(name.casefold())
        if earlier is not None:
            raise BadCell(
                "name", f"“{name}” is in row {earlier.row} too; keep one of the two rows."
            )
        found = self._by_name.get(name.casefold())
        territory = Territory(name=name) if found is None else found
        further = [] if found is None else self._backups.get(found.pk, [])
        before = in_order(territory, further)
        entry = Entry(
            row=row.number,
            territory=territory,
            parent=values.get("parent", self._names.get(territory.parent_id or 0, "")),
            backups=values.get("backups", before),
            is_new=found is None,
        )
        self._set(entry, values, before)
        return entry

    def _set(self, entry: Entry, values: Mapping[str, Any], before: list[Rep]) -> None:
        row = entry.territory
        old_parent = self._names.get(row.parent_id or 0, "")
        for name in PLAIN:
            if name in values and values[name] != getattr(row, name):
                entry.differences.append(
                    Difference(name, _words(getattr(row, name)), _words(values[name]))
                )
                setattr(row, name, values[name])
        if "owner" in values and values["owner"] != row.owner:
            self._here("owner", values["owner"])
            entry.differences.append(
                Difference("owner", _words(row.owner), _words(values["owner"]))
            )
            row.owner = values["owner"]
        if entry.backups != before:
            for rep in entry.backups:
                if rep not in before:
                    self._here("backups", rep)
            entry.differences.append(Difference("backups", _words(before), _words(entry.backups)))
            row.backup = entry.backups[0] if entry.backups else None
        if entry.parent.casefold() != old_parent.casefold():
            entry.differences.append(Difference("part_of", old_parent, entry.parent))
        try:
            row.parent, parent = None, row.parent
            row.clean()
            row.parent = parent
        except ValidationError as error:
            column, texts = next(iter(error.message_dict.items()))
            raise BadCell(column, " ".join(texts)) from error

    @staticmethod
    def _here(column: str, rep: Rep | None) -> None:
        if rep is not None and not rep.is_active:
            raise BadCell(column, f"{rep} has left; name somebody who is here.")

    def _connect(self, entries: dict[str, Entry]) -> None:
        """Find every whole by its name; refuse what has none, goes in a circle, or hangs below."""
        while True:
            refused = {}
            for name, entry in entries.items():
                problem = self._problem_above(entry, entries)
                if problem:
                    refused[name] = Problem(entry.row, "part_of", problem)
            if not refused:
                return
            for name, problem in refused.items():
                del entries[name]
                self.plan.problems.append(problem)

    def _problem_above(self, entry: Entry, entries: Mapping[str, Entry]) -> str:
        seen, wanted = {entry.territory.name.casefold()}, entry.parent
        while wanted:
            key = wanted.casefold()
            if key in seen:
                return f"“{entry.territory.name}” would be part of itself; change one of the rows."
            seen.add(key)
            if key in entries:
                wanted = entries[key].parent
            elif key in self._by_name:
                wanted = self._names.get(self._by_name[key].parent_id or 0, "")
            else:
                return (
                    f"There is no territory “{wanted}”, neither here nor in a good row of the "
                    "file; add it or correct the name."
                )
        return ""

    def _file(self, entry: Entry) -> None:
        if entry.is_new:
            self.plan.created.append(entry)
        elif entry.differences:
            self.plan.changed.append(entry)
        else:
            self.plan.unchanged += 1


def _words(value: Any) -> str:
    if value is None or value == "" or value == [] or value == {}:
        return ""
    if isinstance(value, list):
        return ", ".join("..".join(one) if isinstance(one, list) else str(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _write(made: Plan, *, by: User | None, at: datetime) -> None:
    by_name = {row.name.casefold(): row for row in Territory.objects.only("name")}
    waiting = list(made.created)
    while waiting:
        # Wholes before their parts: one round per level of the tree.
        ready = [one for one in waiting if not one.parent or one.parent.casefold() in by_name]
        for entry in ready:
            entry.territory.parent = by_name.get(entry.parent.casefold())
        for rows in _chunks([entry.territory for entry in ready]):
            with bulk_writer("import of territories"):
                insert_many(rows)
            changes = [trail.Change(row.pk, reason_code=IMPORTED, kind="created") for row in rows]
            trail.record(Territory, changes, by=by, at=at, created=True)
        by_name |= {entry.territory.name.casefold(): entry.territory for entry in ready}
        waiting = [one for one in waiting if one not in ready]
    for entry in made.changed:
        entry.territory.parent = by_name.get(entry.parent.casefold())
    for entries in _chunks(made.changed):
        _update(entries, by=by, at=at)
    _write_backups(made, by=by, at=at)


def _update(entries: list[Entry], *, by: User | None, at: datetime) -> None:
    rows = [
        {
            "pk": entry.territory.pk,
            **{name: getattr(entry.territory, name) for name in PLAIN},
            **{
                name: getattr(entry.territory, f"{name}_id")
                for name in ("parent", "owner", "backup")
            },
        }
        for entry in entries
    ]
    with bulk_writer("import of territories"):
        update_many(Territory, rows)
    changes = [
        trail.Change(
            entry.territory.pk,
            data={one.field: one.after for one in entry.differences},
            reason_code=IMPORTED,
        )
        for entry in entries
    ]
    trail.record(Territory, changes, by=by, at=at)


def _write_backups(made: Plan, *, by: User | None, at: datetime) -> None:
    changed = [
        entry.territory.pk
        for entry in made.changed
        if any(one.field == "backups" for one in entry.differences)
    ]
    for old in TerritoryBackup.objects.filter(territory__in=changed):
        trail.delete(old, by=by, at=at, reason=IMPORTED)
    among = set(changed)
    new = [
        TerritoryBackup(territory=entry.territory, rep=rep, position=position)
        for entry in (*made.created, *made.changed)
        if entry.is_new or entry.territory.pk in among
        for position, rep in enumerate(entry.backups[1:], 1)
    ]
    for rows in _chunks(new):
        with bulk_writer("import of territories"):
            insert_many(rows)
        changes = [trail.Change(row.pk, reason_code=IMPORTED, kind="created") for row in rows]
        trail.record(TerritoryBackup, changes, by=by, at=at, created=True)


def _chunks(rows: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]
