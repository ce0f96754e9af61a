"""Every address wants a signed-in person, unless it is listed here with its reason."""

import re
import uuid

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests import make

pytestmark = pytest.mark.django_db

# Route → why everybody may open it.
PUBLIC = {
    "healthz": "the load balancer has no login",
    "readyz": "monitors have no login; it shows numbers only",
    "login/": "where signing in happens",
    "f/<slug:slug>/": "the hosted form is for prospects",
    "f/<slug:slug>/thanks/<uuid:public_id>/": "the form's thank-you page, by an unguessable id",
    "f/<slug:slug>/embed.js": "embeds the hosted form in another site",
    "people/invite/<str:uidb64>/<str:token>/": "the invited have no password; the token is the key",
    "t/<str:token>/": "a one-tap link acts without a sign-in; its signed token is the permission",
    "sw.js": "the service worker: a script without data, asked for by browsers on their own",
    "hooks/slack/": "Slack has no login; it signs the body",
    "hooks/teams/": "Teams has no login; it signs the body",
    "hooks/twilio/": "the provider has no login; it signs address and parameters",
    "admin/login/": "where signing in to the admin happens",
    "admin/jsi18n/": "the admin's own words, no data",
}
SAMPLES = {"slug": "x", "int": "1", "uuid": str(uuid.uuid4()), "path": "1", "str": "x"}


def routes(patterns=None, prefix=""):
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


def sample(route: str) -> str:
    """An address that fits the route."""
    plain = re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES[found[1] or "str"], route)
    plain = re.sub(r"\(\?P<\w+>[^)]*\)|\(\[\^/\]\+\)|\(\.\*\)|\([^)]*\)", "1", plain)
    return "/" + re.sub(r"[\^$\\?]", "", plain)


ALL = sorted(set(routes()))


@pytest.mark.parametrize("route", [route for route in ALL if route not in PUBLIC])
def test_nobody_gets_in_without_signing_in(route):
    client = Client(raise_request_exception=False)

    for method in ("get", "post"):
        answer = getattr(client, method)(sample(route))

        at_login = answer.status_code == 302 and "/login/" in answer.headers["Location"]
        assert at_login or answer.status_code in (401, 403), (route, method, answer.status_code)


def test_the_list_of_public_addresses_names_real_ones():
    assert set(PUBLIC) <= set(ALL)


@pytest.mark.parametrize("route", ["healthz", "readyz", "login/"])
def test_what_is_public_opens(route):
    make.organisation()

    assert Client().get(f"/{route}").status_code == 200
