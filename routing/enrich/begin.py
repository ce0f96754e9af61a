"""
Enrichment inside intake: what our own tables know, at once; and whom outside to ask.

Statements per batch are constant, and nothing is asked over the network here: a question is a
row with a due time. A new lead waits for answers until its deadline at most; without a provider
to wait for it does not wait at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Q

from accounts import places
from reps.due import doorbell
from reps.models import Rep
from reps.models.bulk import Upsert, insert_many
from routing.engine.earth import Point
from routing.enrich import breaker, fields, invented, question
from routing.enrich.providers import BUILT_IN, OUTSIDE_FROM
from routing.enrich.providers.base import Provider, Subject
from routing.enrich.waterfall import Value, choose, merged, read_all
from routing.models import (
    Enquiry,
    Enrichment,
    EnrichmentProvider,
    Lead,
    Organisation,
    Prospect,
    ProviderAnswer,
    ProviderBreaker,
)
from routing.models.source import Mode
from routing.privacy.marks import Marks
from routing.privacy.registry import marks_of

# History is not asked about, and a shadow's live twin is asked about already.
ASKED = (Mode.LIVE, Mode.TEST)
DOMAIN_KEY = "domain"


class Come(Protocol):
    """What came in, as far as enrichment looks at it (`routing.intake.process.Item`)."""

    lead: Lead
    prospect: Prospect
    is_new: bool

    @property
    def message(self) -> str: ...


@dataclass(slots=True)
class _One:
    """One lead of the batch: what is known of it, and whom to ask about it."""

    lead: Lead
    prospect: Prospect
    message: str
    is_new: bool
    values: list[Value] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    enquiries: list[Enquiry] = field(default_factory=list)
    deadline_at: datetime | None = None

    @property
    def blocks(self) -> bool:
        return self.is_new and any(one.blocks for one in self.enquiries)


@dataclass(slots=True)
class Begun:
    """What is known of each lead of a batch before it is scored; `keep` writes it down."""

    organisation: Organisation
    _ones: Mapping[int, _One]

    def known(self, lead: Lead, *, at: datetime) -> dict[str, Value]:
        """The values that count, by field."""
        return choose(self._ones[id(lead)].values, at=at)

    def route_at(self, lead: Lead, *, at: datetime) -> datetime:
        """When to route a new lead: now, or at the deadline if somebody outside is asked."""
        one = self._ones[id(lead)]
        hot = lead.priority > 0
        most = self.organisation.enrich_deadline_hot if hot else self.organisation.enrich_deadline
        if not one.blocks or not most:
            for enquiry in one.enquiries:
                enquiry.blocks = False
            return at
        one.deadline_at = at + timedelta(milliseconds=most)
        return one.deadline_at

    def keep(self, *, at: datetime) -> None:
        """Write what is known and who is asked, once the leads have their ids."""
        ones = list(self._ones.values())
        insert_many(
            [
                Enrichment(
                    lead_id=one.lead.pk,
                    values=[value.as_json() for value in one.values],
                    asked=one.asked,
                    made_at=at,
                    deadline_at=one.deadline_at,
                )
                for one in ones
            ],
            upsert=Upsert(unique=("lead",), update=("values", "asked")),
        )
        enquiries = []
        for one in ones:
            for enquiry in one.enquiries:
                enquiry.lead = one.lead
                enquiries.append(enquiry)
        insert_many(enquiries, ignore_conflicts=True)
        if any(enquiry.due_at is not None for enquiry in enquiries):
            doorbell.ring("enrich")


def begin(items: Sequence[Come], *, organisation: Organisation, at: datetime) -> Begun:
    """Look at every lead of a batch with what is here; the caller holds the leads' rows."""
    ones: dict[int, _One] = {}
    for item in items:
        one = ones.setdefault(
            id(item.lead), _One(item.lead, item.prospect, item.message, item.is_new)
        )
        one.message = one.message or item.message
    _look(ones.values(), at=at)
    _ask_outside(ones.values(), at=at)
    return Begun(organisation, ones)


# --- What is here ---------------------------------------------------------------------------


def _look(ones: Iterable[_One], *, at: datetime) -> None:
    present = [one.lead.pk for one in ones if not one.is_new]
    stored: dict[int, list[Value]] = {}
    if present:
        rows = Enrichment.objects.filter(lead__in=present).values_list("lead_id", "values")
        stored = {lead: read_all(values) for lead, values in rows}
    reps: Sequence[Point] | None = None
    for one in ones:
        who = one.prospect
        if reps is None and places.locate(who.country, who.postal_code) is not None:
            reps = _places_of_reps()
        subject = Subject(one.prospect, one.lead.account, one.message, reps or ())
        found, one.asked = look(subject, at=at)
        one.values = merged(stored.get(one.lead.pk, ()), found)


def look(subject: Subject, *, at: datetime) -> tuple[list[Value], list[str]]:
    """Return what our own providers say of a lead, and which of them had something to look at."""
    whose = marks_of(subject.prospect)
    values: list[Value] = []
    asked = []
    for place, provider in enumerate(BUILT_IN):
        said = provider.look(subject)
        if said is not None:
            asked.append(provider.slug)
            values += _values(provider, place, said, whose, at=at)
    return values, asked


