"""Two drivers at one plan, and two plans at one moment: each takes effect once, in some order."""

import threading

import pytest
from django.db import connection

from accounts.models import Territory, TerritoryPlan
from accounts.services.plans import approval, draft, effect
from routing.models import RealignedLead
from routing.realign import moves
from tests import make

AT = make.MONDAY_9AM

pytestmark = pytest.mark.django_db(transaction=True)


def approved(names, *, by, second, **more):
    plan = draft.start(name="Autumn", reason="Growth", by=by, at=AT, **more)
    for name in names:
        row = Territory.objects.get(name=name)
        state = {"rank": row.rank + 7}
        draft.put(plan=plan, key=row.pk, state=state, by=by, at=AT)
    draft.put(plan=plan, key=None, state={"name": f"New {plan.pk}"}, by=by, at=AT)
    approval.ask(plan=plan, by=by, at=AT)
    return approval.approve(plan=plan, by=second, at=AT)


def at_once(*acts):
    """Run each in a thread of its own, begun together; return what they returned."""
    gate, found = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number):
        try:
            gate.wait()
            found[number] = acts[number]()
        except Exception as error:
            found[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


@pytest.fixture
def people():
    make.organisation()
    return {"by": make.user("avery", group="revops"), "second": make.user("b", group="manager")}


def test_two_drivers_let_a_plan_take_effect_once(people):
    make.territory("West")
    plan = approved(["West"], **people)

    def go():
        return effect.take_effect(plan_id=plan.pk, at=AT)

    assert sorted(at_once(go, go, go)) == [False, False, True]
    assert Territory.objects.get(name="West").history.count() == 2
    assert Territory.objects.filter(name=f"New {plan.pk}").count() == 1


def test_two_plans_due_at_one_moment_both_take_effect(people):
    make.territory("West")
    make.territory("East")
    one, other = approved(["West"], **people), approved(["East"], **people)

    found = at_once(
        lambda: effect.take_effect(plan_id=one.pk, at=AT),
        lambda: effect.take_effect(plan_id=other.pk, at=AT),
    )

    assert found == [True, True]
    states = sorted(TerritoryPlan.objects.values_list("state", flat=True))
    assert states == ["IN_EFFECT", "SUPERSEDED"]


def test_two_drivers_move_each_lead_once(people):
    ann, ben = make.rep("ann"), make.rep("ben")
    west = make.territory("West", owner=ann, countries=["US"], regions=["CA"])
    leads = [make.owned(ann, {"country": "US", "region": "CA"}) for _ in range(4)]
    plan = draft.start(name="Autumn", reason="Growth", by=people["by"], at=AT, leads="ALL")
    draft.put(plan=plan, key=west.pk, state={"owner_id": ben.pk}, by=people["by"], at=AT)
    approval.ask(plan=plan, by=people["by"], at=AT)
    approval.approve(plan=plan, by=people["second"], at=AT)
    effect.take_effect(plan_id=plan.pk, at=AT)

    found = at_once(*[lambda: moves.drain(driver="test", due_before=AT)] * 2)

    assert set(found) <= {0, 1}
    assert RealignedLead.objects.filter(state="MOVED").count() == 4
    for lead in leads:
        lead.refresh_from_db()
        assert (lead.owner, lead.owner_epoch) == (ben, 2)
