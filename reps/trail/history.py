"""Model history that is complete: by `save()` for one row, by the database for many."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction
from django.dispatch import receiver
from simple_history.models import registered_models
from simple_history.signals import post_create_historical_record

from reps.models import RosterStamp, TrackedModel, User
from reps.models.audit import TrailIsAppendOnly
from reps.trail import audit

# The width of simple-history's column; the audit event keeps the whole reason.
LONGEST_REASON = 100
_SAID_OF_A_CHANGE = (
    "_history_user",
    "_history_date",
    "_change_reason",
    "_audit_reason",
    "_audit_kind",
    "_audit_data",
)
KINDS = {"+": "created", "~": "changed", "-": "deleted"}
# What a history row knows beside the columns of its model.
OWN_COLUMNS = (
    "history_id",
    "history_date",
    "history_type",
    "history_user",
    "history_change_reason",
)


@dataclass(frozen=True, slots=True)
class Change:
    """What a bulk writer did to one row: the column values after it, and its own words."""

    id: int
    data: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "changed"
    reason_code: str = "changed"
    reason: str = ""


def save(
    row: TrackedModel,
    *,
    by: User | None,
    at: datetime,
    reason: str,
    kind: str = "",
    data: Mapping[str, Any] | None = None,
) -> None:
    """
    Save one row with its history row and its audit event, in one transaction.

    `reason` is the code kept with both; `kind` names the act in the audit trail where
    "created" and "changed" would say too little; `data` adds to the event.
    """
    row._history_user = by
    row._history_date = at
    row._change_reason = reason[:LONGEST_REASON]
    row._audit_reason = reason
    row._audit_kind = kind
    row._audit_data = dict(data or {})
    try:
        row.save()
    finally:
        # What was said of this change must not be said of the next one.
        for name in _SAID_OF_A_CHANGE:
            delattr(row, name)


@transaction.atomic
def delete(row: TrackedModel, *, by: User | None, at: datetime, reason: str) -> None:
    """Delete one row of configuration; its last state stays in the history."""
    row._history_user = by
    row._history_date = at
    row._change_reason = reason[:LONGEST_REASON]
    row._audit_reason = reason
    row.delete()


@receiver(post_create_historical_record, dispatch_uid="reps.trail.history")
def follow_with_audit_event(
    sender, *, instance, history_instance, history_user, history_change_reason, **kwargs
) -> None:
    """Answer each history row that `save()` or `delete()` wrote with its audit event."""
    model = type(instance)
    pk = getattr(history_instance, model._meta.pk.attname)
    reason = getattr(instance, "_audit_reason", "") or history_change_reason or "edited"
    audit.append(
        [
            audit.Entry(
                subject=audit.subject_of(model),
                subject_id=pk,
                kind=getattr(instance, "_audit_kind", "") or KINDS[history_instance.history_type],
                at=history_instance.history_date,
                by=history_user,
                reason_code=reason[:40],
                reason=reason if len(reason) > 40 else "",
                data={
                    **changed_columns(history_instance),
                    **getattr(instance, "_audit_data", {}),
                },
            )
        ]
    )
    if getattr(model, "shapes_roster", False):
        RosterStamp.bump()


def guard_histories() -> None:
    """Have every history refuse to be changed or deleted, whatever the database is."""
    for model in tracked_models():
        history = model.history.model
        uid = f"reps.trail.{history._meta.label_lower}"
        models.signals.pre_delete.connect(_refuse, sender=history, dispatch_uid=uid)
        models.signals.pre_save.connect(_refuse_change, sender=history, dispatch_uid=uid)


def _refuse(sender: type[models.Model], **kwargs: Any) -> None:
    raise TrailIsAppendOnly(f"{sender.__name__} rows are never changed or deleted.")


def _refuse_change(sender: type[models.Model], instance: models.Model, **kwargs: Any) -> None:
    if instance.pk is not None and not instance._state.adding:
        _refuse(sender)


def changed_columns(history_row: models.Model) -> dict[str, Any]:
    """Return column → value of what differs from the row's previous history, all if none."""
    model = type(history_row)
    pk = history_row.instance_type._meta.pk.attname
    previous = (
        model.objects.filter(**{pk: getattr(history_row, pk)})
        .exclude(history_id=history_row.history_id)
        .order_by("-history_id")
        .first()
    )
    names = [column.attname for column in tracked_fields(history_row.instance_type)]
    return {
        name: getattr(history_row, name)
        for name in names
        if previous is None or getattr(previous, name) != getattr(history_row, name)
    }


