"""Deleting a row of configuration together with the tracked rows that go with it."""

from datetime import datetime

from django.db import models, transaction

from reps import trail
from reps.models import TrackedModel, User


@transaction.atomic
def delete(row: TrackedModel, *, by: User, at: datetime, reason: str) -> None:
    """
    Delete a row and, before it, each tracked row that it owns (a pool's members, a draft's
    rules), so that every one of them leaves history by the same person at the same time.

    :raises django.db.models.ProtectedError: if something else still refers to one of them
    """
    for relation in row._meta.related_objects:
        child = relation.related_model
        if relation.on_delete is models.CASCADE and issubclass(child, TrackedModel):
            for owned in child._base_manager.filter(**{relation.field.name: row.pk}):
                delete(owned, by=by, at=at, reason=reason)
    trail.delete(row, by=by, at=at, reason=reason)
