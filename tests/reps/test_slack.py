"""Slack's wire format, against a receiver that answers like Slack."""

import json
import logging
import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from reps.due.loop import Sweep
from reps.models import Message, NotificationPreference
from reps.post import deliver
from reps.post.channels import slack
from reps.post.channels.slack import ForeignWebhook, check_address, payload
from reps.post.kinds import Text
from tests import make

AT = make.MONDAY_9AM


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.send_response(status)
        if status in (301, 302, 307):
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_GET(self):
        self.server.got.append((self.path, dict(self.headers), b""))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


@contextmanager
def receiver(*answers):
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    server.got, server.answers = [], list(answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = AT

        def __call__(self):
            return self.now

    found = Clock()
    monkeypatch.setattr(deliver, "database_now", found)
    return found


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def wants_slack(user, server, settings):
    host = f"127.0.0.1:{server.server_port}"
    settings.SLACK_HOSTS = [host]
    NotificationPreference.objects.create(
        user=user, by_email=False, by_slack=True, slack_webhook_url=f"http://{host}/services/T/B/x"
    )


@pytest.fixture
def ann(db):
    make.organisation()
    return make.rep("ann")


PERSON = {"name": "Zoë <Lee> & Sons", "company": "Acme", "title": "CTO", "hand_raise": True}


@pytest.mark.django_db
def test_a_message_arrives_as_slack_documents_it(ann, clock, settings):
    with receiver() as server:
        wants_slack(ann.user, server, settings)
        lead = make.owned(ann, PERSON)

        deliver.drain(driver="test", due_before=AT)

    ((path, headers, body),) = server.got
    message = json.loads(body)
    assert path == "/services/T/B/x"
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Message-Key"] == f"assigned-{lead.pk}-1"
    assert message["text"].startswith("Hot lead: Zoë")
    assert set(message) == {"text", "blocks"}
    sections = [block for block in message["blocks"] if block["type"] == "section"]
    assert sections[0]["text"] == {
        "type": "mrkdwn",
        "text": "*Hot lead: Zoë &lt;Lee&gt; &amp; Sons*",
    }
    fields = next(block["fields"] for block in sections if "fields" in block)
    assert {"type": "mrkdwn", "text": "*Company*\nAcme"} in fields
    assert len(fields) <= 10
    (button,) = message["blocks"][-1]["elements"]
    assert button["type"] == "button"
    assert button["text"]["type"] == "plain_text"
    assert button["url"] == f"{settings.BASE_URL}/leads/{lead.pk}/"
    assert Message.objects.get().state == "SENT"


@pytest.mark.django_db
@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503])
def test_a_refusal_is_tried_again_until_slack_takes_it(ann, clock, settings, status):
    with receiver(status, status) as server:
        wants_slack(ann.user, server, settings)
        make.owned(ann)
        for _ in range(4):
            deliver.drain(driver="test", due_before=clock.now)
            clock.now += timedelta(minutes=1)

    message = Message.objects.get()
    assert len(server.got) == 3
    assert {headers["X-Message-Key"] for _, headers, _ in server.got} == {message.key}
    assert (message.state, message.attempts) == ("SENT", 3)
    assert message.last_error == f"SlackRefused: Slack answered {status}."


@pytest.mark.django_db
def test_a_redirect_is_not_followed(ann, clock, settings):
    with receiver(302) as server:
        wants_slack(ann.user, server, settings)
        make.owned(ann)

        deliver.drain(driver="test", due_before=AT)

    assert [path for path, _, _ in server.got] == ["/services/T/B/x"]
    assert Message.objects.get().state == "PENDING"


@pytest.mark.django_db
def test_a_receiver_that_is_away_costs_a_retry(ann, clock, settings):
    with receiver() as server:
        wants_slack(ann.user, server, settings)
    make.owned(ann)

    deliver.drain(driver="test", due_before=AT)

    assert Message.objects.get().state == "PENDING"
    assert Message.objects.get().last_error


@pytest.mark.django_db
def test_a_hanging_receiver_is_left_after_the_time_out(ann, clock, settings, monkeypatch):
    monkeypatch.setattr(slack, "TIMEOUT", 0.2)
    import socket

    with socket.create_server(("127.0.0.1", 0)) as hanging:
        host = f"127.0.0.1:{hanging.getsockname()[1]}"
        settings.SLACK_HOSTS = [host]
        NotificationPreference.objects.create(
            user=ann.user, by_email=False, by_slack=True, slack_webhook_url=f"http://{host}/x"
        )
        make.owned(ann)

        deliver.drain(driver="test", due_before=AT)

    assert Message.objects.get().state == "PENDING"


@pytest.mark.django_db
def test_a_hot_leads_message_is_with_slack_in_the_same_round(ann, settings):
    make.rules(make.round_robin(make.pool(ann)))
    with receiver() as server:
        wants_slack(ann.user, server, settings)
        make.submission(PERSON)

        Sweep().round()

    assert len(server.got) == 1
    assert b"Hot lead" in server.got[0][2]


@pytest.mark.django_db
def test_who_has_not_asked_for_slack_gets_none(ann, clock, settings):
    with receiver() as server:
        wants_slack(ann.user, server, settings)
        NotificationPreference.objects.update(by_slack=False)
        make.owned(ann)

        deliver.drain(driver="test", due_before=AT)

    assert server.got == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/services/T/B/x",
        "https://hooks.slack.com.evil.example/x",
        "https://hooks.slack.com@evil.example/x",
        "https://user:pass@hooks.slack.com/x",
        "https://hooks.slack.com:8443/x",
        "http://hooks.slack.com/services/x",
        "ftp://hooks.slack.com/x",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1/x",
        "http://localhost:8000/x",
        "//hooks.slack.com/x",
        "not a url",
        "",
    ],
)
def test_only_slacks_own_hosts_are_called(settings, url):
    settings.SLACK_HOSTS = ["hooks.slack.com"]

    with pytest.raises(ForeignWebhook):
        check_address(url)


def test_slacks_own_host_is_called(settings):
    settings.SLACK_HOSTS = ["hooks.slack.com"]

    check_address("https://hooks.slack.com/services/T/B/x")


def test_at_most_ten_facts_are_shown():
    text = Text("S", "", facts=[(f"n{n}", "v") for n in range(15)])

    sections = [block for block in payload(text)["blocks"] if "fields" in block]

    assert len(sections[0]["fields"]) == 10


def test_a_text_without_facts_and_link_is_one_block():
    assert payload(Text("Subject", "")) == {
        "text": "Subject",
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*Subject*"}}],
    }
