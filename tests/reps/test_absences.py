"""Out of office: what is refused, who stands in, and until when that answer holds."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from reps import trail
from reps.availability import delegates, next_change, stand_in
from reps.models import Absence, BusyTime, CalendarFeed
from reps.services import absences
from reps.services.people import PeopleRefused
from tests import make

AT = make.MONDAY_9AM
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    return make.user("boss", is_superuser=True)


@pytest.fixture
def team(boss):
    return {name: make.rep(name) for name in ("ann", "ben", "cem", "dee")}


def away(rep, start, end, **fields):
    return Absence(rep=rep, starts_at=AT + start, ends_at=AT + end, **fields)


def added(rep, start, end, **fields):
    return make.saved(away(rep, start, end, **fields))


def out(rep, start, end):
    feed, _ = CalendarFeed.objects.get_or_create(rep=rep, defaults={"url": "https://c.test/"})
    BusyTime.objects.create(feed=feed, kind="OUT", starts_at=AT + start, ends_at=AT + end)


# --- Entering ----------------------------------------------------------------------------


def test_an_absence_is_entered_with_its_delegate(team, boss):
    row = absences.add(
        absence=away(team["ann"], DAY, 2 * DAY, delegate=team["ben"]), by=boss, at=AT
    )

    assert row.history.get().history_user == boss
    assert row.delegate == team["ben"]


@pytest.mark.parametrize(("start", "end"), [(0, 2), (1, 2), (1.5, 1.75), (1.5, 9), (0, 9)], ids=str)
def test_an_absence_that_overlaps_another_is_refused_and_names_it(team, boss, start, end):
    added(team["ann"], DAY, 2 * DAY)

    with pytest.raises(ValidationError, match="away from 2026-06-16 09:00"):
        absences.add(absence=away(team["ann"], start * DAY, end * DAY), by=boss, at=AT)


def test_absences_may_touch_and_others_may_be_away_at_once(team, boss):
    added(team["ann"], DAY, 2 * DAY)

    for rep, start, end in (("ann", 0, 1), ("ann", 2, 3), ("ben", 1, 2)):
        absences.add(absence=away(team[rep], start * DAY, end * DAY), by=boss, at=AT)

    assert Absence.objects.count() == 4


@pytest.mark.parametrize(
    ("delegate", "words"),
    [("ann", "stand in for themselves"), ("cem", "away all that time"), ("dee", "has left")],
)
def test_a_delegate_who_cannot_stand_in_is_refused(team, boss, delegate, words):
    added(team["cem"], 0 * DAY, 2 * DAY)
    added(team["cem"], 2 * DAY, 4 * DAY)
    team["dee"].is_active = False
    make.saved(team["dee"])

    with pytest.raises(ValidationError, match=words):
        absences.add(
            absence=away(team["ann"], DAY, 3 * DAY, delegate=team[delegate]), by=boss, at=AT
        )


def test_a_delegate_who_is_away_for_a_part_of_it_may_stand_in(team, boss):
    added(team["ben"], DAY, 2 * DAY)

    absences.add(absence=away(team["ann"], DAY, 3 * DAY, delegate=team["ben"]), by=boss, at=AT)


def test_moving_the_open_leads_needs_somebody_to_take_them(team, boss):
    plan = away(team["ann"], DAY, 2 * DAY, cover="MOVE")
    with pytest.raises(ValidationError, match="Choose who takes the open leads"):
        absences.add(absence=plan, by=boss, at=AT)

    team["ann"].backup = team["ben"]
    make.saved(team["ann"])
    absences.add(absence=plan, by=boss, at=AT)


def test_who_takes_over_is_not_changed_once_the_leads_have_moved(team, boss):
    row = added(team["ann"], -DAY, DAY, delegate=team["ben"], cover="MOVE", cover_started_at=AT)

    with pytest.raises(ValidationError, match="have moved already"):
        absences.change(absence=row, changes={"delegate": team["cem"]}, by=boss, at=AT)
    longer = absences.change(absence=row, changes={"ends_at": AT + 3 * DAY}, by=boss, at=AT)
    assert longer.ends_at == AT + 3 * DAY


def test_an_absence_that_somebody_cancelled_is_not_changed(team, boss):
    row = added(team["ann"], DAY, 2 * DAY)
    stale = Absence.objects.get()
    absences.end(absence=row, by=boss, at=AT)

    with pytest.raises(PeopleRefused, match="cancelled"):
        absences.change(absence=stale, changes={"reason": "x"}, by=boss, at=AT)


# --- Who stands in -----------------------------------------------------------------------


def test_the_delegate_stands_in_while_the_absence_runs(team):
    ann, ben = team["ann"].pk, team["ben"].pk
    added(team["ann"], HOUR, 2 * HOUR, delegate=team["ben"])

    assert delegates([ann, ben], AT) == {}
    assert delegates([ann, ben], AT + HOUR) == {ann: ben}
    assert delegates([ann, ben], AT + 2 * HOUR) == {}


def test_without_a_delegate_nobody_is_named_but_the_backup_takes_over(team):
    team["ann"].backup = team["cem"]
    make.saved(team["ann"])
    added(team["ann"], -HOUR, HOUR)

    assert delegates([team["ann"].pk], AT) == {}
    assert stand_in(team["ann"].pk, AT) == team["cem"].pk


def test_a_delegate_who_is_away_passes_it_on(team):
    """Ann names Ben, who is away and names Cem, who is out by his calendar; his backup is Dee."""
    added(team["ann"], -HOUR, HOUR, delegate=team["ben"])
    added(team["ben"], -HOUR, HOUR, delegate=team["cem"])
    assert delegates([team["ann"].pk], AT) == {team["ann"].pk: team["cem"].pk}

    out(team["cem"], -HOUR, HOUR)
    team["cem"].backup = team["dee"]
    make.saved(team["cem"])

    assert delegates([team["ann"].pk], AT) == {team["ann"].pk: team["dee"].pk}


def test_two_who_stand_in_for_each_other_find_nobody(team):
    added(team["ann"], -HOUR, HOUR, delegate=team["ben"])
    added(team["ben"], -HOUR, HOUR, delegate=team["ann"])

    assert delegates([team["ann"].pk, team["ben"].pk], AT) == {}


def test_a_delegate_who_has_left_is_passed_over(team):
    added(team["ann"], -HOUR, HOUR, delegate=team["ben"])
    team["ben"].backup, team["ben"].is_active = team["cem"], False
    make.saved(team["ben"])

    assert delegates([team["ann"].pk], AT) == {team["ann"].pk: team["cem"].pk}


def test_many_delegates_cost_no_more_statements(team, django_assert_num_queries):
    for name in ("ann", "ben", "cem"):
        added(team[name], -HOUR, HOUR, delegate=team["dee"])

    with django_assert_num_queries(3):
        assert len(delegates([rep.pk for rep in team.values()], AT)) == 3


def test_the_answer_holds_until_the_next_edge_of_anybodys_absence(team):
    added(team["ben"], 4 * HOUR, 5 * HOUR)
    assert next_change(AT) is None

    added(team["ann"], HOUR, 9 * HOUR, delegate=team["ben"])
    edges, at = [], AT
    while at is not None:
        at = next_change(at)
        edges.append(at and (at - AT) / HOUR)

    assert edges == [1, 4, 5, 9, None]


def test_time_out_by_a_calendar_is_such_an_edge_too(team):
    added(team["ann"], -HOUR, 9 * HOUR, delegate=team["ben"])
    out(team["ben"], 2 * HOUR, 3 * HOUR)

    assert next_change(AT) == AT + 2 * HOUR


def test_a_deleted_absence_leaves_its_history(team, boss):
    row = added(team["ann"], DAY, 2 * DAY, delegate=team["ben"])

    trail.delete(row, by=boss, at=AT, reason="x")

    assert Absence.history.filter(history_type="-").get().delegate_id == team["ben"].pk
