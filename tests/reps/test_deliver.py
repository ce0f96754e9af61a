"""Delivery: at least once, under a lease, with back-off, and visibly given up."""

import logging
from datetime import timedelta

import pytest
from django.core import mail

from reps.due import jobs
from reps.due.loop import Sweep
from reps.models import Message, NotificationPreference
from reps.post import channels, deliver, kinds, outbox
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

    def __init__(self, name="recorder", failures=0):
        self.name, self.failures, self.sent = name, failures, []

    def wanted(self, user, preference):
        return True

    def send(self, text, *, to, key):
        if self.failures:
            self.failures -= 1
            raise OSError("the other side is away")
        self.sent.append((to.username, key, text.subject))


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
    found = Recorder()
    monkeypatch.setattr(channels, "ALL", (found,))
    return found


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
    assert message.last_error == "OSError: the other side is away"
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

    deliver.replay(message=message, at=clock.now)
    message.refresh_from_db()
    assert (message.state, message.attempts, message.done_at) == ("PENDING", 0, None)
    drain(clock)

    message.refresh_from_db()
    assert (message.state, len(recorder.sent)) == ("SENT", 1)


def test_only_what_was_given_up_is_replayed(clock, kind, recorder):
    message = put()
    drain(clock)

    deliver.replay(message=message, at=AT)

    message.refresh_from_db()
    assert message.state == "SENT"


def test_a_retry_repeats_only_the_channel_that_failed(clock, kind, monkeypatch):
    good, bad = Recorder("good"), Recorder("bad", failures=1)
    monkeypatch.setattr(channels, "ALL", (bad, good))
    message = put()

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
    deliver._claim(due_before=AT)

    clock.now += deliver.LEASE + timedelta(seconds=1)
    assert drain(clock, driver="sweep") == 1

    message.refresh_from_db()
    # The attempt of the dead sender counts, so that a message cannot kill for ever.
    assert (message.state, message.attempts, message.driver) == ("SENT", 2, "sweep")


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
    user = make.user()
    NotificationPreference.objects.create(user=user, by_email=False)
    message = put(to=user)

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
