"""Forms of the score: its lines, its bounds, what is called MQL and SQL, and what was found."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reps.models import User
from routing.models import Lead, Organisation
from routing.qualify.score_body import (
    LONGEST_NAME,
    MOST_DAYS,
    MOST_POINTS,
    MOST_WEIGHT,
)
from routing.scoring.edit import LONGEST_REASON
from routing.setup_forms import responsible_people
from routing.states import WAY


class LineForm(forms.Form):
    """What every line has: its name, and its points."""

    name = forms.CharField(
        max_length=LONGEST_NAME, label=_("Name"), help_text=_("Contributions are shown by it.")
    )
    points = forms.IntegerField(
        min_value=-MOST_POINTS,
        max_value=MOST_POINTS,
        label=_("Points"),
        help_text=_("May be negative."),
    )

    def line(self) -> dict[str, Any]:
        """The line as the model keeps it, empty fields left out."""
        return {name: value for name, value in self.cleaned_data.items() if value is not None}


class ProfileForm(LineForm):
    """An ideal customer profile."""

    points = forms.IntegerField(
        min_value=-MOST_POINTS,
        max_value=MOST_POINTS,
        initial=0,
        label=_("Points"),
        help_text=_("For whoever fits; 0 only shows that they do."),
    )


class FactorForm(LineForm):
    """A line of fit."""

    active = forms.BooleanField(required=False, initial=True, label=_("Counts"))


class EventForm(FactorForm):
    """A line of engagement."""

    event = forms.SlugField(
        max_length=60,
        label=_("Event"),
        help_text=_("As sites send it, such as pricing_page; form_submitted is every form."),
    )
    half_life_days = forms.FloatField(
        required=False,
        min_value=0.01,
        max_value=MOST_DAYS,
        label=_("Half-life in days"),
        help_text=_("After it an event is worth half. Empty: it stays as it is."),
    )
    window_days = forms.FloatField(
        required=False,
        min_value=0.01,
        max_value=MOST_DAYS,
        label=_("Counts for days"),
        help_text=_("Older ones count nothing. Empty: a year."),
    )
    cap = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_POINTS,
        label=_("At most, together"),
        help_text=_("Points of all events of this kind. Empty: no cap."),
    )
    per_day = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_POINTS,
        label=_("Events of a day that count"),
        help_text=_("The newest of each UTC day. Empty: all."),
    )
    field_order = (
        "name",
        "event",
        "points",
        "half_life_days",
        "window_days",
        "cap",
        "per_day",
        "active",
    )

    def clean_event(self) -> str:
        return self.cleaned_data["event"].lower()


class BoundsForm(forms.Form):
    """Weights, threshold and tiers."""

    fit = forms.IntegerField(min_value=0, max_value=MOST_WEIGHT, label=_("Weight of fit (%)"))
    engagement = forms.IntegerField(
        min_value=0, max_value=MOST_WEIGHT, label=_("Weight of engagement (%)")
    )
    threshold = forms.IntegerField(
        min_value=0,
        max_value=100,
        label=_("Threshold"),
        help_text=_("The rule that lets leads rest names it too; the linter compares both."),
    )
    warm = forms.IntegerField(min_value=0, max_value=100, label=_("Warm from"))
    hot = forms.IntegerField(min_value=1, max_value=100, label=_("Hot from"))

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("warm") is not None and data["warm"] >= data.get("hot", 101):
            self.add_error("warm", _("Must be below the bound of hot."))
        return data

    @staticmethod
    def values(body: dict[str, Any]) -> dict[str, Any]:
        """The fields of a stored body."""
        return {**body["weights"], **body["tiers"], "threshold": body["threshold"]}

    def body(self) -> dict[str, Any]:
        """The parts of a body that this form holds."""
        data = self.cleaned_data
        return {
            "weights": {"fit": data["fit"], "engagement": data["engagement"]},
            "tiers": {"hot": data["hot"], "warm": data["warm"]},
            "threshold": data["threshold"],
        }


class ReasonForm(forms.Form):
    """Why, and whether open leads are scored anew."""

    reason = forms.CharField(max_length=LONGEST_REASON, label=_("Why"))
    again = forms.BooleanField(
        required=False,
        initial=True,
        label=_("Score open leads anew"),
        help_text=_("Off: each keeps its score until something happens."),
    )


class DefinitionForm(forms.Form):
    """What marketing and sales agreed on, in words."""

    text = forms.CharField(
        max_length=4000, widget=forms.Textarea(attrs={"rows": 4}), label=_("Definition")
    )
    reached = forms.ChoiceField(
        required=False,
        choices=[("", _("any state")), *((state, Lead.State(state).label) for state in WAY)],
        label=_("Once the lead is"),
        help_text=_("It becomes one when this state is reached and the condition holds."),
    )


class PeopleForm(forms.Form):
    """Who signs for each side, and who looks after the score."""

    def __init__(self, *args: Any, organisation: Organisation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        everybody = User.objects.filter(is_active=True).order_by("first_name", "username")
        for name, stored, people, label in (
            ("marketing", organisation.marketing_signer_id, everybody, _("Signs for marketing")),
            ("sales", organisation.sales_signer_id, everybody, _("Signs for sales")),
            (
                "owner",
                organisation.score_owner_id,
                responsible_people(keep=organisation.score_owner_id),
                _("Looks after the score"),
            ),
        ):
            self.fields[name] = forms.ModelChoiceField(
                people, required=False, initial=stored, label=label, empty_label=_("nobody")
            )
            self.fields[name].label_from_instance = lambda user: user.label


class ReviewForm(forms.Form):
    """What a review found."""

    note = forms.CharField(
        max_length=1000, widget=forms.Textarea(attrs={"rows": 2}), label=_("What you found")
    )
