"""Simulations in the admin: to look at."""

from django.contrib import admin
from django.db.models import Q

from reps.admin_base import LedgerAdmin
from routing.admin_ledgers import seen_leads
from routing.models import SimulatedLead, Simulation
from routing.simulation.work import visible_simulations


@admin.register(Simulation)
class SimulationAdmin(LedgerAdmin):
    list_display = ["id", "draft", "live", "since", "until", "state", "done", "total", "asked_at"]
    list_select_related = ["draft", "live"]
    list_filter = ["state"]
    search_fields = ["=id"]
    # An uploaded file may hold personal data; its rows are gone when the simulation ends.
    exclude = ["upload", "progress"]

    def get_queryset(self, request):
        seen = visible_simulations(request.user).order_by().values("pk")
        return super().get_queryset(request).filter(pk__in=seen)


@admin.register(SimulatedLead)
class SimulatedLeadAdmin(LedgerAdmin):
    list_display = ["simulation", "place", "lead", "agrees", "live_rep", "draft_rep", "moves"]
    list_select_related = ["simulation", "lead", "live_rep__user", "draft_rep__user"]
    list_filter = ["moves", "agrees"]
    search_fields = ["=simulation__id", "=lead__id"]

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        seen = visible_simulations(request.user).order_by().values("pk")
        leads = Q(lead__isnull=True) | Q(lead__in=seen_leads(request))
        return rows.filter(leads, simulation__in=seen)
