"""The promises of a lead on its page, and letting its clocks stand still: page, API, lists."""

from datetime import timedelta

import pytest
from django.urls import reverse

from reps.trail import timeline
from routing import work
from sla.models import Clock, Pause
from sla.services import pauses
from tests import make
from tests.clock import travel

pytestmark = pytest.mark.django_db
AT = make.MONDAY_9AM
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def moment():
    with travel(AT):
        yield


@pytest.fixture
def robin():
    make.organisation()
    boss = make.user("morgan", group="manager")
    return make.rep("robin", team=make.team("North", manager=boss))


@pytest.fixture
def reason():
    return make.pause_reason("On holiday", longest=7 * 86_400)


@pytest.fixture
def lead(robin):
    make.policy("Quick", budget=3600)
    return make.owned(robin, {"first_name": "Jordan", "last_name": "Buyer"})


def body_of(client, lead) -> str:
    return client.get(reverse("lead", args=[lead.pk])).content.decode()


def pause(client, lead, why, /, **changes):
    data = {
        "epoch": lead.owner_epoch,
        "reason": why.pk,
        "until": "2026-06-16T09:00",
        "note": "Back on Tuesday",
    }
    return client.post(reverse("lead_act", args=[lead.pk, "pause"]), {**data, **changes})


def resume(client, lead):
    address = reverse("lead_act", args=[lead.pk, "resume"])
    return client.post(address, {"epoch": lead.owner_epoch}, follow=True)


# --- The lead's page ---------------------------------------------------------------------


def test_a_lead_shows_each_promise_whose_hours_it_counts_and_what_comes(client, robin, lead):
    client.force_login(robin.user)

    page = body_of(client, lead)

    assert "left to acknowledge" in page
    assert "Quick; counts in the hours of robin" in page
    assert "09:30: remind the owner" in page
    assert "10:00: tell the manager" in page


@pytest.mark.parametrize("who", ["robin", "morgan", "revops"])
def test_owner_manager_and_revops_let_the_clocks_stand_still_and_go_on(
    client, robin, lead, reason, who
):
    people = {"robin": robin.user, "morgan": robin.team.manager}
    client.force_login(people.get(who) or make.user(group="revops"))

    assert pause(client, lead, reason).status_code == 302

    made = Pause.objects.get()
    assert made.resume_at == AT + 24 * HOUR
    assert Clock.objects.get().paused_at == AT
    page = body_of(client, lead)
    assert "Stands still until" in page
    assert "On holiday" in page
    assert "Back on Tuesday" in page
    assert "Paused" in page
    assert "Resume the clocks" in page
    assert "Pause the clocks" not in page

    resume(client, lead)
    made.refresh_from_db()
    assert made.ended == Pause.Ended.BY_HAND
    assert "Pause the clocks" in body_of(client, lead)


def test_nobody_else_pauses_a_lead(client, lead, reason):
    for user in (make.rep("other").user, make.user(group="manager")):
        client.force_login(user)

        assert pause(client, lead, reason).status_code == 404
        assert resume(client, lead).status_code == 404

    assert not Pause.objects.exists()


def test_the_clocks_of_a_lead_that_nobody_owns_are_paused_by_nobody(client, robin, reason):
    make.policy("Claim it", metric="CLAIM", budget=3600)
    lead = make.queued(make.queue(make.pool(robin)))
    client.force_login(robin.team.manager)

    page = body_of(client, lead)

    assert "left to claim" in page
    assert "Pause the clocks" not in page
    assert pause(client, lead, reason).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        ({"until": ""}, 422, "This field is required"),
        ({"until": "some day"}, 422, "Enter a valid date/time"),
        ({"reason": ""}, 422, "This field is required"),
        ({"until": "2026-06-30T09:00"}, 409, "at most 7 days"),
        ({"until": "2026-06-15T08:00"}, 409, "moment in the future"),
        ({"epoch": "0"}, 409, "changed hands"),
    ],
)
def test_a_refused_pause_stays_open_with_what_was_typed(
    client, robin, lead, reason, wrong, status, words
):
    client.force_login(robin.user)

    answer = pause(client, lead, reason, **wrong)

    page = answer.content.decode()
    assert answer.status_code == status
    assert words in page
    assert "Back on Tuesday" in page
    assert "<details" in page
    assert answer.context["opened"] == "pause"
    assert not Pause.objects.exists()


def test_a_promise_that_may_not_be_paused_says_so(client, robin, reason):
    make.policy("Strict", pausable=False)
    lead = make.owned(robin)
    client.force_login(robin.user)

    page = body_of(client, lead)

    assert "May not be paused." in page
    assert "Pause the clocks" not in page


