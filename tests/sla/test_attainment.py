"""Which share of promises was kept, checked against statements written independently."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps.due import jobs
from routing import work
from routing.models import Lead
from routing.visibility import visible_leads
from sla.services.attainment import attainment
from tests import make

AT = make.MONDAY_9AM
MINUTE = make.MINUTE
DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    """Ann in the North keeps two of three, Ben in the South one of two; one is claimed in time."""
    make.organisation()
    boss = make.user("boss", group="manager")
    north, south = make.team("North", manager=boss), make.team("South")
    ben = make.rep("ben", team=south)
    ann = make.rep("ann", team=north, backup=ben)
    pool = make.pool(ann)
    web, mail = make.source("web", channel="WEB"), make.source("mail", channel="EMAIL")
    quick = make.policy("Quick", budget=900, target_percent=90)
    claim = make.policy("Claim", metric="CLAIM", budget=600, target_percent=60)
    make.rules(make.round_robin(pool))

    kept, late = AT + 10 * MINUTE, AT + 20 * MINUTE
    # Routed to Ann by the rule; the third goes to Ben, as her backup, after twice the time.
    routed = [make.routed(make.lead(source=web)) for _ in range(3)]
    given = [make.owned(ben, source=mail) for _ in range(2)]
    claimed = make.queued(make.queue(pool), source=web)
    work.claim(lead_id=claimed.pk, epoch=1, by=ann.user, at=kept, driver="test")
    for lead, at in ((routed[0], kept), (routed[1], kept), (given[0], kept), (given[1], late)):
        jobs.drain("clocks", driver="test", due_before=at)
        lead.refresh_from_db()
        work.acknowledge(lead_id=lead.pk, epoch=lead.owner_epoch, by=lead.owner.user, at=at)
    jobs.drain("clocks", driver="test", due_before=AT + 40 * MINUTE)
    # Stopped in time, a test, and a shadow: none of them says anything.
    closed = make.owned(ann, source=web)
    work.record_outcome(
        lead_id=closed.pk, epoch=1, kind="WON", by=ann.user, at=AT + MINUTE, driver="test"
    )
    test = make.owned(ann, source=web, mode="TEST")
    work.acknowledge(lead_id=test.pk, epoch=1, by=ann.user, at=kept)
    make.owned(ann, source=web, mode="SHADOW")
    return {
        "ann": ann,
        "ben": ben,
        "north": north,
        "south": south,
        "quick": quick,
        "claim": claim,
        "boss": boss,
        "routed": routed,
    }


def figures(by, *, leads=None, since=AT - DAY, until=AT + DAY) -> dict:
    rows = attainment(Lead.objects.all() if leads is None else leads, since, until, by=by)
    return {row.key: (row.kept, row.late) for row in rows}


def sql(statement: str) -> dict:
    """Kept and late by key; `c` is a clock of a counted lead that was kept or is late."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT key, COUNT(CASE WHEN late IS NULL THEN 1 END), COUNT(late) FROM (
                SELECT {statement} AS key, c.breached_at AS late
                FROM sla_clock c JOIN routing_lead l ON l.id = c.lead_id
                WHERE l.mode NOT IN ('TEST', 'SHADOW')
                AND (c.state = 'MET' OR c.breached_at IS NOT NULL)
            ) counted GROUP BY key
            """
        )
        return {key: (kept, late) for key, kept, late in cursor.fetchall()}


# Who held it a moment before it was late, or when it was kept.
HELD = """(
    SELECT a.rep_id FROM routing_assignment a WHERE a.lead_id = c.lead_id
    AND ((c.breached_at IS NULL AND a.started_at <= c.ended_at
          AND (a.ended_at IS NULL OR a.ended_at > c.ended_at))
      OR (c.breached_at IS NOT NULL AND a.started_at < c.due_at
          AND (a.ended_at IS NULL OR a.ended_at >= c.due_at)))
)"""
STATEMENTS = {
    "policy": "c.policy_id",
    "channel": "l.channel",
    "rep": HELD,
    "team": f"(SELECT r.team_id FROM reps_rep r WHERE r.id = {HELD})",
    "rule": """(SELECT d.rule_id FROM routing_assignment a JOIN routing_decision d
        ON d.id = a.decision_id WHERE a.lead_id = c.lead_id AND a.epoch = c.epoch)""",
}


@pytest.mark.parametrize("by", STATEMENTS)
def test_the_figures_are_those_of_a_statement_of_its_own(world, by):
    assert figures(by) == sql(STATEMENTS[by])


def test_the_figures_of_the_fixture(world):
    ann, ben = world["ann"], world["ben"]

    # Three routed to Ann, one of them late; two to Ben, one late; the claimed one is late by
    # now with Ann, but was claimed in time.
    assert figures("policy") == {world["quick"].pk: (3, 3), world["claim"].pk: (1, 0)}
    assert figures("rep") == {ann.pk: (3, 2), ben.pk: (1, 1)}
    assert figures("team") == {world["north"].pk: (3, 2), world["south"].pk: (1, 1)}
    rule = world["routed"][0].assignments.get(epoch=1).decision.rule_id
    assert figures("rule") == {rule: (2, 1), None: (2, 2)}


def test_who_held_it_at_its_deadline_answers_not_who_was_given_it_then(world):
    stolen = world["routed"][2]
    stolen.refresh_from_db()

    assert stolen.owner == world["ben"]
    assert figures("rep", leads=Lead.objects.filter(pk=stolen.pk)) == {world["ann"].pk: (0, 1)}


def test_a_row_says_how_sure_it_is_and_what_was_wanted(world):
    rows = {row.label: row for row in attainment(Lead.objects.all(), AT - DAY, AT + DAY)}

    quick, claim = rows["Quick"], rows["Claim"]
    assert (quick.share, quick.target, claim.target) == (0.5, 90, 60)
    # Wilson's interval for three of six.
    assert (round(quick.low, 4), round(quick.high, 4)) == (0.1876, 0.8124)
    assert (claim.share, round(claim.low, 4), claim.high) == (1.0, 0.2065, 1.0)
    # Of several policies, the target is their mean, weighted by promises.
    ann = next(
        row
        for row in attainment(Lead.objects.all(), AT - DAY, AT + DAY, by="rep")
        if row.key == world["ann"].pk
    )
    assert ann.target == pytest.approx((4 * 90 + 60) / 5)


def test_the_worst_stands_first(world):
    rows = attainment(Lead.objects.all(), AT - DAY, AT + DAY, by="rep")

    assert [row.label for row in rows] == ["ben", "ann"]


def test_the_period_goes_by_when_it_was_kept_or_noted_as_late(world):
    begin = AT + 15 * MINUTE

    # Kept at 9:10; late at 9:15, when a step noted it.
    assert figures("policy", until=begin) == {world["quick"].pk: (3, 0), world["claim"].pk: (1, 0)}
    assert sum(late for _, late in figures("policy", since=begin).values()) == 3
    assert figures("policy", since=AT + DAY, until=AT + 2 * DAY) == {}


def test_only_leads_that_one_may_see_count(world):
    # What Ann was late with has gone to Ben, in a team that is not this manager's.
    assert figures("rep", leads=visible_leads(world["boss"])) == {world["ann"].pk: (2, 0)}


@pytest.mark.parametrize("by", STATEMENTS)
def test_statements_do_not_grow_with_the_rows(world, by):
    with CaptureQueriesContext(connection) as few:
        figures(by)
    for number in range(5):
        rep = make.rep(f"new{number}", team=make.team())
        make.policy(position=1, metric="CONTACT", scope="HOLD")
        lead = make.owned(rep)
        work.acknowledge(lead_id=lead.pk, epoch=1, by=rep.user, at=AT + MINUTE)

    with CaptureQueriesContext(connection) as many:
        figures(by)

    assert len(few) == len(many) <= 2
