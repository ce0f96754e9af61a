"""Who may be the same person, and how much speaks for it. Pure."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.dedupe.addresses import DEFAULT, PROVIDERS, Rules
from routing.dedupe.alike import Face, blocks, compare, is_one_slip
from routing.dedupe.identity import same_name

ANN = Face(1, "Ann", "Lee", "ann.lee@acme.com", "+4930123456", "", "Acme", "DE")


def other(**fields) -> Face:
    return replace(Face(2, "Ann", "Lee", "", "", "", "Acme", "DE"), **fields)


@pytest.mark.parametrize(
    ("one", "two", "code", "at_least"),
    [
        (ANN, other(email="a.lee@acme.com"), "same_name_domain", 75),
        (ANN, other(first_name="Anne", email="anne@acme.com"), "", 0),
        (ANN, other(last_name="Lees", email="x@acme.com"), "near_name_domain", 60),
        (ANN, other(first_name="Lee", last_name="Ann", email="x@acme.com"), "swapped_domain", 70),
        (
            replace(ANN, first_name="Robert"),
            other(first_name="Bob", email="bob@acme.com"),
            "nickname_domain",
            65,
        ),
        (ANN, other(email="ann.lea@acme.com"), "local_typo", 60),
        (
            replace(ANN, email="ann.lee@gmail.com"),
            other(email="ann.lee@gmial.com"),
            "domain_typo",
            85,
        ),
        (
            replace(ANN, email="ann.lee@gmail.com"),
            other(email="annlee+x@googlemail.com"),
            "mailbox",
            90,
        ),
        (ANN, other(phone="+4930123456"), "phone_same_name", 80),
        (
            ANN,
            other(first_name="Ben", last_name="Ode", phone="+4930123456"),
            "phone_other_name",
            50,
        ),
        (
            replace(ANN, email="ann@gmail.com"),
            other(email="lee@web.de"),
            "same_name_company",
            60,
        ),
    ],
)
def test_what_speaks_for_one_person(one, two, code, at_least):
    found = compare(one, two, DEFAULT)

    assert (code in found.evidence) == bool(code)
    assert found.confidence >= at_least
    assert found.confidence < 100
    if code:
        assert blocks(one, DEFAULT) & blocks(two, DEFAULT), "they would never be compared"


@pytest.mark.parametrize(
    "two",
    [
        other(email="ann.lee@gmail.com", company=""),
        other(first_name="Ben", last_name="Ode", email="ben.ode@acme.com"),
        other(email="info@acme.com", first_name="", last_name=""),
    ],
)
def test_what_does_not(two):
    assert compare(ANN, two, DEFAULT).confidence == 0


def test_a_free_provider_says_nothing_of_a_company():
    one = replace(ANN, email="ann@gmail.com", company="")

    assert compare(one, other(email="lee@gmail.com", company=""), DEFAULT).confidence == 0


def test_two_shared_mailboxes_are_no_typing_slip():
    one, two = replace(ANN, email="sales@acme.com"), other(email="sale@acme.com", first_name="B")
    slip = replace(one, email="info@acme.com"), replace(two, email="inf@acme.com")

    assert "local_typo" not in compare(*slip, DEFAULT).evidence


def test_a_number_of_three_people_is_a_switchboard():
    ben = other(first_name="Ben", last_name="Ode", phone=ANN.phone)

    assert compare(ANN, ben, DEFAULT, of_number=3).confidence < 20


def test_another_profile_speaks_against_it():
    one = replace(ANN, linkedin_url="linkedin.com/in/a")
    two = other(email="a@acme.com", linkedin_url="linkedin.com/in/b")

    found = compare(one, two, DEFAULT)

    assert found.confidence < 50
    assert found.evidence[-1] == "other_profile"


NAMES = st.sampled_from(["Ann Lee", "Bob Ray", "Robert Ray", "Lee Ann", "Cy", ""])
FACES = st.builds(
    lambda name, local, domain, phone: Face(
        1, *(f"{name} ".split(" ")[:2]), f"{local}@{domain}" if local else "", phone, "", "Acme"
    ),
    NAMES,
    st.text("ab.+", max_size=7),
    st.sampled_from(["acme.com", "gmail.com", "gmial.com"]),
    st.sampled_from(["", "+4930123456"]),
)


@settings(max_examples=60, deadline=None)
@given(FACES, FACES)
def test_likeness_has_no_direction_and_whoever_is_alike_shares_a_block(one, two):
    there, back = compare(one, two, DEFAULT), compare(two, one, DEFAULT)

    assert there == back
    assert 0 <= there.confidence < 100
    if there.evidence:
        assert blocks(one, DEFAULT) & blocks(two, DEFAULT)


@settings(max_examples=60, deadline=None)
@given(st.text("abc", min_size=1, max_size=6), st.text("abc", min_size=1, max_size=6))
def test_one_slip_is_an_edit_distance_of_one_or_a_swap(one, two):
    edits = {one[:n] + one[n + 1 :] for n in range(len(one))}
    edits |= {one[:n] + c + one[n:] for n in range(len(one) + 1) for c in "abc"}
    edits |= {one[:n] + c + one[n + 1 :] for n in range(len(one)) for c in "abc"}
    edits |= {one[:n] + one[n : n + 2][::-1] + one[n + 2 :] for n in range(len(one) - 1)}

    assert is_one_slip(one, two) == (two in edits - {one})


@settings(max_examples=60, deadline=None)
@given(st.text("ab.+-", min_size=1, max_size=8), st.sampled_from(["gmail.com", "pm.me", "x.com"]))
def test_a_mailbox_is_its_own_mailbox(local, domain):
    rules = Rules.of(providers=[one.as_json() for one in PROVIDERS], tags_everywhere=True)
    box = rules.mailbox(f"{local}@{domain}")

    assert box
    assert rules.mailbox(box) == box


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("ann lee", "lee ann", True),
        ("ann lee", "a lee", True),
        ("ann lee", "ann", True),
        ("bob ray", "robert ray", True),
        ("ann lee", "ben lee", False),
        ("ann lee", "ann ode", False),
    ],
)
def test_which_names_may_be_one_persons(one, two, same):
    assert same_name(one, two) == same
