"""What people change about people in the admin, and what it leaves behind."""

import json

import pytest
from django.urls import reverse

from reps.models import Absence, Rep, RepSkill, Skill, Team, User, WorkCalendar
from tests import make
from tests.adminform import submit
from tests.recorded import recorded

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    return make.user("boss", group="manager", is_staff=True)


@pytest.fixture
def browser(client, boss):
    make.organisation()
    client.force_login(boss)
    return client


def page(model, verb="change", *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{verb}", args=args)


def only(trail, boss, reason):
    """The one change that was recorded, made by the boss for this reason."""
    assert len(trail.rows) == 1
    _, row = trail.rows[0]
    assert (row.history_user, row.history_change_reason) == (boss, reason)
    return row


def test_adding_leaves_one_row_and_one_event(browser, boss):
    with recorded() as trail:
        answer = submit(browser, page(Team, "add"), name="North", manager=boss.pk)

    assert answer.status_code == 302
    assert only(trail, boss, "Edited in admin").history_type == "+"


def test_editing_keeps_the_reason_that_was_typed(browser, boss):
    team = make.team("North")

    with recorded() as trail:
        submit(browser, page(Team, "change", team.pk), name="South", change_reason="Moved")

    assert only(trail, boss, "Moved").name == "South"


def test_saving_without_a_change_leaves_nothing(browser):
    team = make.team("North")

    with recorded() as trail:
        submit(browser, page(Team, "change", team.pk), change_reason="Just looking")

    assert trail.rows == []


def test_deleting_leaves_one_row_per_thing_that_goes(browser, boss):
    skill = make.skill("french")

    with recorded() as trail:
        browser.post(page(Skill, "delete", skill.pk), {"post": "yes"})

    assert only(trail, boss, "Deleted in admin").history_type == "-"


def test_deleting_many_goes_one_by_one(browser, boss):
    skills = [make.skill("french"), make.skill("german")]

    with recorded() as trail:
        browser.post(
            page(Skill, "changelist"),
            {
                "action": "delete_selected",
                "_selected_action": [skill.pk for skill in skills],
                "post": "yes",
            },
        )

    assert [row.history_type for _, row in trail.rows] == ["-", "-"]
    assert {row.history_user for _, row in trail.rows} == {boss}


def test_what_is_in_use_stays_and_says_so(browser):
    skill = make.skill("french")
    make.rep_skill(make.rep(), skill)

    with recorded() as trail:
        answer = browser.post(page(Skill, "delete", skill.pk), {"post": "yes"}, follow=True)

    assert answer.status_code in (200, 403)
    assert trail.rows == []


def test_inlines_are_saved_one_by_one(browser, boss):
    rep, skill = make.rep(), make.skill("french")

    with recorded() as trail:
        submit(
            browser,
            page(Rep, "change", rep.pk),
            **{
                "skills-TOTAL_FORMS": "1",
                "skills-0-skill": skill.pk,
                "skills-0-level": "4",
                "skills-0-rep": rep.pk,
            },
        )

    assert [subject for subject, _ in trail.rows] == ["reps.repskill"]
    assert RepSkill.objects.get().level == 4


def test_an_inline_row_can_go(browser, boss):
    held = make.rep_skill(make.rep(), make.skill("french"))

    with recorded() as trail:
        submit(browser, page(Rep, "change", held.rep_id), **{"skills-0-DELETE": "on"})

    assert only(trail, boss, "Deleted in admin").history_type == "-"
    assert not RepSkill.objects.exists()


def test_capacity_goes_through_its_service(browser, boss):
    rep = make.rep(capacity=5)

    with recorded() as trail:
        submit(browser, page(Rep, "change", rep.pk), capacity="9")

    assert only(trail, boss, "capacity").capacity == 9


def test_capacity_and_role_are_two_changes(browser):
    rep = make.rep(capacity=5)

    with recorded() as trail:
        submit(browser, page(Rep, "change", rep.pk), capacity="9", role="AE")

    rep.refresh_from_db()
    assert (rep.capacity, rep.role, len(trail.rows)) == (9, "AE", 2)


def test_pausing_asks_first(browser, boss):
    rep = make.rep()
    url = reverse("admin:reps_rep_pause", args=[rep.pk])

    assert browser.get(url).status_code == 200
    with recorded() as trail:
        submit(browser, url, reason="Training")

    assert only(trail, boss, "paused").pause_reason == "Training"


def test_a_pause_that_is_over_already_is_refused_on_the_page(browser):
    rep = make.rep()
    url = reverse("admin:reps_rep_pause", args=[rep.pk])

    with recorded() as trail:
        answer = submit(browser, url, until_0="2020-01-01", until_1="10:00", reason="Training")

    assert answer.status_code == 200
    assert "Choose an end in the future" in answer.content.decode()
    assert trail.rows == []


def test_resuming_and_coming_back(browser, boss):
    rep = make.rep()
    submit(browser, reverse("admin:reps_rep_pause", args=[rep.pk]), reason="Training")
    with recorded() as resumed:
        submit(browser, reverse("admin:reps_rep_resume", args=[rep.pk]))
    submit(browser, reverse("admin:reps_rep_deactivate", args=[rep.pk]), reason="Left")
    with recorded() as back:
        submit(browser, reverse("admin:reps_rep_reactivate", args=[rep.pk]))

    rep.refresh_from_db()
    assert rep.is_active
    only(resumed, boss, "resumed")
    only(back, boss, "came back")


def test_letting_go_places_what_they_hold_anew(browser):
    rep = make.rep()
    make.rules(make.round_robin(make.pool(rep)))
    lead = make.routed(make.lead())

    with recorded() as trail:
        submit(browser, reverse("admin:reps_rep_deactivate", args=[rep.pk]), reason="Left us")

    lead.refresh_from_db()
    assert lead.owner is None
    assert sorted(subject for subject, _ in trail.rows) == ["reps.rep", "routing.lead"]
    assert lead.assignments.get(ended_at=None).driver == "admin"


def test_leaving_twice_is_refused_in_words(browser):
    rep = make.rep()
    url = reverse("admin:reps_rep_deactivate", args=[rep.pk])
    submit(browser, url, reason="Left")

    answer = submit(browser, url, reason="Left")

    assert "has left already" in answer.content.decode()


def test_reps_and_users_are_never_deleted(admin_client):
    rep = make.rep()

    assert admin_client.post(page(Rep, "delete", rep.pk), {"post": "yes"}).status_code == 403
    answer = admin_client.post(page(User, "delete", rep.user_id), {"post": "yes"}, follow=True)
    assert "stay in the record" in answer.content.decode()
    assert User.objects.filter(pk=rep.user_id).exists()


@pytest.mark.once
@pytest.mark.parametrize(
    "weekly",
    [
        "[]",
        "5",
        '"x"',
        '{"mon": 5}',
        '{"mon": [["09:00"]]}',
        '{"mon": [["x", "y"]]}',
        "{",
        '{"mon\\u0000": []}',
        '{"mon": [["09:00", "\\ud800"]]}',
        "{}",
        '{"mon": {"a": 1}}',
        '{"mon": [[1, 2]]}',
        '{"mon": [[null, null]]}',
        "[" * 50_000,
        '{"mon": ' + "9" * 5000 + "}",
        '{"mon": 1e400}',
        '{"mon": NaN}',
        '{"xxx": [["09:00", "17:00"]]}',
    ],
)
@pytest.mark.parametrize("column", ["weekly", "overrides", "breaks"])
def test_hours_that_cannot_be_read_stay_on_the_page(browser, column, weekly):
    if column != "weekly" and weekly == "{}":
        pytest.skip("no exceptions are fine")
    with recorded() as trail:
        answer = submit(browser, page(WorkCalendar, "add"), name="Odd", **{column: weekly})

    assert answer.status_code == 200 or column != "weekly"
    assert not trail.rows or column != "weekly"


def test_absences_have_one_row_each(browser, boss):
    rep = make.rep()

    with recorded() as trail:
        answer = submit(
            browser,
            page(Absence, "add"),
            rep=rep.pk,
            starts_at_0="2026-07-01",
            starts_at_1="00:00",
            ends_at_0="2026-07-08",
            ends_at_1="00:00",
        )

    assert answer.status_code == 302
    only(trail, boss, "Edited in admin")


def test_a_calendar_is_edited_as_json(browser, boss):
    calendar = make.calendar("Office")

    with recorded() as trail:
        submit(
            browser,
            page(WorkCalendar, "change", calendar.pk),
            weekly=json.dumps({"mon": [["10:00", "12:00"]]}),
        )

    assert only(trail, boss, "Edited in admin").weekly == {"mon": [["10:00", "12:00"]]}
