"""How a decision about a lead came about, in sentences: made by running it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reps.availability import moment
from reps.models import Rep
from routing import checked, engine, story_levels
from routing.dispatch import replay
from routing.engine import InvalidPart
from routing.engine.explain import CHOSEN, ELIGIBLE, Explanation, Place, RuleStory
from routing.engine.types import Roster
from routing.models import Decision, Lead, Rule
from routing.qualify import facts
from routing.rules import sentences
from routing.verdicts import Said, detail_words, verdict_words
from routing.why import VERDICTS, clock_time

# Of a long set the page shows the rules just before the one that decided.
RULES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """What became of one rep: `state` is a colour of the pills."""

    rep: Rep
    verdict: str
    state: str
    detail: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """
    A decision in sentences. Empty candidates: nobody was asked, or it is not theirs to see.

    `rules` are the rules up to the one that decided, each with what became of the lead there;
    `rules_left_out` is how many stand before them. `check` says what came of running it again,
    and `is_calm` that there is nothing in it to look into.
    """

    decision: Decision
    headline: str
    sentences: Sequence[str] = ()
    matched: Sequence[tuple[str, str]] = ()
    passed: Sequence[str] = ()
    candidates: Sequence[Candidate] = ()
    rules: Sequence[tuple[str, str]] = ()
    rules_left_out: int = 0
    note: str = ""
    check: str = ""
    is_calm: bool = True


@dataclass(frozen=True)
class _Words:
    """The names that a story uses, read once, and the situation it is about."""

    names: sentences.Names
    reps: Mapping[int, Rep] = field(default_factory=dict)
    rules: Mapping[int, Rule] = field(default_factory=dict)
    me: Rep | None = None
    roster: Roster = field(default_factory=Roster)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def is_me(self, pk: int | None) -> bool:
        return pk is not None and self.me is not None and self.me.pk == pk

    def rep(self, pk: int | None) -> str:
        if self.is_me(pk):
            return _("you")
        return str(self.reps.get(pk, _("somebody")))


def tell(lead: Lead, *, me: Rep | None, sees_all: bool) -> Story | None:
    """
    Tell how the lead's latest decision came about.

    Whoever does not see all colleagues is told their own part and how many others dropped
    out for which reason; who of them was away is not their business. None before the first
    decision; a calm note where the facts behind it were erased.
    """
    decision = (
        lead.decisions.select_related("rule", "batch__ruleset", "rep__user").order_by("-pk").first()
    )
    if decision is None:
        return None
    reps = {rep.pk: rep for rep in Rep.objects.select_related("user")}
    rules = {rule.pk: rule for rule in decision.batch.ruleset.rules.all()}
    names = sentences.Names.read()
    seen = None
    try:
        seen = replay.situation(decision)
        told = engine.explain(seen.rules, seen.facts, seen.roster, seen.counters, seen.at)
    except (replay.FactsErased, replay.FactsAltered, InvalidPart, ValueError) as error:
        check = replay.check(decision, seen=seen)
        return Story(
            decision=decision,
            headline=_headline(decision, _Words(names, reps, me=me)),
            note=_why_untold(error),
            check=checked.words(check),
            is_calm=checked.is_calm(check),
        )
    check = replay.check(decision, seen=seen)
    words = _Words(names, reps, rules, me, seen.roster, seen.facts)
    decided = next((rule for rule in told.rules if rule.id == told.decision.rule), None)
    before = _before(told)
    return Story(
        decision=decision,
        headline=_headline(decision, words, queue=told.decision.queue),
        sentences=_sentences(told, decided, words, sees_all=sees_all),
        matched=_matched(decided, words),
        passed=[_passed(rule, words) for rule in before if _worth_telling(rule, told)],
        candidates=_candidates(decided, words) if decided and sees_all else (),
        rules=[(_name(rule), _became(rule, words)) for rule in before[-RULES_SHOWN:]],
        rules_left_out=max(0, len(before) - RULES_SHOWN),
        check=checked.words(check),
        is_calm=checked.is_calm(check),
    )


def _why_untold(error: Exception) -> str:
    if isinstance(error, replay.FactsErased):
        return _(
            "The personal data behind this decision were erased, so its details cannot be "
            "told any more. What was decided, by which rule and when, stays on record."
        )
    return _("This decision cannot be run again as it was; its record is kept as it stands.")


def _headline(decision: Decision, words: _Words, *, queue: int | None = None) -> str:
    rule = decision.rule
    by = _("No rule")
    if rule is not None:
        by = _("Rule %(n)s, “%(name)s”") % {"n": rule.position, "name": rule.name}
    elif decision.batch.asked is not None:
        by = _("The escalation “%(name)s”") % {"name": decision.batch.asked["name"]}
    match decision.outcome:
        case Decision.Outcome.ASSIGN:
            return _("%(by)s chose %(rep)s") % {"by": by, "rep": words.rep(decision.rep_id)}
        case Decision.Outcome.QUEUE:
            if queue in words.names.queues:
                name = words.names.queues[queue]
                return _("%(by)s sent it to the queue %(name)s") % {"by": by, "name": name}
            return _("%(by)s sent it to a queue") % {"by": by}
        case Decision.Outcome.NURTURE:
            return _("%(by)s let it rest in nurture") % {"by": by}
    return _("%(by)s found nobody who could take it then, so it waited") % {"by": by}


def _sentences(
    told: Explanation, decided: RuleStory | None, words: _Words, *, sees_all: bool
) -> list[str]:
    if decided is None:
        return [_("No rule that matched found anybody."), *_waiting(told)]
    lines: list[str] = []
    rule = words.rules.get(decided.id)
    if rule is not None:
        condition = sentences.condition_words(rule.condition, words.names)
        if condition:
            lines.append(_("It matched because %(condition)s.") % {"condition": condition})
        else:
            lines.append(_("It takes every lead that the rules before it left."))
        if rule.reasoning:
            lines.append(_ended(rule.reasoning))
        lines += story_levels.experiment(decided, rule)
        if rule.expires_at:
            when = clock_time(rule.expires_at)
            lines.append(_("This rule is an exception: it holds until %(at)s.") % {"at": when})
    lines += story_levels.levels(decided, words.names)
    lines += _counts(decided)
    if decided.result == "assigned" and decided.order:
        lines.append(_choice(decided, words))
    lines += _credited(decided, words, sees_all=sees_all)
    return lines + _waiting(told)


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
    passed = _("nobody") if not left else ngettext("%(left)s", "%(left)s", left) % {"left": left}
    return [
        _("%(first)s; %(passed)s passed every check (%(reasons)s).")
        % {"first": first, "passed": passed, "reasons": reasons}
    ]


# --- The choice --------------------------------------------------------------------------


def _choice(rule: RuleStory, words: _Words) -> str:
    winner = rule.order[0]
    second = rule.order[1] if len(rule.order) > 1 else None
    mine = words.is_me(winner.rep)
    named = _named(rule, winner, words)
    if named:
        return named
    if second is None:
        if mine:
            return _("You were the only one left.")
        return _("%(who)s was the only one left.") % {"who": words.rep(winner.rep)}
    if rule.strategy == "random":
        return _("A fixed draw took %(who)s; %(second)s would have been next.") % {
            "who": words.rep(winner.rep),
            "second": words.rep(second.rep),
        }
    values = {"second": words.rep(second.rep), "what": _strength(rule, winner, second, mine=mine)}
    if mine:
        return _("You %(what)s; %(second)s would have been next.") % values
    values["who"] = words.rep(winner.rep)
    return _("%(who)s %(what)s; %(second)s would have been next.") % values


def _named(rule: RuleStory, winner: Place, words: _Words) -> str:
    """Where a rule means one person or their backup, who it is says why; else ""."""
    mine, who = words.is_me(winner.rep), {"who": words.rep(winner.rep)}
    meant = _meant(rule, words)
    if meant is None:
        return ""
    if winner.rep != meant:
        who["owner"] = words.rep(meant)
        if mine:
            return _("You stand in for %(owner)s.") % who
        return _("%(who)s stands in for %(owner)s.") % who
    yours, theirs = {
        "rep": (_("The rule names you."), _("The rule names %(who)s.")),
        "account_owner": (_("You own the account."), _("%(who)s owns the account.")),
        "parent_account_owner": (
            _("You own the parent account."),
            _("%(who)s owns the parent account."),
        ),
        "opportunity_owner": (
            _("You own the open opportunity."),
            _("%(who)s owns the open opportunity."),
        ),
        "territory_owner": (_("You own the territory."), _("%(who)s owns the territory.")),
    }[rule.target]
    return yours if mine else theirs % who


def _meant(rule: RuleStory, words: _Words) -> int | None:
    """The rep whom the rule's target means; None where it means several."""
    match rule.target:
        case "rep":
            return rule.target_id
        case "account_owner" | "parent_account_owner" | "opportunity_owner":
            owner = words.facts.get(rule.target)
            return owner if isinstance(owner, int) else None
        case "territory_owner":
            territory = words.roster.territories.get(words.facts.get("territory", 0))
            return territory.owner if territory else None
    return None


