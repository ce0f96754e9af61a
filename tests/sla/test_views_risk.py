"""At risk: what will be late, before it is; on its page, on the board, at home, by API."""

from datetime import timedelta

import pytest
from django.urls import reverse

from sla.models import Clock
from sla.services import forecast
from tests import make
from tests.clock import travel

pytestmark = pytest.mark.django_db
AT = make.MONDAY_9AM
MINUTE = make.MINUTE


@pytest.fixture(autouse=True)
def moment():
    with travel(AT):
        yield


@pytest.fixture
def north():
    make.organisation()
    return make.team("North", manager=make.user("morgan", group="manager"))


@pytest.fixture
def robin(north):
    return make.rep("robin", team=north)


def page(client, user, query="", **headers):
    client.force_login(user)
    return client.get(reverse("risk") + query, headers=headers)


def names(answer) -> list[str]:
    return [line.found.lead.prospect.first_name for line in answer.context["lines"]]


def in_buckets(rep):
    """One lead in each bucket, and one that is not at risk yet."""
    limits = {"Late": 5, "Soon": 25, "Hour": 60, "Four": 200, "Rest": 400, "Tomorrow": 2000}
    for place, (name, minutes) in enumerate(limits.items(), start=1):
        source = make.source(name.lower())
        make.policy(
            budget=minutes * 60,
            position=place,
            condition={"fact": "source", "op": "eq", "value": source.slug},
            steps=[{"at_percent": 100, "do": "tell_manager"}],
        )
        make.owned(rep, {"first_name": name}, at=AT - 15 * MINUTE, source=source)


def test_the_tightest_come_first_with_who_why_and_what_next(client, robin):
    in_buckets(robin)

    answer = page(client, robin.user)

    assert names(answer) == ["Late", "Soon", "Hour", "Four", "Rest"]
    body = answer.content.decode()
    assert "+10:00" in body
    assert "robin is at work; not acknowledged yet" in body
    assert "any moment now: tell the manager" in body
    assert "09:10: tell the manager" in body
    assert [number for _words, number, _colour in answer.context["counters"]] == [1, 1, 1, 1, 1]
    assert sum(number for _hour, number in answer.context["by_hour"]) == 4


def test_whose_owner_is_not_at_work_in_time_is_told_apart(client, north):
    calendar = make.calendar(time_zone="UTC", weekly={"mon": [["12:00", "17:00"]]})
    late_riser = make.rep("dana", team=north, calendar=calendar)
    make.policy(budget=3600, hours="ALWAYS")
    make.owned(late_riser, {"first_name": "Jordan"})

    body = page(client, north.manager).content.decode()
    board = client.get(reverse("board")).content.decode()

    assert "dana is not at work until 12:00, after it is due" in body
    assert "1 of them falls due while its owner is not at work." in board


def test_who_sees_what(client, north, robin):
    make.policy(budget=3600)
    make.owned(robin, {"first_name": "Ann"})
    elsewhere = make.rep("evan", team=make.team("South", manager=make.user(group="manager")))
    make.owned(elsewhere, {"first_name": "Bob"})

    assert names(page(client, robin.user)) == ["Ann"]
    assert names(page(client, north.manager)) == ["Ann"]
    assert names(page(client, elsewhere.team.manager)) == ["Bob"]
    assert names(page(client, make.user(group="revops"))) == ["Ann", "Bob"]
    assert names(page(client, make.user())) == []


def test_the_address_keeps_the_filter_and_foreign_reps_cannot_be_chosen(client, north, robin):
    other = make.rep("jamie", team=north)
    foreign = make.rep("evan", team=make.team("South"))
    make.policy(budget=3600)
    make.policy("Contact", metric="CONTACT", budget=7200)
    for rep, name in ((robin, "Ann"), (other, "Bob"), (foreign, "Cleo")):
        make.owned(rep, {"first_name": name})

    assert names(page(client, north.manager, f"?rep={other.pk}")) == ["Bob", "Bob"]
    assert names(page(client, north.manager, "?metric=CONTACT")) == ["Ann", "Bob"]
    assert names(page(client, north.manager, f"?team={north.pk}&metric=ACKNOWLEDGE")) == [
        "Ann",
        "Bob",
    ]
    refused = page(client, north.manager, f"?rep={foreign.pk}")
    assert "Select a valid choice" in refused.content.decode()


