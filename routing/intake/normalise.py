"""Bring fields into their normal form, and name every one that cannot be. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from accounts.geography import country_code
from routing.dedupe.addresses import linkedin_profile
from routing.intake.decode import Problem
from routing.intake.events import BadEvents, Event
from routing.intake.events import read as read_events

# Field → longest text that is kept; what is longer is a mistake, not a name.
TEXTS = {
    "first_name": 120,
    "last_name": 120,
    "name": 240,
    "company": 200,
    "title": 160,
    "website": 300,
    "region": 60,
    "city": 80,
    "postal_code": 20,
    "industry": 80,
    "campaign": 120,
    "product_interest": 80,
    "budget_range": 40,
    "timeline": 40,
    "message": 5000,
    "page_url": 500,
}
ADDRESSES = ("email", "phone", "linkedin_url")
OTHERS = ("country", "employees", "expected_value", "hand_raise", "channel", "motion", "events")
# Set by the door or the import mapping, not by whoever fills in a form.
KNOWN = {*TEXTS, *ADDRESSES, *OTHERS}
MOST_ANSWERS = 50
LONGEST_ANSWER = 1000
MOST_EMPLOYEES = 10_000_000
LARGEST_NUMBER = 10**40
MOST_VALUE = Decimal("999999999999.99")


@dataclass(frozen=True, slots=True)
class Normalised:
    """
    One submission in normal form. Which of its addresses recognise the person, and in which
    order, is `routing.dedupe.identity`.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    email: str = ""
    phone: str = ""
    linkedin_url: str = ""
    country: str = ""
    employees: int | None = None
    expected_value: Decimal | None = None
    hand_raise: bool | None = None
    external_id: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()

    def text(self, name: str) -> str:
        return self.texts.get(name, "")