def record(
    model: type[TrackedModel],
    changes: Sequence[Change],
    *,
    by: User | None,
    at: datetime,
    created: bool = False,
) -> None:
    """
    Give rows that were changed in bulk the history rows and audit events `save()` would.

    The database copies the rows as they now stand (`INSERT … SELECT`), so that history can
    hold no value that never was. Costs the same number of statements for 2 rows and 200.
    """
    if not changes:
        return
    history = model.history.model
    source, target = model._meta, history._meta
    quote = connection.ops.quote_name
    shared = [column.column for column in tracked_fields(model)]
    columns = ", ".join(quote(name) for name in [*shared, *(_own_columns(target))])
    values = ", ".join(f"t.{quote(name)}" for name in shared)
    reasons = {change.reason_code for change in changes}
    reason_sql, reason_params = _reason(changes, quote(source.pk.column), reasons)
    among, ids = _among([change.id for change in changes])
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(target.db_table)} ({columns}) "
            f"SELECT {values}, %s, %s, %s, {reason_sql} FROM {quote(source.db_table)} t "
            f"WHERE t.{quote(source.pk.column)} {among} "
            f"ORDER BY t.{quote(source.pk.column)}",
            [
                connection.ops.adapt_datetimefield_value(at),
                "+" if created else "~",
                by.pk if by else None,
                *reason_params,
                *ids,
            ],
        )
    subject = audit.subject_of(model)
    audit.append(
        [
            audit.Entry(
                subject=subject,
                subject_id=change.id,
                kind=change.kind,
                at=at,
                by=by,
                reason_code=change.reason_code[:40],
                reason=change.reason,
                data=dict(change.data),
            )
            for change in changes
        ]
    )
    if model.shapes_roster:
        RosterStamp.bump()


def tracked_fields(model: type[models.Model]) -> list[models.Field]:
    """The columns that a model shares with its history."""
    names = {f.attname for f in model.history.model._meta.concrete_fields}
    return [f for f in model._meta.concrete_fields if f.attname in names]


def tracked_models() -> list[type[TrackedModel]]:
    """Every model whose changes are on record."""
    return sorted(registered_models.values(), key=lambda model: model._meta.label)


def _own_columns(target: Any) -> list[str]:
    return [target.get_field(name).column for name in OWN_COLUMNS if name != "history_id"]


def _reason(changes: Sequence[Change], pk: str, reasons: Iterable[str]) -> tuple[str, list[Any]]:
    """The SQL for each row's reason: one value, or a CASE where a batch has several."""
    if len(set(reasons)) == 1:
        return "%s", [changes[0].reason_code]
    by_reason: dict[str, list[int]] = {}
    for change in changes:
        by_reason.setdefault(change.reason_code, []).append(change.id)
    parts, params = [], []
    for reason, ids in sorted(by_reason.items()):
        among, values = _among(ids)
        parts.append(f"WHEN t.{pk} {among} THEN %s")
        params += [*values, reason]
    return f"CASE {' '.join(parts)} END", params


def _among(ids: Sequence[int]) -> tuple[str, list[Any]]:
    """A condition on many ids; PostgreSQL takes them as one array, quicker to parse."""
    if connection.vendor == "postgresql":
        return "= ANY(%s)", [list(ids)]
    return f"IN ({', '.join(['%s'] * len(ids))})", list(ids)
