"""
The registry of facts: everything that rules, scores and policies may ask about a lead.

A fact is one `Fact(…)` line here. Personal facts are kept apart from decisions, so that
they can be erased. `VERSION` rises when the meaning of a fact changes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from django.utils.translation import gettext_lazy as _

from accounts import domains, places
from reps.models import Skill
from routing.engine import FactKind
from routing.enrich import titles
from routing.models import Organisation
from routing.qualify import daytime, languages
from routing.qualify import segments as bands

VERSION = 3


@dataclass(frozen=True, slots=True)
class Terms:
    """
    How the organisation puts things: its segments, the slugs of its languages, its points of
    load by state.
    """

    segments: Sequence[bands.Band] = ()
    languages: Mapping[str, str] = field(default_factory=dict)
    points: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, organisation: Organisation) -> "Terms":
        """Read the organisation's terms: one statement."""
        skills = Skill.objects.filter(category=Skill.Category.LANGUAGE).order_by("pk")
        try:
            found = bands.parse(organisation.segments)
        except bands.BandError:
            # Nobody is turned away over a setting; such a lead has no segment.
            found = ()
        return cls(
            found, languages.slugs(skills.values_list("slug", "name")), points_of(organisation)
        )


def points_of(organisation: Organisation) -> dict[str, int]:
    """The points of load by state of a lead, without what is no whole number."""
    given = organisation.stage_points
    rows = given.items() if isinstance(given, dict) else ()
    return {state: points for state, points in rows if type(points) is int and points >= 0}


