"""
Cover of an account or a territory: the rep's open leads there move to whoever stands in while
it runs, and come back after. New leads follow by the facts `account_cover` and
`territory_cover`, for which nothing has to be moved.

A cover is due twice, as an absence is (`routing.cover`); each step is one transaction that
notes on the cover that it was done.
"""

from datetime import datetime

from django.db import transaction

from accounts.areas import AreaIndex, Place, most_specific
from accounts.models import Cover, Territory
from accounts.services.territories import area_of, serving
from reps import trail
from reps.due import strikes
from reps.due.clock import database_now
from reps.models import Message, Strike, User
from reps.post import kinds, outbox
from reps.post.kinds import Text
from routing import covering, ownership
from routing.dispatch.gather import place_of
from routing.messages import link
from routing.models import Lead
from routing.models.assignment import Reason
from routing.qualify import facts

JOB = "covers"
BATCH = 20
OPEN = Cover.What.OPEN
TOLD = "cover_named"


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Begin and end the covers that are due; return how many were handled."""
    at = at or due_before
    handled = 0
    # Ends first: they make the room that beginnings may need.
    for rows, step in ((_ending(due_before), finish), (_beginning(due_before), begin)):
        ids = list(rows.values_list("pk", flat=True)[:BATCH])
        handled += strikes.each(
            JOB, ids, lambda pk, step=step: step(cover_id=pk, at=at, driver=driver), at=at
        )
    return handled


def oldest() -> datetime | None:
    """The moment at which the cover that has waited longest was due; None if none is."""
    at = database_now()
    begins = _beginning(at).values_list("starts_at", flat=True).first()
    ends = _ending(at).values_list("ends_at", flat=True).first()
    return min((moment for moment in (begins, ends and min(ends, at)) if moment), default=None)


def _given_up():
    return Strike.objects.filter(job=JOB, given_up_at__isnull=False).values("row_id")


def _beginning(at: datetime):
    rows = Cover.objects.filter(moved_at__isnull=True, starts_at__lte=at, ends_at__gt=at)
    return rows.exclude(pk__in=_given_up()).order_by("starts_at", "pk")


def _ending(at: datetime):
    rows = Cover.objects.filter(moved_at__isnull=False, returned_at__isnull=True)
    return rows.filter(ends_at__lte=at).exclude(pk__in=_given_up()).order_by("ends_at", "pk")


@transaction.atomic
def begin(*, cover_id: int, at: datetime, driver: str) -> bool:
    """
    Move the rep's open leads there, if they are covered too, and tell both; False if there was
    nothing to do (any more).
    """
    seen = Cover.objects.filter(pk=cover_id).select_related("territory").first()
    if seen is None:
        return False
    ids = leads_of(seen) if seen.what == OPEN else []
    leads = ownership.lock_leads(ids)
    ownership.lock_loads(sorted({seen.rep_id, seen.stand_in_id}))
    cover = _lock(_beginning(at), cover_id)
    if cover is None:
        return False
    theirs = [lead for lead in leads.values() if lead.owner_id == cover.rep_id]
    epochs = {lead.pk: lead.owner_epoch for lead in theirs}
    moved = covering.give(
        theirs,
        to=cover.stand_in if cover.stand_in.is_active else None,
        code=Reason.COVERED,
        reason=f"{cover.stand_in} covers {cover.of} until {cover.ends_at:%Y-%m-%d %H:%M} UTC",
        at=at,
        driver=driver,
    )
    now = Lead.objects.filter(pk__in=epochs, owner=cover.stand_in_id)
    cover.moved = {
        str(pk): epoch for pk, epoch in now.values_list("pk", "owner_epoch") if epoch > epochs[pk]
    }
    cover.moved_at = at
    counts = {"moved": moved, "stayed": len(theirs) - moved}
    trail.save(cover, by=None, at=at, reason="cover began", kind="covered", data=counts)
    _tell(cover, counts, back=False, at=at)
    return True


@transaction.atomic
def finish(*, cover_id: int, at: datetime, driver: str) -> bool:
    """Bring back what is still in cover; False if there was nothing to do (any more)."""
    seen = Cover.objects.filter(pk=cover_id).first()
    if seen is None:
        return False
    live = covering.still_in_cover({int(pk): n for pk, n in seen.moved.items()}, seen.rep_id)
    leads = ownership.lock_leads(list(live))
    holders = {lead.owner_id for lead in leads.values()} - {None}
    ownership.lock_loads(sorted({seen.rep_id, *holders}))
    cover = _lock(_ending(at), cover_id)
    if cover is None:
        return False
    still = [lead for pk, lead in leads.items() if lead.owner_epoch == live[pk]]
    moved = covering.give(
        still,
        to=cover.rep if cover.rep.is_active else None,
        code=Reason.RETURNED,
        reason=f"The cover of {cover.of} has ended",
        at=at,
        driver=driver,
    )
    cover.returned_at = at
    counts = {"moved": moved, "stayed": len(still) - moved}
    trail.save(cover, by=None, at=at, reason="cover ended", kind="returned", data=counts)
    _tell(cover, counts, back=True, at=at)
    return True


def leads_of(cover: Cover) -> list[int]:
    """The open leads of the covered rep in the account or the territory."""
    held = Lead.objects.filter(owner=cover.rep_id)
    if cover.account_id is not None:
        return list(held.filter(account=cover.account_id).values_list("pk", flat=True))
    rows = {row.pk: row for row in Territory.objects.all()}
    areas = AreaIndex([area_of(row) for row in serving(rows)])
    found = []
    for lead in held.select_related("account", "prospect"):
        territory = most_specific(areas, _place_of(lead))
        if territory is not None and int(territory) == cover.territory_id:
            found.append(lead.pk)
    return found


def _place_of(lead: Lead) -> Place:
    """Where a lead is, as routing sees it."""
    known = facts.Known(
        lead=lead, prospect=lead.prospect, account=lead.account, touches=0, answers={}
    )
    names = ("country", "region", "postal_code", "industry", "employees")
    values = {name: facts.BY_NAME[name].read(known) for name in names}
    return place_of({name: value for name, value in values.items() if value is not None})


def _lock(rows, cover_id: int) -> Cover | None:
    return (
        rows.filter(pk=cover_id)
        .select_for_update(no_key=True, of=("self",))
        .select_related("rep__user", "stand_in__user", "account", "territory")
        .first()
    )


# --- Telling -----------------------------------------------------------------------------


def _tell(cover: Cover, counts: dict[str, int], *, back: bool, at: datetime) -> None:
    """Both hear of it: whose it is, and who stands in."""
    outbox.put(
        [
            outbox.Draft(
                key=f"covers-{cover.pk}-{'back' if back else 'away'}-{user}",
                kind=TOLD,
                to=user,
                payload={"cover": cover.pk, "back": back, **counts},
                about=f"accounts.cover:{cover.pk}",
            )
            for user in (cover.rep.user_id, cover.stand_in.user_id)
        ],
        at=at,
    )


def _line(cover: Cover, *, back: bool) -> str:
    if back:
        return f"The cover of {cover.of} has ended"
    return f"{cover.stand_in} covers {cover.of} for {cover.rep}"


def _read(messages: list[Message]) -> dict[int, Cover]:
    rows = Cover.objects.select_related(
        "rep__user", "stand_in__user", "account", "territory"
    ).filter(pk__in=[message.payload["cover"] for message in messages])
    return {row.pk: row for row in rows}


def told(message: Message) -> Text:
    payload = message.payload
    cover = _read([message])[payload["cover"]]
    body = "New leads go to whoever stands in." if not payload["back"] else ""
    if payload["moved"]:
        body += (
            f" Open leads that {'came back' if payload['back'] else 'moved'}: {payload['moved']}."
        )
    if payload["stayed"]:
        body += f" {payload['stayed']} stayed: there was no room for them."
    return Text(
        subject=_line(cover, back=payload["back"]),
        body=body.strip(),
        url=link("leads"),
        action="Open my leads",
    )


def lines(messages, reader: User) -> dict[int, str]:
    covers = _read(list(messages))
    return {
        message.pk: _line(covers[message.payload["cover"]], back=message.payload["back"])
        for message in messages
        if message.payload["cover"] in covers
    }


kinds.register(kinds.Kind(name=TOLD, render=told, lines=lines))
