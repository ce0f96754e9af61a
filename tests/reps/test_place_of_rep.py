"""Where a rep is and how senior: set in the form, by the API and from a file."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from reps.forms import RepForm
from reps.models import Rep
from reps.services import imports
from tests import make

pytestmark = pytest.mark.django_db


def test_the_form_sets_seniority_and_place(client):
    boss, rep = make.user("boss", group="revops"), make.rep("ann")
    client.force_login(boss)
    values = {"team": rep.team_id, "role": "AE", "capacity": 5}

    client.post(
        reverse("rep", args=[rep.pk]),
        {**values, "seniority": "3", "country": "us", "postal_code": "94105"},
    )

    rep.refresh_from_db()
    assert (rep.seniority, rep.country, rep.postal_code) == (Rep.Seniority.SENIOR, "US", "94105")


def test_a_country_is_two_letters():
    boss, rep = make.user("boss", group="revops"), make.rep("ann")
    values = {"team": rep.team_id, "role": "AE", "capacity": 5, "country": "1x"}

    assert "two letters" in RepForm(values, by=boss, rep=rep).errors["country"][0]
    rep.country = "1x"
    with pytest.raises(ValidationError, match="two letters"):
        rep.clean()


def test_the_api_sets_seniority_and_place(client):
    rep = make.rep("ann")
    client.force_login(make.user("boss", group="revops"))

    answer = client.patch(
        f"/api/v1/reps/{rep.pk}/",
        {"seniority": 4, "country": "us", "postal_code": "10001"},
        content_type="application/json",
    )

    assert answer.status_code == 200, answer.content
    assert [answer.json()[name] for name in ("seniority", "country", "postal_code")] == [
        4,
        "US",
        "10001",
    ]


@pytest.mark.parametrize(
    ("text", "level"), [("", 0), ("Senior", 3), ("mid-level", 2), ("MID", 2), ("4", 4)]
)
def test_a_file_names_a_seniority_in_words_or_as_a_number(text, level):
    assert imports._seniority(text) == level


def test_a_seniority_that_is_none_is_refused():
    with pytest.raises(imports.Refused, match="junior, mid-level, senior, principal"):
        imports._seniority("wizard")
