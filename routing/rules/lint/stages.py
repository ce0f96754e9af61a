"""
Filters that leave nobody, and relaxations that bring nobody.

Only filters whose answer is settled by the roster are judged: a named skill, a skill named by a
fact that the rule's own condition fixes, seniority, team. Of the others (shifts, territory,
distance) it is only said that they drop people, so the judgement holds whatever they do.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final, TypeAlias

from routing.engine import Path, RepSpec, Stage
from routing.rules.lint.finding import Finding, warning
from routing.rules.lint.reach import Reach
from routing.rules.lint.words import span
from routing.rules.lint.world import Entry, World

# Filters that are a skill named by the fact of the same name.
_BY_FACT: Final = frozenset({"language", "segment"})
# More combinations of values than this are not gone through.
_MOST_CASES: Final = 64
# Before any relaxation: stricter than one that holds after 0 seconds.
_STRICT: Final = -1

Options: TypeAlias = Mapping[str, Any] | None
Case: TypeAlias = Mapping[str, str]


def check(rules: Sequence[Entry], world: World, reach: Reach) -> Iterator[Finding]:
    """Find filters and relaxations in vain, on the way to a rep or to a pool with members."""
    for entry in rules:
        for path in entry.paths:
            reps = _candidates(path, world)
            filters = [stage for stage in path.stages if stage.do == "filter"]
            if not reps or not filters:
                continue
            cases = _cases(entry, filters, reach)
            if cases is None:
                continue
            in_vain = _nobody(entry, filters, reps, cases)
            if in_vain is not None:
                yield in_vain
            else:
                yield from _idle(entry, filters, reps, cases)


def _candidates(path: Path, world: World) -> list[RepSpec]:
    if path.target.kind == "pool":
        return [world.roster.reps[member.rep] for member in world.members(path.target.id)]
    rep = path.target.id
    if path.target.kind == "rep" and rep is not None and world.is_active(rep):
        return [world.roster.reps[rep]]
    return []


def _nobody(
    entry: Entry, filters: Sequence[Stage], reps: Sequence[RepSpec], cases: Sequence[Case]
) -> Finding | None:
    last = max((relax.after for stage in filters for relax in stage.relax), default=_STRICT)
    options = [_options(stage, last) for stage in filters]
    groups = [*(([stage], [one]) for stage, one in zip(filters, options, strict=True))]
    groups.append((list(filters), options))
    for stages, wanted in groups:
        if any(_kept(stages, wanted, reps, case) for case in cases):
            continue
        relaxed = ", even fully relaxed" if any(stage.relax for stage in stages) else ""
        return Finding(
            "unreachable_skill",
            f"“{entry.rule.name}” asks for {_words(stages, wanted)}, which no active candidate "
            f"has{relaxed}. Ask for less, or add somebody who has it.",
            entry.rule.id,
            is_error=entry.rule.fallback,
        )
    return None


def _idle(
    entry: Entry, filters: Sequence[Stage], reps: Sequence[RepSpec], cases: Sequence[Case]
) -> Iterator[Finding]:
    levels = sorted({relax.after for stage in filters for relax in stage.relax})
    before = [_options(stage, _STRICT) for stage in filters]
    for level in levels:
        after = [_options(stage, level) for stage in filters]
        changed = [
            stage for stage, old, new in zip(filters, before, after, strict=True) if old is not new
        ]
        settled = all(
            _test(stage, options, case) is not None
            for stage in changed
            for options in (before[filters.index(stage)], after[filters.index(stage)])
            if options is not None
            for case in cases
        ) and all(_settles(stage) for stage in changed)
        if settled and all(
            _kept(filters, before, reps, case) == _kept(filters, after, reps, case)
            for case in cases
        ):
            when = f"after {span(level)}" if level else "at once"
            yield warning(
                "relaxation_adds_nobody",
                f"“{entry.rule.name}” relaxes {_words(changed, [s.options for s in changed])} "
                f"{when}, but that lets in nobody new. Relax it further, or take the step out.",
                entry.rule.id,
            )
        before = after


def _options(stage: Stage, level: int) -> Options:
    """Return what a filter asks at a level of relaxation; None once it is dropped."""
    options: Options = stage.options
    for relax in sorted(stage.relax, key=lambda one: one.after):
        if relax.after <= level:
            options = relax.options
    return options


def _kept(
    filters: Sequence[Stage], options: Sequence[Options], reps: Sequence[RepSpec], case: Case
) -> set[int]:
    """Return the reps whom no settled filter drops."""
    tests = [
        test
        for stage, wanted in zip(filters, options, strict=True)
        if wanted is not None and (test := _test(stage, wanted, case)) is not None
    ]
    return {rep.id for rep in reps if all(test(rep) for test in tests)}


def _settles(stage: Stage) -> bool:
    return stage.by in _BY_FACT or stage.by in ("skill", "team", "seniority")


def _test(stage: Stage, options: Mapping[str, Any], case: Case) -> Callable[[RepSpec], bool] | None:
    """Return a filter's test of a rep; None if the roster alone does not settle it."""
    if stage.by == "team":
        return lambda rep: rep.team == options.get("id")
    if stage.by == "seniority":
        return lambda rep: rep.seniority >= options.get("at_least", 1)
    if stage.by in _BY_FACT or stage.by == "skill":
        fact = _fact_of(stage, options)
        skill = options.get("skill") if fact is None else case.get(fact)
        if skill is None:
            return None
        name, least = str(skill).casefold(), options.get("at_least", 1)
        return lambda rep: rep.skills.get(name, 0) >= least
    return None


def _fact_of(stage: Stage, options: Mapping[str, Any]) -> str | None:
    return stage.by if stage.by in _BY_FACT else options.get("skill_fact")


def _cases(entry: Entry, filters: Sequence[Stage], reach: Reach) -> list[Case] | None:
    """
    List the skills that the rule's leads can ask for, by fact; facts it leaves open are left out.

    None if there are too many to go through.
    """
    terms = reach.space.terms(entry.rule.condition)
    if not terms:
        return None
    facts = {fact for stage in filters if (fact := _fact_of(stage, stage.options))}
    values: dict[str, list[str]] = {}
    for fact in facts:
        allowed = [reach.space.allowed(term, fact) for term in terms]
        named = [value for some in allowed if some is not None for value in some]
        if None in allowed or not all(isinstance(value, str) for value in named):
            continue
        if any(reach.space.is_made_up(str(value)) for value in named):
            continue
        values[fact] = [str(value) for value in dict.fromkeys(named)]
    cases: list[Case] = [dict(zip(values, row, strict=True)) for row in product(*values.values())]
    return cases if len(cases) <= _MOST_CASES else None


def _words(stages: Sequence[Stage], wanted: Sequence[Options]) -> str:
    found = []
    for stage, options in zip(stages, wanted, strict=True):
        if options is None or not _settles(stage):
            continue
        least = options.get("at_least", 1)
        if stage.by == "team":
            found.append("the team")
        elif stage.by == "seniority":
            found.append(f"seniority {least}")
        else:
            name = options.get("skill") or f"the lead's {_fact_of(stage, options)}"
            found.append(f"{name} at level {least}")
    return " and ".join(found) or "this"
