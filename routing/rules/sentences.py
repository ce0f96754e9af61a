"""Rules in plain English, made from what runs, so that they cannot be out of step with it."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from reps.availability import moment
from routing import engine
from routing.engine import InvalidPart
from routing.engine.conditions import All, AnyOf, Check, Condition, Not
from routing.engine.ops import Circle, Happening
from routing.engine.weekly import Week
from routing.models import Rule
from routing.qualify import facts
from routing.rules.names import Names
from routing.rules.path_words import SELECT_WORDS, STAGE_WORDS, TARGET_WORDS, path_words
from routing.rules.typed import circle_words, happening_words, week_words, while_words

__all__ = [
    "OP_WORDS",
    "SELECT_WORDS",
    "STAGE_WORDS",
    "TARGET_WORDS",
    "Names",
    "condition_words",
    "found_words",
    "of_rule",
    "path_words",
    "then",
    "value_words",
    "when",
]

OP_WORDS: Mapping[str, str] = {
    "eq": "is",
    "ne": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "between": "is between",
    "contains": "contains",
    "has_any": "has one of",
    "has_none": "has none of",
    "prefix": "begins with",
    "matches_domain": "is the domain",
    "happened": "include",
    "not_happened": "do not include",
    "within_km": "is within",
    "in_hours": "is within",
    "not_in_hours": "is outside",
    "empty": "is not known",
    "not_empty": "is known",
}
# How the opposite of a check reads; only where it is as plain as the check.
OPPOSITE: Mapping[str, str] = {
    "eq": "is not",
    "in": "is none of",
    "gt": "is not more than",
    "gte": "is not at least",
    "lt": "is not less than",
    "lte": "is not at most",
    "contains": "does not contain",
    "has_any": "has none of",
    "prefix": "does not begin with",
    "matches_domain": "is not the domain",
    "happened": "do not include",
    "not_happened": "include",
    "within_km": "is not within",
    "in_hours": "is outside",
    "not_in_hours": "is within",
    "empty": "is known",
    "not_empty": "is not known",
}
UNREADABLE = "cannot be read"


def of_rule(rule: Rule, names: Names) -> str:
    """Return the whole rule as one sentence, its end included if it has one."""
    words = f"{when(rule, names)}, {then(rule, names)}"
    if rule.expires_at is None:
        return words
    ends = rule.expires_at.astimezone(UTC)
    return f"Until {ends:%-d %B %Y, %H:%M} UTC: {words}"


def when(rule: Rule, names: Names) -> str:
    """The condition, beginning with "If", or what stands for every lead."""
    if rule.is_fallback:
        return "Whatever is left"
    words = condition_words(rule.condition, names)
    return f"If {words}" if words else "Every lead"


def then(rule: Rule, names: Names) -> str:
    """The path, beginning with "then"."""
    try:
        return f"then {path_words(rule.path, names)}"
    except InvalidPart as error:
        return f"then … this part {UNREADABLE} ({error})"


def condition_words(condition: Any, names: Names) -> str:
    """Return a stored condition in words; empty for one that always holds."""
    try:
        parsed = engine.parse(condition, facts.KINDS)
    except InvalidPart as error:
        return f"… this part {UNREADABLE} ({error})"
    return _condition(parsed, names, top=True)


def _condition(condition: Condition, names: Names, *, top: bool = False) -> str:
    match condition:
        case All(()):
            return "" if top else "anything holds"
        case AnyOf(()):
            return "nothing holds"
        case All(parts):
            return _joined([_condition(part, names) for part in parts], "and", top=top)
        case AnyOf(parts):
            return _joined([_condition(part, names) for part in parts], "or", top=top)
        case Not(part):
            return _opposite(part, names)
        case Check():
            return _check(condition, names)
    raise TypeError(condition)


def _joined(parts: list[str], word: str, *, top: bool) -> str:
    if len(parts) == 1:
        return parts[0]
    words = f" {word} ".join(parts)
    return words if top else f"({words})"


def _opposite(part: Condition, names: Names) -> str:
    if isinstance(part, Check) and facts.BY_NAME[part.fact].kind == "boolean" and part.op == "eq":
        return _check(Check(part.fact, "eq", not part.value), names)
    if isinstance(part, Check) and part.op in OPPOSITE:
        return _check(part, names, words=OPPOSITE)
    if isinstance(part, AnyOf | All) and len(part.parts) == 1:
        return _opposite(part.parts[0], names)
    if isinstance(part, AnyOf):
        return "none of these holds: " + _joined(
            [_condition(one, names) for one in part.parts], "or", top=False
        )
    return f"it is not so that {_condition(part, names)}"


def _check(check: Check, names: Names, *, words: Mapping[str, str] = OP_WORDS) -> str:
    fact = facts.BY_NAME[check.fact]
    if fact.kind == "boolean" and check.op in ("eq", "ne"):
        wanted = bool(check.value) == (check.op == "eq")
        return _yes_or_no(fact.name, str(fact.label), wanted)
    if fact.name == "answers" and check.op == "contains":
        question, _, answer = str(check.value).partition("=")
        verb = "is not" if words is OPPOSITE else "is"
        return f"the answer to “{question}” {verb} {answer or 'empty'}"
    value = value_words(check, names)
    return f"{fact.label} {words.get(check.op, check.op)} {value}".strip()


def _yes_or_no(name: str, label: str, wanted: bool) -> str:
    special = {
        "hand_raise": (
            "the person asked to be contacted",
            "the person did not ask to be contacted",
        ),
        "prequalified": ("the source is pre-qualified", "the source is not pre-qualified"),
        "has_account": ("the company is a known account", "the company is not a known account"),
    }
    yes, no = special.get(name, (f"{label} is yes", f"{label} is no"))
    return yes if wanted else no


def value_words(check: Check, names: Names) -> str:
    """The value of a check as it reads in a sentence and is typed in the form."""
    match check.value:
        case None:
            return ""
        case Happening():
            return happening_words(check.value)
        case Circle():
            return circle_words(check.value)
        case Week():
            return week_words(check.value)

    def one(value: Any) -> str:
        return _plain(check.fact, value, names)

    if check.op == "between":
        low, high = check.value
        return f"{one(low)} and {one(high)}"
    if isinstance(check.value, list | tuple):
        values = [one(value) for value in check.value]
        return " or ".join([", ".join(values[:-1]), values[-1]] if len(values) > 1 else values)
    return one(check.value)


def _plain(fact: str, value: Any, names: Names) -> str:
    """One value, by its name or in its unit."""
    called = names.of_fact(fact)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and value in called:
        return called[value]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    known = facts.BY_NAME.get(fact)
    if known and known.unit == "seconds" and isinstance(value, int) and value >= 0:
        return while_words(value)
    return str(value)


def found_words(fact: str, value: Any, names: Names) -> str:
    """What was found of a fact, for people: values by name, events and moments in words."""
    match facts.KINDS.get(fact):
        case "time":
            return f"{moment(int(value)):%Y-%m-%d %H:%M} UTC"
        case "events":
            return ", ".join(f"{name} {_ago(seconds)}" for name, seconds in value)
        case "point":
            return ", ".join(f"{number:g}" for number in value)
    if isinstance(value, list | tuple):
        return ", ".join(_plain(fact, one, names) for one in value)
    return _plain(fact, value, names)


def _ago(seconds: int) -> str:
    unit = next((size for size in (86_400, 3600, 60) if seconds >= size), 1)
    return f"{while_words(seconds // unit * unit)} ago"
