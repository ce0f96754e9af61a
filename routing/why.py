"""Why a lead is where it is, in plain words: one line for lists, the whole story for its page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from reps.availability import moment
from reps.models import Rep
from routing import engine
from routing.dispatch import replay
from routing.engine import InvalidPart
from routing.engine.explain import CHOSEN, ELIGIBLE, SET_ASIDE, Explanation, Place, RuleStory
from routing.models import Assignment, Decision, Lead, Rule
from routing.models.assignment import Reason
from routing.qualify import facts
from routing.rules import sentences

# A verdict of the engine → (what it says of one rep, "3 were full").
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


def next_step(clock: Any, *, manager: str, backup: str, at: datetime) -> str:
    """Say what comes of a running clock if nothing happens, and when; "" if nothing more."""
    step = consequence(clock)
    if step is None:
        return ""
    due = moment(step["at"])
    when = _("any moment now") if due <= at else _("at %(at)s") % {"at": clock_time(due)}
    return {
        "tell_manager": _("%(manager)s is told %(when)s"),
        "to_backup": _("Goes to %(backup)s %(when)s"),
        "to_manager": _("Goes to %(manager)s %(when)s"),
    }[step["do"]] % {"when": when, "manager": manager, "backup": backup or _("a backup")}


def clock_time(at: datetime) -> str:
    """A moment in the reader's zone, with the day if it is not today."""
    local = timezone.localtime(at)
    if local.date() == timezone.localtime().date():
        return f"{local:%H:%M}"
    return f"{local:%a %d %b, %H:%M}"


# --- The whole story ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Candidate:
    """What became of one rep: `state` is a colour of the pills."""

    rep: Rep
    verdict: str
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class Story:
    """A decision in sentences. Empty candidates: nobody was asked, or it is not theirs to see."""

    decision: Decision
    headline: str
    sentences: Sequence[str] = ()
    matched: Sequence[tuple[str, str]] = ()
    passed: Sequence[str] = ()
    candidates: Sequence[Candidate] = ()
    note: str = ""


@dataclass(frozen=True)
class _Words:
    """The names that a story uses, read once."""

    names: sentences.Names
    reps: Mapping[int, Rep] = field(default_factory=dict)
    rules: Mapping[int, Rule] = field(default_factory=dict)
    me: Rep | None = None

    def rep(self, pk: int | None) -> str:
        if pk is not None and self.me is not None and self.me.pk == pk:
            return _("you")
        return str(self.reps.get(pk, _("somebody")))


def story(lead: Lead, *, me: Rep | None, sees_all: bool) -> Story | None:
    """
    Tell how the lead's latest decision came about, by running it again.

    Whoever does not see all colleagues is told their own part and how many others dropped
    out for which reason; who of them was away is not their business. None before the first
    decision; a calm note where the facts behind it were erased.
    """
    decision = (
        lead.decisions.select_related("rule", "batch__ruleset", "rep__user").order_by("-pk").first()
    )
    if decision is None:
        return None
    words = _Words(
        names=sentences.Names.read(),
        reps={rep.pk: rep for rep in Rep.objects.select_related("user")},
        rules={rule.pk: rule for rule in decision.batch.ruleset.rules.all()},
        me=me,
    )
    try:
        told = replay.explain(decision)
    except replay.FactsErased:
        return Story(
            decision=decision,
            headline=_headline(decision, words),
            note=_(
                "The personal data behind this decision were erased, so its details cannot be "
                "told any more. What was decided, by which rule and when, stays on record."
            ),
        )
    except (replay.FactsAltered, InvalidPart, ValueError):
        return Story(
            decision=decision,
            headline=_headline(decision, words),
            note=_("This decision cannot be run again as it was; its record is kept as it stands."),
        )
    decided = next((rule for rule in told.rules if rule.id == told.decision.rule), None)
    return Story(
        decision=decision,
        headline=_headline(decision, words),
        sentences=_sentences(told, decided, words),
        matched=_matched(decided, decision, words),
        passed=[_passed(rule, words) for rule in told.rules if _worth_telling(rule, told)],
        candidates=_candidates(decided, words) if decided and sees_all else (),
    )


