"""Turn the bytes a door received into fields, or say what is wrong with them. Pure."""

import json
import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

MOST_BYTES = 256 * 1024
MOST_DEPTH = 20
MOST_FIELDS = 200
LONGEST_NUMBER = 40


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field; an empty field means the body as a whole."""

    field: str
    code: str
    message: str

    def as_json(self) -> dict[str, str]:
        return {"field": self.field, "code": self.code, "message": self.message}


class Undecodable(ValueError):
    """The body cannot be read; `problem` says why and what to do."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(field, code, message)


def decode(raw: bytes, content_type: str) -> dict[str, Any]:
    """
    Read a JSON object or a URL-encoded form into a flat mapping of fields.

    Never raises anything else, whatever the bytes are.

    :raises Undecodable: for wrong encoding, broken JSON, NUL characters, lone surrogates,
        nesting deeper than 20, more than 256 KiB, or something that is not an object
    """
    if len(raw) > MOST_BYTES:
        raise Undecodable("too_large", f"The body is larger than {MOST_BYTES // 1024} KiB.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Undecodable(
            "not_utf8", f"The body is not UTF-8 (byte {error.start}); send it as UTF-8."
        ) from error
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        fields = _form(text)
    else:
        fields = _json(text)
    _check_texts(fields)
    return fields


def _form(text: str) -> dict[str, Any]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except (ValueError, UnicodeDecodeError) as error:
        raise Undecodable("bad_form", "The form cannot be read as UTF-8 text.") from error
    return dict(pairs)


def _json(text: str) -> dict[str, Any]:
    if _depth(text) > MOST_DEPTH:
        raise Undecodable("too_deep", f"The body is nested deeper than {MOST_DEPTH} levels.")
    try:
        value = json.loads(
            text, parse_constant=_refuse_constant, parse_int=_integer, parse_float=_decimal
        )
    except Undecodable:
        raise
    except (ValueError, RecursionError) as error:
        place = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise Undecodable("bad_json", f"The body is not valid JSON{place}.") from error
    if not isinstance(value, dict):
        raise Undecodable("not_an_object", 'Send one JSON object, e.g. {"email": "…"}.')
    if len(value) > MOST_FIELDS:
        raise Undecodable("too_many_fields", f"More than {MOST_FIELDS} fields.")
    return value


def _refuse_constant(name: str) -> Any:
    raise Undecodable("bad_json", f"{name} is not a JSON number.")


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise Undecodable("bad_number", "A number has too many digits.")
    return int(digits)


def _decimal(digits: str) -> float:
    """A number beyond the range of floats has no JSON form that a database would keep."""
    value = float(digits)
    if not math.isfinite(value):
        raise Undecodable("bad_number", "A number is too large.")
    return value


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        # 1e400 reads as infinity, which no JSON column can store.
        raise Undecodable("bad_number", "A number is too large.")
    return value


def _depth(text: str) -> int:
    """The deepest nesting of brackets outside of strings; cheap, and before any parser."""
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _check_texts(value: Any, path: str = "") -> None:
    """Refuse what PostgreSQL cannot store, so that both databases take the same things."""
    if isinstance(value, str):
        if "\x00" in value:
            raise Undecodable("nul_character", "Contains a NUL character.", path)
        if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
            raise Undecodable("lone_surrogate", "Contains half of a character.", path)
    elif isinstance(value, dict):
        for name, part in value.items():
            _check_texts(name, path)
            _check_texts(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            _check_texts(part, f"{path}[{number}]")
