"""Change the rules of a draft: one act, one recorded step each."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from reps import trail
from reps.models import User
from routing.models import Rule, RuleSet
from routing.rules.approval import locked_draft
from routing.rules.lint import check_rule
from routing.rules.refusals import RulesRefused

# Positions are unique within a version, so a new order is written above the old one first.
ABOVE = 100_000


@transaction.atomic
def save_rule(
    *,
    ruleset: RuleSet,
    rule: Rule | None,
    name: str,
    condition: Mapping[str, Any],
    path: Mapping[str, Any],
    reasoning: str = "",
    owner: User | None = None,
    review_on: date | None = None,
    expires_at: datetime | None = None,
    is_fallback: bool = False,
    by: User,
    at: datetime,
) -> Rule:
    """
    Change a rule of a draft, or add one below the others and above the fallback.

    :raises RulesRefused: if the version is no draft, there is another fallback, or the
        fallback has a condition
    :raises routing.engine.InvalidPart: pointing at what the engine cannot read
    """
    ruleset = locked_draft(ruleset)
    row = _fresh(rule, ruleset) if rule else Rule(ruleset=ruleset)
    if is_fallback and condition != {"all": []}:
        raise RulesRefused("The fallback takes whatever is left, so it has no condition.")
    if is_fallback and expires_at is not None:
        raise RulesRefused("The fallback takes whatever is left, so it never expires.")
    others = ruleset.rules.exclude(pk=row.pk)
    if is_fallback and others.filter(is_fallback=True).exists():
        raise RulesRefused("There is a fallback already; a version has one.")
    row.name, row.reasoning, row.owner, row.review_on = name, reasoning, owner, review_on
    row.condition, row.path, row.is_fallback = dict(condition), dict(path), is_fallback
    row.expires_at = expires_at
    check_rule(row)
    is_new = row.pk is None
    if is_new:
        row.position = (others.aggregate(last=Max("position"))["last"] or 0) + 1
    trail.save(row, by=by, at=at, reason="added" if is_new else "edited")
    _renumber(ruleset, _in_order(ruleset), by=by, at=at)
    row.refresh_from_db()
    return row


@transaction.atomic
def delete_rule(*, rule: Rule, by: User, at: datetime) -> None:
    """
    Take a rule out of a draft.

    :raises RulesRefused: if its version is no draft
    """
    ruleset = locked_draft(rule.ruleset)
    trail.delete(_fresh(rule, ruleset), by=by, at=at, reason="taken out")
    _renumber(ruleset, _in_order(ruleset), by=by, at=at)


@transaction.atomic
def move_rule(*, rule: Rule, up: bool, by: User, at: datetime) -> None:
    """
    Let a rule be asked one place earlier or later; the fallback stays last.

    :raises RulesRefused: if its version is no draft
    """
    ruleset = locked_draft(rule.ruleset)
    _fresh(rule, ruleset)
    order = _in_order(ruleset)
    place = next(i for i, one in enumerate(order) if one.pk == rule.pk)
    other = place - 1 if up else place + 1
    if other < 0 or other >= len(order) or order[place].is_fallback or order[other].is_fallback:
        return
    order[place], order[other] = order[other], order[place]
    _renumber(ruleset, order, by=by, at=at)


@transaction.atomic
def reorder(*, ruleset: RuleSet, ids: Sequence[int], by: User, at: datetime) -> None:
    """
    Ask the rules of a draft in this order of ids; the fallback stays last.

    Only rules that change their position are written.

    :raises RulesRefused: if it is no draft, or `ids` are not just its rules
    """
    ruleset = locked_draft(ruleset)
    rows = {row.pk: row for row in _in_order(ruleset)}
    if len(ids) != len(rows) or set(ids) != rows.keys():
        raise RulesRefused("Somebody has just added or taken out a rule. Look at the draft again.")
    order = sorted((rows[pk] for pk in ids), key=lambda row: row.is_fallback)
    _renumber(ruleset, order, by=by, at=at)


def add_rules(
    ruleset: RuleSet, specs: Sequence[Mapping[str, Any]], *, by: User, at: datetime
) -> None:
    """Write rules into an empty draft, in this order."""
    for position, spec in enumerate(specs, start=1):
        row = Rule(ruleset=ruleset, position=position, **spec)
        if "owner" not in spec:
            row.owner = by
        check_rule(row)
        trail.save(row, by=by, at=at, reason="template")


def _fresh(rule: Rule, ruleset: RuleSet) -> Rule:
    """The rule as it stands under the lock; somebody may have moved it, or taken it out."""
    row = Rule.objects.filter(pk=rule.pk, ruleset=ruleset).first()
    if row is None:
        raise RulesRefused(f"Somebody has just taken “{rule.name}” out of the draft.")
    return row


def _in_order(ruleset: RuleSet) -> list[Rule]:
    return list(ruleset.rules.order_by("is_fallback", "position", "pk"))


def _renumber(ruleset: RuleSet, order: Sequence[Rule], *, by: User, at: datetime) -> None:
    """
    Bring positions in line with an order, 1, 2, 3 …, writing only rules that move.

    First out of the way, then into place: no two rules ever share a position.
    """
    moving = [(row, n) for n, row in enumerate(order, start=1) if row.position != n]
    for row, wanted in moving:
        row.position = ABOVE + wanted
        trail.save(row, by=by, at=at, reason="moved", kind="moved")
    for row, wanted in moving:
        row.position = wanted
        trail.save(row, by=by, at=at, reason="moved", kind="moved")
