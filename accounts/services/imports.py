"""
Take in customer companies and whose they are from a file. Run twice, it changes nothing.

Owners are named by the e-mail address of a rep, a column per role: `owner` (the AE, `ae` means
the same), `sdr`, `backup`; `-` means nobody any more, an empty cell leaves it as it is.
`owner_from` is the day from which a new one counts, else today. `exports` writes such files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.geography import country_code
from accounts.models import Account, AccountOwner
from accounts.services import ownership
from reps import mapping
from reps.downloads import as_written
from reps.models import Rep, User
from reps.services.imports import Problem, Refused, Tally, said, store
from reps.tables import Row, Table

TEXTS = ("name", "domain", "industry", "region", "city", "postal_code", "external_id")
ROLES = {
    "owner": AccountOwner.Role.OWNER,
    "ae": AccountOwner.Role.OWNER,
    "sdr": AccountOwner.Role.SDR,
    "backup": AccountOwner.Role.BACKUP,
}
FIELDS = (
    *TEXTS,
    "employees",
    "revenue",
    "country",
    "aliases",
    "parent",
    *ROLES,
    "owner_from",
)
NOBODY = "-"


@dataclass(frozen=True, slots=True)
class Difference:
    """What a row changes about an account: one field, before and after."""

    row: int
    account: str
    field: str
    before: str
    after: str


@dataclass(slots=True)
class AccountTally(Tally):
    """What an import of accounts did, or would do, difference by difference."""

    differences: list[Difference] = dataclass_field(default_factory=list)


def by_header(table: Table) -> dict[str, Any]:
    """A mapping for a file whose columns are called like our fields, as exports write them."""
    fields = {name: name for name in table.columns if name in FIELDS}
    return {"fields": fields, "ignore": [one for one in table.columns if one not in fields]}


def preview_accounts(
    *, table: Table, data: Mapping[str, Any], by: User | None, at: datetime
) -> AccountTally:
    """
    What `import_accounts` would do, row by row, and does not: the same code, taken back.

    :raises reps.mapping.BadMapping: naming the key
    :raises reps.tables.BadFile: if the file cannot be read to its end
    """
    with transaction.atomic():
        tally = import_accounts(table=table, data=data, by=by, at=at)
        transaction.set_rollback(True)
    return tally


def import_accounts(
    *, table: Table, data: Mapping[str, Any], by: User | None, at: datetime
) -> AccountTally:
    """
    Create or update an account per row with its owners, then connect parents by id elsewhere or
    by name.

    An account is known by its id elsewhere, else by its name. A row that is refused leaves
    nothing behind and stops no other. Parents come in a second pass, so that a file may
    name a parent below its child.

    :raises reps.mapping.BadMapping: naming the key
    :raises reps.tables.BadFile: if the file cannot be read to its end
    """
    columns = mapping.parse(data, known=FIELDS)
    mapping.check_columns(columns.read_columns(), table.columns, columns.ignore)
    if "name" not in columns.fields:
        raise mapping.BadMapping("fields.name", "is missing: say which column holds the name.")
    tally = AccountTally()
    reps = {rep.user.email.casefold(): rep for rep in Rep.objects.select_related("user")}
    reps.pop("", None)
    parents: list[tuple[int, Account, str, bool, bool]] = []
    for row in table:
        tally.rows += 1
        try:
            with transaction.atomic():
                account, is_new, changed, parent = _account(
                    row, columns, reps, seen := [], by=by, at=at
                )
            tally.differences += seen
            parents.append((row.number, account, parent, is_new, changed))
        except (Refused, ownership.OwnerRefused) as error:
            tally.problems.append(Problem(row.number, str(error)))
        except (ValidationError, mapping.BadCell) as error:
            tally.problems.append(Problem(row.number, said(error)))
    for number, account, parent, is_new, changed in parents:
        if parent:
            try:
                before = str(account.parent or "")
                if _connect(account, parent, by=by, at=at):
                    changed = True
                    now = str(account.parent)
                    tally.differences.append(
                        Difference(number, account.name, "parent", before, now)
                    )
            except Refused as error:
                tally.problems.append(Problem(number, str(error)))
        tally.count(is_new=is_new, changed=changed)
    return tally


def _account(
    row: Row,
    columns: mapping.Columns,
    reps: Mapping[str, Rep],
    seen: list[Difference],
    *,
    by: User | None,
    at: datetime,
) -> tuple[Account, bool, bool, str]:
    if row.problem:
        raise Refused(row.problem)
    given = {name: as_written(text) for name, text in columns.fill(row.cells).items()}
    if not given.get("name"):
        raise Refused("The name is empty.")
    found = _find(given.get("external_id", ""), given["name"])
    account = found or Account()
    wanted = _values(given)
    for name, value in wanted.items():
        if getattr(account, name) != value:
            before = "" if found is None else _shown(getattr(account, name))
            seen.append(Difference(row.number, given["name"], name, before, _shown(value)))
    changed = store(account, wanted, by=by, at=at)
    for name, role in ROLES.items():
        if name in given:
            changed |= _owner(account, name, role, given, reps, seen, row.number, by=by, at=at)
    return account, found is None, changed, given.get("parent", "")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(value)
    return "" if value is None else str(value)


def _owner(
    account: Account,
    name: str,
    role: str,
    given: Mapping[str, str],
    reps: Mapping[str, Rep],
    seen: list[Difference],
    number: int,
    *,
    by: User | None,
    at: datetime,
) -> bool:
    """Bring who holds a role in line with a cell; return whether that changed anything."""
    address = given[name].strip()
    rep = None if address == NOBODY else reps.get(address.casefold())
    if rep is None and address != NOBODY:
        raise Refused(f"{name}: no rep has the e-mail address “{address}”.")
    present = AccountOwner.objects.select_related("rep__user").filter(
        account=account, role=role, ends_on__isnull=True
    )
    holder = present.first()
    if (holder.rep if holder else None) == rep:
        return False
    before = holder.rep.user.email if holder else ""
    seen.append(Difference(number, account.name, name, before, rep.user.email if rep else ""))
    starts_on = _day(given.get("owner_from", ""), at)
    ownership.set_owner(account=account, rep=rep, role=role, starts_on=starts_on, by=by, at=at)
    return True


def _day(text: str, at: datetime) -> date:
    if not text:
        return at.date()
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError as error:
        raise Refused(f"owner_from: write the day like 2026-07-01, not “{text}”.") from error


def _find(external_id: str, name: str) -> Account | None:
    if external_id:
        found = Account.objects.filter(external_id=external_id).first()
        if found:
            return found
    same = Account.objects.filter(name__iexact=name).order_by("pk")
    if external_id:
        # One that was entered by hand is taken over, one with another id is another company.
        same = same.filter(external_id="")
    return same.first()


def _values(given: Mapping[str, str]) -> dict[str, Any]:
    wanted: dict[str, Any] = {name: given[name] for name in TEXTS if name in given}
    if "country" in given:
        wanted["country"] = country_code(given["country"])
        if wanted["country"] is None:
            raise Refused(f"country: “{given['country']}” is no country; write e.g. US or Kenya.")
    if "employees" in given:
        wanted["employees"] = int(_number(given["employees"], "employees"))
    if "revenue" in given:
        wanted["revenue"] = _number(given["revenue"], "revenue").quantize(Decimal("0.01"))
    if "aliases" in given:
        wanted["aliases"] = [part.strip() for part in given["aliases"].split(";") if part.strip()]
    return wanted


def _number(value: str, name: str) -> Decimal:
    try:
        number = Decimal(value.replace(",", ""))
    except InvalidOperation as error:
        raise Refused(f"{name}: “{value}” is not a number.") from error
    if not number.is_finite() or not 0 <= number < Decimal(10) ** 14:
        raise Refused(f"{name}: “{value}” is out of range.")
    return number


def _connect(account: Account, parent: str, *, by: User | None, at: datetime) -> bool:
    found = Account.objects.filter(external_id=parent).first()
    found = found or Account.objects.filter(name__iexact=parent).order_by("pk").first()
    if found is None:
        raise Refused(f"parent: there is no account “{parent}”.")
    above: Account | None = found
    while above is not None:
        if above.pk == account.pk:
            raise Refused(f"parent: “{parent}” is part of this account already.")
        above = above.parent
    with transaction.atomic():
        return store(account, {"parent": found}, by=by, at=at)
