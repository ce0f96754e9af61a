"""
Every channel against a receiver that stands for its provider: what goes over the wire, what
each answer means, and that no address leads elsewhere. The formats have tests of their own.
"""

import logging
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings as django_settings

from reps.models import ChannelChoice, Message, PushSubscription
from reps.post import channels, http
from reps.post.channels.base import ChannelFailed, ChannelRefused
from reps.post.channels.slack import SlackReply
from reps.post.kinds import Act, Text
from tests import make
from tests.reps.devices import Device
from tests.reps.receiver import drips, hangs, never_ends, receiving, says

AT = make.MONDAY_9AM
TOKEN = "WzEsMiwzLCJhY2tub3dsZWRnZSJd.1wZ.signature"
TEXT = Text(
    subject="Hot lead: Zoë Lee",
    body="It is yours. Acknowledge it, so that everybody knows.",
    facts=[("Company", "Acme"), ("Score", "80 (A)")],
    url="https://leads.example/leads/12/",
    action="Open the lead",
    acts=(Act("acknowledge", "Acknowledge", f"https://leads.example/t/{TOKEN}/", TOKEN),),
)
TAKEN = {"sms": says(201, b'{"sid": "SM1"}'), "whatsapp": says(201, b'{"sid": "SM1"}')}
BY_HTTP = ["push", "slack", "teams", "sms", "whatsapp", "slack_reply"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True)
def own_key(settings, tmp_path):
    """A key for web push that is made for this test."""
    settings.VAR, settings.VAPID_PRIVATE_KEY = tmp_path, ""


@pytest.fixture
def ann():
    return make.user("ann")


@contextmanager
def provider(name, *answers, settings, inside=True):
    """A receiver in the place of a channel's provider, with the settings that lead to it."""
    with receiving(*(answers or [TAKEN.get(name, says(200))])) as at:
        settings.HOOK_HOSTS_INSIDE = [at.netloc] if inside else []
        settings.TWILIO_API = at.url
        settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKENS = "AC1", ["hush"]
        settings.TWILIO_SMS_FROM = settings.TWILIO_WHATSAPP_FROM = "+15550100"
        yield at


def wire_of(name, user, at, *, text=TEXT, address="", **fields):
    """The one thing that a channel sends to a person whose address is at the receiver."""
    channel = channels.get(name)
    message = Message(
        key="assigned-12-3",
        kind="test",
        recipient=user,
        payload={"response_url": f"{at.url}/reply"},
        **fields,
    )
    address = address or {"webhook": f"{at.url}/hook", "phone": "+4930901820"}.get(
        channel.address, ""
    )
    if name == "push":
        device = Device.new()
        PushSubscription.objects.create(
            user=user,
            endpoint=f"{at.url}/device",
            p256dh=device.p256dh,
            auth=device.auth,
            device="Firefox, Linux",
            created_at=AT,
        )
    (wire,) = channel.build(
        text, to=user, choice=ChannelChoice(user=user, address=address), message=message
    )
    return channel, wire


# --- One contract ------------------------------------------------------------------------


@pytest.mark.parametrize("name", BY_HTTP)
def test_a_channel_posts_once_and_returns_when_it_is_taken(name, ann, settings):
    with provider(name, settings=settings) as at:
        channel, wire = wire_of(name, ann, at)
        taken = channel.hand_over(wire)

    (request,) = at.got
    assert request.method == "POST"
    assert request.body == wire.body
    assert {name: request.headers[name] for name in wire.headers} == dict(wire.headers)
    assert taken.provider_id == ("SM1" if channel.address == "phone" else "")


@pytest.mark.parametrize("name", BY_HTTP)
@pytest.mark.parametrize("status", [500, 502, 503, 429, 408, 401, 302])
def test_what_may_pass_is_a_failure_and_taken_the_next_time(name, status, ann, settings):
    good = TAKEN.get(name, says(200))
    with provider(name, says(status), good, settings=settings) as at:
        channel, wire = wire_of(name, ann, at)
        with pytest.raises(ChannelFailed) as failed:
            channel.hand_over(wire)
        channel.hand_over(wire)

    assert not isinstance(failed.value, ChannelRefused)
    assert str(status) in str(failed.value)
    assert len(at.got) == 2


@pytest.mark.parametrize("name", BY_HTTP)
@pytest.mark.parametrize("status", [400, 403, 404, 410, 413])
def test_what_will_never_be_taken_is_refused(name, status, ann, settings):
    with provider(name, says(status), settings=settings) as at:
        channel, wire = wire_of(name, ann, at)
        with pytest.raises(ChannelRefused, match=str(status)):
            channel.hand_over(wire)


@pytest.mark.parametrize("name", BY_HTTP)
def test_a_provider_that_asks_for_time_gets_it(name, ann, settings):
    with provider(
        name,
        says(429, Retry_After="120"),
        says(503, Retry_After="86400"),
        says(429, Retry_After="soon"),
        settings=settings,
    ) as at:
        channel, wire = wire_of(name, ann, at)
        waits = []
        for _ in range(3):
            with pytest.raises(ChannelFailed) as failed:
                channel.hand_over(wire)
            waits.append(failed.value.retry_after)

    assert waits == [timedelta(seconds=120), timedelta(hours=1), None]


@pytest.mark.parametrize("name", BY_HTTP)
@pytest.mark.parametrize("behaviour", [hangs, drips], ids=["hangs", "drips"])
def test_a_provider_that_takes_its_time_is_left(name, behaviour, ann, settings, monkeypatch):
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.3)
    began = time.monotonic()
    with provider(name, behaviour, settings=settings) as at:
        channel, wire = wire_of(name, ann, at)
        with pytest.raises(ChannelFailed, match="took longer"):
            channel.hand_over(wire)

    assert time.monotonic() - began < 3


