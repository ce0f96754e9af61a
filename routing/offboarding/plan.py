"""Who gets what: the plan of an offboarding, made from what is found, changed row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from reps import access, trail
from reps.models import Rep, User
from reps.services.people import PeopleRefused
from routing.models import Offboarding, OffboardingItem, Pool, RepLoad
from routing.models.offboarding import Way
from routing.offboarding import registry, sharing
from routing.offboarding.registry import USER, Found, Kind
from routing.work.answering import answers_for

State = Offboarding.State
ItemState = OffboardingItem.State
WRITE_AT_ONCE = 500


class OffboardingRefused(PeopleRefused):
    """The plan stays as it is; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How the rows of one kind go; `rep`, `user` and `pool` where the way asks for one."""

    how: str
    rep: int | None = None
    user: int | None = None
    pool: int | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Choice":
        return cls(data["how"], data.get("rep"), data.get("user"), data.get("pool"))

    def as_json(self) -> dict[str, Any]:
        return {"how": self.how, "rep": self.rep, "user": self.user, "pool": self.pool}


@transaction.atomic
def make(
    *,
    rep: Rep,
    reason: str,
    by: User,
    at: datetime,
    successor: Rep | None = None,
    effective_at: datetime | None = None,
    closes_account: bool = True,
) -> Offboarding:
    """
    Plan how a rep leaves: find all that names them, and say for each to whom it goes.

    :raises OffboardingRefused: without a reason, for a date that has passed, for a successor who
        has left, or if there is an open plan for the rep already
    """
    _check(rep, reason=reason, successor=successor, effective_at=effective_at, by=by, at=at)
    row = Offboarding(
        rep=rep,
        successor=successor,
        reason=reason.strip()[:200],
        effective_at=effective_at,
        closes_account=closes_account,
        planned_by=by,
        planned_at=at,
    )
    row.defaults = {
        kind.name: _first_choice(kind, rep, successor, by=by).as_json() for kind in registry.kinds()
    }
    try:
        with transaction.atomic():
            trail.save(row, by=by, at=at, reason="planned", kind="planned")
    except IntegrityError as error:
        raise OffboardingRefused(f"There is an open plan for {rep} already; open that.") from error
    look_again(row, at=at)
    return row


def _check(
    rep: Rep,
    *,
    reason: str,
    successor: Rep | None,
    effective_at: datetime | None,
    by: User,
    at: datetime,
) -> None:
    if not reason.strip():
        raise OffboardingRefused("Say why, e.g. “leaves the company at the end of June”.")
    if effective_at is not None and effective_at <= at:
        raise OffboardingRefused("Choose a moment to come, or none and start it by hand.")
    if rep.user_id == by.pk:
        raise OffboardingRefused("Nobody plans their own leaving; ask your manager or RevOps.")
    if successor is not None and successor.pk == rep.pk:
        raise OffboardingRefused("Nobody succeeds themselves; choose somebody else.")
    if successor is not None and not successor.is_active:
        raise OffboardingRefused(f"{successor} has left; choose a successor who is here.")


def _first_choice(kind: Kind, rep: Rep, successor: Rep | None, *, by: User) -> Choice:
    if kind.revops_only and not access.is_revops(by):
        return Choice(Way.KEEP)
    takes_all = kind.takes != USER and kind.default in (Way.SUCCESSOR, Way.ANEW)
    if successor is not None and takes_all and Way.SUCCESSOR in kind.ways:
        return Choice(Way.SUCCESSOR, rep=successor.pk)
    if kind.default == Way.SUCCESSOR and successor is None and Way.BACKUP in kind.ways:
        return Choice(Way.BACKUP)
    if kind.default == Way.SUCCESSOR and successor is None and rep.backup_id:
        return Choice(Way.SUCCESSOR, rep=rep.backup_id)
    return Choice(kind.default, rep=successor.pk if successor else None)


# --- From what is found to rows ----------------------------------------------------------


@transaction.atomic
def look_again(row: Offboarding, *, at: datetime) -> int:
    """Add what has come to name the rep since the plan was made; return how many rows."""
    added = 0
    for kind in registry.kinds():
        found = {one.row_id: one for one in kind.find(row.rep, at)}
        there = set(row.items.filter(kind=kind.name).values_list("row_id", flat=True))
        # A row that was handed over and names the rep again is looked at once more.
        again = row.items.filter(
            kind=kind.name, row_id__in=found, state__in=[ItemState.SKIPPED, ItemState.RESTORED]
        )
        added += again.update(state=ItemState.PLANNED, note="")
        fresh = [one for pk, one in found.items() if pk not in there]
        items = _items(row, kind, fresh, at=at)
        OffboardingItem.objects.bulk_create(items, batch_size=WRITE_AT_ONCE)
        added += len(items)
    return added


def _items(
    row: Offboarding, kind: Kind, found: Sequence[Found], *, at: datetime
) -> list[OffboardingItem]:
    items = [
        OffboardingItem(
            offboarding=row,
            kind=kind.name,
            position=kind.position,
            row_id=one.row_id,
            label=one.label,
        )
        for one in found
    ]
    choice = Choice.of(row.defaults.get(kind.name) or {"how": kind.default})
    resolve(row, kind, choice, items, found, at=at)
    return items


def resolve(
    row: Offboarding,
    kind: Kind,
    choice: Choice,
    items: Sequence[OffboardingItem],
    found: Sequence[Found],
    *,
    at: datetime,
) -> None:
    """
    Say for each item to whom it goes by this choice.

    Where the choice finds nobody, the kind says what is done otherwise; a row without either
    has to be decided by a person before the plan can start.
    """
    by_row = {one.row_id: one for one in found}
    shared = _shared(row, kind, choice, items)
    active = set(Rep.objects.filter(is_active=True).values_list("pk", flat=True)) - {row.rep_id}
    user = _user_of(row, choice, at=at) if kind.takes == USER else None
    for item in items:
        item.how, item.note = choice.how, ""
        item.to_rep_id = item.to_user_id = None
        one = by_row.get(item.row_id, Found(item.row_id, item.label))
        if kind.takes == USER:
            item.to_user_id = user if choice.how in (Way.SUCCESSOR, Way.MANAGER) else None
            continue
        to = {
            Way.SUCCESSOR: choice.rep or row.successor_id,
            Way.BACKUP: next(
                (pk for pk in (one.backup, row.rep.backup_id) if pk in active), row.successor_id
            ),
            Way.TERRITORY: one.territory if one.territory in active else row.successor_id,
            Way.POOL: shared.get(item.row_id),
            Way.SPLIT: shared.get(item.row_id),
        }.get(Way(choice.how))
        item.to_rep_id = to if to in active else None
        if item.to_rep_id is None and choice.how in TO_SOMEBODY and kind.otherwise:
            item.how = kind.otherwise


TO_SOMEBODY = (
    Way.SUCCESSOR,
    Way.BACKUP,
    Way.TERRITORY,
    Way.POOL,
    Way.SPLIT,
    Way.MANAGER,
)


def _shared(
    row: Offboarding, kind: Kind, choice: Choice, items: Sequence[OffboardingItem]
) -> dict[int, int]:
    """Row → rep, where a pool or the team shares the rows."""
    if kind.takes == USER or choice.how not in (Way.POOL, Way.SPLIT):
        return {}
    here = Rep.objects.filter(is_active=True).exclude(pk=row.rep_id)
    rows = [item.row_id for item in items]
    if choice.how == Way.POOL:
        members = here.filter(memberships__pool=choice.pool).order_by("memberships__position", "pk")
        return sharing.in_turn(rows, list(members.values_list("pk", flat=True)))
    team = list(here.filter(team=row.rep.team_id).order_by("pk").values_list("pk", flat=True))
    return sharing.to_the_least(rows, kind.loads(team))


def _user_of(row: Offboarding, choice: Choice, *, at: datetime) -> int | None:
    if choice.how == Way.MANAGER:
        user = answers_for(row.rep, at)
        # Whoever is last in line may be the leaver; then a person has to choose.
        return user.pk if user.pk != row.rep.user_id else None
    if choice.user is not None:
        return choice.user
    to = choice.rep or row.successor_id
    return Rep.objects.filter(pk=to).values_list("user_id", flat=True).first() if to else None


# --- Changing it -------------------------------------------------------------------------


@transaction.atomic
def choose(
    *,
    offboarding: Offboarding,
    kinds: Mapping[str, Choice],
    items: Mapping[int, tuple[str, int | None]],
    by: User,
    at: datetime,
) -> Offboarding:
    """
    Change how kinds go, and single rows: item id → (way, rep or user id).

    Rows chosen by themselves keep their choice when their kind's is changed.

    :raises OffboardingRefused: if it has started, or the way is none of the kind's
    """
    row = locked(offboarding)
    if row.state != State.PLANNED:
        raise OffboardingRefused("It has started; what is planned cannot be changed any more.")
    for name, choice in kinds.items():
        _allow(registry.get(name), choice.how, by=by)
        if choice.how == Way.POOL and not Pool.objects.filter(pk=choice.pool).exists():
            raise OffboardingRefused(f"Choose the pool for “{registry.get(name).label}”.")
    changed = {
        name: choice.as_json()
        for name, choice in kinds.items()
        if row.defaults.get(name) != choice.as_json()
    }
    for name in changed:
        kind = registry.get(name)
        rows = list(row.items.filter(kind=name, own_choice=False))
        resolve(row, kind, kinds[name], rows, kind.find(row.rep, at), at=at)
        OffboardingItem.objects.bulk_update(rows, ITEM_COLUMNS, batch_size=WRITE_AT_ONCE)
    for item in row.items.filter(pk__in=items):
        how, to = items[item.pk]
        kind = registry.get(item.kind)
        _allow(kind, how, by=by)
        before = (item.how, item.to_rep_id, item.to_user_id)
        item.how, item.to_rep_id, item.to_user_id = how, None, None
        if how in TO_SOMEBODY:
            setattr(item, "to_user_id" if kind.takes == USER else "to_rep_id", to)
        if (item.how, item.to_rep_id, item.to_user_id) != before:
            item.own_choice = True
            item.save(update_fields=[*ITEM_COLUMNS, "own_choice"])
    if changed:
        row.defaults = {**row.defaults, **changed}
        trail.save(row, by=by, at=at, reason="plan changed")
    return row


ITEM_COLUMNS = ["how", "to_rep", "to_user", "note"]


def _allow(kind: Kind, how: str, *, by: User) -> None:
    if kind.revops_only and how != Way.KEEP and not access.is_revops(by):
        raise OffboardingRefused(f"“{kind.label}”: only RevOps decides this.")
    if how not in (*kind.ways, Way.KEEP):
        raise OffboardingRefused(f"“{kind.label}” cannot go that way.")


@transaction.atomic
def reschedule(
    *, offboarding: Offboarding, effective_at: datetime | None, by: User, at: datetime
) -> Offboarding:
    """
    Let a plan take effect at a moment by itself, or (None) only when somebody starts it.

    :raises OffboardingRefused: for a moment that has passed, or with rows that nobody gets
    """
    row = locked(offboarding)
    if row.state != State.PLANNED:
        raise OffboardingRefused("It has started already.")
    if effective_at is not None:
        if effective_at <= at:
            raise OffboardingRefused("Choose a moment to come, or start it now.")
        refuse_undecided(row)
    row.effective_at, row.approved_at = effective_at, at if effective_at else None
    trail.save(row, by=by, at=at, reason="scheduled" if effective_at else "not scheduled")
    return row


@transaction.atomic
def cancel(*, offboarding: Offboarding, by: User, at: datetime) -> Offboarding:
    """
    Give a plan up; nothing has been done yet.

    :raises OffboardingRefused: if it has started; then it is undone instead
    """
    row = locked(offboarding)
    if row.state != State.PLANNED:
        raise OffboardingRefused("It has started; undo it instead.")
    row.state = State.CANCELLED
    trail.save(row, by=by, at=at, reason="cancelled", kind="cancelled")
    return row


def locked(offboarding: Offboarding) -> Offboarding:
    """The plan's row, locked before anything that it hands over."""
    return (
        Offboarding.objects.select_for_update(no_key=True, of=("self",))
        .select_related("rep__user", "rep__team", "successor__user", "planned_by", "acting")
        .get(pk=offboarding.pk)
    )