@dataclass(frozen=True, slots=True)
class Known:
    """
    What was read about one lead; `links` holds ids that only routing uses, `enriched` the values
    that count of what was added to it (`routing.enrich.waterfall`).
    """

    lead: Any
    prospect: Any
    account: Any = None
    touches: int = 0
    answers: Mapping[str, Any] = field(default_factory=dict)
    links: Mapping[str, Any] = field(default_factory=dict)
    terms: Terms = field(default_factory=Terms)
    at: datetime | None = None
    enriched: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing rules may ask: its name in conditions, its type, and how it is read."""

    name: str
    kind: FactKind
    label: str
    read: Callable[[Known], Any]
    group: str = "lead"
    personal: bool = False
    # Only known when a lead is routed, so scores cannot use it.
    routing_only: bool = False
    # What only the engine asks; people are not offered it in conditions.
    offered: bool = True
    # Of a number: "seconds" is written and read as a duration.
    unit: Literal["", "seconds"] = ""
    choices: tuple[str, ...] = ()


def _of_lead(name: str) -> Callable[[Known], Any]:
    return lambda known: getattr(known.lead, name)


def _of_prospect(name: str) -> Callable[[Known], Any]:
    return lambda known: getattr(known.prospect, name)


def _of_account(name: str) -> Callable[[Known], Any]:
    return lambda known: getattr(known.account, name) if known.account else None


def _of_parent(name: str) -> Callable[[Known], Any]:
    def read(known: Known) -> Any:
        parent = known.account.parent if known.account else None
        return getattr(parent, name) if parent else None

    return read


def _link(name: str) -> Callable[[Known], Any]:
    return lambda known: known.links.get(name)


def _first(*readers: Callable[[Known], Any]) -> Callable[[Known], Any]:
    """The first answer that is there: what the account record says before the prospect."""

    def read(known: Known) -> Any:
        for reader in readers:
            value = reader(known)
            if value not in (None, ""):
                return value
        return None

    return read


def _enriched(name: str) -> Callable[[Known], Any]:
    return lambda known: known.enriched[name].value if name in known.enriched else None


def _told(name: str, *readers: Callable[[Known], Any]) -> Callable[[Known], Any]:
    """
    What the person or the account record says, else what was added; unless that goes before them
    (somebody corrected it, or its provider may overwrite this field).
    """
    usual = _first(*readers, _enriched(name))

    def read(known: Known) -> Any:
        added = known.enriched.get(name)
        return added.value if added is not None and added.over else usual(known)

    return read


def _number(reader: Callable[[Known], Any]) -> Callable[[Known], Any]:
    def read(known: Known) -> Any:
        value = reader(known)
        return None if value is None else float(value)

    return read


def _now(known: Known) -> int | None:
    return None if known.at is None else int(known.at.timestamp())


_employees = _told("employees", _of_account("employees"), _of_lead("employees"))
_country = _told("country", _of_prospect("country"), _of_account("country"))
_region = _told("region", _of_prospect("region"), _of_account("region"))
_postal_code = _first(_of_prospect("postal_code"), _of_account("postal_code"))
# The questions of a form that say which language somebody wants.
LANGUAGE_QUESTIONS = ("language", "preferred_language")
# Below this an added language is a guess from the country, which is asked anyway.
SURE = 50


def _language(known: Known) -> str | None:
    """
    What the person said, else what they write or somebody knows, else the main language of where
    they are; as the skill's slug.
    """
    said = (known.answers.get(question) for question in LANGUAGE_QUESTIONS)
    named = (languages.named(text) for text in said if isinstance(text, str))
    added = known.enriched.get("language")
    language = next(filter(None, named), None)
    if added is not None and (added.over or (language is None and added.confidence >= SURE)):
        language = added.value
    if language is None:
        language = languages.of_country(_country(known) or "", _region(known) or "")
    return None if language is None else known.terms.languages.get(language, language)


def _location(known: Known) -> list[float] | None:
    return _point(_country(known), _postal_code(known))


def _parent_location(known: Known) -> list[float] | None:
    parent = known.account.parent if known.account else None
    return _point(parent.country, parent.postal_code) if parent else None


def _point(country: str | None, postal_code: str | None) -> list[float] | None:
    found = places.locate(country or "", postal_code or "")
    return None if found is None else list(found)


def _daytime(known: Known) -> list[list[int]]:
    where = (_country(known) or "", _postal_code(known) or "", _region(known) or "")
    zone = places.zone_of(*where) if known.at else None
    if zone is None or known.at is None:
        return []
    return daytime.ahead(zone, int(known.at.timestamp()))


OWNER_GROUP, ENGINE_GROUP = "owner", "engine"

ALL: tuple[Fact, ...] = (
    Fact("source", "text", _("source"), lambda k: k.lead.source.slug),
    Fact("channel", "text", _("channel"), _of_lead("channel")),
    Fact("motion", "text", _("motion"), _of_lead("motion"), choices=("INBOUND", "OUTBOUND")),
    Fact("campaign", "text", _("campaign"), _of_lead("campaign")),
    Fact("product_interest", "text", _("product interest"), _of_lead("product_interest")),
    Fact("budget_range", "text", _("budget"), _of_lead("budget_range")),
    Fact("timeline", "text", _("timeline"), _of_lead("timeline")),
    Fact("expected_value", "number", _("expected value"), _number(_of_lead("expected_value"))),
    Fact("score", "number", _("score"), _of_lead("score"), routing_only=True),
    Fact(
        "tier",
        "text",
        _("tier"),
        _of_lead("tier"),
        routing_only=True,
        choices=("HOT", "WARM", "COLD"),
    ),
    Fact("fit", "number", _("fit"), _of_lead("fit"), routing_only=True),
    Fact("engagement", "number", _("engagement"), _of_lead("engagement"), routing_only=True),
    Fact(
        "profiles",
        "list",
        _("ideal customer profiles"),
        lambda k: [name.casefold() for name in k.lead.profiles],
        routing_only=True,
    ),
    Fact("events", "events", _("intent events"), _link("events"), personal=True),
    Fact("hand_raise", "boolean", _("asked to be contacted"), _of_lead("is_hand_raise")),
    Fact("prequalified", "boolean", _("pre-qualified"), lambda k: k.lead.source.is_prequalified),
    Fact("touches", "number", _("number of touches"), lambda k: k.touches),
    Fact(
        "answers",
        "list",
        _("the form's own answers"),
        lambda k: answer_list(k.answers),
        personal=True,
    ),
    Fact(
        "segment",
        "text",
        _("segment"),
        lambda k: bands.of(_employees(k), k.terms.segments),
        "company",
    ),
    # the moment, and the wait
    Fact("now", "time", _("the time"), _now, "time", routing_only=True),
    Fact(
        "waited",
        "number",
        _("time waited for routing"),
        _link("waited"),
        "time",
        routing_only=True,
        unit="seconds",
    ),
    # the company
    Fact("account", "id", _("account"), _of_lead("account_id"), "company"),
    Fact("has_account", "boolean", _("matches an account"), lambda k: bool(k.account), "company"),
    Fact(
        "employees",
        "number",
        _("employees"),
        _employees,
        "company",
    ),
    Fact(
        "industry",
        "text",
        _("industry"),
        _told("industry", _of_account("industry"), _of_lead("industry")),
        "company",
    ),
    Fact(
        "revenue",
        "number",
        _("yearly revenue"),
        _number(_told("revenue", _of_account("revenue"))),
        "company",
    ),
    Fact("funding_stage", "text", _("funding stage"), _enriched("funding_stage"), "company"),
    # What others wrote may name somebody, so it goes when the person is erased.
    Fact(
        "technologies",
        "list",
        _("technologies in use"),
        _enriched("technologies"),
        "company",
        personal=True,
    ),
    Fact("topics", "list", _("topics of interest"), _enriched("topics"), "company", personal=True),
    Fact("account_domain", "text", _("account's web domain"), _of_account("domain"), "company"),
    Fact(
        "country",
        "text",
        _("country"),
        _country,
        "company",
    ),
    Fact(
        "region",
        "text",
        _("state or region"),
        _region,
        "company",
    ),
    # the company it belongs to
    Fact(
        "has_parent",
        "boolean",
        _("has a parent company"),
        lambda k: bool(k.account and k.account.parent_id),
        "parent",
    ),
    Fact("parent_account", "id", _("parent account"), _of_account("parent_id"), "parent"),
    Fact("parent_industry", "text", _("parent's industry"), _of_parent("industry"), "parent"),
    Fact("parent_employees", "number", _("parent's employees"), _of_parent("employees"), "parent"),
    Fact(
        "parent_revenue",
        "number",
        _("parent's yearly revenue"),
        _number(_of_parent("revenue")),
        "parent",
    ),
    Fact("parent_country", "text", _("parent's country"), _of_parent("country"), "parent"),
    Fact("parent_region", "text", _("parent's state or region"), _of_parent("region"), "parent"),
    Fact(
        "parent_postal_code",
        "text",
        _("parent's postal code"),
        _of_parent("postal_code"),
        "parent",
    ),
    Fact(
        "parent_domain",
        "text",
        _("parent's web domain"),
        _told("parent_domain", _of_parent("domain")),
        "parent",
    ),
    Fact(
        "parent_company",
        "text",
        _("parent company"),
        _told("parent_company", _of_parent("name")),
        "parent",
        personal=True,
    ),
    Fact("parent_location", "point", _("parent's place"), _parent_location, "parent"),
    # the person
    Fact("language", "text", _("language"), _language, "person"),
    Fact("location", "point", _("place"), _location, "person", personal=True),
    Fact(
        "postal_code",
        "text",
        _("postal code"),
        _postal_code,
        "person",
        personal=True,
    ),
    Fact(
        "title",
        "text",
        _("job title"),
        _told("title", _of_prospect("title")),
        "person",
        personal=True,
    ),
    Fact(
        "seniority",
        "text",
        _("seniority"),
        _enriched("seniority"),
        "person",
        personal=True,
        choices=titles.SENIORITIES,
    ),
    Fact(
        "department",
        "text",
        _("department"),
        _enriched("department"),
        "person",
        personal=True,
        choices=titles.DEPARTMENTS,
    ),
    Fact(
        "authority",
        "text",
        _("part in the decision to buy"),
        _enriched("authority"),
        "person",
        personal=True,
        choices=titles.AUTHORITIES,
    ),
    Fact("city", "text", _("city"), _told("city", _of_prospect("city")), "person", personal=True),
    Fact("time_zone", "text", _("time zone"), _enriched("time_zone"), "person"),
    Fact(
        "nearest_km",
        "number",
        _("km to the nearest rep"),
        _enriched("nearest_km"),
        "person",
        personal=True,
    ),
    Fact(
        "email_domain",
        "text",
        _("e-mail domain"),
        lambda k: k.prospect.email.rpartition("@")[2] or None,
        "person",
        personal=True,
    ),
    Fact(
        "email_class",
        "text",
        _("kind of e-mail"),
        lambda k: domains.mail_class(k.prospect.email) if k.prospect.email else None,
        "person",
        choices=("work", "free", "disposable"),
    ),
    Fact("role_address", "boolean", _("shared mailbox"), _enriched("role_address"), "person"),
    # whose it is: read when the lead is routed
    Fact("account_owner", "id", _("named-account owner"), _link("account_owner"), "owner"),
    Fact(
        "parent_account_owner",
        "id",
        _("parent account's owner"),
        _link("parent_account_owner"),
        "owner",
    ),
    Fact(
        "opportunity_owner",
        "id",
        _("open opportunity's owner"),
        _link("opportunity_owner"),
        "owner",
    ),
    Fact("account_ae", "id", _("account's AE"), _link("account_ae"), "owner"),
    Fact("account_sdr", "id", _("account's SDR"), _link("account_sdr"), "owner"),
    Fact("account_backup", "id", _("account's backup"), _link("account_backup"), "owner"),
    Fact(
        "account_cover",
        "id",
        _("who covers the account for now"),
        _link("account_cover"),
        "owner",
    ),
    Fact(
        "parent_account_backup",
        "id",
        _("parent account's backup"),
        _link("parent_account_backup"),
        "owner",
    ),
    Fact(
        "parent_account_cover",
        "id",
        _("who covers the parent account for now"),
        _link("parent_account_cover"),
        "owner",
    ),
    Fact(
        "territory_cover",
        "id",
        _("who covers the territory for now"),
        _link("territory_cover"),
        "owner",
    ),
    Fact("former_owner", "id", _("former owner"), _link("former_owner"), "owner"),
    Fact("territory", "id", _("territory"), _link("territory"), "owner"),
    Fact("account_team", "list", _("account team"), _link("account_team"), "owner"),
    Fact("handed_back", "list", _("reps who held it before"), _link("handed_back"), "owner"),
    # what only the engine asks
    Fact("lead", "id", _("lead"), _of_lead("pk"), ENGINE_GROUP, routing_only=True, offered=False),
    Fact(
        "points",
        "number",
        _("points of load"),
        lambda k: k.terms.points.get(k.lead.state),
        ENGINE_GROUP,
        routing_only=True,
        offered=False,
    ),
    Fact(
        "answer_by",
        "time",
        _("promised by"),
        _link("answer_by"),
        ENGINE_GROUP,
        routing_only=True,
        offered=False,
    ),
    Fact(
        "daytime",
        "list",
        _("daytime of the person"),
        _daytime,
        ENGINE_GROUP,
        routing_only=True,
        offered=False,
    ),
    Fact(
        "propensity",
        "list",
        _("likelihood by rep"),
        _link("propensity"),
        ENGINE_GROUP,
        routing_only=True,
        offered=False,
    ),
)
BY_NAME: Mapping[str, Fact] = {fact.name: fact for fact in ALL}

# What conditions of rules may ask, and what scores may: no score of a score, no owners.
KINDS: Mapping[str, FactKind] = {fact.name: fact.kind for fact in ALL}
SCORE_KINDS: Mapping[str, FactKind] = {
    fact.name: fact.kind for fact in ALL if not fact.routing_only and fact.group != OWNER_GROUP
}
# What the definitions of MQL and SQL may: what scores may, and the score itself.
FUNNEL_KINDS: Mapping[str, FactKind] = {
    **SCORE_KINDS,
    **{name: BY_NAME[name].kind for name in ("score", "tier", "fit", "engagement", "profiles")},
}
OFFERED: tuple[Fact, ...] = tuple(fact for fact in ALL if fact.offered)


def answer_list(answers: Mapping[str, Any]) -> list[str]:
    """The form's own answers as `question=answer`, the form in which rules ask for them."""
    return sorted(f"{name}={value}".casefold() for name, value in answers.items())


def read(known: Known) -> dict[str, Any]:
    """Return every fact that is known; what is missing is left out."""
    found = {}
    for fact in ALL:
        value = fact.read(known)
        if value is not None and value != "" and value != []:
            found[fact.name] = value
    return found


def split(facts: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part facts into those a decision keeps and the personal ones that lie apart."""
    kept, personal = {}, {}
    for name, value in facts.items():
        (personal if BY_NAME[name].personal else kept)[name] = value
    return kept, personal
