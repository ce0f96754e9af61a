"""
The due work "late_data": data came after a lead was routed; would the answer have been another?

The engine runs again on the situation of the decision, with the same roster, counters and rules
and with nothing but the late data added. What differs is shown. If the organisation wants it, a
lead that nobody has acknowledged is routed anew, through `routing.ownership`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.areas import AreaIndex, most_specific
from reps.due import strikes
from routing import engine, waking, work
from routing.dispatch import gather, replay, snapshot
from routing.engine import InvalidPart, codec
from routing.enrich.waterfall import Value, choose, read_all
from routing.models import Decision, Enrichment, LateFinding, Lead, Organisation
from routing.models.assignment import Reason
from routing.models.source import Mode
from routing.qualify import facts
from routing.scoring import apply, live
from routing.scoring.apply import Story

JOB = "late_data"
BATCH = 20
# A lead that is due is routed within a second or two; after this long nobody waits for it.
SOON, PATIENCE = timedelta(seconds=2), timedelta(minutes=10)
WORDS = "Data that came late change who it is for"
OF_ROUTING = ("score", "tier", "fit", "engagement", "profiles")


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Look again at some leads; return how many."""
    at = at or due_before
    rows = Enrichment.objects.filter(recheck_at__lte=due_before).exclude(
        pk__in=strikes.given_up(JOB)
    )
    ids = list(rows.order_by("recheck_at").values_list("lead_id", flat=True)[:BATCH])
    return strikes.each(JOB, ids, lambda pk: look_again(pk, at=at), at=at)


def oldest() -> datetime | None:
    """The due time of the lead that has waited longest for a second look."""
    rows = Enrichment.objects.filter(recheck_at__isnull=False).exclude(pk__in=strikes.given_up(JOB))
    return rows.order_by("recheck_at").values_list("recheck_at", flat=True).first()


@transaction.atomic
def look_again(lead_id: int, *, at: datetime) -> int:
    """Say what the late data of a lead change; return 1."""
    lead = (
        Lead.objects.select_for_update(no_key=True, of=("self",))
        .select_related("prospect", "source", "account__parent")
        .get(pk=lead_id)
    )
    row = Enrichment.objects.select_for_update(no_key=True).get(pk=lead_id)
    if row.recheck_at is None:
        return 0
    if lead.waiting != Lead.Waiting.NONE and lead.route_at is not None:
        # It has no owner yet: the router itself looks again, with the new data.
        waking.wake([lead.pk], at=at)
        return _done(row)
    decision = lead.decisions.order_by("-pk").first()
    if decision is None:
        is_coming = lead.route_at is not None and at - row.made_at < PATIENCE
        return _done(row, again_at=at + SOON if is_coming else None)
    _compare(lead, row, decision, at=at)
    return _done(row)


def _done(row: Enrichment, *, again_at: datetime | None = None) -> int:
    Enrichment.objects.filter(pk=row.pk).update(recheck_at=again_at)
    return 1


def _compare(lead: Lead, row: Enrichment, decision: Decision, *, at: datetime) -> None:
    late = [value for value in read_all(row.values) if value.fetched_at >= decision.decided_at]
    if not late:
        return
    try:
        seen = replay.situation(decision)
        then = json.loads(decision.body)
        fresh = _with_late(seen.facts, lead, row, late, at=at)
        answer = engine.decide(seen.rules, fresh, seen.roster, seen.counters, seen.at)
    except (replay.FactsErased, replay.FactsAltered, InvalidPart, LookupError):
        # What cannot be run again as it was cannot be compared either.
        return
    before, after = _gist(then), _gist(json.loads(codec.encode_decision(answer)))
    changed = _where(before) != _where(after)
    finding, _ = LateFinding.objects.update_or_create(
        decision=decision,
        defaults={
            "lead": lead,
            "at": at,
            "providers": sorted({value.provider for value in late}),
            "fields": sorted({value.field for value in late}),
            "changed": changed,
            "before": before,
            "after": after,
        },
    )
    if changed and may_reroute(lead, decision):
        _reroute(lead, finding, at=at)


def _with_late(
    old: Mapping[str, Any], lead: Lead, row: Enrichment, late: Iterable[Value], *, at: datetime
) -> dict[str, Any]:
    """The facts of a decision, with what the late data alone make different."""
    every = read_all(row.values)
    names = {(value.provider, value.field) for value in late}
    early = [value for value in every if (value.provider, value.field) not in names]
    story, areas = apply.stories([lead], at=at)[lead.pk], snapshot.current(at=at).areas
    without = _facts(lead, replace(story, enriched=choose(early, at=at)), areas, at=at)
    with_them = _facts(lead, replace(story, enriched=choose(every, at=at)), areas, at=at)
    fresh = dict(old)
    for name in {*without, *with_them}:
        if without.get(name) != with_them.get(name):
            fresh.pop(name, None)
            if name in with_them:
                fresh[name] = with_them[name]
    return fresh


def _facts(lead: Lead, story: Story, areas: AreaIndex, *, at: datetime) -> dict[str, Any]:
    organisation = Organisation.get()
    values = apply.facts_of(lead, story, terms=facts.Terms.of(organisation), at=at)
    for name in OF_ROUTING:
        values.pop(name, None)
    result = apply.score(live.read(organisation), values, events=story.events(at), at=at)
    values |= {
        "score": result.value,
        "tier": result.tier,
        "fit": round(result.fit),
        "engagement": round(result.engagement),
        "profiles": [name.casefold() for name in result.profiles],
    }
    territory = most_specific(areas, gather.place_of(values))
    if territory is not None:
        values["territory"] = territory
    return values


def _gist(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: body.get(name) for name in ("outcome", "rep", "queue", "rule")}


def _where(gist: Mapping[str, Any]) -> tuple[Any, ...]:
    """Where a lead goes; by which rule is told, and is no other answer."""
    return gist["outcome"], gist["rep"], gist["queue"]


def may_reroute(lead: Lead, decision: Decision) -> bool:
    """Whether late data may move a lead: as wanted, and while nobody has done anything with it."""
    if not Organisation.get().enrich_reroutes or lead.mode not in (Mode.LIVE, Mode.TEST):
        return False
    if lead.place != Lead.Place.OWNER or lead.acknowledged_at is not None:
        return False
    return lead.assignments.filter(ended_at__isnull=True, decision=decision).exists()


def _reroute(lead: Lead, finding: LateFinding, *, at: datetime) -> None:
    work.put_in_queue(
        leads=[lead], reason_code=Reason.ENRICHED, reason=WORDS, by=None, at=at, driver=JOB
    )
    finding.rerouted_at = at
    finding.save(update_fields=["rerouted_at"])