class Refused(ValueError):
    """Some fields cannot be used; `problems` names each with the way out."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
        self.problems = problems


class _Field(ValueError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def normalise(
    fields: Mapping[str, Any],
    *,
    required: tuple[str, ...] = (),
    external_id: str = "",
    received_at: datetime | None = None,
) -> Normalised:
    """
    Return the normal form of decoded fields; names that are not ours become `answers`.

    Text is NFKC with white space folded, computed here once, so that every database sees
    the same keys. A person must be reachable: e-mail, phone or LinkedIn; or else be known
    by an id elsewhere, which only an import's mapping can give, never a body. Events later than
    `received_at` are refused, if it is given.

    :raises Refused: naming every field that cannot be used
    """
    problems: list[Problem] = []

    def read(name: str, reader: Any) -> Any:
        try:
            return reader(fields.get(name))
        except _Field as error:
            problems.append(Problem(name, error.code, error.message))
            return None

    texts = {name: read(name, lambda v, most=most: _text(v, most)) for name, most in TEXTS.items()}
    country = read("country", _country) or ""
    email = read("email", _email) or ""
    phone = read("phone", lambda v: _phone(v, country)) or ""
    linkedin = read("linkedin_url", _linkedin) or ""
    employees = read("employees", _employees)
    value = read("expected_value", _money)
    raised = read("hand_raise", _yes_no)
    answers = _answers(fields, problems)
    happened = _events(fields.get("events"), received_at, problems)
    named = {problem.field for problem in problems}
    for name in required:
        if name not in named and not _text_or_empty(fields.get(name)):
            problems.append(Problem(name, "required", "Please fill this in."))
    if not (email or phone or linkedin or external_id) and not named & set(ADDRESSES):
        problems.append(
            Problem("email", "unreachable", "Give an e-mail address, a phone number or LinkedIn.")
        )
    if problems:
        raise Refused(problems)
    _split_name(texts)
    return Normalised(
        texts={name: text for name, text in texts.items() if text},
        email=email,
        phone=phone,
        linkedin_url=linkedin,
        country=country,
        employees=employees,
        expected_value=value,
        hand_raise=raised,
        external_id=external_id,
        answers=answers,
        events=happened,
    )


def fold(text: str) -> str:
    """NFKC, control characters dropped, white space folded to single blanks."""
    plain = unicodedata.normalize("NFKC", text)
    kept = "".join(c if unicodedata.category(c)[0] != "C" or c in "\n\t" else " " for c in plain)
    return re.sub(r"[^\S\n]+", " ", kept).strip()


def _text_or_empty(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _written(value: str | int | float) -> str:
    """The value as text; a number that no database column could hold is none."""
    if not isinstance(value, str) and not abs(value) < LARGEST_NUMBER:
        raise _Field("bad_number", "A number is too large.")
    return str(value)


def _text(value: Any, most: int) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Field("wrong_type", "Must be a text.")
    text = fold(_written(value))
    if len(text) > most:
        raise _Field("too_long", f"Is longer than {most} characters.")
    return text


def _email(value: Any) -> str:
    text = _text(value, 254)
    if not text:
        return ""
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise _Field("bad_email", f"Is not an e-mail address. {error}") from error
    return f"{found.local_part}@{found.ascii_domain or found.domain}".lower()


def _phone(value: Any, country: str) -> str:
    text = _text(value, 60)
    if not text:
        return ""
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException as error:
        if not re.search(r"\d{5}", re.sub(r"\D", "", text)):
            raise _Field("bad_phone", "Is not a phone number.") from error
        raise _Field(
            "bad_phone", "Give the country, or write the number with +, e.g. +49 30 123456."
        ) from error
    if not phonenumbers.is_possible_number(number):
        raise _Field("bad_phone", "Has too few or too many digits for a phone number.")
    kept = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not _is_stable(kept):
        raise _Field("bad_phone", "Is not a phone number.")
    return kept


def _is_stable(number: str) -> bool:
    """A number that reads differently the next time, e.g. all zeros, would recognise nobody."""
    try:
        again = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.format_number(again, phonenumbers.PhoneNumberFormat.E164) == number


def _linkedin(value: Any) -> str:
    text = _text(value, 300)
    if not text:
        return ""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host = parts.hostname or ""
    except ValueError as error:  # e.g. half of an IPv6 address
        raise _Field("bad_linkedin", "Is not a web address.") from error
    # The country's host, the query and what else the way to it holds, do not matter.
    profile = linkedin_profile(parts.path)
    if not f".{host}".endswith(".linkedin.com") or not profile or len(profile) > 300:
        raise _Field("bad_linkedin", "Is not a LinkedIn profile, e.g. linkedin.com/in/name.")
    return profile


def _country(value: Any) -> str:
    text = _text(value, 80)
    if not text:
        return ""
    code = country_code(text)
    if code is None:
        raise _Field("bad_country", "Is not a country; write e.g. DE or Germany.")
    return code


def _employees(value: Any) -> int | None:
    if value in (None, ""):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Field("wrong_type", "Must be a whole number.")
    text = re.sub(r"(?<=\d)[,. ](?=\d{3}\b)", "", _written(value).strip())
    # A range such as 51-200 counts by its lower end, "1000+" by its number.
    found = re.fullmatch(r"(\d{1,9})(?:\.0)?(?:\s*(?:-|–|to)\s*\d{1,9}|\+)?", text)
    if not found or int(found[1]) > MOST_EMPLOYEES:
        raise _Field("bad_number", "Must be a whole number, e.g. 250 or 51-200.")
    return int(found[1])


def _money(value: Any) -> Decimal | None:
    if value in (None, ""):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Field("wrong_type", "Must be a number.")
    try:
        amount = Decimal(_written(value).strip().replace(",", ""))
    except InvalidOperation as error:
        raise _Field("bad_number", "Must be a number, e.g. 4821.00.") from error
    if not amount.is_finite() or not 0 <= amount <= MOST_VALUE:
        raise _Field("bad_number", "Must be a number from 0 on.")
    return amount.quantize(Decimal("0.01"))


def _yes_no(value: Any) -> bool | None:
    if value in (None, ""):
        return None
    if isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "1": True, "on": True}
    words |= {"false": False, "no": False, "0": False, "off": False}
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    raise _Field("wrong_type", "Must be true or false.")


def _answers(fields: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for name, value in fields.items():
        if name in KNOWN or value in (None, ""):
            continue
        if isinstance(value, dict | list):
            problems.append(
                Problem(name, "wrong_type", "Must be a text, a number, or true or false.")
            )
        elif isinstance(value, int | float) and not abs(value) < LARGEST_NUMBER:
            problems.append(Problem(name, "bad_number", "A number is too large."))
        elif len(answers) < MOST_ANSWERS:
            text = fold(value)[:LONGEST_ANSWER] if isinstance(value, str) else value
            answers[fold(str(name))[:80]] = text
    return answers


def _events(value: Any, received_at: datetime | None, problems: list[Problem]) -> tuple[Event, ...]:
    try:
        return read_events(value, received_at=received_at)
    except BadEvents as bad:
        problems += bad.problems
        return ()


def _split_name(texts: dict[str, str]) -> None:
    """A single name field becomes first and last name, unless these were given."""
    whole = texts.pop("name", "")
    if whole and not texts["first_name"] and not texts["last_name"]:
        # Any white space parts names, a line break too.
        words = whole.split()
        first, last = " ".join(words[:-1]), words[-1]
        texts["first_name"], texts["last_name"] = (
            (first or last)[:120],
            (last if first else "")[:120],
        )