def _strength(rule: RuleStory, winner: Place, second: Place, *, mine: bool) -> str:
    """What the winner had before the others, as the predicate of a sentence."""
    match rule.strategy:
        case "round_robin":
            return _turn(winner, second, mine=mine)
        case "least_loaded":
            return _("had the fewest open leads (%(open)s)") % {"open": winner.open}
        case "least_value":
            return _("had the least value in open leads (%(value)s)") % {"value": winner.value}
        case "least_utilised":
            return _("had the most room left (open %(open)s of %(cap)s)") % {
                "open": winner.open,
                "cap": _("any number") if winner.capacity is None else winner.capacity,
            }
        case "performance":
            return _("had the best results of late (%(percent)s %%)") % {
                "percent": winner.performance
            }
        case "predictive":
            return _("had the best chance to win it")
    return _("were first in the order") if mine else _("was first in the order")


def _turn(winner: Place, second: Place, *, mine: bool) -> str:
    lead = 0.0
    if winner.standing_leads is not None and second.standing_leads is not None:
        lead = winner.standing_leads - second.standing_leads
    next_in_turn = _("were next in turn") if mine else _("was next in turn")
    if lead < 0.05:
        return next_in_turn
    return _("%(next)s, owed %(lead)s leads more") % {"next": next_in_turn, "lead": f"{lead:.1f}"}


