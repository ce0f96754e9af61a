"""
The registry of what can be known about a lead beyond what its person said (requirement ENR-3).

Adding one is a `Field(…)` line here, and a fact of the same name if rules shall ask for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import domains
from accounts.geography import country_code
from routing.enrich.mapping import Kind
from routing.enrich.titles import AUTHORITIES, DEPARTMENTS, SENIORITIES
from routing.privacy.marks import Marks, masked
from routing.qualify import languages

LONGEST_NUMBER: Final = 10**12


@dataclass(frozen=True, slots=True)
class Field:
    """
    One thing to know. `outside`: others may tell it; the rest only our own tables do. `core`: the
    report counts how complete it is.
    """

    name: str
    kind: Kind
    label: str | Promise
    group: str
    choices: tuple[str, ...] = ()
    outside: bool = True
    core: bool = False


GROUPS: Final[Mapping[str, str | Promise]] = {
    "company": _("Company"),
    "technology": _("Technology"),
    "contact": _("Person"),
    "parent": _("Parent company"),
    "intent": _("Intent"),
    "place": _("Place"),
}

ALL: Final = (
    Field("employees", "number", _("employees"), "company", core=True),
    Field("revenue", "number", _("yearly revenue"), "company", core=True),
    Field("industry", "text", _("industry"), "company", core=True),
    Field("funding_stage", "text", _("funding stage"), "company"),
    Field("technologies", "list", _("technologies"), "technology"),
    Field("title", "text", _("job title"), "contact"),
    Field("seniority", "text", _("seniority"), "contact", SENIORITIES, core=True),
    Field("department", "text", _("department"), "contact", DEPARTMENTS, core=True),
    Field("authority", "text", _("authority"), "contact", AUTHORITIES),
    Field("language", "text", _("language"), "contact"),
    Field(
        "mail_class",
        "text",
        _("kind of e-mail"),
        "contact",
        ("work", "free", "disposable"),
        outside=False,
    ),
    Field("role_address", "boolean", _("shared mailbox"), "contact", outside=False),
    Field("parent_company", "text", _("parent company"), "parent"),
    Field("parent_domain", "text", _("parent's web domain"), "parent"),
    Field("topics", "list", _("topics of interest"), "intent"),
    Field("country", "text", _("country"), "place", core=True),
    Field("region", "text", _("state or region"), "place", core=True),
    Field("city", "text", _("city"), "place"),
    Field("time_zone", "text", _("time zone"), "place"),
    Field("nearest_km", "number", _("distance to the nearest rep"), "place", outside=False),
)
BY_NAME: Final[Mapping[str, Field]] = {field.name: field for field in ALL}
# What a provider outside may tell, with its kind.
OUTSIDE: Final[Mapping[str, Kind]] = {field.name: field.kind for field in ALL if field.outside}
CORE: Final = tuple(field for field in ALL if field.core)


def clean(field: str, value: Any, *, whose: Marks | None = None) -> Any:
    """
    Return a value as facts want it; None if it is none of this field.

    Addresses, numbers and the person's name in it are masked, since some facts stay on record
    when the person is erased.
    """
    known = BY_NAME[field]
    if known.kind == "number":
        return value if 0 <= value <= LONGEST_NUMBER else None
    if known.kind == "boolean":
        return value
    if known.kind == "list":
        return [masked(text, whose) for text in value]
    text = masked(str(value), whose)
    if field == "country":
        return country_code(text)
    if field == "language":
        return languages.named(text)
    if field == "parent_domain":
        return domains.registrable(text)
    if known.choices:
        plain = text.casefold().replace(" ", "_").replace("-", "_")
        return plain if plain in known.choices else None
    if field in ("industry", "funding_stage"):
        return text[:80]
    return text