def test_without_reasons_the_page_says_why_there_is_no_button(client, robin, lead):
    client.force_login(robin.user)

    assert "once there are reasons" in body_of(client, lead)


def test_clocks_that_have_ended_are_told_apart(client, robin, lead):
    work.acknowledge(lead_id=lead.pk, epoch=1, by=robin.user, at=AT + 2 * HOUR)
    client.force_login(robin.user)

    page = body_of(client, lead)

    assert "No clock is running" in page
    assert "kept late" in page


# --- Lists, board, home ------------------------------------------------------------------


def test_lists_say_until_when_a_lead_is_paused(client, robin, lead, reason):
    client.force_login(robin.user)
    pause(client, lead, reason)

    listed = client.get(reverse("leads")).content.decode()
    home = client.get("/")
    client.force_login(robin.team.manager)
    board = client.get(reverse("board_rep", args=[robin.pk])).content.decode()

    for page in (listed, home.content.decode(), board):
        assert "until Tue 16 Jun, 09:00" in page
        assert "No clock" not in page
    assert home.context["home"].needs == []
    assert [one.pk for one in home.context["home"].later] == [lead.pk]


def test_pausing_is_news_for_the_home_page(client, robin, lead, reason):
    client.force_login(robin.user)
    tag = client.get("/")["ETag"]
    pause(client, lead, reason)

    headers = {"HX-Request": "true", "If-None-Match": tag}

    assert client.get("/", headers=headers).status_code == 200


def test_a_clock_that_may_not_stand_still_goes_on_being_shown(client, robin, lead, reason):
    make.policy("Strict", metric="CONTACT", pausable=False, budget=7200)
    other = make.owned(robin)
    client.force_login(robin.user)

    pause(client, other, reason)

    other.refresh_from_db()
    assert (other.due_what, other.paused_until) == ("CONTACT", AT + 24 * HOUR)
    assert "2 h 00" in client.get(reverse("leads")).content.decode()


# --- Time line ---------------------------------------------------------------------------


def test_the_time_line_tells_of_a_pause_and_what_ended_it(robin, lead, reason):
    how = {"lead_id": lead.pk, "epoch": 1, "by": robin.user}
    pauses.pause(**how, reason=reason, until=AT + HOUR, note="Call later", at=AT)
    pauses.drain(driver="test", due_before=AT + 2 * HOUR)

    first, second = timeline.of(lead, only=["pauses"])

    assert first.title == "The clocks stand still"
    assert first.detail == "On holiday, until 15 Jun, 10:00. · Call later"
    assert first.actor == "robin"
    assert (second.at, second.title) == (
        AT + HOUR,
        "The clocks run again: the pause was over",
    )


# --- API ---------------------------------------------------------------------------------


def call(client, lead, verb, **body):
    body.setdefault("epoch", lead.owner_epoch)
    return client.post(f"/api/v1/leads/{lead.pk}/{verb}/", body, "application/json")


def test_the_api_pauses_and_resumes(client, robin, lead, reason):
    client.force_login(robin.user)

    paused = call(client, lead, "pause", reason=reason.pk, until="2026-06-16T09:00:00Z")
    again = call(client, lead, "pause", reason=reason.pk, until="2026-06-16T09:00:00Z")
    resumed = call(client, lead, "resume")
    twice = call(client, lead, "resume")

    assert (paused.status_code, paused.json()["paused_until"]) == (200, "2026-06-16T09:00:00Z")
    assert (again.status_code, again.json()["code"]) == (409, "pause_refused")
    assert resumed.json()["paused_until"] is None
    assert resumed.json()["due_at"] == "2026-06-15T10:00:00Z"
    assert (twice.status_code, twice.json()["code"]) == (409, "pause_refused")


def test_the_api_shows_foreign_leads_to_nobody(client, lead, reason):
    client.force_login(make.rep("other").user)

    answers = [
        call(client, lead, "pause", reason=reason.pk, until="2026-06-16T09:00:00Z"),
        call(client, lead, "resume"),
    ]

    assert [one.status_code for one in answers] == [404, 404]


def test_the_api_says_what_is_missing(client, robin, lead, reason):
    client.force_login(robin.user)
    reason.is_active = False
    make.saved(reason)

    answer = call(client, lead, "pause", reason=reason.pk)

    assert answer.status_code == 400
    assert {one["field"] for one in answer.json()["errors"]} == {"reason", "until"}
