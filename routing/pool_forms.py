"""Forms of the set-up: a pool, its members in rows, and limits in rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from accounts.models import Territory
from reps.models import Rep, User
from routing.fairness.factors import HUNDRED
from routing.models import Lead, Limit, Pool, PoolMember
from routing.models.pool import MOST_PROTECTED
from routing.organisation import MemberPlan
from routing.visibility import visible_reps

MOST_WEIGHT = 100
LONGEST_RAMP = 365


def whole(text: str) -> int | None:
    """Read a whole number that both databases can hold; None for anything else."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


class PoolForm(forms.ModelForm):
    """A pool; its members are rows beside it, see `posted_members`. An empty number stays."""

    lanes = forms.MultipleChoiceField(
        required=False,
        choices=Lead.Tier.choices,
        widget=forms.CheckboxSelectMultiple,
        label=Pool._meta.get_field("lanes").verbose_name.capitalize(),
        help_text=Pool._meta.get_field("lanes").help_text,
    )

    WHO = ("name", "territory")
    SHARING = ("lanes", "bound", "catch_up")
    MOVING = ("rebalances", "band", "rewards_performance", "least_percent", "most_percent")
    NUMBERS = ("bound", "catch_up", "band", "least_percent", "most_percent")

    class Meta:
        model = Pool
        fields = (
            "name",
            "territory",
            "lanes",
            "bound",
            "catch_up",
            "rebalances",
            "band",
            "rewards_performance",
            "least_percent",
            "most_percent",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["territory"].empty_label = str(_("none in particular"))
        self.fields["territory"].queryset = Territory.objects.all()
        for name in self.NUMBERS:
            self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in self.NUMBERS:
            if cleaned.get(name) is None and name not in self.errors:
                cleaned[name] = getattr(self.instance, name)
        return cleaned

    def parts(self) -> list[tuple[str, str, list[Any]]]:
        """The fields in their groups: heading, what it is about, fields."""
        return [
            ("", "", [self[name] for name in self.WHO]),
            (
                _("How leads are shared"),
                _(
                    "Members take turns by weight. Who could not take a lead is not charged for "
                    "it; how far that may add up, and how quickly it is made up for, is set here."
                ),
                [self[name] for name in self.SHARING],
            ),
            (
                _("Weights that move by themselves"),
                _(
                    "In this order: the set weight, the ramp, performance, pulling back, the two "
                    "bounds, and last the protected share, which is a promise. Each change is "
                    "logged with its cause."
                ),
                [self[name] for name in self.MOVING],
            ),
        ]

    @classmethod
    def typed(cls, data: QueryDict) -> dict[str, Any]:
        """What was typed so far, to be shown again without judging it yet."""
        return {
            name: field.widget.value_from_datadict(data, {}, name)
            for name, field in cls.base_fields.items()
        }


# --- Members ----------------------------------------------------------------------------


@dataclass(slots=True)
class MemberRow:
    """A line of the list of members, as typed; beside it the weight in force and its cause."""

    rep: str = ""
    weight: str = "1"
    ramp_from: str = ""
    ramp_days: str = ""
    protected: str = ""
    error: str = ""
    in_force: str = ""
    cause: str = ""

    @classmethod
    def of(cls, row: PoolMember) -> "MemberRow":
        """A member's row as it stands."""
        return cls(
            rep=str(row.rep_id),
            weight=str(row.weight),
            ramp_from=row.ramp_from.isoformat() if row.ramp_from else "",
            ramp_days=str(row.ramp_days or ""),
            protected=str(row.protected_percent or ""),
            in_force=f"{row.applied_weight / HUNDRED:g}" if row.applied_weight else "",
            cause=row.weight_cause,
        )


def posted_members(data: QueryDict) -> list[MemberRow]:
    """The rows as they were typed."""
    names = ("m_rep", "m_weight", "m_ramp_from", "m_ramp_days", "m_protected")
    columns = [[text.strip() for text in data.getlist(name)] for name in names]
    rows = zip_longest(*columns, fillvalue="")
    return [MemberRow(*row) for row in list(rows)[: len(columns[0])]]


def read_members(rows: list[MemberRow], *, choices: Mapping[int, Rep]) -> list[MemberPlan]:
    """Return a plan per filled row; a row that cannot be read says why in `error`."""
    found: list[MemberPlan] = []
    left = MOST_PROTECTED
    for row in rows:
        if not row.rep:
            continue
        rep = choices.get(whole(row.rep) or 0)
        try:
            if rep is None:
                raise ValidationError(_("Choose a rep."))
            if any(rep == plan.rep for plan in found):
                raise ValidationError(_("This rep is in the list already."))
            plan = _plan(row, rep, left=left)
        except ValidationError as error:
            row.error = error.messages[0]
        else:
            found.append(plan)
            left -= plan.protected_percent
    return found


def _plan(row: MemberRow, rep: Rep, *, left: int) -> MemberPlan:
    weight = whole(row.weight) or 0
    if not 1 <= weight <= MOST_WEIGHT:
        raise ValidationError(_("Weight: a whole number from 1 to 100; 2 means twice the leads."))
    days = whole(row.ramp_days) if row.ramp_days else 0
    if days is None or not 0 <= days <= LONGEST_RAMP:
        raise ValidationError(_("Days to full weight: a whole number up to 365, or empty."))
    try:
        ramp_from = parse_date(row.ramp_from) if row.ramp_from else None
    except ValueError:
        ramp_from = None
    if row.ramp_from and ramp_from is None:
        raise ValidationError(_("Ramps up from: a date such as 2026-07-01, or empty."))
    if bool(days) != bool(ramp_from):
        raise ValidationError(
            _("A ramp needs its first day and its number of days; leave both empty for none.")
        )
    protected = whole(row.protected) if row.protected else 0
    if protected is None or not 0 <= protected <= left:
        raise ValidationError(
            _("Protected share: a whole number of percent; %(left)s is left in this pool.")
            % {"left": left}
        )
    return MemberPlan(rep, weight, ramp_from, days, protected)


def member_choices(user: User, pool: Pool) -> dict[int, Rep]:
    """Whom a person may put into a pool: reps they see, and whoever is in it already."""
    reps = visible_reps(user).filter(is_active=True)
    present = Rep.objects.filter(memberships__pool=pool) if pool.pk else Rep.objects.none()
    found = {rep.pk: rep for rep in reps}
    found.update({rep.pk: rep for rep in present.select_related("user", "team")})
    return found


# --- Limits -----------------------------------------------------------------------------

KINDS = (
    (Limit.Kind.FLOW, lazy("New leads in a period")),
    (Limit.Kind.POINTS, lazy("Open leads, in points by stage")),
    (Limit.Kind.VALUE, lazy("Open leads, by expected value")),
    (Limit.Kind.TIER_SHARE, lazy("Percent of a tier's leads")),
)
# Period as typed → words; "+" marks the rolling ones.
PERIODS = (
    ("", lazy("at every moment")),
    ("HOUR", lazy("in an hour of their clock")),
    ("DAY", lazy("in a day of theirs")),
    ("WEEK", lazy("in a week of theirs")),
    ("HOUR+", lazy("in the last 60 minutes")),
    ("DAY+", lazy("in the last 24 hours")),
    ("WEEK+", lazy("in the last 7 days")),
)
FIELD_WORDS = {
    "rep": lazy("Whom"),
    "pool": lazy("Leads of"),
    "kind": lazy("What"),
    "most": lazy("At most"),
    "window": lazy("When"),
    "rolling": lazy("When"),
    "tier": lazy("Tier"),
}


@dataclass(slots=True)
class LimitRow:
    """
    A limit as typed. `about`: on a pool's page the rep it holds for (empty: every member), on
    a rep's page the pool whose leads it counts (empty: all leads).
    """

    about: str = ""
    kind: str = ""
    most: str = ""
    period: str = ""
    tier: str = ""
    error: str = ""

    @classmethod
    def of(cls, row: Limit, *, on: Pool | Rep) -> "LimitRow":
        """A limit as it stands."""
        about = row.rep_id if isinstance(on, Pool) else row.pool_id
        return cls(
            about=str(about or ""),
            kind=row.kind,
            most=str(row.most),
            period=row.window + ("+" if row.rolling else ""),
            tier=row.tier,
        )


def posted_limits(data: QueryDict) -> list[LimitRow]:
    """The rows as they were typed."""
    names = ("l_about", "l_kind", "l_most", "l_period", "l_tier")
    columns = [[text.strip() for text in data.getlist(name)] for name in names]
    return [LimitRow(*row) for row in zip(*columns, strict=False)]


def read_limits(rows: list[LimitRow], *, on: Pool | Rep, choices: Mapping[int, Any]) -> list[Limit]:
    """Return a limit per filled row; one that cannot be read says which part and why."""
    found = []
    for row in rows:
        if not row.kind and not row.most:
            continue
        try:
            found.append(_limit(row, on=on, choices=choices))
        except ValidationError as error:
            row.error = " ".join(
                f"{FIELD_WORDS[name]}: {' '.join(messages)}"
                for name, messages in error.message_dict.items()
            )
    return found


def _limit(row: LimitRow, *, on: Pool | Rep, choices: Mapping[int, Any]) -> Limit:
    about = choices.get(whole(row.about) or 0)
    other = "rep" if isinstance(on, Pool) else "pool"
    if row.about and about is None:
        raise ValidationError({other: _("Choose one from the list.")})
    if row.kind not in Limit.Kind.values:
        raise ValidationError({"kind": _("Choose what is limited.")})
    most = whole(row.most)
    if most is None:
        raise ValidationError({"most": _("A whole number.")})
    if row.period not in dict(PERIODS):
        raise ValidationError({"window": _("Choose a period from the list.")})
    limit = Limit(
        kind=row.kind,
        most=most,
        window=row.period.rstrip("+"),
        rolling=row.period.endswith("+"),
        tier=row.tier,
        **{("pool" if isinstance(on, Pool) else "rep"): on, other: about},
    )
    limit.clean()
    return limit
