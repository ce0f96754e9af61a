"""Promises about time: which there are, in sentences, and changing them."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps.due.clock import database_now
from reps.views.gates import set_up_only
from routing.engine import InvalidPart
from routing.models import Pool, Queue
from routing.rules import sentences as rule_sentences
from routing.rules.builder import MATCHES, Row, Sheet, fact_choices, op_choices, small_number
from routing.rules.sentences import Names
from routing.visibility import visible_leads
from sla import sentences
from sla.chain import ACTIONS, parse
from sla.forms import (
    UNITS,
    PolicyForm,
    StepRow,
    TemplateForm,
    point_at,
    posted_steps,
    read_steps,
    stored_steps,
)
from sla.models import Policy
from sla.services import older, setup, templates
from sla.services.setup import PolicyRefused
from sla.targets import Places, problems


@set_up_only
def policy_list(request: HttpRequest) -> HttpResponse:
    """Every policy as a sentence with its chain."""
    names, places = Names.read(), Places.read()
    running = older.running(visible_leads(request.user), at=database_now())
    rows = [
        {
            "policy": policy,
            "words": sentences.of_policy(policy, names),
            "chain": sentences.of_chain(policy, names),
            "problems": [
                _("Step %(n)s: %(problem)s") % {"n": number, "problem": words}
                for number, words in problems(parse(policy.steps, budget=policy.budget), places)
            ],
            "running": running.get(policy.pk),
        }
        for policy in Policy.objects.all()
    ]
    return TemplateResponse(
        request,
        "sla/policies.html",
        {"rows": rows, "templates": templates.all_templates(), "pools": names.pools.items()},
    )


@require_POST
@set_up_only
def policy_template(request: HttpRequest) -> HttpResponse:
    """One click: a ready-made promise."""
    form = TemplateForm(request.POST, pools=Pool.objects.all())
    if not form.is_valid():
        messages.warning(request, " ".join(e for found in form.errors.values() for e in found))
        return redirect("policies")
    chosen = templates.Chosen(form.cleaned_data["pool"], form.cleaned_data["hours"])
    try:
        made = templates.take(
            key=request.POST.get("template", ""), chosen=chosen, by=request.user, at=database_now()
        )
        messages.success(request, _("Promised: %(policy)s.") % {"policy": made})
    except PolicyRefused as refused:
        messages.warning(request, str(refused))
    return redirect("policies" if "from_policies" in request.POST else "setup")


@require_POST
@set_up_only
def policy_standard(request: HttpRequest) -> HttpResponse:
    """One click: 15 minutes of working time to acknowledge."""
    try:
        made = setup.add_standard(by=request.user, at=database_now())
        messages.success(request, _("Promised: %(policy)s.") % {"policy": made})
    except PolicyRefused as refused:
        messages.warning(request, str(refused))
    return redirect("setup" if request.POST.get("template") else "policies")


@set_up_only
def policy_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a policy; condition and chain are rows."""
    row = Policy() if pk is None else get_object_or_404(Policy, pk=pk)
    names = Names.read()
    page = _PolicyPage(request, row, names)
    if request.method == "POST" and not page.acted and page.is_valid() and not page.previews:
        try:
            made = setup.save_policy(
                policy=page.form.instance,
                condition=page.condition,
                steps=page.chain,
                by=request.user,
                at=database_now(),
            )
        except (PolicyRefused, InvalidPart) as refused:
            page.form.add_error(None, str(refused))
        else:
            messages.success(request, _("Saved the promise “%(policy)s”.") % {"policy": made})
            return redirect("policies")
    failed = request.method == "POST" and not page.acted and not page.preview
    return TemplateResponse(
        request,
        "sla/policy.html",
        {"policy": row if pk else None, "preview": page.preview, **page.context()},
        status=422 if failed else 200,
    )


class _PolicyPage:
    """The form, the rows of the condition and the rows of the chain."""

    def __init__(self, request: HttpRequest, row: Policy, names: Names) -> None:
        data = request.POST if request.method == "POST" else None
        self.row, self.names = row, names
        self.stored = row.condition
        laid_out = Sheet.of(row.condition, names)
        self.deep = laid_out is None
        self.replaces = data is not None and "replace_condition" in data
        self.sheet = Sheet.posted(data) if data is not None else laid_out or Sheet()
        self.steps = posted_steps(data) if data is not None else stored_steps(row.steps)
        action = data.get("act", "") if data is not None else ""
        self.acted = self.sheet.act(action) or self._act(action) if action else False
        self.form = PolicyForm(None if self.acted else data, instance=row)
        if data is not None and self.acted:
            # A button of the rows: show everything as typed, judge nothing yet.
            self.form.initial.update({n: data.get(n, "") for n in self.form.fields})
            self.form.initial.update({n: n in data for n in ("is_active", "pausable")})
        self.previews = action == "preview"
        self.condition: dict | None = None
        self.chain: list[dict] = []
        # The stored promise in words, or the one that was typed once it holds.
        self.preview = self._in_words(row.condition) if row.pk and data is None else None

    def _act(self, action: str) -> bool:
        verb, _sep, number = action.partition(":")
        index = small_number(number)
        if verb == "step":
            self.steps.append(StepRow())
        elif verb == "unstep" and index is not None and index < len(self.steps):
            del self.steps[index]
        else:
            return False
        return True

    def is_valid(self) -> bool:
        """Check all parts, so that every mistake shows at once."""
        kept = self.stored if self.deep and not self.replaces else None
        self.condition = kept or self.sheet.condition(self.names)
        self.row.steps = read_steps(self.steps)
        good = self.form.is_valid()
        # By now they are in the order in which they come.
        self.chain = self.row.steps
        point_at(self.steps, self.chain, self.form.wrong_steps)
        good = good and self.condition is not None and not any(s.error for s in self.steps)
        if good and self.previews:
            self.preview = self._in_words(self.condition)
        return good

    def context(self) -> dict:
        if not self.sheet.main.rows:
            self.sheet.main.rows.append(Row())
        return {
            "form": self.form,
            "sheet": self.sheet,
            "steps": self.steps or [StepRow()],
            "units": UNITS,
            "actions": [(name, action.words) for name, action in ACTIONS.items()],
            "targets": self._targets(),
            "fact_groups": fact_choices(self.names),
            "op_choices": op_choices(),
            "matches": MATCHES,
            "deep_condition": rule_sentences.condition_words(self.stored, self.names)
            if self.deep
            else "",
            "replaces_condition": self.replaces,
        }

    def _targets(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Where steps can send leads: pools, and queues from which somebody claims."""
        claimed = Queue.objects.filter(pool__isnull=False).values_list("pk", flat=True)
        return [
            (_("Pools"), [(f"pool:{pk}", name) for pk, name in self.names.pools.items()]),
            (_("Queues"), [(f"queue:{pk}", self.names.queues[pk]) for pk in claimed]),
        ]

    def _in_words(self, condition: dict) -> dict[str, Any]:
        row = Policy(
            metric=self.row.metric,
            scope=self.row.scope,
            hours=self.row.hours,
            budget=self.row.budget,
            steps=self.row.steps,
            condition=condition,
        )
        return {
            "words": sentences.of_policy(row, self.names),
            "chain": sentences.of_chain(row, self.names),
        }


urlpatterns = [
    path("policies/", policy_list, name="policies"),
    path("policies/new/", policy_edit, name="policy_add"),
    path("policies/templates/", policy_template, name="policy_template"),
    path("policies/standard/", policy_standard, name="policy_standard"),
    path("policies/<int:pk>/", policy_edit, name="policy"),
]
