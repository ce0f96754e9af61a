"""Rules in plain English, made from what runs, so that they cannot be out of step with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Territory
from reps.models import Rep, Skill, Team
from routing import engine
from routing.engine import InvalidPart
from routing.engine.conditions import All, AnyOf, Check, Condition, Not
from routing.models import Pool, Queue, Rule
from routing.qualify import facts

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
    "prefix": "begins with",
    "matches_domain": "is the domain",
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
    "prefix": "does not begin with",
    "matches_domain": "is not the domain",
    "empty": "is known",
    "not_empty": "is not known",
}
TARGET_WORDS: Mapping[str, str] = {
    "account_owner": "the named account's owner",
    "parent_account_owner": "the parent account's owner",
    "opportunity_owner": "the owner of the open opportunity",
    "territory_owner": "the territory's owner",
    "territory_pool": "the territory's pool",
}
SELECT_WORDS: Mapping[str, str] = {
    "round_robin": "in turn",
    "least_loaded": "whoever has the fewest open leads",
    "first": "the first who can",
}
REP_FACTS = ("account_owner", "parent_account_owner", "opportunity_owner", "former_owner")
UNREADABLE = "cannot be read"


@dataclass(frozen=True)
class Names:
    """What the ids in rules are called; read once for a whole page."""

    pools: Mapping[int, str] = field(default_factory=dict)
    queues: Mapping[int, str] = field(default_factory=dict)
    reps: Mapping[int, str] = field(default_factory=dict)
    teams: Mapping[int, str] = field(default_factory=dict)
    territories: Mapping[int, str] = field(default_factory=dict)
    skills: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls) -> "Names":
        """Read every name that a rule can use: six statements."""
        return cls(
            pools=dict(Pool.objects.values_list("pk", "name")),
            queues=dict(Queue.objects.values_list("pk", "name")),
            reps={rep.pk: str(rep) for rep in Rep.objects.select_related("user")},
            teams=dict(Team.objects.values_list("pk", "name")),
            territories=dict(Territory.objects.values_list("pk", "name")),
            skills=dict(Skill.objects.values_list("slug", "name")),
        )

    def of_fact(self, fact: str) -> Mapping[int, str]:
        """What the ids that this fact holds are called."""
        if fact in REP_FACTS:
            return self.reps
        return self.territories if fact == "territory" else {}


def of_rule(rule: Rule, names: Names) -> str:
    """Return the whole rule as one sentence."""
    return f"{when(rule, names)}, {then(rule, names)}"


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
    called = names.of_fact(check.fact)

    def one(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int) and value in called:
            return called[value]
        if isinstance(value, float) and value == int(value):
            return str(int(value))
        return str(value)

    if check.value is None:
        return ""
    if check.op == "between":
        low, high = check.value
        return f"{one(low)} and {one(high)}"
    if isinstance(check.value, list | tuple):
        values = [one(value) for value in check.value]
        return " or ".join([", ".join(values[:-1]), values[-1]] if len(values) > 1 else values)
    return one(check.value)


# --- Paths -------------------------------------------------------------------------------


def path_words(path: Any, names: Names) -> str:
    """
    Return a stored path in words.

    :raises routing.engine.InvalidPart: if it cannot be read
    """
    parsed = engine.parse_path(path)
    kind, pk = parsed.target.kind, parsed.target.id
    if kind == "nurture":
        return "let it rest in nurture"
    if kind == "queue":
        return f"put it into the queue {names.queues.get(pk or 0, '(gone)')}"
    whom = {
        "rep": lambda: names.reps.get(pk or 0, "a rep who is gone"),
        "pool": lambda: f"the pool {names.pools.get(pk or 0, '(gone)')}",
    }.get(kind, lambda: TARGET_WORDS[kind])()
    select = next((stage.by for stage in parsed.stages if stage.do == "select"), None)
    default = engine.TARGETS[kind].default_strategy
    words = f"give it to {whom}"
    if engine.TARGETS[kind].is_pool or select not in (None, default):
        words += f", {SELECT_WORDS[select or default]}"
    for stage in parsed.stages:
        if stage.do != "select":
            words += f", {_stage(stage.do, stage.by, stage.options, names)}"
    ending = "it waits" if parsed.on_empty == "wait" else "the next rule is asked"
    return f"{words}; if nobody can take it, {ending}"


_Stage = Callable[[str, Mapping[str, Any], Names], str]


def _on_shift(do: str, options: Mapping[str, Any], names: Names) -> str:
    within = options["within"]
    who = f"who work within {_duration(within)}" if within else "who work now"
    return f"among those {who}" if do == "filter" else f"preferring those {who}"


def _skill(do: str, options: Mapping[str, Any], names: Names) -> str:
    level = options["at_least"]
    if "skill_fact" in options:
        fact = facts.BY_NAME.get(options["skill_fact"])
        skill = f"the skill of the lead's {fact.label if fact else options['skill_fact']}"
    else:
        skill = names.skills.get(options["skill"], options["skill"])
    if do == "filter":
        return f"among those with {skill} at level {level} or better"
    return f"preferring the best at {skill} (from level {level})"


def _team(do: str, options: Mapping[str, Any], names: Names) -> str:
    return f"among the team {names.teams.get(options['id'], '(gone)')}"


STAGE_WORDS: Mapping[str, _Stage] = {
    "on_shift": _on_shift,
    "skill": _skill,
    "team": _team,
    "former_owner": lambda do, options, names: "preferring the former owner",
}


def _stage(do: str, by: str, options: Mapping[str, Any], names: Names) -> str:
    words = STAGE_WORDS.get(by)
    return words(do, options, names) if words else f"{do} by {by}"


def _duration(seconds: int) -> str:
    if seconds % 3600 == 0:
        hours = seconds // 3600
        return f"{hours} hour{'s' if hours != 1 else ''}"
    minutes = max(1, round(seconds / 60))
    return f"{minutes} minute{'s' if minutes != 1 else ''}"
