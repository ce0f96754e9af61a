"""Why a rep did not get a lead, and the smallest single change that would have been enough."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reps.availability import moment
from reps.models import Rep
from routing import engine
from routing.dispatch import replay
from routing.engine import InvalidPart
from routing.engine.change import Change, smallest_change
from routing.engine.explain import CHOSEN, ELIGIBLE, NOT_A_CANDIDATE, Explanation
from routing.engine.types import Situation
from routing.models import Decision, Lead
from routing.qualify import facts
from routing.rules.names import Names
from routing.templatetags.ui import in_words
from routing.why import VERDICTS, clock_time


@dataclass(frozen=True, slots=True)
class WhyNot:
    """
    The answer for one rep: what kept them from the lead, and what would have been enough.

    `change` is None where the rep got it, or no single change would have been enough; `enough`
    says which.
    """

    rep: Rep
    verdict: str
    detail: str
    change: Change | None
    enough: str


class CannotTell(LookupError):
    """The decision cannot be run again, or there is none; the message says why."""


def why_not(lead: Lead, rep: Rep) -> WhyNot:
    """
    Answer for the lead's latest decision, by running it again.

    :raises CannotTell: before the first decision, and where its facts were erased or altered
    """
    decision = lead.decisions.select_related("rule").order_by("-pk").first()
    if decision is None:
        raise CannotTell(_("No rule has looked at this lead yet."))
    return of_decision(decision, rep)


def of_decision(decision: Decision, rep: Rep) -> WhyNot:
    """
    Answer for one decision.

    :raises CannotTell: where its facts were erased or altered
    """
    try:
        seen = replay.situation(decision)
        told = engine.explain(
            seen.rules, seen.facts, seen.roster, seen.counters, seen.at, rep=rep.pk
        )
    except replay.FactsErased as error:
        raise CannotTell(_("The personal data behind this decision were erased.")) from error
    except (replay.FactsAltered, InvalidPart, ValueError) as error:
        raise CannotTell(_("This decision cannot be run again as it was.")) from error
    situation = Situation(seen.facts, seen.roster, seen.counters, seen.at)
    change = None if told.winner == rep.pk else smallest_change(seen.rules, situation, rep.pk)
    verdict, detail = _verdict(told)
    return WhyNot(rep, verdict, detail, change, _enough(change, told, rep, situation))


def _verdict(told: Explanation) -> tuple[str, str]:
    answer = told.answer
    if answer is None or answer.verdict == NOT_A_CANDIDATE:
        return _("Not a candidate"), _("no rule that was tried means this rep")
    if answer.verdict == CHOSEN:
        return _("Got it"), ""
    if answer.verdict == ELIGIBLE:
        place = answer.place or 0
        return _("Could take it"), _("was number %(n)s in the order") % {"n": place}
    words = str(VERDICTS.get(answer.verdict, (answer.verdict, ""))[0])
    if answer.until is not None:
        return words, _("until %(at)s") % {"at": clock_time(moment(answer.until))}
    return words, answer.detail


def _enough(change: Change | None, told: Explanation, rep: Rep, situation: Situation) -> str:
    if told.winner == rep.pk:
        return ""
    if change is None:
        return _("No single change would have been enough.")
    return _("%(change)s, %(rep)s would have got it.") % {
        "change": in_plain_words(change, situation),
        "rep": rep,
    }


def in_plain_words(change: Change, situation: Situation) -> str:
    """Say what would have been otherwise, as the first half of a sentence."""
    number, names = change.amount or 0, Names.read()
    match change.kind:
        case "not_paused":
            return _("Had they been taking leads")
        case "not_absent":
            return _("Had they not been out of office")
        case "on_shift":
            return _("Had they been on shift")
        case "later":
            return _("Had it come %(span)s later") % {"span": in_words(timedelta(seconds=number))}
        case "fewer_open":
            return ngettext("With %(n)s open lead fewer", "With %(n)s open leads fewer", number) % {
                "n": number
            }
        case "more_capacity":
            return _("With a capacity higher by %(n)s") % {"n": number}
        case "without_limit":
            return _("Without their limit on %(what)s") % {"what": _limit(change, situation)}
        case "skill":
            skill = names.skills.get(str(change.name), change.name)
            return _("With %(skill)s at level %(level)s") % {"skill": skill, "level": number}
        case "seniority":
            label = Rep.Seniority(number).label
            return _("With the seniority %(label)s") % {"label": label}
        case "active":
            return _("Had they still been here")
        case "member":
            pool = names.pools.get(change.pool or 0, _("the pool"))
            return _("As a member of %(pool)s") % {"pool": pool}
        case "weight":
            pool = names.pools.get(change.pool or 0, _("the pool"))
            return _("With %(n)s times the weight in %(pool)s") % {"n": number, "pool": pool}
        case "without_winner":
            return _("Had whoever got it been away")
        case "fact":
            return _fact(change, names)
    raise ValueError(change.kind)


def _limit(change: Change, situation: Situation) -> str:
    limit = situation.roster.reps[change.rep].limits[change.amount or 0]
    return {
        "points": _("the points of open leads"),
        "value": _("the value of open leads"),
        "flow": _("new leads in a period"),
        "tier_share": _("the share of a tier"),
    }[limit.kind]


def _fact(change: Change, names: Names) -> str:
    fact = facts.BY_NAME.get(str(change.name))
    label = fact.label if fact else change.name
    if change.value is None:
        return _("Had the lead's %(fact)s not been known") % {"fact": label}
    return _("Had the lead's %(fact)s been %(value)s") % {
        "fact": label,
        "value": _value(str(change.name), change.value, names),
    }


def _value(name: str, value: Any, names: Names) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return str(names.of_fact(name).get(value, value))
