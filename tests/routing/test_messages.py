"""What people are told: rendered when it is sent, dropped when it is no longer true."""

from datetime import timedelta

import pytest

from reps.models import Message
from reps.post import kinds
from routing import work
from routing.intake import process
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    make.organisation()
    return make.rep("ann", team=make.team("North", manager=make.user("boss")))


def rendered(message: Message) -> kinds.Text:
    return kinds.get(message.kind).render(message)


def wanted(message: Message) -> bool:
    return kinds.get(message.kind).still_wanted(message)


PERSON = {
    "name": "Zoë Lee",
    "company": "Acme",
    "title": "CTO",
    "phone": "+4930123456",
    "product_interest": "Suite",
}


def test_a_new_owner_reads_the_key_facts_and_where_to_act(ann, settings):
    lead = make.owned(ann, PERSON)
    message = Message.objects.get(kind="lead_assigned")

    text = rendered(message)

    assert text.subject == "New lead: Zoë Lee"
    assert set(text.facts) >= {
        ("Person", "Zoë Lee"),
        ("Company", "Acme"),
        ("Title", "CTO"),
        ("Phone", "+4930123456"),
        ("Interest", "Suite"),
    }
    assert text.url == f"{settings.BASE_URL}/leads/{lead.pk}/"
    assert text.action


def test_a_hot_lead_says_so(ann):
    make.owned(ann, {**PERSON, "hand_raise": True})

    message = Message.objects.get(kind="lead_assigned")

    assert message.urgent
    assert rendered(message).subject.startswith("Hot lead")


def test_the_payload_holds_ids_only(ann):
    lead = make.owned(ann, PERSON)
    work.request_reassignment(lead_id=lead.pk, epoch=1, reason="Too far", by=ann.user, at=AT)

    for message in Message.objects.all():
        assert all(isinstance(value, int) for value in message.payload.values())


def test_a_former_owner_is_not_told(ann):
    lead = make.owned(ann)
    message = Message.objects.get(kind="lead_assigned", recipient=ann.user)
    assert wanted(message)

    work.decline(lead_id=lead.pk, epoch=1, reason="No", by=ann.user, at=AT, driver="test")

    assert not wanted(message)


def test_an_owner_is_told_that_their_person_asked_again(ann):
    lead = make.owned(ann, {**PERSON, "email": "zoe@acme.example"})
    make.submission({"email": "zoe@acme.example", "hand_raise": True})
    process.drain(driver="test", due_before=AT)
    message = Message.objects.get(kind="lead_raised_again")

    assert rendered(message).subject == "Zoë Lee asked again"
    assert wanted(message)
    work.decline(lead_id=lead.pk, epoch=1, reason="No", by=ann.user, at=AT, driver="test")
    assert not wanted(message)


def test_a_manager_reads_who_asks_and_why(ann):
    ben = make.rep("ben")
    lead = make.owned(ann, PERSON)
    request = work.request_reassignment(
        lead_id=lead.pk, epoch=1, reason="Too far away", by=ann.user, at=AT, wanted=ben
    )
    message = Message.objects.get(kind="reassignment_requested")

    text = rendered(message)

    assert text.subject == "ann asks to pass on Zoë Lee"
    assert text.body == "Too far away"
    assert text.facts == [("Wanted", "ben")]
    assert wanted(message)
    work.refuse(request_id=request.pk, answer="No", by=make.user(), at=AT)
    assert not wanted(message)


@pytest.mark.parametrize("granted", [True, False])
def test_a_rep_reads_what_became_of_their_request(ann, granted):
    ben, boss = make.rep("ben"), make.user()
    lead = make.owned(ann)
    request = work.request_reassignment(
        lead_id=lead.pk, epoch=1, reason="Too far", by=ann.user, at=AT, wanted=ben
    )
    if granted:
        work.approve(request_id=request.pk, to=None, answer="Fine", by=boss, at=AT, driver="test")
    else:
        work.refuse(request_id=request.pk, answer="Stay with it", by=boss, at=AT)

    text = rendered(Message.objects.get(kind="reassignment_decided"))

    assert ("approved" if granted else "refused") in text.subject
    assert text.body == ("Fine" if granted else "Stay with it")


def test_the_same_news_is_queued_once(ann):
    make.owned(ann)
    keys = list(Message.objects.values_list("key", flat=True))

    assert len(keys) == len(set(keys)) == 1


def test_every_kind_that_is_queued_can_be_rendered(ann):
    make.policy(budget=60)
    lead = make.owned(ann, {"hand_raise": True})
    work.request_reassignment(lead_id=lead.pk, epoch=1, reason="x", by=ann.user, at=AT)
    from reps.due import jobs

    for minute in range(1, 6):
        jobs.drain("clocks", driver="test", due_before=AT + timedelta(minutes=minute))

    assert {message.kind for message in Message.objects.all()} >= {
        "lead_assigned",
        "reassignment_requested",
        "clock_step",
    }
    for message in Message.objects.all():
        text = rendered(message)
        assert text.subject
        assert text.url.startswith("http")
