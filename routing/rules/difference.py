"""What changed between two versions, rule by rule, in plain sentences."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from routing.models import Rule, RuleSet
from routing.rules import digest, sentences
from routing.rules.sentences import Names

Kind: TypeAlias = Literal["added", "removed", "changed", "moved"]


@dataclass(frozen=True, slots=True)
class Difference:
    """
    One rule that is not as it was; `before` and `after` are its sentences, None where it was
    not there. `details` says in words what else about it changed.
    """

    kind: Kind
    name: str
    before: str | None
    after: str | None
    details: Sequence[str] = ()
    places: tuple[int, int] | None = None


def between(old: RuleSet, new: RuleSet, names: Names) -> list[Difference]:
    """The differences in the order of the new version; what was taken out comes last."""
    before, after = digest.in_order(old), digest.in_order(new)
    pairs = pair(before, after)
    stayed = _in_step(sorted(pairs.items()))
    found = []
    for place, rule in enumerate(after):
        origin = pairs.get(place)
        if origin is None:
            found.append(Difference("added", rule.name, None, sentences.of_rule(rule, names)))
            continue
        was = before[origin]
        details = list(_details(was, rule))
        said = sentences.of_rule(was, names), sentences.of_rule(rule, names)
        places = (origin + 1, place + 1)
        if said[0] != said[1] or details or _says(was) != _says(rule):
            found.append(Difference("changed", rule.name, *said, details, places))
        elif place not in stayed:
            found.append(Difference("moved", rule.name, *said, (), places))
    kept = set(pairs.values())
    found += [
        Difference("removed", rule.name, sentences.of_rule(rule, names), None)
        for place, rule in enumerate(before)
        if place not in kept
    ]
    return found


def pair(before: Sequence[Rule], after: Sequence[Rule]) -> dict[int, int]:
    """
    Which rule of the new version is which of the old: place after → place before.

    The same in all but place, else of the same name, else (renamed) doing the same.
    """
    pairs: dict[int, int] = {}
    for key in (_whole, lambda rule: rule.name, _says):
        free: dict[Any, list[int]] = {}
        for place, rule in enumerate(before):
            if place not in pairs.values():
                free.setdefault(_hashable(key(rule)), []).append(place)
        for place, rule in enumerate(after):
            found = free.get(_hashable(key(rule)))
            if place not in pairs and found:
                pairs[place] = found.pop(0)
    return pairs


def _in_step(pairs: Iterable[tuple[int, int]]) -> set[int]:
    """The places (after) of a longest run of rules that kept their order; the others moved."""
    ends: list[int] = []  # the lowest origin that ends a run of each length
    runs: list[tuple[int, int]] = []
    for place, origin in pairs:
        length = bisect_left(ends, origin)
        ends[length : length + 1] = [origin]
        runs.append((length, place))
    kept: set[int] = set()
    wanted = len(ends) - 1
    for length, place in reversed(runs):
        if length == wanted:
            kept.add(place)
            wanted -= 1
    return kept


def _details(was: Rule, rule: Rule) -> Iterable[str]:
    if was.name != rule.name:
        yield f"It was called “{was.name}”."
    if was.reasoning != rule.reasoning:
        yield f"Its reason was: {was.reasoning or 'none given'}"
    if was.owner_id != rule.owner_id:
        yield f"{was.owner.label if was.owner else 'Nobody'} looked after it."
    if was.review_on != rule.review_on:
        yield f"Its review date was {_day(was.review_on)}."
    if was.expires_at != rule.expires_at:
        yield f"It held until {_moment(was.expires_at)}."


def _day(value: Any) -> str:
    return f"{value:%d %B %Y}" if value else "not set"


def _moment(value: Any) -> str:
    return f"{value:%d %B %Y, %H:%M} UTC" if value else "further notice"


def _says(rule: Rule) -> Any:
    return rule.condition, rule.path, rule.is_fallback


def _whole(rule: Rule) -> Any:
    return (*_says(rule), rule.name, rule.reasoning, rule.owner_id, rule.review_on, rule.expires_at)


def _hashable(value: Any) -> str:
    # JSON columns are no keys; their text is one.
    return repr(value)
