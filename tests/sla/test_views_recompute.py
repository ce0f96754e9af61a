"""Moving running deadlines by hand: seen, chosen, given a reason; by page and API."""

from datetime import timedelta

import pytest
from django.urls import reverse

from reps.models import AuditEvent
from sla.models import Clock
from sla.services import older
from tests import make
from tests.clock import travel

pytestmark = pytest.mark.django_db
AT = make.MONDAY_9AM
HOUR = timedelta(hours=1)
STEPS = [{"at_percent": 50, "do": "remind"}, {"at_percent": 100, "do": "tell_manager"}]


@pytest.fixture(autouse=True)
def moment():
    with travel(AT + HOUR / 2):
        yield


@pytest.fixture
def north():
    make.organisation()
    return make.team("North", manager=make.user("morgan", group="manager"))


@pytest.fixture
def robin(north):
    return make.rep("robin", team=north)


@pytest.fixture
def policy():
    return make.policy("Quick", budget=7200, steps=STEPS)


@pytest.fixture
def manager(client, north):
    client.force_login(north.manager)
    return north.manager


def edited(policy, **changes):
    for name, value in changes.items():
        setattr(policy, name, value)
    return make.saved(policy)


def address(policy) -> str:
    return reverse("policy_recompute", args=[policy.pk])


def due_of(lead):
    return Clock.objects.get(lead=lead).due_at


def test_after_an_edit_the_promises_say_that_old_deadlines_run_on(client, manager, robin, policy):
    make.owned(robin, at=AT)
    before = client.get(reverse("policies")).content.decode()
    edited(policy, budget=3600)

    after = client.get(reverse("policies")).content.decode()

    assert "1 clock is running." in before
    assert address(policy) not in before
    assert "1 running clock keeps its old deadline or steps." in after
    assert address(policy) in after


def test_after_an_edit_of_a_calendar_too_until_it_is_recomputed(client, manager, north, policy):
    calendar = make.calendar("Berlin", time_zone="UTC")
    dana = make.rep("dana", team=north, calendar=calendar)
    lead = make.owned(dana, at=AT)
    leads = type(lead).objects.all()
    assert older.running(leads, at=AT)[policy.pk].older == 0
    calendar.weekly = {"mon": [["09:00", "10:00"]], "tue": [["09:00", "17:00"]]}
    make.saved(calendar)

    page = client.get(reverse("policies")).content.decode()
    client.post(address(policy), {"which": "all", "reason": "New hours"})

    assert "1 running clock keeps its old deadline or steps." in page
    assert due_of(lead) == AT + 25 * HOUR
    assert older.running(leads, at=AT)[policy.pk].older == 0


def test_an_edit_that_moves_nothing_is_no_news(client, manager, robin, policy):
    make.owned(robin, at=AT)
    edited(policy, name="Quicker", position=99)

    assert "1 clock is running." in client.get(reverse("policies")).content.decode()


def test_the_page_shows_old_and_new_deadlines_and_what_happens_at_once(
    client, manager, robin, policy
):
    make.owned(robin, {"first_name": "Jordan"}, at=AT)
    edited(policy, budget=1200)

    answer = client.get(address(policy))

    (row,) = answer.context["rows"]
    assert (row["clock"].due_at, row["due_at"]) == (AT + 2 * HOUR, AT + HOUR / 3)
    assert row["at_once"] == ["remind the owner", "tell the manager"]
    body = answer.content.decode()
    assert "Jordan" in body
    assert "late at once" in body
    assert due_of(row["clock"].lead) == AT + 2 * HOUR


