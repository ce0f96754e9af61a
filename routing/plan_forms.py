"""Forms of realignments: what a plan is, and what it does to territories."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import reps_here
from accounts.models import Territory, TerritoryPlan
from accounts.services.plans import draft
from accounts.services.plans.world import World, state_of
from accounts.services.territories import Place
from reps.forms import DateInput, MomentInput
from reps.models import Rep
from routing.territory_forms import PlaceForm, TerritoryForm


class PlanForm(forms.Form):
    """What a plan is called, why, when, and what happens to open leads."""

    name = forms.CharField(max_length=120, label=_("Name"))
    reason = forms.CharField(
        max_length=300,
        label=_("Why"),
        help_text=_("Whoever approves it, and whoever gains or loses a territory, reads this."),
    )
    effective_at = forms.DateTimeField(
        required=False,
        widget=MomentInput(),
        label=_("Takes effect"),
        help_text=_("Empty: as soon as it is approved."),
    )
    leads = forms.ChoiceField(choices=TerritoryPlan.Leads.choices, label=_("Open leads"))


class PlannedForm(TerritoryForm):
    """A territory in a draft: the form of the live one, over the draft's territories."""

    parent = forms.TypedChoiceField(
        required=False, coerce=int, empty_value=None, label=_("Part of")
    )

    def __init__(self, *args: Any, world: World, key: int | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.world = world
        # A plan draws what a territory takes and whose it is. Its pool, who stands in further
        # down and its conditions are edited at the territory and stay as they are.
        for name in ("pool", "conditions", *self.backup_names):
            del self.fields[name]
        self.fields["backup"] = forms.ModelChoiceField(
            reps_here(keep=(self.instance.backup_id,)),
            required=False,
            label=_("Backup owner"),
            empty_label=_("nobody"),
        )
        self.initial["backup"] = self.instance.backup_id
        names = sorted((row.name, pk) for pk, row in world.items() if pk != key)
        self.fields["parent"] = forms.TypedChoiceField(
            required=False,
            coerce=int,
            empty_value=None,
            label=_("Part of"),
            choices=[("", _("nothing: it stands on its own")), *((pk, n) for n, pk in names)],
        )
        self.initial["parent"] = self.instance.parent_id or ""

    def _post_clean(self) -> None:
        """The draft judges; the row here is only for looking."""

    def validate_unique(self) -> None:
        """Names are held against the draft's territories."""

    def state(self) -> dict[str, Any]:
        """What was filled in, by column."""
        row = Territory()
        for name, value in self.cleaned_data.items():
            field = Territory._meta.get_field(name)
            if name == "parent":
                row.parent_id = value
            elif field.is_relation:
                setattr(row, field.attname, value.pk if value else None)
            else:
                setattr(row, name, value)
        found = state_of(row)
        return {
            Territory._meta.get_field(n).attname: found[Territory._meta.get_field(n).attname]
            for n in self.cleaned_data
        }


class PartsForm(forms.Form):
    """Values of one criterion, to another territory or a new one."""

    target = forms.TypedChoiceField(
        required=False, coerce=int, empty_value=None, label=_("Goes to")
    )
    name = forms.CharField(required=False, max_length=120, label=_("Name of the new one"))
    owner = forms.ModelChoiceField(
        Rep.objects.none(), required=False, label=_("Owner of the new one"), empty_label=_("nobody")
    )

    def __init__(self, *args: Any, world: World, key: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = world[key]
        self.lists = {
            name: list(getattr(row, name)) for name in draft.lists() if getattr(row, name)
        }
        for name, values in self.lists.items():
            choices = [(str(n), _text(value)) for n, value in enumerate(values)]
            self.fields[name] = forms.MultipleChoiceField(
                required=False,
                choices=choices,
                widget=forms.CheckboxSelectMultiple,
                label=Territory._meta.get_field(name).verbose_name.capitalize(),
            )
        others = sorted((one.name, pk) for pk, one in world.items() if pk != key and one.is_active)
        self.fields["target"].choices = [
            ("", _("a new territory")),
            *((pk, name) for name, pk in others),
        ]
        self.fields["owner"].queryset = Rep.objects.filter(is_active=True).select_related("user")
        self.order_fields([*self.lists, "target", "name", "owner"])

    def parts(self) -> Mapping[str, list[Any]]:
        return {
            name: [values[int(n)] for n in self.cleaned_data.get(name, ())]
            for name, values in self.lists.items()
        }


def _text(value: Any) -> str:
    return " – ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


class MergeForm(forms.Form):
    """Which territory this one is to take in."""

    other = forms.TypedChoiceField(coerce=int, label=_("Takes in and retires"))

    def __init__(self, *args: Any, world: World, key: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = sorted((one.name, pk) for pk, one in world.items() if pk != key and one.is_active)
        self.fields["other"].choices = [("", _("choose…")), *((pk, name) for name, pk in others)]


class WhyForm(forms.Form):
    """A reason, for whoever is told."""

    reason = forms.CharField(max_length=300, label=_("Why"))


class ProposalForm(forms.Form):
    """What to even out, and what must stay."""

    measure = forms.ChoiceField(
        label=_("Even out"),
        choices=[
            ("flow", _("new leads of the last 13 weeks")),
            ("open", _("open leads")),
            ("points", _("points of open leads")),
        ],
    )
    most_moves = forms.IntegerField(
        label=_("Moves at most"), min_value=0, max_value=100, initial=10
    )
    by_capacity = forms.BooleanField(
        required=False, label=_("In proportion to capacity"), help_text=_("Else the same for all.")
    )
    locked = forms.MultipleChoiceField(
        required=False,
        label=_("Stay as they are"),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Territory.objects.filter(is_active=True, owner__isnull=False)
        self.fields["locked"].choices = [
            (str(pk), name) for pk, name in rows.values_list("pk", "name")
        ]

    def options(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {**given, "locked": [int(pk) for pk in given["locked"]]}


class DayPlaceForm(PlaceForm):
    """A place and a day."""

    day = forms.DateField(widget=DateInput(), label=_("On the day"))

    field_order = ("day",)

    def place(self) -> Place:
        day = self.cleaned_data.pop("day")
        try:
            return super().place()
        finally:
            self.cleaned_data["day"] = day
