"""The dispute desk: what is contested, both claims, the policy's answer, the ruling."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Account
from reps import access
from reps.due.clock import database_now
from reps.models import Rep
from routing.dispute_forms import ClaimForm, PrecedentForm, ReplyForm, RulingForm, SubjectForm
from routing.disputes import evidence, opening, precedents, ruling
from routing.disputes.messages import FULL, about
from routing.models import Dispute, Lead
from routing.owners import claims
from routing.visibility import (
    contestable_leads,
    visible_disputes,
    visible_leads,
    visible_reps,
)
from routing.work.refusals import WorkRefused

PAGE = 25
MOST_OPEN = 100


@require_GET
def dispute_list(request: HttpRequest) -> HttpResponse:
    """What is open, one's own to decide first; and the precedents, searched."""
    user = request.user
    rows = visible_disputes(user).filter(state=Dispute.State.OPEN).select_related(*FULL)
    opened = sorted(
        rows.order_by("decide_by", "pk")[:MOST_OPEN], key=lambda row: row.decider_id != user.pk
    )
    form = PrecedentForm(request.GET, label_suffix="")
    chosen = form.cleaned_data if form.is_valid() else {}
    found = precedents.search(
        user,
        words=chosen.get("q", ""),
        kind=chosen.get("kind", ""),
        ground=chosen.get("ground", ""),
    ).select_related(*FULL)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    return TemplateResponse(
        request,
        "routing/disputes.html",
        {
            "at": database_now(),
            "opened": [(row, about(row)) for row in opened],
            "page": page,
            "found": [(row, about(row)) for row in page.object_list],
            "form": form,
            "filtered": any(chosen.values()),
            "may_contest": access.may_set_up(user) or access.rep_of(user) is not None,
        },
    )


# --- Opening one -------------------------------------------------------------------------


def dispute_new(request: HttpRequest) -> HttpResponse:
    """Choose what to contest, then say whose it should be and why."""
    leads = contestable_leads(request.user)
    given = request.GET if request.GET else None
    subject = SubjectForm(given, leads=leads.select_related("account", "prospect", "owner__user"))
    if given is None or not subject.is_valid():
        return TemplateResponse(
            request,
            "routing/dispute_subject.html",
            {"form": subject, "at": database_now(), "leads": _others(request, leads)},
            status=422 if subject.errors else 200,
        )
    lead, account = subject.cleaned_data["lead"], subject.cleaned_data["account"]
    form = ClaimForm(request.POST or None, claimants=_claimants(request, lead))
    if request.method == "POST" and form.is_valid():
        made = _contest(request, form, lead, account)
        if made is not None:
            messages.success(
                request,
                _("Contested. %(who)s decides.") % {"who": made.decider.label},
            )
            return redirect("dispute", made.pk)
    at = database_now()
    company = lead.account if lead else account
    told = claims.of_lead(lead, at=at) if lead else claims.of_account(account, at=at)
    return TemplateResponse(
        request,
        "routing/dispute_new.html",
        {
            "at": at,
            "form": form,
            "lead": lead,
            "account": account,
            "holder": lead.owner if lead else opening.holder_of(account, at=at),
            "told": told,
            "similar": precedents.similar(
                request.user,
                kind=Dispute.Kind.LEAD if lead else Dispute.Kind.ACCOUNT,
                ground=form["ground"].value() or "",
                account=company,
            ),
        },
        status=422 if form.errors else 200,
    )


def _others(request: HttpRequest, leads: QuerySet[Lead]) -> list[Lead]:
    """The latest leads that a rep could contest: those that others have."""
    me = access.rep_of(request.user)
    rows = leads.select_related("account", "prospect", "owner__user", "queue")
    if me is not None:
        rows = rows.exclude(owner=me)
    return list(rows.order_by("-received_at", "-pk")[:PAGE])


def _claimants(request: HttpRequest, lead: Lead | None) -> QuerySet[Rep]:
    """For whom one may speak: oneself, or the reps whom one sees."""
    reps = visible_reps(request.user).active()
    return reps.exclude(pk=lead.owner_id) if lead and lead.owner_id else reps


def _contest(
    request: HttpRequest, form: ClaimForm, lead: Lead | None, account: Account | None
) -> Dispute | None:
    common: dict[str, Any] = {**form.cleaned_data, "by": request.user, "at": database_now()}
    try:
        if lead is not None:
            return opening.contest_lead(lead_id=lead.pk, **common)
        assert account is not None
        return opening.contest_account(account_id=account.pk, **common)
    except WorkRefused as refused:
        form.add_error(None, str(refused))
        return None


# --- One dispute -------------------------------------------------------------------------


