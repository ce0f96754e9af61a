"""Forms about the data of one person, and about how long things are kept."""

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from reps import retention
from routing.models import Prospect

LONGEST_DAYS = 36_500


class FindForm(forms.Form):
    """Who is asked about. Sent by POST: what is typed here belongs into no log of addresses."""

    who = forms.CharField(
        label=lazy("E-mail address, phone number or full name"),
        max_length=300,
        help_text=lazy("Exactly as it is; nobody is found by a part."),
    )


class EraseForm(forms.Form):
    """Why, and the number of the person typed out, so that nobody is erased by a slip."""

    reason = forms.CharField(
        label=lazy("Reason"),
        max_length=200,
        help_text=lazy("Kept with the erasure. No names: they would stay."),
    )
    confirm = forms.CharField(label=lazy("To confirm, type the number of this person"))

    def __init__(self, *args: object, prospect: Prospect, **options: object) -> None:
        super().__init__(*args, **options)
        self.prospect = prospect

    def clean_confirm(self) -> str:
        typed = self.cleaned_data["confirm"].strip()
        if typed != str(self.prospect.pk):
            raise forms.ValidationError(
                _("Type %(number)s, the number of this person.") % {"number": self.prospect.pk}
            )
        return typed


class HoldForm(forms.Form):
    why = forms.CharField(
        label=lazy("Why it must be kept"),
        max_length=200,
        required=False,
        help_text=lazy("Such as the number of a case. Empty: it need not be kept any more."),
    )


class RuleForm(forms.Form):
    """How long one kind of thing is kept."""

    is_active = forms.BooleanField(label=lazy("Delete by age"), required=False)
    days = forms.IntegerField(label=lazy("Days"), max_value=LONGEST_DAYS)

    def __init__(self, *args: object, rule: retention.Rule, **options: object) -> None:
        initial = {"is_active": rule.is_active, "days": rule.days}
        super().__init__(*args, prefix=rule.kept.slug, initial=initial, **options)
        self.fields["days"].min_value = rule.kept.least_days
        self.fields["days"].widget.attrs["min"] = rule.kept.least_days
        self.rule = rule
