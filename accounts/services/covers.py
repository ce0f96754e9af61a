"""Temporary cover of an account or a territory: entered, and ended early by a click."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Account, Cover, Territory
from reps import trail
from reps.due import doorbell
from reps.models import User


class CoverRefused(Exception):
    """The cover stays as it is; the message says why."""


@transaction.atomic
def add(*, cover: Cover, by: User, at: datetime) -> Cover:
    """
    Let somebody stand in for a while.

    :raises django.core.exceptions.ValidationError: if somebody covers it in that time already,
        or the times or the people do not fit
    :raises CoverRefused: if it would be over already
    """
    if cover.ends_at is not None and cover.ends_at <= at:
        raise CoverRefused("Choose an end to come.")
    # Everybody who covers the same thing meets at its row.
    model, pk = (Account, cover.account_id) if cover.account_id else (Territory, cover.territory_id)
    model.objects.select_for_update(no_key=True).filter(pk=pk).first()
    cover.full_clean()
    trail.save(cover, by=by, at=at, reason="entered")
    doorbell.ring("covers")
    return cover


@transaction.atomic
def end(*, cover: Cover, by: User, at: datetime) -> None:
    """
    End a cover now; what it moved comes back at once. One that has not begun is cancelled.

    :raises CoverRefused: if it is gone or over already
    """
    row = Cover.objects.select_for_update(no_key=True, of=("self",)).filter(pk=cover.pk).first()
    if row is None or row.ends_at <= at:
        raise CoverRefused("It is over already.")
    if row.starts_at >= at and row.moved_at is None:
        trail.delete(row, by=by, at=at, reason="cancelled")
    else:
        row.ends_at = max(at, row.starts_at + timedelta(seconds=1))
        trail.save(row, by=by, at=at, reason="ended")
    doorbell.ring("covers")
