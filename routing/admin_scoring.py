"""The score in the admin: to look at. Its pages change it."""

from django.contrib import admin

from reps.admin_base import LedgerAdmin
from routing.models import FunnelDefinition, LearntScore, ScoreModel, ScoreReview


@admin.register(ScoreModel)
class ScoreModelAdmin(LedgerAdmin):
    list_display = ["version", "state", "note", "published_at", "published_by"]
    list_select_related = ["published_by"]
    list_filter = ["state"]
    search_fields = ["=version", "note"]


@admin.register(FunnelDefinition)
class FunnelDefinitionAdmin(LedgerAdmin):
    list_display = ["kind", "version", "score_model", "marketing_by", "sales_by", "made_at"]
    list_select_related = ["score_model", "marketing_by", "sales_by"]
    list_filter = ["kind"]
    search_fields = ["=version", "text"]


@admin.register(LearntScore)
class LearntScoreAdmin(LedgerAdmin):
    list_display = ["version", "target", "horizon_days", "trained_at", "trained_by"]
    list_select_related = ["trained_by"]
    list_filter = ["target"]
    search_fields = ["=version"]


@admin.register(ScoreReview)
class ScoreReviewAdmin(LedgerAdmin):
    list_display = ["at", "score_model", "by", "note"]
    list_select_related = ["score_model", "by"]
    search_fields = ["note"]
