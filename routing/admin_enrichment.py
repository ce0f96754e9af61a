"""Enrichment in the admin: to look at; it is set up on its own pages."""

from django.contrib import admin

from reps.admin_base import LedgerAdmin, TrackedLedgerAdmin
from routing.admin_ledgers import OfVisibleLeads
from routing.models import (
    Enquiry,
    Enrichment,
    EnrichmentProvider,
    FieldCheck,
    LateFinding,
    ProviderAnswer,
    ProviderBreaker,
)


@admin.register(EnrichmentProvider)
class EnrichmentProviderAdmin(TrackedLedgerAdmin):
    list_display = ["name", "kind", "is_active", "position", "timeout", "ttl_days"]
    list_filter = ["kind", "is_active"]
    search_fields = ["name", "slug"]


@admin.register(ProviderBreaker)
class ProviderBreakerAdmin(LedgerAdmin):
    list_display = ["provider", "state", "failures", "opens", "until", "changed_at"]
    list_select_related = ["provider"]
    list_filter = ["state"]
    search_fields = ["provider__name"]


@admin.register(ProviderAnswer)
class ProviderAnswerAdmin(LedgerAdmin):
    list_display = ["id", "provider", "fetched_at", "expires_at"]
    list_select_related = ["provider"]
    list_filter = ["provider"]
    search_fields = ["=id", "provider__name"]
    # About whom it is, and what it says of them, stands on the lead's page for who may see it.
    exclude = ["values", "key", "prospect"]


@admin.register(Enrichment)
class EnrichmentAdmin(OfVisibleLeads):
    list_display = ["lead", "made_at", "deadline_at", "settled_at", "recheck_at"]
    list_select_related = ["lead"]
    search_fields = ["=lead__id"]


@admin.register(Enquiry)
class EnquiryAdmin(OfVisibleLeads):
    list_display = ["id", "lead", "provider", "state", "attempts", "ms", "is_late", "made_at"]
    list_select_related = ["lead", "provider"]
    list_filter = ["state", "provider", "is_late"]
    search_fields = ["=lead__id", "provider__name"]


@admin.register(LateFinding)
class LateFindingAdmin(OfVisibleLeads):
    list_display = ["lead", "at", "changed", "providers", "fields", "rerouted_at"]
    list_select_related = ["lead"]
    list_filter = ["changed"]
    search_fields = ["=lead__id"]


@admin.register(FieldCheck)
class FieldCheckAdmin(OfVisibleLeads):
    list_display = ["lead", "field", "by", "at", "verdicts"]
    list_select_related = ["lead", "by"]
    list_filter = ["field"]
    search_fields = ["=lead__id", "field"]
