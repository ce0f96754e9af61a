"""Web push in the browser: the service worker, and one's own devices."""

import json

import pytest
from django.test import Client

from config import security
from reps.models import AuditEvent, PushSubscription
from reps.post import vapid
from reps.services.push import MOST_DEVICES
from tests import make
from tests.reps.devices import Device, base64url

pytestmark = pytest.mark.django_db
ENDPOINT = "https://push.example/secret-device"


@pytest.fixture(autouse=True)
def own_key(settings, tmp_path):
    settings.VAR, settings.VAPID_PRIVATE_KEY = tmp_path, ""


@pytest.fixture
def ann(client):
    user = make.rep("ann").user
    client.force_login(user)
    return user


def subscription(device=None, endpoint=ENDPOINT, **keys):
    device = device or Device.new()
    return {
        "endpoint": endpoint,
        "expirationTime": None,
        "keys": {"p256dh": device.p256dh, "auth": device.auth, **keys},
        "device": "Firefox, Linux",
    }


def send(client, said):
    body = said if isinstance(said, bytes) else json.dumps(said)
    return client.post("/me/push/", body, content_type="application/json")


def test_the_worker_may_serve_every_page_and_needs_no_sign_in():
    answer = Client().get("/sw.js")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Service-Worker-Allowed"] == "/"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "showNotification" in answer.content.decode()
    assert "worker-src 'self'" in security.POLICY


def test_a_device_is_kept_and_named_in_the_trail_without_its_address(client, ann):
    assert send(client, subscription()).status_code == 201

    kept = PushSubscription.objects.get()
    assert (kept.user, kept.endpoint, kept.device) == (ann, ENDPOINT, "Firefox, Linux")
    event = AuditEvent.objects.get(kind="device_added")
    assert "secret" not in json.dumps(event.data)


def test_the_same_device_again_renews_its_keys(client, ann):
    send(client, subscription())
    renewed = Device.new()
    send(client, subscription(renewed))

    assert PushSubscription.objects.get().p256dh == renewed.p256dh
    assert AuditEvent.objects.filter(kind="device_added").count() == 1


def test_a_browser_goes_to_whoever_signed_in_last(client, ann):
    send(client, subscription())
    ben = make.rep("ben").user
    client.force_login(ben)
    send(client, subscription())

    assert PushSubscription.objects.get().user == ben


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"no json",
        b"[]",
        b"null",
        {},
        {"endpoint": ENDPOINT},
        {"endpoint": ENDPOINT, "keys": None},
        subscription(endpoint="http://push.example/x"),
        subscription(endpoint="https://127.0.0.1/x"),
        subscription(endpoint="https://169.254.169.254/x"),
        subscription(endpoint="https://push.example:6379/x"),
        subscription(endpoint="https://push.example/" + "x" * 1000),
        subscription(p256dh="x"),
        subscription(p256dh=base64url(b"\x04" + b"\0" * 64)),
        subscription(auth=base64url(b"short")),
        subscription(auth="not base64!"),
        b"x" * 70_000,
    ],
)
def test_what_is_no_subscription_is_refused(client, ann, said):
    assert send(client, said).status_code == 400
    assert not PushSubscription.objects.exists()


def test_nobody_has_more_devices_than_anybody_carries(client, ann):
    for number in range(MOST_DEVICES + 2):
        send(client, subscription(endpoint=f"{ENDPOINT}{number}"))

    assert PushSubscription.objects.count() == MOST_DEVICES
    assert send(client, subscription(endpoint=f"{ENDPOINT}0")).status_code == 201


def test_subscribing_needs_the_token_of_the_form(ann):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ann)

    assert send(strict, subscription()).status_code == 403


def test_a_device_is_forgotten_by_its_owner_only(client, ann):
    send(client, subscription())
    kept = PushSubscription.objects.get()
    other = Client()
    other.force_login(make.rep("ben").user)

    other.post(f"/me/push/{kept.pk}/delete/")
    assert PushSubscription.objects.exists()
    answer = client.post(f"/me/push/{kept.pk}/delete/")

    assert answer.headers["Location"] == "/me/channels/"
    assert not PushSubscription.objects.exists()
    assert AuditEvent.objects.filter(kind="device_forgotten").count() == 1
    assert client.post(f"/me/push/{kept.pk}/delete/").status_code == 302


def test_the_page_shows_the_key_and_the_devices_and_asks_for_nothing(client, ann):
    send(client, subscription())

    page = client.get("/me/channels/").content.decode()

    assert f'data-key="{vapid.public_key()}"' in page
    assert "Firefox, Linux" in page
    assert ENDPOINT not in page
    assert "Tell me on this device" in page
