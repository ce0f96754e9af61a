"""From a lead to the rep's Slack, through the outbox: what arrives, and when."""

import json
import logging
from datetime import timedelta

import pytest

from reps.due.loop import Sweep
from reps.models import ChannelChoice, Message
from reps.post import deliver
from tests import make
from tests.clock import travel
from tests.reps.receiver import receiving, says

AT = make.MONDAY_9AM
PERSON = {"name": "Zoë <Lee> & Sons", "company": "Acme", "title": "CTO", "hand_raise": True}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def ann():
    make.organisation()
    return make.rep("ann")


def wants_slack(user, at, settings, **fields):
    settings.HOOK_HOSTS_INSIDE = [at.netloc]
    ChannelChoice.objects.create(
        user=user, channel="slack", address=f"{at.url}/services/T/B/x", **fields
    )


def test_a_new_lead_arrives_as_slack_documents_it(ann, settings):
    settings.SLACK_SIGNING_SECRETS = ["s"]
    with travel(AT), receiving() as at:
        wants_slack(ann.user, at, settings)
        lead = make.owned(ann, PERSON)

        deliver.drain(driver="test", due_before=AT)

    (request,) = at.got
    message = json.loads(request.body)
    assert request.path == "/services/T/B/x"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["X-Message-Key"] == f"assigned-{lead.pk}-1"
    assert message["text"].startswith("Hot lead: Zoë")
    sections = [block for block in message["blocks"] if block["type"] == "section"]
    assert sections[0]["text"] == {
        "type": "mrkdwn",
        "text": "*Hot lead: Zoë &lt;Lee&gt; &amp; Sons*",
    }
    fields = next(block["fields"] for block in sections if "fields" in block)
    assert {"type": "mrkdwn", "text": "*Company*\nAcme"} in fields
    acknowledge, link = message["blocks"][-1]["elements"]
    assert (acknowledge["action_id"], bool(acknowledge["value"])) == ("acknowledge", True)
    assert link["url"] == f"{settings.BASE_URL}/leads/{lead.pk}/"
    assert Message.objects.get().state == "SENT"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failure_is_tried_again_with_the_same_key_until_slack_takes_it(ann, settings, status):
    with receiving(says(status), says(status), says(200)) as at:
        wants_slack(ann.user, at, settings)
        with travel(AT):
            make.owned(ann)
        for minute in range(4):
            now = AT + timedelta(minutes=minute)
            with travel(now):
                deliver.drain(driver="test", due_before=now)

    message = Message.objects.get()
    assert len(at.got) == 3
    assert {request.headers["X-Message-Key"] for request in at.got} == {message.key}
    assert (message.state, message.attempts) == ("SENT", 3)


def test_a_hot_leads_message_is_with_slack_in_the_same_round(ann, settings):
    make.rules(make.round_robin(make.pool(ann)))
    with receiving() as at:
        wants_slack(ann.user, at, settings)
        make.submission(PERSON)

        Sweep().round()

    (request,) = at.got
    assert b"Hot lead" in request.body


def test_who_has_not_asked_for_slack_gets_none(ann, settings):
    with travel(AT), receiving() as at:
        wants_slack(ann.user, at, settings, mode="OFF")
        make.owned(ann, PERSON)

        deliver.drain(driver="test", due_before=AT)

    assert at.got == []
