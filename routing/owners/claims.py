"""
Read who has a claim to a lead or an account, in the order of the live rules.

The order is not written down a second time: it is the live version of the rules, asked which
of them fit, whom their targets mean, and who stands in, by the same code that routes. What is
left out is what changes by the hour: caps, limits and working hours say when somebody can take
a lead, not whose it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account, AccountOwner, Opportunity, Territory
from reps.models import Rep
from routing.dispatch import gather, snapshot
from routing.engine import Roster
from routing.engine.targets import TARGETS
from routing.engine.types import Target
from routing.models import Lead, Organisation, Pool, Prospect, Queue, Source
from routing.owners import order
from routing.owners.order import Answer, Claim

IDENTITY = "identity"
# The owner order as it comes out of the box; a version of the rules may have another.
STANDARD = ("opportunity_owner", "account_owner", "parent_account_owner", "territory_owner")
LABELS: Mapping[str, Any] = {
    IDENTITY: gettext_lazy("Same person"),
    "opportunity_owner": gettext_lazy("Open opportunity"),
    "account_owner": gettext_lazy("Named account"),
    "parent_account_owner": gettext_lazy("Parent account"),
    "territory_owner": gettext_lazy("Territory"),
    "territory_pool": gettext_lazy("Territory's pool"),
    "pool": gettext_lazy("Pool"),
    "rep": gettext_lazy("Named in the rule"),
    "agent": gettext_lazy("AI agents"),
    "queue": gettext_lazy("Queue"),
    "nurture": gettext_lazy("Nurture"),
    "fast_follow": gettext_lazy("Fast follow-up"),
}
BECAME: Mapping[str, Any] = {
    "decides": gettext_lazy("decides"),
    "passed": gettext_lazy("nobody to take it"),
    "later": gettext_lazy("not needed"),
    "not_asked": gettext_lazy("no rule asks for it"),
}
WHY_MISSING: Mapping[str, Any] = {
    order.LEFT: gettext_lazy("has left"),
    order.AWAY: gettext_lazy("is away"),
    order.GAVE_BACK: gettext_lazy("gave it back"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One claim in words: on what it rests, where that is written, and what became of it."""

    kind: str
    label: str
    rule: str
    who: str
    source: str
    became: str
    says: str
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """Who should own it, in words, with every claim in order."""

    answer: Answer
    rows: tuple[Row, ...]
    rep: Rep | None
    headline: str

    def as_json(self) -> dict[str, Any]:
        """Return what is kept of it with a dispute: ids, kinds and words about colleagues."""
        by = self.answer.by
        return {
            "rep": self.answer.rep,
            "pool": self.answer.pool,
            "by": by.kind if by else None,
            "headline": self.headline,
            "steps": [
                {"kind": row.kind, "who": row.who, "became": row.became, "log": list(row.log)}
                for row in self.rows
            ],
        }


def of_lead(lead: Lead, *, at: datetime) -> Told:
    """
    Return who should own a lead, read with prospect, source and account (and its parent).

    A number of statements that depends neither on rules nor on reps.
    """
    claims = [_same_person(lead)] if lead.pk else []
    return _told(lead, claims, at=at)


def of_account(account: Account, *, at: datetime) -> Told:
    """Return to whom the live rules would give a new lead of this company, of which no more
    is known than its account says."""
    # The number 0 is nobody's: whatever is asked about it finds nothing.
    imagined = Lead(
        pk=0,
        account=account,
        prospect=Prospect(
            pk=0, company=account.name, country=account.country, region=account.region
        ),
        source=Source(pk=0),
        employees=account.employees,
        industry=account.industry,
        received_at=at,
        # Known companies are what the score's threshold lets pass.
        is_hand_raise=True,
        place=Lead.Place.QUEUE,
    )
    return _told(imagined, [], at=at)


def _told(lead: Lead, first: Sequence[Claim], *, at: datetime) -> Told:
    organisation = Organisation.get()
    shot = snapshot.current(at=at)
    facts = gather.facts_of([lead], areas=shot.areas, organisation=organisation, at=at)[lead.pk]
    claims = [claim for claim in first if claim.reps]
    claims += _by_rules(facts, shot.roster, organisation, at=at)
    not_asked = _not_asked(claims, facts, shot.roster)
    missing = _missing({*_reps(claims), *_reps(not_asked)}, shot.roster, facts, at=at)
    found = order.answer(claims, missing, not_asked=not_asked)
    words = _Words.read(lead, found, facts, at=at)
    return Told(
        answer=found,
        rows=tuple(words.row(step) for step in found.steps),
        rep=words.reps.get(found.rep) if found.rep else None,
        headline=words.headline(found),
    )


def _same_person(lead: Lead) -> Claim:
    """Whoever holds another open lead of the person: intake joins what it can recognise."""
    other = (
        Lead.objects.filter(prospect=lead.prospect_id, place=Lead.Place.OWNER, mode=lead.mode)
        .exclude(pk=lead.pk)
        .order_by("pk")
        .values_list("owner_id", flat=True)
        .first()
    )
    return Claim(IDENTITY, (other,) if other else ())


def _by_rules(
    facts: Mapping[str, Any], roster: Roster, organisation: Organisation, *, at: datetime
) -> list[Claim]:
    """The rules that fit, in the order of trying, up to the first that takes everything."""
    if organisation.live_ruleset_id is None:
        return [
            _claim(kind, TARGETS[kind].resolve(Target(kind), facts, roster), None)
            for kind in STANDARD
        ]
    found: list[Claim] = []
    rules = snapshot.live_rules(organisation.live_ruleset_id)
    for compiled in rules.matching(facts, int(at.timestamp())):
        way, _branch = compiled.way_of(facts)
        target = way.path.target
        claim = _claim(
            target.kind,
            way.target.resolve(target, facts, roster),
            target.id,
            ends=way.target.ends or "",
            waits=way.path.on_empty == "wait",
            rule=compiled.rule.id,
            name=compiled.rule.name,
        )
        found.append(claim)
        if claim.ends:
            break
    return found


