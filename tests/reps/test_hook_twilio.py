"""What a provider of short messages reports later: it arrived, or another channel is asked."""

import base64
import hashlib
import hmac
import logging
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.core import mail
from django.test import Client

from reps.models import ChannelChoice, Delivery, Message
from reps.post import deliver, kinds, outbox, signatures
from reps.post.kinds import Kind, Text
from tests import make
from tests.clock import travel
from tests.reps.receiver import receiving, says

AT = make.MONDAY_9AM
TOKEN = "12345"
URL = "https://leads.example/hooks/twilio/"


@pytest.fixture(autouse=True)
def moment(settings):
    settings.TWILIO_AUTH_TOKENS, settings.BASE_URL = [TOKEN], "https://leads.example"
    logging.disable(logging.CRITICAL)
    with travel(AT):
        yield
    logging.disable(logging.NOTSET)


def signed(form, *, url=URL, secret=TOKEN):
    text = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    made = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(made).decode()


def report(signature=None, **form):
    return Client(enforce_csrf_checks=True).post(
        "/hooks/twilio/",
        urlencode(form),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": signed(form) if signature is None else signature},
    )


# --- The signature -------------------------------------------------------------------------


def test_the_signature_is_the_one_that_twilio_documents():
    """The worked example of "Webhooks security"."""
    form = {
        "CallSid": ["CA1234567890ABCDE"],
        "From": ["+12349013030"],
        "To": ["+18005551212"],
        "Caller": ["+12349013030"],
        "Digits": ["1234"],
    }

    assert signatures.twilio(
        "https://mycompany.com/myapp.php?foo=1&bar=2",
        form,
        signature="0/KCTR6DLpKmkAf8muzZqo1nDgQ=",
        secrets=[TOKEN],
    )


def test_not_one_of_ten_thousand_altered_reports_is_taken():
    form = {
        "MessageSid": "SM" + "a1" * 16,
        "MessageStatus": "undelivered",
        "ErrorCode": "30003",
        "To": "+4930901820",
        "AccountSid": "AC" + "b2" * 16,
    }
    good = signed(form)

    def taken(form, signature):
        lists = {name: [value] for name, value in form.items()}
        return signatures.twilio(URL, lists, signature=signature, secrets=["other", TOKEN])

    altered = 0
    for name, value in form.items():
        for at in range(len(value)):
            for code in range(32, 127):
                if chr(code) != value[at]:
                    altered += 1
                    changed = value[:at] + chr(code) + value[at + 1 :]
                    assert not taken({**form, name: changed}, good)
    for at in range(len(good)):
        for code in range(33, 127):
            if chr(code) != good[at]:
                altered += 1
                assert not taken(form, good[:at] + chr(code) + good[at + 1 :])
    assert altered > 10_000
    assert taken(form, good)


@pytest.mark.django_db
def test_what_is_not_signed_for_this_address_is_refused(settings):
    form = {"MessageSid": "SM1", "MessageStatus": "failed"}

    assert report("", **form).status_code == 401
    assert report("é", **form).status_code == 401
    assert report(signed(form, url="https://evil.example/"), **form).status_code == 401
    settings.TWILIO_AUTH_TOKENS = []
    assert report(signed(form, secret=""), **form).status_code == 401


@pytest.mark.django_db
def test_a_body_that_is_too_large_is_not_read():
    assert report(MessageSid="x" * 70_000).status_code == 413


# --- What a report does --------------------------------------------------------------------


@pytest.fixture
def sent(db, settings):
    """A message that went by SMS and was taken; e-mail is there for when that fails."""
    kinds.register(Kind("test", lambda message: Text("Subject", "Body")))
    ann = make.user("ann")
    ChannelChoice.objects.create(user=ann, channel="sms", address="+4930901820", place=1)
    ChannelChoice.objects.create(user=ann, channel="email", mode="FALLBACK", place=2)
    outbox.put([outbox.Draft(key="k", kind="test", to=ann.pk)], at=AT)
    with receiving(says(201, b'{"sid": "SM1"}')) as at:
        settings.HOOK_HOSTS_INSIDE, settings.TWILIO_API = [at.netloc], at.url
        settings.TWILIO_ACCOUNT_SID, settings.TWILIO_SMS_FROM = "AC1", "+15550100"
        deliver.drain(driver="test", due_before=AT)
    yield Message.objects.get(key="k")
    kinds._kinds.pop("test")


def test_a_message_that_arrived_is_confirmed(sent):
    assert (sent.state, list(sent.delivered)) == ("SENT", ["sms"])

    assert report(MessageSid="SM1", MessageStatus="delivered").status_code == 204

    assert Delivery.objects.get().outcome == "CONFIRMED"
    assert Message.objects.get().state == "SENT"


@pytest.mark.parametrize("status", ["failed", "undelivered"])
def test_a_message_that_did_not_arrive_goes_the_next_way(sent, status):
    report(MessageSid="SM1", MessageStatus=status, ErrorCode="30003")

    assert Delivery.objects.get().outcome == "REFUSED"
    assert Delivery.objects.get().detail == f"{status} (30003)"
    assert Message.objects.get().state == "PENDING"

    deliver.drain(driver="test", due_before=AT)

    message = Message.objects.get()
    assert [one.to for one in mail.outbox] == [["ann@reps.test"]]
    assert (message.state, list(message.delivered)) == ("SENT", ["email"])


@pytest.mark.parametrize("later", [1, 299, 301, 86400])
def test_a_report_that_is_told_twice_is_noted_once(sent, later):
    form = {"MessageSid": "SM1", "MessageStatus": "failed"}
    report(**form)
    deliver.drain(driver="test", due_before=AT)

    with travel(AT + timedelta(seconds=later)):
        report(**form)
        report(MessageSid="SM1", MessageStatus="delivered")
        deliver.drain(driver="test", due_before=AT + timedelta(seconds=later))

    assert len(mail.outbox) == 1
    assert Message.objects.get().state == "SENT"
    assert [one.outcome for one in Delivery.objects.all()] == ["REFUSED", "TAKEN"]


def test_what_arrived_cannot_fail_afterwards(sent):
    report(MessageSid="SM1", MessageStatus="delivered")
    report(MessageSid="SM1", MessageStatus="failed")

    assert Delivery.objects.get().outcome == "CONFIRMED"
    assert Message.objects.get().state == "SENT"


@pytest.mark.parametrize(
    "form",
    [
        {"MessageSid": "SM1", "MessageStatus": "sent"},
        {"MessageSid": "SM1", "MessageStatus": "queued"},
        {"MessageSid": "SM2", "MessageStatus": "failed"},
        {"MessageSid": "", "MessageStatus": "failed"},
        {"MessageStatus": "failed"},
        {},
    ],
)
def test_a_report_about_nothing_of_ours_changes_nothing(sent, form):
    assert report(**form).status_code == 204

    assert Delivery.objects.get().outcome == "TAKEN"
    assert Message.objects.get().state == "SENT"


def test_a_message_that_had_its_last_attempt_still_has_one_for_the_next_way(sent):
    Message.objects.update(attempts=deliver.MOST_ATTEMPTS)

    report(MessageSid="SM1", MessageStatus="failed")
    deliver.drain(driver="test", due_before=AT)

    assert Message.objects.get().state == "SENT"
    assert len(mail.outbox) == 1