# --- What it says ------------------------------------------------------------------------


def undecided(row: Offboarding) -> list[OffboardingItem]:
    """The rows that have to be decided by a person: their way finds nobody who is here."""
    items = row.items.filter(state=ItemState.PLANNED, how__in=TO_SOMEBODY)
    gone = items.filter(to_rep__isnull=True, to_user__isnull=True)
    left = items.filter(to_rep__is_active=False) | items.filter(to_user__is_active=False)
    return [*gone.select_related("to_rep"), *left.select_related("to_rep__user", "to_user")]


def refuse_undecided(row: Offboarding) -> None:
    """
    :raises OffboardingRefused: naming the first rows that nobody gets
    """
    open_rows = undecided(row)
    if open_rows:
        named = "; ".join(item.label for item in open_rows[:3])
        more = f" and {len(open_rows) - 3} more" if len(open_rows) > 3 else ""
        raise OffboardingRefused(f"Choose who gets: {named}{more}.")


@dataclass(frozen=True, slots=True)
class Receiver:
    """What one person gets by the plan, and whether their leads fit."""

    name: str
    counts: tuple[tuple[str, int], ...]
    leads: int = 0
    room: int | None = None

    @property
    def too_many(self) -> int:
        return max(0, self.leads - self.room) if self.room is not None else 0


