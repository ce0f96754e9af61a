"""Pages and API of realignments: who may, what is shown, what is kept after a mistake."""

import pytest
from django.urls import reverse

from accounts.models import TerritoryPlan
from accounts.services.plans import approval, draft
from reps.due import jobs
from reps.due.clock import database_now
from routing.models import TerritoryStudy
from tests import make

AT = make.MONDAY_9AM

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(client):
    make.organisation()
    ann, ben = make.rep("ann"), make.rep("ben")
    author = make.user("avery", group="revops")
    client.force_login(author)
    return {
        "author": author,
        "second": make.user("blake", group="manager"),
        "ann": ann,
        "ben": ben,
        "west": make.territory("West", owner=ann, countries=["US"], regions=["CA", "OR"]),
    }


@pytest.fixture
def plan(world):
    return draft.start(name="Autumn", reason="Growth", by=world["author"], at=AT)


def act(client, plan, **fields):
    return client.post(reverse("territory_plan_act", args=[plan.pk]), fields, follow=True)


def test_a_rep_is_not_let_in(client, world, plan):
    client.force_login(world["ann"].user)

    for name, args in (
        ("territory_plans", []),
        ("territory_plan", [plan.pk]),
        ("territory_workload", []),
        ("territory_day", []),
    ):
        assert client.get(reverse(name, args=args)).status_code == 403
    assert client.get("/api/v1/territory-plans/").status_code == 403


def test_what_was_typed_stays_when_something_is_missing(client, world):
    answer = client.post(
        reverse("territory_plan_new"), {"name": "Autumn", "reason": "", "leads": "STAY"}
    )

    assert answer.status_code == 422
    assert b'value="Autumn"' in answer.content
    assert not TerritoryPlan.objects.exists()


def test_a_territory_is_changed_in_the_draft_by_the_form_of_the_live_one(client, world, plan):
    west = world["west"]
    address = reverse("territory_plan_change", args=[plan.pk]) + f"?territory={west.pk}"
    assert b"CA, OR" in client.get(address).content

    client.post(
        address,
        {
            "act": "save",
            "name": "West",
            "parent": "",
            "owner": world["ben"].pk,
            "countries": "US",
            "regions": "CA, OR, WA",
            "rank": "0",
            "is_active": "on",
        },
    )

    change = plan.changes.get()
    assert change.changed == ["owner_id", "regions"]
    page = client.get(reverse("territory_plan", args=[plan.pk])).content.decode()
    assert "<del>ann</del>" in page
    assert "<ins>CA, OR, WA</ins>" in page


def test_a_split_that_cannot_be_says_so_at_the_form(client, world, plan):
    address = reverse("territory_plan_change", args=[plan.pk]) + f"?territory={world['west'].pk}"

    answer = client.post(address, {"act": "parts", "regions": ["0", "1"], "name": "All"})

    assert answer.status_code == 422
    assert b"Nothing would be left of West" in answer.content


def test_the_preview_comes_in_the_background_and_its_columns_add_up(client, world, plan):
    draft.put(
        plan=plan,
        key=world["west"].pk,
        state={"owner_id": world["ben"].pk},
        by=world["author"],
        at=AT,
    )
    make.owned(world["ann"], {"country": "US", "region": "CA"}, at=database_now())

    page = act(client, plan, act="preview").content.decode()
    assert 'hx-trigger="every 2s"' in page
    jobs.drain("studies", driver="test", due_before=database_now())
    page = client.get(reverse("territory_plan", args=[plan.pk])).content.decode()

    assert "Together" in page
    assert TerritoryStudy.objects.get().result["total"]["flow"] == [1, 1]


def test_the_author_is_told_why_they_cannot_approve(client, world, plan):
    draft.put(plan=plan, key=world["west"].pk, state={"rank": 1}, by=world["author"], at=AT)

    page = act(client, plan, act="ask").content.decode()

    assert "somebody else has to" in page
    assert 'value="approve"' not in page


def test_a_conflict_is_shown_with_what_to_choose(client, world, plan):
    west = world["west"]
    draft.put(plan=plan, key=west.pk, state={"rank": 1}, by=world["author"], at=AT)
    west.rank = 5
    make.saved(west)
    page = client.get(reverse("territory_plan", args=[plan.pk])).content.decode()
    assert "was changed meanwhile" in page
    change = plan.changes.get()

    act(client, plan, act="rebase", **{f"keep-{change.pk}-rank": "plan"})

    change.refresh_from_db()
    assert (change.before["rank"], change.after["rank"]) == (5, 1)


def test_who_had_a_place_on_a_day(client, world):
    address = reverse("territory_day")
    asked = {"day": AT.date().isoformat(), "country": "US", "region": "CA"}

    had = client.get(address, asked).content.decode()
    earlier = client.get(address, asked | {"day": "2020-01-01"}).content.decode()

    assert "had it" in had
    assert "ann" in had
    assert "No territory covered it" in earlier


class TestApi:
    def test_preview_approve_and_undo(self, client, world, plan):
        west = world["west"]
        draft.put(plan=plan, key=west.pk, state={"rank": 1}, by=world["author"], at=AT)
        address = f"/api/v1/territory-plans/{plan.pk}/"
        assert client.post(f"{address}preview/").status_code == 202
        approval.ask(plan=plan, by=world["author"], at=AT)
        says = client.get(address).json()["digest"]

        own = client.post(f"{address}approve/", {"digest": says}, content_type="application/json")
        assert (own.status_code, own.json()["code"]) == (409, "plan_refused")
        client.force_login(world["second"])
        client.post(f"{address}approve/", {"digest": says}, content_type="application/json")
        jobs.drain("territory_plans", driver="test", due_before=database_now())
        assert client.get(address).json()["state"] == "IN_EFFECT"
        client.post(f"{address}undo/", {"reason": "No"}, content_type="application/json")

        assert client.get(address).json()["state"] == "UNDONE"
        west.refresh_from_db()
        assert west.rank == 0
