"""A storm: many messages for one person at once become one, and none of them is lost."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps.due import jobs
from reps.models import Message, NotificationPreference
from reps.post import deliver, digest, kinds, outbox
from reps.post.kinds import Kind, Text
from tests import clock, make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kind():
    """A kind of message that has lines; `unwanted` keys are dropped, `hidden` ones not shown."""

    class Settings:
        unwanted: set = set()
        hidden: set = set()

    found = Settings()

    def lines(messages, reader):
        return {one.pk: f"line {one.key}." for one in messages if one.key not in found.hidden}

    kinds.register(
        Kind(
            "test",
            lambda message: Text(f"single {message.key}", "Body"),
            lambda message: message.key not in found.unwanted,
            lines,
        )
    )
    yield found
    kinds._kinds.pop("test")


def put(to, number, *, name="k", at=AT, **more):
    outbox.put(
        [
            outbox.Draft(key=f"{name}-{to.pk}-{n}", kind="test", to=to.pk, **more)
            for n in range(number)
        ],
        at=at,
    )


def drain(at=AT):
    with clock.travel(at):
        return jobs.drain("outbox", driver="test", due_before=at)


def texts():
    return [one.body for one in mail.outbox]


def states():
    return sorted(Message.objects.exclude(kind=digest.KIND).values_list("state", flat=True))


def test_up_to_five_are_told_one_by_one():
    put(make.user(), digest.AT_ONCE)

    drain()

    assert len(mail.outbox) == 5
    assert not Message.objects.filter(kind=digest.KIND).exists()


def test_more_are_told_in_one_message_that_says_and_links_each():
    user = make.user()
    put(user, digest.AT_ONCE + 1)

    drain()

    (sent,) = mail.outbox
    row = Message.objects.get(kind=digest.KIND)
    assert sent.subject == "6 messages at once"
    for message in row.collected.all():
        assert f"line {message.key}." in sent.body
        assert f"/outbox/{message.pk}/" in sent.body
        assert f'/outbox/{message.pk}/"' in sent.alternatives[0].content
    assert (row.state, states()) == ("SENT", ["DIGESTED"] * 6)


def test_urgent_ones_that_are_few_still_go_one_by_one():
    user = make.user()
    put(user, 9)
    put(user, 2, name="hot", urgent=True)

    drain()

    assert sorted(one.subject for one in mail.outbox) == [
        "9 messages at once",
        f"single hot-{user.pk}-0",
        f"single hot-{user.pk}-1",
    ]


def test_a_storm_of_urgent_ones_is_one_urgent_digest():
    user = make.user()
    put(user, 7, name="hot", urgent=True)
    put(user, 8)

    drain()

    assert [one.subject for one in mail.outbox] == ["15 messages at once, 7 urgent"]
    assert Message.objects.get(kind=digest.KIND).urgent


def test_there_is_one_digest_a_minute_however_hard_it_pours():
    user = make.user()
    for second in range(0, 150, 10):
        at = AT + timedelta(seconds=second)
        put(user, 8, name=f"s{second}", at=at)
        drain(at)
    drain(AT + timedelta(seconds=180))

    moments = list(
        Message.objects.filter(kind=digest.KIND).order_by("pk").values_list("created_at", flat=True)
    )
    assert moments == [AT + timedelta(seconds=60 * n) for n in range(4)]
    assert states() == ["DIGESTED"] * 15 * 8


def test_what_comes_after_a_digest_waits_for_the_next_and_says_so():
    user = make.user()
    put(user, 6)
    drain()
    put(user, 1, name="later")
    put(user, 1, name="hot", urgent=True)

    drain(AT + timedelta(seconds=5))

    later = Message.objects.get(key__startswith="later")
    assert (later.waits_for, later.due_at) == ("DIGEST", AT + digest.APART)
    assert mail.outbox[-1].subject.startswith("single hot")
    drain(AT + digest.APART)
    assert mail.outbox[-1].subject.startswith("single later")


def test_others_are_told_as_ever():
    put(make.user(), 10)
    calm = make.user("calm")
    put(calm, 3, name="calm")

    drain()

    assert [one.to for one in mail.outbox].count([calm.email]) == 3
    assert len(mail.outbox) == 4


def test_what_is_no_longer_wanted_is_dropped_and_not_told(kind):
    user = make.user()
    put(user, 8)
    kind.unwanted = {f"k-{user.pk}-0", f"k-{user.pk}-1"}

    drain()

    (text,) = texts()
    assert f"line k-{user.pk}-0." not in text
    assert states() == ["DIGESTED"] * 6 + ["DROPPED"] * 2


def test_what_the_reader_may_not_see_is_counted_and_not_said(kind):
    user = make.user()
    put(user, 8)
    kind.hidden = {f"k-{user.pk}-0"}

    drain()

    (text,) = texts()
    assert f"line k-{user.pk}-0." not in text
    assert "1 more is about a lead that is not yours to see any more." in text


def test_kinds_that_are_worth_reading_whole_are_never_collected():
    kinds.register(Kind("whole", lambda message: Text(message.key, "B")))
    user = make.user()
    outbox.put([outbox.Draft(key=f"w{n}", kind="whole", to=user.pk) for n in range(9)], at=AT)

    drain()

    kinds._kinds.pop("whole")
    assert len(mail.outbox) == 9


def test_a_message_that_cannot_be_judged_leaves_the_others_their_way(kind):
    user, calm = make.user(), make.user("calm")
    put(user, 8)
    put(calm, 8)
    kind.unwanted = type("Broken", (), {"__contains__": lambda self, key: broken(key, user)})()

    drain()

    assert [one.to for one in mail.outbox] == [[calm.email]]
    assert set(Message.objects.filter(recipient=user).values_list("state", "attempts")) == {
        ("PENDING", 1)
    }


def broken(key, user):
    if f"-{user.pk}-" in key:
        raise KeyError("lead")
    return False


def test_in_quiet_hours_nothing_is_collected_before_they_end():
    user = make.user(time_zone="UTC")
    NotificationPreference.objects.create(user=user, quiet_from="08:00", quiet_until="10:00")
    put(user, 30)

    drain()
    assert set(Message.objects.values_list("state", "waits_for")) == {("PENDING", "QUIET")}

    drain(AT + timedelta(hours=1))
    assert [one.subject for one in mail.outbox] == ["30 messages at once"]


def test_ten_thousand_are_told_completely_and_exactly_once_in_bounded_batches(monkeypatch):
    people = [make.user(f"p{n}") for n in range(25)]
    for person in people:
        put(person, 400)
    at, rounds = AT, 0
    with CaptureQueriesContext(connection) as asked:
        while Message.objects.filter(state="PENDING").exists():
            with clock.travel(at):
                handled = deliver.drain(driver="test", due_before=at)
            rounds += 1
            assert handled <= digest.PEOPLE * digest.LONGEST + deliver.BATCH
            at += timedelta(seconds=1)
            assert rounds < 20

    digests = Message.objects.filter(kind=digest.KIND)
    assert len(mail.outbox) == digests.count() == len(people)
    assert {one.state for one in digests} == {"SENT"}
    told = "".join(texts())
    for key in Message.objects.filter(state="DIGESTED").values_list("key", flat=True):
        assert told.count(f"line {key}.") == 1
    assert Message.objects.filter(state="DIGESTED").count() == 10_000
    # Statements follow the digests, not the messages.
    assert len(asked) < 40 * len(people)


def test_two_senders_at_once_make_one_digest():
    user = make.user()
    put(user, 10)
    due = digest._due(AT, AT).filter(recipient_id=user.pk)

    assert digest._collect(due, who=user.pk, at=AT) == 10
    put(user, 10, name="more")
    assert digest._collect(due.all(), who=user.pk, at=AT + timedelta(milliseconds=1)) == 0

    assert Message.objects.filter(kind=digest.KIND).count() == 1
