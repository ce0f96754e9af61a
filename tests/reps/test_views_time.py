"""Pages about a rep's time: absences with a preview, calendars of their own, single days."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from reps import outlook
from reps.due.clock import database_now
from reps.models import Absence, BusyTime, CalendarFeed, WorkCalendar
from reps.models.tracked import bulk_writer
from reps.services import absences, people
from routing.models import Lead
from tests import clock, make

AT = make.MONDAY_9AM
DAY = timedelta(days=1)
URL = "https://calendar.test/secret-token/basic.ics"
pytestmark = pytest.mark.django_db


@pytest.fixture
def manager():
    make.organisation()
    return make.user("morgan", group="manager")


@pytest.fixture
def robin(manager):
    return make.rep("robin", team=make.team("East", manager=manager))


@pytest.fixture
def ben(robin):
    return make.rep("ben", team=robin.team)


def sent(**fields):
    return {
        "starts_at": "2031-01-01T00:00",
        "ends_at": "2031-01-05T00:00",
        "cover": "STAY",
        **fields,
    }


def text(page):
    return " ".join(page.content.decode().split())


# --- Absences ----------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["robin", "manager"])
def test_what_would_move_is_shown_before_it_is_saved(client, robin, ben, manager, who):
    make.owned(robin)
    make.owned(robin)
    ben.capacity = 1
    make.saved(ben)
    client.force_login(robin.user if who == "robin" else manager)
    url = reverse("absence_add", args=[robin.pk])

    page = client.post(url, sent(cover="MOVE", delegate=ben.pk))

    assert "1 open lead goes to ben" in text(page)
    assert "1 stays, for ben has no room for more" in text(page)
    assert not Absence.objects.exists()
    seen = page.context["seen"]
    again = client.post(
        url, sent(cover="MOVE", ends_at="2031-01-09T00:00", delegate=ben.pk, seen=seen)
    )
    assert again.status_code == 200
    assert not Absence.objects.exists()

    done = client.post(url, sent(cover="MOVE", delegate=ben.pk, seen=seen))
    assert done.url == reverse("my_settings") if who == "robin" else reverse("rep", args=[robin.pk])
    assert Absence.objects.get().delegate == ben


def test_an_absence_is_changed_on_its_page(client, robin, ben):
    absence = make.absence(robin, database_now(), database_now() + DAY)
    client.force_login(robin.user)
    url = reverse("absence", args=[absence.pk])

    assert client.get(url).status_code == 200
    client.post(url, sent(delegate=ben.pk, reason="Longer"))

    absence.refresh_from_db()
    assert (absence.reason, absence.delegate, absence.ends_at.year) == ("Longer", ben, 2031)


def test_the_same_days_entered_at_once_by_another_are_refused_in_words(client, robin, monkeypatch):
    client.force_login(robin.user)
    checked = absences.preview

    def meanwhile(absence):
        make.absence(robin, absence.starts_at, absence.ends_at)
        return checked(absence)

    monkeypatch.setattr(absences, "preview", meanwhile)

    page = client.post(reverse("my_absence_add"), sent(), follow=True)

    assert "is away from" in text(page)
    assert Absence.objects.count() == 1


def test_what_is_refused_stays_on_the_page_in_words(client, robin, ben):
    client.force_login(robin.user)
    url = reverse("absence_add", args=[robin.pk])
    client.post(url, sent())

    page = client.post(url, sent(starts_at="2031-01-04T00:00", ends_at="2031-01-06T00:00"))

    assert page.status_code == 422
    assert "is away from 2031-01-01" in text(page)


@pytest.mark.parametrize("name", ["absence_add", "feed"])
def test_nobody_arranges_the_time_of_another(client, robin, name):
    other = make.rep("other", team=make.team("West"))
    for user in (other.user, make.user(group="manager")):
        client.force_login(user)
        assert client.post(reverse(name, args=[robin.pk]), sent(url=URL)).status_code == 404

    assert not Absence.objects.exists()
    assert not CalendarFeed.objects.exists()


# --- Calendars of their own --------------------------------------------------------------


@pytest.mark.parametrize("who", ["robin", "manager"])
def test_a_calendar_is_connected_and_its_address_not_shown_again(client, robin, manager, who):
    client.force_login(robin.user if who == "robin" else manager)
    url = reverse("feed", args=[robin.pk])

    client.post(url, {"url": URL})
    page = client.get(url)

    assert CalendarFeed.objects.get(rep=robin).url == URL
    assert "calendar.test" in text(page)
    home = reverse("my_settings") if who == "robin" else reverse("rep", args=[robin.pk])
    for shown in (page, client.get(home)):
        assert "secret-token" not in text(shown)


def test_an_address_inside_is_refused_in_words(client, robin):
    client.force_login(robin.user)

    page = client.post(reverse("my_feed"), {"url": "https://169.254.169.254/latest"})

    assert page.status_code == 422
    assert "private network" in text(page)


def test_a_calendar_is_read_again_and_disconnected(client, robin):
    client.force_login(robin.user)
    client.post(reverse("my_feed"), {"url": URL})
    feed = CalendarFeed.objects.get()
    feed.next_fetch_at = database_now() + DAY
    make.saved(feed)

    client.post(reverse("feed_read", args=[feed.pk]))
    feed.refresh_from_db()
    assert feed.next_fetch_at <= database_now()

    client.post(reverse("feed_drop", args=[feed.pk]))
    assert not CalendarFeed.objects.exists()


# --- A week at a glance ------------------------------------------------------------------


def test_a_week_shows_hours_meetings_time_out_and_holidays(robin):
    robin.calendar = make.calendar(holiday_country="US")
    make.saved(robin)
    feed = CalendarFeed.objects.create(rep=robin, url=URL)
    hour = timedelta(hours=1)
    midnight = AT - 9 * hour
    BusyTime.objects.create(feed=feed, kind="MEETING", starts_at=AT + hour, ends_at=AT + 2 * hour)
    make.absence(robin, midnight + DAY, midnight + 2 * DAY)

    week = outlook.week(robin, at=AT, zone=timezone.get_default_timezone())

    assert [day.words for day in week[:2]] == [
        "open 09:00–10:00, 11:00–17:00; meeting 10:00–11:00",
        "away all day",
    ]
    assert week[4].words == "public holiday"  # Juneteenth
    assert week[5].words == "closed"
    assert [(block.kind, block.x, block.width) for block in week[0].blocks] == [
        ("on", 540, 60),
        ("on", 660, 360),
        ("busy", 600, 60),
    ]
    assert (week[0].now, week[1].now) == (540, None)


def test_a_pause_shows_until_it_ends(robin):
    people.pause(rep=robin, until=AT + 3 * timedelta(hours=1), reason="", by=robin.user, at=AT)
    robin.refresh_from_db()

    week = outlook.week(robin, at=AT, zone=timezone.get_default_timezone())

    assert week[0].words == "open 00:00–09:00, 12:00–24:00; away 09:00–12:00"
    assert week[1].words == "open all day"


# --- One tap -----------------------------------------------------------------------------


def test_one_tap_is_away_until_one_is_back(client, robin):
    client.force_login(robin.user)

    client.post(reverse("taking_leads"), {"how_long": ""})

    robin.refresh_from_db()
    assert (robin.paused_until, robin.pause_is_own) == (None, True)


def test_half_an_hour_is_half_an_hour(client, robin):
    client.force_login(robin.user)
    with clock.travel(AT):
        client.force_login(robin.user)
        client.post(reverse("taking_leads"), {"how_long": "30m"})

    robin.refresh_from_db()
    assert robin.paused_until == AT + timedelta(minutes=30)


def test_a_managers_pause_needs_a_reason_and_is_not_the_reps_own(client, robin, manager):
    client.force_login(manager)
    url = reverse("rep_pause", args=[robin.pk])
    assert client.post(url, {}).status_code == 422

    client.post(url, {"pause-reason": "Training"})
    robin.refresh_from_db()
    assert not robin.pause_is_own
    with pytest.raises(people.PeopleRefused, match="Say why"):
        people.pause(rep=robin, until=None, reason=" ", by=manager, at=AT)

    people.resume(rep=robin, by=manager, at=AT)
    robin.refresh_from_db()
    assert robin.pause_is_own


# --- Single days of a calendar -----------------------------------------------------------


def test_several_days_in_a_row_and_two_windows_a_day(client, manager):
    client.force_login(manager)
    row = make.calendar()

    client.post(
        reverse("calendar_day", args=[row.pk]),
        {
            "day": "2026-12-24",
            "last": "2026-12-26",
            "opens": "09:00",
            "closes": "12:00",
            "opens_again": "20:00",
            "closes_again": "00:00",
        },
    )

    row.refresh_from_db()
    windows = [["09:00", "12:00"], ["20:00", "24:00"]]
    assert row.overrides == {f"2026-12-{day}": windows for day in (24, 25, 26)}


@pytest.mark.parametrize("last", ["2026-12-23", "2027-12-24"])
def test_a_run_of_days_goes_forward_and_has_an_end(client, manager, last):
    client.force_login(manager)
    row = make.calendar()

    page = client.post(reverse("calendar_day", args=[row.pk]), {"day": "2026-12-24", "last": last})

    assert page.status_code == 422
    assert not WorkCalendar.objects.get().overrides


def test_breaks_are_added_and_taken_off(client, manager):
    client.force_login(manager)
    row = make.calendar()
    url = reverse("calendar_break", args=[row.pk])

    for opens, closes in (("12:00", "13:00"), ("15:00", "15:30")):
        client.post(
            url,
            {"break-day": "2026-06-15", "break-opens": opens, "break-closes": closes},
        )
    row.refresh_from_db()
    assert row.breaks == {"2026-06-15": [["12:00", "13:00"], ["15:00", "15:30"]]}
    overlapping = {"break-day": "2026-06-15", "break-opens": "12:30", "break-closes": "14:00"}
    assert client.post(url, overlapping).status_code == 422
    assert "2026" in text(client.get(reverse("calendar", args=[row.pk])))

    client.post(reverse("calendar_break_drop", args=[row.pk]), {"day": "2026-06-15"})
    row.refresh_from_db()
    assert row.breaks == {}


def test_midnight_as_an_end_is_the_end_of_the_day_and_nights_run_over(client, manager):
    client.force_login(manager)

    client.post(
        reverse("calendar_add"),
        {
            "name": "Late",
            "time_zone": "UTC",
            "rows": "2",
            "mon_from_0": "18:00",
            "mon_to_0": "00:00",
            "tue_from_0": "22:00",
            "tue_to_0": "06:00",
        },
    )

    assert WorkCalendar.objects.get(name="Late").weekly == {
        "mon": [["18:00", "24:00"]],
        "tue": [["22:00", "06:00"]],
    }


# --- The API -----------------------------------------------------------------------------


def test_the_api_lets_reps_arrange_their_own_time(client, robin, ben):
    client.force_login(robin.user)
    body = {
        "rep": robin.pk,
        "starts_at": "2031-01-01T00:00:00Z",
        "ends_at": "2031-01-05T00:00:00Z",
        "delegate": ben.pk,
        "cover": "MOVE",
    }

    made = client.post("/api/v1/absences/", body, content_type="application/json")
    assert made.status_code == 201, made.content
    address = f"/api/v1/absences/{made.json()['id']}/"
    twice = client.post("/api/v1/absences/", body, content_type="application/json")
    assert twice.status_code == 422 or twice.status_code == 400
    changed = client.patch(address, {"reason": "x"}, content_type="application/json")
    assert changed.json()["reason"] == "x"
    others = {**body, "rep": ben.pk, "delegate": None}
    assert (
        client.post("/api/v1/absences/", others, content_type="application/json").status_code >= 400
    )
    assert client.delete(address).status_code == 204


def test_an_absence_deleted_over_the_api_wakes_who_waits_for_the_rep(client, robin):
    at = database_now()
    away = make.absence(robin, at - DAY, at + DAY)
    lead = make.lead()
    later = at + timedelta(hours=3)
    with bulk_writer("park"):
        Lead.objects.filter(pk=lead.pk).update(waiting="AWAY", wait_rep=robin, route_at=later)
    client.force_login(robin.user)

    assert client.delete(f"/api/v1/absences/{away.pk}/").status_code == 204

    lead.refresh_from_db()
    assert lead.route_at < later


def test_the_api_takes_an_address_and_never_gives_it(client, robin, manager):
    client.force_login(manager)
    body = {"rep": robin.pk, "url": URL}

    made = client.post("/api/v1/feeds/", body, content_type="application/json")
    assert made.status_code == 201, made.content
    again = client.post("/api/v1/feeds/", body, content_type="application/json")
    assert again.json()["id"] == made.json()["id"]
    for answer in (made, client.get("/api/v1/feeds/")):
        assert "secret-token" not in answer.content.decode()
    assert made.json()["host"] == "calendar.test"
    inside = client.post(
        "/api/v1/feeds/", {**body, "url": "https://[::1]/"}, content_type="application/json"
    )
    assert "private network" in inside.content.decode()
    assert client.delete(f"/api/v1/feeds/{made.json()['id']}/").status_code == 204
    client.force_login(robin.user)
    assert client.post("/api/v1/feeds/", body, content_type="application/json").status_code == 201
