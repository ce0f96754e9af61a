"""The roster as the engine wants it, made anew when a change of people or hours calls for it."""

import threading
from dataclasses import dataclass
from datetime import datetime

from accounts.geography import AreaIndex
from accounts.models import Territory
from accounts.services.territories import area_of, serving
from reps.availability import DAY, absences, open_hours
from reps.models import Rep, RosterStamp
from routing.engine import (
    CompiledRuleSet,
    Member,
    PoolSpec,
    RepSpec,
    Roster,
    TerritorySpec,
    codec,
    compile_ruleset,
    parse_ruleset,
)
from routing.models import Pool, PoolMember, RosterSnapshot, Rule, RuleSet
from routing.qualify.facts import KINDS


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A roster, its form for storing, and the index of territories made with it."""

    stamp: int
    day: int
    digest: str
    body: str
    roster: Roster
    areas: AreaIndex


class _Cache(threading.local):
    """Per thread, for one process may serve several test databases in turn."""

    snapshot: Snapshot | None = None
    rules: CompiledRuleSet | None = None


_cache = _Cache()


def current(*, at: datetime) -> Snapshot:
    """
    Return the roster that holds at this moment, from the cache while nothing has changed.

    Read the stamp after taking the locks that serialise with people leaving, and no change
    of people that committed before can be missed.
    """
    stamp, day = RosterStamp.current(), int(at.timestamp()) // DAY
    cached = _cache.snapshot
    if cached is None or (cached.stamp, cached.day) != (stamp, day):
        cached = _cache.snapshot = _build(stamp=stamp, day=day, at=at)
    return cached


def forget() -> None:
    """Empty the cache; for tests, where a new database may carry an old stamp."""
    _cache.snapshot = None
    _cache.rules = None


def _build(*, stamp: int, day: int, at: datetime) -> Snapshot:
    roster = Roster.of(_reps(at), _pools(), _territories())
    body = codec.encode_roster(roster)
    return Snapshot(
        stamp=stamp,
        day=day,
        digest=codec.digest(body),
        body=body.decode(),
        roster=roster,
        areas=_areas(),
    )


def stored(shot: Snapshot, *, at: datetime) -> int:
    """
    Return the row of a roster, written when it is new. The caller holds the desk.

    Written earlier, two routers with one new roster would wait for each other: one for the
    desk, the other for the row. And it is asked for anew in every batch, because a row
    remembered from a transaction that failed later never was.
    """
    rows = RosterSnapshot.objects.filter(digest=shot.digest)
    found = rows.values_list("pk", flat=True).first()
    if found is None:
        made = RosterSnapshot(digest=shot.digest, body=shot.body, made_at=at)
        made.save(force_insert=True)
        found = made.pk
    return found


def _reps(at: datetime) -> list[RepSpec]:
    rows = list(
        Rep.objects.select_related("calendar", "team__calendar").prefetch_related("skills__skill")
    )
    away = absences([rep.pk for rep in rows], since=at)
    return [
        RepSpec(
            id=rep.pk,
            capacity=rep.capacity,
            active=rep.is_active,
            skills={held.skill.slug: held.level for held in rep.skills.all()},
            team=rep.team_id,
            backup=rep.backup_id,
            hours=open_hours(rep, at=at),
            absences=away.get(rep.pk, ()),
        )
        for rep in rows
    ]


def _pools() -> list[PoolSpec]:
    members: dict[int, list[Member]] = {}
    for pool, rep, weight, position in PoolMember.objects.values_list(
        "pool_id", "rep_id", "weight", "position"
    ):
        members.setdefault(pool, []).append(Member(rep, weight, position))
    return [
        PoolSpec(pk, tuple(members.get(pk, ()))) for pk in Pool.objects.values_list("pk", flat=True)
    ]


def _territories() -> list[TerritorySpec]:
    pools = dict(Pool.objects.filter(territory__isnull=False).values_list("territory_id", "pk"))
    return [
        TerritorySpec(pk, owner, backup, pools.get(pk))
        for pk, owner, backup in Territory.objects.values_list("pk", "owner_id", "backup_id")
    ]


def _areas() -> AreaIndex:
    rows = {row.pk: row for row in Territory.objects.all()}
    return AreaIndex([area_of(row) for row in serving(rows)])


def rule_json(rule: Rule) -> dict:
    """A stored rule as the engine reads it."""
    return {
        "id": rule.pk,
        "position": rule.position,
        "name": rule.name,
        "condition": rule.condition,
        "path": rule.path,
        "fallback": rule.is_fallback,
    }


def read_rules(ruleset: RuleSet) -> CompiledRuleSet:
    """
    Return a rule set ready to match.

    :raises routing.engine.InvalidPart: pointing at a part that cannot be understood
    """
    return compile_ruleset(
        parse_ruleset(
            {
                "id": ruleset.pk,
                "version": ruleset.version,
                "rules": [rule_json(rule) for rule in ruleset.rules.all()],
            },
            KINDS,
        )
    )


def live_rules(ruleset_id: int) -> CompiledRuleSet:
    """Return a published rule set, compiled once per process: it can never change."""
    cached = _cache.rules
    if cached is None or cached.ruleset.id != ruleset_id:
        cached = _cache.rules = read_rules(RuleSet.objects.get(pk=ruleset_id))
    return cached
