"""Cover for an absence: open leads move at its start, come back at its end, once each."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps import trail
from reps.due import jobs
from reps.due.loop import Sweep
from reps.models import Absence, Message
from reps.services import absences
from routing import cover, work
from routing.models import Assignment, Lead
from tests import clock, make

AT = make.MONDAY_9AM
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    make.organisation()
    return make.user("boss", is_superuser=True)


@pytest.fixture
def team(boss):
    lead_by = make.user("morgan", group="manager")
    east = make.team("East", manager=lead_by)
    return {name: make.rep(name, team=east) for name in ("ann", "ben", "cem")}


def away(team, *, start=HOUR, end=5 * HOUR, rep="ann", to="ben", how="MOVE"):
    return make.saved(
        Absence(
            rep=team[rep],
            starts_at=AT + start,
            ends_at=AT + end,
            delegate=team[to] if to else None,
            cover=how,
        )
    )


def run(hours, driver="celery"):
    at = AT + hours * HOUR
    return jobs.drain("cover", driver=driver, due_before=at, at=at)


def owners(*leads):
    return [Lead.objects.get(pk=lead.pk).owner.user.username for lead in leads]


def told():
    return [
        (message.recipient.username, cover.cover_stayed(message).subject)
        for message in Message.objects.filter(kind=cover.STAYED).order_by("pk")
    ]


def test_open_leads_move_when_the_absence_begins_and_come_back_when_it_ends(team):
    mine, others = [make.owned(team["ann"]) for _ in range(2)], make.owned(team["cem"])
    absence = away(team)

    assert run(0) == 0
    assert owners(*mine, others) == ["ann", "ann", "cem"]
    assert run(1) == 1
    assert owners(*mine, others) == ["ben", "ben", "cem"]
    assert run(5) == 1
    assert owners(*mine, others) == ["ann", "ann", "cem"]

    codes = Assignment.objects.filter(lead=mine[0]).order_by("epoch")
    assert list(codes.values_list("reason_code", flat=True))[-2:] == ["COVERED", "RETURNED"]
    absence.refresh_from_db()
    assert (absence.cover_started_at, absence.cover_ended_at) == (AT + HOUR, AT + 5 * HOUR)
    assert not told()


def test_running_it_again_does_nothing(team):
    make.owned(team["ann"])
    away(team)
    run(1)
    before = Assignment.objects.count()

    assert run(1) == run(2) == run(2, driver="sweep") == 0
    run(5)
    assert run(5) == run(6) == 0
    assert Assignment.objects.count() == before + 1


def test_an_absence_whose_leads_stay_moves_none(team):
    lead = make.owned(team["ann"])
    away(team, how="STAY")

    assert run(1) == 0
    assert owners(lead) == ["ann"]


def test_the_sweep_does_it_where_no_worker_is(team):
    lead = make.owned(team["ann"])
    away(team)

    with clock.travel(AT + HOUR + timedelta(seconds=3)):
        handled = Sweep().round()

    assert handled["cover"] == 1
    assert owners(lead) == ["ben"]


def test_a_failure_halfway_leaves_all_as_it_was(team, monkeypatch):
    lead = make.owned(team["ann"])
    absence = away(team)

    def broken(*args, **kwargs):
        raise RuntimeError("out of paper")

    with monkeypatch.context() as patch:
        patch.setattr(cover, "_tell", broken)
        assert run(1) == 0
    absence.refresh_from_db()
    assert owners(lead) == ["ann"]
    assert absence.cover_started_at is None

    # A failure is given a moment before it is tried again.
    assert run(2) == 1
    assert owners(lead) == ["ben"]


# --- Room --------------------------------------------------------------------------------


def test_what_does_not_fit_stays_and_the_manager_is_told(team):
    leads = [make.owned(team["ann"]) for _ in range(3)]
    team["ben"].capacity = 2
    make.saved(team["ben"])
    away(team)

    run(1)

    assert owners(*leads) == ["ben", "ben", "ann"]
    assert told() == [("morgan", "1 lead of ann stayed: ben is full")]


def test_what_does_not_fit_back_stays_too(team):
    leads = [make.owned(team["ann"]) for _ in range(3)]
    away(team)
    run(1)
    team["ann"].capacity = 1
    make.saved(team["ann"])

    run(5)

    assert owners(*leads) == ["ann", "ben", "ben"]
    assert told() == [("morgan", "2 leads did not come back to ann")]


def test_where_nobody_stands_in_the_leads_stay_and_the_manager_is_told_once(team):
    lead = make.owned(team["ann"])
    away(team)
    away(team, rep="ben", to="ann", how="STAY")

    run(1)
    run(2)

    assert owners(lead) == ["ann"]
    assert told() == [("morgan", "1 lead of ann stayed: nobody stands in")]


# --- What happens meanwhile --------------------------------------------------------------


def test_what_the_delegate_contacted_comes_back_with_all_that_was_done(team):
    lead = make.owned(team["ann"])
    away(team)
    run(1)
    lead.refresh_from_db()
    work.log_contact(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        way="CALL",
        reached=True,
        note="",
        by=team["ben"].user,
        at=AT + 2 * HOUR,
    )

    run(5)

    lead.refresh_from_db()
    assert owners(lead) == ["ann"]
    assert (lead.state, lead.contacted_at) == ("CONTACTED", AT + 2 * HOUR)


def test_what_left_the_cover_stays_where_it_is(team, boss):
    closed, moved, back_by_hand = (make.owned(team["ann"]) for _ in range(3))
    away(team)
    run(1)
    for lead in (closed, moved, back_by_hand):
        lead.refresh_from_db()
    work.record_outcome(
        lead_id=closed.pk,
        epoch=closed.owner_epoch,
        kind="LOST",
        value=None,
        reason="No budget",
        by=team["ben"].user,
        at=AT + 2 * HOUR,
        driver="web",
    )
    for lead, to in ((moved, "cem"), (back_by_hand, "cem"), (back_by_hand, "ben")):
        lead.refresh_from_db()
        work.move_by_hand(
            lead_id=lead.pk,
            epoch=lead.owner_epoch,
            to=team[to],
            reason="Better there",
            by=boss,
            at=AT + 2 * HOUR,
            driver="web",
        )

    run(5)

    closed.refresh_from_db()
    assert closed.place == "CLOSED"
    assert owners(moved, back_by_hand) == ["cem", "ben"]


def test_leads_in_cover_move_on_when_the_delegate_goes_too_and_find_home(team):
    lead = make.owned(team["ann"])
    away(team, end=9 * HOUR)
    away(team, rep="ben", to="cem", start=2 * HOUR, end=4 * HOUR)

    found = []
    for hour in (1, 2, 4, 9):
        run(hour)
        found += owners(lead)

    assert found == ["ben", "cem", "ben", "ann"]


def test_the_first_one_back_gets_the_lead_that_two_have_passed_on(team):
    lead = make.owned(team["ann"])
    away(team, end=3 * HOUR)
    away(team, rep="ben", to="cem", start=2 * HOUR, end=9 * HOUR)

    found = []
    for hour in (1, 2, 3, 9):
        run(hour)
        found += owners(lead)

    assert found == ["ben", "cem", "ann", "ann"]


# --- Changed absences --------------------------------------------------------------------


def test_an_absence_that_ends_early_brings_the_leads_back_then(team, boss):
    lead = make.owned(team["ann"])
    absence = away(team)
    run(1)

    absences.end(absence=absence, by=boss, at=AT + 2 * HOUR)
    run(2)

    assert owners(lead) == ["ann"]


def test_an_absence_that_is_longer_keeps_them(team, boss):
    lead = make.owned(team["ann"])
    absence = away(team)
    run(1)
    absences.change(absence=absence, changes={"ends_at": AT + 8 * HOUR}, by=boss, at=AT + 2 * HOUR)

    run(5)
    assert owners(lead) == ["ben"]
    run(8)
    assert owners(lead) == ["ann"]


def test_an_absence_that_is_put_off_brings_them_back_and_begins_anew(team, boss):
    lead = make.owned(team["ann"])
    absence = away(team)
    run(1)
    absences.change(
        absence=absence,
        changes={"starts_at": AT + 6 * HOUR, "ends_at": AT + 8 * HOUR},
        by=boss,
        at=AT + 2 * HOUR,
    )

    found = []
    for hour in (2, 6, 8):
        run(hour)
        found += owners(lead)

    assert found == ["ann", "ben", "ann"]


def test_leads_that_are_to_stay_after_all_come_back_at_once(team, boss):
    lead = make.owned(team["ann"])
    absence = away(team)
    run(1)
    absences.change(absence=absence, changes={"cover": "STAY"}, by=boss, at=AT + 2 * HOUR)

    run(2)

    assert owners(lead) == ["ann"]


def test_a_deleted_absence_brings_them_back_with_it(team, boss):
    lead = make.owned(team["ann"])
    absence = away(team)
    run(1)

    trail.delete(Absence.objects.get(pk=absence.pk), by=boss, at=AT + 2 * HOUR, reason="x")

    assert owners(lead) == ["ann"]
    assert not Absence.objects.exists()


def test_whoever_left_while_away_gets_nothing_back(team, boss):
    lead = make.owned(team["ann"])
    away(team)
    run(1)
    team["ann"].is_active = False
    make.saved(team["ann"])

    run(5)

    assert owners(lead) == ["ben"]


def test_it_costs_no_more_statements_for_more_leads(team):
    counts = []
    for number, leads in ((1, 1), (2, 6)):
        for _ in range(leads):
            make.owned(team["ann"])
        away(team, start=number * 10 * HOUR, end=(number * 10 + 5) * HOUR)
        with CaptureQueriesContext(connection) as queries:
            run(number * 10)
        counts.append(len(queries))
        run(number * 10 + 5)

    assert counts[1] <= counts[0]


def test_what_is_due_is_known_to_whoever_watches_the_work(team):
    away(team)
    for hour, expected in ((0, None), (1, AT + HOUR), (2, AT + HOUR)):
        with clock.travel(AT + hour * HOUR):
            assert cover.oldest() == expected
    run(2)
    for hour, expected in ((3, None), (6, AT + 5 * HOUR)):
        with clock.travel(AT + hour * HOUR):
            assert cover.oldest() == expected
