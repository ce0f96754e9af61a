"""Signing in with the demo's password."""

import pytest
from django.contrib.auth import authenticate

from reps.models import User

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("demo", [True, False])
def test_the_demo_password_opens_the_demo_only(settings, demo):
    settings.DEMO = demo
    User.objects.create_user("rep", password="demo")

    found = authenticate(username="rep", password="demo")

    assert (found is not None) is demo


def test_any_other_password_is_asked_as_usual():
    User.objects.create_user("rep", password="secret-words")

    assert authenticate(username="rep", password="secret-words") is not None
    assert authenticate(username="rep", password="wrong-words") is None
