"""The organisation that a past is replayed in: pools, rules and a source of its own."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from reps import trail
from reps.models import Rep, Team, User
from reps.services import people
from routing.models import Organisation, Pool, PoolMember, Queue, Rule, RuleSet, Source
from routing.models.source import Mode
from routing.rehearsal.past import SOURCE, ReplayRefused
from routing.rules import lifecycle
from routing.rules.standard import THRESHOLD

DRIVER = "replay"
NOTE = "Replay of a CRM's history"
AUTHOR = "replay"


@transaction.atomic
def organise(*, products: Sequence[str], capacity: int, at: datetime) -> Source:
    """
    Build what the replay routes by, or find it as it was left: pools per office and per
    product, rules, a pre-qualified source for backfill, and a capacity for every rep.

    :raises ReplayRefused: without reps, or beside a live rule set of somebody else's
    """
    author = _author()
    organisation = Organisation.objects.first() or _organisation(author, at=at)
    live = organisation.live_ruleset
    if live is not None and live.note != NOTE:
        raise ReplayRefused("There are live rules here already; replay into a database of its own.")
    reps = list(Rep.objects.active().select_related("user", "team__parent"))
    if not reps:
        raise ReplayRefused("There are no reps; run import_reps first.")
    for rep in reps:
        people.set_capacity(rep=rep, capacity=capacity, by=author, at=at)
    by_office: dict[str, list[Rep]] = defaultdict(list)
    for rep in reps:
        by_office[office_of(rep.team)].append(rep)
    offices = {name: _pool(f"Office {name}", who, at=at) for name, who in sorted(by_office.items())}
    shelves = {
        # Each pool begins with somebody else, so that small pools do not all start with one.
        name: _pool(f"Product {name}", [*reps[5 * n :], *reps[: 5 * n]], at=at)
        for n, name in enumerate(products)
    }
    _publish(offices, shelves, author=author, at=at)
    source = Source.objects.filter(slug=SOURCE).first()
    if source is None:
        source = Source(
            slug=SOURCE,
            name="CRM history",
            channel=Source.Channel.IMPORT,
            mode=Mode.BACKFILL,
            is_prequalified=True,
        )
        trail.save(source, by=author, at=at, reason=DRIVER)
    return source


def office_of(team: Team) -> str:
    """The name of the team at the top of the tree."""
    while team.parent is not None:
        team = team.parent
    return team.name


def _author() -> User:
    user = User.objects.filter(username=AUTHOR).first()
    # Nobody can sign in as it, for it has no password; it answers for what has no owner.
    return user or User.objects.create_user(AUTHOR, first_name="Replay")


def _organisation(author: User, *, at: datetime) -> Organisation:
    made = Organisation(
        name="Replay", intake_queue=_queue("Waiting room", author, at=at), responsible=author
    )
    trail.save(made, by=author, at=at, reason=DRIVER)
    return made


def _queue(name: str, author: User, *, at: datetime) -> Queue:
    found = Queue.objects.filter(name=name).first()
    if found is None:
        found = Queue(name=name, responsible=author)
        trail.save(found, by=author, at=at, reason=DRIVER)
    return found


def _pool(name: str, reps: Sequence[Rep], *, at: datetime) -> Pool:
    pool = Pool.objects.filter(name=name).first()
    if pool is None:
        pool = Pool(name=name)
        trail.save(pool, by=None, at=at, reason=DRIVER)
    members = set(pool.members.values_list("rep_id", flat=True))
    for position, rep in enumerate(reps):
        if rep.pk not in members:
            member = PoolMember(pool=pool, rep=rep, position=position)
            trail.save(member, by=None, at=at, reason=DRIVER)
    return pool


def _publish(
    offices: Mapping[str, Pool], shelves: Mapping[str, Pool], *, author: User, at: datetime
) -> None:
    wanted = list(_rules(offices, shelves, _queue("Nobody’s yet", author, at=at)))
    live = Organisation.get().live_ruleset
    if live is not None:
        have = live.rules.order_by("position").values_list("name", "condition", "path")
        if list(have) == [(r["name"], r["condition"], r["path"]) for r in wanted]:
            return
    if RuleSet.objects.filter(state=RuleSet.State.DRAFT).exists():
        raise ReplayRefused("There is an open draft of rules; publish or discard it first.")
    draft = lifecycle.draft(by=author, at=at, note=NOTE)
    for rule in draft.rules.all():
        trail.delete(rule, by=author, at=at, reason=DRIVER)
    for position, rule in enumerate(wanted, start=1):
        trail.save(Rule(ruleset=draft, position=position, **rule), by=author, at=at, reason=DRIVER)
    lifecycle.publish(ruleset=draft, by=author, at=at)


def _rules(
    offices: Mapping[str, Pool], shelves: Mapping[str, Pool], last: Queue
) -> Iterator[dict[str, Any]]:
    low = {"fact": "score", "op": "lt", "value": THRESHOLD}
    trusted = {"fact": "prequalified", "op": "eq", "value": True}
    yield {
        "name": f"Below {THRESHOLD} goes to nurture",
        "condition": {"all": [low, {"not": trusted}]},
        "path": {"target": {"kind": "nurture"}},
        "is_fallback": False,
    }
    for name, pool in offices.items():
        yield _turns(f"{name} accounts", {"fact": "region", "op": "eq", "value": name}, pool)
    for name, pool in shelves.items():
        condition = {"fact": "product_interest", "op": "eq", "value": name}
        yield _turns(f"{name}, office unknown", condition, pool)
    yield {
        "name": "Fallback",
        "condition": {"all": []},
        "path": {"target": {"kind": "queue", "id": last.pk}},
        "is_fallback": True,
    }


def _turns(name: str, condition: dict[str, Any], pool: Pool) -> dict[str, Any]:
    path = {
        "target": {"kind": "pool", "id": pool.pk},
        "stages": [{"do": "select", "by": "round_robin"}],
        "on_empty": "wait",
    }
    return {"name": name, "condition": condition, "path": path, "is_fallback": False}
