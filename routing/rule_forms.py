"""The form of a rule's words, and of a line of the score; its path is in `path_forms`."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reps.forms import DateInput, MomentInput
from routing.models import Rule
from routing.setup_forms import responsible_people


class RuleForm(forms.Form):
    """What a rule is called, why it is there, and who looks after it."""

    name = forms.CharField(max_length=120, label=_("Name"))
    reasoning = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        label=_("Why this rule"),
    )
    review_on = forms.DateField(required=False, widget=DateInput(), label=_("Look again on"))
    expires_at = forms.DateTimeField(
        required=False,
        widget=MomentInput(),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        label=_("Holds until (your time)"),
        help_text=_("For an exception: from then on the rule is skipped."),
    )
    is_fallback = forms.BooleanField(
        required=False,
        label=_("This is the fallback"),
        help_text=_("The last rule, which takes whatever is left. It has no condition."),
    )

    field_order = ("name", "owner", "review_on", "expires_at", "reasoning", "is_fallback")

    def __init__(self, *args: Any, rule: Rule | None = None, **kwargs: Any) -> None:
        if rule is not None:
            kwargs["initial"] = {
                "name": rule.name,
                "reasoning": rule.reasoning,
                "owner": rule.owner_id,
                "review_on": rule.review_on,
                "expires_at": rule.expires_at,
                "is_fallback": rule.is_fallback,
            }
        super().__init__(*args, **kwargs)
        self.fields["owner"] = forms.ModelChoiceField(
            responsible_people(keep=rule.owner_id if rule else None),
            required=False,
            label=_("Rule owner"),
            empty_label=_("nobody"),
        )
        self.fields["owner"].label_from_instance = lambda user: user.label
        self.order_fields(self.field_order)
