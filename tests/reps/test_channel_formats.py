"""The documented wire format of each provider, byte by byte where it matters."""

import base64
import email
import email.policy
import json
import time
from urllib.parse import parse_qs

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.core import mail
from django.template.loader import render_to_string
from py_vapid import Vapid

from reps.models import ChannelChoice, Message, PushSubscription, User
from reps.post import vapid
from reps.post.channels import push, slack, teams, twilio
from reps.post.channels.base import ChannelFailed
from reps.post.kinds import Text
from tests import make
from tests.reps.devices import Device, base64url
from tests.reps.receiver import says
from tests.reps.test_channels import AT, TEXT, TOKEN, provider, wire_of

LONG = Text(
    "S" * 5000,
    "B" * 5000,
    facts=[(f"n{n}", "v" * 3000) for n in range(15)],
    url="https://leads.example/leads/12/",
    acts=TEXT.acts,
)
HOSTILE = Text(
    "Zoë <Lee> & Sons\r\nBcc: all@evil.test",
    "<script>alert(1)</script> [click](https://evil.test)",
    facts=[("Company", "<img src=x onerror=alert(1)>"), ("Note", "*bold* <@U1> <!channel>")],
)


# --- E-mail --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_mail_has_text_html_and_links_that_act(settings):
    ann = make.user("ann")
    with provider("email", settings=settings) as at:
        channel, wire = wire_of("email", ann, at)
        channel.hand_over(wire)

    (sent,) = mail.outbox
    assert sent.to == ["ann@reps.test"]
    assert sent.extra_headers["X-Message-Key"] == "assigned-12-3"
    ((html, kind),) = sent.alternatives
    assert kind == "text/html"
    for body in (sent.body, html):
        assert TEXT.acts[0].url in body
        assert TEXT.url in body
    assert set(wire.shown) == {"subject", "text", "html", "to"}


@pytest.mark.django_db
def test_nothing_that_a_prospect_entered_becomes_a_header_or_a_tag(settings):
    ann = make.user("ann")
    with provider("email", settings=settings) as at:
        channel, wire = wire_of("email", ann, at, text=HOSTILE)
        channel.hand_over(wire)

    (sent,) = mail.outbox
    parsed = email.message_from_bytes(sent.message().as_bytes(), policy=email.policy.default)
    assert parsed["Bcc"] is None
    assert sent.recipients() == ["ann@reps.test"]
    ((html, _kind),) = sent.alternatives
    assert "<script>" not in html
    assert "<img" not in html


# --- Slack ---------------------------------------------------------------------------------


def test_slack_gets_blocks_within_its_limits(settings):
    settings.SLACK_SIGNING_SECRETS = ["s"]
    for text in (TEXT, LONG):
        body = slack.payload(text)
        assert set(body) == {"text", "blocks"}
        assert len(body["blocks"]) <= 50
        for block in body["blocks"]:
            if "text" in block:
                assert 0 < len(block["text"]["text"]) <= 3000
            for one in block.get("fields", ()):
                assert len(one["text"]) <= 2000
            assert len(block.get("fields", ())) <= 10
            for button in block.get("elements", ()):
                assert len(button["text"]["text"]) <= 75
                assert len(button.get("value", "")) <= 2000


def test_with_a_signing_secret_a_button_sends_its_token_back(settings):
    settings.SLACK_SIGNING_SECRETS = ["s"]

    acknowledge, link = slack.payload(TEXT)["blocks"][-1]["elements"]

    assert acknowledge == {
        "type": "button",
        "text": {"type": "plain_text", "text": "Acknowledge"},
        "action_id": "acknowledge",
        "value": TOKEN,
        "style": "primary",
    }
    assert link["url"] == TEXT.url


def test_without_one_it_is_a_link_to_the_page_with_that_button(settings):
    settings.SLACK_SIGNING_SECRETS = []

    acknowledge, _link = slack.payload(TEXT)["blocks"][-1]["elements"]

    assert acknowledge["url"] == TEXT.acts[0].url
    assert "value" not in acknowledge


def test_slack_reads_no_mark_up_of_others():
    text = json.dumps(slack.payload(HOSTILE))

    for tag in ("<script>", "<@U1>", "<!channel>", "<img"):
        assert tag not in text


def test_a_text_without_facts_and_link_is_one_block():
    assert slack.payload(Text("Subject", "")) == {
        "text": "Subject",
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*Subject*"}}],
    }


