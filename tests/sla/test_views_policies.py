"""Promises in pages: read as sentences, written from rows."""

import pytest
from django.urls import reverse

from sla import sentences
from sla.models import Policy
from tests import make

pytestmark = pytest.mark.django_db
BODY = {
    "name": "Hot inbound",
    "metric": "ACKNOWLEDGE",
    "scope": "LEAD",
    "hours": "REP",
    "position": "5",
    "minutes": "5",
    "seconds": "30",
    "is_active": "on",
    "g_match": "all",
    "c_group": "0",
    "c_fact": "tier",
    "c_op": "eq",
    "c_value": "hot",
    "s_percent": ["200", "50", ""],
    "s_action": ["to_manager", "remind", "remind"],
}


@pytest.fixture
def manager(client):
    user = make.user("morgan", group="manager")
    client.force_login(user)
    return user


def test_a_promise_is_written_from_rows_and_read_as_a_sentence(client, manager):
    answer = client.post(reverse("policy_add"), BODY)

    policy = Policy.objects.get()
    assert answer.url == reverse("policies")
    assert policy.budget == 330
    assert policy.condition == {"all": [{"fact": "tier", "op": "eq", "value": "HOT"}]}
    assert policy.steps == [
        {"at_percent": 50, "do": "remind"},
        {"at_percent": 200, "do": "to_manager"},
    ]
    assert policy.history.get().history_user == manager
    page = client.get(reverse("policies")).content.decode()
    assert (
        "Acknowledge within 5 minutes 30 seconds of the rep&#x27;s working time, if tier is HOT"
        in page
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"minutes": "0", "seconds": "0"}, "at least one second"),
        ({"s_percent": ["50"], "s_action": ["remind"]}, "must name a person"),
        ({"s_percent": ["soon"], "s_action": ["to_manager"]}, "whole number of per cent"),
        ({"s_percent": ["99999"], "s_action": ["to_manager"]}, "from 1 to 10000"),
        ({"c_value": "boiling"}, "HOT, WARM, COLD"),
        ({"name": ""}, "required"),
    ],
)
def test_a_mistake_is_told_in_words(client, manager, wrong, words):
    page = client.post(reverse("policy_add"), {**BODY, **wrong})

    assert page.status_code == 422
    assert words in page.content.decode()
    assert not Policy.objects.exists()


@pytest.mark.parametrize(("act", "steps"), [("step", 4), ("unstep:0", 2), ("row:0", 3)])
def test_rows_come_and_go_without_script(client, manager, act, steps):
    page = client.post(reverse("policy_add"), {**BODY, "act": act})

    assert page.status_code == 200
    assert len(page.context["steps"]) == steps
    assert 'value="Hot inbound"' in page.content.decode()
    assert not Policy.objects.exists()


def test_one_click_promises_fifteen_minutes_once(client, manager):
    for _ in range(2):
        client.post(reverse("policy_standard"))

    assert Policy.objects.get().budget == 900


def test_a_rep_promises_nothing(client):
    client.force_login(make.user(group="rep"))

    codes = [client.get(reverse(name)).status_code for name in ("policies", "policy_add")]

    assert codes == [403, 403]


def test_a_policy_opens_with_what_is_stored(client, manager):
    policy = make.policy("Standard", budget=95)

    page = client.get(reverse("policy", args=[policy.pk]))

    assert page.context["form"].initial["minutes"] == 1
    assert page.context["form"].initial["seconds"] == 35
    assert [step.percent for step in page.context["steps"]] == ["50", "100", "200", "300"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(900, "15 minutes"), (5400, "1 hour 30 minutes"), (45, "45 seconds"), (86_400, "1 day")],
)
def test_spans_read_as_words(seconds, words):
    assert sentences.span(seconds) == words
