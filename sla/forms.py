"""The form of a policy: its limit as minutes and seconds, its chain as rows."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from sla import chain
from sla.models import Policy

LONGEST_MINUTES = 60 * 24 * 90


class PolicyForm(forms.ModelForm):
    minutes = forms.IntegerField(
        min_value=0, max_value=LONGEST_MINUTES, required=False, label=_("Minutes")
    )
    seconds = forms.IntegerField(min_value=0, max_value=59, required=False, label=_("and seconds"))

    field_order = (
        "name",
        "metric",
        "minutes",
        "seconds",
        "hours",
        "scope",
        "position",
        "is_active",
    )

    class Meta:
        model = Policy
        fields = ("name", "metric", "hours", "scope", "position", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["position"].label = _("Place")
        self.fields["position"].help_text = _("Lower is asked first; the first that fits applies.")
        minutes, seconds = divmod(self.instance.budget, 60)
        self.initial.setdefault("minutes", minutes)
        self.initial.setdefault("seconds", seconds)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "minutes" in self.errors or "seconds" in self.errors:
            return cleaned
        budget = (cleaned.get("minutes") or 0) * 60 + (cleaned.get("seconds") or 0)
        if budget < 1:
            raise forms.ValidationError(_("The time limit must be at least one second."))
        self.instance.budget = budget
        return cleaned

    def add_error(self, field: str | None, error: Any) -> None:
        # The model points at the column of the chain; it has rows of its own.
        if isinstance(error, forms.ValidationError) and hasattr(error, "error_dict"):
            found = error.error_dict.pop("steps", None)
            if found:
                super().add_error(None, found)
            if not error.error_dict:
                return
        super().add_error(field, error)


@dataclass
class StepRow:
    """A step of the chain, as typed."""

    percent: str = ""
    action: str = ""
    error: str = ""


def stored_steps(steps: list[dict[str, Any]]) -> list[StepRow]:
    """The chain as rows."""
    return [StepRow(str(one["at_percent"]), one["do"]) for one in steps]


def posted_steps(data: QueryDict) -> list[StepRow]:
    """The rows as they were typed."""
    pairs = zip(data.getlist("s_percent"), data.getlist("s_action"), strict=False)
    return [StepRow(percent.strip(), action) for percent, action in pairs]


def read_steps(rows: list[StepRow]) -> list[dict[str, Any]]:
    """
    Return the chain as it is stored, earliest step first; empty rows are left out.

    A row that is no number says so in `error`; the chain as a whole is judged by
    `sla.chain.parse`.
    """
    found = []
    for row in rows:
        if not row.percent:
            continue
        if not row.percent.isdecimal() or len(row.percent) > 6 or row.action not in chain.ACTIONS:
            row.error = str(_("A whole number of per cent, and what to do."))
            continue
        found.append({"at_percent": int(row.percent), "do": row.action})
    return sorted(found, key=lambda step: step["at_percent"])
