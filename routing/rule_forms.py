"""The form of a rule: its words, whom it gives leads to, and how one of them is chosen."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reps.forms import DateInput, MomentInput
from routing import engine
from routing.engine import InvalidPart
from routing.models import Rule
from routing.rules.sentences import SELECT_WORDS, TARGET_WORDS, Names
from routing.setup_forms import responsible_people

LEVELS = [(n, str(n)) for n in range(1, 6)]
# Engine defaults are written out, so that a path read back equals the one written.
ANY_LEVEL = 1


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


class PathForm(forms.Form):
    """A path as choices: whom, who of them, how one is chosen, and what if nobody can."""

    def __init__(self, *args: Any, names: Names, path: Any = None, **kwargs: Any) -> None:
        if path is not None:
            kwargs["initial"] = initial_of(path)
        super().__init__(*args, **kwargs)
        skills = [("", _("no skill asked for")), *names.skills.items()]
        self.fields["target"] = forms.ChoiceField(choices=_targets(names), label=_("Give it to"))
        self.fields["shift"] = forms.ChoiceField(
            choices=[
                ("", _("whatever their hours")),
                ("filter", _("only those on shift")),
                ("prefer", _("those on shift first")),
            ],
            required=False,
            label=_("Working hours"),
        )
        self.fields["within"] = forms.IntegerField(
            required=False,
            min_value=0,
            max_value=10_080,
            label=_("… or who start within (minutes)"),
            help_text=_("0 or empty: only those who work right now."),
        )
        self.fields["team"] = forms.ChoiceField(
            choices=[("", _("any team")), *((str(pk), name) for pk, name in names.teams.items())],
            required=False,
            label=_("Only of the team"),
        )
        self.fields["skill"] = forms.ChoiceField(
            choices=skills, required=False, label=_("Only with the skill")
        )
        self.fields["skill_level"] = forms.TypedChoiceField(
            choices=LEVELS, coerce=int, required=False, empty_value=3, label=_("… at least level")
        )
        self.fields["former_owner"] = forms.BooleanField(
            required=False, label=_("Prefer the former owner")
        )
        self.fields["best_skill"] = forms.ChoiceField(
            choices=skills, required=False, label=_("Prefer the best at")
        )
        self.fields["best_level"] = forms.TypedChoiceField(
            choices=LEVELS, coerce=int, required=False, empty_value=1, label=_("… from level")
        )
        self.fields["select"] = forms.ChoiceField(
            choices=[("", _("as usual for the target")), *_selects()],
            required=False,
            label=_("Choose"),
        )
        self.fields["on_empty"] = forms.ChoiceField(
            choices=[("next", _("ask the next rule")), ("wait", _("let it wait here"))],
            label=_("If nobody can take it"),
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors:
            try:
                engine.parse_path(path_of(cleaned))
            except InvalidPart as error:
                raise forms.ValidationError(_in_words(error, cleaned)) from error
        return cleaned

    def path(self) -> dict[str, Any]:
        """The path that was chosen."""
        return path_of(self.cleaned_data)


def _targets(names: Names) -> list[Any]:
    owners = [(kind, words[:1].upper() + words[1:]) for kind, words in TARGET_WORDS.items()]
    return [
        (_("A pool"), [(f"pool:{pk}", name) for pk, name in _by_name(names.pools)]),
        (_("Whoever it belongs to"), owners),
        (_("One rep"), [(f"rep:{pk}", name) for pk, name in _by_name(names.reps)]),
        (_("A queue"), [(f"queue:{pk}", name) for pk, name in _by_name(names.queues)]),
        (_("Nobody for now"), [("nurture", _("let it rest in nurture"))]),
    ]


def _by_name(found: Any) -> Any:
    return sorted(found.items(), key=lambda pair: pair[1].casefold())


def _selects() -> list[tuple[str, str]]:
    return [(name, SELECT_WORDS.get(name, name)) for name in engine.STRATEGIES]


def _in_words(error: InvalidPart, cleaned: dict[str, Any]) -> str:
    if cleaned.get("select") == "round_robin" and "rotate" in error.message:
        return str(_("Only a pool can take turns. Choose a pool, or another way to choose."))
    return str(error)


def path_of(values: dict[str, Any]) -> dict[str, Any]:
    """Write the choices as a path; a queue and nurture have nobody to choose among."""
    kind, _sep, pk = values["target"].partition(":")
    target: dict[str, Any] = {"kind": kind}
    if pk:
        target["id"] = int(pk)
    if kind in engine.TARGETS and engine.TARGETS[kind].ends:
        return {"target": target, "stages": [], "on_empty": "next"}
    filters: list[dict[str, Any]] = []
    wishes: list[dict[str, Any]] = []
    if values.get("team"):
        filters.append({"do": "filter", "by": "team", "id": int(values["team"])})
    if values.get("skill"):
        level = values.get("skill_level") or 3
        filters.append({"do": "filter", "by": "skill", "skill": values["skill"], "at_least": level})
    if values.get("shift"):
        stage = {
            "do": values["shift"],
            "by": "on_shift",
            "within": (values.get("within") or 0) * 60,
        }
        (filters if values["shift"] == "filter" else wishes).append(stage)
    if values.get("former_owner"):
        wishes.append({"do": "prefer", "by": "former_owner"})
    if values.get("best_skill"):
        level = values.get("best_level") or ANY_LEVEL
        wishes.append(
            {"do": "prefer", "by": "skill", "skill": values["best_skill"], "at_least": level}
        )
    select = [{"do": "select", "by": values["select"]}] if values.get("select") else []
    return {
        "target": target,
        "stages": [*filters, *wishes, *select],
        "on_empty": values.get("on_empty") or "next",
    }


def initial_of(path: Any) -> dict[str, Any]:
    """
    Lay a path out for the form; what it cannot hold is left out (see `fits`).

    :raises routing.engine.InvalidPart: if the path cannot be read
    """
    parsed = engine.parse_path(path)
    target = parsed.target
    found: dict[str, Any] = {
        "target": target.kind if target.id is None else f"{target.kind}:{target.id}",
        "on_empty": parsed.on_empty,
        "skill_level": 3,
        "best_level": ANY_LEVEL,
    }
    for stage in parsed.stages:
        options = stage.options
        match stage.do, stage.by:
            case "select", by:
                found["select"] = by
            case do, "on_shift":
                found["shift"], found["within"] = do, options["within"] // 60
            case "filter", "team":
                found["team"] = str(options["id"])
            case "filter", "skill" if "skill" in options:
                found["skill"], found["skill_level"] = options["skill"], options["at_least"]
            case "prefer", "skill" if "skill" in options:
                found["best_skill"], found["best_level"] = options["skill"], options["at_least"]
            case "prefer", "former_owner":
                found["former_owner"] = True
    return found


def fits(path: Any) -> bool:
    """Whether the form can hold a path and give it back as it was, order of wishes aside."""
    try:
        wanted = engine.path_to_json(engine.parse_path(path))
        given = engine.path_to_json(engine.parse_path(path_of(initial_of(path))))
    except InvalidPart:
        return False

    def filters_first(one: dict[str, Any]) -> list[Any]:
        # Filters commute; the order of preferences matters.
        stages = one["stages"]
        rest = [stage for stage in stages if stage["do"] != "filter"]
        return [
            one["target"],
            one["on_empty"],
            sorted(map(str, (s for s in stages if s["do"] == "filter"))),
            rest,
        ]

    return filters_first(wanted) == filters_first(given)


class FactorForm(forms.Form):
    """One line of the score."""

    name = forms.CharField(max_length=120, label=_("Name"))
    points = forms.IntegerField(
        min_value=-100, max_value=100, label=_("Points"), help_text=_("May be negative.")
    )
    is_active = forms.BooleanField(required=False, initial=True, label=_("Counts"))
