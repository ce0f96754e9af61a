"""People in pages: teams, reps, hours, skills, absences; who may change whom."""

from datetime import timedelta

import pytest
from django.urls import reverse

from reps.due.clock import database_now
from reps.models import Absence, Message, Rep, Team, User, WorkCalendar
from reps.services import invitations
from tests import make

pytestmark = pytest.mark.django_db
PAGES = ["people", "rep_add", "team_add", "calendars", "calendar_add", "skills", "skill_add"]
WEEK = {"mon_from_0": "09:00", "mon_to_0": "12:00", "mon_from_1": "13:00", "mon_to_1": "17:30"}


@pytest.fixture
def manager(client):
    user = make.user("morgan", group="manager")
    client.force_login(user)
    return user


@pytest.fixture
def mine(manager):
    return make.rep("robin", team=make.team("East", manager=manager))


@pytest.mark.parametrize("name", PAGES)
def test_a_manager_opens_every_page_about_people(client, mine, name):
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", PAGES)
def test_a_rep_changes_nobody(client, name):
    client.force_login(make.rep("robin").user)

    assert client.get(reverse(name)).status_code == 403


def test_a_managers_first_team_is_theirs(client, manager):
    client.post(reverse("team_add"), {"name": "East", "parent": "", "manager": "", "calendar": ""})

    assert Team.objects.get(name="East").manager == manager


def test_adding_a_rep_makes_a_user_without_password_and_an_invitation(client, manager):
    team = make.team("East", manager=manager)

    answer = client.post(
        reverse("rep_add"),
        {
            "first_name": "Robin",
            "last_name": "East",
            "email": "robin@reps.test",
            "username": "robin",
            "team": team.pk,
            "role": "SDR",
            "capacity": 12,
        },
    )

    rep = Rep.objects.get(user__username="robin")
    assert answer.url == reverse("rep", args=[rep.pk])
    assert not rep.user.has_usable_password()
    assert list(rep.user.groups.values_list("name", flat=True)) == ["rep"]
    assert rep.capacity == 12
    assert Message.objects.get(kind="invitation").recipient == rep.user
    assert rep.history.get().history_user == manager


def test_an_invited_person_chooses_a_password_once(client, mine):
    user = mine.user
    user.set_unusable_password()
    user.save()
    path = invitations.path_for(user)
    client.logout()

    client.post(path, {"new_password1": "long-enough-words", "new_password2": "long-enough-words"})

    user.refresh_from_db()
    assert user.check_password("long-enough-words")
    assert client.get(path).status_code == 410


def test_a_made_up_invitation_is_refused(client):
    assert client.get("/people/invite/MQ/abc-def/").status_code == 410
    assert client.get("/people/invite/%F0%9F/x/").status_code == 410


def test_a_manager_reaches_no_rep_of_another_team(client, mine):
    other = make.rep("stranger", team=make.team("West", manager=make.user(group="manager")))
    absence = make.absence(other, make.MONDAY_9AM, make.MONDAY_9AM + timedelta(days=1))
    held = make.rep_skill(other, make.skill("french"))

    names = [
        "rep",
        "rep_pause",
        "rep_resume",
        "rep_return",
        "rep_invite",
        "absence_add",
        "rep_skill",
    ]
    answers = [client.post(reverse(name, args=[other.pk]), {}).status_code for name in names]
    answers.append(client.post(reverse("absence_end", args=[absence.pk])).status_code)
    answers.append(client.post(reverse("rep_skill_drop", args=[held.pk])).status_code)
    answers.append(client.get(reverse("team", args=[other.team_id])).status_code)

    assert set(answers) == {404}
    assert "stranger" not in client.get(reverse("people")).content.decode()


def test_a_manager_moves_no_rep_into_another_team(client, mine):
    other = make.team("West", manager=make.user(group="manager"))

    page = client.post(
        reverse("rep", args=[mine.pk]), {"team": other.pk, "role": "SDR", "capacity": 5}
    )

    mine.refresh_from_db()
    assert page.status_code == 422
    assert mine.team.name == "East"


def test_settings_and_capacity_of_a_rep_are_saved_with_their_author(client, manager, mine):
    backup = make.rep("backup", team=mine.team)

    client.post(
        reverse("rep", args=[mine.pk]),
        {"team": mine.team_id, "role": "AE", "capacity": 7, "backup": backup.pk},
    )

    mine.refresh_from_db()
    assert (mine.role, mine.capacity, mine.backup) == ("AE", 7, backup)
    assert mine.history.first().history_user == manager


