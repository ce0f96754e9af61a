"""The form of one match review."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import domains, names
from accounts.models import Account, AccountKey
from routing.models import MatchReview

NET_NEW, OTHER = "net_new", "other"


class ReviewForm(forms.Form):
    """Which account it is: one of the candidates, another one by name or domain, or none."""

    choice = forms.CharField(
        max_length=20, error_messages={"required": gettext_lazy("Choose an account, or net new.")}
    )
    other = forms.CharField(
        label=gettext_lazy("Another account"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Its name or its domain."),
    )
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=300, required=False)
    teach_name = forms.BooleanField(required=False)
    teach_domain = forms.BooleanField(required=False)
    also = forms.ModelMultipleChoiceField(queryset=MatchReview.objects.none(), required=False)

    def __init__(self, *args: Any, review: MatchReview, others: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.review = review
        self.fields["also"].queryset = others

    def clean(self) -> dict[str, Any]:
        """Put the account that is meant into `account`, None for net new."""
        data = super().clean() or {}
        choice, other = data.get("choice"), (data.get("other") or "").strip()
        if choice == NET_NEW:
            data["account"] = None
        elif choice == OTHER:
            data["account"] = self._named(other)
        elif choice:
            ids = {str(pk) for pk in self.review.candidates.values_list("account_id", flat=True)}
            if choice in ids:
                data["account"] = int(choice)
            else:
                self.add_error("choice", _("This account is not among the candidates."))
        return data

    def _named(self, text: str) -> int | None:
        if not text:
            self.add_error("other", _("Write the name or the domain of the account."))
            return None
        values = [(AccountKey.Kind.NAME, names.key(text)[:200])]
        domain = domains.registrable(text)
        if domain:
            values.append((AccountKey.Kind.DOMAIN, domain))
        found: set[int] = set()
        for kind, value in values:
            keys = AccountKey.objects.filter(kind=kind, value=value, account__is_active=True)
            found.update(keys.values_list("account_id", flat=True))
        if text.isascii() and text.isdigit() and len(text) < 18:
            found |= set(Account.objects.filter(pk=int(text)).values_list("pk", flat=True))
        if len(found) == 1:
            return found.pop()
        self.add_error(
            "other",
            _("Several accounts go by this; write the domain of the one you mean.")
            if found
            else _("No account goes by this. Look it up under Accounts, or make it there first."),
        )
        return None
