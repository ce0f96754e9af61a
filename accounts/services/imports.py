"""Take in customer companies from a file. Run twice, it changes nothing."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.geography import country_code
from accounts.models import Account
from reps import mapping
from reps.models import User
from reps.services.imports import Problem, Refused, Tally, said, store
from reps.tables import Row, Table

TEXTS = ("name", "domain", "industry", "region", "city", "postal_code", "external_id")
FIELDS = (*TEXTS, "employees", "revenue", "country", "aliases", "parent")


def import_accounts(
    *, table: Table, data: Mapping[str, Any], by: User | None, at: datetime
) -> Tally:
    """
    Create or update an account per row, then connect parents by id elsewhere or by name.

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
    tally = Tally()
    parents: list[tuple[int, Account, str, bool, bool]] = []
    for row in table:
        tally.rows += 1
        try:
            with transaction.atomic():
                account, is_new, changed, parent = _account(row, columns, by=by, at=at)
            parents.append((row.number, account, parent, is_new, changed))
        except Refused as error:
            tally.problems.append(Problem(row.number, str(error)))
        except (ValidationError, mapping.BadCell) as error:
            tally.problems.append(Problem(row.number, said(error)))
    for number, account, parent, is_new, changed in parents:
        if parent:
            try:
                changed |= _connect(account, parent, by=by, at=at)
            except Refused as error:
                tally.problems.append(Problem(number, str(error)))
        tally.count(is_new=is_new, changed=changed)
    return tally


def _account(
    row: Row, columns: mapping.Columns, *, by: User | None, at: datetime
) -> tuple[Account, bool, bool, str]:
    if row.problem:
        raise Refused(row.problem)
    given = columns.fill(row.cells)
    if not given.get("name"):
        raise Refused("The name is empty.")
    found = _find(given.get("external_id", ""), given["name"])
    account = found or Account()
    changed = store(account, _values(given), by=by, at=at)
    return account, found is None, changed, given.get("parent", "")


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
