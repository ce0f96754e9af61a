"""What routing knows about a lead's past, for its time line."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from reps.models import User
from reps.trail import timeline
from reps.trail.history import tracked_fields
from reps.trail.timeline import Entry
from routing.engine import codec
from routing.models import Assignment, Decision, Lead, Outcome, ReassignmentRequest, Touch
from routing.models.assignment import Reason

# Columns that say nothing to a reader: the person stays apart, and the epoch is told by custody.
UNTOLD = {"id", "prospect_id", "owner_epoch"}
ICONS = {Reason.CLAIMED: "check", Reason.ESCALATED: "alert", Reason.ROUTED: "rules"}


def name_of(user: User | None) -> str:
    return user.label if user else str(_("System"))


def touches(lead: Lead) -> Iterable[Entry]:
    """What the person did, and what was done to reach them."""
    rows = lead.touches.select_related("source", "by").order_by("at", "pk")
    for touch in rows:
        if touch.kind == Touch.Kind.CONTACT:
            reached = touch.answers.get("reached")
            way = str(touch.answers.get("way", "")).lower()
            title = (_("Reached by %s") if reached else _("Tried by %s")) % way
            yield Entry(touch.at, "touches", title, touch.text, name_of(touch.by), "phone")
        elif touch.kind == Touch.Kind.SIGNAL:
            title = _("Showed interest: %s") % touch.name.replace("_", " ")
            yield Entry(touch.at, "touches", title, str(touch.source or ""), "", "bolt")
        else:
            title = f"{touch.get_kind_display()}"
            if touch.source:
                title = f"{title}: {touch.source}"
            detail = " · ".join(part for part in (touch.text, touch.page_url) if part)
            yield Entry(touch.at, "touches", title, detail, "", "page")


def decisions(lead: Lead) -> Iterable[Entry]:
    """What the rules answered, in words."""
    rows = lead.decisions.select_related("rule", "rep__user", "batch__ruleset").order_by("pk")
    for decision in rows:
        yield Entry(
            at=decision.decided_at,
            kind="decisions",
            title=_answer(decision),
            detail=_grounds(decision),
            actor=str(_("System")),
            icon="rules",
            state="risk" if decision.outcome == Decision.Outcome.PARK else "",
        )


def _answer(decision: Decision) -> str:
    answers = {
        Decision.Outcome.ASSIGN: _("Decided: to %(rep)s"),
        Decision.Outcome.QUEUE: _("Decided: to a queue"),
        Decision.Outcome.NURTURE: _("Decided: to nurture"),
        Decision.Outcome.PARK: _("Decided: nobody can take it yet"),
    }
    text = answers[Decision.Outcome(decision.outcome)] % {"rep": decision.rep}
    return text if decision.applied else _("%s (shadow, not done)") % text


def _grounds(decision: Decision) -> str:
    version, asked = decision.batch.ruleset, decision.batch.asked
    if asked is not None:
        words = [_("Escalation: %(what)s.") % {"what": asked["name"]}]
    elif decision.rule is None:
        return _("No rule of %(version)s matched.") % {"version": version}
    else:
        words = [
            _("Rule %(n)s “%(rule)s” of %(version)s.")
            % {"n": decision.rule.position, "rule": decision.rule, "version": version}
        ]
    answer = codec.decode_decision(decision.body.encode())
    if answer.charges:
        words.append(_("%(n)s could take it.") % {"n": len(answer.charges)})
    if answer.drops:
        dropped = ", ".join(
            f"{count} {verdict.replace('_', ' ')}" for verdict, count in answer.drops
        )
        words.append(_("Set aside: %(why)s.") % {"why": dropped})
    return " ".join(words)


def custody(lead: Lead) -> Iterable[Entry]:
    """Every change of place and owner, and how long each hold lasted."""
    rows = lead.assignments.select_related("rep__user", "from_rep__user", "queue", "by")
    for one in rows.order_by("epoch"):
        yield Entry(
            at=one.started_at,
            kind="custody",
            title=f"{came_from(one)} → {went_to(one)}",
            detail=" · ".join(
                part
                for part in (str(one.get_reason_code_display()), one.reason, one.driver)
                if part
            ),
            actor=name_of(one.by),
            icon=ICONS.get(one.reason_code, "swap"),
            state="breach" if one.reason_code == Reason.ESCALATED else "",
        )


def came_from(one: Assignment) -> str:
    """Who or what held the lead before, as a name."""
    return str(one.from_rep or one.get_from_place_display())


def went_to(one: Assignment) -> str:
    """Who or what holds the lead from here on, as a name."""
    return str(one.rep or one.queue or one.get_place_display())


def requests(lead: Lead) -> Iterable[Entry]:
    """What reps asked about it, and what was answered."""
    rows = lead.requests.select_related("requested_by__user", "wanted__user", "decided_by")
    for one in rows.order_by("requested_at", "pk"):
        wanted = _("to %(rep)s") % {"rep": one.wanted} if one.wanted else ""
        yield Entry(
            one.requested_at,
            "requests",
            _("Asked to pass it on %(wanted)s") % {"wanted": wanted},
            one.reason,
            str(one.requested_by),
            "swap",
        )
        if one.state != ReassignmentRequest.State.PENDING:
            yield Entry(
                one.decided_at,
                "requests",
                _("Request: %(state)s") % {"state": one.get_state_display()},
                one.answer,
                name_of(one.decided_by),
                "check" if one.state == ReassignmentRequest.State.APPROVED else "x",
            )


def outcomes(lead: Lead) -> Iterable[Entry]:
    """What became of it."""
    for one in Outcome.objects.filter(lead=lead).select_related("by").order_by("at", "pk"):
        value = f"{one.value:,.2f}" if one.value is not None else ""
        yield Entry(one.at, "outcomes", str(one.get_kind_display()), value, name_of(one.by), "star")


# --- Field by field, from the model history ----------------------------------------------


def field_changes(lead: Lead) -> Iterable[Entry]:
    """What changed on the lead itself, column by column, as the model history kept it."""
    columns = [column for column in tracked_fields(Lead) if column.attname not in UNTOLD]
    rows = list(
        Lead.history.filter(id=lead.pk)
        .select_related("history_user")
        .order_by("history_date", "history_id")
    )
    names = _names(columns, rows)
    previous = None
    for row in rows:
        changes = tuple(
            (
                str(column.verbose_name),
                _spell(column, getattr(previous, column.attname), names),
                _spell(column, getattr(row, column.attname), names),
            )
            for column in columns
            if previous is not None
            and getattr(previous, column.attname) != getattr(row, column.attname)
        )
        if previous is None or changes:
            yield Entry(
                at=row.history_date,
                kind="fields",
                title=_("Lead came into being") if previous is None else _("Fields changed"),
                detail=(row.history_change_reason or "").replace("_", " ").lower(),
                actor=name_of(row.history_user),
                icon="edit",
                changes=changes,
            )
        previous = row


def _names(columns: list[models.Field], rows: list[Any]) -> dict[tuple[type, int], str]:
    """The names behind all the ids in these rows, one statement per model."""
    wanted: dict[type[models.Model], set[int]] = {}
    for column in columns:
        if column.is_relation:
            ids = {getattr(row, column.attname) for row in rows} - {None}
            wanted.setdefault(column.related_model, set()).update(ids)
    found = {}
    for model, ids in wanted.items():
        rows_of = model._default_manager.filter(pk__in=ids)
        if any(one.name == "user" for one in model._meta.fields):
            rows_of = rows_of.select_related("user")
        for one in rows_of if ids else ():
            found[model, one.pk] = one.label if isinstance(one, User) else str(one)
    return found


def _spell(column: models.Field, value: Any, names: Mapping[tuple[type, int], str]) -> str:
    if value is None or value == "":
        return "—"
    if column.is_relation:
        return names.get((column.related_model, value), f"#{value}")
    if column.choices:
        return str(dict(column.flatchoices).get(value, value))
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, datetime):
        local = timezone.localtime(value)
        return f"{date_format(local, 'j M Y')}, {local:%H:%M:%S}"
    if column.name == "score_parts":
        return ", ".join(f"{part[0]} {part[1]:+}" for part in value if len(part) == 2) or "—"
    return str(value)[:200]


timeline.register("touches", touches, place=10)
timeline.register("decisions", decisions, place=30)
timeline.register("custody", custody, place=50)
timeline.register("requests", requests, place=20)
timeline.register("outcomes", outcomes, place=40)
timeline.register("fields", field_changes, place=90)
