"""What is late and what will be, before it is."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from routing import work
from routing.models import Lead
from routing.visibility import visible_leads
from sla.services import pauses
from sla.services.forecast import at_risk
from tests import make

AT = make.MONDAY_9AM
MINUTE = make.MINUTE
HOUR = 60 * MINUTE
pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    make.organisation()
    return make.rep("ann")


def due_in(rep, span: timedelta, **policy):
    """A lead of this rep whose promise is due so long after nine."""
    promise = make.policy(budget=int(span.total_seconds()), hours="ALWAYS", **policy)
    lead = make.owned(rep)
    promise.is_active = False
    make.saved(promise)
    return lead


def forecast(at=AT, **how):
    return at_risk(Lead.objects.all(), at, **how)


def test_what_is_due_soon_stands_before_what_is_due_later(ann):
    later, late, soon = (due_in(ann, span) for span in (2 * HOUR, MINUTE, 20 * MINUTE))
    due_in(ann, 11 * HOUR)

    found = forecast(AT + 10 * MINUTE)

    assert [row.lead for row in found.rows] == [late, soon, later]
    assert [row.seconds_left for row in found.rows] == [-540, 600, 6600]
    assert {row.holder for row in found.rows} == {ann}
    assert found.rows[1].clock.metric == "ACKNOWLEDGE"


def test_buckets_and_hours_add_up(ann):
    spans = (MINUTE, 10 * MINUTE, 25 * MINUTE, 26 * MINUTE, 60 * MINUTE, 3 * HOUR, 8 * HOUR)
    for span in spans:
        due_in(ann, span)

    found = forecast(AT + 10 * MINUTE, hours=8)

    assert found.buckets == {"late": 2, "15min": 1, "1h": 2, "4h": 1, "rest": 1}
    assert sum(found.buckets.values()) == len(found.rows)
    assert len(found.by_hour) == 8
    assert found.by_hour[0] == (AT + 10 * MINUTE, 3)
    assert [number for _, number in found.by_hour] == [3, 0, 1, 0, 0, 0, 0, 1]


def test_what_is_due_at_the_very_end_of_the_horizon_counts(ann):
    due_in(ann, 8 * HOUR)

    assert forecast(hours=8).by_hour[-1] == (AT + 7 * HOUR, 1)
    assert forecast(hours=7).rows == []


def test_what_stands_still_or_is_over_is_not_at_risk(ann):
    paused, done = due_in(ann, HOUR), due_in(ann, HOUR)
    pauses.pause(
        lead_id=paused.pk,
        epoch=1,
        reason=make.pause_reason(),
        until=AT + HOUR,
        note="",
        by=ann.user,
        at=AT,
    )
    work.acknowledge(lead_id=done.pk, epoch=1, by=ann.user, at=AT)

    assert forecast().rows == []


def test_it_says_what_happens_next_and_when(ann):
    due_in(ann, HOUR)
    due_in(ann, 2 * HOUR, steps=[])

    first, second = forecast().rows

    assert (first.next_do, first.next_at) == ("remind", AT + 30 * MINUTE)
    assert (second.next_do, second.next_at) == (None, None)


def test_it_says_whether_the_holder_works_before_the_deadline(ann):
    office = make.calendar("Late", time_zone="UTC", weekly={"mon": [["10:00", "17:00"]]})
    kei, away = make.rep("kei", calendar=office), make.rep("away")
    make.absence(away, AT - HOUR, AT + 3 * HOUR)
    due_in(ann, HOUR)
    due_in(kei, 70 * MINUTE)
    due_in(kei, HOUR)
    due_in(away, 3 * HOUR)

    found = {(row.holder, row.seconds_left): row for row in forecast().rows}

    shown = {
        (str(holder), left // 60): (row.holder_opens_at, row.works_in_time)
        for (holder, left), row in found.items()
    }
    assert shown == {
        ("ann", 60): (None, True),
        ("kei", 70): (AT + HOUR, True),
        ("kei", 60): (AT + HOUR, False),
        ("away", 180): (AT + 3 * HOUR, False),
    }


def test_what_nobody_owns_is_at_risk_too(ann):
    make.policy(metric="ASSIGN", budget=600)
    lead = make.lead()

    (row,) = forecast().rows

    assert (row.lead, row.holder, row.works_in_time) == (lead, None, False)
    assert row.lead.responsible == lead.responsible


def test_only_the_leads_that_one_may_see_are_in_it(ann):
    ben = make.rep("ben")
    mine, _ = due_in(ann, HOUR), due_in(ben, HOUR)

    assert [row.lead for row in at_risk(visible_leads(ann.user), AT).rows] == [mine]


def test_statements_do_not_grow_with_the_leads(ann):
    make.policy(budget=3600)
    counted = {}
    for size in (2, 20):
        for number in range(size):
            # Different holders, too.
            make.owned(make.rep(f"rep{size}x{number}"))
        with CaptureQueriesContext(connection) as captured:
            for row in forecast().rows:
                _ = (row.lead.prospect.name, str(row.holder), row.clock.policy.name)
        counted[size] = len(captured)

    assert len(set(counted.values())) == 1, counted
