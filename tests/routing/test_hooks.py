"""Buttons in Slack and words in Teams: signed, once, and never for an epoch that has passed."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client

from reps.models import AuditEvent, ChannelChoice, Message
from reps.post import channels, deliver, kinds, signatures
from routing.models import Lead
from tests import make
from tests.clock import travel
from tests.reps.receiver import receiving
from tests.routing.test_onetap import AT, PERSON, fresh, move, token

SECRET, NEW_SECRET = "8f742231b10e8888abcd99yyyzzz85a5", "another-secret"
REPLY = "https://hooks.slack.com/actions/T1/2/x"
TEAMS = base64.b64encode(b"a shared security token").decode()


@pytest.fixture(autouse=True)
def moment(settings):
    settings.SLACK_SIGNING_SECRETS, settings.TEAMS_OUTGOING_SECRETS = [SECRET], [TEAMS]
    with travel(AT):
        yield


@pytest.fixture
def ann(db):
    make.organisation()
    return make.rep("ann")


@pytest.fixture
def lead(ann):
    return make.owned(ann, PERSON)


def pressed(value, *, action="acknowledge", kind="block_actions", **more):
    payload = {
        "type": kind,
        "user": {"id": "U1"},
        "trigger_id": "1.2",
        "response_url": REPLY,
        "actions": [{"type": "button", "action_id": action, "value": value}],
        **more,
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def signature(body, at=AT, secret=SECRET):
    signed = b"v0:%d:%s" % (int(at.timestamp()), body)
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def slack(body, *, at=AT, signed=None, **headers):
    return Client(enforce_csrf_checks=True).post(
        "/hooks/slack/",
        body,
        content_type="application/x-www-form-urlencoded",
        headers={
            "X-Slack-Request-Timestamp": str(int(at.timestamp())),
            "X-Slack-Signature": signature(body, at) if signed is None else signed,
            **headers,
        },
    )


# --- Slack's signature ---------------------------------------------------------------------


def test_the_signature_is_the_one_that_slack_documents():
    """The worked example of "Verifying requests from Slack"."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id="
        b"G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-"
        b"collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700"
        b"885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2"
        b"c447fce8b6703c"
    )

    assert signatures.slack(
        body,
        timestamp="1531420618",
        signature="v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        secrets=[SECRET],
        now=1531420618,
    )


def test_not_one_of_ten_thousand_altered_requests_is_taken():
    body, stamp = pressed("token" * 40), str(int(AT.timestamp()))
    good = signature(body)

    def taken(body, timestamp, signed):
        return signatures.slack(
            body,
            timestamp=timestamp,
            signature=signed,
            secrets=[SECRET, NEW_SECRET],
            now=AT.timestamp(),
        )

    altered = 0
    for at in range(len(body)):
        for bit in range(8):
            one = body[:at] + bytes([body[at] ^ (1 << bit)]) + body[at + 1 :]
            altered += 1
            assert not taken(one, stamp, good)
    for at in range(len(good)):
        for code in range(33, 127):
            if chr(code) != good[at]:
                altered += 1
                assert not taken(body, stamp, good[:at] + chr(code) + good[at + 1 :])
    for at in range(len(stamp)):
        for digit in "0123456789x ":
            if digit != stamp[at]:
                altered += 1
                assert not taken(body, stamp[:at] + digit + stamp[at + 1 :], good)
    assert altered > 10_000
    assert taken(body, stamp, good)
    assert taken(body, stamp, signature(body, secret=NEW_SECRET))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0="},
        {"X-Slack-Signature": "é"},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "now"},
        {"X-Slack-Request-Timestamp": "９"},
        {"X-Slack-Request-Timestamp": "-1"},
        {"X-Slack-Request-Timestamp": "1" * 400},
    ],
)
def test_what_is_not_signed_is_refused(headers):
    assert slack(b"payload={}", **headers).status_code == 401


