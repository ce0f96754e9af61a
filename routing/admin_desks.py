"""Match reviews and disputes in the admin: for looking; deciding is their pages' business."""

from django.contrib import admin

from reps.admin_base import LedgerAdmin, TrackedLedgerAdmin
from routing.models import Dispute, MatchCandidate, MatchRefusal, MatchReview
from routing.visibility import visible_disputes, visible_reviews


@admin.register(MatchReview)
class MatchReviewAdmin(TrackedLedgerAdmin):
    list_display = ["lead", "state", "is_contest", "account", "opened_at", "decided_by"]
    list_select_related = ["lead", "account", "decided_by"]
    list_filter = ["state", "is_contest"]
    search_fields = ["=lead__id", "account__name", "reason"]

    def get_queryset(self, request):
        return visible_reviews(request.user)


class OfVisibleReviews(LedgerAdmin):
    """Rows about reviews: only of those that the person may see."""

    def get_queryset(self, request):
        seen = visible_reviews(request.user).order_by().values("pk")
        return super().get_queryset(request).filter(review__in=seen)


@admin.register(MatchCandidate)
class MatchCandidateAdmin(OfVisibleReviews):
    list_display = ["review", "position", "account", "confidence", "beaten_by"]
    list_select_related = ["review", "account"]
    search_fields = ["=review__lead__id", "account__name"]


@admin.register(MatchRefusal)
class MatchRefusalAdmin(OfVisibleReviews):
    list_display = ["review", "account"]
    list_select_related = ["review", "account"]
    search_fields = ["=review__lead__id", "account__name"]


@admin.register(Dispute)
class DisputeAdmin(TrackedLedgerAdmin):
    list_display = ["id", "kind", "lead", "account", "claimant", "holder", "state", "decide_by"]
    list_select_related = ["lead", "account", "claimant__user", "holder__user"]
    list_filter = ["state", "kind", "ground"]
    search_fields = ["=lead__id", "account__name", "claim", "ruling"]

    def get_queryset(self, request):
        return visible_disputes(request.user)
