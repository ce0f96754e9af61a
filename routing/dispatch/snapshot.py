"""The roster as the engine wants it, made anew when a change of people or hours calls for it."""

import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max

from accounts import places
from accounts.areas import AreaIndex
from accounts.models import Territory
from accounts.services.territories import area_of, serving
from reps.availability import (
    DAY,
    absences,
    delegates,
    last_change,
    meetings,
    moment,
    next_change,
    open_hours,
)
from reps.models import Rep, RosterStamp
from routing.engine import (
    CompiledRuleSet,
    Member,
    PoolSpec,
    RepSpec,
    Roster,
    codec,
    compile_ruleset,
    parse_ruleset,
)
from routing.fairness import limits, performance
from routing.fairness.shares import weight_of
from routing.models import Batch, Pool, PoolMember, RosterSnapshot, Rule, RuleSet
from routing.qualify.facts import KINDS
from routing.territories.serving import specs


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    A roster, its form for storing, and the index of territories made with it.

    It holds from `since` until before `until`, in epoch seconds, while the stamp is the same:
    at most for the day, and no longer than until a delegate begins or ceases to stand in.
    """

    stamp: int
    since: int
    until: int
    digest: str
    body: str
    roster: Roster
    areas: AreaIndex


class _Cache(threading.local):
    """Per thread, for one process may serve several test databases in turn."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.rules: OrderedDict[int, CompiledRuleSet] = OrderedDict()
        self.rules_digests: dict[int, str] = {}
        # The day in epoch seconds, and everybody's performance when it began.
        self.performance: tuple[int, dict[int, int]] | None = None
        # How many changes of territories there had been, and the index of them.
        self.areas: tuple[tuple[int, int], AreaIndex] | None = None


_cache = _Cache()
# The live version, and some earlier ones under which leads still wait.
VERSIONS_KEPT = 4


def current(*, at: datetime) -> Snapshot:
    """
    Return the roster that holds at this moment, from the cache while nothing has changed.

    Read the stamp after taking the locks that serialise with people leaving, and no change
    of people that committed before can be missed.
    """
    stamp, now = RosterStamp.current(), int(at.timestamp())
    cached = _cache.snapshot
    if cached is None or cached.stamp != stamp or not cached.since <= now < cached.until:
        cached = _cache.snapshot = _build(stamp=stamp, at=at)
    return cached


def forget() -> None:
    """Empty the cache; for tests, where a new database may carry an old stamp."""
    _cache.snapshot = _cache.performance = _cache.areas = None
    _cache.rules.clear()
    _cache.rules_digests.clear()


def _build(*, stamp: int, at: datetime) -> Snapshot:
    roster = Roster.of(_reps(at), _pools(), specs())
    body = codec.encode_roster(roster)
    since, until = _validity(at)
    return Snapshot(
        stamp=stamp,
        since=since,
        until=until,
        digest=codec.digest(body),
        body=body.decode(),
        roster=roster,
        areas=_areas(),
    )


def _validity(at: datetime) -> tuple[int, int]:
    """From when until when the roster of this moment holds while the stamp is the same."""
    start = int(at.timestamp()) // DAY * DAY
    before, after = last_change(at, since=moment(start)), next_change(at)
    # An edge within a second: neither second of it is whole.
    since = start if before is None else math.ceil(before.timestamp())
    until = start + DAY if after is None else min(start + DAY, int(after.timestamp()))
    return since, until


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
        Rep.objects.select_related("user", "calendar", "team__calendar").prefetch_related(
            "skills__skill"
        )
    )
    away = absences([rep.pk for rep in rows], since=at)
    taken = meetings([rep.pk for rep in rows], since=at)
    standing_in = delegates([rep.pk for rep in rows], at)
    capped = limits.of_reps(rows, at=at)
    percents = _performance(at)
    rep_of = {rep.user_id: rep.pk for rep in rows if rep.is_active}
    return [
        RepSpec(
            id=rep.pk,
            capacity=rep.capacity,
            active=rep.is_active,
            skills={held.skill.slug: held.level for held in rep.skills.all()},
            team=rep.team_id,
            backup=standing_in.get(rep.pk, rep.backup_id),
            hours=open_hours(rep, at=at, taken=taken.get(rep.pk, ())),
            absences=away.get(rep.pk, ()),
            seniority=rep.seniority,
            place=places.locate(rep.country, rep.postal_code),
            performance=percents.get(rep.pk, performance.USUAL),
            agent=rep.role == Rep.Role.AI_AGENT,
            limits=capped.get(rep.pk, ()),
            manager=None if rep.is_active else rep_of.get(rep.team.manager_id),
        )
        for rep in rows
    ]


