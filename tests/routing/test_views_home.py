"""The page one starts at."""

from datetime import timedelta

import pytest
from django.urls import reverse

from reps.services import people
from routing import work
from routing.models import Lead
from tests import make
from tests.clock import travel

pytestmark = pytest.mark.django_db

AT = make.MONDAY_9AM
HOME = "/"


@pytest.fixture
def robin():
    return make.rep("robin")


@pytest.fixture
def page(client, robin):
    """Ask for the home page of robin at a moment; with `etag` as htmx asks."""
    client.force_login(robin.user)

    def ask(*, at=AT, htmx=False, etag=""):
        headers = {"HX-Request": "true"} if htmx else {}
        if etag:
            headers["If-None-Match"] = etag
        with travel(at):
            return client.get(HOME, headers=headers)

    return ask


def routed_to(rep, number=1, **fields):
    make.rules(make.round_robin(make.pool(rep)))
    return [make.routed(make.lead({"first_name": f"Ann{n}", **fields})) for n in range(number)]


def test_a_rep_sees_who_needs_them_why_and_what_comes_next(page, robin):
    make.policy(budget=900)
    (lead,) = routed_to(robin, company="Tallwater", message="We need a demo")

    body = page().content.decode()

    assert "Ann0" in body
    assert "left to acknowledge" in body
    assert "15:00" in body
    assert "We need a demo" in body
    assert "next in turn" in body
    assert "is told at 09:15" in body
    assert reverse("lead_act", args=[lead.pk, "acknowledge"]) in body


def test_the_latest_comes_first(page, robin):
    make.policy(budget=900)
    make.rules(make.round_robin(make.pool(robin)))
    fresh = make.routed(make.lead({"first_name": "Fresh"}), at=AT)
    late = make.routed(
        make.lead({"first_name": "Late"}, at=AT - make.MINUTE * 20), at=AT - make.MINUTE * 20
    )

    answer = page()

    assert [lead.pk for lead in answer.context["home"].needs] == [late.pk, fresh.pk]
    assert "1 late" in answer.content.decode()


def test_an_acknowledged_lead_with_time_waits_under_later(page, robin):
    (lead,) = routed_to(robin)
    work.acknowledge(lead_id=lead.pk, epoch=lead.owner_epoch, by=robin.user, at=AT)

    home = page().context["home"]

    assert (list(home.needs), [one.pk for one in home.later]) == ([], [lead.pk])


def test_what_may_be_claimed_shows_no_person(page, robin):
    queue = make.queue(make.pool(robin))
    make.rules({"path": {"target": {"kind": "queue", "id": queue.pk}}})
    make.routed(
        make.lead({"first_name": "Secretive", "company": "Hidden Co", "industry": "Energy"})
    )

    body = page().content.decode()

    assert "Energy" in body
    assert "Secretive" not in body
    assert "Hidden Co" not in body


def test_nothing_new_costs_no_page(page, robin):
    routed_to(robin)
    etag = page().headers["ETag"]

    answer = page(at=AT + timedelta(seconds=5), htmx=True, etag=etag)

    assert (answer.status_code, answer.content) == (304, b"")


def test_a_new_lead_is_sent_as_the_moving_part_only(page, robin):
    routed_to(robin)
    etag = page().headers["ETag"]
    make.routed(make.lead({"first_name": "Newcomer"}))

    answer = page(htmx=True, etag=etag)

    assert answer.status_code == 200
    assert "Newcomer" in answer.content.decode()
    assert "<html" not in answer.content.decode()
    assert answer.headers["ETag"] != etag


def test_a_clock_that_runs_out_is_news(page, robin):
    make.policy(budget=900)
    routed_to(robin)
    etag = page().headers["ETag"]

    assert page(at=AT + make.MINUTE * 16, htmx=True, etag=etag).status_code == 200


def test_pages_of_people_stay_out_of_shared_caches(page):
    make.organisation()

    assert "private" in page().headers["Cache-Control"]


def test_more_leads_cost_no_more_statements(page, robin, django_assert_max_num_queries):
    make.policy(budget=900)
    routed_to(robin, 2)
    with django_assert_max_num_queries(100) as few:
        page()
    for number in range(6):
        make.routed(make.lead({"first_name": f"More{number}"}))

    with django_assert_max_num_queries(len(few)):
        page()


def test_asking_whether_something_moved_is_cheap(page, robin, django_assert_max_num_queries):
    routed_to(robin, 3)
    etag = page().headers["ETag"]

    with django_assert_max_num_queries(13):
        assert page(htmx=True, etag=etag).status_code == 304


def test_a_rep_stops_taking_leads_and_takes_them_again(client, page, robin):
    make.organisation()
    client.force_login(robin.user)

    client.post(reverse("taking_leads"), {"on": "0", "how_long": "1h", "reason": "Lunch"})
    robin.refresh_from_db()
    paused = robin.paused_until - robin.paused_at
    client.post(reverse("taking_leads"), {"on": "1"})
    robin.refresh_from_db()

    assert paused == timedelta(hours=1)
    assert robin.paused_at is None


def test_a_paused_rep_is_told_how_to_come_back(page, robin):
    make.organisation()
    people.pause(rep=robin, until=None, reason="Lunch", by=robin.user, at=AT)

    body = page().content.decode()

    assert "You take no new leads" in body
    assert "Take leads again" in body


def test_a_clock_in_working_hours_stands_still_at_night(page, robin):
    robin.calendar = make.calendar()
    make.saved(robin)
    make.policy(budget=900, hours="REP")
    routed_to(robin)

    body = page(at=AT - make.MINUTE * 30).content.decode()

    assert "Paused" in body
    assert "until 09:00" in body


@pytest.mark.parametrize(("group", "goes_to"), [("manager", "board"), ("revops", "history")])
def test_who_owns_no_leads_is_sent_where_they_work(client, group, goes_to):
    make.rules()
    client.force_login(make.user("someone", group=group))

    assert client.get(HOME)["Location"] == reverse(goes_to)


def test_before_anything_is_set_up_the_guide_comes_first(client):
    client.force_login(make.user("someone", group="manager"))

    assert client.get(HOME)["Location"] == reverse("setup")


def test_somebody_without_a_role_is_told_whom_to_ask(client):
    client.force_login(make.user("nobody"))

    assert "You have no role here yet" in client.get(HOME).content.decode()


def test_the_frame_says_that_routing_is_paused(page, robin):
    organisation = make.organisation()
    organisation.routing_paused_at, organisation.routing_paused_by = AT, robin.user
    make.saved(organisation)

    assert "Routing is paused." in page().content.decode()


def test_the_count_in_the_frame_is_what_the_page_shows(page, robin):
    make.policy(budget=900)
    leads = routed_to(robin, 3)
    work.acknowledge(lead_id=leads[0].pk, epoch=leads[0].owner_epoch, by=robin.user, at=AT)

    answer = page()

    assert Lead.objects.filter(owner=robin).count() == 3
    assert answer.context["home"].needs_count == 2
    assert "2 need you now" in answer.content.decode()
