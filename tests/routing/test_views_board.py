"""The team board: what it shows, to whom, and what can be done from it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reps.due.clock import database_now
from reps.models import Rep
from routing import work
from routing.insight import selectors
from routing.models import Assignment, Lead, Organisation, ReassignmentRequest
from tests import make

pytestmark = pytest.mark.django_db


class Scene:
    """Two teams with a manager, a rep and leads each."""

    def __init__(self, leads=2):
        self.at = database_now()
        make.organisation()
        self.manager = make.user("mia", group="manager", first_name="Mia")
        self.stranger = make.user("otto", group="manager")
        east = make.team("East", manager=self.manager)
        west = make.team("West", manager=self.stranger)
        self.rep = make.rep("rea", team=east)
        self.backup = make.rep("ben", team=east)
        self.other = make.rep("wes", team=west)
        make.policy(budget=60)
        make.rules(make.round_robin(make.pool(self.rep)))
        self.leads = self.more(leads)

    def more(self, number, *, at=None):
        at = at or self.at - timedelta(hours=1)
        return [make.routed(lead, at=at) for lead in make.leads(number, at=at)]


def picks(leads):
    return [f"{lead.pk}:{lead.owner_epoch}" for lead in leads]


@pytest.fixture
def scene():
    return Scene()


NOT_FOR_REPS = ["board", "board_move", "history", "history_export", "quarantine"]


def test_a_rep_is_kept_out(client, scene, subtests):
    for name in NOT_FOR_REPS:
        with subtests.test(str(name)):
            client.force_login(scene.rep.user)

            response = client.get(reverse(name))

            assert response.status_code == 403


def test_the_board_shows_reps_late_leads_and_their_load(client, scene):
    client.force_login(scene.manager)

    page = client.get("/board/").content.decode()

    assert "rea" in page
    assert "2 late" in page
    assert scene.leads[0].prospect.name in page
    assert "Taking leads" in page


def test_a_manager_sees_nothing_of_another_team(client, scene):
    client.force_login(scene.stranger)

    page = client.get("/board/").content.decode()

    assert "wes" in page
    assert f"/board/reps/{scene.rep.pk}/" not in page
    assert scene.leads[0].prospect.name not in page
    assert client.get(reverse("board_rep", args=[scene.rep.pk])).status_code == 404
    for name in ("board_pause", "board_resume", "board_leave"):
        assert client.post(reverse(name, args=[scene.rep.pk])).status_code == 404


def test_an_unchanged_board_answers_a_poll_with_304(client, scene):
    client.force_login(scene.manager)
    headers = {"HX-Request": "true"}
    first = client.get("/board/", headers=headers)

    again = client.get("/board/", headers={**headers, "If-None-Match": first["ETag"]})
    scene.more(1)
    changed = client.get("/board/", headers={**headers, "If-None-Match": first["ETag"]})

    assert b"<html" not in first.content
    # A minute may pass between the two; then the ages on the board are new.
    assert again.status_code == 304 or again["ETag"] != first["ETag"]
    assert changed.status_code == 200


def test_the_queries_of_the_board_do_not_grow_with_rows(client, scene):
    client.force_login(scene.manager)
    client.get("/board/")
    with CaptureQueriesContext(connection) as few:
        client.get("/board/")
    scene.more(18)
    for number in range(8):
        make.rep(f"new{number}", team=scene.rep.team)

    with CaptureQueriesContext(connection) as many:
        client.get("/board/")

    assert len(many) == len(few)


def hour_around(rep, at):
    make.absence(rep, at - timedelta(hours=1), at + timedelta(hours=1))


def one_minute_a_week(rep, at):
    rep.calendar = make.calendar(weekly={at.strftime("%a").lower(): [["00:00", "00:01"]]})


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (hour_around, "absent"),
        (lambda rep, at: setattr(rep, "paused_at", at), "paused"),
        (lambda rep, at: setattr(rep, "capacity", 2), "full"),
        (one_minute_a_week, "off"),
        (lambda rep, at: None, "taking"),
    ],
    ids=["absent", "paused", "full", "off", "taking"],
)
def test_the_state_of_a_rep_is_told(change, state):
    at = make.MONDAY_9AM
    make.organisation()
    rep = make.rep("rea")
    make.rules(make.round_robin(make.pool(rep)))
    for lead in make.leads(2):
        make.routed(lead)
    change(rep, at)
    make.saved(rep)

    (row,) = selectors.team(make.user(group="revops"), at=at)

    assert row.state == state
    assert row.open == 2
    assert row.last_at == at


def test_leads_are_previewed_before_they_move(client, scene):
    client.force_login(scene.manager)
    data = {"lead": picks(scene.leads), "to": scene.backup.pk, "reason": "Busy"}

    page = client.post("/board/move/", {**data, "step": "preview"}).content.decode()
    untouched = Lead.objects.filter(owner=scene.backup).count()
    client.post("/board/move/", {**data, "step": "move"})

    assert "Move 2 leads to ben" in page
    assert untouched == 0
    assert Lead.objects.filter(owner=scene.backup).count() == 2
    assert set(
        Assignment.objects.filter(rep=scene.backup).values_list("reason", "driver", "by")
    ) == {("Busy", "web", scene.manager.pk)}


def test_a_single_lead_is_given_from_its_own_link(client, scene):
    client.force_login(scene.manager)

    page = client.get(f"/board/move/?lead={picks(scene.leads)[0]}").content.decode()

    assert "Give 1 lead to somebody else" in page
    assert "This field is required" not in page


def test_a_move_that_does_not_fit_moves_nothing_and_keeps_what_was_typed(client, scene):
    client.force_login(scene.manager)
    full = make.rep("fay", team=scene.rep.team, capacity=1)

    page = client.post(
        "/board/move/",
        {"lead": picks(scene.leads), "to": full.pk, "reason": "Try this", "step": "move"},
    ).content.decode()

    assert "Try this" in page
    assert "fay holds" in page
    assert not Lead.objects.filter(owner=full).exists()


def test_stale_or_odd_picks_do_no_harm(client, scene):
    client.force_login(scene.manager)
    data = {"to": scene.backup.pk, "reason": "x", "step": "move"}

    for lead in (["7:1:1"], ["²:1"], ["a:b"], ["9" * 30 + ":1"], [f"{scene.leads[0].pk}:0"], []):
        assert client.post("/board/move/", {**data, "lead": lead}).status_code in (200, 302)

    assert not Lead.objects.filter(owner=scene.backup).exists()


def test_leads_cannot_be_moved_out_of_or_into_other_teams(client, scene):
    client.force_login(scene.manager)
    client.post(
        "/board/move/",
        {"lead": picks(scene.leads), "to": scene.other.pk, "reason": "x", "step": "move"},
    )
    client.force_login(scene.stranger)
    client.post(
        "/board/move/",
        {"lead": picks(scene.leads), "to": scene.other.pk, "reason": "x", "step": "move"},
    )

    assert not Lead.objects.filter(owner=scene.other).exists()


def test_a_rep_is_paused_with_a_reason_and_resumed(client, scene):
    client.force_login(scene.manager)

    past = client.post(
        f"/board/reps/{scene.rep.pk}/pause/", {"until": "2020-01-01T09:00", "reason": "Talk"}
    ).content.decode()
    client.post(f"/board/reps/{scene.rep.pk}/pause/", {"reason": "Training"})
    paused = Rep.objects.get(pk=scene.rep.pk)
    client.post(f"/board/reps/{scene.rep.pk}/resume/")
    resumed = Rep.objects.get(pk=scene.rep.pk)

    assert "Choose an end in the future" in past
    assert "Talk" in past
    assert (paused.paused_at is not None, paused.pause_reason) == (True, "Training")
    assert resumed.paused_at is None


def test_deactivating_shows_what_moves_and_then_places_it_anew(client, scene):
    client.force_login(scene.manager)
    url = f"/board/reps/{scene.rep.pk}/leave/"

    page = client.get(url).content.decode()
    without_reason = client.post(url, {"reason": " "})
    still_there = Rep.objects.get(pk=scene.rep.pk).is_active
    client.post(url, {"reason": "Left the company"})

    assert "re-place 2 leads" in page
    assert scene.leads[0].prospect.name in page
    assert without_reason.status_code == 200
    assert still_there
    assert not Rep.objects.get(pk=scene.rep.pk).is_active
    assert not Lead.objects.filter(owner=scene.rep).exists()


def ask(scene, wanted=None):
    lead = scene.leads[0]
    return work.request_reassignment(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        reason="They speak French",
        by=scene.rep.user,
        at=scene.at,
        wanted=wanted,
    )


def test_a_request_is_approved_to_the_wanted_rep(client, scene):
    request = ask(scene, wanted=scene.backup)
    client.force_login(scene.manager)

    page = client.get("/board/").content.decode()
    client.post(f"/board/requests/{request.pk}/", {"decision": "approve", "to": "", "reason": "ok"})

    assert "They speak French" in page
    assert Lead.objects.get(pk=scene.leads[0].pk).owner == scene.backup
    request.refresh_from_db()
    assert request.state == ReassignmentRequest.State.APPROVED


def test_a_request_is_refused_only_with_an_answer(client, scene):
    request = ask(scene)
    client.force_login(scene.manager)
    url = f"/board/requests/{request.pk}/"

    client.post(url, {"decision": "refuse", "reason": ""})
    request.refresh_from_db()
    before = request.state
    client.post(url, {"decision": "refuse", "reason": "Keep it"})
    request.refresh_from_db()

    assert before == ReassignmentRequest.State.PENDING
    assert (request.state, request.answer) == (ReassignmentRequest.State.REFUSED, "Keep it")


def test_nobody_decides_requests_of_another_team(client, scene):
    request = ask(scene)
    client.force_login(scene.stranger)

    page = client.get("/board/").content.decode()
    client.post(f"/board/requests/{request.pk}/", {"decision": "approve"})

    request.refresh_from_db()
    assert "They speak French" not in page
    assert request.state == ReassignmentRequest.State.PENDING


def test_a_waiting_lead_says_why_it_waits(client, scene):
    scene.rep.capacity = 2
    make.saved(scene.rep)
    make.rules(make.round_robin(make.pool(scene.rep), on_empty="wait"))
    (lead,) = scene.more(1)
    client.force_login(scene.manager)

    page = client.get("/board/").content.decode()

    assert lead.waiting == Lead.Waiting.CAPACITY
    assert "Everyone who could take it is full" in page
    assert lead.prospect.name in page


def test_routing_is_paused_and_resumed(client, scene):
    client.force_login(scene.manager)

    client.post("/board/routing/", {"to": "pause"})
    paused_by = Organisation.get().routing_paused_by
    client.post("/board/routing/", {"to": "resume"})

    assert paused_by == scene.manager
    assert Organisation.get().routing_paused_at is None


def test_the_page_of_a_rep_lists_what_they_hold(client, scene):
    client.force_login(scene.manager)

    page = client.get(f"/board/reps/{scene.rep.pk}/").content.decode()

    assert scene.leads[1].prospect.name in page
    assert "Deactivate" in page


def test_an_empty_board_says_what_to_do(client):
    client.force_login(make.user(group="manager"))

    page = client.get("/board/").content.decode()

    assert "No reps in your teams yet" in page
    assert "Every lead has an owner" in page
