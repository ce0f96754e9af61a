"""Territories in words: what they take, and why one comes before another."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import conditions
from accounts.areas import Contender, decided_by
from accounts.models import Territory

CRITERIA = {
    "country": gettext_lazy("country"),
    "region": gettext_lazy("state or region"),
    "postal_code": gettext_lazy("postal code"),
    "industry": gettext_lazy("industry"),
    "employees": gettext_lazy("number of employees"),
    "condition": gettext_lazy("a further condition"),
}
GEOGRAPHY: Mapping[str, object] = {
    "none": gettext_lazy("no place"),
    "country": gettext_lazy("country"),
    "region": gettext_lazy("state or region"),
    "postal_code": gettext_lazy("postal code"),
}
# The order of precedence as people read it; the same as in `accounts.areas`.
ORDER = (
    gettext_lazy("More criteria come first."),
    gettext_lazy("Then the narrower place: postal code, then state or region, then country."),
    gettext_lazy("Then the deeper one in the tree."),
    gettext_lazy("Then the lower rank."),
)


def takes(row: Territory) -> list[str]:
    """What a territory asks for itself."""
    found = [
        ", ".join(row.countries),
        ", ".join(row.regions),
        _("postal code %(list)s…") % {"list": "…, ".join(row.postal_prefixes)}
        if row.postal_prefixes
        else "",
        _("postal codes %(list)s")
        % {"list": ", ".join(_("%s to %s") % (low, high) for low, high in row.postal_ranges)}
        if row.postal_ranges
        else "",
        ", ".join(row.industries),
        _employees(row.employees_min, row.employees_max),
        *_asks(row),
    ]
    return [text for text in found if text]


def _employees(low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return _("%(low)s to %(high)s employees") % {"low": low, "high": high}
    if low is not None:
        return _("from %(low)s employees") % {"low": low}
    return _("up to %(high)s employees") % {"high": high} if high is not None else ""


def _asks(row: Territory) -> list[str]:
    try:
        return [question.words() for question in conditions.read(row.conditions)]
    except conditions.Unreadable as error:
        return [_("a condition that cannot be read (%(why)s)") % {"why": error}]


def criteria(one: Contender) -> str:
    """By what a contender covers a place."""
    names = [str(CRITERIA[name]) for name in one.criteria]
    return ", ".join(names) or _("it takes everything")


def because(winner: Contender, other: Contender) -> str:
    """Why one contender comes before another, with what each has."""
    step = decided_by(winner, other)
    if step == "criteria":
        return _("more criteria: %(a)s against %(b)s") % {
            "a": len(winner.criteria),
            "b": len(other.criteria),
        }
    if step == "geography":
        return _("the narrower place: %(a)s before %(b)s") % {
            "a": GEOGRAPHY[winner.geography],
            "b": GEOGRAPHY[other.geography],
        }
    if step == "postal":
        return _("the longer beginning of the postal code: %(a)s characters against %(b)s") % {
            "a": winner.postal_width,
            "b": other.postal_width,
        }
    if step == "depth":
        return _("deeper in the tree")
    if step == "rank":
        return _("the lower rank: %(a)s before %(b)s") % {"a": winner.rank, "b": other.rank}
    return _("nothing but its age: both are equally specific, so set a rank")
