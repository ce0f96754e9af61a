"""Why a rep did not get a lead, and the smallest single change that would have been enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reps.models import Rep
from routing import engine
from routing.dispatch import replay
from routing.engine import InvalidPart
from routing.engine.change import Change, Search, search
from routing.engine.explain import CHOSEN, ELIGIBLE, NOT_A_CANDIDATE, Explanation
from routing.engine.types import Situation
from routing.models import Decision, Lead
from routing.qualify import facts
from routing.rules.names import Names
from routing.rules.sentences import found_words
from routing.rules.typed import while_words
from routing.templatetags.ui import in_words
from routing.verdicts import Said, detail_words, verdict_words


@dataclass(frozen=True, slots=True)
class WhyNot:
    """
    The answer for one rep: what kept them from the lead, and what would have been enough.

    `change` is None where the rep got it, or no single change of the `tried` would have been
    enough; `enough` says which. `is_complete`: there was no further change to try.
    """

    rep: Rep
    verdict: str
    detail: str
    change: Change | None
    enough: str
    tried: int = 0
    is_complete: bool = True


class CannotTell(LookupError):
    """The decision cannot be run again, or there is none; the message says why."""


def why_not(lead: Lead, rep: Rep, *, me: Rep | None = None) -> WhyNot:
    """
    Answer for the lead's latest decision, by running it again; "you" where the rep is `me`.

    :raises CannotTell: before the first decision, and where its facts were erased or altered
    """
    decision = lead.decisions.select_related("rule").order_by("-pk").first()
    if decision is None:
        raise CannotTell(_("No rule has looked at this lead yet."))
    return of_decision(decision, rep, me=me)


def of_decision(decision: Decision, rep: Rep, *, me: Rep | None = None) -> WhyNot:
    """
    Answer for one decision; "you" where the rep is `me`.

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
    is_me, names = me is not None and me.pk == rep.pk, Names.read()
    found = search(seen.rules, situation, rep.pk)
    verdict, detail = _verdict(told, situation, names, is_me=is_me)
    return WhyNot(
        rep,
        verdict,
        detail,
        found.change,
        _enough(found, told, rep, situation, names, is_me=is_me),
        found.tried,
        found.is_complete,
    )


def _verdict(
    told: Explanation, situation: Situation, names: Names, *, is_me: bool
) -> tuple[str, str]:
    answer = told.answer
    if answer is None or answer.verdict == NOT_A_CANDIDATE:
        whom = (
            _("no rule that was tried means you")
            if is_me
            else _("no rule that was tried means this rep")
        )
        return _("Not a candidate"), whom
    if answer.verdict == CHOSEN:
        return _("Got it"), ""
    if answer.verdict == ELIGIBLE:
        place = answer.place or 0
        return _("Could take it"), _("was number %(n)s in the order") % {"n": place}
    said = Said(answer.verdict, answer.detail, answer.until)
    detail = detail_words(
        said, rep=answer.rep, roster=situation.roster, facts=situation.facts, names=names
    )
    return verdict_words(answer.verdict), detail


def _enough(
    found: Search, told: Explanation, rep: Rep, situation: Situation, names: Names, *, is_me: bool
) -> str:
    if told.winner == rep.pk:
        return ""
    if found.change is None:
        return _none_of_those_tried(found)
    values = {
        "change": in_plain_words(found.change, situation, names=names, is_me=is_me),
        "rep": rep,
    }
    if is_me:
        return _("%(change)s, you would have got it.") % values
    return _("%(change)s, %(rep)s would have got it.") % values


def _none_of_those_tried(found: Search) -> str:
    if not found.is_complete:
        return _(
            "None of the %(n)s nearest single changes would have been enough; farther ones were "
            "not tried."
        ) % {"n": found.tried}
    if not found.tried:
        return _("No single change would have been enough.")
    return ngettext(
        "No single change would have been enough; %(n)s was tried.",
        "No single change would have been enough; %(n)s were tried.",
        found.tried,
    ) % {"n": found.tried}


