"""Take in people from a file: teams, managers, reps. Run twice, it changes nothing."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction

from reps import access, mapping, trail
from reps.models import Rep, Team, User
from reps.tables import Row, Table

FIELDS = (
    "name",
    "first_name",
    "last_name",
    "username",
    "email",
    "team",
    "manager",
    "office",
    "role",
    "capacity",
    "time_zone",
    "seniority",
    "country",
    "postal_code",
)
IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row was not taken: where, and what to do."""

    row: int
    message: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.message}"


@dataclass(slots=True)
class Tally:
    """What an import did, row by row."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)

    def count(self, *, is_new: bool, changed: bool) -> None:
        if is_new:
            self.created += 1
        elif changed:
            self.updated += 1
        else:
            self.unchanged += 1

    def __str__(self) -> str:
        return (
            f"{self.rows} rows: {self.created} created, {self.updated} updated, "
            f"{self.unchanged} unchanged, {len(self.problems)} refused"
        )


def import_reps(*, table: Table, data: Mapping[str, Any], by: User | None, at: datetime) -> Tally:
    """
    Create or update a rep per row, with their team, its manager and its office.

    A rep is known by the user name, else the e-mail address, else the full name. A row
    that is refused leaves nothing behind and stops no other.

    :raises reps.mapping.BadMapping: naming the key
    :raises reps.tables.BadFile: if the file cannot be read to its end
    """
    columns = mapping.parse(data, known=FIELDS)
    mapping.check_columns(columns.read_columns(), table.columns, columns.ignore)
    if not {"name", "last_name"} & {*columns.fields}:
        raise mapping.BadMapping("fields.name", "is missing: say which column holds the name.")
    access.sync_groups()
    tally = Tally()
    for row in table:
        tally.rows += 1
        try:
            with transaction.atomic():
                is_new, changed = _rep(row, columns, by=by, at=at)
            tally.count(is_new=is_new, changed=changed)
        except Refused as error:
            tally.problems.append(Problem(row.number, str(error)))
        except (ValidationError, mapping.BadCell) as error:
            tally.problems.append(Problem(row.number, said(error)))
    return tally


class Refused(ValueError):
    """A row cannot be taken; the message says why."""


def said(error: ValidationError | mapping.BadCell) -> str:
    """A refusal in one line, each field named."""
    if isinstance(error, mapping.BadCell):
        return f"{error.column}: {error.message}"
    if hasattr(error, "message_dict"):
        parts = [f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items()]
        return "; ".join(parts)
    return " ".join(error.messages)


def store(row: Any, given: Mapping[str, Any], *, by: User | None, at: datetime) -> bool:
    """Set what differs, check the row and save it with its trail; return whether it changed."""
    changed = row.pk is None
    for name, value in given.items():
        # A relation that is not set yet counts as None.
        if getattr(row, name, None) != value:
            setattr(row, name, value)
            changed = True
    if changed:
        row.full_clean()
        trail.save(row, by=by, at=at, reason=IMPORTED)
    return changed


def _rep(row: Row, columns: mapping.Columns, *, by: User | None, at: datetime) -> tuple[bool, bool]:
    if row.problem:
        raise Refused(row.problem)
    given = columns.fill(row.cells)
    user, changed = _user(given, group=access.REP)
    team, moved = _team(given, by=by, at=at)
    rep = Rep.objects.select_related("user").filter(user=user).first()
    is_new = rep is None
    rep = rep or Rep(user=user)
    wanted: dict[str, Any] = {"team": team}
    if "capacity" in given:
        wanted["capacity"] = _whole(given["capacity"], "capacity")
    if "role" in given:
        wanted["role"] = given["role"].upper()
    if "seniority" in given:
        wanted["seniority"] = _seniority(given["seniority"])
    if "country" in given:
        wanted["country"] = given["country"].upper()
    if "postal_code" in given:
        wanted["postal_code"] = given["postal_code"]
    return is_new, store(rep, wanted, by=by, at=at) or changed or moved


def _user(given: Mapping[str, str], *, group: str) -> tuple[User, bool]:
    """The person of a row, with a password nobody knows until they set one."""
    first, last = _name(given)
    if not (first or last):
        raise Refused("The name is empty.")
    email = given.get("email", "")
    found = _find(given.get("username", ""), email, first, last)
    is_new = found is None
    user = found or User(username=given.get("username") or _free_username(first, last))
    wanted = {"first_name": first, "last_name": last}
    wanted |= {name: given[name] for name in ("email", "time_zone") if given.get(name)}
    changed = is_new
    for name, value in wanted.items():
        if getattr(user, name) != value:
            setattr(user, name, value)
            changed = True
    if is_new:
        user.set_unusable_password()
    if changed:
        user.full_clean(exclude=["password"])
        user.save()
    if not user.groups.filter(name=group).exists():
        user.groups.add(Group.objects.get(name=group))
    return user, changed


def _find(username: str, email: str, first: str, last: str) -> User | None:
    if username:
        return User.objects.filter(username=username).first()
    people = User.objects.order_by("pk")
    if email:
        found = people.filter(email__iexact=email).first()
        if found:
            return found
    same = list(people.filter(first_name__iexact=first, last_name__iexact=last)[:2])
    # A namesake with another address is somebody else.
    same = [user for user in same if not (email and user.email)]
    if len(same) > 1:
        raise Refused(f"Several people are called {first} {last}; map their user name or e-mail.")
    return same[0] if same else None


def _name(given: Mapping[str, str]) -> tuple[str, str]:
    if "last_name" in given or "first_name" in given:
        return given.get("first_name", ""), given.get("last_name", "")
    first, _, last = given.get("name", "").rpartition(" ")
    return first.strip(), last.strip()


def _free_username(first: str, last: str) -> str:
    plain = unicodedata.normalize("NFKD", f"{first} {last}".casefold())
    plain = plain.encode("ascii", "ignore").decode()
    base = re.sub(r"[^a-z0-9]+", ".", plain).strip(".")[:100] or "person"
    taken = set(User.objects.filter(username__startswith=base).values_list("username", flat=True))
    return next(
        name
        for name in (base if n == 1 else f"{base}.{n}" for n in range(1, len(taken) + 3))
        if name not in taken
    )


def _team(given: Mapping[str, str], *, by: User | None, at: datetime) -> tuple[Team, bool]:
    """The team of a row: as named, else the manager's; within its office if there is one."""
    manager, changed = None, False
    if given.get("manager"):
        manager, changed = _user({"name": given["manager"]}, group=access.MANAGER)
    name = given.get("team") or (f"Team {given['manager']}" if manager else given.get("office"))
    if not name:
        raise Refused("There is neither a team nor a manager nor an office.")
    office = None
    if given.get("office") and given["office"] != name:
        office = Team.objects.filter(name=given["office"]).first() or Team(name=given["office"])
        changed |= store(office, {}, by=by, at=at)
    team = Team.objects.filter(name=name).first() or Team(name=name)
    wanted = {key: row for key, row in (("parent", office), ("manager", manager)) if row}
    return team, store(team, wanted, by=by, at=at) or changed


def _seniority(value: str) -> int:
    """A seniority by its name or its number; nothing said is none."""
    words = {level.name.casefold(): level for level in Rep.Seniority}
    words |= {str(level.label).casefold(): level for level in Rep.Seniority}
    words |= {str(level.value): level for level in Rep.Seniority}
    if not value:
        return Rep.Seniority.UNSAID
    if value.casefold() not in words:
        known = ", ".join(str(level.label) for level in Rep.Seniority if level)
        raise Refused(f"seniority: “{value}” is none of {known}.")
    return words[value.casefold()]


def _whole(value: str, name: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise Refused(f"{name}: “{value}” is not a whole number.") from error
