"""Why a lead is where it is, in one line for lists; `story` tells the whole of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reps.availability import moment
from reps.models import Rep
from routing.engine.explain import SET_ASIDE
from routing.models import Assignment, Rule
from routing.models.assignment import Reason

# A verdict of the engine → (what it says of one rep, what it says of several: "3 full").
VERDICTS: Mapping[str, tuple[Any, Any]] = {
    "unknown": (gettext_lazy("Not in the roster"), gettext_lazy("not in the roster")),
    "inactive": (gettext_lazy("Has left"), gettext_lazy("no longer here")),
    "handed_back": (gettext_lazy("Handed it back before"), gettext_lazy("had handed it back")),
    "away": (gettext_lazy("Not taking leads"), gettext_lazy("not taking leads")),
    "absent": (gettext_lazy("Out of office"), gettext_lazy("out of office")),
    "full": (gettext_lazy("Full"), gettext_lazy("full")),
    "skill": (gettext_lazy("Lacks the skill"), gettext_lazy("without the skill")),
    "off_shift": (gettext_lazy("Not working then"), gettext_lazy("not working then")),
    "team": (gettext_lazy("Another team"), gettext_lazy("of another team")),
    "full_points": (
        gettext_lazy("Full by points"),
        gettext_lazy("at their limit of points"),
    ),
    "full_value": (gettext_lazy("Full by value"), gettext_lazy("at their limit of value")),
    "full_flow": (
        gettext_lazy("Enough new leads"),
        gettext_lazy("at their limit of new leads"),
    ),
    "full_share": (
        gettext_lazy("Enough of this tier"),
        gettext_lazy("at their share of the tier"),
    ),
    "language": (gettext_lazy("Lacks the language"), gettext_lazy("without the language")),
    "segment": (gettext_lazy("Another segment"), gettext_lazy("of another segment")),
    "seniority": (gettext_lazy("Too junior"), gettext_lazy("too junior")),
    "territory": (gettext_lazy("Another territory"), gettext_lazy("of another territory")),
    "near": (gettext_lazy("Too far away"), gettext_lazy("too far away")),
    "before_deadline": (
        gettext_lazy("Not back before it is due"),
        gettext_lazy("not back before it is due"),
    ),
    "daytime": (
        gettext_lazy("Not working in the prospect's daytime"),
        gettext_lazy("not working in the prospect's daytime"),
    ),
    SET_ASIDE: (gettext_lazy("Somebody was preferred"), gettext_lazy("set aside by a preference")),
}
OWNER_TARGETS = ("account_owner", "parent_account_owner", "opportunity_owner")


# --- One line ----------------------------------------------------------------------------


def one_line(assignment: Assignment | None, *, me: Rep | None = None) -> str:
    """
    Say in one line why a lead is where it is; "you" where that is `me`.

    Reads nothing if the assignment came with `decision__rule`, `by`, `from_rep` and `queue`.
    """
    if assignment is None:
        return _("It has just come in")
    mine = me is not None and assignment.rep_id == me.pk
    if assignment.reason_code == Reason.ROUTED:
        return _routed(assignment, mine=mine)
    who = assignment.by.label if assignment.by else ""
    reason = assignment.reason
    match assignment.reason_code:
        case Reason.CLAIMED:
            at = f"{timezone.localtime(assignment.started_at):%H:%M}"
            if mine:
                return _("You claimed it at %(at)s") % {"at": at}
            return _("Claimed at %(at)s") % {"at": at}
        case Reason.CORRECTED:
            return _("%(who)s gave it by hand: %(reason)s") % {"who": who, "reason": reason}
        case Reason.REQUESTED:
            return _("%(rep)s asked to pass it on: %(reason)s") % {
                "rep": assignment.from_rep or _("Its owner"),
                "reason": reason,
            }
        case Reason.ESCALATED:
            return reason or _("Its owner did not answer in time")
        case Reason.DECLINED:
            return _("%(rep)s handed it back: %(reason)s") % {
                "rep": assignment.from_rep or _("Its owner"),
                "reason": reason,
            }
        case Reason.LEAVER:
            return _("%(rep)s has left") % {"rep": assignment.from_rep or _("Its owner")}
    label = str(Reason(assignment.reason_code).label)
    return f"{label}: {reason}" if reason and reason != label else label


def _routed(assignment: Assignment, *, mine: bool) -> str:
    decision = assignment.decision
    rule = decision.rule if decision else None
    if rule is None:
        return _("Routed by a rule")
    name = _("Rule %(position)s, %(name)s") % {"position": rule.position, "name": rule.name}
    target = _target(rule)
    if target in OWNER_TARGETS and decision.facts.get(target) == assignment.rep_id:
        words = {
            "account_owner": (_("your named account"), _("their named account")),
            "parent_account_owner": (
                _("your account's subsidiary"),
                _("their account's subsidiary"),
            ),
            "opportunity_owner": (
                _("you own the open opportunity"),
                _("they own the open opportunity"),
            ),
        }[target][0 if mine else 1]
        return f"{name}: {words}"
    if target in (*OWNER_TARGETS, "territory_owner"):
        return name
    if assignment.rep_id is None:
        return name
    return f"{name}: {_how(rule)}"


def _target(rule: Rule) -> str:
    path = rule.path if isinstance(rule.path, dict) else {}
    return str((path.get("target") or {}).get("kind", ""))


def _how(rule: Rule) -> str:
    chosen = next((s.get("by") for s in rule.path.get("stages", []) if s.get("do") == "select"), "")
    return {
        "least_loaded": _("fewest open leads"),
        "least_value": _("least value in open leads"),
        "least_utilised": _("most room left"),
        "performance": _("best results of late"),
        "random": _("by a fixed draw"),
        "predictive": _("likeliest to win it"),
        "first": _("first who could"),
    }.get(chosen, _("next in turn"))


# --- What happens if nothing happens -----------------------------------------------------


def consequence(clock: Any) -> Mapping[str, Any] | None:
    """The next step of a running clock that is more than a reminder."""
    return next((step for step in clock.steps[clock.next_step :] if step["do"] != "remind"), None)


NEXT_STEP = {
    "tell_manager": gettext_lazy("%(manager)s is told %(when)s"),
    "tell_leadership": gettext_lazy("Leadership is told %(when)s"),
    "raise_priority": gettext_lazy("Goes before all others %(when)s"),
    "to_backup": gettext_lazy("Goes to %(backup)s %(when)s"),
    "to_pool": gettext_lazy("Goes to somebody of another pool %(when)s"),
    "re_route": gettext_lazy("Goes to somebody else %(when)s"),
    "to_queue": gettext_lazy("Goes to a queue to be claimed %(when)s"),
    "to_manager": gettext_lazy("Goes to %(manager)s %(when)s"),
}


def next_step(clock: Any, *, manager: str, backup: str, at: datetime) -> str:
    """Say what comes of a running clock if nothing happens, and when; "" if nothing more."""
    step = consequence(clock)
    if step is None:
        return ""
    due = moment(step["at"])
    when = _("any moment now") if due <= at else _("at %(at)s") % {"at": clock_time(due)}
    return NEXT_STEP.get(step["do"], _("Escalates %(when)s")) % {
        "when": when,
        "manager": manager,
        "backup": backup or _("a backup"),
    }


def clock_time(at: datetime) -> str:
    """A moment in the reader's zone, with the day if it is not today."""
    local = timezone.localtime(at)
    if local.date() == timezone.localtime().date():
        return f"{local:%H:%M}"
    return f"{local:%a %d %b, %H:%M}"
