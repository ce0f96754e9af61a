"""A person confirms or corrects what was added to a lead: it counts from then on, and teaches."""

from datetime import datetime
from typing import Any

from django.db import transaction

from reps import trail
from reps.models import User
from routing import waking
from routing.enrich import fields, mapping
from routing.enrich.agreement import agree
from routing.enrich.waterfall import PERSON, Value, choose, merged, read_all
from routing.models import Enrichment, FieldCheck, Lead
from routing.privacy.registry import marks_of
from routing.scoring import rescore

SURE = 100


class CheckRefused(Exception):
    """The value stays as it is; the message says why."""


@transaction.atomic
def check(*, lead_id: int, field: str, typed: str | None, by: User, at: datetime) -> FieldCheck:
    """
    Confirm what is known of a field (`typed` None), or say what is right.

    From then on that counts before everything else. Which providers had said the same is kept
    for the report; the value stands with the lead's other values only, and goes with them.

    :raises CheckRefused: if there is nothing to confirm, or what was typed does not fit
    """
    if field not in fields.BY_NAME:
        raise CheckRefused("There is no such field.")
    lead = (
        Lead.objects.select_for_update(no_key=True, of=("self",))
        .select_related("prospect", "source", "account__parent")
        .get(pk=lead_id)
    )
    if lead.prospect.erased_at is not None:
        raise CheckRefused("This person was erased; nothing is kept about them.")
    Enrichment.objects.get_or_create(lead=lead, defaults={"made_at": at})
    row = Enrichment.objects.select_for_update(no_key=True).get(pk=lead.pk)
    values = read_all(row.values)
    right = _confirmed(values, field, at=at) if typed is None else _typed(field, typed, lead)
    verdicts = {
        value.provider: agree(value.value, right)
        for value in values
        if value.field == field and value.provider != PERSON
    }
    said = Value(field, right, PERSON, SURE, at, over=True)
    row.values = [value.as_json() for value in merged(values, [said])]
    row.save(update_fields=["values"])
    made, _ = FieldCheck.objects.update_or_create(
        lead=lead, field=field, defaults={"by": by, "at": at, "verdicts": verdicts}
    )
    code = "confirmed" if typed is None else "corrected"
    # The field only: what is right is the person's.
    trail.note(
        lead,
        kind="field_checked",
        by=by,
        at=at,
        reason_code=code,
        data={"field": field, "agreed": sorted(name for name, ok in verdicts.items() if ok)},
    )
    rescore.one(lead, at=at, reason_code="enriched")
    if lead.waiting != Lead.Waiting.NONE:
        waking.wake([lead.pk], at=at)
    return made


def _confirmed(values: list[Value], field: str, *, at: datetime) -> Any:
    counts = choose([value for value in values if value.field == field], at=at)
    if field not in counts:
        raise CheckRefused("Nothing is known here to confirm; write what is right instead.")
    return counts[field].value


def _typed(field: str, typed: str, lead: Lead) -> Any:
    known = fields.BY_NAME[field]
    raw: Any = typed.strip()
    if not raw:
        raise CheckRefused("Write what is right.")
    if known.kind == "list":
        raw = [part.strip() for part in raw.split(",") if part.strip()]
    elif known.kind == "boolean":
        raw = {"yes": True, "no": False}.get(raw.casefold())
    value = None if raw is None else mapping.as_kind(raw, known.kind)
    value = None if value is None else fields.clean(field, value, whose=marks_of(lead.prospect))
    if value in (None, "", []):
        raise CheckRefused(_hint(known))
    return value


def _hint(field: fields.Field) -> str:
    if field.choices:
        return f"Write one of these: {', '.join(field.choices)}."
    return {
        "number": "Write a number, such as 250.",
        "boolean": "Write yes or no.",
        "list": "Write words with commas between them.",
        "text": "This is nothing that fits here."
        + (" Write the country as two letters, e.g. DE." if field.name == "country" else ""),
    }[field.kind]