@pytest.mark.django_db
def test_without_a_secret_nothing_is_taken(settings):
    settings.SLACK_SIGNING_SECRETS = []

    assert slack(b"payload={}", signed=signature(b"payload={}", secret="")).status_code == 401


@pytest.mark.django_db
def test_a_body_that_is_too_large_is_not_read(ann):
    assert slack(b"x" * (64 * 1024 + 1)).status_code == 413


# --- What a button does --------------------------------------------------------------------


@pytest.mark.django_db
def test_a_pressed_button_acknowledges_and_its_answer_waits_in_the_outbox(ann, lead):
    answer = slack(pressed(token(lead, ann.user)))

    assert (answer.status_code, answer.content) == (200, b"")
    assert fresh(lead).acknowledged_at == AT
    assert AuditEvent.objects.get(kind="acknowledged").data["driver"] == "slack"
    message = Message.objects.get(kind="slack_answer")
    assert message.recipient == ann.user
    assert message.payload["response_url"] == REPLY


@pytest.mark.django_db
def test_a_pressed_button_claims(ann):
    queue = make.queue(make.pool(ann))
    waiting = make.queued(queue, PERSON)

    slack(pressed(token(waiting, ann.user, "claim"), action="claim"))

    assert fresh(waiting).owner == ann


@pytest.mark.django_db
def test_a_button_of_an_epoch_that_has_passed_says_so_and_does_nothing(ann, lead):
    body = pressed(token(lead, ann.user))
    move(lead, to=make.rep("ben"))

    assert slack(body).status_code == 200

    assert fresh(lead).acknowledged_at is None
    message = Message.objects.get(kind="slack_answer")
    text = kinds.get(message.kind).render(message)
    assert "moved on" in text.subject
    assert "Zoë" not in f"{text}"


@pytest.mark.django_db
@pytest.mark.parametrize(("later", "status"), [(1, 200), (299, 200), (300, 200), (301, 401)])
def test_a_replayed_request_has_no_second_effect(ann, lead, later, status):
    body = pressed(token(lead, ann.user))
    slack(body)
    events, messages = AuditEvent.objects.count(), Message.objects.count()

    with travel(AT + timedelta(seconds=later)):
        assert slack(body, at=AT).status_code == status

    assert AuditEvent.objects.count() == events
    assert Message.objects.count() == messages


@pytest.mark.django_db
def test_a_request_from_the_future_is_refused(ann, lead):
    body = pressed(token(lead, ann.user))

    assert slack(body, at=AT + timedelta(seconds=301)).status_code == 401
    assert fresh(lead).acknowledged_at is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"payload=",
        b"payload=[]",
        b"payload=null",
        b"payload=%7B%7D",
        b"\xff\xfe",
        pressed("not a token"),
        pressed(""),
        pressed(None),
        pressed({"a": 1}),
        pressed("x", action="open"),
        pressed("x", kind="view_submission"),
        pressed("x", actions=[]),
        pressed("x", actions=[{}, {}]),
    ],
)
def test_what_holds_no_act_of_ours_is_answered_and_left(ann, lead, body):
    assert slack(body).status_code == 200
    assert not Message.objects.filter(kind="slack_answer").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url", ["https://evil.example/x", "http://127.0.0.1/x", "http://hooks.slack.com/x", "", 7]
)
def test_an_answer_goes_to_slack_only_and_the_act_stands(ann, lead, url):
    slack(pressed(token(lead, ann.user), response_url=url))

    assert fresh(lead).acknowledged_at == AT
    assert not Message.objects.filter(kind="slack_answer").exists()


