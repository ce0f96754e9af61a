"""Feeds as due work: whose turn it is, what is kept, and when the roster hears of it."""

import logging
from datetime import timedelta
from itertools import pairwise

import pytest

from reps.availability import absences, meetings, open_hours
from reps.due import jobs
from reps.feeds import drain as feeds_due
from reps.feeds.fetch import Fetched, FetchFailed, Known
from reps.models import AuditEvent, BusyTime, CalendarFeed, RosterStamp
from reps.services import feeds
from reps.services.people import PeopleRefused
from tests import make
from tests.reps.test_feed_busy import calendar

AT = make.MONDAY_9AM
URL = "https://calendar.test/secret-token/basic.ics"
MEETING = "UID:1\nDTSTART:20260615T140000Z\nDTEND:20260615T150000Z\nSUMMARY:Board"
OUT = "UID:2\nDTSTART;VALUE=DATE:20260617\nSUMMARY:Vacation"
pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return make.rep("ann")


@pytest.fixture
def feed(ann):
    return feeds.connect(rep=ann, url=URL, by=ann.user, at=AT)


@pytest.fixture
def server(monkeypatch):
    """What the address answers: a body, a failure, or None for "unchanged"."""

    class Server:
        def __init__(self):
            self.answer, self.known, self.asked = calendar(MEETING, OUT), Known('"v1"'), []

        def __call__(self, url, *, known, inside, seconds):
            self.asked.append((url, known, seconds))
            if isinstance(self.answer, Exception):
                raise self.answer
            return Fetched(self.answer, self.known)

    found = Server()
    monkeypatch.setattr(feeds_due.fetch, "fetch", found)
    return found


def drained(at=AT, driver="celery"):
    return jobs.drain("feeds", driver=driver, due_before=at, at=at)


def spans(found):
    return [((a - midnight) / 3600, (b - midnight) / 3600) for a, b in found]


midnight = int(AT.timestamp()) // 86_400 * 86_400


def test_meetings_leave_the_open_hours_and_time_out_joins_the_absences(ann, feed, server):
    assert drained() == 1

    assert spans(meetings([ann.pk], since=AT)[ann.pk]) == [(14, 15)]
    assert spans(absences([ann.pk], since=AT)[ann.pk]) == [(48, 72)]
    # Around the clock until now: open from here to the horizon, but for the meeting.
    assert spans(open_hours(ann, at=AT)) == [(0, 14), (15, 28 * 24)]


def test_meetings_leave_the_hours_of_a_calendar(ann, feed, server):
    ann.calendar = make.calendar(weekly={"mon": [["09:00", "17:00"]]})
    make.saved(ann)
    drained()

    assert spans(open_hours(ann, at=AT))[:2] == [(9, 14), (15, 17)]


def test_times_without_a_zone_are_those_of_the_reps_hours(ann, feed, server):
    ann.calendar = make.calendar(time_zone="Europe/Berlin")
    make.saved(ann)
    server.answer = calendar(MEETING.replace("Z\n", "\n"))

    drained()

    assert spans(meetings([ann.pk], since=AT)[ann.pk]) == [(12, 13)]


def test_the_roster_hears_only_of_what_changed(feed, server):
    stamps = [RosterStamp.current()]
    for hours, answer in ((0, None), (1, None), (2, calendar(OUT)), (3, None)):
        server.answer = answer or server.answer
        later = AT + timedelta(hours=hours)
        drained(later)
        stamps.append(RosterStamp.current())

    moved = [after > before for before, after in pairwise(stamps)]
    assert moved == [True, False, True, False]


def test_what_has_gone_by_is_no_change(feed, server):
    """Yesterday's meeting falls out of the days that are looked at."""
    drained()
    before = RosterStamp.current()
    server.answer = calendar(OUT)

    drained(AT + timedelta(days=1))

    assert RosterStamp.current() == before


def test_an_unchanged_calendar_is_asked_for_as_such_on_the_same_day_only(feed, server):
    drained()
    server.answer = None
    drained(AT + timedelta(hours=1))
    server.answer = calendar(MEETING, OUT)
    drained(AT + timedelta(days=1))

    known = [asked[1] for asked in server.asked]
    assert known == [Known(), Known('"v1"'), Known()]
    feed.refresh_from_db()
    assert feed.fetched_at == AT + timedelta(days=1)
    assert BusyTime.objects.exists()