def _claim(kind: str, resolved: Any, target: int | None, **more: Any) -> Claim:
    reps = tuple(member.rep for member in resolved.members)
    ends = more.get("ends", "")
    return Claim(kind, reps, resolved.pool, queue=target if ends else None, **more)


def _not_asked(claims: Sequence[Claim], facts: Mapping[str, Any], roster: Roster) -> list[Claim]:
    """Owners whom the facts know and no rule that fits asks for."""
    asked = {claim.kind for claim in claims}
    resolved = [
        _claim(kind, TARGETS[kind].resolve(Target(kind), facts, roster), None)
        for kind in STANDARD
        if kind not in asked
    ]
    return [claim for claim in resolved if claim.reps]


def _reps(claims: Sequence[Claim]) -> set[int]:
    return {rep for claim in claims for rep in claim.reps}


def _missing(
    reps: set[int], roster: Roster, facts: Mapping[str, Any], *, at: datetime
) -> dict[int, str]:
    now, given_back = int(at.timestamp()), set(facts.get("handed_back", ()))
    missing = {}
    for pk in reps:
        spec = roster.reps.get(pk)
        if spec is None or not spec.active:
            missing[pk] = order.LEFT
        elif pk in given_back:
            missing[pk] = order.GAVE_BACK
        elif any(start <= now < end for start, end in spec.absences):
            missing[pk] = order.AWAY
    return missing


# --- In words ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Words:
    """The names behind the ids of an answer, read at once."""

    reps: Mapping[int, Rep]
    pools: Mapping[int, str]
    queues: Mapping[int, str]
    sources: Mapping[str, str]

    @classmethod
    def read(cls, lead: Lead, found: Answer, facts: Mapping[str, Any], *, at: datetime) -> "_Words":
        claims = [step.claim for step in found.steps]
        # Of a pool only the name is told.
        reps = {rep for claim in claims if claim.pool is None for rep in claim.reps}
        rows = Rep.objects.select_related("user", "team")
        pools = {claim.pool for claim in claims if claim.pool}
        queues = {claim.queue for claim in claims if claim.queue}
        return cls(
            reps={rep.pk: rep for rep in rows.filter(pk__in=reps)},
            pools=dict(Pool.objects.filter(pk__in=pools).values_list("pk", "name")),
            queues=dict(Queue.objects.filter(pk__in=queues).values_list("pk", "name")),
            sources=_sources(lead, facts, at=at),
        )

    def row(self, step: order.Step) -> Row:
        claim = step.claim
        return Row(
            kind=claim.kind,
            label=str(LABELS.get(claim.kind, claim.kind)),
            rule=claim.name,
            who=self._who(claim),
            source=self.sources.get(claim.kind, ""),
            became=step.became,
            says=str(BECAME[step.became]),
            log=tuple(
                f"{self._name(rep)} {WHY_MISSING[why]}"
                for rep, why in step.passed
                if claim.pool is None
            ),
        )

    def headline(self, found: Answer) -> str:
        by = found.by
        if by is None:
            return _("Nobody has a claim to it.")
        label = str(LABELS.get(by.kind, by.kind))
        if found.rep is not None and found.stands_in:
            return _("%(rep)s, standing in for %(owner)s (%(why)s)") % {
                "rep": self._name(found.rep),
                "owner": self._name(by.reps[0]),
                "why": label,
            }
        return _("%(who)s (%(why)s)") % {
            "who": self._name(found.rep) if found.rep else self._who(by),
            "why": label,
        }

    def _who(self, claim: Claim) -> str:
        if claim.ends == "queue":
            return self.queues.get(claim.queue or 0, "")
        if claim.ends:
            return _("nobody, it rests")
        if claim.pool is not None:
            return _("%(pool)s, in turn") % {"pool": self.pools.get(claim.pool, "?")}
        return self._name(claim.reps[0]) if claim.reps else _("nobody")

    def _name(self, rep: int) -> str:
        return str(self.reps.get(rep, "?"))


def _sources(lead: Lead, facts: Mapping[str, Any], *, at: datetime) -> dict[str, str]:
    """Where each kind of claim is written down."""
    found: dict[str, str] = {IDENTITY: _("Another open lead of the same person")}
    account = lead.account
    if account is not None:
        deal = (
            Opportunity.objects.filter(account=account, state=Opportunity.State.OPEN)
            .order_by("opened_at", "pk")
            .first()
        )
        if deal is not None:
            found["opportunity_owner"] = _("Deal “%(name)s”, open since %(day)s") % {
                "name": deal.name,
                "day": date_format(deal.opened_at, "j M Y"),
            }
        today = at.date()
        owners = AccountOwner.objects.filter(
            Q(ends_on__isnull=True) | Q(ends_on__gt=today),
            role=AccountOwner.Role.OWNER,
            account__in=[account.pk, account.parent_id or account.pk],
            starts_on__lte=today,
        ).select_related("account")
        for row in owners.order_by("starts_on", "pk"):
            own = row.account_id == account.pk
            found["account_owner" if own else "parent_account_owner"] = _(
                "Holds %(account)s since %(day)s"
            ) % {"account": row.account, "day": date_format(row.starts_on, "j M Y")}
    territory = facts.get("territory")
    if territory is not None:
        name = Territory.objects.filter(pk=territory).values_list("name", flat=True).first()
        found["territory_owner"] = found["territory_pool"] = _(
            "%(name)s, the most specific territory"
        ) % {"name": name or "?"}
    return found