def test_all_or_only_the_ticked_ones_move_and_the_reason_is_kept(client, manager, robin, policy):
    one, other = make.owned(robin, at=AT), make.owned(robin, at=AT)
    edited(policy, budget=3600)
    clock = Clock.objects.get(lead=one)

    answer = client.post(
        address(policy), {"which": "chosen", "clock": [clock.pk], "reason": "New contract"}
    )

    assert answer.url == reverse("policies")
    assert (due_of(one), due_of(other)) == (AT + HOUR, AT + 2 * HOUR)
    event = AuditEvent.objects.filter(kind="recomputed", subject="routing.lead").get()
    assert (event.subject_id, event.reason, event.actor_id) == (one.pk, "New contract", manager.pk)

    client.post(address(policy), {"which": "all", "reason": "The rest"})
    assert due_of(other) == AT + HOUR


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"which": "all", "reason": ""}, "This field is required"),
        ({"which": "chosen", "reason": "Why not"}, "Choose at least one clock"),
        ({"which": "some", "reason": "Why not"}, "not one of the available choices"),
    ],
)
def test_a_refusal_says_why_and_keeps_ticks_and_words(client, manager, robin, policy, sent, words):
    lead = make.owned(robin, at=AT)
    edited(policy, budget=3600)
    ticked = {} if "Choose" in words else {"clock": [Clock.objects.get().pk]}

    answer = client.post(address(policy), {**sent, **ticked})

    body = answer.content.decode()
    assert answer.status_code == 422
    assert words in body
    assert sent["reason"] in body
    assert answer.context["rows"][0]["ticked"] is bool(ticked)
    assert due_of(lead) == AT + 2 * HOUR


def test_a_manager_moves_only_what_they_see(client, manager, robin, policy):
    foreign = make.owned(make.rep("evan", team=make.team("South")), at=AT)
    make.owned(robin, at=AT)
    edited(policy, budget=3600)
    clock = Clock.objects.get(lead=foreign)

    listed = client.get(address(policy)).context["rows"]
    client.post(address(policy), {"which": "chosen", "clock": [clock.pk], "reason": "Mine?"})
    client.post(address(policy), {"which": "all", "reason": "All of mine"})
    sent = {"clocks": [clock.pk], "reason": "By API"}
    by_api = client.post(
        f"/api/v1/policies/{policy.pk}/recompute/", sent, content_type="application/json"
    )

    assert len(listed) == 1
    assert due_of(foreign) == AT + 2 * HOUR
    assert (by_api.status_code, by_api.json()["code"]) == (409, "recompute_refused")


def test_nothing_to_move_says_so(client, manager, robin, policy):
    nothing = client.get(address(policy)).content.decode()
    make.owned(robin, at=AT)
    same = client.get(address(policy)).content.decode()

    assert "No clock of this promise is running" in nothing
    assert "Nothing would change" in same


def test_reps_do_not_recompute(client, robin, policy):
    client.force_login(robin.user)

    codes = [
        client.get(address(policy)).status_code,
        client.post(address(policy), {"which": "all", "reason": "x"}).status_code,
        client.get(f"/api/v1/policies/{policy.pk}/recompute/").status_code,
        client.post(f"/api/v1/policies/{policy.pk}/recompute/", {"reason": "x"}).status_code,
    ]

    assert codes == [403] * 4


def test_the_api_previews_and_moves(client, manager, robin, policy):
    lead = make.owned(robin, at=AT)
    edited(policy, budget=3600)
    url = f"/api/v1/policies/{policy.pk}/recompute/"

    (seen,) = client.get(f"{url}?preview=1").json()["results"]
    still = due_of(lead)
    done = client.post(url, {"reason": "New contract"}, content_type="application/json")

    assert seen["due_at"] == "2026-06-15T11:00:00Z"
    assert seen["would_be_due_at"] == "2026-06-15T10:00:00Z"
    assert (seen["changes"], seen["fires_at_once"]) == (True, True)
    assert seen["steps"][0]["do"] == "remind"
    assert still == AT + 2 * HOUR
    assert done.json() == {"changed": 1}
    assert due_of(lead) == AT + HOUR
    assert client.post(url, {}, content_type="application/json").status_code == 400


@pytest.mark.parametrize("name", ["policies", "policy_recompute"])
def test_sixty_clocks_cost_as_many_statements_as_two(
    client, manager, robin, policy, name, django_assert_max_num_queries
):
    url = reverse(name, args=[policy.pk] if name == "policy_recompute" else [])
    for _ in range(2):
        make.owned(robin, at=AT)
    edited(policy, budget=3600)
    client.get(url)
    with django_assert_max_num_queries(100) as few:
        client.get(url)
    for _ in range(58):
        make.owned(robin, at=AT)
    edited(policy, budget=1800)

    with django_assert_max_num_queries(len(few)):
        client.get(url)
