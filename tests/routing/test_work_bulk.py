"""Moving many leads by hand: all or none, one ownership change."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from routing import ownership, work
from routing.models import Assignment, Lead
from routing.models.assignment import Reason
from tests import make

pytestmark = pytest.mark.django_db


def scene(number, **taker):
    make.organisation()
    owner, other = make.rep("owner"), make.rep("other", **taker)
    make.rules(make.round_robin(make.pool(owner)))
    leads = [make.routed(lead) for lead in make.leads(number)]
    return other, leads


def move(leads, to, **changes):
    return work.move_many_by_hand(
        **{
            "moves": [(lead.pk, lead.owner_epoch) for lead in leads],
            "to": to,
            "reason": "Covers the region",
            "by": make.user(group="manager"),
            "at": make.MONDAY_9AM,
            "driver": "web",
            **changes,
        }
    )


def test_all_chosen_leads_get_the_new_owner_with_the_reason():
    other, leads = scene(3)

    move(leads, other)

    assert set(Lead.objects.values_list("owner", flat=True)) == {other.pk}
    live = Assignment.objects.filter(ended_at=None)
    assert {(a.reason_code, a.reason, a.driver) for a in live} == {
        (Reason.CORRECTED, "Covers the region", "web")
    }


def test_nothing_moves_if_one_lead_has_changed_hands():
    other, leads = scene(2)
    moves = [(leads[0].pk, leads[0].owner_epoch), (leads[1].pk, 99)]

    with pytest.raises(ownership.EpochPassed):
        move(leads, other, moves=moves)

    assert not Lead.objects.filter(owner=other).exists()


def test_nothing_moves_if_not_all_fit():
    other, leads = scene(3, capacity=2)

    with pytest.raises(ownership.CapReached):
        move(leads, other)

    assert not Lead.objects.filter(owner=other).exists()


@pytest.mark.parametrize(
    "changes", [{"reason": "  "}, {"moves": []}, {"moves": [(10**6, 1)]}], ids=str
)
def test_a_move_without_reason_or_leads_is_refused(changes):
    other, leads = scene(1)

    with pytest.raises(work.WorkRefused):
        move(leads, other, **changes)


def test_statements_do_not_grow_with_the_leads():
    other, leads = scene(22)
    by = make.user(group="manager")
    counts = []

    for some in (leads[:2], leads[2:]):
        with CaptureQueriesContext(
            connection,
        ) as seen:
            move(some, other, by=by)
        counts.append(len(seen))

    # The first call may write the rep's load row, which then is there.
    assert counts[1] <= counts[0]
