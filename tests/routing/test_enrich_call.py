"""What goes over the wire to a provider, and what its answers mean: a real server on loopback."""

import hashlib
import hmac
import json
import time

import pytest

from routing.enrich import call, question
from routing.enrich.question import Question
from routing.models import EnrichmentProvider, Prospect
from tests.reps.receiver import drips, hangs, never_ends, receiving, says

SECONDS = 2.0
WHO = {
    "domain": "acme.example",
    "company": "Acme & Söhne",
    "email": "ada@acme.example",
    "phone": "",
}


def asked(at, url="/?d={domain}", *, seconds=SECONDS, inside=None, **columns) -> call.Said:
    provider = EnrichmentProvider(pk=1, slug="p", url=at.url + url, **columns)
    built = question.build(provider, WHO)
    return call.call(built, seconds=seconds, inside=[at.netloc] if inside is None else inside)


def test_what_is_asked_arrives_as_it_was_set_up(settings):
    settings.ENRICHMENT_SECRETS = {"ACME": "s3cret"}
    with receiving(says(200, b'{"size": 40}')) as at:
        said = asked(
            at,
            "/v1/{domain}?name={company}",
            headers={"Authorization": "Bearer ${ACME}", "X-Plain": "1"},
        )

    (request,) = at.got
    assert (request.method, request.path) == (
        "GET",
        "/v1/acme.example?name=Acme%20%26%20S%C3%B6hne",
    )
    assert request.headers["Authorization"] == "Bearer s3cret"
    assert request.headers["Accept"] == "application/json"
    assert (said.kind, said.body, said.status) == ("ANSWERED", {"size": 40}, 200)


def test_a_posted_question_says_only_what_may_be_said_and_is_signed(settings):
    settings.ENRICHMENT_SECRETS = {"SIGN": "key"}
    with receiving(says(200, b'{"a": 1}')) as at:
        asked(at, "/in", method="POST", sends=["email"], signing_secret="SIGN")

    (request,) = at.got
    assert json.loads(request.body) == {
        "domain": "acme.example",
        "company": "Acme & Söhne",
        "email": "ada@acme.example",
    }
    moment, mark = (part.partition("=")[2] for part in request.headers["X-Signature"].split(","))
    content = f"{moment}.POST /in\n".encode() + request.body
    assert mark == hmac.new(b"key", content, hashlib.sha256).hexdigest()


def test_about_the_person_nothing_leaves_that_was_not_ticked():
    provider = EnrichmentProvider(pk=1, url="https://x.example/?e={email}")

    assert question.build(provider, WHO) is None
    provider.sends = ["email"]
    assert question.build(provider, WHO).is_personal


def test_what_is_not_known_is_not_asked_for():
    provider = EnrichmentProvider(pk=1, url="https://x.example/?p={phone}", sends=["phone"])

    assert question.build(provider, WHO) is None


def test_the_key_of_a_question_depends_on_what_is_said_and_tells_nothing():
    provider = EnrichmentProvider(pk=1, url="https://x.example/?e={email}", sends=["email"])
    one = question.build(provider, WHO).key

    assert one == question.build(provider, WHO).key
    assert one != question.build(provider, {**WHO, "email": "bob@acme.example"}).key
    assert "ada" not in one


def test_the_domain_of_a_free_mail_is_nobodys_company():
    told = question.told(Prospect(email="ada@gmail.com", website="https://www.acme.com/x"))

    assert told["domain"] == "acme.com"
    assert question.told(Prospect(email="ada@gmail.com"))["domain"] == ""


def test_a_secret_that_the_server_does_not_have_is_named(settings):
    settings.ENRICHMENT_SECRETS = {}
    provider = EnrichmentProvider(
        pk=1, url="https://x.example/{domain}", headers={"X-Key": "${MISSING}"}
    )

    with pytest.raises(question.NotAskable, match="ENRICHMENT_SECRET_MISSING"):
        question.build(provider, WHO)


@pytest.mark.parametrize(
    ("status", "kind", "again", "faulty"),
    [
        (204, "EMPTY", False, False),
        (404, "EMPTY", False, False),
        (400, "FAILED", False, False),
        (401, "FAILED", False, True),
        (429, "FAILED", True, True),
        (500, "FAILED", True, True),
        (503, "FAILED", True, True),
        (302, "FAILED", False, True),
    ],
)
def test_what_a_status_means(status, kind, again, faulty):
    with receiving(says(status, b"" if status == 204 else b"{}")) as at:
        said = asked(at)

    assert (said.kind, said.again, said.faulty) == (kind, again, faulty)
    assert said.status == status


def test_how_long_it_wants_to_be_left_alone_is_heard():
    with receiving(says(429, Retry_After="7")) as at:
        said = asked(at)

    assert said.retry_after.total_seconds() == 7


@pytest.mark.parametrize("body", [b"<html>", b'{"a": ', b"\xff\xfe", b"[" * 100_000])
def test_garbage_is_a_failure_of_the_provider(body):
    with receiving(says(200, body)) as at:
        said = asked(at)

    assert (said.kind, said.faulty, said.again) == ("FAILED", True, False)
    assert said.error == "Its answer is no JSON."


def test_an_answer_without_end_is_left():
    with receiving(never_ends) as at:
        said = asked(at)

    assert said.kind == "FAILED"
    assert "larger than 256 KB" in said.error


@pytest.mark.parametrize("behaviour", [hangs, drips], ids=["hangs", "drips"])
def test_a_slow_provider_is_left_in_time(behaviour):
    began = time.monotonic()
    with receiving(behaviour) as at:
        said = asked(at, seconds=0.3)

    assert time.monotonic() - began < 2
    assert (said.kind, said.again, said.faulty) == ("FAILED", True, True)
    assert 250 <= said.ms < 2000


def test_a_redirect_to_a_private_address_is_not_followed():
    with (
        receiving(says(200, b'{"secret": 1}')) as inside,
        receiving(says(302, Location=f"{inside.url}/metadata")) as at,
    ):
        said = asked(at)

    assert said.kind == "FAILED"
    assert "not followed" in said.error
    assert inside.got == []


def test_an_address_inside_is_refused_unless_the_settings_allow_it():
    with receiving() as at:
        said = asked(at, inside=[])
        private = call.call(
            Question("https://192.168.1.5/x", "GET", {}, None, "", False), seconds=SECONDS
        )
        hidden = call.call(
            Question("https://data.example/x", "GET", {}, None, "", False),
            seconds=SECONDS,
            resolver=lambda host, port: ["10.0.0.8"],
        )

    assert at.got == []
    assert {said.kind, private.kind, hidden.kind} == {"FAILED"}
    assert "private network" in private.error
    assert "private network" in hidden.error
