"""Delivery: at least once, under a lease, with back-off, and visibly given up."""

import logging
from datetime import timedelta

import pytest
from django.core import mail

from reps.due import jobs
from reps.due.loop import Sweep
from reps.models import ChannelChoice, Delivery, Message
from reps.post import channels, deliver, kinds, outbox, rests, ways
from reps.post.channels.base import ChannelFailed, ChannelRefused, Taken, Wire
from reps.post.kinds import Kind, Text
from routing.intake import process
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


class Clock:
    def __init__(self):
        self.now = AT

    def __call__(self):
        return self.now


class Recorder:
    """A channel that fails as often as it is told to."""

    address = ""

    def __init__(self, name="recorder", *, failures=0, error=None, takes=0.0):
        self.name, self.label, self.sent = name, name.title(), []
        self.failures, self.error, self.takes = failures, error, takes

    def is_set_up(self):
        return True

    def reaches(self, user, choice):
        return choice.address != "unreachable"

    def build(self, text, *, to, choice, message):
        return [Wire(url="", body=(to.username, message.key, text.subject), shown={"to": "x"})]

    def hand_over(self, wire):
        if self.failures:
            self.failures -= 1
            raise self.error or OSError("the other side is away")
        self.sent.append(wire.body)
        return Taken(provider_id=f"{self.name}-{len(self.sent)}")


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(deliver, "database_now", found)
    return found


@pytest.fixture
def kind():
    """A kind of message that says what it is told to."""

    class Settings:
        wanted = True
        render = staticmethod(lambda message: Text("Subject", "Body"))

    found = Settings()
    kinds.register(Kind("test", lambda m: found.render(m), lambda m: found.wanted))
    yield found
    kinds._kinds.pop("test")


@pytest.fixture
def recorder(monkeypatch):
    """The only channel there is, and so the one that everybody is told by."""
    monkeypatch.setattr(ways, "BY_DEFAULT", "recorder")
    return there_are(monkeypatch, Recorder())


def there_are(monkeypatch, *found):
    monkeypatch.setattr(channels, "ALL", found)
    return found[0]


def wants(user, *wishes):
    """Say what a person wants: (channel, mode) in order."""
    for place, (channel, mode) in enumerate(wishes):
        ChannelChoice.objects.create(user=user, channel=channel, mode=mode, place=place)
    return user


def put(key="k", *, to=None, urgent=False, at=AT) -> Message:
    to = to or make.user(f"to-{key}")
    outbox.put([outbox.Draft(key=key, kind="test", to=to.pk, urgent=urgent)], at=at)
    return Message.objects.get(key=key)


def drain(clock, *, driver="test") -> int:
    return deliver.drain(driver=driver, due_before=clock.now)


def test_a_message_is_sent_once_with_its_stable_key(clock, kind, recorder):
    message = put()

    assert drain(clock) == 1
    assert drain(clock) == 0

    message.refresh_from_db()
    assert recorder.sent == [("to-k", "k", "Subject")]
    assert (message.state, message.done_at, message.attempts, message.driver) == (
        "SENT",
        AT,
        1,
        "test",
    )
    assert list(message.delivered) == ["recorder"]


def test_what_is_not_due_yet_waits(clock, kind, recorder):
    put(at=AT + timedelta(seconds=1))

    assert drain(clock) == 0


def test_urgent_messages_leave_first(clock, kind, recorder):
    put("plain")
    put("urgent", urgent=True)

    drain(clock)

    assert [key for _, key, _ in recorder.sent] == ["urgent", "plain"]


def test_what_is_no_longer_wanted_is_dropped(clock, kind, recorder):
    message = put()
    kind.wanted = False

    drain(clock)

    message.refresh_from_db()
    assert (message.state, recorder.sent) == ("DROPPED", [])


def test_a_failure_is_tried_again_after_growing_pauses(clock, kind, recorder):
    message = put()
    recorder.failures = 3
    pauses = []

    for _ in range(4):
        drain(clock)
        message.refresh_from_db()
        pauses.append((message.due_at - clock.now).total_seconds())
        clock.now = max(clock.now, message.due_at)

    assert pauses[:3] == [5, 10, 20]
    assert (message.state, message.attempts, len(recorder.sent)) == ("SENT", 4, 1)


def test_no_pause_is_longer_than_an_hour(clock, kind, recorder):
    message = put()
    Message.objects.update(attempts=10)
    recorder.failures = 1

    drain(clock)

    message.refresh_from_db()
    assert message.due_at - AT == deliver.LONGEST_RETRY


