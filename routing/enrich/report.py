"""
How good the data are: by provider and by the channel that leads come through (requirement ENR-4).

Complete is what a provider answered of what it was asked. Accurate is what of its values agreed
with a value that a person confirmed or corrected, or with the record of an account that came from
the CRM; a sample, so its size stands beside it, and the bounds that hold with 95 percent.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.functional import Promise

from routing.enrich import shown
from routing.enrich.agreement import agree, percentile, wilson
from routing.enrich.begin import state_of
from routing.enrich.breaker import Breaker, is_open
from routing.enrich.fields import CORE, Field
from routing.enrich.providers import BUILT_IN
from routing.enrich.waterfall import PERSON
from routing.models import (
    Enquiry,
    Enrichment,
    EnrichmentProvider,
    FieldCheck,
    LateFinding,
    Source,
)
from routing.models.source import Mode

DAYS = 30
# The newest leads and questions of the time; more would say no more.
SAMPLE = 3000
TARGET = 0.95
ACCOUNT = "account"
LATELY = 20


@dataclass(slots=True)
class Share:
    """How many of how many, with the bounds of that share."""

    hits: int = 0
    of: int = 0

    def add(self, hit: bool) -> None:
        self.of += 1
        self.hits += hit

    @property
    def percent(self) -> float | None:
        return 100 * self.hits / self.of if self.of else None

    @property
    def bounds(self) -> tuple[float, float]:
        low, high = wilson(self.hits, self.of)
        return 100 * low, 100 * high

    @property
    def is_low(self) -> bool:
        """Below 95 percent, as measured."""
        return bool(self.of) and self.hits / self.of < TARGET


@dataclass(slots=True)
class Line:
    """One provider: how complete and how accurate it is, how quick, and how it is doing."""

    slug: str
    label: str | Promise
    complete: Share = field(default_factory=Share)
    accurate: Share = field(default_factory=Share)
    provider: EnrichmentProvider | None = None
    breaker: Breaker | None = None
    is_resting: bool = False
    asked: int = 0
    answered: int = 0
    empty: int = 0
    failed: int = 0
    cached: int = 0
    late: int = 0
    p50: int | None = None
    p95: int | None = None
    last_error: str = ""

    @property
    def is_flagged(self) -> bool:
        return self.complete.is_low or self.accurate.is_low


@dataclass(slots=True)
class ChannelLine:
    """The leads of one channel: how much of the core is known, and how right it is."""

    channel: str
    label: str | Promise
    leads: int = 0
    complete: Share = field(default_factory=Share)
    accurate: Share = field(default_factory=Share)

    @property
    def is_flagged(self) -> bool:
        return self.complete.is_low or self.accurate.is_low


@dataclass(slots=True)
class Quality:
    """The report."""

    since: datetime
    leads: int
    is_sample: bool
    providers: list[Line]
    channels: list[ChannelLine]
    fields: list[tuple[Field, Share]]
    late: list[shown.Late]
    late_looked_at: int
    late_changed: int


def quality(*, at: datetime, days: int = DAYS) -> Quality:
    """Count the last days; the number of statements is constant."""
    since = at - timedelta(days=days)
    lines = _lines(at=at)
    channels = {value: ChannelLine(value, label) for value, label in Source.Channel.choices}
    of_fields = {one.name: Share() for one in CORE}
    rows = list(
        Enrichment.objects.filter(
            made_at__gte=since, lead__mode__in=[Mode.LIVE, Mode.BACKFILL, Mode.TEST]
        )
        .order_by("-made_at")
        .values_list(
            "lead_id", "values", "asked", "lead__channel", "lead__account__external_id",
            "lead__prospect__country", "lead__prospect__region", "lead__industry",
            "lead__employees",
        )[:SAMPLE]
    )  # fmt: skip
    for _, values, asked, channel, crm_id, country, region, industry, employees in rows:
        by_provider = _by_provider(values)
        _count_built_in(lines, by_provider, asked)
        _count_core(
            channels[channel],
            of_fields,
            by_provider,
            {"country": country, "region": region, "industry": industry, "employees": employees},
        )
        if crm_id:
            _hold_against_crm(lines, channels[channel], by_provider)
    _count_checks(lines, channels, since=since)
    _count_enquiries(lines, since=since)
    findings = LateFinding.objects.filter(at__gte=since)
    newest = list(findings.filter(changed=True).select_related("lead__prospect")[:LATELY])
    return Quality(
        since=since,
        leads=len(rows),
        is_sample=len(rows) == SAMPLE,
        providers=list(lines.values()),
        channels=[line for line in channels.values() if line.leads],
        fields=[(one, of_fields[one.name]) for one in CORE],
        late=shown.late(newest),
        late_looked_at=findings.count(),
        late_changed=findings.filter(changed=True).count(),
    )


def _lines(*, at: datetime) -> dict[str, Line]:
    lines = {one.slug: Line(one.slug, one.label) for one in BUILT_IN}
    for row in EnrichmentProvider.objects.select_related("breaker"):
        stands = state_of(getattr(row, "breaker", None))
        lines[row.slug] = Line(
            row.slug,
            row.name,
            provider=row,
            breaker=stands,
            is_resting=is_open(stands, at=at),
        )
    return lines


def _by_provider(values: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for value in values:
        found[value["provider"]][value["field"]] = value["value"]
    return found


def _count_built_in(
    lines: Mapping[str, Line], by_provider: Mapping[str, Mapping[str, Any]], asked: Iterable[str]
) -> None:
    for slug in asked:
        line = lines.get(slug)
        if line is not None:
            line.asked += 1
            knows = bool(by_provider.get(slug))
            line.answered += knows
            line.empty += not knows
            line.complete.add(knows)


def _count_core(
    channel: ChannelLine,
    of_fields: Mapping[str, Share],
    by_provider: Mapping[str, Mapping[str, Any]],
    said: Mapping[str, Any],
) -> None:
    channel.leads += 1
    known = {name for values in by_provider.values() for name in values}
    known |= {name for name, value in said.items() if value not in (None, "")}
    for name, share in of_fields.items():
        share.add(name in known)
        channel.complete.add(name in known)


def _hold_against_crm(
    lines: Mapping[str, Line], channel: ChannelLine, by_provider: Mapping[str, Mapping[str, Any]]
) -> None:
    """The CRM's record confirms or refutes what others say; what a person said counts more."""
    right = by_provider.get(ACCOUNT, {})
    for slug, values in by_provider.items():
        if slug in (ACCOUNT, PERSON) or slug not in lines:
            continue
        for name in set(values) & set(right) - set(by_provider.get(PERSON, {})):
            # Where a person is says little about where the company's record is kept.
            if lines[slug].provider is None and name in ("country", "region", "city"):
                continue
            same = agree(values[name], right[name])
            lines[slug].accurate.add(same)
            channel.accurate.add(same)


