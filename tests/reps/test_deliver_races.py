"""Several senders at once: each attempt is one sender's, each storm one digest."""

import threading
import time
from collections import Counter

import pytest
from django.db import connection

from reps.due import jobs
from reps.models import ChannelChoice, Message
from reps.post import channels, deliver, digest, kinds, outbox
from reps.post.channels.base import Taken, Wire
from reps.post.kinds import Kind, Text
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db(transaction=True)
SENDERS = 4


class Slow:
    """A channel that takes a moment, so that senders meet."""

    name = label = "slow"
    address = ""

    def __init__(self):
        self.sent = []

    def is_set_up(self):
        return True

    def reaches(self, user, choice):
        return True

    def build(self, text, *, to, choice, message):
        return [Wire(url="", body=message.key)]

    def hand_over(self, wire):
        time.sleep(0.005)
        self.sent.append(wire.body)
        return Taken()


@pytest.fixture
def slow(monkeypatch):
    found = Slow()
    monkeypatch.setattr(channels, "ALL", (found,))
    lines = lambda messages, reader: {one.pk: one.key for one in messages}  # noqa: E731
    kinds.register(Kind("test", lambda message: Text("S", "B"), lines=lines))
    yield found
    kinds._kinds.pop("test")


def people(number):
    users = [make.user() for _ in range(number)]
    for user in users:
        ChannelChoice.objects.create(user=user, channel="slow")
    return users


def send_from_many_at_once():
    barrier, failures = threading.Barrier(SENDERS), []

    def work(name):
        try:
            barrier.wait()
            jobs.drain("outbox", driver=name, due_before=AT)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(f"s{n}",)) for n in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_many_senders_hand_each_message_over_once(slow):
    users = people(30)
    outbox.put(
        [
            outbox.Draft(key=f"{user.pk}-{n}", kind="test", to=user.pk)
            for user in users
            for n in range(digest.AT_ONCE)
        ],
        at=AT,
    )

    send_from_many_at_once()

    assert set(Counter(slow.sent).values()) == {1}
    assert len(slow.sent) == 30 * digest.AT_ONCE
    assert set(Message.objects.values_list("state", "attempts")) == {("SENT", 1)}


def test_many_senders_make_one_digest_of_a_storm(slow):
    users = people(6)
    outbox.put(
        [
            outbox.Draft(key=f"{user.pk}-{n}", kind="test", to=user.pk)
            for user in users
            for n in range(40)
        ],
        at=AT,
    )

    send_from_many_at_once()
    deliver.drain(driver="test", due_before=deliver.database_now())

    digests = Message.objects.filter(kind=digest.KIND)
    assert sorted(digests.values_list("recipient", flat=True)) == [user.pk for user in users]
    assert sorted(slow.sent) == sorted(digests.values_list("key", flat=True))
    assert Message.objects.filter(state="DIGESTED", digest__in=digests).count() == 6 * 40
