"""The rules and the company as the checks want them, in a number of statements that is fixed."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from django.db.models import Count, Min
from django.db.models.functions import TruncDate

from accounts.models import Territory
from reps.models import Rep, Team, User
from routing import engine
from routing.dispatch import snapshot
from routing.engine.conditions import All, Check
from routing.models import Decision, Organisation, Pool, Queue, Rule, RuleSet
from routing.qualify.facts import KINDS
from routing.rules.lint import promises
from routing.rules.lint.world import Entry, QueueInfo, Traffic, World
from routing.scoring import live
from routing.scoring.live import Live

TRAFFIC_DAYS = 30


def entries(rules: Sequence[Rule]) -> list[Entry]:
    """
    Read stored rules.

    :raises routing.engine.InvalidPart: at the first part that cannot be understood
    """
    return [
        Entry(
            engine.Rule(
                id=rule.pk,
                position=rule.position,
                name=rule.name,
                condition=engine.parse(rule.condition, KINDS),
                path=engine.parse_path(rule.path),
                fallback=rule.is_fallback,
                until=None if rule.expires_at is None else int(rule.expires_at.timestamp()),
            ),
            owner=rule.owner_id,
            review_on=rule.review_on,
        )
        for rule in rules
    ]


def world(*, at: datetime) -> World:
    """Read the company as it stands."""
    shot = snapshot.current(at=at)
    scores = _live_score()
    people = list(User.objects.all())
    return World(
        at=int(at.timestamp()),
        today=at.astimezone(UTC).date(),
        roster=shot.roster,
        pools=dict(Pool.objects.values_list("pk", "name")),
        queues={
            pk: QueueInfo(name, pool, responsible)
            for pk, name, pool, responsible in Queue.objects.values_list(
                "pk", "name", "pool_id", "responsible_id"
            )
        },
        reps={rep.pk: str(rep) for rep in Rep.objects.select_related("user")},
        teams=dict(Team.objects.values_list("pk", "name")),
        territories=dict(Territory.objects.values_list("pk", "name")),
        areas=tuple(node.area for node in shot.areas.nodes.values()),
        users=frozenset(one.pk for one in people if one.is_active),
        people={one.pk: one.label for one in people},
        promises=promises.read(),
        traffic=_traffic(at=at),
        kinds=dict(KINDS),
        # A lead that is hot has the tier, and the points that it takes.
        hot=All((Check("tier", "eq", "HOT"), Check("score", "gte", scores.model.hot_from))),
        has_score=scores.row_id is not None,
        threshold=None if scores.row_id is None else scores.model.threshold,
    )


def _live_score() -> Live:
    organisation = Organisation.objects.first()
    return Live() if organisation is None else live.read(organisation)


def _traffic(*, at: datetime) -> Traffic:
    since = datetime.combine(at.astimezone(UTC).date(), time(), UTC) - timedelta(days=TRAFFIC_DAYS)
    decided = Decision.objects.filter(decided_at__gte=since, decided_at__lte=at, applied=True)
    # A lead that is parked has not been decided; the rule that takes it later counts.
    placed = decided.exclude(outcome=Decision.Outcome.PARK)
    leads = dict(placed.order_by().values_list("rule__name").annotate(n=Count("pk")))
    live = Rule.objects.filter(ruleset__state=RuleSet.State.PUBLISHED).order_by()
    first = live.values_list("name").annotate(day=TruncDate(Min("ruleset__published_at")))
    return Traffic(
        days=TRAFFIC_DAYS,
        total=sum(leads.values()),
        by_rule={name: number for name, number in leads.items() if name is not None},
        since=dict(first),
    )