@pytest.mark.django_db
def test_the_answer_replaces_the_message_and_goes_nowhere_else(ann, lead, settings):
    ChannelChoice.objects.create(user=ann.user, channel="email")
    with receiving() as at:
        settings.HOOK_HOSTS_INSIDE = [at.netloc]
        slack(pressed(token(lead, ann.user), response_url=f"{at.url}/reply"))
        Message.objects.exclude(kind="slack_answer").delete()
        deliver.drain(driver="test", due_before=AT)

    (request,) = at.got
    body = json.loads(request.body)
    assert request.path == "/reply"
    assert body["replace_original"] is True
    assert "Acknowledged" in body["text"]
    message = Message.objects.get(kind="slack_answer")
    assert list(message.delivered) == ["slack_reply"]


@pytest.mark.django_db
def test_an_answer_that_is_half_an_hour_old_is_dropped(ann, lead):
    slack(pressed(token(lead, ann.user)))
    message = Message.objects.get(kind="slack_answer")

    with travel(AT + timedelta(minutes=31)):
        assert not kinds.get("slack_answer").still_wanted(message)


def test_nobody_chooses_the_way_back():
    assert "slack_reply" not in [one.name for one in channels.ALL]
    assert channels.get("slack_reply").label


# --- Teams ---------------------------------------------------------------------------------


def teams(text, *, secret=TEAMS, authorization=None):
    body = json.dumps({"type": "message", "text": text}).encode()
    made = hmac.new(base64.b64decode(secret), body, hashlib.sha256).digest()
    return Client(enforce_csrf_checks=True).post(
        "/hooks/teams/",
        body,
        content_type="application/json",
        headers={"Authorization": authorization or f"HMAC {base64.b64encode(made).decode()}"},
    )


@pytest.mark.django_db
@pytest.mark.parametrize("said", ["ack", "acknowledge"])
def test_a_word_in_teams_acknowledges_and_is_answered_there(ann, lead, said):
    answer = teams(f"<at>Routing</at>&nbsp;{said} {token(lead, ann.user)}\n")

    assert answer.json()["type"] == "message"
    assert "Acknowledged" in answer.json()["text"]
    assert fresh(lead).acknowledged_at == AT


@pytest.mark.django_db
def test_a_word_in_teams_claims(ann):
    waiting = make.queued(make.queue(make.pool(ann)), PERSON)

    teams(f"<at>Routing</at> claim {token(waiting, ann.user, 'claim')}")

    assert fresh(waiting).owner == ann


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<at>Routing</at> hello", "Write"),
        ("", "Write"),
        ("ack nonsense", "does not work"),
        ("claim {token}", "something else"),
    ],
)
def test_other_words_are_answered_and_do_nothing(ann, lead, text, words):
    answer = teams(text.format(token=token(lead, ann.user)))

    assert words in answer.json()["text"]
    assert fresh(lead).acknowledged_at is None


@pytest.mark.django_db
def test_an_epoch_that_has_passed_is_said_in_teams(ann, lead):
    code = token(lead, ann.user)
    move(lead, to=make.rep("ben"))

    assert "moved on" in teams(f"ack {code}").json()["text"]


@pytest.mark.django_db
@pytest.mark.parametrize("authorization", ["HMAC x", "Bearer y", "HMAC", " "])
def test_teams_must_sign_too(ann, lead, authorization):
    answer = teams(f"ack {token(lead, ann.user)}", authorization=authorization)

    assert answer.status_code == 401
    assert fresh(lead).acknowledged_at is None


@pytest.mark.django_db
def test_without_a_secret_for_teams_nothing_is_taken(ann, lead, settings):
    code = f"ack {token(lead, ann.user)}"
    other = base64.b64encode(b"somebody else's").decode()
    assert teams(code, secret=other).status_code == 401
    for secrets in ([], ["no base64!"], [""]):
        settings.TEAMS_OUTGOING_SECRETS = secrets
        assert teams(code).status_code == 401
        empty = hmac.new(b"", json.dumps({"text": code}).encode(), hashlib.sha256).digest()
        signed = f"HMAC {base64.b64encode(empty).decode()}"
        assert teams(code, authorization=signed).status_code == 401
    assert Lead.objects.get().acknowledged_at is None
