"""The path of a rule in plain English: to whom, among whom, how one is chosen, and else."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from routing import engine
from routing.engine.types import Path, Relaxation, Stage, Target
from routing.qualify import facts
from routing.rules.names import Names
from routing.rules.typed import while_words

TARGET_WORDS: Mapping[str, str] = {
    "account_owner": "the named account's owner",
    "parent_account_owner": "the parent account's owner",
    "opportunity_owner": "the owner of the open opportunity",
    "territory_owner": "the territory's owner",
    "territory_pool": "the territory's pool",
    "agent": "an AI agent",
}
ENDING_WORDS: Mapping[str, str] = {
    "nurture": "let it rest in nurture",
    "fast_follow": "let the fast-follow sequence take it",
}
SELECT_WORDS: Mapping[str, str] = {
    "round_robin": "in turn",
    "least_loaded": "whoever has the fewest open leads",
    "least_value": "whoever has the least value in open leads",
    "least_utilised": "whoever has the most of their capacity free",
    "performance": "whoever performs best",
    "random": "by lot",
    "predictive": "whoever is most likely to win it",
    "first": "the first who can",
}
SENIORITY_WORDS: Mapping[int, str] = {
    1: "junior",
    2: "mid-level",
    3: "senior",
    4: "principal",
}


def path_words(path: Any, names: Names) -> str:
    """
    Return a stored path in words.

    :raises routing.engine.InvalidPart: if it cannot be read
    """
    return words_of(engine.parse_path(path), names)


def words_of(path: Path, names: Names) -> str:
    """Return a path in words, the other side of an experiment included."""
    words = _one_way(path, names)
    if path.split is None:
        return words
    return (
        f"{words}; but {path.split.percent} % of the leads, chosen by the experiment "
        f"“{path.split.name}”, go another way: {_one_way(path.split.path, names)}"
    )


def _one_way(path: Path, names: Names) -> str:
    target = path.target
    if target.kind in ENDING_WORDS:
        return ENDING_WORDS[target.kind]
    if target.kind == "queue":
        return f"put it into the queue {names.queues.get(target.id or 0, '(gone)')}"
    words = f"give it to {_whom(target, names)}"
    select = next((stage.by for stage in path.stages if stage.do == "select"), None)
    kind = engine.TARGETS.get(target.kind)
    default = kind.default_strategy if kind else None
    if (kind and kind.is_pool) or select not in (None, default):
        by = select or default or ""
        words += f", {SELECT_WORDS.get(by, f'chosen by {by}')}"
    for stage in path.stages:
        if stage.do != "select":
            words += f", {_stage(stage, names)}"
    return f"{words}; if nobody can take it, {_ending(path)}"


def _whom(target: Target, names: Names) -> str:
    if target.kind == "rep":
        return names.reps.get(target.id or 0, "a rep who is gone")
    if target.kind == "pool":
        return f"the pool {names.pools.get(target.id or 0, '(gone)')}"
    return TARGET_WORDS.get(target.kind, target.kind.replace("_", " "))


def _ending(path: Path) -> str:
    if path.on_empty != "wait":
        return "the next rule is asked"
    if path.wait_at_most is None:
        return "it waits"
    return f"it waits for at most {while_words(path.wait_at_most)}, then the next rule is asked"


# --- Stages ------------------------------------------------------------------------------

_Words: TypeAlias = Callable[[str, Mapping[str, Any], Names], str]


def _stage(stage: Stage, names: Names) -> str:
    words = _words(stage, stage.options, names)
    if not stage.relax:
        return words
    steps = "; ".join(_relaxed(stage, step, names) for step in stage.relax)
    return f"{words} ({steps})"


def _relaxed(stage: Stage, step: Relaxation, names: Names) -> str:
    when = f"once it has waited {while_words(step.after)}" if step.after else "if nobody is left"
    if step.options is None:
        return f"{when}, whoever"
    return f"{when}, {_words(stage, step.options, names)}"


def _words(stage: Stage, options: Mapping[str, Any], names: Names) -> str:
    words = STAGE_WORDS.get(stage.by)
    if words is None:
        return f"{stage.do} by {stage.by.replace('_', ' ')}"
    return words(stage.do, options, names)


def _among(do: str, who: str) -> str:
    return f"among those {who}" if do == "filter" else f"preferring those {who}"


def _within(options: Mapping[str, Any]) -> int:
    return int(options.get("within") or 0)


def _on_shift(do: str, options: Mapping[str, Any], names: Names) -> str:
    within = _within(options)
    return _among(do, f"who work within {while_words(within)}" if within else "who work now")


def _before_deadline(do: str, options: Mapping[str, Any], names: Names) -> str:
    within = _within(options)
    return _among(
        do,
        f"who can answer within {while_words(within)}"
        if within
        else "who can answer before the promised time",
    )


def _daytime(do: str, options: Mapping[str, Any], names: Names) -> str:
    return _among(do, "who work while it is daytime for the person")


def _skill(do: str, options: Mapping[str, Any], names: Names) -> str:
    if "skill_fact" in options:
        fact = facts.BY_NAME.get(options["skill_fact"])
        skill = f"the skill of the lead's {fact.label if fact else options['skill_fact']}"
    else:
        skill = names.skills.get(options["skill"], options["skill"])
    return _levelled(do, skill, options)


def _levelled(do: str, skill: str, options: Mapping[str, Any]) -> str:
    level = options.get("at_least") or 1
    if do == "filter":
        return f"among those with {skill} at level {level} or better"
    return f"preferring the best at {skill} (from level {level})"


def _language(do: str, options: Mapping[str, Any], names: Names) -> str:
    return _levelled(do, "the lead's language", options)


def _segment(do: str, options: Mapping[str, Any], names: Names) -> str:
    return _levelled(do, "the lead's segment", options)


def _seniority(do: str, options: Mapping[str, Any], names: Names) -> str:
    level = options["at_least"]
    return _among(do, f"who are {SENIORITY_WORDS.get(level, level)} or above")


def _territory(do: str, options: Mapping[str, Any], names: Names) -> str:
    return _among(do, "who serve the lead's territory")


def _team(do: str, options: Mapping[str, Any], names: Names) -> str:
    return f"among the team {names.teams.get(options['id'], '(gone)')}"


def _near(do: str, options: Mapping[str, Any], names: Names) -> str:
    return _among(do, f"within {options['within_km']:g} km of the person")


def _nearest(do: str, options: Mapping[str, Any], names: Names) -> str:
    km = options.get("within_km")
    return "preferring the nearest" if km is None else f"preferring the nearest within {km:g} km"


STAGE_WORDS: Mapping[str, _Words] = {
    "on_shift": _on_shift,
    "before_deadline": _before_deadline,
    "daytime": _daytime,
    "skill": _skill,
    "language": _language,
    "segment": _segment,
    "seniority": _seniority,
    "territory": _territory,
    "team": _team,
    "near": _near,
    "nearest": _nearest,
    "former_owner": lambda do, options, names: "preferring the former owner",
    "account_team": lambda do, options, names: "preferring whoever works for the account",
    "propensity": lambda do, options, names: "preferring whoever is likeliest to win it",
}
