"""`POST /api/v1/leads/`: nothing acknowledged is lost, and nothing sent makes a 500."""

import json
import uuid

import pytest
from django.test import Client

from reps.due import doorbell
from routing.intake import process
from routing.keys import issue_key
from routing.models import Lead, Submission
from routing.models.source import Mode
from tests import make

pytestmark = pytest.mark.django_db
URL = "/api/v1/leads/"
GOOD = {"email": "ada@example.com", "first_name": "Ada", "company": "Example"}


@pytest.fixture
def source():
    make.organisation()
    return make.source("website")


@pytest.fixture
def key(source):
    return issue_key(source=source, by=make.user(), at=make.MONDAY_9AM)


def post(key, body, *, idempotency_key=None, content_type="application/json", url=URL):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}"}
    if idempotency_key != "":
        headers["Idempotency-Key"] = idempotency_key or uuid.uuid4().hex
    return Client(raise_request_exception=False).generic(
        "POST", url, raw, content_type=content_type, headers=headers
    )


def test_a_lead_is_acknowledged_and_its_way_can_be_followed(key):
    answer = post(key, GOOD)

    assert answer.status_code == 202
    body = answer.json()
    assert body["replayed"] is False
    assert body["status_url"].endswith(f"/api/v1/submissions/{body['submission']}/")

    process.drain(driver="test", due_before=Submission.objects.get().due_at)
    status = Client().get(body["status_url"], headers={"Authorization": f"Bearer {key}"}).json()

    assert status["state"] == "PROCESSED"
    assert status["lead"] == Lead.objects.get().pk
    assert status["place"] == "QUEUE"


