"""Taking a lead back, and declining what is none: by page and API."""

import pytest
from django.test import Client
from django.urls import reverse

from routing.models import PoolStanding
from tests import make
from tests.clock import travel

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def moment():
    with travel(AT + make.MINUTE):
        yield


@pytest.fixture
def lead():
    make.organisation()
    team = make.team("A", manager=make.user("boss", group="manager"))
    ann, ben = make.rep("ann", team=team), make.rep("ben", team=team)
    make.rules(make.round_robin(make.pool(ann, ben)))
    made = make.routed(make.lead())
    assert made.owner == ann
    return made


def client(name: str) -> Client:
    made = Client()
    made.force_login(make.User.objects.get(username=name))
    return made


def by_page(lead, name, verb, **sent):
    url = reverse("lead_act", args=[lead.pk, verb])
    return client(name).post(url, {"epoch": 1, "reason": "Spam", **sent}, follow=True)


def by_api(lead, name, verb, **sent):
    url = f"/api/v1/leads/{lead.pk}/{verb}/"
    sent = {"epoch": 1, "reason": "Spam", **sent}
    return client(name).post(url, sent, content_type="application/json")


def untouched_rotation() -> bool:
    return set(PoolStanding.objects.values_list("balance", "turn")) == {(0, 0)}


def test_a_manager_takes_a_lead_back_on_its_page(lead):
    assert b"Take back" in client("boss").get(reverse("lead", args=[lead.pk])).content

    page = by_page(lead, "boss", "undo")

    assert "Taken back" in page.content.decode()
    lead.refresh_from_db()
    assert (lead.place, lead.owner_epoch) == ("QUEUE", 2)
    assert untouched_rotation()


def test_its_owner_is_not_offered_to_take_it_back(lead):
    assert b"Take back" not in client("ann").get(reverse("lead", args=[lead.pk])).content

    assert by_page(lead, "ann", "undo").status_code == 404
    assert by_api(lead, "ann", "undo").status_code == 403
    lead.refresh_from_db()
    assert lead.owner_epoch == 1


def test_a_lead_that_is_worked_on_is_not_offered(lead):
    assert by_page(lead, "ann", "acknowledge").status_code == 200

    assert b"Take back" not in client("boss").get(reverse("lead", args=[lead.pk])).content
    refused = by_api(lead, "boss", "undo")
    assert refused.status_code == 409
    assert refused.json()["code"] == "undo_refused"


def test_a_manager_takes_a_lead_back_by_api(lead):
    answer = by_api(lead, "boss", "undo")

    assert answer.status_code == 200
    assert untouched_rotation()


def test_nobody_takes_back_what_they_may_not_see(lead):
    make.user("other", group="manager")

    assert by_api(lead, "other", "undo").status_code == 404


@pytest.mark.parametrize("way", [by_page, by_api])
def test_declining_what_is_no_lead_gives_the_turn_back(lead, way):
    way(lead, "ann", "decline", not_a_lead=True)

    lead.refresh_from_db()
    assert lead.owner_epoch == 2
    assert untouched_rotation()


@pytest.mark.parametrize("way", [by_page, by_api])
def test_declining_a_real_lead_costs_the_turn(lead, way):
    way(lead, "ann", "decline")

    lead.refresh_from_db()
    assert lead.owner_epoch == 2
    assert not untouched_rotation()
