"""By what a person is recognised in a text, and what is masked before it goes on record."""

import json
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.privacy.marks import ERASED, marks, masked

ADA = marks(
    emails=["Ada.King@Example.com"],
    phones=["+44 20 7946 0958"],
    names=[("Ada", "King")],
    others=["https://linkedin.com/in/ada-king"],
)


@pytest.mark.parametrize(
    "text",
    [
        "write to ada.king@example.com",
        "ADA.KING@EXAMPLE.COM",
        "email=ada.king%40example.com&x=1",
        json.dumps({"name": "Ada  King"}),
        "she is called ada\nking",
        "call +442079460958",
        "call 020 7946 0958",
        "call (020) 7946-0958",
        "see https://linkedin.com/in/Ada-King",
    ],
)
def test_a_person_is_recognised_by_what_is_theirs_alone(text):
    assert ADA.are_in(text)


@pytest.mark.parametrize(
    "text", ["", "Ada", "King Ltd", "ada.queen@example.com", "7946", "+442079460959", "Example"]
)
def test_what_many_people_share_is_nobody(text):
    assert not ADA.are_in(text)


def test_letters_escaped_in_json_are_read():
    muller = marks(emails=["müller@example.de"])

    assert muller.are_in(json.dumps({"email": "müller@example.de"}))
    assert muller.are_in(quote_plus("müller@example.de"))


def test_who_has_nothing_of_their_own_is_not_recognised_in_anything():
    nobody = marks(emails=[""], phones=["12"], names=[("Ada", "")], others=["x"])

    assert not nobody
    assert not nobody.are_in("Ada 12 x @")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Spring sale", "Spring sale"),
        ("Spring sale for ada.king@example.com", f"Spring sale for {ERASED}"),
        ("for x@y.example.org, too", f"for {ERASED}, too"),
        ("ring +44 20 7946 0958", f"ring {ERASED}"),
        ("ring 020 7946 0958", f"ring {ERASED}"),
        ("Ada King asked for it", f"{ERASED} asked for it"),
        ("King size, said Ada", "King size, said Ada"),
        ("10.000.000 - 20.000.000", "10.000.000 - 20.000.000"),
        ("2026-01-01 to 2026-12-31", "2026-01-01 to 2026-12-31"),
        ("1,000,000+", "1,000,000+"),
    ],
)
def test_only_what_is_somebody_s_is_masked(text, left):
    assert masked(text, ADA) == left


@given(st.text(max_size=80))
def test_masked_text_holds_nothing_of_the_person_and_stays_so(text):
    once = masked(f"{text} ada.king@example.com {text} Ada King", ADA)

    assert "ada.king@example.com" not in once.casefold()
    assert "ada king" not in once.casefold()
    assert masked(once, ADA) == once
