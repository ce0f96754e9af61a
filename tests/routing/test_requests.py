"""Requests for reassignment: whose turn it is, until when, and what comes of silence."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from reps.due import jobs
from reps.models import Absence, Message, Rep, Strike
from reps.post import kinds
from routing import work
from routing.models import Lead, ReassignmentRequest
from routing.visibility import requests_to_decide, visible_leads, visible_reps
from routing.work import requests
from routing.work.answering import answers_for, line_of
from tests import make
from tests.clock import travel

AT = make.MONDAY_9AM
HOUR = timedelta(hours=1)
TIME = 4 * HOUR
pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    """Ann under Boss with a deputy, in a region under Head; somebody answers for all."""
    organisation = make.organisation()
    boss, deputy = make.user("boss", group="manager"), make.user("deputy", group="rep")
    head = make.user("head", group="manager")
    region = make.team("Region", manager=head)
    team = make.team("North", manager=boss, deputy=deputy, parent=region)
    return {
        "boss": boss,
        "deputy": deputy,
        "head": head,
        "last": organisation.responsible,
        "team": team,
        "ann": make.rep("ann", team=team),
        "ben": make.rep("ben", team=team),
        "stranger": make.user("stranger", group="manager"),
    }


def ask(cast, *, at=AT) -> ReassignmentRequest:
    lead = make.owned(cast["ann"], {"name": "Zoë Lee"})
    return work.request_reassignment(
        lead_id=lead.pk, epoch=1, reason="Speaks French", by=cast["ann"].user, at=at
    )


def tick(at) -> int:
    return jobs.drain("requests", driver="test", due_before=at)


def now(request) -> ReassignmentRequest:
    request.refresh_from_db()
    return request


def told(kind: str) -> set[str]:
    return set(Message.objects.filter(kind=kind).values_list("recipient__username", flat=True))


def away(user, *, until=AT + timedelta(days=3)) -> None:
    user.away_until = until
    user.save()


# --- Who answers --------------------------------------------------------------------------------


def line(cast, at=AT) -> list[str]:
    return [user.username for user in line_of(cast["ann"], at)]


def test_the_line_goes_from_the_manager_by_the_deputy_up_to_whoever_answers_for_all(cast):
    assert line(cast) == ["boss", "deputy", "head", cast["last"].username]


def test_the_deputy_answers_while_the_manager_is_away(cast):
    away(cast["boss"], until=AT + HOUR)

    assert answers_for(cast["ann"], AT) == cast["deputy"]
    assert answers_for(cast["ann"], AT + HOUR) == cast["boss"]


def test_whom_the_managers_absence_names_answers_before_the_deputy(cast):
    rep = make.rep(user=cast["boss"], team=cast["team"])
    make.saved(Absence(rep=rep, starts_at=AT, ends_at=AT + 2 * HOUR, delegate=cast["ben"]))

    assert line(cast)[:3] == ["ben", "deputy", "head"]
    assert line(cast, AT + 2 * HOUR)[:2] == ["boss", "deputy"]


def test_where_manager_and_deputy_are_away_the_next_manager_up_answers(cast):
    away(cast["boss"])
    away(cast["deputy"])

    assert line(cast) == ["head", cast["last"].username]


def test_nobody_answers_for_themselves(cast):
    boss = make.rep(user=cast["boss"], team=cast["team"])

    assert [user.username for user in line_of(boss, AT)][:2] == ["deputy", "head"]


def test_where_everybody_is_missing_somebody_active_answers_all_the_same(cast):
    for who in ("boss", "deputy", "head", "last"):
        cast[who].is_active = False
        cast[who].save()
    admin = make.user("admin", group="admin")

    assert answers_for(cast["ann"], AT) == admin


# --- Time to decide -----------------------------------------------------------------------------


def test_whose_turn_it_is_has_its_time(cast):
    request = ask(cast)

    assert (request.answers, request.decide_by) == (cast["boss"], AT + TIME)
    assert told("reassignment_requested") == {"boss"}
    assert tick(AT + TIME - timedelta(microseconds=1)) == 0


def test_the_time_of_a_manager_with_hours_is_counted_in_them(cast):
    berlin = make.calendar("Berlin", time_zone="Europe/Berlin")
    boss = make.rep(user=cast["boss"], team=cast["team"], calendar=berlin)
    make.absence(boss, datetime(2026, 6, 16, 7, tzinfo=UTC), datetime(2026, 6, 16, 8, tzinfo=UTC))
    friday = datetime(2026, 6, 12, 14, tzinfo=UTC)  # an hour before closing

    # One hour on Friday, three on Monday.
    assert requests.decide_by(cast["boss"], friday) == datetime(2026, 6, 15, 10, tzinfo=UTC)
    # On Tuesday the first hour is taken by an absence.
    monday = datetime(2026, 6, 15, 14, tzinfo=UTC)
    assert requests.decide_by(cast["boss"], monday) == datetime(2026, 6, 16, 11, tzinfo=UTC)


def test_silence_passes_it_on_along_the_line_and_at_last_it_expires(cast):
    request = ask(cast)
    lead = Lead.objects.get(pk=request.lead_id)
    turns = []
    for number in (1, 2, 3):
        assert tick(AT + number * TIME) == 1
        turns.append((now(request).answers.username, request.passed_on, request.decide_by))

    assert turns == [
        ("deputy", 1, AT + 2 * TIME),
        ("head", 2, AT + 3 * TIME),
        (cast["last"].username, 3, AT + 4 * TIME),
    ]
    assert told("request_passed_on") == {"boss", "deputy", "head"}
    assert told("reassignment_requested") == {"boss", "deputy", "head", cast["last"].username}

    assert tick(AT + 4 * TIME) == 1

    assert (now(request).state, request.decided_at) == ("EXPIRED", AT + 4 * TIME)
    assert request.decided_by is None
    lead.refresh_from_db()
    assert (lead.owner, lead.owner_epoch) == (cast["ann"], 1)
    assert told("reassignment_decided") == {"ann"}
    assert told("request_expired") == {"boss", "deputy", "head", cast["last"].username}
    assert [row.history_change_reason for row in request.history.order_by("history_id")] == [
        "requested",
        "passed_on",
        "passed_on",
        "passed_on",
        "expired",
    ]
    assert tick(AT + timedelta(days=9)) == 0


def test_nobody_is_asked_twice_who_comes_back_meanwhile(cast):
    away(cast["boss"], until=AT + HOUR)
    request = ask(cast)
    assert request.answers == cast["deputy"]

    tick(AT + TIME)
    assert now(request).answers == cast["boss"]
    tick(AT + 2 * TIME)
    assert now(request).answers == cast["head"]


def test_a_decision_in_time_leaves_nothing_to_pass_on(cast):
    request = ask(cast)
    work.refuse(request_id=request.pk, answer="Stay", by=cast["boss"], at=AT + HOUR)

    assert tick(AT + timedelta(days=1)) == 0
    assert now(request).state == "REFUSED"


def test_a_request_of_before_there_was_a_time_gets_its_turn(cast):
    request = make.saved(
        ReassignmentRequest(
            lead=make.owned(cast["ann"]),
            epoch=1,
            requested_by=cast["ann"],
            reason="Speaks French",
            requested_at=AT,
        )
    )

    assert tick(AT + HOUR) == 1

    assert (now(request).answers, request.passed_on) == (cast["boss"], 0)
    assert request.decide_by == AT + HOUR + TIME


def test_who_was_asked_before_may_still_decide_and_reads_no_stale_question(cast):
    request = ask(cast)
    first = Message.objects.get(kind="reassignment_requested")
    wanted = kinds.get("reassignment_requested").still_wanted
    assert wanted(first)

    tick(AT + TIME)

    assert not wanted(first)
    assert requests_to_decide(cast["boss"]).get() == request
    second = Message.objects.get(kind="request_passed_on")
    text = kinds.get("request_passed_on").render(second)
    assert "deputy is asked now" in text.subject
    assert text.url.endswith(reverse("requests"))
    assert kinds.lines([second], reader=cast["boss"])[second.pk].startswith("Somebody else")


def test_what_expired_reads_so_for_owner_and_managers(cast):
    ask(cast)
    for number in (1, 2, 3, 4):
        tick(AT + number * TIME)

    decided = Message.objects.get(kind="reassignment_decided")
    assert "the lead stays with you" in kinds.get(decided.kind).render(decided).subject
    expired = Message.objects.get(kind="request_expired", recipient=cast["boss"])
    assert kinds.get(expired.kind).render(expired).subject == "Nobody decided: ann keeps Zoë Lee"


def test_a_request_that_fails_stops_no_other(cast, monkeypatch):
    poisoned, sound = ask(cast), ask(cast)
    sane = requests.line_of

    def fails(rep, at):
        if not failed:
            failed.append(1)
            raise ValueError("poison")
        return sane(rep, at)

    failed: list[int] = []
    monkeypatch.setattr(requests, "line_of", fails)

    tick(AT + TIME)

    assert now(sound).passed_on == now(poisoned).passed_on == 1
    assert Strike.objects.get(job="requests").failures == 1


# --- Who sees and decides -----------------------------------------------------------------------


def test_a_deputy_sees_the_team_only_while_they_stand_in(cast):
    request = ask(cast)
    deputy = cast["deputy"]
    assert not visible_leads(deputy).exists()
    away(cast["boss"], until=AT + HOUR)

    with travel(AT):
        assert visible_leads(deputy).get() == request.lead
        assert cast["ann"] in visible_reps(deputy)
        assert requests_to_decide(deputy).get() == request
    with travel(AT + HOUR):
        assert not visible_leads(deputy).exists()
        assert not requests_to_decide(deputy).exists()


def test_whoever_is_asked_sees_that_lead_and_no_other(cast):
    request = ask(cast)
    make.owned(cast["ben"])
    tick(AT + TIME)

    assert visible_leads(cast["deputy"]).get() == request.lead
    assert requests_to_decide(cast["deputy"]).get() == request
    work.refuse(request_id=request.pk, answer="Stay", by=cast["deputy"], at=AT + TIME)
    assert not visible_leads(cast["deputy"]).exists()


def test_a_deputy_decides_on_a_page_of_their_own(client, cast):
    request = ask(cast)
    tick(AT + TIME)
    client.force_login(cast["deputy"])

    page = client.get(reverse("requests"))
    assert "Speaks French" in page.content.decode()
    assert client.get(reverse("lead", args=[request.lead_id])).status_code == 200
    answer = client.post(
        reverse("request_decide", args=[request.pk]),
        {"decision": "approve", "to": cast["ben"].pk, "reason": ""},
    )

    assert answer.url == reverse("requests")
    assert (now(request).state, request.decided_by) == ("APPROVED", cast["deputy"])
    assert Lead.objects.get().owner == cast["ben"]
    assert "Nothing to decide" in client.get(reverse("requests")).content.decode()


@pytest.mark.parametrize(
    ("who", "may"),
    [("boss", True), ("head", True), ("last", True), ("stranger", False), ("ann", False)],
)
def test_who_may_decide(client, cast, who, may):
    request = ask(cast)
    client.force_login(cast["ann"].user if who == "ann" else cast[who])

    client.post(
        reverse("request_decide", args=[request.pk]), {"decision": "refuse", "reason": "No"}
    )

    assert now(request).state == ("REFUSED" if may else "PENDING")


# --- By API -------------------------------------------------------------------------------------


def post(client, request, verb, **body):
    return client.post(
        f"/api/v1/reassignment-requests/{request.pk}/{verb}/", body, content_type="application/json"
    )


def test_a_request_is_read_and_approved_by_api(client, cast):
    request = ask(cast)
    client.force_login(cast["boss"])

    listed = client.get("/api/v1/reassignment-requests/").json()["results"]
    assert [(one["id"], one["answers"], one["passed_on"]) for one in listed] == [
        (request.pk, cast["boss"].pk, 0)
    ]
    answer = post(client, request, "approve", to=cast["ben"].pk, answer="Fine")

    assert answer.status_code == 200
    assert answer.json()["state"] == "APPROVED"
    assert Lead.objects.get().owner == cast["ben"]
    assert Lead.objects.get().assignments.get(epoch=2).driver == "api"


def test_a_request_is_refused_by_api_once_and_with_an_answer(client, cast):
    request = ask(cast)
    client.force_login(cast["boss"])

    assert post(client, request, "refuse").status_code == 400
    assert post(client, request, "refuse", answer="Stay").json()["state"] == "REFUSED"
    again = post(client, request, "refuse", answer="Stay")
    assert (again.status_code, again.json()["code"]) == (409, "request_refused")


@pytest.mark.parametrize(("who", "status"), [("ann", 403), ("stranger", 404), ("deputy", 404)])
def test_by_api_too_only_who_answers_decides(client, cast, who, status):
    request = ask(cast)
    client.force_login(cast["ann"].user if who == "ann" else cast[who])

    assert post(client, request, "approve").status_code == status
    assert now(request).state == "PENDING"


# --- Setting it up ------------------------------------------------------------------------------


def test_a_manager_says_until_when_they_are_away(client, cast):
    client.force_login(cast["boss"])
    with travel(AT):
        client.post(reverse("my_away"), {"away_until": "2026-06-16T09:00"})
        assert answers_for(Rep.objects.get(pk=cast["ann"].pk), AT) == cast["deputy"]
        client.post(reverse("my_away"), {"away_until": ""})

    assert answers_for(Rep.objects.get(pk=cast["ann"].pk), AT) == cast["boss"]
    assert "When I am away" in client.get(reverse("my_settings")).content.decode()
    assert client.post(reverse("my_away"), {"away_until": "soon"}).status_code == 422


def test_the_organisation_names_leadership_and_the_time_to_decide(client, cast):
    organisation = make.organisation()
    client.force_login(make.user("ops", group="revops"))
    client.post(
        reverse("setup_organisation"),
        {
            "name": "Acme",
            "responsible": cast["last"].pk,
            "leadership": cast["head"].pk,
            "decide_hours": "2",
            "sticky_days": "90",
            "approval_above": "20",
            "segments": "",
        },
    )

    organisation.refresh_from_db()
    assert (organisation.leadership, organisation.request_timeout) == (cast["head"], 7200)


def test_a_team_names_its_deputy(client, cast):
    client.force_login(cast["boss"])
    team = cast["team"]
    client.post(
        reverse("team", args=[team.pk]),
        {"name": "North", "manager": cast["boss"].pk, "deputy": cast["ben"].user_id},
    )

    team.refresh_from_db()
    assert team.deputy == cast["ben"].user
