"""What was added to a lead, as people and programs read it: value, source, age, what is late."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from reps.models import Rep
from routing.enrich import fields
from routing.enrich.providers import BUILT_IN
from routing.enrich.waterfall import PERSON, Value, choose, read_all
from routing.models import Enrichment, EnrichmentProvider, LateFinding, Lead, Queue


@dataclass(frozen=True, slots=True)
class Shown:
    """One field of a lead. `others` said something else; `is_old`: its time is over."""

    field: fields.Field
    value: Value
    words: str
    source: str | Promise
    is_checked: bool
    is_old: bool
    others: tuple[tuple[str | Promise, str], ...] = ()

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Each value that the field may have, and as people read it."""
        return [(choice, words(choice)) for choice in self.field.choices]


def labels() -> dict[str, str | Promise]:
    """What providers are called, by their keys; one statement."""
    found: dict[str, str | Promise] = {one.slug: one.label for one in BUILT_IN}
    found.update(EnrichmentProvider.objects.values_list("slug", "name"))
    found[PERSON] = _("A person")
    return found


def of_lead(
    row: Enrichment | None, *, names: Mapping[str, str | Promise], at: datetime
) -> list[Shown]:
    """Every field that something is known of, in the order of the registry."""
    values = read_all(row.values) if row is not None else []
    counts = choose(values, at=at)
    for value in values:
        # What is past its time is shown for what it is, where nothing newer is known.
        held = counts.get(value.field)
        if held is None or (not held.counts(at) and value.fetched_at > held.fetched_at):
            counts[value.field] = value
    return [
        _shown(one, counts[one.name], values, names, at) for one in fields.ALL if one.name in counts
    ]


def _shown(
    field: fields.Field,
    value: Value,
    values: list[Value],
    names: Mapping[str, str | Promise],
    at: datetime,
) -> Shown:
    others = tuple(
        (names.get(other.provider, other.provider), words(other.value))
        for other in values
        if other.field == field.name
        and other.provider != value.provider
        and other.value != value.value
    )
    return Shown(
        field,
        value,
        words(value.value),
        names.get(value.provider, value.provider),
        value.provider == PERSON,
        not value.counts(at),
        others,
    )


def words(value: Any) -> str:
    """A value as people read it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if isinstance(value, int | float):
        return number_format(value, decimal_pos=0, force_grouping=True)
    return str(value).replace("_", " ") if str(value).islower() else str(value)


@dataclass(frozen=True, slots=True)
class Late:
    """A finding about late data, with names in the place of ids."""

    finding: LateFinding
    lead: Lead
    before: str
    after: str
    providers: str
    fields: str


def late(findings: list[LateFinding]) -> list[Late]:
    """Findings in words; a constant number of statements."""
    bodies = [body for one in findings for body in (one.before, one.after)]
    reps = Rep.objects.select_related("user").in_bulk({b["rep"] for b in bodies if b.get("rep")})
    queues = Queue.objects.in_bulk({b["queue"] for b in bodies if b.get("queue")})
    names = labels() if findings else {}
    return [
        Late(
            one,
            one.lead,
            _where(one.before, reps, queues),
            _where(one.after, reps, queues),
            ", ".join(str(names.get(slug, slug)) for slug in one.providers),
            ", ".join(
                str(fields.BY_NAME[name].label) for name in one.fields if name in fields.BY_NAME
            ),
        )
        for one in findings
    ]


def _where(body: Mapping[str, Any], reps: Mapping[int, Rep], queues: Mapping[int, Queue]) -> str:
    if body.get("rep"):
        return str(reps.get(body["rep"], _("somebody")))
    if body.get("queue"):
        return str(queues.get(body["queue"], _("a queue")))
    return {"nurture": _("nurture"), "park": _("waiting")}.get(body.get("outcome", ""), "—")
