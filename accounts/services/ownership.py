"""Who owns which company: holders begin and end, nothing is overwritten."""

from datetime import date, datetime

from django.db import IntegrityError, transaction

from accounts.models import Account, AccountOwner
from reps import trail
from reps.models import Rep, User


class OwnerRefused(Exception):
    """The account keeps the owner it has; the message says why."""


@transaction.atomic
def set_owner(
    *, account: Account, rep: Rep | None, role: str, starts_on: date, by: User | None, at: datetime
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
