"""What holds for every address of the API."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from config import api, api_urls
from routing.keys import issue_key
from tests import make

pytestmark = pytest.mark.django_db

SCHEMA = SchemaGenerator().get_schema(public=True)
OPERATIONS = [
    (method, path)
    for path, item in SCHEMA["paths"].items()
    for method in item
    if method != "parameters"
]
# What the key of a source opens.
OPEN_TO_KEYS = {("post", "/api/v1/leads/"), ("get", "/api/v1/submissions/{public_id}/")}


def address(path: str) -> str:
    return path.replace("{public_id}", "7d4c1f7e-4d1a-4c43-9a3c-0f1de2a3b4c5").replace("{id}", "1")


def test_the_description_is_valid_and_without_a_warning():
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=StringIO())


def test_the_description_and_its_page_are_for_whoever_is_signed_in(client):
    assert client.get("/api/schema/").status_code == 401
    client.force_login(make.user())

    assert client.get("/api/schema/").status_code == 200
    page = client.get("/api/schema/swagger/")
    assert page.status_code == 200
    assert b"https://" not in page.content.replace(b"https://schema", b"")


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_nobody_gets_in_without_signing_in(method, path):
    answer = getattr(Client(), method)(address(path))

    assert answer.status_code == 401
    if path == "/api/schema/":
        return  # speaks YAML, even when it refuses
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_authenticated"


def test_the_key_of_a_source_opens_its_doors_only():
    key = issue_key(source=make.source(), by=make.user(), at=make.MONDAY_9AM)
    client = Client(headers={"Authorization": f"Bearer {key}"})

    opened = {
        (method, path)
        for method, path in OPERATIONS
        if getattr(client, method)(address(path)).status_code != 403
    }

    assert opened == OPEN_TO_KEYS | {("get", "/api/schema/")} & opened


def test_a_person_whose_account_is_closed_gets_nothing():
    user = make.user(group="admin")
    client = Client()
    client.force_login(user)
    user.is_active = False
    user.save()

    assert client.get("/api/v1/leads/").status_code == 401


def test_writing_wants_a_csrf_token():
    client = Client(enforce_csrf_checks=True)
    client.force_login(make.user(group="admin"))

    answer = client.post("/api/v1/skills/", "{}", "application/json")

    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_an_error_says_status_code_and_words(client):
    client.force_login(make.user(group="admin"))

    missing = client.get("/api/v1/leads/99/").json()
    wrong = client.put("/api/v1/skills/1/", "{}", "application/json").json()
    invalid = client.post("/api/v1/skills/", "{}", "application/json").json()

    assert missing == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "detail": api.NOTHING_HERE,
    }
    assert (wrong["status"], wrong["code"]) == (405, "method_not_allowed")
    assert {"field": "slug", "code": "required", "message": "This field is required."} in (
        invalid["errors"]
    )


def test_pages_have_a_bound(client):
    client.force_login(make.user(group="admin"))
    for number in range(3):
        make.skill(f"skill-{number}")

    small = client.get("/api/v1/skills/?page_size=2").json()

    assert (small["count"], len(small["results"])) == (3, 2)
    assert api.Pages.max_page_size == 200


def test_every_refusal_has_a_code_of_its_own():
    codes = [api.snake_case(kind.__name__) for kind in refusals()]

    assert len(codes) == len(set(codes))
    assert {"epoch_passed", "cap_reached", "claim_refused", "not_yours", "key_reused"} <= set(codes)


def refusals():
    """The classes a service may refuse with, subclasses included."""
    found, ahead = set(), [kind for kind, _ in api.REFUSALS]
    while ahead:
        kind = ahead.pop()
        if kind not in found:
            found.add(kind)
            ahead += kind.__subclasses__()
    return found


PROMISED = {
    *("leads", "reps", "teams", "skills", "territories", "accounts", "pools", "queues"),
    *("rulesets", "rules", "policies", "clocks", "escalations", "assignments", "decisions"),
}


def test_every_resource_promised_is_there():
    assert {prefix for prefix, _, _ in api_urls.router.registry} >= PROMISED
