"""Hostile bytes: whatever comes in, it is fields or a reason why not."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.intake.decode import MOST_BYTES, MOST_DEPTH, MOST_FIELDS, Undecodable, decode

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("raw", "content_type", "code"),
    [
        (b"", JSON, "bad_json"),
        (b"{", JSON, "bad_json"),
        (b'{"a": NaN}', JSON, "bad_json"),
        (b'{"a": Infinity}', JSON, "bad_json"),
        (b'{"a": -Infinity}', JSON, "bad_json"),
        (b'{"a": 1e999}', JSON, "bad_number"),
        (b'{"a": -1e999}', JSON, "bad_number"),
        (b'{"a": ' + b"9" * 41 + b"}", JSON, "bad_number"),
        (b"[]", JSON, "not_an_object"),
        (b'"text"', JSON, "not_an_object"),
        (b"null", JSON, "not_an_object"),
        (b"\xff\xfe", JSON, "not_utf8"),
        ("ü".encode("latin-1"), FORM, "not_utf8"),
        (b'{"a": "\\u0000"}', JSON, "nul_character"),
        (b'{"\\u0000": 1}', JSON, "nul_character"),
        (b"a=%00", FORM, "nul_character"),
        (b'{"a": "\\ud800"}', JSON, "lone_surrogate"),
        (b'{"a": {"b": ["\\udfff"]}}', JSON, "lone_surrogate"),
        (b"a=%ff", FORM, "bad_form"),
        (b"[" * 21 + b"]" * 21, JSON, "too_deep"),
        (b'{"a":' * 100_000, JSON, "too_large"),
        (b'{"a":' * 40_000, JSON, "too_deep"),
        (b"x" * (MOST_BYTES + 1), JSON, "too_large"),
        (b"&".join(b"f%d=1" % n for n in range(MOST_FIELDS + 1)), FORM, "bad_form"),
    ],
)
def test_what_cannot_be_read_is_named(raw, content_type, code):
    with pytest.raises(Undecodable) as refused:
        decode(raw, content_type)

    assert refused.value.problem.code == code
    assert refused.value.problem.message


def test_too_many_fields_are_refused():
    body = json.dumps({f"f{n}": n for n in range(MOST_FIELDS + 1)}).encode()

    with pytest.raises(Undecodable, match="fields"):
        decode(body, JSON)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b'{"a": {"b": ["x", "\\u0000"]}}', "a.b[1]"),
        (b'{"email": "\\u0000"}', "email"),
    ],
)
def test_the_problem_points_at_the_field(raw, path):
    with pytest.raises(Undecodable) as refused:
        decode(raw, JSON)

    assert refused.value.problem.field == path


def test_brackets_in_texts_are_no_depth():
    assert decode(json.dumps({"a": '"[{' * 50 + "\\"}).encode(), JSON)


def test_the_deepest_body_that_is_read():
    body = b'{"a": ' + b"[" * (MOST_DEPTH - 1) + b"]" * (MOST_DEPTH - 1) + b"}"

    assert decode(body, JSON)


def test_a_byte_order_mark_is_no_fault():
    assert decode(b'\xef\xbb\xbf{"a": 1}', JSON) == {"a": 1}


@pytest.mark.parametrize(
    "content_type", ["", JSON, "text/plain", "application/json; charset=utf-8"]
)
def test_anything_but_a_form_is_read_as_json(content_type):
    assert decode('{"name": "Zoë 👋"}'.encode(), content_type) == {"name": "Zoë 👋"}


@pytest.mark.parametrize("content_type", [FORM, FORM + "; charset=utf-8", FORM.upper()])
def test_a_form_is_read_with_its_empty_fields(content_type):
    assert decode(b"a=1&b=&c=%C3%BC+x", content_type) == {"a": "1", "b": "", "c": "ü x"}


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([JSON, FORM, "", "x"]))
def test_arbitrary_bytes_are_fields_or_undecodable(raw, content_type):
    try:
        fields = decode(raw, content_type)
    except Undecodable as refused:
        fields = refused.problem.as_json()

    assert isinstance(fields, dict)


HOSTILE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(alphabet=st.characters(exclude_categories=())),
    lambda part: (
        st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3)
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(HOSTILE)
def test_arbitrary_json_is_fields_that_every_database_can_keep_or_undecodable(value):
    try:
        fields = decode(json.dumps(value).encode(), JSON)
    except Undecodable:
        return

    written = json.dumps(fields, ensure_ascii=False, allow_nan=False)
    assert written.encode()
    assert "\x00" not in written
    assert json.loads(written) == fields


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='{}[]":,\\u0dDeE+-.1 \n', max_size=60))
def test_nearly_json_is_fields_or_undecodable(text):
    with contextlib.suppress(Undecodable):
        assert isinstance(decode(text.encode(), JSON), dict)