def test_a_failure_keeps_what_was_read_and_is_tried_again_later_and_later(feed, server):
    drained()
    server.answer = FetchFailed("The server answered 500.")
    waits, at = [], AT
    for _ in range(3):
        feed.refresh_from_db()
        at = feed.next_fetch_at
        logging.disable(logging.CRITICAL)
        assert drained(at) == 1
        logging.disable(logging.NOTSET)
        feed.refresh_from_db()
        waits.append((feed.next_fetch_at - at).total_seconds())

    assert waits == [1200, 2400, 4800]
    assert (feed.failures, feed.error) == (3, "The server answered 500.")
    assert BusyTime.objects.count() == 2

    server.answer = calendar(MEETING)
    drained(feed.next_fetch_at)
    feed.refresh_from_db()
    assert (feed.failures, feed.error) == (0, "")
    assert BusyTime.objects.count() == 1


def test_what_is_no_calendar_is_a_failure_too(feed, server, caplog):
    server.answer = b"<html>Sign in</html>"

    drained()

    feed.refresh_from_db()
    assert "not a calendar" in feed.error
    assert "secret-token" not in caplog.text


def test_an_unforeseen_failure_tells_no_secret(feed, server, caplog):
    server.answer = RuntimeError(f"cannot open {URL}")

    drained()

    feed.refresh_from_db()
    assert feed.error == "The calendar could not be read."
    assert "secret-token" not in caplog.text


def test_a_turn_is_taken_before_the_network_is_asked(feed, server, monkeypatch):
    """A process that dies while reading costs one turn, and nobody reads twice at once."""

    class Died(BaseException):
        pass

    monkeypatch.setattr(feeds_due, "_read", lambda turn, seconds: (_ for _ in ()).throw(Died()))
    with pytest.raises(Died):
        feeds_due.drain(driver="celery", due_before=AT)

    feed.refresh_from_db()
    assert AT < feed.next_fetch_at <= AT + timedelta(minutes=10)
    assert feeds_due.drain(driver="celery", due_before=AT) == 0


def test_what_was_read_of_an_address_that_was_changed_meanwhile_is_dropped(ann, feed, server):
    other = URL.replace("secret", "other")
    (turn,) = [feeds_due._turn(row, at=AT) for row in feeds_due._claim(9, AT, at=AT)]
    reading = feeds_due._read(turn, seconds=5)
    feeds.connect(rep=ann, url=other, by=ann.user, at=AT)

    feeds_due._write(turn, reading, at=AT)

    assert not BusyTime.objects.exists()


def test_the_sweep_reads_one_a_round_and_waits_for_it_less(server):
    for name in ("bea", "cem"):
        rep = make.rep(name)
        feeds.connect(rep=rep, url=URL, by=rep.user, at=AT)

    drained(driver="sweep")

    ((_, _, seconds),) = server.asked
    assert seconds == feeds_due.SWEEP_SECONDS


def test_a_feed_is_read_whole_batches_at_once_and_nothing_stays_due(server):
    for number in range(feeds_due.BATCH + 2):
        rep = make.rep(f"rep{number}")
        feeds.connect(rep=rep, url=URL, by=rep.user, at=AT)

    assert drained() == feeds_due.BATCH + 2
    assert drained() == 0


# --- The address is a secret -------------------------------------------------------------


def test_the_address_is_in_no_history_and_no_trail(feed, server):
    drained()

    assert "url" not in {field.attname for field in CalendarFeed.history.model._meta.fields}
    events = AuditEvent.objects.values_list("data", "reason", "reason_code")
    assert "secret-token" not in str(list(events))
    assert feed.host == "calendar.test"


@pytest.mark.parametrize("url", ["http://calendar.test/x", "https://10.0.0.1/x", "not one"])
def test_an_address_that_is_never_called_is_not_kept(ann, url):
    with pytest.raises(PeopleRefused):
        feeds.connect(rep=ann, url=url, by=ann.user, at=AT)

    assert not CalendarFeed.objects.exists()


def test_another_address_takes_the_place_of_the_first_and_forgets_its_times(ann, feed, server):
    drained()

    feeds.connect(rep=ann, url=URL + "?2", by=ann.user, at=AT)

    assert CalendarFeed.objects.get().next_fetch_at == AT
    assert not BusyTime.objects.exists()


def test_taking_a_calendar_off_gives_the_time_back(ann, feed, server):
    drained()
    before = RosterStamp.current()

    feeds.disconnect(feed=feed, by=ann.user, at=AT)

    assert RosterStamp.current() > before
    assert open_hours(ann, at=AT) is None
    assert not CalendarFeed.objects.exists()


def test_a_feed_that_is_switched_off_takes_no_time_and_has_no_turn(ann, feed, server):
    drained()
    feed.refresh_from_db()
    feed.is_active = False
    make.saved(feed)

    assert open_hours(ann, at=AT) is None
    assert not absences([ann.pk], since=AT)
    assert drained(AT + timedelta(days=1)) == 0