def _credited(rule: RuleStory, words: _Words, *, sees_all: bool) -> list[str]:
    """Whose share went on though the company had sent them away; others' is not one's business."""
    lines = []
    if any(words.is_me(rep) for rep in rule.credited):
        lines.append(_("You were away for the company, so your share of it was kept for you."))
    others = [words.rep(rep) for rep in rule.credited if not words.is_me(rep)]
    if others and sees_all:
        lines.append(
            ngettext(
                "%(who)s was away for the company and keeps a share of it for later.",
                "%(who)s were away for the company and keep their shares of it for later.",
                len(others),
            )
            % {"who": ", ".join(others)}
        )
    return lines


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


# --- The rules ---------------------------------------------------------------------------


def _matched(decided: RuleStory | None, words: _Words) -> list[tuple[str, str]]:
    """The facts that the rule asked for, with what they were."""
    rule = words.rules.get(decided.id) if decided else None
    if rule is None:
        return []
    try:
        asked = engine.facts_used(engine.parse(rule.condition, facts.KINDS))
    except InvalidPart:
        return []
    return [
        (
            str(facts.BY_NAME[name].label),
            sentences.found_words(name, words.facts[name], words.names),
        )
        for name in sorted(asked)
        if name in words.facts
    ]


def _before(told: Explanation) -> list[RuleStory]:
    """The rules up to the one that decided, in order; all of them if none did."""
    reached = []
    for rule in told.rules:
        reached.append(rule)
        if rule.id == told.decision.rule:
            break
    return reached


