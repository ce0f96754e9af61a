"""The base of every model whose changes must be explained (requirement AUD-1)."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import models, transaction

_bulk_writer: ContextVar[str | None] = ContextVar("bulk_writer", default=None)


class UnrecordedWrite(RuntimeError):
    """A bulk write on a tracked model would leave no history."""


@contextmanager
def bulk_writer(name: str) -> Iterator[None]:
    """
    Allow bulk writes on tracked models to the code that records them itself.

    Whoever opens this block owes one `reps.trail.record` call for the rows it changed.
    """
    token = _bulk_writer.set(name)
    try:
        yield
    finally:
        _bulk_writer.reset(token)


class TrackedQuerySet(models.QuerySet):
    """Refuses the verbs that would change rows without leaving history."""

    def _refuse(self, verb: str) -> None:
        if _bulk_writer.get() is None:
            raise UnrecordedWrite(
                f"{self.model.__name__}.objects.{verb}() leaves no history: "
                "save() one row, or use the service that records many."
            )

    def update(self, **fields):
        self._refuse("update")
        return super().update(**fields)

    def bulk_create(self, *args, **kwargs):
        self._refuse("bulk_create")
        return super().bulk_create(*args, **kwargs)

    def bulk_update(self, *args, **kwargs):
        self._refuse("bulk_update")
        return super().bulk_update(*args, **kwargs)

    def delete(self):
        # Row by row, so that each deletion leaves its history row and its audit event.
        with transaction.atomic():
            rows = list(self)
            for row in rows:
                row.delete()
        return len(rows), {self.model._meta.label: len(rows)}


class TrackedModel(models.Model):
    """
    A row whose every change leaves one history row and one audit event.

    A person edits one row by `save()`; bulk writers open `bulk_writer()` and call
    `reps.trail.record`. Change, history row and audit event share one transaction.
    Set `_history_user`, `_change_reason` and `_history_date` before saving, or use
    `reps.trail.save`.
    """

    # True where a change of this model may change who is eligible for a lead, so that
    # the dispatcher builds a new roster snapshot.
    shapes_roster = False

    objects = TrackedQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, **kwargs):
        # simple-history writes in a signal after the row: one transaction for both.
        with transaction.atomic():
            super().save(**kwargs)

    def delete(self, **kwargs):
        with transaction.atomic():
            return super().delete(**kwargs)
