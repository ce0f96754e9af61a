"""The forms of the dispute desk."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account
from reps.models import Rep
from routing.models import Dispute, Lead

LONGEST = 500
NOT_THE_PERSON = gettext_lazy("About the company and the work; without the person's name.")


class SubjectForm(forms.Form):
    """What somebody wants to contest: a lead by its number or an account by its name."""

    lead = forms.IntegerField(
        label=gettext_lazy("Lead number"), required=False, min_value=1, max_value=10**15
    )
    account = forms.CharField(
        label=gettext_lazy("or account"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Its exact name or domain, or # and its number."),
    )

    def __init__(self, *args: Any, leads: QuerySet[Lead], **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.leads = leads

    def clean_lead(self) -> Lead | None:
        number = self.cleaned_data["lead"]
        if number is None:
            return None
        found = self.leads.filter(pk=number).first()
        if found is None:
            raise forms.ValidationError(
                _("There is no open lead of this number that you may contest.")
            )
        return found

    def clean_account(self) -> Account | None:
        text = self.cleaned_data["account"].strip()
        if not text:
            return None
        rows = Account.objects.filter(is_active=True)
        if text.startswith("#") and text[1:].isascii() and text[1:].isdigit() and len(text) < 18:
            return rows.filter(pk=int(text[1:])).first()
        found = list(rows.filter(name__iexact=text)[:2]) or list(
            rows.filter(domain__iexact=text)[:2]
        )
        if len(found) != 1:
            raise forms.ValidationError(
                _("Several accounts have this name; write the domain.")
                if found
                else _("No account has this name or domain.")
            )
        return found[0]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and bool(data.get("lead")) == bool(data.get("account")):
            self.add_error(None, _("Name one lead or one account."))
        return data


class ClaimForm(forms.Form):
    """Whose it should be, on which ground, and why."""

    claimant = forms.ModelChoiceField(
        queryset=Rep.objects.none(), label=gettext_lazy("It should be")
    )
    ground = forms.ChoiceField(label=gettext_lazy("Because"), choices=Dispute.Ground.choices)
    claim = forms.CharField(
        label=gettext_lazy("What speaks for it"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=NOT_THE_PERSON,
    )

    def __init__(self, *args: Any, claimants: QuerySet[Rep], **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.fields["claimant"].queryset = claimants
        only = list(claimants[:2])
        if len(only) == 1:
            self.fields["claimant"].initial = only[0].pk


class ReplyForm(forms.Form):
    reply = forms.CharField(
        label=gettext_lazy("Why it is yours"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=NOT_THE_PERSON,
    )


class RulingForm(forms.Form):
    """For whom, and the reason that later disputes will look up."""

    winner = forms.TypedChoiceField(
        label=gettext_lazy("It is for"), coerce=int, widget=forms.RadioSelect
    )
    ruling = forms.CharField(
        label=gettext_lazy("Ruling"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Both read it, and later disputes find it. Name the principle."),
    )

    def __init__(self, *args: Any, reps: list[Rep], **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.fields["winner"].choices = [(rep.pk, str(rep)) for rep in reps]


class PrecedentForm(forms.Form):
    """Which precedents to list."""

    q = forms.CharField(label=gettext_lazy("Words"), max_length=100, required=False)
    kind = forms.ChoiceField(
        label=gettext_lazy("About"),
        choices=[("", gettext_lazy("Leads and accounts")), *Dispute.Kind.choices],
        required=False,
    )
    ground = forms.ChoiceField(
        label=gettext_lazy("Ground"),
        choices=[("", gettext_lazy("Any ground")), *Dispute.Ground.choices],
        required=False,
    )