def _headline(decision: Decision, words: _Words) -> str:
    rule = decision.rule
    by = (
        _("Rule %(n)s, “%(name)s”") % {"n": rule.position, "name": rule.name}
        if rule
        else _("No rule")
    )
    match decision.outcome:
        case Decision.Outcome.ASSIGN:
            return _("%(by)s chose %(rep)s") % {"by": by, "rep": words.rep(decision.rep_id)}
        case Decision.Outcome.QUEUE:
            return _("%(by)s sent it to a queue") % {"by": by}
        case Decision.Outcome.NURTURE:
            return _("%(by)s let it rest in nurture") % {"by": by}
    return _("%(by)s found nobody who could take it then, so it waited") % {"by": by}


def _sentences(told: Explanation, decided: RuleStory | None, words: _Words) -> list[str]:
    lines: list[str] = []
    if decided is None:
        lines.append(_("No rule that matched found anybody."))
        return lines + _waiting(told)
    rule = words.rules.get(decided.id)
    if rule is not None:
        condition = sentences.condition_words(rule.condition, words.names)
        if condition:
            lines.append(_("It matched because %(condition)s.") % {"condition": condition})
        else:
            lines.append(_("It takes every lead that the rules before it left."))
        if rule.reasoning:
            lines.append(_ended(rule.reasoning))
    lines += _relaxed(decided)
    lines += _counts(decided)
    if decided.result == "assigned" and decided.order:
        lines.append(_choice(decided, words))
    return lines + _waiting(told)


def _relaxed(rule: RuleStory) -> list[str]:
    """Which filters had given way, and after how long; nothing on the strict path."""
    lines = []
    if rule.branch:
        side = _("the other path") if rule.branch.endswith(":b") else _("the rule's own path")
        name = rule.branch.rpartition(":")[0]
        lines.append(
            _("The experiment “%(name)s” sent it down %(side)s.") % {"name": name, "side": side}
        )
    last = rule.levels[-1] if rule.levels else None
    if last is not None and last.relaxed:
        given_way = ", ".join(
            str(VERDICTS.get(one.by, (one.by, one.by))[1])
            + ("" if one.options is None else _(" (less was asked)"))
            for one in last.relaxed
        )
        lines.append(
            _("It had waited, so that reps %(whom)s could take it too.") % {"whom": given_way}
        )
    return lines


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _counts(rule: RuleStory) -> list[str]:
    """How many could be asked, and why the others dropped out."""
    asked = len(rule.candidates)
    if not asked:
        return []
    left = len(rule.order)
    first = ngettext("One rep could be asked", "%(asked)s reps could be asked", asked) % {
        "asked": asked
    }
    if left == asked:
        return [first + "."]
    dropped: dict[str, int] = {}
    for one in rule.candidates:
        if one.verdict not in (CHOSEN, ELIGIBLE):
            dropped[one.verdict] = dropped.get(one.verdict, 0) + 1
    reasons = ", ".join(
        f"{number} {VERDICTS.get(verdict, ('', verdict))[1]}" for verdict, number in dropped.items()
    )
    return [
        _("%(first)s; %(left)s passed every check (%(reasons)s).")
        % {"first": first, "left": left, "reasons": reasons}
    ]


def _choice(rule: RuleStory, words: _Words) -> str:
    winner = rule.order[0]
    second = rule.order[1] if len(rule.order) > 1 else None
    who = words.rep(winner.rep)
    if second is None:
        if who == _("you"):
            return _("You were the only one left.")
        return _("%(who)s was the only one left.") % {"who": who}
    values = {"who": who, "second": words.rep(second.rep), "lead": _lead_over(winner, second)}
    values["were"] = _("were") if who == _("you") else _("was")
    values["who"] = who[:1].upper() + who[1:]
    if rule.strategy == "round_robin":
        return (
            _("%(who)s %(were)s next in turn, %(lead)s leads further below the share than ")
            % values
            + _("%(second)s.") % values
            if winner.standing_leads is not None and winner.standing != second.standing
            else _("%(who)s %(were)s next in turn; %(second)s would have been next.") % values
        )
    if rule.strategy == "least_loaded":
        return _(
            "%(who)s had the fewest open leads (%(open)s); %(second)s would have been next."
        ) % {
            **values,
            "open": winner.open,
        }
    values["best"] = {
        "least_value": _("the least value in open leads"),
        "least_utilised": _("the most room left"),
        "performance": _("the best results of late"),
        "predictive": _("the best chance to win it"),
    }.get(rule.strategy or "")
    if values["best"]:
        return _("%(who)s had %(best)s; %(second)s would have been next.") % values
    if rule.strategy == "random":
        return _("A fixed draw took %(who)s; %(second)s would have been next.") % {
            **values,
            "who": who,
        }
    return _("%(who)s %(were)s first in the order; %(second)s would have been next.") % values


