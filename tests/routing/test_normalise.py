"""Normal form: idempotent, the same on every database, every fault named."""

from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from routing.dedupe.addresses import DEFAULT
from routing.dedupe.identity import recognise
from routing.intake.normalise import ADDRESSES, TEXTS, Normalised, Refused, fold, normalise
from routing.models import Prospect, ProspectKey

REACHABLE = {"email": "ann@example.com"}


def normal(**fields) -> Normalised:
    return normalise({**REACHABLE, **fields})


def refusals(**fields) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        normalise(fields)
    return {problem.field: problem.code for problem in refused.value.problems}


# --- Each kind of field -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("Ann.Lee@Example.COM", "ann.lee@example.com"),
        ("  ann@example.com \n", "ann@example.com"),
        ("ａnn@example.com", "ann@example.com"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
    ],
)
def test_an_email_address_has_one_form(given_, kept):
    assert normalise({"email": given_}).email == kept


@pytest.mark.parametrize("bad", ["ann", "ann@", "@example.com", "a b@example.com", "ann@exa_mple"])
def test_what_is_no_email_address_is_named(bad):
    assert refusals(email=bad) == {"email": "bad_email"}


@pytest.mark.parametrize(
    ("number", "country", "kept"),
    [
        ("+49 30 123456", "", "+4930123456"),
        ("030 123456", "DE", "+4930123456"),
        ("(212) 555-0123", "United States", "+12125550123"),
    ],
)
def test_a_phone_number_is_kept_with_its_country_code(number, country, kept):
    assert normalise({"phone": number, "country": country}).phone == kept


@pytest.mark.parametrize("bad", ["none", "030 123456", "+1 2", "+" + "9" * 30])
def test_what_is_no_phone_number_is_named(bad):
    assert refusals(phone=bad) == {"phone": "bad_phone"}


@pytest.mark.parametrize(
    "given_",
    [
        "https://www.linkedin.com/in/Ann-Lee/",
        "linkedin.com/in/ann-lee",
        "https://de.linkedin.com/in/ann-lee?trk=x#top",
        "http://linkedin.com/pub/ann-lee/",
        "https://www.linkedin.com/in/ann%2Dlee/de/?originalSubdomain=de",
        "m.linkedin.com/mwlite/in/ann-lee",
    ],
)
def test_a_linkedin_profile_has_one_form(given_):
    assert normalise({"linkedin_url": given_}).linkedin_url == "linkedin.com/in/ann-lee"


def test_an_old_public_profile_is_the_one_of_today():
    found = normalise({"linkedin_url": "http://linkedin.com/pub/ann-lee/1a/2b/3c"})

    assert found.linkedin_url == "linkedin.com/in/ann-lee-03c02b1a"


@pytest.mark.parametrize(
    "bad",
    [
        "https://linkedin.com/in/%00",
        "https://example.com/in/ann",
        "https://evillinkedin.com/in/ann",
        "https://linkedin.com.evil.example/in/ann",
        "linkedin.com/company/x",
        "http://[",
        "http://[::1/in/ann",
        "https://linkedin.com\u2100/in/ann",
    ],
)
def test_what_is_no_linkedin_profile_is_named(bad):
    assert refusals(linkedin_url=bad) == {"linkedin_url": "bad_linkedin"}


@pytest.mark.parametrize(
    ("given_", "kept"),
    [(250, 250), ("250", 250), ("1,500", 1500), ("51-200", 51), ("1000+", 1000), (12.0, 12)],
)
def test_a_number_of_employees_is_read(given_, kept):
    assert normal(employees=given_).employees == kept


@pytest.mark.parametrize("bad", ["many", "-5", "1.5", True, [1], {"n": 1}, "99999999999"])
def test_what_is_no_number_of_employees_is_named(bad):
    assert "employees" in refusals(**REACHABLE, employees=bad)


@pytest.mark.parametrize(("given_", "kept"), [("4,821.5", "4821.50"), (0, "0.00"), (7.125, "7.12")])
def test_money_is_kept_in_cents(given_, kept):
    assert normal(expected_value=given_).expected_value == Decimal(kept)


@pytest.mark.parametrize("bad", ["NaN", "sNaN", "Infinity", "-1", "1e40", "x", False, []])
def test_what_is_no_amount_is_named(bad):
    assert "expected_value" in refusals(**REACHABLE, expected_value=bad)


@pytest.mark.parametrize(
    ("given_", "kept"),
    [(True, True), ("yes", True), ("off", False), ("", None), (None, None), ("1", True)],
)
def test_a_raised_hand_is_read(given_, kept):
    assert normal(hand_raise=given_).hand_raise is kept


@pytest.mark.parametrize("bad", ["maybe", 2, [], {}])
def test_what_is_no_yes_or_no_is_named(bad):
    assert refusals(**REACHABLE, hand_raise=bad) == {"hand_raise": "wrong_type"}


def test_a_country_is_kept_as_two_letters():
    assert normal(country="Germany").country == "DE"
    assert refusals(**REACHABLE, country="Atlantis") == {"country": "bad_country"}


