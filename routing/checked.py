"""What came of looking at a decision again, in one line."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from routing.dispatch import inputs
from routing.dispatch.replay import Check

ALTERED: Mapping[str, Any] = {
    inputs.FACTS: gettext_lazy("the facts of the lead"),
    inputs.PERSONAL_FACTS: gettext_lazy("the personal facts of the lead"),
    inputs.ROSTER: gettext_lazy("the reps as they stood"),
    inputs.COUNTERS: gettext_lazy("the loads and turns at the start"),
    inputs.RULES: gettext_lazy("the rules"),
    inputs.ORDER: gettext_lazy("what was decided just before it"),
    inputs.ANSWER: gettext_lazy("the record of what was decided"),
    inputs.SEAL: gettext_lazy("its seal in the audit trail"),
}
# Parts of the answer, as far as people know them by another name.
PARTS: Mapping[str, Any] = {
    "outcome": gettext_lazy("what became of it"),
    "at": gettext_lazy("the moment"),
    "rule": gettext_lazy("the rule"),
    "rule_position": gettext_lazy("the place of the rule"),
    "target": gettext_lazy("whom the rule means"),
    "strategy": gettext_lazy("how one was chosen"),
    "rep": gettext_lazy("who got it"),
    "queue": gettext_lazy("the queue"),
    "pool": gettext_lazy("the pool"),
    "lane": gettext_lazy("the lane of the rotation"),
    "charges": gettext_lazy("what the rotation booked"),
    "runner_up": gettext_lazy("who would have been next"),
    "drops": gettext_lazy("how many dropped out"),
    "passed_over": gettext_lazy("the rules that found nobody"),
    "relaxed": gettext_lazy("how far the rule gave way"),
    "branch": gettext_lazy("the side of the experiment"),
    "points": gettext_lazy("the points of load"),
    "value": gettext_lazy("the value"),
    "tier": gettext_lazy("the tier"),
    "retry_at": gettext_lazy("when it is looked at again"),
    "blocked": gettext_lazy("what kept everybody"),
    "wait_pool": gettext_lazy("the pool it waits for"),
    "wait_rep": gettext_lazy("the rep it waits for"),
    "engine": gettext_lazy("the version of the engine"),
}


def is_calm(check: Check) -> bool:
    """Whether there is nothing to look into; another version may well answer otherwise."""
    return not check.altered and (check.agrees is not False or not check.same_engine)


def words(check: Check) -> str:
    """Say it as one or two sentences; "" where facts were erased and nothing else is amiss."""
    parts = [_answer(check), _altered(check)]
    if not check.sealed and not check.altered and check.agrees:
        parts.append(_("It is from before all its inputs were sealed."))
    return " ".join(part for part in parts if part)


def _altered(check: Check) -> str:
    if not check.altered:
        return ""
    what = ", ".join(str(ALTERED[one]) for one in check.altered)
    return _("Stored inputs were altered: %(what)s.") % {"what": what}


def _answer(check: Check) -> str:
    if check.erased:
        return ""
    if check.agrees is None:
        return _("It cannot be run again.")
    if check.agrees:
        if check.same_engine:
            return _("Run again just now: the same answer.")
        return _("Run again just now by another version of the engine: the same answer.")
    what = ", ".join(str(PARTS.get(one.field, one.field)) for one in check.differences)
    if not check.same_engine:
        return _("Another version of the engine answers otherwise today: %(what)s.") % {
            "what": what
        }
    return _("Run again just now it comes out otherwise: %(what)s.") % {
        "what": what or _("how it is written")
    }
