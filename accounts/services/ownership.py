"""Who owns which company: holders begin and end, nothing is overwritten."""

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.models import Account, AccountOwner
from reps import trail
from reps.models import Rep, User


class OwnerRefused(Exception):
    """The account keeps the owner it has; the message says why."""


@transaction.atomic
def set_owner(
    *,
    account: Account,
    rep: Rep | None,
    role: str,
    starts_on: date,
    by: User | None,
    at: datetime,
) -> AccountOwner | None:
    """
    Give an account a holder from a day on. Whoever holds it without an end holds it until
    then; without a rep, nobody follows.

    :raises OwnerRefused: for a rep who has left, for the present holder, or for a day
        before the present holder began
    """
    # Everybody who changes the holders of an account meets at its row.
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if rep is not None and not rep.is_active:
        raise OwnerRefused(f"{rep} has left; choose somebody who is here.")
    if rep is not None:
        _refuse_gap(account, role, starts_on)
    present = (
        AccountOwner.objects.select_related("rep__user", "account")
        .filter(account=account, role=role, ends_on__isnull=True)
        .first()
    )
    if present is not None:
        _end(present, followed_by=rep, on=starts_on, by=by, at=at)
    elif rep is None:
        raise OwnerRefused(f"{account} has nobody to end.")
    if rep is None:
        return None
    row = AccountOwner(account=account, rep=rep, role=role, starts_on=starts_on)
    try:
        with transaction.atomic():
            trail.save(row, by=by, at=at, reason="took over" if present else "named")
    except IntegrityError as error:
        raise OwnerRefused(
            f"{account} has somebody else without an end already; look again."
        ) from error
    return row


@transaction.atomic
def cancel_change(*, holding: AccountOwner, by: User, at: datetime) -> None:
    """
    Take back a change that is yet to come: whoever holds the account until then keeps it.

    :raises OwnerRefused: if it has taken effect already
    """
    account = Account.objects.select_for_update(no_key=True).get(pk=holding.account_id)
    row = AccountOwner.objects.filter(pk=holding.pk).select_related("rep__user").first()
    if row is None or row.starts_on <= at.date():
        raise OwnerRefused("This change has taken effect; name the holder anew instead.")
    before = AccountOwner.objects.filter(account=account, role=row.role, ends_on=row.starts_on)
    before = before.exclude(starts_on=row.starts_on).select_related("rep").first()
    until = row.ends_on
    trail.delete(row, by=by, at=at, reason="change taken back")
    if before is not None and before.rep.is_active:
        before.ends_on = until
        trail.save(before, by=by, at=at, reason="change taken back")


@transaction.atomic
def end_holding(*, holding: AccountOwner, on: date, by: User, at: datetime) -> None:
    """
    Let one holding end on a day; nobody follows.

    :raises OwnerRefused: if it has ended by then, or begins later
    """
    Account.objects.select_for_update(no_key=True).get(pk=holding.account_id)
    row = AccountOwner.objects.select_related("rep__user", "account").get(pk=holding.pk)
    if row.ends_on is not None and row.ends_on <= on:
        raise OwnerRefused(f"{row.rep} holds {row.account} no more.")
    _end(row, followed_by=None, on=on, by=by, at=at)


def _refuse_gap(account: Account, role: str, starts_on: date) -> None:
    """A holding that has an end, and runs beyond this day, would overlap with the new one."""
    fixed = AccountOwner.objects.filter(account=account, role=role, ends_on__gt=starts_on)
    open_ones = AccountOwner.objects.filter(account=account, role=role, ends_on__isnull=True)
    # With somebody to follow it, `_end` says what is in the way.
    other = fixed.exclude(ends_on__in=open_ones.values("starts_on")).select_related("rep__user")
    if (found := other.exclude(ends_on=F("starts_on")).first()) is not None:
        raise OwnerRefused(
            f"{found.rep} holds this role until {found.ends_on}; choose that day or a later one."
        )


def _end(
    present: AccountOwner, *, followed_by: Rep | None, on: date, by: User | None, at: datetime
) -> None:
    if followed_by is not None and present.rep_id == followed_by.pk:
        raise OwnerRefused(
            f"{present.rep} holds {present.account} since {present.starts_on} already."
        )
    if on < present.starts_on:
        raise OwnerRefused(
            f"{present.rep} begins only on {present.starts_on}; choose that day or a later one."
        )
    present.ends_on = on
    trail.save(present, by=by, at=at, reason="ended", kind="ended")