def test_the_error_is_kept(clock, kind, recorder):
    message = put()
    recorder.failures = 1

    drain(clock)

    message.refresh_from_db()
    assert message.last_error == "Recorder: OSError: the other side is away"
    assert message.state == "PENDING"


def test_after_twelve_attempts_a_message_is_given_up_visibly_and_can_be_replayed(
    clock, kind, recorder
):
    message = put()
    recorder.failures = deliver.MOST_ATTEMPTS

    for _ in range(deliver.MOST_ATTEMPTS + 3):
        drain(clock)
        clock.now += timedelta(hours=2)
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("DEAD", deliver.MOST_ATTEMPTS)

    assert deliver.replay(Message.objects.all(), by=make.user(), at=clock.now) == 1
    message.refresh_from_db()
    assert (message.state, message.attempts, message.done_at) == ("PENDING", 0, None)
    drain(clock)

    message.refresh_from_db()
    assert (message.state, len(recorder.sent)) == ("SENT", 1)


def test_only_what_was_given_up_is_replayed(clock, kind, recorder):
    message = put()
    drain(clock)

    assert deliver.replay(Message.objects.all(), by=make.user(), at=AT) == 0

    message.refresh_from_db()
    assert message.state == "SENT"


def test_a_retry_repeats_only_the_channel_that_failed(clock, kind, monkeypatch):
    good, bad = Recorder("good"), Recorder("bad", failures=1)
    there_are(monkeypatch, bad, good)
    message = put(to=wants(make.user(), ("bad", "ALWAYS"), ("good", "ALWAYS")))

    drain(clock)
    clock.now += timedelta(minutes=1)
    drain(clock)

    message.refresh_from_db()
    assert (len(good.sent), len(bad.sent)) == (1, 1)
    assert set(message.delivered) == {"good", "bad"}
    assert message.state == "SENT"


def test_a_message_that_cannot_be_written_is_tried_again_and_given_up(clock, kind, recorder):
    kind.render = lambda message: 1 / 0
    message, other = put("broken"), put("good")
    kind.render = lambda m: Text("S", "B") if m.key == "good" else 1 / 0

    drain(clock)

    message.refresh_from_db()
    other.refresh_from_db()
    assert (message.state, other.state) == ("PENDING", "SENT")
    assert message.last_error.startswith("ZeroDivisionError")


def test_a_kind_that_nobody_knows_is_kept_and_named(clock, recorder):
    outbox.put([outbox.Draft(key="old", kind="of-an-older-version", to=make.user().pk)], at=AT)

    drain(clock)

    found = Message.objects.get()
    assert found.state == "PENDING"
    assert "UnknownKind" in found.last_error


def test_a_message_under_a_lease_is_left_to_its_sender(clock, kind, recorder):
    put()
    claimed = deliver._claim(due_before=AT)
    assert len(claimed) == 1

    assert drain(clock) == 0
    clock.now += deliver.LEASE
    assert drain(clock) == 0


def test_when_a_sender_dies_another_takes_over_after_the_lease(clock, kind, recorder):
    message = put()
    (claimed,) = deliver._claim(due_before=AT)
    assert deliver._begin(claimed)

    clock.now += deliver.LEASE + timedelta(seconds=1)
    assert drain(clock, driver="sweep") == 1

    message.refresh_from_db()
    # The attempt of the dead sender counts, so that a message cannot kill for ever.
    assert (message.state, message.attempts, message.driver) == ("SENT", 2, "sweep")


def test_who_was_claimed_with_a_killer_loses_no_attempt(clock, kind, recorder):
    put("killer"), put("other")
    claimed = deliver._claim(due_before=AT)
    deliver._begin(claimed[0])

    clock.now += deliver.LEASE + timedelta(seconds=1)
    drain(clock)

    assert dict(Message.objects.values_list("key", "attempts")) == {"killer": 2, "other": 1}


def test_a_message_that_kills_every_sender_is_given_up(clock, kind, recorder):
    message = put()

    for _ in range(deliver.MOST_ATTEMPTS):
        (claimed,) = deliver._claim(due_before=AT)
        assert deliver._begin(claimed)
        clock.now += deliver.LEASE + timedelta(seconds=1)
    drain(clock)

    message.refresh_from_db()
    assert (message.state, recorder.sent) == ("DEAD", [])
    assert "died" in message.last_error


def test_a_sender_that_was_overtaken_sends_and_writes_no_more(clock, kind, recorder):
    message = put()
    (slow,) = deliver._claim(due_before=AT)
    clock.now += deliver.LEASE + timedelta(seconds=1)
    drain(clock, driver="quick")

    deliver._deliver(slow, driver="slow", rests=rests.Rests())

    message.refresh_from_db()
    assert len(recorder.sent) == 1
    assert (message.state, message.attempts, message.driver) == ("SENT", 1, "quick")


