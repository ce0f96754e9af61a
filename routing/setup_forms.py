"""Forms of the set-up: organisation, queues, sources, hosted forms."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from accounts.forms import WordsField
from reps import access
from reps.models import User
from routing.models import LeadForm, Organisation, Queue, Source
from routing.models.desk import ReviewHandover
from routing.models.source import STANDARD_FIELDS
from routing.qualify import segments


def responsible_people(*, keep: int | None = None) -> Any:
    """Who may answer for leads without an owner: managers, RevOps, admins."""
    groups = [access.MANAGER, access.ADMIN, access.REVOPS]
    people = User.objects.filter(is_active=True)
    found = people.filter(groups__name__in=groups) | people.filter(is_superuser=True)
    if keep is not None:
        found = found | User.objects.filter(pk=keep)
    return found.distinct().order_by("first_name", "last_name", "username")


class OrganisationForm(forms.Form):
    name = forms.CharField(max_length=120, label=_("Name of the organisation"))


class OrganisationSettingsForm(OrganisationForm):
    """What can be changed once it is there."""

    def __init__(self, *args: Any, organisation: Organisation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["responsible"] = forms.ModelChoiceField(
            responsible_people(keep=organisation.responsible_id),
            label=_("Answers for every lead without an owner"),
        )
        self.fields["responsible"].label_from_instance = lambda user: user.label
        self.fields["leadership"] = forms.ModelChoiceField(
            responsible_people(keep=organisation.leadership_id),
            required=False,
            empty_label=str(_("whoever answers for leads")),
            label=_("Alerted last"),
            help_text=_("Told when an escalation reaches leadership."),
        )
        self.fields["leadership"].label_from_instance = lambda user: user.label
        self.fields["decide_hours"] = forms.IntegerField(
            min_value=1,
            max_value=720,
            required=False,
            label=_("Hours to decide a reassignment"),
            help_text=_("Then the next in line is asked. Of a rep's time, their working hours."),
        )
        self.fields["sticky_days"] = forms.IntegerField(
            min_value=0,
            max_value=3650,
            label=_("Former owner preferred for"),
            help_text=_("Days after closing in which a returning lead prefers its former owner."),
        )
        self.fields["approval_above"] = forms.IntegerField(
            min_value=0,
            max_value=100,
            label=_("A second person approves rules above"),
            help_text=_(
                "Percent of last month's leads that a new version sends elsewhere. 100: never."
            ),
        )
        self.fields["review_handover"] = forms.ChoiceField(
            choices=ReviewHandover.choices,
            required=False,
            label=_("Once a match is decided"),
            help_text=_("Whether the rightful owner takes the lead from its temporary one."),
        )
        self.fields["dispute_hours"] = forms.IntegerField(
            min_value=1,
            max_value=2160,
            required=False,
            label=_("Hours to rule in a dispute"),
            help_text=_("Then the policy's answer applies. Of a rep's time, their working hours."),
        )
        choices = Organisation._meta.get_field("named_inbound").choices
        for name, label in (
            ("named_inbound", _("Inbound leads of a named account go to")),
            ("named_outbound", _("Outbound leads of a named account go to")),
        ):
            self.fields[name] = forms.ChoiceField(choices=choices, required=False, label=label)
        self.fields["segments"] = forms.CharField(
            required=False,
            max_length=2000,
            widget=forms.Textarea(attrs={"rows": 4}),
            label=_("Segments by employees"),
            help_text=_("A line each: the key of the skill, then from-to. Such as: big 501+"),
        )

    def clean_segments(self) -> list[dict[str, Any]]:
        try:
            return segments.read(self.cleaned_data["segments"])
        except segments.BandError as error:
            raise forms.ValidationError(str(error)) from error


class QueueForm(forms.ModelForm):
    class Meta:
        model = Queue
        fields = ("name", "pool", "responsible", "max_unworked")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pool"].empty_label = str(_("nobody: a waiting room"))
        self.fields["responsible"].queryset = responsible_people(keep=self.instance.responsible_id)
        self.fields["responsible"].label_from_instance = lambda user: user.label


class SourceForm(forms.ModelForm):
    class Meta:
        model = Source
        fields = (
            "name",
            "slug",
            "channel",
            "motion",
            "mode",
            "is_prequalified",
            "is_hand_raise",
            "is_active",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].label = _("Key in rules")
        self.fields["slug"].required = False
        self.fields["slug"].help_text = _("Empty: made from the name.")
        if self.instance.pk:
            # Rules and reports name it.
            self.fields["slug"].disabled = True

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.instance.pk and not cleaned.get("slug") and cleaned.get("name"):
            cleaned["slug"] = slugify(cleaned["name"])[:60] or "source"
            if Source.objects.filter(slug=cleaned["slug"]).exists():
                self.add_error("slug", _("Another source has the key “%s”.") % cleaned["slug"])
        return cleaned


class SitesField(WordsField):
    """Web sites, typed with commas between them."""


class LeadFormForm(forms.ModelForm):
    """A hosted form; its questions are rows beside it, see `posted_questions`."""

    frame_hosts = SitesField(
        required=False,
        max_length=2000,
        label=_("Sites that may embed it"),
        help_text=_("e.g. https://www.example.com, separated by commas."),
    )

    class Meta:
        model = LeadForm
        fields = (
            "title",
            "slug",
            "source",
            "intro",
            "thanks",
            "campaign",
            "reveals_rep",
            "frame_hosts",
            "is_active",
        )
        widgets = {
            "intro": forms.Textarea(attrs={"rows": 2}),
            "thanks": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].help_text = _("The end of its address, e.g. contact.")
        self.fields["source"].required = False
        self.fields["source"].empty_label = str(_("a new one, “Website”"))
        if self.instance.pk:
            self.fields["slug"].disabled = True

    def add_error(self, field: str | None, error: Any) -> None:
        # The model points at the column of the questions; they have rows of their own.
        if isinstance(error, forms.ValidationError) and hasattr(error, "error_dict"):
            found = error.error_dict.pop("fields", None)
            if found:
                super().add_error(None, found)
            if not error.error_dict:
                return
        super().add_error(field, error)


class QuestionRow:
    """A question of a form, as typed."""

    def __init__(
        self, name: str = "", label: str = "", choices: str = "", required: bool = False
    ) -> None:
        self.name, self.label, self.choices, self.required = name, label, choices, required
        self.error = ""

    @property
    def is_own(self) -> bool:
        return self.name not in STANDARD_FIELDS


OWN_QUESTION = "own"


def stored_questions(fields: list[dict[str, Any]]) -> list[QuestionRow]:
    """The questions of a form as rows."""
    return [
        QuestionRow(
            one.get("name", ""),
            one.get("label", ""),
            ", ".join(str(choice) for choice in one.get("choices") or []),
            bool(one.get("required")),
        )
        for one in fields
    ]


def posted_questions(data: QueryDict) -> list[QuestionRow]:
    """The rows as they were typed."""
    names = ("name", "label", "choices", "required")
    columns = [[text.replace("\x00", "") for text in data.getlist(f"q_{name}")] for name in names]
    return [
        QuestionRow(name[:60], label.strip(), choices.strip(), required == "1")
        for name, label, choices, required in zip(*columns, strict=False)
    ]


def read_questions(rows: list[QuestionRow]) -> list[dict[str, Any]]:
    """Return the questions as a form stores them; the form's own ones get a name here."""
    found: list[dict[str, Any]] = []
    for row in rows:
        if not row.name and not row.label:
            continue
        if not row.label:
            row.error = str(_("Write the question as people read it."))
            continue
        name = row.name
        if name in ("", OWN_QUESTION):
            name = slugify(row.label).replace("-", "_")[:40] or "question"
        one: dict[str, Any] = {"name": name, "label": row.label[:200], "required": row.required}
        choices = [text.strip() for text in row.choices.split(",") if text.strip()]
        if choices:
            one["choices"] = choices
        found.append(one)
    return found
