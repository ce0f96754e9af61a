"""Leads and the ledgers about them in the admin: for looking, and only what one may see."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from reps import access
from reps.admin_base import LedgerAdmin, TrackedLedgerAdmin, moment
from reps.models import AuditEvent, Rep
from routing import work
from routing.dedupe.deciding import visible_merges, visible_pairs
from routing.models import (
    Assignment,
    BalanceLine,
    Batch,
    Decision,
    Desk,
    DuplicatePair,
    DuplicatePolicy,
    Erasure,
    ImportJob,
    Lead,
    Merge,
    Outcome,
    PersonalFacts,
    PoolStanding,
    Prospect,
    ProspectKey,
    ProspectTrait,
    ReassignmentRequest,
    RepLoad,
    RosterSnapshot,
    RuleFinding,
    Submission,
    Touch,
)
from routing.visibility import (
    may_move,
    visible_disputes,
    visible_leads,
    visible_reps,
    visible_reviews,
)


def seen_leads(request):
    """The ids of the leads that a person may see."""
    return visible_leads(request.user).order_by().values("pk")


class MoveForm(forms.Form):
    """To whom, and why; the epoch says which state of affairs the person looked at."""

    epoch = forms.IntegerField(widget=forms.HiddenInput)
    to = forms.ModelChoiceField(
        label=gettext_lazy("To"), queryset=Rep.objects.none(), widget=UnfoldAdminSelectWidget
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=300, widget=UnfoldAdminTextInputWidget
    )

    def __init__(self, *args, reps, **options):
        super().__init__(*args, **options)
        self.fields["to"].queryset = reps


@admin.register(Lead)
class LeadAdmin(TrackedLedgerAdmin):
    list_display = ["id", "person", "place", "owner", "state", "tier", "score", "received_at"]
    list_select_related = ["prospect", "owner__user"]
    list_filter = ["place", "state", "tier", "mode"]
    search_fields = [
        "=id",
        "prospect__first_name",
        "prospect__last_name",
        "prospect__email",
        "prospect__company",
    ]
    readonly_fields = ["page"]
    actions_detail = ["reassign"]

    def get_queryset(self, request):
        return visible_leads(request.user).select_related("prospect", "owner__user")

    @admin.display(description=gettext_lazy("person"))
    def person(self, lead) -> str:
        return lead.prospect.name

    @admin.display(description=gettext_lazy("page"))
    def page(self, lead) -> str:
        return format_html('<a href="{}">{}</a>', reverse("lead", args=[lead.pk]), lead)

    def has_act_permission(self, request, object_id=None) -> bool:
        """Leads are moved by whoever may look at them; the service asks whose they are."""
        return request.user.has_perm("routing.view_lead")

    @action(description=gettext_lazy("Reassign"), permissions=["act"])
    def reassign(self, request, object_id):
        lead = self.get_object(request, object_id)
        if lead is not None and not may_move(request.user, lead):
            raise PermissionDenied

        def do(row, sent):
            work.move_by_hand(
                lead_id=row.pk, by=request.user, at=moment(request), driver="admin", **sent
            )
            return _("Lead given to %(rep)s.") % {"rep": sent["to"]}

        return self.ask(
            request,
            object_id,
            title=_("Give this lead to somebody else?"),
            explanation=_("The new owner is told; the reason is kept with the lead."),
            button=_("Reassign"),
            do=do,
            form_class=MoveForm,
            reps=visible_reps(request.user).filter(is_active=True),
            initial={"epoch": lead.owner_epoch if lead else 0},
        )


class OfVisibleLeads(LedgerAdmin):
    """Rows about leads: only of those that the person may see."""

    about = "lead"

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows.filter(**{f"{self.about}__in": seen_leads(request)})


@admin.register(Assignment)
class AssignmentAdmin(OfVisibleLeads):
    list_display = ["lead", "epoch", "place", "rep", "reason_code", "by", "driver", "started_at"]
    list_select_related = ["lead", "rep__user", "by"]
    list_filter = ["reason_code", "place", "driver"]
    search_fields = ["=lead__id", "reason"]


@admin.register(Decision)
class DecisionAdmin(OfVisibleLeads):
    list_display = ["id", "lead", "outcome", "rule", "rep", "decided_at"]
    list_select_related = ["lead", "rule", "rep__user"]
    list_filter = ["outcome", "applied"]
    search_fields = ["=lead__id", "rule__name"]


@admin.register(PersonalFacts)
class PersonalFactsAdmin(OfVisibleLeads):
    about = "decision__lead"
    list_display = ["decision"]
    list_select_related = ["decision"]
    search_fields = ["=decision__lead__id"]


@admin.register(Touch)
class TouchAdmin(OfVisibleLeads):
    list_display = ["lead", "kind", "at", "source", "by"]
    list_select_related = ["lead", "source", "by"]
    list_filter = ["kind"]
    search_fields = ["=lead__id"]


@admin.register(Outcome)
class OutcomeAdmin(OfVisibleLeads):
    list_display = ["lead", "kind", "value", "at", "by"]
    list_select_related = ["lead", "by"]
    list_filter = ["kind"]
    search_fields = ["=lead__id"]


@admin.register(ReassignmentRequest)
class ReassignmentRequestAdmin(OfVisibleLeads, TrackedLedgerAdmin):
    list_display = ["lead", "requested_by", "wanted", "state", "requested_at", "decided_by"]
    list_select_related = ["lead", "requested_by__user", "wanted__user", "decided_by"]
    list_filter = ["state"]
    search_fields = ["=lead__id", "reason"]


@admin.register(Submission)
class SubmissionAdmin(LedgerAdmin):
    """What came in; whoever sets up mends what became no lead, on the quarantine page."""

    list_display = ["public_id", "source", "state", "mode", "received_at", "lead"]
    list_select_related = ["source", "lead"]
    list_filter = ["state", "mode"]
    search_fields = ["=public_id", "idempotency_key", "=lead__id"]

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows.filter(Q(lead__isnull=True) | Q(lead__in=seen_leads(request)))


@admin.register(Prospect)
class ProspectAdmin(LedgerAdmin):
    list_display = ["name", "email", "company", "country", "created_at"]
    search_fields = ["first_name", "last_name", "email", "company"]

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        seen = visible_leads(request.user).order_by().values("prospect")
        return rows.filter(pk__in=seen)


@admin.register(Erasure)
class ErasureAdmin(LedgerAdmin):
    list_display = ["prospect_id", "at", "by", "reason", "ledgered_at"]
    list_select_related = ["by"]
    search_fields = ["=prospect__id", "reason"]


@admin.register(ProspectKey)
class ProspectKeyAdmin(LedgerAdmin):
    list_display = ["prospect", "kind", "value"]
    list_select_related = ["prospect"]
    list_filter = ["kind"]
    search_fields = ["value"]

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        seen = visible_leads(request.user).order_by().values("prospect")
        return rows.filter(prospect__in=seen)


@admin.register(ProspectTrait)
class ProspectTraitAdmin(LedgerAdmin):
    list_display = ["prospect", "value"]
    list_select_related = ["prospect"]
    search_fields = ["value"]

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        seen = visible_leads(request.user).order_by().values("prospect")
        return rows.filter(prospect__in=seen)


@admin.register(DuplicatePair)
class DuplicatePairAdmin(LedgerAdmin):
    list_display = ["id", "first_id", "second_id", "confidence", "state", "found_at"]
    list_filter = ["state"]
    search_fields = ["=first__id", "=second__id"]

    def get_queryset(self, request):
        shown = visible_pairs(request.user).order_by().values("pk")
        return super().get_queryset(request).filter(pk__in=shown)


@admin.register(Merge)
class MergeAdmin(LedgerAdmin):
    list_display = ["id", "loser_id", "winner_id", "at", "by", "undone_at"]
    list_select_related = ["by"]
    search_fields = ["=loser__id", "=winner__id"]
    # What was written over is the person's; their page shows it.
    exclude = ["fields"]

    def get_queryset(self, request):
        shown = visible_merges(request.user).order_by().values("pk")
        return super().get_queryset(request).filter(pk__in=shown)


@admin.register(DuplicatePolicy)
class DuplicatePolicyAdmin(TrackedLedgerAdmin):
    """For looking: it is changed on its page in the set-up."""

    list_display = ["version", "keeps", "tells", "when_away"]
    search_fields = ["=version"]


@admin.register(AuditEvent)
class AuditEventAdmin(LedgerAdmin):
    """The trail; what it says of leads, only of those that the person may see."""

    list_display = ["at", "subject", "subject_id", "kind", "actor_label", "reason_code"]
    list_filter = ["subject", "kind"]
    search_fields = ["=subject_id", "=chain", "reason_code", "actor_label"]

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        if access.is_revops(request.user):
            return rows
        leads = seen_leads(request)
        requests = ReassignmentRequest.objects.filter(lead__in=leads).order_by().values("pk")
        reviews = visible_reviews(request.user).order_by().values("pk")
        disputes = visible_disputes(request.user).order_by().values("pk")
        return rows.exclude(
            Q(subject="routing.lead") & ~Q(subject_id__in=leads)
            | Q(subject="routing.reassignmentrequest") & ~Q(subject_id__in=requests)
            | Q(subject="routing.matchreview") & ~Q(subject_id__in=reviews)
            | Q(subject="routing.dispute") & ~Q(subject_id__in=disputes)
        )


@admin.register(ImportJob)
class ImportJobAdmin(LedgerAdmin):
    list_display = ["file_name", "source", "mode", "state", "next_row", "rows", "created_at"]
    list_select_related = ["source"]
    list_filter = ["state"]
    search_fields = ["file_name"]
    exclude = ["content"]


# --- The engine's own books -------------------------------------------------------------


@admin.register(Batch)
class BatchAdmin(LedgerAdmin):
    list_display = ["id", "at", "size", "driver", "ruleset", "engine"]
    list_select_related = ["ruleset"]
    list_filter = ["driver"]
    search_fields = ["=id"]


@admin.register(RosterSnapshot)
class RosterSnapshotAdmin(LedgerAdmin):
    list_display = ["digest", "made_at"]
    search_fields = ["digest"]
    fields = ["digest", "made_at"]


@admin.register(Desk)
class DeskAdmin(LedgerAdmin):
    search_fields = ["name"]


@admin.register(PoolStanding)
class PoolStandingAdmin(LedgerAdmin):
    list_display = ["pool", "rep", "lane", "balance", "turn"]
    list_select_related = ["pool", "rep__user"]
    search_fields = ["pool__name"]


@admin.register(BalanceLine)
class BalanceLineAdmin(LedgerAdmin):
    list_display = ["pool", "rep", "lane", "kind", "units", "balance_after", "at", "by"]
    list_select_related = ["pool", "rep__user", "by"]
    list_filter = ["kind", "lane"]
    search_fields = ["pool__name", "rep__user__first_name", "rep__user__last_name", "reason"]

    def get_queryset(self, request):
        seen = visible_reps(request.user).order_by().values("pk")
        return super().get_queryset(request).filter(rep__in=seen)


@admin.register(RepLoad)
class RepLoadAdmin(LedgerAdmin):
    list_display = ["rep", "open", "seq"]
    list_select_related = ["rep__user"]
    search_fields = ["rep__user__username"]


@admin.register(RuleFinding)
class RuleFindingAdmin(LedgerAdmin):
    list_display = ["code", "message", "rule", "ruleset", "found_at", "gone_at", "told_at"]
    list_select_related = ["rule", "ruleset"]
    list_filter = ["is_error", "code"]
    search_fields = ["message", "rule__name"]