def test_one_name_becomes_first_and_last_name():
    found = normal(name="Ann Marie Lee")

    assert (found.text("first_name"), found.text("last_name")) == ("Ann Marie", "Lee")


def test_names_that_were_given_apart_stay():
    found = normal(name="Somebody Else", first_name="Ann")

    assert (found.text("first_name"), found.text("last_name")) == ("Ann", "")


def test_a_text_is_folded():
    assert normal(company=" Ａcme\u200b\t  Ltd ").text("company") == "Acme Ltd"


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_is_too_long_is_named(name):
    assert refusals(**REACHABLE, **{name: "x" * (TEXTS[name] + 1)}) == {name: "too_long"}


@pytest.mark.parametrize("bad", [True, ["x"], {"x": 1}])
def test_a_text_of_another_type_is_named(bad):
    assert refusals(**REACHABLE, company=bad) == {"company": "wrong_type"}


def test_a_person_must_be_reachable():
    assert refusals(company="Acme") == {"email": "unreachable"}


def test_every_fault_is_named_at_once():
    found = refusals(email="x", employees="many", country="Atlantis", odd={"a": 1})

    assert found == {
        "email": "bad_email",
        "employees": "bad_number",
        "country": "bad_country",
        "odd": "wrong_type",
    }


def test_what_a_form_insists_on_must_be_filled_in():
    with pytest.raises(Refused, match="last_name"):
        normalise(REACHABLE, required=("email", "last_name"))


def test_other_questions_are_kept_as_answers():
    found = normal(use_case="Support", seats=5, trial=True, empty="")

    assert found.answers == {"use_case": "Support", "seats": 5, "trial": True}


# --- Laws ---------------------------------------------------------------------------------------

TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=60)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
VALUE = st.recursive(
    SCALAR,
    lambda part: st.lists(part, max_size=2) | st.dictionaries(TEXT, part, max_size=2),
    max_leaves=4,
)
ADDRESS = (
    TEXT
    | st.emails()
    | st.from_regex(r"\+[0-9 ]{5,16}", fullmatch=True)
    | TEXT.map(lambda t: f"linkedin.com/in/{t}")
    | TEXT.map(lambda t: f"http://{t}/in/x")
    | TEXT.map(lambda t: f"{t}@example.com")
)
KNOWN = [*TEXTS, *ADDRESSES, "country", "employees", "expected_value", "hand_raise"]
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(TEXTS, VALUE),
        **dict.fromkeys(ADDRESSES, ADDRESS | VALUE),
        "country": st.sampled_from(["DE", "Germany", "", "USA"]) | VALUE,
        "employees": VALUE,
        "expected_value": VALUE,
        "hand_raise": VALUE,
        "own": VALUE,
    },
)


@settings(max_examples=300, deadline=None)
@given(FIELDS)
@example({"linkedin_url": "http://["})
@example({"email": "a@example.com", "company": 10**5000})
@example({"email": "a@example.com", "employees": 10**5000})
@example({"email": "a@example.com", "expected_value": 10**5000})
@example({"email": "a@example.com", "own": 10**5000})
def test_arbitrary_fields_are_normal_or_refused(fields):
    try:
        found = normalise(fields)
    except Refused:
        return

    assert found.email or found.phone or found.linkedin_url


GOOD = st.fixed_dictionaries(
    {"email": st.emails()},
    optional={
        **dict.fromkeys(TEXTS, TEXT),
        "linkedin_url": st.text(alphabet="abcß-Üİŉẞǅ%20éﬃ", min_size=1, max_size=280).map(
            lambda t: f"linkedin.com/in/{t}"
        ),
        "phone": st.from_regex(r"\+49 ?[0-9]{6,10}", fullmatch=True),
        "country": st.sampled_from(["DE", "Germany", "US", ""]),
        "employees": st.integers(0, 10_000_000) | st.just("51-200"),
        "expected_value": st.decimals(0, 10**9, allow_nan=False).map(str),
        "hand_raise": st.booleans(),
    },
)


def as_fields(found: Normalised) -> dict:
    fields = dict(found.texts) | dict(found.answers)
    for name in ("email", "phone", "linkedin_url", "country", "employees", "hand_raise"):
        if getattr(found, name) not in ("", None):
            fields[name] = getattr(found, name)
    if found.expected_value is not None:
        fields["expected_value"] = str(found.expected_value)
    return fields


@settings(max_examples=200, deadline=None)
@given(GOOD)
def test_the_normal_form_is_its_own_normal_form(fields):
    try:
        once = normalise(fields)
    except Refused:
        return

    assert normalise(as_fields(once)) == once


@settings(max_examples=200, deadline=None)
@given(GOOD)
def test_the_normal_form_fits_the_columns(fields):
    try:
        found = normalise(fields)
    except Refused:
        return

    for name in ("email", "phone", "linkedin_url", "country", "first_name", "last_name", "company"):
        value = found.text(name) if name in TEXTS else getattr(found, name)
        assert len(value) <= Prospect._meta.get_field(name).max_length
    (keys,) = recognise([found], {}, DEFAULT).keys
    for kind, value in keys:
        assert len(value) <= ProspectKey._meta.get_field("value").max_length
        assert kind in ProspectKey.Kind.values


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)
