"""The conditions of territories, in the language of rules."""

from collections.abc import Iterator, Sequence

from accounts import conditions
from routing import engine
from routing.engine.conditions import All, Condition, condition_to_json, facts_used, holds
from routing.qualify import facts
from routing.rules.sentences import Names, condition_words

# Which territory a lead has must not depend on itself, nor on when somebody asks.
NOT_ASKED = frozenset({"territory", "now", "waited"})


def may_be_asked(fact: facts.Fact) -> bool:
    """Whether a territory may ask for this: decisions run again must find the same territory."""
    owners = (facts.OWNER_GROUP, facts.ENGINE_GROUP)
    return not fact.personal and fact.group not in owners and fact.name not in NOT_ASKED


KINDS = {fact.name: fact.kind for fact in facts.ALL if may_be_asked(fact)}


def read(stored: object) -> Sequence[conditions.Question]:
    """
    Return one question per part that must hold.

    :raises accounts.conditions.Unreadable: for what the language does not know, and for facts
        that may not decide about a territory
    """
    try:
        parsed = engine.parse(stored, facts.KINDS)
    except engine.InvalidPart as error:
        raise conditions.Unreadable(str(error)) from error
    for name in sorted(facts_used(parsed)):
        fact = facts.BY_NAME[name]
        if name in NOT_ASKED or fact.group in (facts.OWNER_GROUP, facts.ENGINE_GROUP):
            raise conditions.Unreadable(
                f"{fact.label} is known only once the territory is; ask for something else."
            )
        # Decisions are run again without personal data, and must find the same territory.
        if fact.personal:
            raise conditions.Unreadable(
                f"{fact.label} is personal and is not kept with decisions; ask for something else."
            )
    return [_question(part) for part in _parts(parsed)]


def _parts(condition: Condition) -> Iterator[Condition]:
    if isinstance(condition, All):
        for part in condition.parts:
            yield from _parts(part)
    else:
        yield condition


def _question(part: Condition) -> conditions.Question:
    return conditions.Question(
        holds=lambda known: holds(part, known),
        words=lambda: condition_words(condition_to_json(part), Names()),
    )


conditions.register(read)
