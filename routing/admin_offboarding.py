"""Offboarding in the admin: to look at."""

from django.contrib import admin

from reps.admin_base import LedgerAdmin
from routing.models import Offboarding, OffboardingItem
from routing.offboarding_forms import plans_of


@admin.register(Offboarding)
class OffboardingAdmin(LedgerAdmin):
    list_display = ["rep", "state", "effective_at", "successor", "reason", "planned_at", "done_at"]
    list_select_related = ["rep__user", "successor__user"]
    list_filter = ["state"]
    search_fields = ["rep__user__first_name", "rep__user__last_name", "reason"]

    def get_queryset(self, request):
        seen = plans_of(request.user).order_by().values("pk")
        return super().get_queryset(request).filter(pk__in=seen)


@admin.register(OffboardingItem)
class OffboardingItemAdmin(LedgerAdmin):
    list_display = ["offboarding", "kind", "label", "how", "to_rep", "to_user", "state", "note"]
    list_select_related = ["offboarding__rep__user", "to_rep__user", "to_user"]
    list_filter = ["state", "kind"]
    search_fields = ["label", "=offboarding__id"]

    def get_queryset(self, request):
        seen = plans_of(request.user).order_by().values("pk")
        return super().get_queryset(request).filter(offboarding__in=seen)
