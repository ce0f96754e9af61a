"""Hosted forms: what the public sees. No sign-in, no cookies, works without JavaScript."""

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from reps import access
from reps.due.clock import database_now
from routing.intake import doors
from routing.intake.decode import Problem, Undecodable, decode
from routing.intake.doors import fingerprint
from routing.intake.normalise import Refused, fold, normalise
from routing.models import Lead, LeadForm, Submission
from routing.models.source import Mode

# A field that people do not see; its name is one that programs like to fill in.
TRAPS = ("fax", "fax_number")
NONCE, PAGE = "nonce", "page_seen"
# What the person did before, as the site that embeds the form knows it.
EVENTS = "events"
LONGEST_EVENTS = 4000
URLENCODED = "application/x-www-form-urlencoded"
POLLS = 30
# How long the thank-you page names the rep; its address may be passed on.
REVEALED_FOR = timedelta(days=1)
FRAME_HOST = re.compile(r"https?://[\w.*-]+(:\d+)?", re.ASCII)
# name → (type, autocomplete) of the standard questions.
INPUTS: Mapping[str, tuple[str, str]] = {
    "first_name": ("text", "given-name"),
    "last_name": ("text", "family-name"),
    "name": ("text", "name"),
    "email": ("email", "email"),
    "phone": ("tel", "tel"),
    "company": ("text", "organization"),
    "title": ("text", "organization-title"),
    "website": ("text", "url"),
    "country": ("text", "country-name"),
    "region": ("text", "address-level1"),
    "postal_code": ("text", "postal-code"),
    "city": ("text", "address-level2"),
}

View = Callable[..., HttpResponse]


def embeddable(view: View) -> View:
    """Let the sites that a form names show the page in a frame, and nobody else."""

    @wraps(view)
    def wrapped(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponse:
        form = get_object_or_404(LeadForm.objects.select_related("source"), slug=slug)
        response = view(request, form, **kwargs)
        hosts = [host for host in form.frame_hosts if FRAME_HOST.fullmatch(host)]
        if hosts:
            response.frame_hosts = ["'self'", *hosts]
            response.xframe_options_exempt = True
        return response

    return wrapped


# The form is public and carries a nonce; a cookie would not reach it inside a frame.
@login_not_required
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@embeddable
def form(request: HttpRequest, form: LeadForm) -> HttpResponse:
    """Show the form, or take in what was filled in, whatever it is."""
    if not form.is_active or not form.source.is_active:
        return TemplateResponse(
            request, "routing/form_closed.html", {"lead_form": form}, status=503
        )
    if request.method != "POST":
        page = request.GET.get("page") or request.headers.get("Referer", "")
        seen = {PAGE: fold(page)[:500], EVENTS: request.GET.get(EVENTS, "")[:LONGEST_EVENTS]}
        return _show(request, form, values=seen)
    raw, too_large = _body(request)
    try:
        if too_large:
            raise Undecodable("too_large", "The body is too large for a form.")
        given = decode(raw, request.content_type or URLENCODED)
    except Undecodable as error:
        _keep_broken(request, form, raw, [error.problem])
        return _show(request, form, values={}, broken=True, status=400)
    values = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in given.items()
    }
    answers = {name: values[name] for name in _names(form) if values.get(name, "").strip()}
    problems = _problems(form, answers)
    if problems:
        return _show(request, form, values=values, problems=problems, status=422)
    try:
        receipt = _receive(request, form, values, answers)
    except doors.SourceClosed:
        return TemplateResponse(
            request, "routing/form_closed.html", {"lead_form": form}, status=503
        )
    answer = redirect("form_thanks", slug=form.slug, public_id=receipt.submission.public_id)
    if "embed" in request.GET:
        answer["Location"] += "?embed=1"
    return answer


def _body(request: HttpRequest) -> tuple[bytes, bool]:
    """The raw body, or the beginning of one that is too large to be a form's."""
    try:
        return request.body, False
    except RequestDataTooBig:
        return request.read(doors.KEPT_OF_TOO_LARGE), True
    except UnreadablePostError:
        return b"", False


def _names(form: LeadForm) -> list[str]:
    return [question["name"] for question in form.fields]


def _trap(form: LeadForm) -> str:
    asked = set(_names(form))
    return next((name for name in TRAPS if name not in asked), "website_2")


def _problems(form: LeadForm, answers: Mapping[str, str]) -> dict[str, str]:
    """What the person should mend, by question; "" is about the whole."""
    required = tuple(question["name"] for question in form.fields if question.get("required"))
    found: dict[str, str] = {}
    try:
        normalise(answers, required=required)
    except Refused as refused:
        asked = set(_names(form))
        for problem in refused.problems:
            found.setdefault(problem.field if problem.field in asked else "", problem.message)
    for question in form.fields:
        name, choices = question["name"], question.get("choices")
        if choices and name in answers and answers[name] not in [str(one) for one in choices]:
            found.setdefault(name, _("Choose one of these."))
    return found