def test_a_form_body_is_taken_too(key):
    answer = post(key, b"email=ada%40example.com", content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 202


def test_the_same_key_and_body_is_one_submission(key):
    first = post(key, GOOD, idempotency_key="one")
    again = post(key, GOOD, idempotency_key="one")

    assert again.status_code == 202
    assert again.json()["submission"] == first.json()["submission"]
    assert again.json()["replayed"] is True
    assert Submission.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(key):
    post(key, GOOD, idempotency_key="one")
    answer = post(key, {"email": "other@example.com"}, idempotency_key="one")

    assert answer.status_code == 422
    assert answer.json()["code"] == "key_reused"


@pytest.mark.parametrize("bad", ["", "a b", "x" * 201, "ü"])
def test_a_missing_or_unusable_key_is_asked_for(key, bad):
    answer = post(key, GOOD, idempotency_key=bad or "")

    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_missing"
    assert not Submission.objects.exists()


def test_what_is_wrong_is_named_and_kept_for_mending(key):
    answer = post(key, {"email": "not an address", "employees": "many"})

    body = answer.json()
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {error["field"] for error in body["errors"]} == {"email", "employees"}
    kept = Submission.objects.get(public_id=body["submission"])
    assert kept.state == Submission.State.QUARANTINED


def test_too_large_a_body_is_kept_in_part(key):
    answer = post(key, b'{"message": "' + b"x" * 300_000 + b'"}')

    assert answer.status_code == 413
    kept = Submission.objects.get()
    assert (kept.state, len(kept.raw)) == (Submission.State.QUARANTINED, 64 * 1024)


def test_a_closed_source_takes_nothing(source, key):
    source.refresh_from_db()
    source.is_active = False
    make.saved(source)

    answer = post(key, GOOD)

    assert (answer.status_code, answer.json()["code"]) == (403, "source_closed")


@pytest.mark.parametrize("bad", ["", "lr_wrong", "\xe4"])
def test_without_a_valid_key_nobody_gets_in(source, bad):
    answer = post(bad, GOOD)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert not Submission.objects.exists()


def test_a_source_without_a_key_is_not_opened_by_an_empty_one(source):
    answer = post("", GOOD)

    assert answer.status_code == 401


@pytest.mark.parametrize("mode", ["shadow", "TEST", "backfill"])
def test_a_live_source_may_send_in_a_narrower_mode(key, mode):
    post(key, GOOD, url=f"{URL}?mode={mode}")

    assert Submission.objects.get().mode == mode.upper()


@pytest.mark.parametrize("mode", ["live", "test", "nonsense", "\x00"])
def test_a_mode_never_widens(source, key, mode):
    source.refresh_from_db()
    source.mode = Mode.SHADOW
    make.saved(source)

    answer = post(key, GOOD, url=f"{URL}?mode={mode.replace(chr(0), '%00')}")

    assert (answer.status_code, answer.json()["code"]) == (400, "mode_not_allowed")


def test_a_person_in_set_up_names_the_source(source):
    client = Client()
    client.force_login(make.user(group="manager"))

    answer = client.post(
        f"{URL}?source=website", GOOD, "application/json", headers={"Idempotency-Key": "1"}
    )

    assert answer.status_code == 202
    assert Submission.objects.get().submitted_by is not None


def test_a_person_needs_a_csrf_token_and_a_source(source):
    client = Client(enforce_csrf_checks=True)
    client.force_login(make.user(group="manager"))
    strict = client.post(
        f"{URL}?source=website",
        b"email=a%40b.com",
        "application/x-www-form-urlencoded",
        headers={"Idempotency-Key": "1"},
    )
    loose = Client()
    loose.force_login(make.user(group="manager"))
    unnamed = loose.post(URL, GOOD, "application/json", headers={"Idempotency-Key": "1"})

    assert strict.status_code == 403
    assert unnamed.status_code == 400


def test_a_rep_sends_no_leads_by_hand_here(source):
    client = Client()
    client.force_login(make.rep().user)

    answer = client.post(f"{URL}?source=website", GOOD, "application/json")

    assert answer.status_code == 403


def test_a_dead_broker_costs_nothing(key):
    def dead(job):
        raise OSError("no broker")

    doorbell.connect(dead)

    assert post(key, GOOD).status_code == 202


def test_another_source_does_not_read_the_submission(key):
    sent = post(key, GOOD).json()
    other = issue_key(source=make.source("other"), by=make.user(), at=make.MONDAY_9AM)

    theirs = Client().get(sent["status_url"], headers={"Authorization": f"Bearer {other}"})
    unknown = Client().get(
        f"/api/v1/submissions/{uuid.uuid4()}/", headers={"Authorization": f"Bearer {other}"}
    )

    assert theirs.status_code == unknown.status_code == 404
    assert theirs.json() == unknown.json()


E = '"email": "a@example.com"'
HOSTILE = {
    "empty": b"",
    "blank": b"   ",
    "nul byte": b"\x00",
    "nul in value": b'{"email": "a\\u0000@example.com"}',
    "nul in name": b'{"first_name": "A\\u0000da", ' + E.encode() + b"}",
    "nul in key": b'{"a\\u0000b": 1, ' + E.encode() + b"}",
    "raw nul in value": b'{"company": "a\x00b", ' + E.encode() + b"}",
    "lone surrogate": b'{"first_name": "\\ud800", ' + E.encode() + b"}",
    "lone low surrogate": b'{"first_name": "\\udfff", ' + E.encode() + b"}",
    "surrogate in key": b'{"\\ud800": "x", ' + E.encode() + b"}",
    "reversed surrogates": b'{"company": "\\udc00\\ud800", ' + E.encode() + b"}",
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "deep unclosed": b"[" * 100_000,
    "deep in a field": b'{"x": ' + b"[" * 1000 + b"]" * 1000 + b", " + E.encode() + b"}",
    "closing only": b"]" * 100_000,
    "nan": b'{"employees": NaN, ' + E.encode() + b"}",
    "infinity": b'{"employees": Infinity, ' + E.encode() + b"}",
    "minus infinity": b'{"expected_value": -Infinity, ' + E.encode() + b"}",
    "1e400": b'{"employees": 1e400, ' + E.encode() + b"}",
    "value 1e400": b'{"expected_value": 1e400, ' + E.encode() + b"}",
    "answer 1e400": b'{"own": 1e400, ' + E.encode() + b"}",
    "text NaN": b'{"expected_value": "NaN", ' + E.encode() + b"}",
    "text sNaN": b'{"expected_value": "sNaN", ' + E.encode() + b"}",
    "text Infinity": b'{"employees": "Infinity", ' + E.encode() + b"}",
    "long int": b'{"employees": ' + b"9" * 5000 + b", " + E.encode() + b"}",
    "long int in answer": b'{"own": ' + b"9" * 5000 + b", " + E.encode() + b"}",
    "long negative int": b'{"employees": -' + b"9" * 5000 + b", " + E.encode() + b"}",
    "long text number": b'{"employees": "' + b"9" * 5000 + b'", ' + E.encode() + b"}",
    "39 digits": b'{"own": ' + b"9" * 39 + b", " + E.encode() + b"}",
    "39 digit employees": b'{"employees": ' + b"9" * 39 + b", " + E.encode() + b"}",
    "long float": b'{"employees": 1.' + b"9" * 5000 + b", " + E.encode() + b"}",
    "negative employees": b'{"employees": -1, ' + E.encode() + b"}",
    "email as number": b'{"email": 5}',
    "email as list": b'{"email": ["a@example.com"]}',
    "email as object": b'{"email": {"a": 1}}',
    "email as bool": b'{"email": true}',
    "email as null": b'{"email": null}',
    "name as object": b'{"first_name": {"x": []}, ' + E.encode() + b"}",
    "country as number": b'{"country": 49, ' + E.encode() + b"}",
    "country as list": b'{"country": ["DE"], ' + E.encode() + b"}",
    "phone as object": b'{"phone": {}, ' + E.encode() + b"}",
    "phone of letters": b'{"phone": "+++++", "country": "DE"}',
    "phone too long": b'{"phone": "' + b"1" * 59 + b'"}',
    "hand raise as text": b'{"hand_raise": "perhaps", ' + E.encode() + b"}",
    "linkedin elsewhere": b'{"linkedin_url": "https://evil.example/in/x"}',
    "linkedin broken": b'{"linkedin_url": "http://[::1"}',
    "website broken": b'{"website": "http://[::1", ' + E.encode() + b"}",
    "email too long": b'{"email": "' + b"a" * 300 + b'@example.com"}',
    "email with newline": b'{"email": "a@example.com\\nBcc: b@example.com"}',
    "company too long": b'{"company": "' + b"x" * 5000 + b'", ' + E.encode() + b"}",
    "nested answers": b'{"own": {"a": {"b": [1, 2, {"c": null}]}}, ' + E.encode() + b"}",
    "many fields": json.dumps({f"f{n}": n for n in range(1000)}).encode(),
    "long key": b'{"' + b"k" * 5000 + b'": 1, ' + E.encode() + b"}",
    "empty key": b'{"": 1, ' + E.encode() + b"}",
    "repeated key": b'{"email": "a@example.com", "email": "b@example.com"}',
    "control characters": b'{"first_name": "a\\u0007\\u001b[2J", ' + E.encode() + b"}",
    "bidi": '{"first_name": "\u202eada", "email": "a@example.com"}'.encode(),
    "bad utf-8": b'{"first_name": "\xff\xfe", ' + E.encode() + b"}",
    "cut utf-8": b'{"first_name": "\xe2\x82',
    "utf-16": '{"email": "a@example.com"}'.encode("utf-16"),
    "encoded surrogate": b'{"first_name": "\xed\xa0\x80", ' + E.encode() + b"}",
    "bom": b"\xef\xbb\xbf{" + E.encode() + b"}",
    "list": b"[1, 2, 3]",
    "list of leads": b"[{" + E.encode() + b"}]",
    "number": b"5",
    "text": b'"a@example.com"',
    "null": b"null",
    "true": b"true",
    "not json": b"email=a@example.com",
    "cut json": b'{"email": "a@example.com"',
    "trailing rubbish": b"{" + E.encode() + b"} x",
    "xml": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
    "binary": bytes(range(256)) * 16,
    "huge": b'{"message": "' + b"x" * 1_000_000 + b'"}',
    "sql": b'{"email": "a@example.com", "company": "\'; DROP TABLE routing_lead; --"}',
    "template": b'{"email": "a@example.com", "company": "{{ 7*7 }}{% debug %}"}',
    "script": b'{"email": "a@example.com", "company": "<script>alert(1)</script>"}',
    "internal names": b'{"email": "a@example.com", "id": 1, "owner": 1, "__proto__": {}}',
}
assert len(HOSTILE) >= 60


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_whatever_the_bytes_are_they_are_kept_and_never_break_the_door(key, content_type):
    for name, body in HOSTILE.items():
        before = Submission.objects.count()

        answer = post(key, body, content_type=content_type)

        assert answer.status_code in (202, 400, 413), (name, answer.status_code)
        assert Submission.objects.count() == before + 1, name
        json.loads(answer.content)
    due = max(filter(None, Submission.objects.values_list("due_at", flat=True)))
    while process.drain(driver="test", due_before=due):
        pass
    assert not Submission.objects.filter(attempts__gt=0).exists()


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "x" * 300,
    ],
)
def test_any_content_type_is_stored(key, content_type):
    answer = post(key, {"nothing": 1}, content_type=content_type)

    assert answer.status_code == 400
    assert Submission.objects.get().content_type == content_type[:100]
