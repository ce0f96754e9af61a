"""Forms about duplicates: what makes people the same, and what becomes of two who are."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import domains
from routing.dedupe.addresses import TAG_SIGNS
from routing.intake.identify import COLUMNS
from routing.models import DuplicatePolicy, Lead

MOST_PROVIDERS = 30
MOST_RETURNS = 12


class PolicyForm(forms.ModelForm):
    class Meta:
        model = DuplicatePolicy
        fields = (
            "tags_everywhere",
            "phone_identifies",
            "shared_mailboxes",
            "suggest_from",
            "tells",
            "new_contact_clock",
            "when_away",
            "keeps",
        )

    shared_mailboxes = forms.CharField(
        label=gettext_lazy("Shared mailboxes"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy(
            "What stands before the @, by blanks or commas. Whoever writes from one is recognised "
            "by it and their name together, never by it alone."
        ),
    )

    suggest_from = forms.IntegerField(
        label=gettext_lazy("Suggest from"),
        min_value=1,
        max_value=100,
        help_text=gettext_lazy("Percent of confidence from which people are asked to decide."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["shared_mailboxes"] = ", ".join(self.instance.shared_mailboxes)

    def clean_shared_mailboxes(self) -> list[str]:
        text = self.cleaned_data["shared_mailboxes"].casefold()
        words = text.replace(",", " ").replace("@", " ").split()
        if any(len(word) > 64 for word in words):
            raise ValidationError(_("One of these is longer than an address can be."))
        return sorted(set(words))


class ProviderForm(forms.Form):
    """How one provider reads the addresses of its mailboxes."""

    on = forms.BooleanField(label=gettext_lazy("On"), required=False)
    name = forms.CharField(label=gettext_lazy("Provider"), max_length=40)
    domains = forms.CharField(
        label=gettext_lazy("Domains"),
        max_length=300,
        help_text=gettext_lazy("The first one stands for all."),
    )
    dots = forms.BooleanField(label=gettext_lazy("Dots do not count"), required=False)
    tag = forms.ChoiceField(
        label=gettext_lazy("Ignored from"),
        required=False,
        choices=[("", gettext_lazy("nothing")), *((sign, sign) for sign in TAG_SIGNS)],
    )

    def clean_domains(self) -> list[str]:
        found = self.cleaned_data["domains"].casefold().replace(",", " ").split()
        for domain in found:
            if domains.host(domain) is None:
                raise ValidationError(
                    _("%(d)s is no domain; write e.g. gmail.com.") % {"d": domain}
                )
        if not found:
            raise ValidationError(_("Name at least one domain."))
        return found


class ReturnForm(forms.Form):
    """What becomes of somebody who comes back after their lead was closed."""

    state = forms.ChoiceField(
        label=gettext_lazy("Closed as"),
        choices=[
            ("", gettext_lazy("choose")),
            *((state, state.label) for state in (Lead.State.CONVERTED, Lead.State.DISQUALIFIED)),
        ],
    )
    words = forms.CharField(label=gettext_lazy("Reason holds"), required=False, max_length=80)
    days = forms.IntegerField(
        label=gettext_lazy("Within days"), required=False, min_value=0, max_value=3650
    )
    do = forms.ChoiceField(
        label=gettext_lazy("Then it"),
        choices=DuplicatePolicy.Return.choices,
        initial=DuplicatePolicy.Return.NEW,
    )
    even_raised = forms.BooleanField(
        label=gettext_lazy("Even if they ask to be contacted"), required=False
    )


class _Whole(forms.BaseFormSet):
    def rows(self) -> list[dict[str, Any]]:
        """What is to be stored: rows that are filled in and not to be deleted."""
        return [
            {name: value for name, value in form.cleaned_data.items() if name != "DELETE"}
            for form in self.forms
            if form.cleaned_data and not form.cleaned_data.get("DELETE")
        ]


ProviderForms = forms.formset_factory(
    ProviderForm, formset=_Whole, extra=1, can_delete=True, max_num=MOST_PROVIDERS
)
ReturnForms = forms.formset_factory(
    ReturnForm, formset=_Whole, extra=1, can_delete=True, max_num=MOST_RETURNS
)


class DecideForm(forms.Form):
    """Which of two stays, whose value of each field is kept, and why."""

    winner = forms.ChoiceField(choices=[("first", "first"), ("second", "second")])
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Kept with the merge. Names and addresses are left out."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in COLUMNS:
            self.fields[f"take_{name}"] = forms.ChoiceField(
                choices=[("first", "first"), ("second", "second")], required=False
            )

    def take(self) -> list[str]:
        """The fields in which the value of the one who gives way goes onto the other."""
        winner = self.cleaned_data["winner"]
        chosen = {name: self.cleaned_data.get(f"take_{name}") for name in COLUMNS}
        return [name for name, side in chosen.items() if side and side != winner]


class UndoForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Why they are two"), max_length=200)
