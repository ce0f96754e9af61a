"""How a rule gave way, step by step, and which side of an experiment was taken, in sentences."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reps.availability import moment
from routing.engine.explain import LevelStory, Relaxed, RuleStory
from routing.models import Rule
from routing.rules.names import Names
from routing.rules.path_words import STAGE_WORDS
from routing.rules.typed import while_words
from routing.verdicts import ASKED_FOR
from routing.why import VERDICTS, clock_time


def experiment(story: RuleStory, rule: Rule) -> list[str]:
    """Say which side the lead fell on, if the rule splits."""
    if not story.branch:
        return []
    name, _colon, side = story.branch.rpartition(":")
    percent = (rule.path.get("split") or {}).get("percent")
    values = {"name": name, "percent": percent, "rest": 100 - (percent or 0)}
    if side == "b":
        return [
            _(
                "The experiment “%(name)s” sends %(percent)s %% of its leads another way, and "
                "this is one of them."
            )
            % values
        ]
    return [
        _(
            "The experiment “%(name)s” sends %(percent)s %% of its leads another way; this one is "
            "of the %(rest)s %% that go the rule's own way."
        )
        % values
    ]


def levels(story: RuleStory, names: Names) -> list[str]:
    """
    Tell the steps by which the rule gave way; nothing where it was strict and that was enough.

    What a step says is what it changed against the one before it.
    """
    told = list(story.levels)
    if len(told) < 2 and story.relaxes_at is None:
        return []
    lines = []
    if told:
        lines.append(_("As strictly as the rule asks, nobody was left%(why)s.") % _values(told[0]))
    for before, level in pairwise(told):
        lines.append(_step(before, level, names))
    if story.relaxes_at is not None:
        at = clock_time(moment(story.relaxes_at))
        lines.append(_("It was to ask for less at %(at)s, and waited for that.") % {"at": at})
    return lines


def _step(before: LevelStory, level: LevelStory, names: Names) -> str:
    values = {
        "when": _("Once it had waited %(while)s") % {"while": while_words(level.after)}
        if level.after
        else _("As nobody was left"),
        "what": _gave_way(before.relaxed, level.relaxed, names),
        "left": _left(level),
    }
    return _("%(when)s, %(what)s: %(left)s.") % values


def _left(level: LevelStory) -> str:
    if level.left:
        return ngettext("one rep was left", "%(n)s reps were left", level.left) % {"n": level.left}
    return _("still nobody%(why)s") % _values(level)


def _values(level: LevelStory) -> Mapping[str, str]:
    words = VERDICTS.get(level.why or "")
    return {"why": "" if words is None else _(" (most were %(why)s)") % {"why": words[1]}}


def _gave_way(before: Sequence[Relaxed], now: Sequence[Relaxed], names: Names) -> str:
    news = [one for one in now if one not in before]
    dropped = [str(ASKED_FOR.get(one.by, one.by)) for one in news if one.options is None]
    parts = []
    if dropped:
        parts.append(_("%(what)s no longer counted") % {"what": _joined(dropped)})
    parts += [
        _("it looked %(whom)s") % {"whom": _whom(one.by, one.options, names)}
        for one in news
        if one.options is not None
    ]
    return _joined(parts)


def _whom(by: str, options: Mapping[str, Any], names: Names) -> str:
    words = STAGE_WORDS.get(by)
    if words is None:
        return _("for less of %(what)s") % {"what": ASKED_FOR.get(by, by)}
    return words("filter", options, names)


def _joined(parts: Sequence[str]) -> str:
    return _(" and ").join(parts)
