"""Forms of an offboarding: who leaves and when, and how each kind and row goes."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from reps import access
from reps.models import Rep, User
from routing.models import Offboarding, OffboardingItem, Pool
from routing.models.offboarding import Way
from routing.offboarding import registry
from routing.offboarding.plan import Choice
from routing.offboarding.registry import USER


def may_leave(user: User) -> QuerySet[Rep]:
    """The reps whose leaving a person may plan: those whom they manage, never themselves."""
    reps = Rep.objects.select_related("user", "team").exclude(user=user)
    if access.is_revops(user):
        return reps
    return reps.filter(team__in=access.teams_of(user))


def plans_of(user: User) -> QuerySet[Offboarding]:
    """The plans that a person may see."""
    rows = Offboarding.objects.select_related("rep__user", "rep__team", "successor__user")
    rows = rows.order_by("-planned_at", "-pk")
    return rows if access.is_revops(user) else rows.filter(rep__in=may_leave(user).values("pk"))


class OffboardForm(forms.Form):
    """Who leaves, why, from when on, and who succeeds by default."""

    rep = forms.ModelChoiceField(Rep.objects.none(), label=_("Who leaves"))
    successor = forms.ModelChoiceField(
        Rep.objects.none(),
        required=False,
        label=_("Successor"),
        empty_label=_("several: backups, territories, pools"),
        help_text=_("Gets what is not given to somebody else below."),
    )
    reason = forms.CharField(
        max_length=200, label=_("Reason"), help_text=_("e.g. leaves the company in June")
    )
    effective_at = forms.DateTimeField(
        required=False,
        label=_("Takes effect"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("In your time zone. Empty: when you start it."),
    )
    closes_account = forms.BooleanField(
        required=False, initial=True, label=_("Close their sign-in when they have left")
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Who has left already may be cleared up after.
        self.fields["rep"].queryset = may_leave(by)
        active = Rep.objects.filter(is_active=True).select_related("user")
        self.fields["successor"].queryset = active


class WhenForm(forms.Form):
    """From when on the plan takes effect by itself."""

    effective_at = OffboardForm.base_fields["effective_at"]


# --- The plan as fields of a form --------------------------------------------------------


def chosen(data: QueryDict, row: Offboarding) -> tuple[dict[str, Choice], dict[int, Any]]:
    """
    Read the plan's selects: per kind `how-KIND` and `to-KIND`; per row `row-ID`.

    A row says "" (as its kind), a way without a taker, or an id. Unknown words count as "".
    """
    kinds: dict[str, Choice] = {}
    for kind in registry.kinds():
        how = data.get(f"how-{kind.name}")
        if how not in (*kind.ways, Way.KEEP):
            continue
        to = number(data.get(f"to-{kind.name}"))
        pool = number(data.get(f"pool-{kind.name}"))
        key = "user" if kind.takes == USER else "rep"
        kinds[kind.name] = Choice(how, pool=pool, **{key: to})
    items: dict[int, Any] = {}
    numbers = [int(name[4:]) for name in data if name.startswith("row-") and number(name[4:])]
    for item in row.items.filter(pk__in=numbers[:2000]):
        said = data[f"row-{item.pk}"]
        if said == _value(item):
            # Not touched: it follows its kind, which may have been changed with it.
            continue
        kind = registry.get(item.kind)
        if said in (Way.NOBODY, Way.ANEW, Way.KEEP) and said in (*kind.ways, Way.KEEP):
            items[item.pk] = (said, None)
        elif (to := number(said)) is not None:
            items[item.pk] = (item.how if _gives(item) else Way.SUCCESSOR, to)
    return kinds, items


def _value(item: OffboardingItem) -> str:
    """What the row's select says as long as nobody touches it."""
    to = item.to_user_id or item.to_rep_id
    return str(to) if to else ("" if _gives(item) else item.how)


def _gives(item: OffboardingItem) -> bool:
    return item.how not in (Way.NOBODY, Way.ANEW, Way.KEEP)


def number(text: str | None) -> int | None:
    """A whole number of a sane length, or None."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else None


def sections(row: Offboarding, *, most: int) -> list[dict[str, Any]]:
    """The plan by kind, each with its rows (at most so many shown); some ten statements."""
    reps = list(Rep.objects.filter(is_active=True).exclude(pk=row.rep_id).select_related("user"))
    users = list(User.objects.filter(is_active=True).exclude(pk=row.rep.user_id)[:500])
    pools = list(Pool.objects.all())
    items: dict[str, list[OffboardingItem]] = {}
    rows = row.items.select_related("to_rep__user", "to_user").order_by("position", "label", "pk")
    for item in rows:
        items.setdefault(item.kind, []).append(item)
    found = []
    for kind in registry.kinds():
        mine = items.get(kind.name, [])
        if not mine:
            continue
        choice: Mapping[str, Any] = row.defaults.get(kind.name) or {"how": kind.default}
        ways = [(way, label) for way, label in registry.offered(kind)]
        if kind.revops_only and Way.KEEP not in kind.ways:
            ways.append((Way.KEEP, Way.KEEP.label))
        found.append(
            {
                "kind": kind,
                "ways": ways,
                "how": choice["how"],
                "to": choice.get("user") if kind.takes == USER else choice.get("rep"),
                "pool": choice.get("pool"),
                "people": users if kind.takes == USER else reps,
                "pools": pools if Way.POOL in kind.ways else [],
                "rows": [_row(item, kind) for item in mine[:most]],
                "size": len(mine),
                "hidden": max(0, len(mine) - most),
                "alone": [
                    (way, Way(way).label)
                    for way in (Way.ANEW, Way.NOBODY, Way.KEEP)
                    if way in kind.ways
                ],
                "problems": sum(1 for item in mine if item.state in ("EXCEPTION", "LEFT")),
            }
        )
    return found


def _row(item: OffboardingItem, kind: Any) -> dict[str, Any]:
    to = item.to_user if kind.takes == USER else item.to_rep
    return {
        "item": item,
        "to": to,
        "to_label": to.label if isinstance(to, User) else str(to or ""),
        "value": to.pk if to else _value(item),
        "undecided": to is None and _gives(item) and item.state == OffboardingItem.State.PLANNED,
    }
