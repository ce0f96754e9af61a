"""The form of a policy: its limit as minutes and seconds, its chain as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from sla import chain
from sla.models import Policy

LONGEST_MINUTES = 60 * 24 * 90
PERCENT, MINUTES, SECONDS = "percent", "minutes", "seconds"
UNITS = ((PERCENT, _("% of the time")), (MINUTES, _("minutes")), (SECONDS, _("seconds")))


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
        "most_hops",
        "target_percent",
        "pausable",
        "is_active",
    )

    class Meta:
        model = Policy
        fields = (
            "name",
            "metric",
            "hours",
            "scope",
            "position",
            "most_hops",
            "target_percent",
            "pausable",
            "is_active",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["position"].label = _("Place")
        self.fields["position"].help_text = _("Lower is asked first; the first that fits applies.")
        minutes, seconds = divmod(self.instance.budget, 60)
        self.initial.setdefault("minutes", minutes)
        self.initial.setdefault("seconds", seconds)
        # What is wrong with which step of the chain, counted from 1.
        self.wrong_steps: dict[int, str] = {}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "minutes" in self.errors or "seconds" in self.errors:
            return cleaned
        budget = (cleaned.get("minutes") or 0) * 60 + (cleaned.get("seconds") or 0)
        if budget < 1:
            raise forms.ValidationError(_("The time limit must be at least one second."))
        self.instance.budget = budget
        self.instance.steps = in_order(self.instance.steps, budget=budget)
        return cleaned

    def add_error(self, field: str | None, error: Any) -> None:
        # The model points at the column of the chain; it has rows of its own.
        if isinstance(error, forms.ValidationError) and hasattr(error, "error_dict"):
            found = error.error_dict.pop("steps", [])
            for one in found:
                if step := (one.params or {}).get("step"):
                    self.wrong_steps[step] = one.message
            if found:
                super().add_error(None, found)
            if not error.error_dict:
                return
        super().add_error(field, error)


@dataclass
class StepRow:
    """
    A step of the chain, as typed; `target` is like "pool:3". `step` is what it was read as.
    """

    when: str = ""
    unit: str = PERCENT
    action: str = ""
    target: str = ""
    error: str = ""
    step: dict[str, Any] | None = None


def stored_steps(steps: list[dict[str, Any]]) -> list[StepRow]:
    """The chain as rows."""
    return [_row(one) for one in steps]


def _row(step: dict[str, Any]) -> StepRow:
    wants = chain.ACTIONS[step["do"]].wants
    target = f"{wants}:{step[wants]}" if wants else ""
    if "at_percent" in step:
        return StepRow(str(step["at_percent"]), PERCENT, step["do"], target)
    minutes, seconds = divmod(step["after"], 60)
    if seconds:
        return StepRow(str(step["after"]), SECONDS, step["do"], target)
    return StepRow(str(minutes), MINUTES, step["do"], target)


def posted_steps(data: QueryDict) -> list[StepRow]:
    """The rows as they were typed."""
    columns = (data.getlist(name) for name in ("s_when", "s_unit", "s_action", "s_target"))
    return [
        StepRow(when.strip(), unit, action, target)
        for when, unit, action, target in zip(*columns, strict=False)
    ]


def read_steps(rows: list[StepRow]) -> list[dict[str, Any]]:
    """
    Return the steps as they are stored; empty rows are left out.

    A row that cannot be read says so in `error`; the chain as a whole is judged by
    `sla.chain.parse`, once its limit is known (`in_order`).
    """
    return [step for row in rows if (step := _read(row)) is not None]


def _read(row: StepRow) -> dict[str, Any] | None:
    if not row.when:
        return None
    if not row.when.isascii() or not row.when.isdecimal() or len(row.when) > 7:
        row.error = str(_("When: a whole number."))
        return None
    if row.unit not in dict(UNITS) or row.action not in chain.ACTIONS:
        row.error = str(_("Choose when, and what to do."))
        return None
    number = int(row.when)
    row.step = {"at_percent": number} if row.unit == PERCENT else {"after": number}
    if row.unit == MINUTES:
        row.step = {"after": number * 60}
    row.step["do"] = row.action
    wants = chain.ACTIONS[row.action].wants
    if not wants:
        return row.step
    kind, _sep, number_of = row.target.partition(":")
    if kind != wants or not number_of.isascii() or not number_of.isdecimal():
        row.error = str(_("Choose the pool.") if wants == "pool" else _("Choose the queue."))
        return None
    row.step[wants] = int(number_of)
    return row.step


def in_order(steps: Sequence[dict[str, Any]], *, budget: int) -> list[dict[str, Any]]:
    """The steps by the time at which they come; those of one moment stay as they were."""

    def after(step: dict[str, Any]) -> int:
        return step["after"] if "after" in step else budget * step["at_percent"] // 100

    return sorted(steps, key=after)


def point_at(rows: Sequence[StepRow], steps: Sequence[dict[str, Any]], wrong: dict[int, str]):
    """Put what is wrong with a step of the chain to the row in which it was typed."""
    for number, words in wrong.items():
        for row in rows:
            if row.step is steps[number - 1]:
                row.error = words


class TemplateForm(forms.Form):
    """What a ready-made promise asks: a pool, or a number of hours."""

    pool = forms.ModelChoiceField(queryset=None, label=_("Pool"), required=False)
    hours = forms.IntegerField(min_value=1, max_value=720, label=_("Hours"), required=False)

    def __init__(self, *args: Any, pools: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pool"].queryset = pools
