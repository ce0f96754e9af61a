"""Rules that name the rep. Published ones never change: a draft is proposed instead."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reps import trail
from reps.models import Rep
from routing.models import GoldenLead, OffboardingItem, Organisation, Rule, RuleSet
from routing.models.offboarding import Way
from routing.offboarding.kinds.base import Column
from routing.offboarding.registry import REP, Act, Found
from routing.rules import lifecycle
from routing.rules.lint import check_rule
from routing.rules.names import REP_FACTS

State = OffboardingItem.State
DRAFT = RuleSet.State.DRAFT


def names(part: Any, rep: int) -> bool:
    """Whether a condition or a path, in the engine's form, names a rep anywhere."""
    return part != renamed(part, rep, None)


def renamed(part: Any, rep: int, to: int | None) -> Any:
    """The same condition or path with another rep in place of this one."""
    if isinstance(part, list):
        return [renamed(one, rep, to) for one in part]
    if not isinstance(part, dict):
        return part
    if part.get("kind") == "rep" and part.get("id") == rep:
        return {**part, "id": to}
    if part.get("fact") in REP_FACTS and "value" in part:
        value = part["value"]
        if isinstance(value, list):
            value = list(dict.fromkeys(to if one == rep else one for one in value))
        elif value == rep and not isinstance(value, bool):
            value = to
        return {**part, "value": value}
    return {name: renamed(one, rep, to) for name, one in part.items()}


def standing() -> QuerySet[Rule]:
    """The rules of the open draft, else of the version that routes."""
    draft = RuleSet.objects.filter(state=DRAFT).first()
    if draft is None:
        organisation = Organisation.objects.select_related("live_ruleset").first()
        draft = organisation.live_ruleset if organisation else None
    rules = Rule.objects.filter(ruleset=draft) if draft else Rule.objects.none()
    return rules.select_related("ruleset").order_by("position", "pk")


class NamingRules:
    """
    Rules of the draft (else of the live version) that name the rep, or that they own.

    Published rules are fixed, so handing over writes into the open draft, or makes one; it
    routes only once somebody publishes it. Until then the engine passes over who has left. Row
    by row: a set has some dozens of rules.
    """

    name: ClassVar[str] = "rules"
    label: ClassVar[str | Promise] = _("Rules that name them (in a draft, to be published)")
    position: ClassVar[int] = 60
    references: ClassVar[tuple[str, ...]] = ("routing.Rule.owner",)
    takes: ClassVar[str] = REP
    ways: ClassVar[tuple[str, ...]] = (Way.SUCCESSOR, Way.KEEP)
    default: ClassVar[str] = Way.SUCCESSOR
    otherwise: ClassVar[str] = ""
    revops_only: ClassVar[bool] = True

    def find(self, rep: Rep, at: datetime) -> list[Found]:
        return [
            Found(
                rule.pk,
                f"{rule.ruleset}, rule {rule.position}: {rule}"[:200],
                backup=rep.backup_id,
            )
            for rule in standing()
            if names([rule.condition, rule.path], rep.pk) or rule.owner_id == rep.user_id
        ]

    def loads(self, reps: Sequence[int]) -> dict[int, int]:
        return dict.fromkeys(reps, 0)

    def move(self, items: Sequence[OffboardingItem], act: Act) -> None:
        note = f"{act.rep} leaves"
        draft = lifecycle.draft(by=act.by, at=act.at, note=note)
        draft = RuleSet.objects.select_for_update(no_key=True).get(pk=draft.pk)
        users = dict(
            Rep.objects.filter(pk__in=[item.to_rep_id for item in items]).values_list(
                "pk", "user_id"
            )
        )
        originals = {row.pk: row for row in Rule.objects.filter(pk__in=[i.row_id for i in items])}
        for item in items:
            rule = _in_draft(originals.get(item.row_id), draft)
            if rule is None:
                item.state, item.note = State.SKIPPED, "The draft does not have this rule."
                continue
            item.before = {
                "condition": rule.condition,
                "path": rule.path,
                "owner": rule.owner_id,
            }
            rule.condition = renamed(rule.condition, act.rep.pk, item.to_rep_id)
            rule.path = renamed(rule.path, act.rep.pk, item.to_rep_id)
            if rule.owner_id == act.rep.user_id:
                rule.owner_id = users[item.to_rep_id]
            check_rule(rule)
            trail.save(rule, by=act.by, at=act.at, reason="offboarding")
            item.after = {
                "draft": draft.pk,
                "rule": rule.pk,
                "condition": rule.condition,
                "path": rule.path,
                "owner": rule.owner_id,
            }
            item.state, item.note = State.DONE, f"Proposed in {draft}; publish it."

    def restore(self, items: Sequence[OffboardingItem], act: Act) -> None:
        for item in items:
            rule = (
                Rule.objects.select_for_update(no_key=True, of=("self",))
                .select_related("ruleset")
                .filter(pk=item.after["rule"])
                .first()
            )
            if rule is None:
                item.state, item.note = State.EXCEPTION, "The draft or the rule is gone."
            elif rule.ruleset.state != DRAFT:
                item.state = State.EXCEPTION
                item.note = f"{rule.ruleset} is published; draft the rule anew."
            elif (rule.condition, rule.path, rule.owner_id) != (
                item.after["condition"],
                item.after["path"],
                item.after["owner"],
            ):
                item.state, item.note = State.EXCEPTION, "Somebody has changed it since."
            else:
                rule.condition, rule.path = item.before["condition"], item.before["path"]
                rule.owner_id = item.before["owner"]
                trail.save(rule, by=act.by, at=act.at, reason="offboarding undone")
                item.state, item.note = State.RESTORED, ""


def _in_draft(original: Rule | None, draft: RuleSet) -> Rule | None:
    """The rule itself, or the copy of it that the draft has."""
    if original is None:
        return None
    if original.ruleset_id == draft.pk:
        return Rule.objects.select_for_update(no_key=True, of=("self",)).get(pk=original.pk)
    same = Rule.objects.filter(ruleset=draft, name=original.name)
    return same.order_by("position").first()


class GoldenLeads(Column):
    """Examples of the draft that expect the rep: they expect whoever takes over."""

    name = "golden"
    label = _("Golden leads of the draft that expect them")
    position = 61
    model = GoldenLead
    column = "expect_rep"
    ways = (Way.SUCCESSOR, Way.NOBODY, Way.KEEP)
    revops_only = True

    def rows(self, rep: Rep, at: datetime) -> QuerySet:
        return super().rows(rep, at).filter(ruleset__state=DRAFT)