def receivers(row: Offboarding) -> list[Receiver]:
    """Who gets how much of what, whoever gets most first; four statements."""
    labels = {kind.name: str(kind.label) for kind in registry.kinds()}
    counts: dict[tuple[str, int], dict[str, int]] = {}
    for kind, rep, user in row.items.filter(
        state__in=[ItemState.PLANNED, ItemState.DONE]
    ).values_list("kind", "to_rep_id", "to_user_id"):
        if rep or user:
            key = ("rep", rep) if rep else ("user", user)
            mine = counts.setdefault(key, {})
            mine[kind] = mine.get(kind, 0) + 1
    reps = {
        rep.pk: rep
        for rep in Rep.objects.select_related("user").filter(
            pk__in=[pk for what, pk in counts if what == "rep"]
        )
    }
    loads = dict(RepLoad.objects.filter(rep__in=reps).values_list("rep_id", "open"))
    users = User.objects.in_bulk([pk for what, pk in counts if what == "user"])
    found = []
    for (what, pk), mine in counts.items():
        base = Receiver(
            name=str(reps[pk]) if what == "rep" else users[pk].label,
            counts=tuple((labels.get(kind, kind), n) for kind, n in sorted(mine.items())),
        )
        if what == "rep" and "leads" in mine and row.state == State.PLANNED:
            room = max(0, reps[pk].capacity - loads.get(pk, 0))
            base = replace(base, leads=mine["leads"], room=room)
        found.append(base)
    return sorted(found, key=lambda one: (-sum(n for _, n in one.counts), one.name))
