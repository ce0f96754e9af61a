"""The pages and the API of an offboarding: who may, what they show, what they do."""

import pytest
from django.urls import reverse

from reps.due import jobs
from reps.due.clock import database_now
from routing.models import Lead, Offboarding
from routing.offboarding import plan
from tests import make
from tests.routing.test_offboarding import Scene

pytestmark = pytest.mark.django_db
State = Offboarding.State


@pytest.fixture
def scene():
    return Scene()


def goes_on() -> None:
    """What whoever pressed the button did not wait for."""
    while jobs.drain("offboarding", driver="test", due_before=database_now()):
        pass


def test_it_is_planned_looked_at_started_and_undone(client, scene):
    client.force_login(scene.boss)
    asked = {
        "rep": scene.rep.pk,
        "successor": scene.heir.pk,
        "reason": "leaves",
        "closes_account": "on",
    }

    made = client.post(reverse("offboardings"), asked)
    row = Offboarding.objects.get()
    page = client.get(reverse("offboarding", args=[row.pk])).content.decode()
    act = reverse("offboarding_act", args=[row.pk])
    client.post(act, {"do": "start", "how-leads": "SUCCESSOR", "to-leads": scene.heir.pk})
    goes_on()
    row.refresh_from_db()

    assert made.url == reverse("offboarding", args=[row.pk])
    assert "Globex: Owner (AE)" in page
    assert row.state == State.DONE
    assert Lead.objects.filter(owner=scene.heir).count() == 2
    assert "Undo it" in client.get(reverse("offboarding", args=[row.pk])).content.decode()
    client.post(act, {"do": "undo"})
    goes_on()
    row.refresh_from_db()
    assert row.state == State.UNDONE
    assert Lead.objects.filter(owner=scene.rep).count() == 2


def test_what_cannot_start_says_what_is_missing_and_keeps_what_was_chosen(client, scene):
    client.force_login(scene.boss)
    row = scene.plan(successor=None)

    answer = client.post(
        reverse("offboarding_act", args=[row.pk]), {"do": "start", "how-pools": "KEEP"}
    )

    assert answer.status_code == 422
    assert "Choose who gets" in answer.content.decode()
    row.refresh_from_db()
    assert (row.state, row.defaults["pools"]["how"]) == (State.PLANNED, "KEEP")


def test_a_single_row_is_chosen_on_the_page(client, scene):
    client.force_login(scene.boss)
    row = scene.plan()
    item = row.items.get(kind="territories")

    client.post(
        reverse("offboarding_act", args=[row.pk]),
        {"do": "save", f"row-{item.pk}": scene.other.pk},
    )

    item.refresh_from_db()
    assert (item.to_rep, item.own_choice) == (scene.other, True)


def test_who_manages_somebody_else_neither_sees_nor_does_it(client, scene):
    row = scene.plan()
    for group, expected in (("manager", 404), ("rep", 403)):
        client.force_login(make.user(group=group))

        assert client.get(reverse("offboarding", args=[row.pk])).status_code == expected
        answer = client.post(reverse("offboarding_act", args=[row.pk]), {"do": "start"})
        assert answer.status_code == expected
    row.refresh_from_db()
    assert row.state == State.PLANNED


def test_a_manager_leaves_the_rules_to_revops(client, scene):
    row = plan.make(
        rep=scene.rep,
        successor=scene.heir,
        reason="leaves",
        by=scene.manager,
        at=database_now(),
    )

    assert row.items.get(kind="rules").how == "KEEP"
    with pytest.raises(plan.OffboardingRefused, match="only RevOps"):
        plan.choose(
            offboarding=row,
            kinds={"rules": plan.Choice("SUCCESSOR", rep=scene.heir.pk)},
            items={},
            by=scene.manager,
            at=database_now(),
        )


def test_the_api_plans_starts_and_undoes(client, scene):
    client.force_login(scene.boss)
    root = "/api/v1/offboardings/"

    made = client.post(
        root,
        {"rep": scene.rep.pk, "successor": scene.heir.pk, "reason": "leaves"},
        content_type="application/json",
    ).json()
    rows = client.get(f"{root}{made['id']}/items/").json()["results"]
    started = client.post(f"{root}{made['id']}/start/").json()
    again = client.post(f"{root}{made['id']}/start/")

    assert {"leads", "accounts", "territories"} <= {one["kind"] for one in rows}
    assert started["state"] == "RUNNING"
    assert (again.status_code, again.json()["code"]) == (409, "offboarding_refused")