def test_nothing_at_risk_says_so(client, robin):
    body = page(client, robin.user).content.decode()

    assert "Nothing is late" in body


def test_a_poll_gets_the_live_part_or_nothing_new(client, robin):
    make.policy(budget=3600)
    make.owned(robin, {"first_name": "Ann"})
    whole = page(client, robin.user)
    tag = whole["ETag"]

    same = page(client, robin.user, **{"HX-Request": "true", "If-None-Match": tag})
    make.owned(robin, {"first_name": "Bob"})
    news = page(client, robin.user, **{"HX-Request": "true", "If-None-Match": tag})

    assert whole.content.startswith(b"<!doctype html>")
    assert same.status_code == 304
    assert news.status_code == 200
    assert b"<html" not in news.content
    assert "HX-Request" in news["Vary"]


def test_pages_allow_no_inline_style_or_script(client, north, robin):
    in_buckets(robin)

    answer = page(client, north.manager)

    assert " style=" not in answer.content.decode()
    assert "style-src 'self'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["risk", "board"])
def test_sixty_leads_cost_as_many_statements_as_two(
    client, north, robin, name, django_assert_max_num_queries
):
    make.policy(budget=3600)
    for number in range(2):
        make.owned(robin, {"first_name": f"Ann{number}"})
    client.force_login(north.manager)
    client.get(reverse(name))
    with django_assert_max_num_queries(100) as few:
        client.get(reverse(name))
    for number in range(58):
        make.owned(robin, {"first_name": f"Bob{number}"})

    with django_assert_max_num_queries(len(few)):
        client.get(reverse(name))


def test_a_rep_finds_at_home_what_is_at_risk_and_nothing_else(client, robin):
    client.force_login(robin.user)
    quiet = client.get("/").content.decode()
    make.policy(budget=3 * 3600)
    make.owned(robin)

    risky = client.get("/").content.decode()

    assert "See why" not in quiet
    assert "See why" in risky
    assert "1 to 4 h" in risky


def test_the_board_carries_the_forecast_and_hears_of_its_news(client, north, robin):
    make.policy(budget=3600)
    make.policy("Contact", metric="CONTACT", budget=30 * 3600)
    make.owned(robin)
    client.force_login(north.manager)
    before = client.get(reverse("board"))
    # The later promise comes near: no list of the board shows that, only the forecast.
    Clock.objects.filter(metric="CONTACT").update(due_at=AT + 120 * MINUTE)

    after = client.get(
        reverse("board"), headers={"HX-Request": "true", "If-None-Match": before["ETag"]}
    )

    assert "Promises falling due" in before.content.decode()
    assert after.status_code == 200
    assert "1 to 4 h" in after.content.decode()


# --- API ---------------------------------------------------------------------------------


def test_the_api_tells_the_same(client, north, robin):
    in_buckets(robin)
    client.force_login(north.manager)

    found = client.get("/api/v1/clocks/at-risk/").json()
    one_hour = client.get("/api/v1/clocks/at-risk/?hours=1").json()

    assert found["buckets"] == {"late": 1, "15min": 1, "1h": 1, "4h": 1, "rest": 1}
    assert found["total"] == 5
    assert len(found["by_hour"]) == 8
    first = found["clocks"][0]
    assert (first["seconds_left"], first["rep"], first["next_do"]) == (
        -600,
        robin.pk,
        "tell_manager",
    )
    assert first["why"] == "robin is at work; not acknowledged yet"
    assert one_hour["total"] == 3


def test_the_api_shows_each_their_own_and_refuses_nonsense(client, north, robin):
    make.policy(budget=3600)
    make.owned(robin)
    client.force_login(make.rep("other").user)

    assert client.get("/api/v1/clocks/at-risk/").json()["total"] == 0
    for query in ("hours=0", "hours=soon", "metric=LOVE", f"rep={robin.pk}"):
        assert client.get(f"/api/v1/clocks/at-risk/?{query}").status_code == 400


def test_one_kind_of_promise_is_counted_on_its_own(robin):
    make.policy(budget=3600)
    make.policy("Contact", metric="CONTACT", budget=7200)
    lead = make.owned(robin)

    found = forecast.at_risk(type(lead).objects.all(), AT, metric="CONTACT")

    assert [one.clock.metric for one in found.rows] == ["CONTACT"]
    assert sum(found.buckets.values()) == 1
    assert found.by_hour[1] == (AT + timedelta(hours=1), 0)