def test_a_rep_is_paused_and_resumed(client, mine):
    client.post(reverse("rep_pause", args=[mine.pk]), {"pause-reason": "training"})
    mine.refresh_from_db()
    reason = mine.pause_reason
    client.post(reverse("rep_resume", args=[mine.pk]))

    mine.refresh_from_db()
    assert reason == "training"
    assert mine.paused_at is None


def test_an_end_of_the_pause_in_the_past_is_refused_in_words(client, mine):
    page = client.post(
        reverse("rep_pause", args=[mine.pk]),
        {"pause-until": "2020-01-01T10:00", "pause-reason": "Training"},
    )

    assert page.status_code == 422
    assert "future" in page.content.decode()


def test_an_absence_that_runs_ends_now_and_one_to_come_is_cancelled(client, mine):
    now = database_now()
    running = make.absence(mine, now - timedelta(days=1), now + timedelta(days=1))
    later = make.absence(mine, now + timedelta(days=3), now + timedelta(days=4))

    client.post(reverse("absence_end", args=[running.pk]))
    client.post(reverse("absence_end", args=[later.pk]))

    assert Absence.objects.get().ends_at <= database_now()
    assert Absence.history.filter(id=later.pk, history_type="-").exists()


def test_a_skill_is_set_again_rather_than_twice(client, mine):
    skill = make.skill("french")

    for level in ("2", "5"):
        client.post(reverse("rep_skill", args=[mine.pk]), {"skill": skill.pk, "level": level})

    assert [held.level for held in mine.skills.all()] == [5]


def test_weekly_hours_are_typed_as_times(client, manager):
    client.post(
        reverse("calendar_add"),
        {"name": "Berlin", "time_zone": "Europe/Berlin", "holiday_country": "DE", **WEEK},
    )

    row = WorkCalendar.objects.get(name="Berlin")
    assert row.weekly == {"mon": [["09:00", "12:00"], ["13:00", "17:30"]]}
    assert row.history.get().history_user == manager


def test_room_for_another_window_needs_no_script(client, manager):
    page = client.post(
        reverse("calendar_add"),
        {"name": "Berlin", "time_zone": "UTC", "rows": "2", "more": "1", **WEEK},
    )

    assert page.status_code == 200
    assert [w["opens"] for w in page.context["days"][0]["windows"]] == ["09:00", "13:00", ""]
    assert not WorkCalendar.objects.exists()


@pytest.mark.parametrize(
    ("week", "words"),
    [
        ({}, "weekly"),
        ({"mon_from_0": "09:00"}, "both times"),
        ({"mon_from_0": "nonsense", "mon_to_0": "12:00"}, "nonsense"),
    ],
)
def test_hours_that_make_no_sense_are_refused_in_words(client, manager, week, words):
    page = client.post(reverse("calendar_add"), {"name": "Odd", "time_zone": "UTC", **week})

    assert page.status_code == 422
    assert words in page.content.decode().lower()
    assert not WorkCalendar.objects.exists()


def test_a_single_day_gets_its_own_hours_and_loses_them(client, manager):
    row = make.calendar()

    client.post(reverse("calendar_day", args=[row.pk]), {"day": "2026-12-24"})
    row.refresh_from_db()
    closed = row.overrides
    client.post(reverse("calendar_day_drop", args=[row.pk]), {"day": "2026-12-24"})

    row.refresh_from_db()
    assert closed == {"2026-12-24": []}
    assert row.overrides == {}


def test_a_rep_sets_their_zone_and_when_they_are_away(client):
    rep = make.rep("robin")
    client.force_login(rep.user)

    client.post(reverse("my_settings"), {"time_zone": "Europe/Berlin"})
    client.post(
        reverse("my_absence_add"),
        {
            "starts_at": "2031-01-01T00:00",
            "ends_at": "2031-01-05T00:00",
            "reason": "Holiday",
            "cover": "STAY",
        },
    )

    assert User.objects.get(pk=rep.user_id).time_zone == "Europe/Berlin"
    assert rep.absences.get().reason == "Holiday"


def test_nobody_ends_the_absence_of_another(client):
    absence = make.absence(
        make.rep("other"), make.MONDAY_9AM, make.MONDAY_9AM + timedelta(days=9999)
    )
    client.force_login(make.rep("robin").user)

    assert client.post(reverse("absence_end", args=[absence.pk])).status_code == 404


def test_the_list_of_people_costs_the_same_for_more_people(
    client, mine, django_assert_max_num_queries
):
    def statements() -> int:
        with django_assert_max_num_queries(60) as counted:
            client.get(reverse("people"))
        return len(counted)

    make.rep_skill(mine, make.skill("french"))
    few = statements()
    for _ in range(5):
        make.rep_skill(make.rep(team=mine.team), make.skill(f"skill{_}"))

    assert statements() == few