def _name(rule: RuleStory) -> str:
    if not rule.id:
        return _("The escalation “%(name)s”") % {"name": rule.name}
    return _("Rule %(n)s, “%(name)s”") % {"n": rule.position, "name": rule.name}


def _became(rule: RuleStory, words: _Words) -> str:
    """What became of the lead at a rule."""
    if rule.status == "expired":
        at = "" if rule.until is None else clock_time(moment(rule.until))
        return _("fits, but has not held since %(at)s") % {"at": at}
    if rule.status == "no_match":
        return _unfit(rule, words)
    if rule.result == "fell_through":
        return _("fits, but nobody could take it (%(why)s)") % {"why": _why(rule)}
    return _("fits, and it waited here") if rule.result == "waits" else _("took it")


def _unfit(rule: RuleStory, words: _Words) -> str:
    failed = rule.failed
    fact = facts.BY_NAME.get(failed.fact or "") if failed else None
    if failed is None or fact is None:
        return _("does not fit")
    if failed.found is None or failed.found == []:
        return _("does not fit: %(fact)s not known") % {"fact": fact.label}
    found = sentences.found_words(fact.name, failed.found, words.names)
    verb = _("are") if fact.kind == "events" else _("is")
    return _("does not fit: %(fact)s %(is)s %(found)s") % {
        "fact": fact.label,
        "is": verb,
        "found": found,
    }


def _worth_telling(rule: RuleStory, told: Explanation) -> bool:
    """Rules before the one that decided, if they matched and had nobody, or no longer hold."""
    return rule.status == "expired" or (rule.status == "tried" and rule.id != told.decision.rule)


def _passed(rule: RuleStory, words: _Words) -> str:
    if rule.status == "expired":
        at = "" if rule.until is None else clock_time(moment(rule.until))
        return _("%(rule)s, matched as well but has not held since %(at)s.") % {
            "rule": _name(rule),
            "at": at,
        }
    values = {"rule": _name(rule), "why": _why(rule)}
    if len(rule.levels) > 1:
        return (
            _("%(rule)s, matched as well but found nobody, even after it asked for less (%(why)s).")
            % values
        )
    return _("%(rule)s, matched as well but found nobody (%(why)s).") % values


def _why(rule: RuleStory) -> str:
    return str(VERDICTS.get(rule.why or "", ("", _("nobody to ask")))[1])


# --- Everybody who could be asked --------------------------------------------------------


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
            state, detail = ("ok" if one.verdict == CHOSEN else ""), _standing(place)
        else:
            verdict = verdict_words(one.verdict)
            state = _STATES.get(one.verdict, "")
            said = Said(one.verdict, one.detail, one.until)
            detail = detail_words(
                said, rep=one.rep, roster=words.roster, facts=words.facts, names=words.names
            )
        row = Candidate(rep, verdict, state, detail, one.verdict == CHOSEN)
        rows.append((place.place if place else 10_000, str(rep), row))
    return [row for *_order, row in sorted(rows, key=lambda row: row[:2])]


_STATES: Mapping[str, str] = {
    "full": "risk",
    "full_points": "risk",
    "full_value": "risk",
    "full_flow": "risk",
    "full_share": "risk",
    "away": "paused",
    "absent": "paused",
}


def _standing(place: Place | None) -> str:
    if place is None:
        return ""
    load = (
        _("open %(open)s of %(cap)s") % {"open": place.open, "cap": place.capacity}
        if place.capacity is not None
        else _("open %(open)s") % {"open": place.open}
    )
    if place.standing_leads is None:
        return _("place %(n)s, %(load)s") % {"n": place.place, "load": load}
    values = {"n": place.place, "owed": f"{abs(place.standing_leads):.1f}", "load": load}
    if place.standing_leads < 0:
        return _("place %(n)s, %(owed)s leads ahead, %(load)s") % values
    return _("place %(n)s, owed %(owed)s leads, %(load)s") % values
