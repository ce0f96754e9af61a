"""How I am told: on the page and by the API, with a test message that really goes out."""

from datetime import time

import pytest
from django.core import mail
from django.urls import reverse

from reps.models import AuditEvent, ChannelChoice, Message, NotificationPreference
from reps.post import channels, deliver
from reps.services import preferences
from tests import make

pytestmark = pytest.mark.django_db
PAGE = "/me/channels/"
SLACK = "https://hooks.slack.com/services/T/B/x"


@pytest.fixture
def ann(client):
    user = make.rep("ann").user
    client.force_login(user)
    return user


def filled(**changes):
    """The form as the page sends it, with these changes."""
    sent = {"order": [channel.name for channel in channels.set_up()], "urgent_when_quiet": "on"}
    for channel in channels.set_up():
        sent[f"{channel.name}-mode"] = "ALWAYS" if channel.name == "email" else "OFF"
        if channel.address:
            sent[f"{channel.name}-address"] = ""
    return {**sent, **changes}


def choices(user):
    rows = ChannelChoice.objects.filter(user=user).exclude(mode="OFF")
    return [(row.channel, row.mode, row.address) for row in rows]


def test_who_has_said_nothing_sees_email_for_everything(client, ann):
    page = client.get(PAGE)

    modes = {row["channel"].name: row["mode"] for row in page.context["rows"]}
    assert modes.pop("email") == "ALWAYS"
    assert set(modes.values()) == {"OFF"}
    assert not ChannelChoice.objects.exists()


def test_channels_and_quiet_hours_are_kept_and_addresses_stay_out_of_the_trail(client, ann):
    sent = filled(
        **{
            "slack-mode": "URGENT",
            "slack-address": f" {SLACK} ",
            "email-mode": "FALLBACK",
            "quiet_from": "22:00",
            "quiet_until": "07:00",
        }
    )
    del sent["urgent_when_quiet"]

    assert client.post(PAGE, sent).status_code == 302

    assert choices(ann) == [("email", "FALLBACK", ""), ("slack", "URGENT", SLACK)]
    quiet = NotificationPreference.objects.get(user=ann)
    assert (quiet.quiet_from, quiet.quiet_until) == (time(22), time(7))
    assert not quiet.urgent_when_quiet
    event = AuditEvent.objects.get(kind="preferences")
    assert event.data["channels"]["slack"] == "URGENT"
    assert "hooks.slack.com" not in str(event.data)


def test_the_buttons_save_and_move_a_channel(client, ann):
    first, second, *_rest = (channel.name for channel in channels.set_up())

    client.post(PAGE, filled(down=first))
    assert [wish.channel for wish in preferences.of(ann)][:2] == [second, first]
    order = [wish.channel for wish in preferences.of(ann)]
    client.post(PAGE, filled(order=order, up=first))

    assert [wish.channel for wish in preferences.of(ann)][:2] == [first, second]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"slack-mode": "ALWAYS"}, "Slack needs its webhook address."),
        (
            {"slack-mode": "ALWAYS", "slack-address": "https://evil.test/x"},
            "not a Slack webhook host",
        ),
        ({"slack-address": "http://169.254.169.254/latest"}, "no Slack webhook"),
        ({"quiet_from": "22:00"}, "Quiet hours have a beginning and an end."),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "Quiet hours end at another time."),
        ({"email-mode": "NONSENSE"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_used_is_refused_where_it_stands(client, ann, changes, words):
    page = client.post(PAGE, filled(**changes))

    assert page.status_code == 422
    assert words in page.content.decode()
    assert not ChannelChoice.objects.exists()
    assert not NotificationPreference.objects.exists()


def test_a_phone_number_is_kept_as_providers_want_it(client, ann, settings):
    settings.OUTBOX_KEEPS = True

    client.post(PAGE, filled(**{"sms-mode": "URGENT", "sms-address": "+49 30 123456"}))

    assert ("sms", "URGENT", "+4930123456") in choices(ann)


def test_a_test_message_goes_through_the_outbox_by_that_channel_whatever_it_is_used_for(
    client, ann
):
    ChannelChoice.objects.create(user=ann, channel="email", mode="OFF")

    client.post(reverse("my_channel_test", args=["email"]))
    message = Message.objects.get()
    assert (message.kind, message.state, mail.outbox) == ("test_email", "PENDING", [])
    deliver.drain(driver="test", due_before=message.due_at)

    (sent,) = mail.outbox
    page = client.get(PAGE).content.decode()
    assert (sent.to, sent.subject) == ([ann.email], "A test message")
    assert reverse("message", args=[message.pk]) in page
    assert "Sent" in page


def test_a_channel_that_is_not_there_is_not_tried(client, ann):
    client.post(reverse("my_channel_test", args=["pigeon"]))

    assert not Message.objects.exists()


def test_the_settings_page_says_how_one_is_told(client, ann):
    page = client.get(reverse("my_settings")).content.decode()

    assert "E-mail" in page
    assert PAGE in page


# --- The API ------------------------------------------------------------------------------------

API = "/api/v1/me/channels/"


def put(client, **changes):
    said = {
        "channels": [
            {"channel": "slack", "mode": "ALWAYS", "address": SLACK},
            {"channel": "email", "mode": "FALLBACK"},
        ],
        "quiet_from": "22:00",
        "quiet_until": "07:00",
        "urgent_when_quiet": True,
    }
    return client.put(API, {**said, **changes}, content_type="application/json")


def test_the_api_reads_and_writes_the_same(client, ann):
    assert put(client).status_code == 200

    told = client.get(API).json()
    assert choices(ann) == [("slack", "ALWAYS", SLACK), ("email", "FALLBACK", "")]
    assert told["channels"][:2] == [
        {"channel": "slack", "mode": "ALWAYS", "address": SLACK},
        {"channel": "email", "mode": "FALLBACK", "address": ""},
    ]
    assert (told["quiet_from"], told["quiet_until"]) == ("22:00", "07:00")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"channels": [{"channel": "pigeon", "mode": "ALWAYS"}]}, "channels.0.channel"),
        ({"channels": [{"channel": "slack", "mode": "ALWAYS"}]}, "channels.0.address"),
        ({"channels": [{"channel": "email", "mode": "OFF"}] * 2}, "channels"),
        ({"quiet_until": None}, "quiet_until"),
    ],
)
def test_the_api_refuses_with_the_field(client, ann, changes, field):
    answer = put(client, **changes)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field
    assert not ChannelChoice.objects.exists()


def test_the_api_is_ones_own(client, ann):
    ChannelChoice.objects.create(
        user=make.user("ben"), channel="slack", mode="ALWAYS", address=SLACK
    )

    assert SLACK not in client.get(API).content.decode()
