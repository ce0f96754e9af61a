"""Policies in the admin; clocks and escalations to look at."""

from django import forms
from django.contrib import admin

from reps.admin_base import LedgerAdmin, TrackedAdmin, TrackedForm
from routing import engine
from routing.admin_ledgers import OfVisibleLeads
from routing.qualify.facts import KINDS
from sla.models import Clock, ClockHours, Escalation, Pause, PauseReason, Policy


class PolicyForm(TrackedForm):
    def clean_condition(self):
        condition = self.cleaned_data.get("condition") or {"all": []}
        try:
            engine.parse(condition, KINDS)
        except engine.InvalidPart as error:
            raise forms.ValidationError(str(error)) from error
        return condition


@admin.register(Policy)
class PolicyAdmin(TrackedAdmin):
    form = PolicyForm
    list_display = ["name", "metric", "position", "scope", "hours", "budget", "is_active"]
    list_filter = ["metric", "is_active"]
    search_fields = ["name"]


@admin.register(Clock)
class ClockAdmin(OfVisibleLeads):
    list_display = ["lead", "metric", "scope", "state", "holder", "due_at", "breached_at"]
    list_select_related = ["lead", "holder__user"]
    list_filter = ["state", "metric", "scope"]
    search_fields = ["=lead__id", "policy__name"]


@admin.register(Escalation)
class EscalationAdmin(OfVisibleLeads):
    list_display = ["lead", "action", "due_at", "fired_at", "driver", "effect"]
    list_select_related = ["lead"]
    list_filter = ["action"]
    search_fields = ["=lead__id", "effect"]


@admin.register(PauseReason)
class PauseReasonAdmin(TrackedAdmin):
    list_display = ["name", "longest", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["name"]


@admin.register(Pause)
class PauseAdmin(OfVisibleLeads):
    list_display = ["lead", "reason", "by", "started_at", "resume_at", "ended_at", "ended"]
    list_select_related = ["lead", "reason", "by"]
    list_filter = ["ended", "reason"]
    search_fields = ["=lead__id", "reason__name", "note"]


@admin.register(ClockHours)
class ClockHoursAdmin(LedgerAdmin):
    """The hours that clocks were started in, kept as they were."""

    list_display = ["digest"]
    search_fields = ["digest"]