def in_plain_words(
    change: Change, situation: Situation, *, names: Names | None = None, is_me: bool = False
) -> str:
    """Say what would have been otherwise, as the first half of a sentence."""
    number, names = change.amount or 0, names or Names.read()
    pool = names.pools.get(change.pool or 0, _("the pool"))
    match change.kind:
        case "not_paused":
            return _("Had you not been paused") if is_me else _("Had they not been paused")
        case "not_absent":
            return (
                _("Had you not been out of office")
                if is_me
                else _("Had they not been out of office")
            )
        case "on_shift":
            return _("Had you been on shift") if is_me else _("Had they been on shift")
        case "later":
            return _("Had it come %(span)s later") % {"span": in_words(timedelta(seconds=number))}
        case "fewer_open":
            return ngettext("With %(n)s open lead fewer", "With %(n)s open leads fewer", number) % {
                "n": number
            }
        case "more_capacity":
            return _("With a capacity higher by %(n)s") % {"n": number}
        case "without_limit":
            what = {"what": _limit(change, situation, names)}
            if is_me:
                return _("Without your limit on %(what)s") % what
            return _("Without their limit on %(what)s") % what
        case "skill":
            skill = names.skills.get(str(change.name), change.name)
            return _("With %(skill)s at level %(level)s") % {"skill": skill, "level": number}
        case "seniority":
            label = Rep.Seniority(number).label
            return _("With the seniority %(label)s") % {"label": label}
        case "active":
            return _("Had you still been here") if is_me else _("Had they still been here")
        case "member":
            return _("As a member of %(pool)s") % {"pool": pool}
        case "weight":
            return _("With %(n)s times the weight in %(pool)s") % {"n": number, "pool": pool}
        case "without_winner":
            return _("Had whoever got it been away")
        case "fact":
            return _fact(change, names, is_me=is_me)
    raise ValueError(change.kind)


def _limit(change: Change, situation: Situation, names: Names) -> str:
    limit = situation.roster.reps[change.rep].limits[change.amount or 0]
    what = {
        "points": _("the points of open leads"),
        "value": _("the value of open leads"),
        "flow": _("new leads in a period"),
        "tier_share": _("the share of a tier"),
    }[limit.kind]
    if limit.pool is None:
        return what
    return _("%(what)s in %(pool)s") % {
        "what": what,
        "pool": names.pools.get(limit.pool, _("the pool")),
    }


# --- A fact of the lead ------------------------------------------------------------------

# Facts that say whose something is.
_WHOSE = ("account_owner", "parent_account_owner", "opportunity_owner", "former_owner")


def _fact(change: Change, names: Names, *, is_me: bool) -> str:
    name, value = str(change.name), change.value
    fact = facts.BY_NAME.get(name)
    label = fact.label if fact else name
    if name in _WHOSE and value == change.rep:
        values = {"fact": label}
        if is_me:
            return _("Had you been the lead's %(fact)s") % values
        return _("Had they been the lead's %(fact)s") % values
    if fact is not None and fact.kind == "events":
        return _events(value)
    if fact is not None and fact.kind == "boolean" and isinstance(value, bool):
        return _yes_or_no(name, str(label), value)
    if name == "waited" and isinstance(value, int | float):
        return _("Had it waited %(while)s for routing") % {"while": while_words(int(value))}
    if name == "answers" and value is not None:
        question, _equals, answer = _first(value).partition("=")
        return _("Had the answer to “%(question)s” been %(answer)s") % {
            "question": question,
            "answer": answer or _("empty"),
        }
    if value is None:
        if fact is not None and fact.kind == "list":
            return _("Had the lead had no %(fact)s") % {"fact": label}
        return _("Had the lead's %(fact)s not been known") % {"fact": label}
    return _("Had the lead's %(fact)s been %(value)s") % {
        "fact": label,
        "value": found_words(name, value, names),
    }


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list | tuple) else value)


def _yes_or_no(name: str, label: str, value: bool) -> str:
    special = {
        "hand_raise": (
            _("Had the person asked to be contacted"),
            _("Had the person not asked to be contacted"),
        ),
        "prequalified": (
            _("Had its source been pre-qualified"),
            _("Had its source not been pre-qualified"),
        ),
        "has_account": (
            _("Had the company been a known account"),
            _("Had the company not been a known account"),
        ),
        "has_parent": (
            _("Had the company had a parent company"),
            _("Had the company had no parent company"),
        ),
    }
    yes, no = special.get(
        name,
        (
            _("Had “%(fact)s” been yes") % {"fact": label},
            _("Had “%(fact)s” been no") % {"fact": label},
        ),
    )
    return yes if value else no


def _events(value: Sequence[Sequence[Any]] | None) -> str:
    """Events as a change names them: one event, so many times, just now."""
    if not value:
        return _("Without the events of the person")
    times = len(value)
    return ngettext(
        "Had the person's one event been %(name)s, just now",
        "Had the person's events been %(n)s times %(name)s, just now",
        times,
    ) % {"n": times, "name": value[0][0]}