def _receive(
    request: HttpRequest, form: LeadForm, values: Mapping[str, str], answers: Mapping[str, str]
) -> doors.Receipt:
    told = {EVENTS: values[EVENTS]} if values.get(EVENTS, "").strip() else {}
    # Nobody could mend events in the form, so broken ones go on to quarantine with the rest.
    raw = json.dumps({**told, **answers}, ensure_ascii=False).encode()
    nonce = _nonce(values.get(NONCE, ""))
    arguments: dict[str, Any] = {
        "source": form.source,
        "form": form,
        "raw": raw,
        "content_type": "application/json",
        "at": database_now(),
        "mode": _mode(request),
        "context": {
            "page": fold(values.get(PAGE, ""))[:500],
            "campaign": fold(request.GET.get("utm_campaign", ""))[:120] or form.campaign,
            **({"looks_like_spam": True} if values.get(_trap(form), "").strip() else {}),
        },
    }
    try:
        return doors.receive(key=nonce, **arguments)
    except doors.KeyReused:
        # Somebody went back, changed something and sent it again: that is another message.
        return doors.receive(key=f"{nonce}-{fingerprint(raw)[:32]}", **arguments)


def _nonce(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return str(uuid.uuid4())


def _mode(request: HttpRequest) -> str:
    """Tests are for people who set forms up; whoever else asks for one is taken seriously."""
    wants = request.GET.get("test") == "1" and request.user.is_authenticated
    return Mode.TEST if wants and access.may_set_up(request.user) else ""


def _keep_broken(request: HttpRequest, form: LeadForm, raw: bytes, problems: list[Problem]) -> None:
    """Keep what nobody can read, where a person can look at it."""
    try:
        doors.receive(
            source=form.source,
            form=form,
            raw=raw,
            content_type=fold(request.content_type or URLENCODED),
            key=f"broken-{fingerprint(raw)}",
            at=database_now(),
            problems=problems,
        )
    except doors.DoorRefused:
        # A closed source keeps nothing; the person is told all the same.
        return


def _show(
    request: HttpRequest,
    form: LeadForm,
    *,
    values: Mapping[str, str],
    problems: Mapping[str, str] | None = None,
    broken: bool = False,
    status: int = 200,
) -> HttpResponse:
    problems = problems or {}
    return TemplateResponse(
        request,
        "routing/form.html",
        {
            "lead_form": form,
            "questions": _questions(form, values, problems),
            "problems": problems,
            "whole": problems.get("", ""),
            "broken": broken,
            "nonce": _nonce(values.get(NONCE, "")),
            "page_seen": values.get(PAGE, ""),
            "events": values.get(EVENTS, ""),
            "trap": _trap(form),
            "embedded": "embed" in request.GET,
            "is_test": _mode(request) == Mode.TEST,
        },
        status=status,
    )


def _questions(
    form: LeadForm, values: Mapping[str, str], problems: Mapping[str, str]
) -> Sequence[dict[str, Any]]:
    rows = []
    for question in form.fields:
        name = question["name"]
        choices = [str(one) for one in question.get("choices") or []]
        kind, autocomplete = INPUTS.get(name, ("text", ""))
        if name == "message":
            kind = "textarea"
        elif choices:
            kind = "radio" if len(choices) <= 3 else "select"
        rows.append(
            {
                "name": name,
                "label": question.get("label") or name.replace("_", " ").capitalize(),
                "required": bool(question.get("required")),
                "kind": kind,
                "autocomplete": autocomplete,
                "choices": choices,
                "value": values.get(name, ""),
                "error": problems.get(name, ""),
                "wide": kind in ("textarea", "radio"),
            }
        )
    return rows


@login_not_required
@require_GET
@embeddable
def thanks(request: HttpRequest, form: LeadForm, public_id: uuid.UUID) -> HttpResponse:
    """
    Thank, and name the rep as soon as there is one.

    Says the same of people who were known before and of those who were not.
    """
    submission = get_object_or_404(
        Submission.objects.select_related("lead__owner__user"), public_id=public_id, form=form
    )
    asked = _count(request.GET.get("n", ""))
    rep = _revealed(form, submission)
    waits = rep is None and form.reveals_rep and asked < POLLS
    template = "routing/_form_thanks.html" if request.htmx else "routing/form_thanks.html"
    return TemplateResponse(
        request,
        template,
        {
            "lead_form": form,
            "public_id": public_id,
            "rep": rep,
            "waits": waits,
            "next": asked + 1,
            "embedded": "embed" in request.GET,
        },
    )


def _count(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,4}", text) else 0


def _revealed(form: LeadForm, submission: Submission) -> Any:
    """The rep who will be in touch, if the form says so and there is one."""
    lead = submission.lead
    if not form.reveals_rep or lead is None or lead.place != Lead.Place.OWNER:
        return None
    if database_now() - submission.received_at > REVEALED_FOR:
        return None
    return lead.owner


@login_not_required
@require_GET
def embed(request: HttpRequest, slug: str) -> HttpResponse:
    """One small script that puts the form into the page which loads it."""
    lead_form = get_object_or_404(LeadForm, slug=slug, is_active=True)
    response = TemplateResponse(
        request,
        "routing/form_embed.js",
        {"lead_form": lead_form},
        content_type="application/javascript; charset=utf-8",
    )
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


urlpatterns = [
    path("f/<slug:slug>/", form, name="form"),
    path("f/<slug:slug>/embed.js", embed, name="form_embed"),
    path("f/<slug:slug>/thanks/<uuid:public_id>/", thanks, name="form_thanks"),
]
