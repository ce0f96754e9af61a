"""The list of reasons to pause: pages, API, and who may write it."""

import pytest
from django.urls import reverse

from sla.models import PauseReason
from tests import make

pytestmark = pytest.mark.django_db
BODY = {"name": "On a trade fair", "number": "3", "unit": "days", "is_active": "on"}


@pytest.fixture
def manager(client):
    user = make.user("morgan", group="manager")
    client.force_login(user)
    return user


def test_a_reason_is_written_with_how_long_it_may_last(client, manager):
    answer = client.post(reverse("pause_reason_add"), BODY)

    reason = PauseReason.objects.get(name="On a trade fair")
    assert answer.url == reverse("pause_reasons")
    assert (reason.longest, reason.is_active) == (3 * 86_400, True)
    assert reason.history.get().history_user == manager
    page = client.get(reverse("pause_reasons")).content.decode()
    assert "On a trade fair" in page
    assert "3 days" in page


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "required"),
        ({"number": "0"}, "greater than or equal to 1"),
        ({"number": "366"}, "At most a year"),
        ({"number": "soon"}, "whole number"),
        ({"unit": "weeks"}, "not one of the available choices"),
    ],
)
def test_a_mistake_is_told_and_what_was_typed_is_kept(client, manager, wrong, words):
    page = client.post(reverse("pause_reason_add"), {**BODY, **wrong})

    assert page.status_code == 422
    assert words in page.content.decode()
    assert f'value="{wrong.get("number", "3")}"' in page.content.decode()
    assert not PauseReason.objects.filter(name="On a trade fair").exists()


@pytest.mark.parametrize(
    ("seconds", "number", "unit"),
    [(7 * 86_400, 7, "days"), (7200, 2, "hours"), (5400, 90, "minutes")],
)
def test_a_reason_opens_with_its_largest_whole_unit(client, manager, seconds, number, unit):
    reason = make.pause_reason(longest=seconds)

    initial = client.get(reverse("pause_reason", args=[reason.pk])).context["form"].initial

    assert (initial["number"], initial["unit"]) == (number, unit)


def test_taking_a_reason_off_the_list_keeps_it_in_the_past(client, manager):
    reason = make.pause_reason("Old habit")

    client.post(
        reverse("pause_reason", args=[reason.pk]),
        {"name": "Old habit", "number": 1, "unit": "days"},
    )

    reason.refresh_from_db()
    assert not reason.is_active
    assert "Old habit" in client.get(reverse("pause_reasons")).content.decode()


def test_without_reasons_the_page_says_what_to_do(client, manager):
    PauseReason.objects.all().delete()

    assert "No reasons yet" in client.get(reverse("pause_reasons")).content.decode()


def test_reps_do_not_write_the_list(client):
    client.force_login(make.user(group="rep"))
    reason = make.pause_reason()

    pages = [
        client.get(reverse("pause_reasons")),
        client.get(reverse("pause_reason_add")),
        client.post(reverse("pause_reason", args=[reason.pk]), BODY),
        client.post("/api/v1/pause-reasons/", {"name": "Mine"}, "application/json"),
    ]

    assert [page.status_code for page in pages] == [403] * 4


def test_the_api_reads_writes_and_keeps_what_is_in_use(client, manager):
    made = client.post(
        "/api/v1/pause-reasons/", {"name": "By API", "longest": 3600}, "application/json"
    ).json()
    changed = client.patch(
        f"/api/v1/pause-reasons/{made['id']}/", {"is_active": False}, "application/json"
    )

    assert changed.json() == {
        "id": made["id"],
        "name": "By API",
        "longest": 3600,
        "is_active": False,
    }
    assert PauseReason.objects.get(pk=made["id"]).history.count() == 2
    assert client.delete(f"/api/v1/pause-reasons/{made['id']}/").status_code == 204
    assert (
        client.post(
            "/api/v1/pause-reasons/", {"name": "Short", "longest": 5}, "application/json"
        ).status_code
        == 400
    )


def test_the_usual_reasons_come_with_a_click_and_only_once(client, manager):
    assert "Take the usual four" in client.get(reverse("pause_reasons")).content.decode()

    for _ in range(2):
        client.post(reverse("pause_reasons_usual"))

    assert PauseReason.objects.count() == len(PauseReason.USUAL) == 4
    assert "Take the usual four" not in client.get(reverse("pause_reasons")).content.decode()


def test_only_who_sets_up_takes_the_usual_reasons(client):
    client.force_login(make.rep("ria").user)
    assert client.post(reverse("pause_reasons_usual")).status_code == 403
    assert not PauseReason.objects.exists()
