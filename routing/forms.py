"""What people type on the pages of leads: each form checks its input and nothing else."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from reps.models import Rep
from routing.models import Lead, Outcome
from routing.work import Way

LONGEST_REASON = 300


class ActForm(forms.Form):
    """Something done to a lead, for the epoch that the person saw."""

    epoch = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, verb: str = "", **kwargs: Any) -> None:
        # Several of these forms share a page, so their ids carry the verb.
        kwargs.setdefault("auto_id", f"{verb}_%s" if verb else "id_%s")
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)


class ContactForm(ActForm):
    """How the person was contacted, and whether they were reached."""

    way = forms.ChoiceField(label=_("How"), choices=Way.choices, initial=Way.CALL)
    reached = forms.BooleanField(label=_("I reached them"), required=False, initial=True)
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class ReasonForm(ActForm):
    reason = forms.CharField(
        label=_("Why?"), max_length=LONGEST_REASON, widget=forms.Textarea(attrs={"rows": 2})
    )


class DeclineForm(ReasonForm):
    """Hand the lead back."""

    not_a_lead = forms.BooleanField(
        label=_("It is not a real lead"),
        required=False,
        help_text=_("Spam or a test: you get your turn back, and it does not count."),
    )


class _RepWithLoad(forms.ModelChoiceField):
    """A rep, shown with what they hold."""

    def label_from_instance(self, rep: Rep) -> str:
        load = getattr(rep, "load", None)
        open_leads = load.open if load else 0
        full = _(", full") if open_leads >= rep.capacity else ""
        return f"{rep}, {open_leads} of {rep.capacity}{full}"


class AskForm(ReasonForm):
    """Ask the manager to give the lead to somebody else."""

    wanted = _RepWithLoad(
        label=_("To whom, if you have somebody in mind"),
        queryset=Rep.objects.none(),
        required=False,
        empty_label=_("Whoever fits"),
    )

    def __init__(self, *args: Any, reps: QuerySet[Rep], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["wanted"].queryset = reps


class GiveForm(ReasonForm):
    """Give the lead to a rep by hand."""

    to = _RepWithLoad(label=_("To"), queryset=Rep.objects.none(), empty_label=_("Choose a rep"))

    field_order = ("epoch", "to", "reason")

    def __init__(self, *args: Any, reps: QuerySet[Rep], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = reps


class OutcomeForm(ActForm):
    """What became of the lead. Won can carry a value, lost needs a reason."""

    kind = forms.ChoiceField(label=_("What happened"), choices=Outcome.Kind.choices)
    value = forms.DecimalField(
        label=_("Value, if won"), required=False, min_value=0, max_digits=14, decimal_places=2
    )
    reason = forms.CharField(
        label=_("Why, if lost"),
        required=False,
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, kinds: list[str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kinds is not None:
            self.fields["kind"].choices = [
                (value, label) for value, label in Outcome.Kind.choices if value in kinds
            ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("kind") == Outcome.Kind.LOST and not cleaned.get("reason", "").strip():
            self.add_error("reason", _("Say why it was lost."))
        return cleaned


class RecycleForm(ActForm):
    """Let the lead rest until a day."""

    until = forms.DateField(
        label=_("Rest until"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reason = forms.CharField(
        label=_("Why?"), max_length=200, widget=forms.Textarea(attrs={"rows": 2})
    )

    field_order = ("epoch", "until", "reason")

    def clean_until(self) -> datetime:
        """The morning of that day, where the person is."""
        day = self.cleaned_data["until"]
        return timezone.make_aware(datetime.combine(day, time(8)))


class PauseForm(forms.Form):
    """Stop taking leads, for a while or until one comes back."""

    LENGTHS = {
        "30m": timedelta(minutes=30),
        "1h": timedelta(hours=1),
        "4h": timedelta(hours=4),
    }

    how_long = forms.ChoiceField(
        label=_("For how long"),
        choices=[
            ("", _("Until I come back")),
            ("30m", _("30 minutes")),
            ("1h", _("1 hour")),
            ("4h", _("4 hours")),
            ("tomorrow", _("Until tomorrow, 8:00")),
        ],
        required=False,
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=200)

    def until(self, at: datetime) -> datetime | None:
        """When the pause ends; None for until further notice."""
        chosen = self.cleaned_data["how_long"]
        if chosen == "tomorrow":
            day = timezone.localtime(at).date() + timedelta(days=1)
            return timezone.make_aware(datetime.combine(day, time(8)))
        return at + self.LENGTHS[chosen] if chosen else None


class LeadFilterForm(forms.Form):
    """Which leads to list; what is not understood is left out."""

    q = forms.CharField(label=_("Person or company"), required=False, max_length=100)
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("Any state")), *Lead.State.choices]
    )
    tier = forms.ChoiceField(
        label=_("Tier"), required=False, choices=[("", _("Any tier")), *Lead.Tier.choices]
    )

    def chosen(self) -> dict[str, str]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class NewLeadForm(forms.Form):
    """A lead entered by hand; the fields are those that intake knows."""

    nonce = forms.UUIDField(widget=forms.HiddenInput)
    first_name = forms.CharField(label=_("First name"), required=False, max_length=120)
    last_name = forms.CharField(label=_("Last name"), required=False, max_length=120)
    email = forms.CharField(
        label=_("E-mail"), required=False, max_length=254, widget=forms.EmailInput
    )
    phone = forms.CharField(
        label=_("Phone"),
        required=False,
        max_length=60,
        help_text=_("With +, or give the country."),
        widget=forms.TextInput(attrs={"type": "tel"}),
    )
    company = forms.CharField(label=_("Company"), required=False, max_length=200)
    title = forms.CharField(label=_("Job title"), required=False, max_length=160)
    country = forms.CharField(
        label=_("Country"), required=False, max_length=80, help_text=_("DE or Germany.")
    )
    region = forms.CharField(label=_("State or region"), required=False, max_length=60)
    employees = forms.CharField(label=_("People in the company"), required=False, max_length=20)
    product_interest = forms.CharField(label=_("Interested in"), required=False, max_length=80)
    message = forms.CharField(
        label=_("What do they want?"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    hand_raise = forms.BooleanField(label=_("They asked to be contacted"), required=False)

    def fields_given(self) -> dict[str, Any]:
        """What was typed, under the names that intake knows."""
        given = {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in ("nonce", "hand_raise") and value
        }
        return {**given, "hand_raise": self.cleaned_data["hand_raise"]}