def _count_checks(
    lines: Mapping[str, Line], channels: Mapping[str, ChannelLine], *, since: datetime
) -> None:
    rows = FieldCheck.objects.filter(at__gte=since).values_list("verdicts", "lead__channel")
    for verdicts, channel in rows[:SAMPLE]:
        for slug, same in verdicts.items():
            if slug in lines:
                lines[slug].accurate.add(same)
                channels[channel].accurate.add(same)


def _count_enquiries(lines: Mapping[str, Line], *, since: datetime) -> None:
    of_provider: dict[int, Line] = {
        line.provider.pk: line for line in lines.values() if line.provider is not None
    }
    times: dict[int, list[int]] = defaultdict(list)
    rows = Enquiry.objects.filter(made_at__gte=since, provider__in=of_provider).order_by("-made_at")
    columns = ("provider_id", "state", "from_cache", "is_late", "ms", "error")
    for pk, state, from_cache, is_late, ms, error in rows.values_list(*columns)[:SAMPLE]:
        line = of_provider[pk]
        if error and not line.last_error:
            line.last_error = error
        if state == Enquiry.State.WAITING:
            continue
        line.asked += 1
        line.answered += state == Enquiry.State.ANSWERED
        line.empty += state == Enquiry.State.EMPTY
        line.failed += state == Enquiry.State.FAILED
        line.cached += from_cache
        line.late += is_late and not from_cache
        line.complete.add(state == Enquiry.State.ANSWERED)
        if ms is not None:
            times[pk].append(ms)
    for pk, found in times.items():
        found.sort()
        of_provider[pk].p50, of_provider[pk].p95 = percentile(found, 50), percentile(found, 95)
