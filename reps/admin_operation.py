"""What the installation notes about itself, in the admin: for looking; pages have the verbs."""

from django.contrib import admin

from reps.admin_base import LedgerAdmin
from reps.models import Alarm, Hold, Routine, Strike


@admin.register(Hold)
class HoldAdmin(LedgerAdmin):
    list_display = ["kind", "since", "reason", "released_at", "released_by"]
    list_filter = ["kind"]
    list_select_related = ["released_by"]
    search_fields = ["reason"]


@admin.register(Alarm)
class AlarmAdmin(LedgerAdmin):
    list_display = ["text", "key", "since", "seen_at", "cleared_at"]
    search_fields = ["key", "text"]


@admin.register(Routine)
class RoutineAdmin(LedgerAdmin):
    list_display = ["name", "next_at", "last_at", "seconds", "failures", "driver"]
    search_fields = ["name"]


@admin.register(Strike)
class StrikeAdmin(LedgerAdmin):
    list_display = ["job", "row_id", "failures", "last_error", "last_at", "given_up_at"]
    list_filter = ["job"]
    search_fields = ["=row_id", "last_error"]