def test_somebody_without_a_channel_has_it_in_their_inbox(clock, kind, monkeypatch):
    monkeypatch.setattr(channels, "ALL", ())
    message = put()

    drain(clock)

    message.refresh_from_db()
    assert (message.state, message.delivered) == ("SENT", {})


def test_a_batch_has_a_bound_and_a_drain_goes_on(clock, kind, recorder):
    to = make.user()
    outbox.put(
        [outbox.Draft(key=f"k{n}", kind="test", to=to.pk) for n in range(deliver.BATCH + 5)],
        at=AT,
    )

    assert drain(clock) == deliver.BATCH
    assert jobs.drain("outbox", driver="test", due_before=AT) == 5


def test_the_oldest_waiting_message_is_known(clock, kind, recorder):
    assert deliver.oldest() is None
    put("late", at=AT + timedelta(hours=1))
    put("early")

    assert deliver.oldest() == AT
    drain(clock)
    assert deliver.oldest() == AT + timedelta(hours=1)


# --- E-mail -------------------------------------------------------------------------------------


def test_an_email_has_its_facts_its_link_and_its_key(clock, kind):
    kind.render = lambda message: Text(
        "Hot lead: Zoë\nBcc: evil@example.com",
        "It is <b>yours</b>.",
        facts=[("Company", "A & B <script>")],
        url="https://leads.example/leads/5/",
        action="Open the lead",
    )
    user = make.user("zoe")
    put(to=user)

    drain(clock)

    (sent,) = mail.outbox
    assert sent.to == [user.email]
    assert sent.subject == "Hot lead: Zoë Bcc: evil@example.com"
    assert sent.extra_headers == {"X-Message-Key": "k"}
    assert "https://leads.example/leads/5/" in sent.body
    html = sent.alternatives[0].content
    assert "https://leads.example/leads/5/" in html
    assert "<script>" not in html
    assert "<b>yours" not in html


def test_who_wants_no_email_gets_none(clock, kind):
    message = put(to=wants(make.user(), ("email", "OFF")))

    drain(clock)

    message.refresh_from_db()
    assert (message.state, mail.outbox) == ("SENT", [])


def test_who_has_no_address_gets_no_email(clock, kind):
    user = make.user()
    user.email = ""
    user.save()
    put(to=user)

    drain(clock)

    assert mail.outbox == []


# --- Several ways -------------------------------------------------------------------------------


def attempts_of(message):
    return list(message.deliveries.values_list("channel", "outcome"))


def test_every_attempt_is_on_record(clock, kind, recorder):
    message = put()
    recorder.failures = 1

    drain(clock)
    clock.now += timedelta(seconds=5)
    drain(clock, driver="sweep")

    failed, taken = message.deliveries.all()
    assert (failed.outcome, failed.at, failed.driver) == ("FAILED", AT, "test")
    assert failed.detail == "OSError: the other side is away"
    assert (taken.outcome, taken.driver, taken.provider_id) == ("TAKEN", "sweep", "recorder-1")
    assert taken.body is None


def test_everyone_is_told_by_what_they_always_want_and_of_urgent_things_by_more(
    clock, kind, monkeypatch
):
    there_are(monkeypatch, *map(Recorder, ("a", "b", "c", "d")))
    wishes = (("c", "URGENT"), ("a", "ALWAYS"), ("b", "FALLBACK"), ("d", "OFF"))
    user = wants(make.user(), *wishes)
    plain, urgent = put("plain", to=user), put("urgent", to=user, urgent=True)

    drain(clock)

    assert attempts_of(plain) == [("a", "TAKEN")]
    assert attempts_of(urgent) == [("c", "TAKEN"), ("a", "TAKEN")]


def test_what_fails_twice_falls_over_to_the_next_and_is_left_alone(clock, kind, monkeypatch):
    bad, poor, good = Recorder("bad", failures=99), Recorder("poor", failures=99), Recorder("good")
    there_are(monkeypatch, bad, poor, good, Recorder("spare"))
    wishes = ("bad", "ALWAYS"), ("poor", "FALLBACK"), ("good", "FALLBACK"), ("spare", "FALLBACK")
    message = put(to=wants(make.user(), *wishes))

    drain(clock)
    assert attempts_of(message) == [("bad", "FAILED")]
    clock.now += timedelta(minutes=1)
    drain(clock)
    clock.now += timedelta(hours=5)
    drain(clock)

    message.refresh_from_db()
    assert attempts_of(message)[1:] == [("bad", "FAILED"), ("poor", "FAILED"), ("good", "TAKEN")]
    assert (message.state, list(message.delivered)) == ("SENT", ["good"])


