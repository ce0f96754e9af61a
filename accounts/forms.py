"""Forms about the market: lists as comma separated words, never as JSON."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.geography import country_code
from accounts.models import Account, AccountOwner, Cover, Territory
from accounts.services import holders
from reps import access
from reps.forms import DateInput
from reps.models import Rep, User


class WordsField(forms.CharField):
    """A list of texts, typed with commas between them."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        if isinstance(value, list):
            return value
        words = [word.strip() for word in super().to_python(value).replace("\n", ",").split(",")]
        return list(dict.fromkeys(word for word in words if word))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(initial or "") != self.to_python(data or "")


def words(**kwargs: Any) -> WordsField:
    return WordsField(required=False, max_length=4000, **kwargs)


def reps_here(*, keep: tuple[int | None, ...] = ()) -> Any:
    """Active reps, and whoever is named already."""
    active = Rep.objects.filter(is_active=True) | Rep.objects.filter(pk__in=[k for k in keep if k])
    return active.select_related("user", "team").distinct()


def _reps(*, keep: tuple[int | None, ...] = ()) -> Any:
    """Active reps, and whoever is named already."""
    active = Rep.objects.filter(is_active=True) | Rep.objects.filter(pk__in=[k for k in keep if k])
    return active.select_related("user", "team").distinct()


class AccountForm(forms.ModelForm):
    aliases = words(label=_("Other names"), help_text=_("Separated by commas."))
    further_domains = words(label=_("Further domains"), help_text=_("Separated by commas."))

    class Meta:
        model = Account
        fields = (
            "name",
            "domain",
            "further_domains",
            "aliases",
            "parent",
            "industry",
            "employees",
            "revenue",
            "country",
            "region",
            "city",
            "postal_code",
            "external_id",
            "is_active",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # By name instead of a select: there may be very many companies.
        self.fields["parent"] = forms.CharField(
            required=False,
            max_length=200,
            label=_("Parent company"),
            help_text=_("Its exact name. Empty: none."),
        )
        if self.instance.parent_id:
            self.initial["parent"] = self.instance.parent.name

    def clean_parent(self) -> Account | None:
        name = self.cleaned_data["parent"].strip()
        if not name:
            return None
        if self.instance.parent_id and self.instance.parent.name == name:
            return self.instance.parent
        found = list(Account.objects.filter(name__iexact=name).order_by("pk")[:2])
        if len(found) != 1:
            raise forms.ValidationError(
                _("No account has this name.") if not found else _("Several accounts have it.")
            )
        ancestor: Account | None = found[0]
        while ancestor is not None:
            if ancestor.pk == self.instance.pk:
                raise forms.ValidationError(_("An account cannot be part of itself."))
            ancestor = ancestor.parent
        return found[0]

    def clean_country(self) -> str:
        text = self.cleaned_data["country"].strip()
        code = country_code(text) if text else ""
        if code is None:
            raise forms.ValidationError(_("Write the country as two letters, e.g. DE."))
        return code

    def clean_external_id(self) -> str:
        return self.cleaned_data["external_id"].strip()


class CoverForm(forms.ModelForm):
    """Who stands in for whom, in an account or a territory, from when until when."""

    account_name = forms.CharField(
        required=False,
        max_length=200,
        label=_("Account"),
        help_text=_("Its exact name. Or choose a territory."),
    )

    class Meta:
        model = Cover
        fields = ("territory", "stand_in", "what", "starts_at", "ends_at", "reason")
        widgets = {
            name: forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
            for name in ("starts_at", "ends_at")
        }

    field_order = ("account_name", "territory")

    def __init__(self, *args: Any, account: Account | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if account is not None:
            self.initial.setdefault("account_name", account.name)
        self.fields["territory"].queryset = Territory.objects.filter(owner__isnull=False)
        self.fields["territory"].empty_label = str(_("none: it is an account"))
        self.fields["stand_in"].queryset = _reps()
        self.fields["stand_in"].empty_label = str(_("choose…"))

    def clean_account_name(self) -> Account | None:
        name = self.cleaned_data["account_name"].strip()
        if not name:
            return None
        found = list(Account.objects.filter(name__iexact=name).order_by("pk")[:2])
        if len(found) != 1:
            raise forms.ValidationError(
                _("No account has this name.") if not found else _("Several accounts have it.")
            )
        return found[0]

    def _post_clean(self) -> None:
        # The account and whom it is covered for come from what was typed.
        account = self.cleaned_data.get("account_name")
        territory = self.cleaned_data.get("territory")
        if account is not None and territory is not None:
            self.add_error("territory", _("Choose an account or a territory, one of the two."))
        elif account is None and territory is None and "account_name" not in self.errors:
            self.add_error("account_name", _("Choose an account or a territory."))
        self.instance.account = account
        if account is not None and self.cleaned_data.get("starts_at"):
            day = self.cleaned_data["starts_at"].date()
            held = holders.effective([account.pk], day)[account.pk]
            taker = held.get("OWNER") or held.get("SDR")
            if taker is None:
                self.add_error("account_name", _("Nobody holds it, so nobody needs a stand-in."))
            else:
                self.instance.rep_id = taker.rep
        elif territory is not None:
            self.instance.rep_id = territory.owner_id
        if not self.errors:
            super()._post_clean()


class OwnerForm(forms.Form):
    """Who holds an account from a day on."""

    role = forms.ChoiceField(choices=AccountOwner.Role.choices, label=_("As"))
    rep = forms.ModelChoiceField(
        Rep.objects.none(),
        required=False,
        label=_("Who"),
        empty_label=_("choose…"),
    )
    starts_on = forms.DateField(widget=DateInput(), label=_("From"))

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reps = reps_here()
        if not access.is_revops(by):
            reps = reps.filter(team__in=access.teams_of(by))
        self.fields["rep"].queryset = reps

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        # Ending without a successor has a button of its own, so that nobody does it by accident.
        if "end" in self.data:
            cleaned["rep"] = None
        elif not cleaned.get("rep") and "rep" not in self.errors:
            self.add_error("rep", _("Choose who, or press “Nobody any more”."))
        return cleaned
