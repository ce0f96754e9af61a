"""Forms about pauses: the list of reasons, and standing a lead's clocks still."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from routing.forms import ActForm
from sla.models import PauseReason
from sla.sentences import span

UNITS = {"days": 86_400, "hours": 3600, "minutes": 60}
LONGEST = timedelta(days=365)


class PauseReasonForm(forms.ModelForm):
    """A reason; its longest pause is a number and a unit."""

    number = forms.IntegerField(
        label=_("At most"), min_value=1, max_value=int(LONGEST.total_seconds()) // 60
    )
    unit = forms.ChoiceField(
        label=_("Unit"),
        choices=[("days", _("days")), ("hours", _("hours")), ("minutes", _("minutes"))],
        help_text=_("The clocks go on after that long at the latest, whatever was asked for."),
    )

    field_order = ("name", "number", "unit", "is_active")

    class Meta:
        model = PauseReason
        fields = ("name", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["is_active"].help_text = _("Inactive ones are not offered any more.")
        for unit, size in UNITS.items():
            if self.instance.longest % size == 0:
                self.initial.setdefault("number", self.instance.longest // size)
                self.initial.setdefault("unit", unit)
                break

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "number" in cleaned and "unit" in cleaned:
            seconds = cleaned["number"] * UNITS[cleaned["unit"]]
            if seconds > LONGEST.total_seconds():
                self.add_error("number", _("At most a year."))
            self.instance.longest = seconds
        return cleaned


class _Reason(forms.ModelChoiceField):
    """A reason with how long it may last."""

    def label_from_instance(self, reason: PauseReason) -> str:
        return _("%(reason)s, at most %(span)s") % {"reason": reason, "span": span(reason.longest)}


class PauseForm(ActForm):
    """Why a lead's clocks stand still, and until when at most."""

    reason = _Reason(
        label=_("Why?"), queryset=PauseReason.objects.none(), empty_label=_("Choose a reason")
    )
    until = forms.DateTimeField(
        label=_("Until"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("In your time zone. The clocks go on then by themselves."),
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].queryset = PauseReason.objects.filter(is_active=True)
