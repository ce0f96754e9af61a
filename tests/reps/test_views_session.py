"""Signing in and out."""

import pytest
from django.urls import reverse

from tests import make

pytestmark = pytest.mark.django_db


def test_a_stranger_is_asked_to_sign_in_first(client):
    answer = client.get(reverse("home"))

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("login"))


def test_signing_in_leads_where_one_wanted_to_go(client):
    make.user("robin", group="rep")

    answer = client.post(
        reverse("login"), {"username": "robin", "password": "secret-words", "next": "/leads/"}
    )

    assert answer["Location"] == "/leads/"


def test_a_wrong_password_says_so_and_keeps_the_name(client):
    make.user("robin", group="rep")

    answer = client.post(reverse("login"), {"username": "robin", "password": "wrong"})

    assert "do not go together" in answer.content.decode()
    assert 'value="robin"' in answer.content.decode()


def test_signing_out_needs_a_post(client):
    client.force_login(make.user("robin", group="rep"))

    assert client.get(reverse("logout")).status_code == 405
    assert client.post(reverse("logout")).status_code == 302
    assert client.get(reverse("home")).status_code == 302


def test_pages_run_nothing_inline(client):
    body = client.get(reverse("login")).content.decode()

    assert "<script>" not in body
    assert " style=" not in body
