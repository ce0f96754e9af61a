"""Messages are written with the change they tell of: together or not at all, and once."""

from datetime import timedelta

import pytest
from django.db import transaction

from reps.models import Message
from reps.post import kinds, outbox
from reps.post.kinds import Kind, Text, UnknownKind
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


def draft(key="k", **more) -> outbox.Draft:
    more.setdefault("to", make.user().pk)
    return outbox.Draft(key=key, kind="test", **more)


def test_a_message_waits_from_the_moment_of_the_change():
    outbox.put([draft(payload={"lead": 5}, urgent=True)], at=AT)

    found = Message.objects.get()
    assert (found.state, found.created_at, found.due_at, found.attempts) == ("PENDING", AT, AT, 0)
    assert (found.payload, found.urgent, found.delivered) == ({"lead": 5}, True, {})


def test_the_same_key_twice_is_one_message():
    outbox.put([draft(payload={"n": 1})], at=AT)
    outbox.put([draft(payload={"n": 2})], at=AT + timedelta(hours=1))

    assert Message.objects.get().payload == {"n": 1}


def test_the_same_key_twice_in_one_call_is_one_message():
    outbox.put([draft(), draft(), draft("other")], at=AT)

    assert Message.objects.count() == 2


def test_a_change_that_is_rolled_back_tells_nobody():
    def fails():
        with transaction.atomic():
            outbox.put([draft()], at=AT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()

    assert not Message.objects.exists()


def test_nothing_to_say_is_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        outbox.put([], at=AT)


def test_many_cost_as_much_as_one(django_assert_num_queries):
    to = make.user().pk

    for size in (1, 30):
        drafts = [draft(f"{size}-{n}", to=to) for n in range(size)]
        with django_assert_num_queries(1):
            outbox.put(drafts, at=AT)


def test_a_kind_is_known_by_its_name():
    kind = Kind("test-of-kinds", lambda message: Text("s", "b"))
    kinds.register(kind)
    try:
        assert kinds.get("test-of-kinds") is kind
        assert kind.still_wanted(Message())
    finally:
        kinds._kinds.pop("test-of-kinds")


def test_an_unknown_kind_is_named():
    with pytest.raises(UnknownKind, match="nonsense"):
        kinds.get("nonsense")


def test_putting_a_message_rings_after_the_commit(django_capture_on_commit_callbacks):
    from reps.due import doorbell

    rung = []
    doorbell.connect(rung.append)

    with django_capture_on_commit_callbacks(execute=True):
        outbox.put([draft()], at=AT)
        assert rung == []

    assert rung == ["outbox"]