def _values(
    provider: Provider,
    place: int,
    said: Mapping[str, tuple[object, int]],
    whose: Marks,
    *,
    at: datetime,
) -> Iterable[Value]:
    for name, (raw, sure) in said.items():
        value = fields.clean(name, raw, whose=whose)
        if value not in (None, ""):
            yield Value(name, value, provider.slug, sure, at, place=place)


def _places_of_reps() -> list[Point]:
    rows = Rep.objects.active().exclude(postal_code="").values_list("country", "postal_code")
    found = {places.locate(country, code) for country, code in rows}
    return sorted(point for point in found if point is not None)


# --- Whom to ask ----------------------------------------------------------------------------


def _ask_outside(ones: Iterable[_One], *, at: datetime) -> None:
    providers = list(EnrichmentProvider.objects.filter(is_active=True).select_related("breaker"))
    if not providers:
        return
    wanted: list[tuple[_One, EnrichmentProvider, str]] = []
    for one in ones:
        if one.lead.mode not in ASKED:
            continue
        have = choose(one.values, at=at)
        said = question.told(one.prospect)
        for provider in providers:
            if provider.only_missing and not set(provider.mapping) - {"confidence", *have}:
                continue
            key = key_for(provider, said)
            if key is not None:
                wanted.append((one, provider, key))
    kept = _kept_answers(wanted, at=at)
    for one, provider, key in wanted:
        answer = kept.get((provider.pk, key))
        if answer is not None:
            one.values = merged(
                one.values,
                values_of(
                    provider,
                    answer.values,
                    answer.confidence,
                    prospect=one.prospect,
                    at=answer.fetched_at,
                    until=answer.expires_at,
                ),
            )
            one.enquiries.append(_from_cache(provider, answer, at=at))
        else:
            one.enquiries.append(_new_enquiry(one, provider, at=at))


def key_for(provider: EnrichmentProvider, said: Mapping[str, str]) -> str | None:
    """What stands for the question about a lead; None if it cannot be asked about this one."""
    if provider.kind == EnrichmentProvider.Kind.DEMO:
        domain = said[DOMAIN_KEY]
        return question.key_of(provider, domain, None) if domain else None
    try:
        built = question.build(provider, said)
    except question.NotAskable:
        # It is asked all the same: the failure stands where people see it.
        return ""
    return built.key if built else None


def _kept_answers(
    wanted: Sequence[tuple[_One, EnrichmentProvider, str]], *, at: datetime
) -> dict[tuple[int, str], ProviderAnswer]:
    keys = {key for _, _, key in wanted if key}
    if not keys:
        return {}
    rows = ProviderAnswer.objects.filter(
        Q(provider__in={provider.pk for _, provider, _ in wanted}), key__in=keys, expires_at__gt=at
    )
    return {(row.provider_id, row.key): row for row in rows}


def _from_cache(provider: EnrichmentProvider, answer: ProviderAnswer, *, at: datetime) -> Enquiry:
    state = Enquiry.State.ANSWERED if answer.values else Enquiry.State.EMPTY
    return Enquiry(
        provider=provider, state=state, made_at=at, ended_at=at, from_cache=True, due_at=None
    )


def _new_enquiry(one: _One, provider: EnrichmentProvider, *, at: datetime) -> Enquiry:
    due, blocks = at, True
    if provider.kind == EnrichmentProvider.Kind.DEMO:
        due = at + invented.wait_for(question.told(one.prospect)[DOMAIN_KEY])
    stands = state_of(getattr(provider, "breaker", None))
    if breaker.is_open(stands, at=at) and stands.until is not None:
        # Nobody waits for one that is known to be dead; it is asked when it may be well again.
        due, blocks = stands.until, False
    return Enquiry(provider=provider, due_at=due, made_at=at, blocks=blocks and one.is_new)


def state_of(row: ProviderBreaker | None) -> breaker.Breaker:
    """A stored breaker as the pure one."""
    if row is None:
        return breaker.Breaker()
    return breaker.Breaker(row.state, row.failures, row.opens, row.until)


def values_of(
    provider: EnrichmentProvider,
    said: Mapping[str, object],
    confidence: int | None,
    *,
    prospect: Prospect,
    at: datetime,
    until: datetime,
) -> list[Value]:
    """What a provider outside said, as values of a lead."""
    whose = marks_of(prospect)
    found = {}
    for name, raw in said.items():
        value = fields.clean(name, raw, whose=whose) if name in fields.OUTSIDE else None
        if value not in (None, "", []):
            found[name] = value
    if prospect.country and found.get("country", prospect.country) != prospect.country:
        # It speaks of another office: its town is not where this person is.
        for name in {"region", "city"} - set(provider.overwrites):
            found.pop(name, None)
    return [
        Value(
            name,
            value,
            provider.slug,
            min(provider.confidence if confidence is None else confidence, 100),
            at,
            until,
            OUTSIDE_FROM + provider.position,
            name in provider.overwrites,
        )
        for name, value in found.items()
    ]
