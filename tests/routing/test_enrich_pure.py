"""The pure parts of enrichment: breaker, waterfall, mapping, titles, speech, agreement."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.enrich import agreement, breaker, mapping, speech, titles
from routing.enrich.breaker import FAILURES, LONGEST_REST, PROBE, REST, Breaker
from routing.enrich.waterfall import PERSON, Value, choose, merged, read_all

AT = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


# --- The breaker ------------------------------------------------------------------------


def opened(at: datetime = AT) -> Breaker:
    stands = Breaker()
    for _ in range(FAILURES):
        stands = breaker.failed(stands, at=at)
    return stands


def test_it_opens_after_so_many_failures_in_a_row_and_not_before():
    stands = Breaker()
    for _ in range(FAILURES - 1):
        stands = breaker.failed(stands, at=AT)
        assert breaker.admit(stands, at=AT) == (stands, True)

    stands = breaker.failed(stands, at=AT)

    assert (stands.state, stands.until) == ("OPEN", AT + REST)
    assert breaker.is_open(stands, at=AT + REST - SECOND)


def test_one_answer_between_failures_closes_the_count():
    stands = Breaker()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            stands = breaker.failed(stands, at=AT)
        stands = breaker.succeeded(stands)

    assert stands == Breaker()


def test_after_its_rest_one_is_let_through_and_the_others_are_not():
    later = AT + REST
    stands, first = breaker.admit(opened(), at=later)
    _, second = breaker.admit(stands, at=later)

    assert (first, second, stands.state) == (True, False, "HALF_OPEN")
    assert breaker.succeeded(stands) == Breaker()


def test_if_the_one_that_tries_fails_it_rests_twice_as_long_up_to_a_bound():
    stands, at, rests = opened(), AT, []
    for _ in range(8):
        at = stands.until
        stands, admitted = breaker.admit(stands, at=at)
        assert admitted
        stands = breaker.failed(stands, at=at)
        rests.append(stands.until - at)

    assert rests[:3] == [2 * REST, 4 * REST, 8 * REST]
    assert rests[-1] == LONGEST_REST


def test_if_the_one_that_tries_dies_another_is_let_through():
    stands, _ = breaker.admit(opened(), at=AT + REST)

    assert not breaker.admit(stands, at=AT + REST + PROBE - SECOND)[1]
    assert breaker.admit(stands, at=AT + REST + PROBE)[1]


def test_a_provider_that_wants_to_be_left_alone_is_left_alone_at_once():
    stands = breaker.failed(Breaker(), at=AT, retry_after=timedelta(seconds=90))

    assert breaker.is_open(stands, at=AT + timedelta(seconds=89))
    assert breaker.admit(stands, at=AT + timedelta(seconds=90))[1]


def test_answers_to_what_was_asked_before_it_opened_do_not_lengthen_the_rest():
    stands = opened()

    assert breaker.failed(stands, at=AT + SECOND).until == stands.until


@given(st.lists(st.tuples(st.sampled_from("afs"), st.integers(0, 100)), max_size=60))
def test_whatever_happens_it_never_rests_for_longer_than_its_bound(acts):
    stands, at = Breaker(), AT
    for act, seconds in acts:
        at += timedelta(seconds=seconds)
        if act == "a":
            stands, _ = breaker.admit(stands, at=at)
        elif act == "f":
            stands = breaker.failed(stands, at=at)
        else:
            stands = breaker.succeeded(stands)
        assert (stands.until is None) == (stands.state == "CLOSED")
        assert stands.until is None or stands.until - at <= LONGEST_REST
        # Left alone for long enough, everything is asked again.
        assert breaker.admit(stands, at=at + LONGEST_REST + PROBE)[1]


# --- Which answer counts ----------------------------------------------------------------


def value(provider: str, said: object, **more) -> Value:
    return Value("employees", said, provider, more.pop("sure", 80), AT, **more)


@pytest.mark.parametrize(
    ("values", "winner"),
    [
        ([value("b", 2, place=2), value("a", 1, place=1)], 1),
        ([value("a", 1, place=1), value("b", 2, place=2, over=True)], 2),
        ([value("a", 1, place=1, sure=49), value("b", 2, place=2, sure=50)], 2),
        ([value("a", 1, place=1, sure=20), value("b", 2, place=2, sure=30)], 2),
        ([value("b", 2, over=True), value(PERSON, 3, place=9)], 3),
        ([value("a", 1, expires_at=AT), value("b", 2, place=5)], 2),
        ([value("a", 1, expires_at=AT)], None),
    ],
    ids=["order", "overwrites", "guess", "guesses", "person", "expired", "nothing"],
)
def test_the_first_that_is_sure_wins(values, winner):
    for order in (values, values[::-1]):
        found = choose(order, at=AT)

        assert (found["employees"].value if found else None) == winner


def test_a_newer_answer_of_a_provider_replaces_its_older_one_only():
    found = merged([value("a", 1), value("b", 2)], [value("a", 7)])

    assert {(one.provider, one.value) for one in found} == {("a", 7), ("b", 2)}


def test_values_are_stored_and_read_without_loss():
    values = [value("a", ["x"], expires_at=AT + SECOND, place=3, over=True), value("b", 1.5)]

    assert read_all([one.as_json() for one in values]) == values


# --- From JSON to fields ----------------------------------------------------------------

KINDS = {"employees": "number", "industry": "text", "technologies": "list", "public": "boolean"}


@pytest.mark.parametrize(
    ("raw", "kind", "value"),
    [
        ("1,200", "number", 1200),
        ("1.200", "number", 1200),
        ("51-200", "number", 126),
        ("2.5M", "number", 2_500_000),
        ("10,000+", "number", 10_000),
        ("$4.2bn", "number", 4_200_000_000),
        (12.5, "number", 12.5),
        (True, "number", None),
        ("many", "number", None),
        (float("nan"), "number", None),
        (1e300, "number", None),
        ({"a": 1}, "text", None),
        ("  two\nlines ", "text", "two lines"),
        (["a", "a", {"b": 1}, 3], "list", ["a", "3"]),
        ("one", "list", ["one"]),
        ("yes", "boolean", None),
        (False, "boolean", False),
    ],
)
def test_a_value_becomes_its_fields_kind_or_nothing(raw, kind, value):
    assert mapping.as_kind(raw, kind) == value


def test_paths_lead_into_objects_and_lists():
    answer = {
        "c": {"size": "51-200"},
        "offices": [{"city": "Ulm"}, {}],
        "t": [{"n": "a"}, {"n": 2}],
    }

    assert mapping.at(answer, "c.size") == "51-200"
    assert mapping.at(answer, "offices[0].city") == "Ulm"
    assert mapping.at(answer, "offices[7].city") is None
    assert mapping.at(answer, "t[].n") == ["a", 2]
    assert mapping.at(answer, "c.size.more") is None


def test_what_does_not_fit_is_left_out_and_named():
    paths = {"employees": "size", "industry": "what", "confidence": "score"}

    found = mapping.apply(paths, {"size": "lots", "what": "Steel", "score": 0.42}, KINDS)

    assert dict(found.values) == {"industry": "Steel"}
    assert found.confidence == 42
    assert found.problems == ("employees: what stands at size is no number",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("employees", "Line 1"),
        ("\nsize = x", "Line 2: there is no field “size”"),
        ("employees = a b", "is no path"),
        ("employees = a\nemployees = b", "two lines"),
        ("confidence = a", "at least one field"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_which_line(text, words):
    with pytest.raises(mapping.MappingRefused, match=words):
        mapping.read_lines(text, KINDS)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
def test_no_answer_whatsoever_breaks_a_mapping(answer):
    paths = {"employees": "a.b", "industry": "a[0]", "technologies": "a[].b", "public": "c"}

    found = mapping.apply(paths, answer, KINDS)

    for name, got in found.values.items():
        assert mapping.as_kind(got, KINDS[name]) == got


# --- Titles -----------------------------------------------------------------------------

LABELLED = [
    line.rstrip("\n").split("\t")
    for line in Path(__file__).with_name("titles.tsv").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "pt"])
def test_labelled_titles_are_read_right(language):
    rows = [row for row in LABELLED if row[1] == language]
    wrong = [
        (title, seniority, department, titles.read(title))
        for _, _, title, seniority, department in rows
        if titles.read(title) != titles.Title(seniority.strip(), department.strip())
    ]

    assert len(rows) >= 25
    # Measured: docs/development/enrichment.md. One of a language may go wrong, not two.
    assert len(wrong) <= 2, wrong


def test_there_are_enough_of_them():
    assert len(LABELLED) >= 150


@pytest.mark.parametrize(
    "title", ["", "  ", "🙂", "asdf qwer", "m/w/d", "x" * 100_000, "Retired", "n/a"]
)
def test_what_is_no_title_says_nothing(title):
    assert titles.read(title) == titles.Title()


@given(st.text(max_size=60))
def test_no_text_breaks_it(text):
    found = titles.read(text)

    assert found.seniority in ("", *titles.SENIORITIES)
    assert found.department in ("", *titles.DEPARTMENTS)
    assert bool(found.authority) == bool(found.seniority)


# --- Languages, agreement ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("We are looking for a tool for our sales team, please call me.", "english"),
        ("Wir suchen eine Lösung für unser Team und möchten gerne ein Angebot.", "german"),
        ("Nous cherchons une solution pour notre équipe, merci de nous rappeler.", "french"),
        ("Buscamos una solución para nuestro equipo, por favor contáctenos.", "spanish"),
        ("Gostaria de receber uma proposta para a nossa equipe, obrigado.", "portuguese"),
        ("Demo please", None),
        ("", None),
        ("4711 0815 !!!", None),
    ],
)
def test_the_language_of_a_message(text, language):
    assert speech.language_of(text) == language


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (100, 110, True),
        (100, 112, False),
        (0, 0, True),
        ("Steel ", "steel", True),
        ("Steel", "Iron", False),
        (["a", "b"], ["B", "a", "c"], True),
        (["a"], ["b", "c"], False),
        (True, 1, False),
        ([], [], False),
    ],
)
def test_two_values_agree(one, other, same):
    assert agreement.agree(one, other) is same
    assert agreement.agree(other, one) is same


def test_wilsons_interval_as_in_the_textbook():
    assert agreement.wilson(0, 0) == (0.0, 1.0)
    low, high = agreement.wilson(45, 50)
    assert (round(low, 3), round(high, 3)) == (0.786, 0.957)
    assert agreement.wilson(10, 10)[1] == pytest.approx(1)


def test_percentiles_of_few():
    assert agreement.percentile([], 50) is None
    assert agreement.percentile([1, 2, 3, 4], 50) == 2
    assert agreement.percentile([1, 2, 3, 4], 95) == 4