def _lead_over(winner: Place, second: Place) -> str:
    if winner.standing_leads is None or second.standing_leads is None:
        return ""
    return f"{winner.standing_leads - second.standing_leads:.1f}"


def _waiting(told: Explanation) -> list[str]:
    if told.decision.outcome != "park":
        return []
    why = {
        "capacity": _("Everyone who could take it was full."),
        "hours": _("Nobody who could take it was working then."),
        "away": _("Everyone who could take it was away."),
    }.get(told.decision.blocked or "", _("There was nobody to ask."))
    if told.decision.retry_at:
        at = clock_time(moment(told.decision.retry_at))
        return [why, _("It was to be looked at again at %(at)s.") % {"at": at}]
    return [why]


def _matched(decided: RuleStory | None, decision: Decision, words: _Words) -> list[tuple[str, str]]:
    """The facts that the rule asked for, with what they were."""
    rule = words.rules.get(decided.id) if decided else None
    if rule is None:
        return []
    try:
        asked = engine.facts_used(engine.parse(rule.condition, facts.KINDS))
    except InvalidPart:
        return []
    return [
        (str(facts.BY_NAME[name].label), _value(name, decision.facts[name], words))
        for name in sorted(asked)
        if name in decision.facts
    ]


def _value(name: str, value: Any, words: _Words) -> str:
    known = words.names.of_fact(name)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list):
        return ", ".join(str(known.get(one, one)) for one in value)
    return str(known.get(value, value))


def _worth_telling(rule: RuleStory, told: Explanation) -> bool:
    """Rules before the one that decided, if they matched and had nobody."""
    return rule.status == "tried" and rule.id != told.decision.rule


def _passed(rule: RuleStory, words: _Words) -> str:
    why = VERDICTS.get(rule.why or "", ("", _("nobody to ask")))[1]
    return _("Rule %(n)s, “%(name)s”, matched as well but found nobody (%(why)s).") % {
        "n": rule.position,
        "name": rule.name,
        "why": why,
    }


def _candidates(rule: RuleStory, words: _Words) -> list[Candidate]:
    places = {place.rep: place for place in rule.order}
    rows = []
    for one in rule.candidates:
        rep = words.reps.get(one.rep)
        if rep is None:
            continue
        place = places.get(one.rep)
        if one.verdict in (CHOSEN, ELIGIBLE):
            verdict = _("Chosen") if one.verdict == CHOSEN else _("Could take it")
            state = "ok" if one.verdict == CHOSEN else ""
            detail = _standing(place)
        else:
            verdict = VERDICTS.get(one.verdict, (one.verdict, ""))[0]
            state = {"full": "risk", "away": "paused", "absent": "paused"}.get(one.verdict, "")
            detail = _("until %(at)s") % {"at": clock_time(moment(one.until))} if one.until else ""
            if one.verdict not in ("away", "absent", "off_shift"):
                detail = one.detail or detail
        rows.append(
            (place.place if place else 10_000, str(rep), Candidate(rep, verdict, state, detail))
        )
    return [row for *_order, row in sorted(rows, key=lambda row: row[:2])]


def _standing(place: Place | None) -> str:
    if place is None:
        return ""
    load = (
        _("open %(open)s of %(cap)s") % {"open": place.open, "cap": place.capacity}
        if place.capacity is not None
        else _("open %(open)s") % {"open": place.open}
    )
    if place.standing_leads is None:
        return load
    return _("place %(n)s, owed %(owed)s leads, %(load)s") % {
        "n": place.place,
        "owed": f"{place.standing_leads:.1f}",
        "load": load,
    }