def _visible(request: HttpRequest, pk: int) -> Dispute:
    rows = visible_disputes(request.user).select_related(
        *FULL, "claimant__team", "holder__team", "lead__account", "lead__owner", "opened_by"
    )
    return get_object_or_404(rows, pk=pk)


@require_GET
def dispute(request: HttpRequest, pk: int) -> HttpResponse:
    """Both claims with what is on record for them, the policy's answer, the ruling."""
    return _page(request, _visible(request, pk))


def _page(
    request: HttpRequest, row: Dispute, *, refused: tuple[str, forms.Form] | None = None
) -> HttpResponse:
    user, at = request.user, database_now()
    told = _told(row, at=at)
    ours, theirs = evidence.of_both(row, told, at=at)
    context: dict[str, Any] = {
        "at": at,
        "dispute": row,
        "about": about(row),
        "told": told,
        "sides": [("claimant", row.claimant, row.claim, ours)]
        + ([("holder", row.holder, row.reply, theirs)] if row.holder else []),
        "sees_lead": row.lead_id is not None
        and visible_leads(user).filter(pk=row.lead_id).exists(),
        "may_set_up": access.may_set_up(user),
        "similar": precedents.similar(
            user, kind=row.kind, ground=row.ground, account=row.account, but=row.pk
        ),
        "former": row.policy.get("headline", ""),
    }
    if row.is_open:
        holder = row.holder
        if ruling.may_rule(user, row):
            # Whoever decides speaks for neither side.
            context["ruling_form"] = RulingForm(reps=ruling.choices(row))
        elif holder and (holder.user_id == user.pk or access.manages(user, holder)):
            context["reply_form"] = ReplyForm(initial={"reply": row.reply}, label_suffix="")
        context["may_withdraw"] = user.pk in (row.claimant.user_id, row.opened_by_id)
    if refused is not None:
        context[refused[0]] = refused[1]
    return TemplateResponse(
        request, "routing/dispute.html", context, status=422 if refused else 200
    )


def _told(row: Dispute, *, at: Any) -> claims.Told:
    if row.lead_id is not None:
        rows = Lead.objects.select_related("prospect", "source", "account__parent")
        return claims.of_lead(rows.get(pk=row.lead_id), at=at)
    rows = Account.objects.select_related("parent")
    return claims.of_account(rows.get(pk=row.account_id), at=at)


def _act(
    request: HttpRequest, pk: int, name: str, form: forms.Form, do: Callable[[], str]
) -> HttpResponse:
    """Run one step; a refusal shows the form again as it was typed."""
    row = _visible(request, pk)
    if form.is_valid():
        try:
            messages.success(request, do())
            return redirect("dispute", pk)
        except WorkRefused as refused:
            row = _visible(request, pk)
            if not row.is_open:
                messages.error(request, str(refused))
                return redirect("dispute", pk)
            form.add_error(None, str(refused))
    return _page(request, row, refused=(name, form))


@require_POST
def dispute_reply(request: HttpRequest, pk: int) -> HttpResponse:
    """State the holder's claim."""
    _visible(request, pk)
    form = ReplyForm(request.POST, label_suffix="")

    def do() -> str:
        opening.reply(
            dispute_id=pk, text=form.cleaned_data["reply"], by=request.user, at=database_now()
        )
        return _("Your claim is noted.")

    return _act(request, pk, "reply_form", form, do)


@require_POST
def dispute_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide it."""
    form = RulingForm(request.POST, reps=ruling.choices(_visible(request, pk)))

    def do() -> str:
        done = ruling.rule(
            dispute_id=pk,
            winner_id=form.cleaned_data["winner"],
            ruling=form.cleaned_data["ruling"],
            by=request.user,
            at=database_now(),
            driver="web",
        )
        return _("Ruled for %(who)s; both are told.") % {"who": done.winner}

    return _act(request, pk, "ruling_form", form, do)


@require_POST
def dispute_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's claim back."""
    _visible(request, pk)
    try:
        opening.withdraw(dispute_id=pk, by=request.user, at=database_now())
        messages.success(request, _("The claim is taken back."))
    except WorkRefused as refused:
        messages.error(request, str(refused))
    return redirect("dispute", pk)


urlpatterns = [
    path("disputes/", dispute_list, name="disputes"),
    path("disputes/new/", dispute_new, name="dispute_new"),
    path("disputes/<int:pk>/", dispute, name="dispute"),
    path("disputes/<int:pk>/reply/", dispute_reply, name="dispute_reply"),
    path("disputes/<int:pk>/rule/", dispute_rule, name="dispute_rule"),
    path("disputes/<int:pk>/withdraw/", dispute_withdraw, name="dispute_withdraw"),
]
