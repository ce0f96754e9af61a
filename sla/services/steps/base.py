"""What every step looks at and leaves behind, and the registry of what steps can do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from reps.models import User
from reps.presence import is_away
from routing.models import Lead, Organisation
from routing.models.assignment import Reason
from routing.work.answering import last_in_line, line_of
from sla import chain
from sla.models import Clock

# What a hand-over says in the lead's history.
LATE = "Late, escalated"


@dataclass(frozen=True)
class Context:
    """A step that is due: the lead, locked, with its clock, and what the step says."""

    lead: Lead
    clock: Clock
    step: dict[str, Any]
    at: datetime
    driver: str

    @cached_property
    def line(self) -> Sequence[User]:
        """Who answers for the lead, in turn: those above its owner, or whoever keeps its queue."""
        if self.lead.owner is not None:
            return line_of(self.lead.owner, self.at)
        last = last_in_line(self.at)
        keeper = self.lead.responsible
        if keeper != last and keeper.is_active and not is_away(keeper, self.at):
            return [keeper, last]
        return [last]

    @property
    def manager(self) -> User:
        return self.line[0]

    @cached_property
    def leadership(self) -> User:
        """Whom the organisation alerts last; whoever answers for its leads if there is nobody."""
        named = Organisation.get().leadership
        if named is not None and named.is_active and not is_away(named, self.at):
            return named
        return last_in_line(self.at)

    @cached_property
    def held_by(self) -> frozenset[int]:
        """Every rep who holds this lead or has held it."""
        rows = self.lead.assignments.filter(rep__isnull=False)
        return frozenset(rows.values_list("rep_id", flat=True))

    @property
    def hops(self) -> int:
        """How often escalations have taken this lead from one place to another."""
        return self.lead.assignments.filter(reason_code=Reason.ESCALATED).count()

    @property
    def late(self) -> str:
        return f"{self.lead.owner or 'Nobody'} did not answer in time"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who is told of a step, always somebody, and what it did, in words."""

    told: Sequence[User]
    effect: str
    moved: bool = field(default=False)


Action = Callable[[Context], Outcome]
_actions: dict[str, Action] = {}


def action(name: str) -> Callable[[Action], Action]:
    """Register what a step of this name does; the names are those of `sla.chain.ACTIONS`."""

    def register(do: Action) -> Action:
        _actions[name] = do
        return do

    return register


def names() -> list[str]:
    """What steps can do."""
    return list(_actions)


def take(context: Context, *, most_hops: int) -> Outcome:
    """
    Do what the step says. Always tells an active person, if the installation has one.

    A lead that escalations have handed on as often as they may stays where it is.
    """
    name = context.step["do"]
    if chain.ACTIONS[name].moves and context.hops >= most_hops:
        return stays(context, f"It was handed on {context.hops} times already")
    return reaching(_actions[name](context), context)


def stays(context: Context, why: str) -> Outcome:
    """The lead stays where it is: its manager and leadership are told, and why."""
    told = {user.pk: user for user in (context.manager, context.leadership)}.values()
    names = " and ".join(user.label for user in told)
    return Outcome(list(told), f"{why}; told {names}")


def reaching(outcome: Outcome, context: Context) -> Outcome:
    """The outcome with everybody in it once, and nobody whose account is closed."""
    told = {user.pk: user for user in outcome.told if user.is_active}
    if told:
        return Outcome(list(told.values()), outcome.effect, outcome.moved)
    instead = last_in_line(context.at)
    return Outcome([instead], f"{outcome.effect}; told {instead.label} instead", outcome.moved)
