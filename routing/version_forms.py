"""Forms of a version's way: rolling back, planning, approving, golden leads, repair."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reps.forms import MomentInput
from reps.models import Rep
from routing.models import Pool, Queue, RuleSet
from routing.rules.golden import OUTCOME_WORDS

LONGEST_REASON = 200
MOMENTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def takes_over_field() -> forms.BooleanField:
    """Whether leads that wait under an earlier version are decided by this one."""
    return forms.BooleanField(
        required=False,
        label=_("Also decide the leads that wait now"),
        help_text=_("Otherwise a waiting lead stays with the version it waits under."),
    )


class ReasonForm(forms.Form):
    """Why something is done."""

    reason = forms.CharField(max_length=LONGEST_REASON, label=_("Why"))


class RollBackForm(ReasonForm):
    """Why an earlier version goes live again."""

    takes_over = takes_over_field()


class PlanForm(forms.Form):
    """When a draft goes live."""

    when = forms.DateTimeField(
        widget=MomentInput(), input_formats=MOMENTS, label=_("Goes live at (your time)")
    )
    takes_over = takes_over_field()


class GoldenForm(forms.Form):
    """An example's name, its moment and what should become of it; its facts are rows beside."""

    name = forms.CharField(max_length=160, label=_("What it shows"))
    moment = forms.DateTimeField(
        required=False,
        widget=MomentInput(),
        input_formats=MOMENTS,
        label=_("Arrives at (your time)"),
        help_text=_("Empty: at the moment of asking."),
    )

    def __init__(self, *args: Any, ruleset: RuleSet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rules = ruleset.rules.order_by("position").values_list("name", flat=True)
        any_rule = [("", _("by any rule")), *((name, name) for name in dict.fromkeys(rules))]
        said = str(self.initial.get("expect_rule") or "")
        if said and said not in dict(any_rule):
            any_rule.append((said, said))
        self.fields["expect_rule"] = forms.ChoiceField(
            choices=any_rule, required=False, label=_("Decided")
        )
        self.fields["expect_outcome"] = forms.ChoiceField(
            choices=[("", _("is not checked")), *OUTCOME_WORDS.items()],
            required=False,
            label=_("What becomes of it"),
        )
        for name, rows, label in (
            ("expect_rep", Rep.objects.select_related("user"), _("Goes to the rep")),
            ("expect_pool", Pool.objects.all(), _("Goes to a member of")),
            ("expect_queue", Queue.objects.all(), _("Goes to the queue")),
        ):
            self.fields[name] = forms.ModelChoiceField(
                rows, required=False, label=label, empty_label=str(_("is not checked"))
            )


def posted_leads(values: list[str]) -> list[tuple[int, int]]:
    """Read ticked leads, posted as "id:epoch"; what cannot be read is left out."""
    found = []
    for value in values:
        pk, _sep, epoch = value.partition(":")
        # Longer numbers are ids that no database holds.
        if all(part.isdecimal() and len(part) <= 18 for part in (pk, epoch)):
            found.append((int(pk), int(epoch)))
    return found
