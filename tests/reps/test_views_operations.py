"""The operations page: for RevOps and admins, everything on it, and every act with its refusal."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reps.due import alarms, holds, routines, strikes
from reps.models import Heartbeat, Hold, Routine, Strike
from routing.models import Lead
from tests import make

pytestmark = pytest.mark.django_db
PAGE = "/operations/"


@pytest.fixture
def riley():
    return make.user("riley", group="revops")


@pytest.fixture
def page(client, riley):
    client.force_login(riley)
    return lambda: client.get(PAGE).content.decode()


def now():
    return timezone.now()


@pytest.mark.parametrize(
    ("group", "status"), [("admin", 200), ("revops", 200), ("manager", 403), ("rep", 403)]
)
def test_it_is_for_revops_and_admins(client, group, status):
    client.force_login(make.user(group=group))

    assert client.get(PAGE).status_code == status
    for url in ("hold/", "release/", "routines/watch/run/", "given-up/route/1/"):
        answer = client.post(PAGE + url)
        assert answer.status_code == (302 if status == 200 else 403)
        assert client.get(PAGE + url).status_code == (405 if status == 200 else 403)


def test_an_idle_product_has_nothing_to_show_and_says_so(page):
    shown = page()

    for words in ("Nothing. Messages leave", "No alarms", "Nothing has been given up", "keeps up"):
        assert words in shown


def test_it_shows_what_is_held_wrong_silent_failing_and_given_up(page, settings):
    settings.EXPECTED_LOOPS = ["beat"]
    holds.hold(kind=Hold.Kind.CLOCK_JUMP, reason="jumped 7200 s ahead", at=now())
    alarms.raise_("silent/sweep", "“sweep” is silent for 20 s.", at=now())
    Heartbeat.objects.create(name="sweep", at=now() - timedelta(seconds=20), max_age=10)
    Routine.objects.create(name="audit", next_at=now(), last_at=now(), failures=2, last_error="No")
    for _ in range(3):
        strikes.strike("route", 77, error="ValueError", at=now())

    shown = page()

    for words in ("jumped 7200 s ahead", "is silent for 20 s", "never heard", "failed 2 times",
                  "route 77", "ValueError", "given up"):  # fmt: skip
        assert words in shown


def test_everybody_sees_that_effects_are_held_and_who_may_gets_the_way(client, riley):
    rep = make.rep("ann")
    holds.hold(kind=Hold.Kind.RESTORED, reason="x", at=now())

    client.force_login(rep.user)
    theirs = client.get("/leads/").content.decode()
    client.force_login(riley)
    mine = client.get("/leads/").content.decode()

    assert "Effects are held back" in theirs
    assert "restored from a backup" in theirs
    assert PAGE not in theirs
    assert "Open operations" in mine


def test_it_holds_and_releases_by_hand_with_who_and_why(client, riley, page):
    client.force_login(riley)

    client.post(PAGE + "hold/", {"reason": "moving house"})
    assert holds.open_holds()[0].reason == "moving house"
    client.post(PAGE + "release/", {"kind": "BY_HAND", "reason": "moved"})

    hold = Hold.objects.get()
    assert hold.released_by == riley
    assert "released by riley" in page()


def test_neither_is_done_without_a_reason(client, riley):
    client.force_login(riley)
    client.post(PAGE + "hold/", {"reason": "  "})
    assert not holds.open_holds()

    holds.hold(kind=Hold.Kind.BY_HAND, reason="x", at=now())
    client.post(PAGE + "release/", {"kind": "BY_HAND"})

    assert holds.open_holds()


def test_releasing_twice_or_nonsense_says_so(client, riley):
    client.force_login(riley)

    for kind in ("BY_HAND", "NONSENSE", ""):
        answer = client.post(PAGE + "release/", {"kind": kind, "reason": "x"}, follow=True)
        assert "released already" in answer.content.decode()


def test_a_routine_runs_now(client, riley):
    client.force_login(riley)
    later = now() + timedelta(hours=5)
    Routine.objects.create(name="audit", next_at=later)

    client.post(PAGE + "routines/audit/run/")
    answer = client.post(PAGE + "routines/nonsense/run/", follow=True)

    assert Routine.objects.get(name="audit").next_at < later
    assert "no routine of this name" in answer.content.decode()


def given_up(job, pk):
    for _ in range(3):
        strikes.strike(job, pk, error="ValueError", at=now())


def test_what_was_given_up_is_tried_again_or_let_be(client, riley):
    make.organisation()
    lead = make.lead()
    given_up("route", lead.pk)
    given_up("cover", 5)
    client.force_login(riley)

    client.post(f"{PAGE}given-up/route/{lead.pk}/", {"act": "retry"})
    client.post(f"{PAGE}given-up/cover/5/", {"act": "forgive"})

    assert not Strike.objects.exists()
    assert Lead.objects.get(pk=lead.pk).route_at is not None


def test_what_is_not_given_up_or_unknown_is_refused_in_words(client, riley):
    client.force_login(riley)

    said = client.post(f"{PAGE}given-up/route/1/", {"act": "retry"}, follow=True).content.decode()
    assert "dealt with already" in said
    said = client.post(f"{PAGE}given-up/nonsense/1/", follow=True).content.decode()
    assert "no work of this name" in said


def test_the_navigation_counts_the_alarms(client, riley):
    alarms.raise_("x/y", "wrong", at=now())
    client.force_login(riley)

    assert "1 alarms" in client.get("/leads/").content.decode()


def test_the_statements_do_not_grow_with_what_is_wrong(client, riley):
    client.force_login(riley)
    Routine.objects.bulk_create([Routine(name=name, next_at=now()) for name in routines.names()])

    def wrong(numbers):
        for number in numbers:
            alarms.raise_(f"x/{number}", "wrong", at=now())
            given_up("cover", number)
            Heartbeat.objects.create(name=f"loop{number}", at=now(), max_age=5)

    wrong(range(2))
    client.get(PAGE)
    with CaptureQueriesContext(connection) as few:
        client.get(PAGE)
    wrong(range(2, 12))

    with CaptureQueriesContext(connection) as many:
        client.get(PAGE)

    assert len(many) == len(few)
