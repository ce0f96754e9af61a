"""What must be true of submissions, leads, owners, loads and decisions."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum

from reps.models import AuditEvent, Strike
from reps.verify import Pace, invariant
from routing.dispatch import inputs, replay
from routing.fairness import held
from routing.models import (
    Assignment,
    BalanceLine,
    Decision,
    Enrichment,
    Lead,
    Merge,
    Organisation,
    PoolStanding,
    Prospect,
    ProspectKey,
    RepLoad,
    Submission,
)
from routing.models.source import Mode

PATIENCE = timedelta(seconds=60)
# Running every decision of years again takes hours; the newest are where a fault shows.
RUN_AGAIN = 500

# The first and the last id of the leads to look at; None: all.
Stretch = tuple[int, int] | None


def _of(leads: Stretch, rows: QuerySet, lead: str = "pk") -> QuerySet:
    if leads is None:
        return rows
    return rows.filter(**{f"{lead}__gte": leads[0], f"{lead}__lte": leads[1]})


@invariant(
    "I1", "every acknowledged submission is processed, or waits where a person sees it", Pace.QUICK
)
def submissions_move(at: datetime) -> Iterator[str]:
    stuck = Submission.objects.filter(
        state=Submission.State.RECEIVED, received_at__lt=at - PATIENCE, due_at__lt=at - PATIENCE
    )
    for pk in stuck.values_list("pk", flat=True):
        yield f"submission {pk} is stuck"


@invariant(
    "I2",
    "every processed submission is a touch of a lead, every lead has a submission",
    Pace.STRETCH,
)
def submissions_arrive(at: datetime, leads: Stretch = None) -> Iterator[str]:
    # That a processed one has a lead the database itself sees to.
    lost = _of(leads, Submission.objects.filter(state=Submission.State.PROCESSED), "lead")
    lost = lost.filter(touch__isnull=True)
    for pk in lost.values_list("pk", flat=True):
        yield f"submission {pk} leads nowhere"
    from_nowhere = _of(leads, Lead.objects.filter(submissions__isnull=True))
    for pk in from_nowhere.values_list("pk", flat=True):
        yield f"lead {pk} came from no submission"


@invariant("I3", "exactly the live assignment says where a lead is", Pace.STRETCH)
def assignment_is_the_place(at: datetime, leads: Stretch = None) -> Iterator[str]:
    live = Assignment.objects.filter(
        lead=OuterRef("pk"),
        ended_at__isnull=True,
        place=OuterRef("place"),
        epoch=OuterRef("owner_epoch"),
    ).filter(
        Q(rep=OuterRef("owner")) | Q(rep__isnull=True, place__in=_ownerless()),
    )
    astray = _of(leads, Lead.objects.filter(owner_epoch__gt=0).filter(~Exists(live)))
    for pk in astray.values_list("pk", flat=True):
        yield f"lead {pk} is not where its live assignment says"
    several = (
        _of(leads, Assignment.objects.filter(ended_at__isnull=True), "lead")
        .values("lead")
        .annotate(n=Count("pk"))
        .filter(n__gt=1)
    )
    for row in several:
        yield f"lead {row['lead']} has {row['n']} live assignments"
    early = _of(leads, Lead.objects.filter(owner_epoch=0)).filter(
        Q(owner__isnull=False) | Q(assignments__isnull=False)
    )
    for pk in early.values_list("pk", flat=True):
        yield f"lead {pk} has an owner before its first epoch"


def _ownerless() -> list[str]:
    return [place for place in Lead.Place.values if place != Lead.Place.OWNER]


@invariant("I4", "every stored load equals the leads a rep really holds", Pace.QUICK)
def loads_are_true(at: datetime) -> Iterator[str]:
    held = dict(
        Lead.objects.filter(place=Lead.Place.OWNER)
        .values("owner")
        .annotate(n=Count("pk"))
        .values_list("owner", "n")
    )
    for load in RepLoad.objects.all():
        if load.open != held.pop(load.rep_id, 0):
            yield f"rep {load.rep_id}: the load says {load.open}"
    for rep, number in held.items():
        yield f"rep {rep} holds {number} leads and has no load"


@invariant("I5", "no rep was above their cap at any instant")
def caps_held(at: datetime) -> Iterator[str]:
    steps: dict[int, dict[int, int]] = defaultdict(dict)
    loads: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    rows = Assignment.objects.filter(rep__isnull=False).values_list(
        "rep_id", "opened_seq", "closed_seq", "load_after", "cap"
    )
    for rep, opened, closed, load_after, cap in rows.iterator(chunk_size=5000):
        steps[rep][opened] = 1
        loads[rep][opened] = (load_after, cap)
        if closed is not None:
            steps[rep][closed] = -1
    for load in RepLoad.objects.all():
        running = 0
        for seq in range(1, load.seq + 1):
            step = steps[load.rep_id].get(seq)
            if step is None:
                yield f"rep {load.rep_id}: change {seq} of the load is missing"
                break
            running += step
            if step == 1 and (running, True) != (
                loads[load.rep_id][seq][0],
                running <= loads[load.rep_id][seq][1],
            ):
                yield f"rep {load.rep_id}: {running} leads at change {seq}"
        if running != load.open:
            yield f"rep {load.rep_id}: the changes add up to {running}, not {load.open}"


@invariant("I7", "every open lead has a place that somebody watches", Pace.QUICK)
def leads_are_watched(at: datetime) -> Iterator[str]:
    organisation = Organisation.objects.first()
    if organisation is None:
        return
    forgotten = (
        Lead.objects.filter(queue=organisation.intake_queue, route_at__isnull=True)
        .exclude(mode=Mode.SHADOW)
        .exclude(owner_epoch__gt=0, waiting=Lead.Waiting.NONE)
    )
    for pk in forgotten.values_list("pk", flat=True):
        yield f"lead {pk} waits and nothing will look at it"
    unanswered = Lead.objects.open().filter(responsible__is_active=False)
    for pk in unanswered.values_list("pk", flat=True):
        yield f"nobody active answers for lead {pk}"
    if organisation.routing_paused_at is None:
        late = Lead.objects.filter(route_at__lt=at - PATIENCE)
        for pk in late.values_list("pk", flat=True):
            yield f"lead {pk} should have been decided"


@invariant("I10", "every change of place is explained in the trail, once", Pace.STRETCH)
def places_are_explained(at: datetime, leads: Stretch = None) -> Iterator[str]:
    told: dict[int, list[int]] = defaultdict(list)
    placed = AuditEvent.objects.filter(subject="routing.lead", kind="placed")
    rows = _of(leads, placed, "subject_id").values_list("subject_id", "data")
    for lead, data in rows.iterator(chunk_size=5000):
        told[lead].append(data.get("owner_epoch"))
    epochs: dict[int, list[int]] = defaultdict(list)
    assignments = _of(leads, Assignment.objects.all(), "lead")
    for lead, epoch in assignments.values_list("lead_id", "epoch").iterator(5000):
        epochs[lead].append(epoch)
    for lead in sorted(told.keys() | epochs.keys()):
        if sorted(told.get(lead, [])) != sorted(epochs.get(lead, [])):
            yield f"lead {lead}: the trail does not tell each of its places once"


@invariant("I11", "epochs of a lead have no gap and no repeat", Pace.STRETCH)
def epochs_are_gapless(at: datetime, leads: Stretch = None) -> Iterator[str]:
    counted = (
        _of(leads, Lead.objects.all())
        .annotate(holders=Count("assignments"), last=Max("assignments__epoch"))
        .exclude(owner_epoch=F("holders"))
    )
    for pk in counted.values_list("pk", flat=True):
        yield f"lead {pk}: epoch and assignments do not agree"
    beyond = (
        _of(leads, Lead.objects.all())
        .annotate(last=Max("assignments__epoch"))
        .filter(last__isnull=False, last__gt=F("owner_epoch"))
    )
    for pk in beyond.values_list("pk", flat=True):
        yield f"lead {pk}: an assignment is ahead of its epoch"


@invariant("I12", "custody of a lead touches in time and never overlaps", Pace.STRETCH)
def custody_adds_up(at: datetime, leads: Stretch = None) -> Iterator[str]:
    following = Assignment.objects.filter(
        lead=OuterRef("lead"), epoch=OuterRef("epoch") + 1, started_at=OuterRef("ended_at")
    )
    ended = _of(leads, Assignment.objects.filter(ended_at__isnull=False), "lead")
    torn = ended.filter(~Exists(following))
    for lead, epoch in torn.values_list("lead_id", "epoch"):
        yield f"lead {lead}: epoch {epoch} does not end where the next begins"


@invariant("I16", "no open lead has an owner who left", Pace.QUICK)
def owners_are_here(at: datetime) -> Iterator[str]:
    for pk in Lead.objects.filter(owner__is_active=False).values_list("pk", flat=True):
        yield f"lead {pk} belongs to a rep who left"


@invariant("F1", "the balances of every lane of a pool add up to zero", Pace.QUICK)
def balances_add_up(at: datetime) -> Iterator[str]:
    for row in PoolStanding.objects.values("pool", "lane").annotate(total=Sum("balance")):
        if row["total"]:
            lane = f", lane {row['lane']}" if row["lane"] else ""
            yield f"pool {row['pool']}{lane}: the balances add up to {row['total']}"


@invariant("F2", "the lines of every member add up to their balance, one by one")
def lines_add_up(at: datetime) -> Iterator[str]:
    running: dict[tuple[int, int, str], int] = defaultdict(int)
    broken = set()
    lines = BalanceLine.objects.order_by("pk").values_list(
        "pk", "pool_id", "rep_id", "lane", "units", "balance_after"
    )
    for pk, pool, rep, lane, units, after in lines.iterator(chunk_size=5000):
        running[pool, rep, lane] += units
        if running[pool, rep, lane] != after and (pool, rep, lane) not in broken:
            broken.add((pool, rep, lane))
            yield f"line {pk}: rep {rep} in pool {pool} should stand at {running[pool, rep, lane]}"
    standings = PoolStanding.objects.values_list("pool_id", "rep_id", "lane", "balance")
    for pool, rep, lane, balance in standings:
        added = running.pop((pool, rep, lane), 0)
        if added != balance:
            yield f"rep {rep} in pool {pool}: the lines add up to {added}, not {balance}"
    for (pool, rep, _lane), added in running.items():
        if added:
            yield f"rep {rep} in pool {pool} has lines and no balance"


@invariant("F3", "no limit of new leads in a period was ever exceeded while it held")
def flows_held(at: datetime) -> Iterator[str]:
    yield from held.exceeded(at)


@invariant("D1", "every assigning decision that was applied has its assignment")
def decisions_are_done(at: datetime) -> Iterator[str]:
    undone = Decision.objects.filter(outcome="assign", applied=True, assignment__isnull=True)
    for pk in undone.values_list("pk", flat=True):
        yield f"decision {pk} was not carried out"


@invariant("D2", f"each of the newest {RUN_AGAIN} decisions, run again, gives the same bytes")
def decisions_repeat(at: datetime) -> Iterator[str]:
    for decision in Decision.objects.order_by("-pk")[:RUN_AGAIN]:
        try:
            if replay.run_again(decision).decode() != decision.body:
                yield f"decision {decision.pk} comes out differently"
        except replay.FactsErased:
            continue
        except replay.FactsAltered:
            yield f"decision {decision.pk}: its facts were altered"


@invariant("D3", f"each of the newest {RUN_AGAIN} decisions has the inputs it was made from")
def inputs_are_the_ones(at: datetime) -> Iterator[str]:
    newest = list(Decision.objects.order_by("-pk")[:RUN_AGAIN])
    for pk, altered in inputs.altered(newest).items():
        if altered:
            yield f"decision {pk}: altered since: {', '.join(altered)}"


@invariant("E1", "no lead is held beyond its deadline for data that are to come", Pace.QUICK)
def leads_do_not_wait_for_data(at: datetime) -> Iterator[str]:
    # Never placed, parked by nobody, and yet not due: only enrichment can hold a lead so. One
    # that could not be decided comes again later, and stands among the strikes.
    held = Lead.objects.filter(
        enrichment__deadline_at__isnull=False,
        owner_epoch=0,
        waiting=Lead.Waiting.NONE,
        decisions__isnull=True,
        route_at__gt=F("enrichment__deadline_at"),
    ).exclude(pk__in=Strike.objects.filter(job="route").values("row_id"))
    for pk in held.values_list("pk", flat=True):
        yield f"lead {pk} is to be routed after its deadline"
    longest = timedelta(seconds=60)
    beyond = Enrichment.objects.filter(deadline_at__gt=F("made_at") + longest)
    for pk in beyond.values_list("pk", flat=True):
        yield f"lead {pk} was given a deadline of more than {longest.seconds} seconds"


@invariant("P1", "whoever was merged has no keys and no leads, and leads to one person", Pace.QUICK)
def merges_hold(at: datetime) -> Iterator[str]:
    merged = Prospect.objects.filter(merged_into__isnull=False)
    keys = ProspectKey.objects.filter(prospect__merged_into__isnull=False)
    for pk, who in keys.values_list("pk", "prospect_id"):
        yield f"key {pk} leads to person {who}, who was merged"
    leads = Lead.objects.filter(prospect__merged_into__isnull=False)
    for pk, who in leads.values_list("pk", "prospect_id"):
        yield f"lead {pk} is of person {who}, who was merged"
    stands = Merge.objects.filter(
        loser=OuterRef("pk"), winner=OuterRef("merged_into"), undone_at__isnull=True
    )
    for pk in merged.filter(~Exists(stands)).values_list("pk", flat=True):
        yield f"person {pk} was merged, and no merge says so"
    loose = Merge.objects.filter(undone_at__isnull=True).exclude(loser__merged_into=F("winner"))
    for pk in loose.values_list("pk", flat=True):
        yield f"merge {pk} holds, and its person does not follow it"
    into = dict(merged.values_list("pk", "merged_into"))
    for pk in into:
        seen, up = {pk}, into[pk]
        while up in into and up not in seen:
            seen.add(up)
            up = into[up]
        if up in seen:
            yield f"person {pk} is merged in a circle"
    open_ = Lead.objects.open().values("prospect", "mode").annotate(n=Count("pk"))
    for row in open_.filter(n__gt=1):
        yield f"person {row['prospect']} has {row['n']} open leads"
