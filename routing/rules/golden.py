"""
Golden leads: examples that a version must decide as written, before it may go live.

Each is decided by the engine with the roster as it is now, from empty counters. One with a moment
of its own is decided by the hours planned for it; one without asks the rules, not the calendar: as
if everybody was at work, so that it says the same at night and on holidays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.areas import most_specific
from reps import trail
from reps.models import Rep, User
from reps.models.tracked import bulk_writer
from routing import engine
from routing.dispatch import snapshot
from routing.dispatch.gather import place_of
from routing.engine import Counters, InvalidPart, Roster, codec
from routing.models import Decision, GoldenLead, Pool, Queue, RuleSet
from routing.qualify import facts
from routing.rules.approval import locked_draft
from routing.rules.lint import Finding
from routing.rules.refusals import RulesRefused
from routing.rules.sentences import Names

OUTCOME_WORDS: Mapping[str, str] = {
    "assign": "goes to a rep",
    "queue": "goes to a queue",
    "nurture": "rests in nurture",
    "park": "waits",
}
# What belongs to the moment of a decision, not to the lead.
OF_THE_MOMENT = ("now", "waited")


@dataclass(frozen=True, slots=True)
class Result:
    """One golden lead, what became of it in words, and what about that is not as written."""

    golden: GoldenLead
    answer: engine.Decision | None
    got: str
    wrong: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        return not self.wrong


def run(ruleset: RuleSet, *, at: datetime) -> list[Result]:
    """
    Decide every golden lead of a version.

    :raises routing.engine.InvalidPart: if the rules cannot be read
    """
    rows = list(ruleset.golden_leads.select_related("expect_rep__user", "expect_pool"))
    if not rows:
        return []
    rules = snapshot.read_rules(ruleset)
    names = Names.read()
    called = {rule.id: rule.name for rule in rules.ruleset.rules}
    # By moment, so that a roster is made once for all that share a day.
    rows.sort(key=lambda row: (row.at or at, row.name, row.pk))
    found = {row.pk: _result(row, rules, called, names, at=row.at or at) for row in rows}
    return [found[pk] for pk in sorted(found, key=lambda pk: (found[pk].golden.name, pk))]


def findings(ruleset: RuleSet, *, at: datetime) -> list[Finding]:
    """What the golden leads have against a version; each is an error."""
    return [
        Finding(
            "golden_lead",
            f"The golden lead “{one.golden.name}” fails: {' '.join(one.wrong)} It {one.got}.",
        )
        for one in run(ruleset, at=at)
        if not one.passed
    ]


def facts_at(known: Mapping[str, Any], *, at: datetime, areas: Any) -> dict[str, Any]:
    """Facts as the engine reads them at a moment: with the clock, and the territory they lie in."""
    values = dict(known)
    if "now" in facts.KINDS:
        values["now"] = int(at.timestamp())
    if "territory" not in values:
        territory = most_specific(areas, place_of(values))
        if territory is not None:
            values["territory"] = territory
    return values


def _result(
    row: GoldenLead,
    rules: engine.CompiledRuleSet,
    called: Mapping[int, str],
    names: Names,
    *,
    at: datetime,
) -> Result:
    shot = snapshot.current(at=at)
    known = facts_at(row.facts, at=at, areas=shot.areas)
    roster = shot.roster if row.at else everybody_at_work(shot.roster)
    answer = engine.decide(rules, known, roster, Counters(), int(at.timestamp()))
    wrong = list(_wrong(row, answer, called, roster, names))
    return Result(row, answer, in_words(answer, called, names), wrong)


def everybody_at_work(roster: Roster) -> Roster:
    """Return the roster with nobody off shift or out of office."""
    reps = {pk: replace(rep, hours=None, absences=()) for pk, rep in roster.reps.items()}
    return replace(roster, reps=reps)


def _wrong(
    row: GoldenLead,
    answer: engine.Decision,
    called: Mapping[int, str],
    roster: Roster,
    names: Names,
) -> Sequence[str]:
    said = []
    if row.expect_rule and called.get(answer.rule or 0) != row.expect_rule:
        said.append(f"“{row.expect_rule}” should have decided.")
    if row.expect_outcome and answer.outcome != row.expect_outcome:
        said.append(f"It should be one that {OUTCOME_WORDS[row.expect_outcome]}.")
    if row.expect_rep_id and answer.rep != row.expect_rep_id:
        said.append(f"It should go to {row.expect_rep}.")
    if row.expect_pool_id:
        pool = roster.pools.get(row.expect_pool_id)
        if pool is None or answer.rep not in pool.by_rep:
            said.append(f"It should go to a member of {row.expect_pool}.")
    if row.expect_queue_id and answer.queue != row.expect_queue_id:
        said.append(f"It should go to the queue {names.queues.get(row.expect_queue_id)}.")
    return said


def in_words(answer: engine.Decision, called: Mapping[int, str], names: Names) -> str:
    """What an answer does with a lead, to follow "it"."""
    by = f" by “{called[answer.rule]}”" if answer.rule in called else ""
    if answer.outcome == "assign":
        return f"goes to {names.reps.get(answer.rep or 0, 'somebody')}{by}"
    if answer.outcome == "queue":
        return f"goes to the queue {names.queues.get(answer.queue or 0, '(gone)')}{by}"
    if answer.outcome == "nurture":
        return f"rests in nurture{by}"
    return f"waits{by or ', no rule found anybody'}"


# --- Writing them ------------------------------------------------------------------------


def check_facts(known: Any) -> dict[str, Any]:
    """
    Return facts that the engine can read.

    :raises routing.engine.InvalidPart: pointing at the one that it cannot
    """
    if not isinstance(known, Mapping):
        raise InvalidPart("", "Facts are a set of names and values.")
    for name, value in known.items():
        kind = facts.KINDS.get(name)
        if kind is None:
            raise InvalidPart(str(name), "There is no such fact.")
        if not _fits(value, kind):
            raise InvalidPart(name, f"This is no value of the kind {kind}.")
    return dict(known)


def _fits(value: Any, kind: str) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case "text":
            return isinstance(value, str)
        case "number" | "time":
            return number
        case "boolean":
            return isinstance(value, bool)
        case "id":
            return isinstance(value, int) and not isinstance(value, bool)
        case "list":
            return isinstance(value, list) and all(isinstance(one, str | int) for one in value)
    return isinstance(value, list)


@transaction.atomic
def save(
    *,
    ruleset: RuleSet,
    golden: GoldenLead | None,
    name: str,
    known: Mapping[str, Any],
    moment: datetime | None = None,
    expect_rule: str = "",
    expect_outcome: str = "",
    expect_rep: Rep | None = None,
    expect_pool: Pool | None = None,
    expect_queue: Queue | None = None,
    by: User,
    at: datetime,
) -> GoldenLead:
    """
    Add or change a golden lead of a draft.

    :raises RulesRefused: if the version is no draft, or nothing is expected
    :raises routing.engine.InvalidPart: pointing at a fact that the engine cannot read
    """
    locked = locked_draft(ruleset)
    expectations = (expect_rule, expect_outcome, expect_rep, expect_pool, expect_queue)
    if not any(expectations):
        raise RulesRefused("Say what should become of it; an example that expects nothing passes.")
    if expect_outcome and expect_outcome not in OUTCOME_WORDS:
        raise RulesRefused("There is no such outcome.")
    row = golden or GoldenLead()
    row.ruleset, row.name, row.facts, row.at = locked, name, check_facts(known), moment
    row.expect_rule, row.expect_outcome = expect_rule, expect_outcome
    row.expect_rep, row.expect_pool, row.expect_queue = expect_rep, expect_pool, expect_queue
    trail.save(row, by=by, at=at, reason="edited" if row.pk else "added")
    return row


@transaction.atomic
def delete(*, golden: GoldenLead, by: User, at: datetime) -> None:
    """
    Take a golden lead out of a draft.

    :raises RulesRefused: if the version is no draft
    """
    locked_draft(golden.ruleset)
    trail.delete(golden, by=by, at=at, reason="taken out")


def of_decision(decision: Decision) -> dict[str, Any]:
    """
    A golden lead in the making: what `save` wants, from a decision that was right.

    Personal facts stay where they are. Who took it in turn is left open: another member of
    the same pool is as right.
    """
    answer = codec.decode_decision(decision.body.encode())
    known = {
        name: value
        for name, value in decision.facts.items()
        if name in facts.KINDS and name not in OF_THE_MOMENT and not facts.BY_NAME[name].personal
    }
    return {
        "name": f"Like lead {decision.lead_id}",
        "known": known,
        "moment": decision.decided_at,
        "expect_rule": decision.rule.name if decision.rule else "",
        "expect_outcome": decision.outcome,
        "expect_rep": decision.rep if answer.pool is None else None,
        "expect_pool": Pool.objects.filter(pk=answer.pool).first() if answer.pool else None,
        "expect_queue": Queue.objects.filter(pk=answer.queue).first() if answer.queue else None,
    }


def copy(source: RuleSet, target: RuleSet, *, by: User, at: datetime) -> None:
    """Write the golden leads of one version into a draft."""
    columns = (
        "name",
        "facts",
        "at",
        "expect_rule",
        "expect_outcome",
        "expect_rep_id",
        "expect_pool_id",
        "expect_queue_id",
    )
    rows = [
        GoldenLead(ruleset=target, **values)
        for values in source.golden_leads.order_by("pk").values(*columns)
    ]
    with bulk_writer("copy_golden_leads"):
        GoldenLead.objects.bulk_create(rows)
    trail.record(
        GoldenLead,
        [
            trail.Change(id=row.pk, kind="created", reason_code="copied", data={"name": row.name})
            for row in rows
        ],
        by=by,
        at=at,
        created=True,
    )