@pytest.mark.parametrize("name", ["push", "slack", "teams", "slack_reply"])
def test_an_answer_without_end_is_cut_off(name, ann, settings):
    with provider(name, never_ends, settings=settings) as at:
        channel, wire = wire_of(name, ann, at)

        channel.hand_over(wire)


@pytest.mark.parametrize("name", BY_HTTP)
def test_a_redirect_leads_nowhere(name, ann, settings):
    with (
        receiving() as inside,
        provider(name, says(307, Location=f"{inside.url}/x"), settings=settings) as at,
    ):
        settings.HOOK_HOSTS_INSIDE = [at.netloc, inside.netloc]
        channel, wire = wire_of(name, ann, at)
        with pytest.raises(ChannelFailed):
            channel.hand_over(wire)

    assert inside.got == []


@pytest.mark.parametrize("name", BY_HTTP)
def test_an_address_inside_is_not_called_unless_the_settings_say_so(name, ann, settings):
    with provider(name, settings=settings, inside=False) as at:
        channel, wire = wire_of(name, ann, at)
        with pytest.raises(ChannelRefused):
            channel.hand_over(wire)

    assert at.got == []


@pytest.mark.parametrize("name", [*BY_HTTP, "email"])
def test_what_is_shown_holds_no_key(name, ann, settings):
    """Neither the token that acts, nor the address or password of the provider."""
    with provider(name, settings=settings) as at:
        settings.SLACK_SIGNING_SECRETS = ["s"]
        settings.TEAMS_OUTGOING_SECRETS = ["c2VjcmV0"]
        _channel, wire = wire_of(name, ann, at)

    shown = str(wire.shown)
    assert wire.shown
    assert TOKEN not in shown
    assert at.netloc not in shown
    assert "hush" not in shown


@pytest.mark.parametrize("name", BY_HTTP)
def test_no_failure_tells_the_address(name, ann, settings, monkeypatch):
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.2)
    with provider(
        name,
        says(500),
        says(400, b'{"code": 21211, "message": "+4930901820"}'),
        hangs,
        settings=settings,
    ) as at:
        channel, wire = wire_of(name, ann, at)
        for _ in range(3):
            with pytest.raises(ChannelFailed) as failed:
                channel.hand_over(wire)
            for secret in (at.netloc, "/hook", "/device", "/reply", "+4930901820", "AC1"):
                assert secret not in str(failed.value)


def test_every_channel_is_in_the_registry_under_its_name():
    assert [one.name for one in channels.ALL] == [
        "email",
        "push",
        "slack",
        "teams",
        "sms",
        "whatsapp",
    ]
    with pytest.raises(channels.UnknownChannel):
        channels.get("carrier pigeon")


@pytest.mark.parametrize("channel", channels.ALL, ids=lambda one: one.name)
def test_who_has_no_address_is_not_reached(channel, ann):
    ann.email = ""

    assert not channel.reaches(ann, ChannelChoice(user=ann))


# --- Addresses that people enter ---------------------------------------------------------

FOREIGN = [
    "https://evil.example/services/T/B/x",
    "https://hooks.slack.com.evil.example/x",
    "https://hooks.slack.com@evil.example/x",
    "https://user:pass@hooks.slack.com/x",
    "https://hooks.slack.com:8443/x",
    "http://hooks.slack.com/services/x",
    "ftp://hooks.slack.com/x",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data",
    "https://169.254.169.254/latest/meta-data",
    "http://127.0.0.1/x",
    "http://localhost:8000/x",
    "https://logic.azure.com.evil.example/x",
    "https://evil.example/.logic.azure.com",
    "https://evillogic.azure.com/x",
    "//hooks.slack.com/x",
    "not a url",
    "",
]


@pytest.mark.parametrize("channel", [channels.get("slack"), channels.get("teams"), SlackReply()])
@pytest.mark.parametrize("url", FOREIGN)
def test_only_the_providers_own_hosts_are_kept(channel, url):
    with pytest.raises(ValueError):
        channel.check_address(url)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("slack", "https://hooks.slack.com/services/T/B/x"),
        ("slack", " https://hooks.slack.com/services/T/B/x\n"),
        (
            "teams",
            "https://prod-23.westeurope.logic.azure.com:443/workflows/1/triggers/manual/paths/"
            "invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=x",
        ),
        (
            "teams",
            "https://default1.09.environment.api.powerplatform.com:443/powerautomate/automations/"
            "direct/workflows/2/triggers/manual/paths/invoke?api-version=1&sig=x",
        ),
        ("teams", "https://acme.webhook.office.com/webhookb2/x"),
    ],
)
def test_an_address_of_the_provider_is_kept(name, url):
    assert channels.get(name).check_address(url) == url.strip()


@pytest.mark.parametrize("entered", ["+49 30 901820", "+49-30-901820", "+4930901820"])
def test_a_phone_number_is_kept_in_one_form(entered):
    assert channels.get("sms").check_address(entered) == "+4930901820"


@pytest.mark.parametrize("entered", ["030 901820", "+1", "call me", "", "+49 30 901820 x" * 9])
def test_what_is_no_phone_number_is_refused_in_words(entered):
    with pytest.raises(ValueError, match="country code"):
        channels.get("whatsapp").check_address(entered)


def test_the_default_hosts_are_the_documented_ones():
    assert django_settings.SLACK_HOSTS == ["hooks.slack.com", "hooks.slack-gov.com"]
    assert ".logic.azure.com" in django_settings.TEAMS_HOSTS
