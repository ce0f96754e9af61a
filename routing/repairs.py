"""What the auditor may put right without a person: a counter, and a receipt that is stuck."""

from datetime import datetime

from django.db import transaction
from django.db.models import Count

from reps import trail, verify
from reps.due import doorbell
from reps.models import Rep
from routing import ownership
from routing.invariants import PATIENCE
from routing.models import Lead, RepLoad, Submission

verify.leads_end_at(lambda: Lead.objects.order_by("-pk").values_list("pk", flat=True).first() or 0)


@verify.repair("I4")
def count_again(at: datetime) -> list[str]:
    """Set each load that has drifted to the leads its rep really holds, counted under its lock."""
    return [line for rep in _drifted() if (line := _count_again(rep, at=at))]


@verify.repair("I1")
def try_alone(at: datetime) -> list[str]:
    """Have each submission that is stuck processed by itself: its neighbours may stop it."""
    stuck = Submission.objects.filter(
        state=Submission.State.RECEIVED, due_at__lt=at - PATIENCE, attempts=0
    )
    number = stuck.update(attempts=1)
    doorbell.ring("intake")
    return [f"{number} submissions will be tried one by one"] if number else []


def _drifted() -> list[int]:
    held = _held()
    loads = dict(RepLoad.objects.values_list("rep", "open"))
    return sorted(rep for rep in held.keys() | loads if loads.get(rep, 0) != held.get(rep, 0))


def _held(**only: int) -> dict[int, int]:
    rows = Lead.objects.filter(place=Lead.Place.OWNER, **only).values("owner")
    return dict(rows.annotate(n=Count("pk")).values_list("owner", "n"))


@transaction.atomic
def _count_again(rep_id: int, *, at: datetime) -> str:
    # Whoever moves a lead holds this lock until the lead is written, so the count is exact.
    load = ownership.lock_loads([rep_id])[rep_id]
    before, real = load.open, _held(owner=rep_id).get(rep_id, 0)
    if before == real:
        return ""
    load.open = real
    load.save(update_fields=["open"])
    rep = Rep.objects.select_for_update(no_key=True, of=("self",)).get(pk=rep_id)
    trail.note(
        rep,
        kind="load_repaired",
        by=None,
        at=at,
        reason_code="drift",
        reason="The counter did not equal the leads that the rep holds",
        data={"before": before, "after": real},
    )
    return f"rep {rep_id}: the load said {before}, it is {real}"