# --- Teams ---------------------------------------------------------------------------------


def test_teams_gets_an_adaptive_card_in_a_message():
    body = teams.envelope(TEXT)

    (attachment,) = body["attachments"]
    card = attachment["content"]
    assert body["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["contentUrl"] is None
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert {one["type"] for one in card["body"]} == {"TextBlock", "FactSet"}
    assert {"title": "Company", "value": "Acme"} in card["body"][-1]["facts"]
    assert card["actions"] == [
        {"type": "Action.OpenUrl", "title": "Acknowledge", "url": TEXT.acts[0].url},
        {"type": "Action.OpenUrl", "title": "Open the lead", "url": TEXT.url},
    ]


def test_a_card_fits_into_a_message_and_holds_no_link_of_others():
    assert len(json.dumps(teams.envelope(TEXT))) < 28_000
    assert "[click](" not in json.dumps(teams.envelope(HOSTILE))


def test_the_code_for_the_bot_stands_in_the_card_where_there_is_a_bot(settings):
    assert TOKEN not in json.dumps(teams.envelope(TEXT)["attachments"][0]["content"]["body"])
    settings.TEAMS_OUTGOING_SECRETS = ["c2VjcmV0"]
    body = json.dumps(teams.envelope(TEXT)["attachments"][0]["content"]["body"])
    assert f"acknowledge {TOKEN}" in body


# --- SMS and WhatsApp ------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "prefix"), [("sms", ""), ("whatsapp", "whatsapp:")])
def test_a_short_message_is_a_form_under_basic_authentication(name, prefix, settings):
    settings.BASE_URL = "https://leads.example"
    with provider(name, settings=settings) as at:
        channel, wire = wire_of(name, make.user("ann"), at)
        channel.hand_over(wire)

    (request,) = at.got
    form = {key: value for key, (value,) in parse_qs(request.body.decode()).items()}
    assert request.path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"AC1:hush"
    assert form == {
        "To": f"{prefix}+4930901820",
        "From": f"{prefix}+15550100",
        "Body": form["Body"],
        "StatusCallback": "https://leads.example/hooks/twilio/",
    }
    assert form["Body"].startswith("Hot lead: Zoë Lee, Acme")
    assert form["Body"].endswith(f"Acknowledge: {TEXT.acts[0].url}")
    assert wire.shown["to"] == form["To"]


@pytest.mark.django_db
def test_a_messaging_service_and_an_approved_template_are_used_where_set(settings):
    with provider("whatsapp", settings=settings) as at:
        settings.TWILIO_WHATSAPP_FROM = "MG123"
        settings.TWILIO_WHATSAPP_CONTENT_SID = "HX1"
        _channel, wire = wire_of("whatsapp", make.user("ann"), at)

    form = {key: value for key, (value,) in parse_qs(wire.body.decode()).items()}
    assert form["MessagingServiceSid"] == "MG123"
    assert "From" not in form
    assert "Body" not in form
    assert form["ContentSid"] == "HX1"
    variables = json.loads(form["ContentVariables"])
    assert variables["2"] == f"Acknowledge: {TEXT.acts[0].url}"
    assert "\n" not in variables["1"]


@pytest.mark.parametrize("text", [TEXT, LONG, HOSTILE, Text("S", "B" * 999)])
def test_a_short_message_fits_and_keeps_its_link_whole(text):
    line, link = twilio.short(text)

    assert len(f"{line} {link}".strip()) <= twilio.LONGEST
    if text.acts:
        assert link.endswith(text.acts[0].url)
    assert "\n" not in line


@pytest.mark.django_db
def test_an_answer_that_names_no_message_is_a_failure(settings):
    for body in (b"", b"<html>", b"[]", b"{}", b'"x"'):
        with provider("sms", says(201, body), settings=settings) as at:
            channel, wire = wire_of("sms", make.user(), at)
            with pytest.raises(ChannelFailed):
                channel.hand_over(wire)


# --- Web push --------------------------------------------------------------------------------


@pytest.fixture
def device():
    return Device.new()


def subscribed(user, device, endpoint):
    return PushSubscription.objects.create(
        user=user,
        endpoint=endpoint,
        p256dh=device.p256dh,
        auth=device.auth,
        device="Firefox, Linux",
        created_at=AT,
    )


@pytest.fixture(autouse=True)
def own_key(settings, tmp_path):
    settings.VAR, settings.VAPID_PRIVATE_KEY = tmp_path, ""
    settings.DEFAULT_FROM_EMAIL = "Routing <routing@leads.example>"


def pushed(user, text=TEXT, **fields):
    message = Message(key="assigned-12-3", kind="test", recipient=user, **fields)
    return push.Push().build(text, to=user, choice=ChannelChoice(user=user), message=message)


@pytest.mark.django_db
def test_a_push_is_read_by_its_device_and_by_no_other(device, own_key):
    ann = make.user("ann")
    subscribed(ann, device, "https://push.example/device")

    (wire,) = pushed(ann, urgent=True)

    said = device.read(wire.body)
    assert said["title"] == TEXT.subject
    assert said["url"] == TEXT.url
    assert said["tag"] == "assigned-12-3"
    assert said["actions"] == [{"action": "acknowledge", "title": "Acknowledge", "token": TOKEN}]
    with pytest.raises(http_ece.ECEException):
        Device.new().read(wire.body)
    assert wire.headers["Content-Encoding"] == "aes128gcm"
    assert wire.headers["Urgency"] == "high"
    assert int(wire.headers["TTL"]) > 0
    assert len(wire.headers["Topic"]) <= 32
    assert wire.shown["device"] == "Firefox, Linux"


@pytest.mark.django_db
def test_who_sends_is_signed_with_the_key_that_browsers_know(device, own_key):
    ann = make.user("ann")
    subscribed(ann, device, "https://push.example:443/device?x=1")

    (wire,) = pushed(ann)

    authorization = wire.headers["Authorization"]
    assert Vapid.verify(authorization)
    token, key = authorization.removeprefix("vapid ").split(",")
    assert key == f"k={vapid.public_key()}"
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["aud"] == "https://push.example:443"
    assert claims["sub"] == "mailto:routing@leads.example"
    assert 0 < claims["exp"] - time.time() <= 24 * 3600
    forged = authorization.replace(token[-6:], "AAAAAA")
    assert not Vapid.verify(forged)


@pytest.mark.django_db
def test_each_device_gets_its_own(own_key):
    ann, phone, laptop = make.user("ann"), Device.new(), Device.new()
    subscribed(ann, phone, "https://push.example/phone")
    subscribed(ann, laptop, "https://other.example/laptop")

    first, second = pushed(ann)

    assert phone.read(first.body) == laptop.read(second.body)
    assert (first.url, second.url) == ("https://push.example/phone", "https://other.example/laptop")


@pytest.mark.django_db
@pytest.mark.parametrize("text", [LONG, Text("ü" * 300, "💬" * 5000, acts=TEXT.acts)])
def test_a_push_of_any_length_fits_into_one_record(text, device, own_key):
    ann = make.user("ann")
    subscribed(ann, device, "https://push.example/device")

    (wire,) = pushed(ann, text)

    assert len(wire.body) <= 4096
    assert device.read(wire.body)["actions"]


@pytest.mark.django_db
@pytest.mark.parametrize(("status", "stays"), [(404, 0), (410, 0), (400, 1), (403, 1), (500, 1)])
def test_a_subscription_that_is_gone_is_forgotten(status, stays, own_key, settings):
    with provider("push", says(status), settings=settings) as at:
        channel, wire = wire_of("push", make.user("ann"), at)
        with pytest.raises(ChannelFailed):
            channel.hand_over(wire)

    assert PushSubscription.objects.count() == stays


def test_the_key_is_made_once_and_kept_to_oneself(own_key, tmp_path):
    first = vapid.public_key()
    vapid._read.cache_clear()

    assert vapid.public_key() == first
    assert (tmp_path / "vapid.pem").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["vapid.pem"]


def test_a_key_in_the_settings_wins(own_key, settings, tmp_path):
    private = ec.generate_private_key(ec.SECP256R1())
    number = private.private_numbers().private_value
    settings.VAPID_PRIVATE_KEY = base64url(number.to_bytes(32, "big"))

    assert vapid.public_key() == Device(private, b"").p256dh
    assert list(tmp_path.iterdir()) == []


def test_mails_show_the_act_before_the_link():
    html = render_to_string("reps/mail.html", {"text": TEXT, "user": User(username="ann")})

    assert html.index("Acknowledge</a>") < html.index("Open the lead</a>")