def test_what_is_refused_for_good_falls_over_at_once(clock, kind, monkeypatch):
    bad = Recorder("bad", failures=99, error=ChannelRefused("no such address"))
    there_are(monkeypatch, bad, Recorder("good"))
    message = put(to=wants(make.user(), ("good", "FALLBACK"), ("bad", "ALWAYS")))

    drain(clock)

    message.refresh_from_db()
    assert attempts_of(message) == [("bad", "REFUSED"), ("good", "TAKEN")]
    assert (message.state, message.last_error) == ("SENT", "Bad: no such address")


def test_what_everybody_refuses_is_given_up_at_once(clock, kind, monkeypatch):
    no = ChannelRefused("no")
    there_are(monkeypatch, *(Recorder(name, failures=1, error=no) for name in ("a", "b")))
    message = put(to=wants(make.user(), ("a", "ALWAYS"), ("b", "FALLBACK")))

    drain(clock)
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("DEAD", 1)

    # A person has mended it: both are asked again.
    deliver.replay(Message.objects.all(), by=make.user(), at=clock.now)
    drain(clock)
    message.refresh_from_db()
    assert (message.state, list(message.delivered)) == ("SENT", ["a"])


def test_who_was_told_by_one_channel_is_told_whatever_becomes_of_the_other(
    clock, kind, monkeypatch
):
    bad = Recorder("bad", failures=99)
    there_are(monkeypatch, bad, Recorder("good"))
    message = put(to=wants(make.user(), ("bad", "ALWAYS"), ("good", "ALWAYS")))

    for _ in range(deliver.MOST_ATTEMPTS):
        drain(clock)
        clock.now += timedelta(hours=2)

    message.refresh_from_db()
    assert (message.state, message.attempts) == ("SENT", deliver.MOST_ATTEMPTS)
    assert message.last_error.startswith("Bad")


def test_a_way_that_cannot_be_used_is_replaced_by_a_fallback(clock, kind, monkeypatch):
    there_are(monkeypatch, Recorder("a"), Recorder("b"))
    user = wants(make.user(), ("a", "ALWAYS"), ("b", "FALLBACK"))
    ChannelChoice.objects.filter(channel="a").update(address="unreachable")
    message = put(to=user)

    drain(clock)

    assert attempts_of(message) == [("b", "TAKEN")]


def test_who_has_no_usable_way_left_gets_an_email(clock, kind):
    user = make.user()
    ChannelChoice.objects.create(user=user, channel="slack", address="")
    ChannelChoice.objects.create(user=user, channel="pigeon")
    put(to=user)

    drain(clock)

    assert [one.to for one in mail.outbox] == [[user.email]]


def test_a_provider_that_asks_for_time_gets_it(clock, kind, recorder):
    message = put()
    recorder.failures = 1
    recorder.error = ChannelFailed("busy", retry_after=timedelta(minutes=7))

    drain(clock)

    message.refresh_from_db()
    assert (message.due_at - AT, message.waits_for) == (timedelta(minutes=7), "RETRY")


def test_a_kind_may_name_the_one_channel_it_leaves_by(clock, monkeypatch):
    there_are(monkeypatch, Recorder("a"), Recorder("b"))
    kinds.register(Kind("answer", lambda message: Text("S", "B"), only="b"))
    user = wants(make.user(), ("a", "ALWAYS"), ("b", "OFF"))
    outbox.put([outbox.Draft(key="k", kind="answer", to=user.pk)], at=AT)

    drain(clock)

    kinds._kinds.pop("answer")
    assert attempts_of(Message.objects.get()) == [("b", "TAKEN")]


# --- Channels that rest -------------------------------------------------------------------------


def test_a_channel_that_fails_in_a_row_rests_for_everybody_while_others_go_on(
    clock, kind, monkeypatch
):
    bad, good = Recorder("bad", failures=99), Recorder("good")
    there_are(monkeypatch, bad, good)
    for number in range(8):
        user = make.user(f"u{number}")
        put(f"bad-{number}", to=wants(user, ("bad", "ALWAYS")))
        put(f"good-{number}", to=wants(make.user(), ("good", "ALWAYS")))

    drain(clock)

    tried = Delivery.objects.filter(channel="bad").count()
    resting = Message.objects.filter(waits_for="REST")
    assert (tried, len(good.sent)) == (rests.IN_A_ROW, 8)
    assert resting.count() == 8 - rests.IN_A_ROW
    # What was not tried has lost no attempt, and waits until the rest is over.
    assert {(one.attempts, one.due_at) for one in resting} == {(0, AT + rests.REST)}

    # Another process knows as well; after the rest one message tries.
    clock.now += timedelta(seconds=30)
    put("later", to=wants(make.user(), ("bad", "ALWAYS")), at=clock.now)
    drain(clock)
    assert Delivery.objects.filter(channel="bad").count() == tried
    clock.now = AT + rests.REST
    bad.failures = 0
    drain(clock)
    assert len(bad.sent) == 9


