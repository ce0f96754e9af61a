"""Templates of rules: what each does, what it needs, and taking one."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _

from reps.due.clock import database_now
from reps.models import Rep
from reps.views.gates import set_up_only
from routing.engine import InvalidPart
from routing.models import Organisation, Pool, Queue, Rule, RuleSet
from routing.qualify.scoring import THRESHOLD
from routing.rules import lifecycle, sentences, starters
from routing.rules.lifecycle import RulesRefused
from routing.rules.starters import Cold, Slot, Template, cold_leads
from routing.scoring.live import model_of

# The name of the field that says what becomes of leads below the threshold.
COLD = "cold_leads"


class SlotsForm(forms.Form):
    """One field for each thing of the organisation that a template needs."""

    def __init__(self, *args: Any, template: Template, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for place, slot in enumerate(template.slots):
            rows = _rows(slot)
            self.fields[slot.name] = forms.ModelChoiceField(
                rows,
                label=slot.label,
                help_text=slot.help,
                # Pools in the order in which they were made: a guess that saves a click.
                initial=rows[min(place, max(0, rows.count() - 1)) : place + 1].first(),
            )
        self.threshold = _threshold()
        asks = template.has_threshold
        self.fields[COLD] = forms.ChoiceField(
            choices=[
                ("nurture", _("rest in nurture")),
                ("none", _("are routed like any other")),
                *((str(pool.pk), _("go to %(pool)s") % {"pool": pool}) for pool in _pools()),
            ],
            required=False,
            initial="nurture" if asks or self.threshold is not None else "none",
            label=_("Leads below the threshold of the score"),
            help_text=_(
                "Named accounts, open deals, raised hands and pre-qualified sources pass it. "
                "A pool can be that of junior SDRs."
            ),
        )

    def chosen(self) -> dict[str, Any]:
        """What stands for each slot: as posted, or else as proposed."""
        given = self._given()
        return {name: value for name, value in given.items() if name != COLD}

    def cold(self) -> Cold:
        """What becomes of leads below the threshold."""
        choice = self._given().get(COLD) or self.fields[COLD].initial
        if choice == "none":
            return Cold(None)
        threshold = THRESHOLD if self.threshold is None else self.threshold
        junior = None if choice == "nurture" else Pool.objects.get(pk=choice)
        return Cold(threshold, junior)

    def _given(self) -> dict[str, Any]:
        if self.is_bound:
            return self.cleaned_data
        return {name: field.initial for name, field in self.fields.items()}


def _threshold() -> int | None:
    """The threshold of the live score; None without one."""
    live = Organisation.get().live_score_model
    return None if live is None else model_of(live.body).threshold


def _pools() -> Any:
    return Pool.objects.order_by("pk")


def _rows(slot: Slot) -> Any:
    if slot.kind == "pool":
        return _pools()
    if slot.kind == "rep":
        return Rep.objects.active().select_related("user")
    return Queue.objects.order_by("pool_id", "pk")


@set_up_only
def starter_rules(request: HttpRequest) -> HttpResponse:
    """Choose a template, say what stands for its parts, and publish it or make it a draft."""
    if not Organisation.objects.exists():
        return redirect("setup_organisation")
    asked = request.POST.get("template") or request.GET.get("template", "")
    template = starters.BY_SLUG.get(asked)
    if template is None:
        return _answer(request, {"templates": starters.ALL})
    form = SlotsForm(request.POST or None, template=template)
    if request.method == "POST" and form.is_valid():
        try:
            draft = starters.start(
                template=template,
                chosen=form.chosen(),
                cold=form.cold(),
                by=request.user,
                at=database_now(),
            )
        except (RulesRefused, InvalidPart) as refused:
            form.add_error(None, str(refused))
        else:
            return _drafted(request, draft)
    return _answer(
        request, {"template": template, "form": form, "rules": _in_words(template, form)}
    )


def _drafted(request: HttpRequest, draft: RuleSet) -> HttpResponse:
    """Publish the draft if that was asked for; what keeps it from going live leaves it a draft."""
    if "draft" in request.POST:
        messages.success(request, _("%(rules)s is a draft; look at it.") % {"rules": draft})
        return redirect("rules_draft")
    try:
        lifecycle.publish(ruleset=draft, by=request.user, at=database_now())
    except RulesRefused as refused:
        messages.error(request, str(refused))
        return redirect("rules_draft")
    messages.success(request, _("%(rules)s is live.") % {"rules": draft})
    return redirect("setup")


def _in_words(template: Template, form: SlotsForm) -> list[tuple[str, str]]:
    """The rules as they would read, with what is chosen so far; empty while a part is missing."""
    chosen = {} if form.errors else form.chosen()
    if any(chosen.get(slot.name) is None for slot in template.slots):
        return []
    names = sentences.Names.read()
    return [
        (spec["name"], sentences.of_rule(Rule(**spec), names))
        for spec in cold_leads.rules(template, chosen, form.cold())
    ]


def _answer(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    form = context.get("form")
    return TemplateResponse(
        request,
        "routing/setup_rules.html",
        {"live": Organisation.get().live_ruleset, **context},
        status=422 if form is not None and form.errors else 200,
    )


urlpatterns = [path("setup/rules/", starter_rules, name="setup_rules")]
