"""When the database is away every door says so, and says when to come again."""

import json
import uuid

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client

from routing.intake import doors
from routing.keys import issue_key
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


def breaks(monkeypatch, error: Exception) -> None:
    def receive(**_):
        raise error

    monkeypatch.setattr(doors, "receive", receive)


def post_to_api(client):
    source = make.source("partner")
    key = issue_key(source=source, by=make.user(), at=make.MONDAY_9AM)
    return client.post(
        "/api/v1/leads/",
        json.dumps({"email": "ada@example.com"}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}", "Idempotency-Key": uuid.uuid4().hex},
    )


def post_to_form(client):
    make.form("contact")
    fields = {"first_name": "Ada", "last_name": "Byron", "email": "ada@example.com"}
    return client.post("/f/contact/", {**fields, "company": "Example"})


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
def test_the_api_answers_503_while_the_database_is_away(client, monkeypatch, error):
    breaks(monkeypatch, error)

    answer = post_to_api(client)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "database_away"
    assert "gone" not in answer.text


def test_a_form_answers_503_while_the_database_is_away(client, monkeypatch):
    breaks(monkeypatch, OperationalError("gone"))

    answer = post_to_form(client)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "send it again" in answer.text


def test_anything_else_is_a_mistake_of_ours(client, monkeypatch):
    breaks(monkeypatch, ZeroDivisionError())

    api, form = post_to_api(client), post_to_form(client)

    assert (api.status_code, form.status_code) == (500, 500)
    assert api.json()["code"] == "server_error"
    assert "Retry-After" not in api.headers
    assert "Something broke" in form.text
