"""Realignments in the admin: to look at. They are written on their own pages."""

from django.contrib import admin

from accounts.models import PlannedTerritory, TerritoryPlan
from reps.admin_base import LedgerAdmin, TrackedLedgerAdmin
from routing.admin_ledgers import seen_leads
from routing.models import RealignedLead, Realignment, TerritoryStudy


@admin.register(TerritoryPlan)
class TerritoryPlanAdmin(TrackedLedgerAdmin):
    list_display = ["name", "state", "leads", "effective_at", "took_effect_at", "drafted_at"]
    list_filter = ["state", "leads"]
    search_fields = ["name", "reason"]


@admin.register(PlannedTerritory)
class PlannedTerritoryAdmin(TrackedLedgerAdmin):
    list_display = ["plan", "territory"]
    list_select_related = ["plan"]
    search_fields = ["plan__name"]


@admin.register(TerritoryStudy)
class TerritoryStudyAdmin(LedgerAdmin):
    list_display = ["id", "kind", "plan", "state", "done", "total", "asked_at"]
    list_select_related = ["plan"]
    list_filter = ["kind", "state"]
    search_fields = ["=id", "plan__name"]
    # Names leads that not everybody may see; the pages show what one may.
    exclude = ["progress", "result"]


@admin.register(Realignment)
class RealignmentAdmin(LedgerAdmin):
    list_display = ["plan", "is_back", "due_at", "ended_at"]
    list_select_related = ["plan"]
    search_fields = ["plan__name"]


@admin.register(RealignedLead)
class RealignedLeadAdmin(LedgerAdmin):
    list_display = ["plan", "lead", "from_rep", "to_rep", "state", "at"]
    list_select_related = ["plan", "lead", "from_rep__user", "to_rep__user"]
    list_filter = ["state"]
    search_fields = ["plan__name", "=lead__id"]

    def get_queryset(self, request):
        return super().get_queryset(request).filter(lead__in=seen_leads(request))