def _performance(at: datetime) -> dict[int, int]:
    """
    Everybody's performance as of midnight (UTC), counted once for the day.

    So it stays the same while a day's leads are given, and a change of the roster counts no
    closings anew.
    """
    day = int(at.timestamp()) // DAY * DAY
    if _cache.performance is None or _cache.performance[0] != day:
        _cache.performance = (day, performance.of_reps(at=moment(day)))
    return _cache.performance[1]


def _pools() -> list[PoolSpec]:
    members: dict[int, list[Member]] = {}
    for one in PoolMember.objects.only("pool", "rep", "weight", "applied_weight", "position"):
        member = Member(one.rep_id, weight_of(one), one.position)
        members.setdefault(one.pool_id, []).append(member)
    return [
        PoolSpec(
            pool.pk,
            tuple(members.get(pool.pk, ())),
            lanes=tuple(pool.lanes),
            bound=pool.bound,
            catch_up=pool.catch_up,
        )
        for pool in Pool.objects.only("lanes", "bound", "catch_up")
    ]


def _areas() -> AreaIndex:
    """
    Return the index of territories, made anew only after one of them has changed.

    A roster is made whenever anybody's hours change, and an index of ten thousand takes a
    second. Every change of a territory leaves a row of history. The highest number alone would
    not do: of two changes at once the one with the lower number may be committed last.
    """
    state = Territory.history.aggregate(last=Max("history_id"), number=Count("history_id"))
    changes = (state["last"] or 0, state["number"])
    if _cache.areas is None or _cache.areas[0] != changes:
        rows = {row.pk: row for row in Territory.objects.all()}
        _cache.areas = (changes, AreaIndex([area_of(row) for row in serving(rows)]))
    return _cache.areas[1]


def rule_json(rule: Rule) -> dict:
    """A stored rule as the engine reads it."""
    read = {
        "id": rule.pk,
        "position": rule.position,
        "name": rule.name,
        "condition": rule.condition,
        "path": rule.path,
        "fallback": rule.is_fallback,
    }
    if rule.expires_at is not None:
        read["until"] = int(rule.expires_at.timestamp())
    return read


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


def rules_of(batch: Batch) -> CompiledRuleSet:
    """Return what the leads of a batch were asked: its version, or the one rule in its place."""
    return read_rules(batch.ruleset) if batch.asked is None else one_rule(batch.asked)


def one_rule(rule: Mapping[str, Any]) -> CompiledRuleSet:
    """Return a rule set of nothing but this rule, in the engine's form."""
    return compile_ruleset(parse_ruleset({"id": 0, "version": 0, "rules": [rule]}, KINDS))


def live_rules(ruleset_id: int) -> CompiledRuleSet:
    """Return a published rule set, compiled once per process: it can never change."""
    kept = _cache.rules
    if ruleset_id not in kept:
        kept[ruleset_id] = read_rules(RuleSet.objects.get(pk=ruleset_id))
        while len(kept) > VERSIONS_KEPT:
            kept.popitem(last=False)
    kept.move_to_end(ruleset_id)
    return kept[ruleset_id]


def rules_digest(ruleset_id: int) -> str:
    """Return the digest of a published rule set, made once per process: it can never change."""
    kept = _cache.rules_digests
    if ruleset_id not in kept:
        kept[ruleset_id] = digest_of_rules(Rule.objects.filter(ruleset=ruleset_id))
    return kept[ruleset_id]


def digest_of_rules(rules: Iterable[Rule]) -> str:
    """Return what stands for rules as they are stored, whatever reads them; the order is moot."""
    ordered = sorted(rules, key=lambda rule: rule.pk)
    return codec.digest(codec.canonical([rule_json(rule) for rule in ordered]))