def test_one_persons_broken_address_is_no_broken_channel(clock, kind, monkeypatch):
    bad = there_are(monkeypatch, Recorder("bad", failures=6))
    ann = wants(make.user(), ("bad", "ALWAYS"))
    for number in range(6):
        put(f"ann-{number}", to=ann)
    put("zoe", to=wants(make.user(), ("bad", "ALWAYS")))

    drain(clock)

    assert [key for _, key, _ in bad.sent] == ["zoe"]


def test_a_provider_that_hangs_costs_the_others_one_time_out(clock, kind, monkeypatch):
    hangs, good = Recorder("hangs", failures=99), Recorder("good")
    there_are(monkeypatch, hangs, good)
    ticks = iter(range(0, 10_000, 10))
    monkeypatch.setattr("reps.post.attempts.time.monotonic", lambda: next(ticks))
    for number in range(5):
        put(f"hangs-{number}", to=wants(make.user(), ("hangs", "ALWAYS")))
        put(f"good-{number}", to=wants(make.user(), ("good", "ALWAYS")))

    drain(clock)

    assert Delivery.objects.filter(channel="hangs").count() == 1
    assert len(good.sent) == 5


def test_where_a_channel_rests_another_takes_its_place_at_once(clock, kind, monkeypatch):
    hangs = Recorder("hangs")
    there_are(monkeypatch, hangs, Recorder("good"))
    old = put("old")
    Delivery.objects.create(
        message=old, channel="hangs", at=AT, outcome="FAILED", seconds=rests.HUNG
    )
    message = put(to=wants(make.user(), ("hangs", "ALWAYS"), ("good", "FALLBACK")))

    drain(clock)

    assert attempts_of(message) == [("good", "TAKEN")]


# --- The demo: nothing leaves -------------------------------------------------------------------


def test_in_the_demo_nothing_leaves_and_what_would_have_is_kept(clock, kind, monkeypatch, settings):
    settings.OUTBOX_KEEPS = True
    channel = there_are(monkeypatch, Recorder("a"))
    message = put(to=wants(make.user(), ("a", "ALWAYS")))

    drain(clock)

    row = message.deliveries.get()
    message.refresh_from_db()
    assert (channel.sent, message.state) == ([], "SENT")
    assert (row.outcome, row.detail, row.body) == ("TAKEN", "demo: shown, not sent", {"to": "x"})


def test_in_the_demo_a_secret_is_not_kept(clock, monkeypatch, settings):
    settings.OUTBOX_KEEPS = True
    there_are(monkeypatch, Recorder("a"))
    kinds.register(Kind("secret", lambda message: Text("S", "B"), secret=True))
    user = wants(make.user(), ("a", "ALWAYS"))
    outbox.put([outbox.Draft(key="k", kind="secret", to=user.pk)], at=AT)

    drain(clock)

    kinds._kinds.pop("secret")
    assert Delivery.objects.get().body is None


# --- A hot lead ---------------------------------------------------------------------------------


def test_a_hot_leads_message_leaves_in_the_round_in_which_the_lead_came(monkeypatch):
    make.organisation()
    ann = make.rep("ann")
    make.rules(make.round_robin(make.pool(ann)))
    make.submission({"name": "Zoë Lee", "hand_raise": True})
    sweep = Sweep()

    handled = sweep.round()

    assert handled["intake"] == handled["route"] == handled["outbox"] == 1
    (sent,) = mail.outbox
    assert sent.to == [ann.user.email]
    assert sent.subject == "Hot lead: Zoë Lee"


def test_a_former_owner_is_never_told(clock):
    from routing import work

    make.organisation()
    ann, ben = make.rep("ann"), make.rep("ben")
    lead = make.owned(ann)
    work.move_by_hand(
        lead_id=lead.pk, epoch=1, to=ben, reason="x", by=make.user(), at=AT, driver="test"
    )

    drain(clock)

    assert [one.to for one in mail.outbox] == [[ben.user.email]]
    assert Message.objects.get(recipient=ann.user).state == "DROPPED"
    assert process.oldest() is None
