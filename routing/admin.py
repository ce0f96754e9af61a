"""
Routing in the admin: the plan and the rules, which people edit. What services write is to
look at, in `routing.admin_ledgers`.
"""

from django import forms
from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from reps.admin_base import (
    TrackedAdmin,
    TrackedForm,
    TrackedInline,
    also_refuse,
    moment,
)
from routing import (
    admin_desks,  # noqa: F401 - registers itself
    admin_enrichment,  # noqa: F401 - registers itself
    admin_ledgers,  # noqa: F401 - registers itself
    admin_offboarding,  # noqa: F401 - registers itself
    admin_plans,  # noqa: F401 - registers itself
    admin_scoring,  # noqa: F401 - registers itself
    admin_simulations,  # noqa: F401 - registers itself
    engine,
    ownership,
    states,
    work,
)
from routing.models import (
    BalanceLine,
    GoldenLead,
    LeadForm,
    Limit,
    Organisation,
    Pool,
    PoolMember,
    PoolStanding,
    Queue,
    Rule,
    RuleSet,
    Source,
)
from routing.models.desk import NotSetUp
from routing.qualify.facts import KINDS
from routing.rules import golden, lifecycle

# Published rules are kept with their reason, which has room for 100 characters in all.
LONGEST_ROLLBACK_REASON = 80

also_refuse(
    work.WorkRefused,
    ownership.OwnershipRefused,
    states.WrongState,
    lifecycle.RulesRefused,
    engine.InvalidPart,
    NotSetUp,
)


def readable(read, value):
    """
    Return what the engine can read.

    :raises django.forms.ValidationError: pointing at the part
    """
    try:
        read(value)
    except engine.InvalidPart as error:
        raise forms.ValidationError(str(error)) from error
    return value


# --- The plan ---------------------------------------------------------------------------


@admin.register(Organisation)
class OrganisationAdmin(TrackedAdmin):
    list_display = ["name", "live_ruleset", "intake_queue", "responsible", "routing_paused_at"]
    list_select_related = ["live_ruleset", "intake_queue", "responsible"]
    search_fields = ["name"]
    autocomplete_fields = ["intake_queue", "responsible", "leadership"]
    readonly_fields = ["live_ruleset", "routing_paused_at", "routing_paused_by"]
    actions_detail = ["pause_routing", "resume_routing"]

    def has_add_permission(self, request) -> bool:
        return super().has_add_permission(request) and not Organisation.objects.exists()

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    @action(description=gettext_lazy("Pause routing"), permissions=["act"])
    def pause_routing(self, request, object_id):
        def do(row, sent):
            lifecycle.pause_routing(by=request.user, at=moment(request))
            return _("Routing is paused.")

        return self.ask(
            request,
            object_id,
            title=_("Pause routing?"),
            explanation=_("Leads keep coming in and wait. Nothing is lost."),
            button=_("Pause routing"),
            do=do,
        )

    @action(description=gettext_lazy("Resume routing"), permissions=["act"])
    def resume_routing(self, request, object_id):
        def do(row, sent):
            lifecycle.resume_routing(by=request.user, at=moment(request))
            return _("Routing goes on.")

        return self.ask(
            request,
            object_id,
            title=_("Resume routing?"),
            explanation=_("What waits is decided at once, oldest first."),
            button=_("Resume routing"),
            do=do,
        )


class PoolMemberInline(TrackedInline):
    model = PoolMember
    autocomplete_fields = ["rep"]
    readonly_fields = ["applied_weight", "weight_cause"]


@admin.register(Pool)
class PoolAdmin(TrackedAdmin):
    list_display = ["name", "territory"]
    list_select_related = ["territory"]
    search_fields = ["name", "territory__name"]
    autocomplete_fields = ["territory"]
    inlines = [PoolMemberInline]

    def get_deleted_objects(self, objs, request):
        # A pool takes its counters and its ledger along, which nobody deletes by themselves.
        listed, counts, needed, protected = super().get_deleted_objects(objs, request)
        own = {str(model._meta.verbose_name) for model in (BalanceLine, PoolStanding)}
        return listed, counts, needed - own, protected


@admin.register(PoolMember)
class PoolMemberAdmin(TrackedAdmin):
    list_display = ["rep", "pool", "weight", "applied_weight", "weight_cause", "position"]
    list_select_related = ["rep__user", "pool"]
    readonly_fields = ["applied_weight", "weight_cause", "above_band"]
    search_fields = ["pool__name", "rep__user__first_name", "rep__user__last_name"]
    autocomplete_fields = ["pool", "rep"]


@admin.register(Limit)
class LimitAdmin(TrackedAdmin):
    list_display = ["kind", "rep", "pool", "most", "window", "rolling", "tier"]
    list_select_related = ["rep__user", "pool"]
    list_filter = ["kind", "window", "tier"]
    search_fields = ["pool__name", "rep__user__first_name", "rep__user__last_name"]
    autocomplete_fields = ["rep", "pool"]


@admin.register(Queue)
class QueueAdmin(TrackedAdmin):
    list_display = ["name", "pool", "responsible", "max_unworked"]
    list_select_related = ["pool", "responsible"]
    search_fields = ["name", "pool__name"]
    autocomplete_fields = ["pool", "responsible"]


@admin.register(Source)
class SourceAdmin(TrackedAdmin):
    list_display = ["name", "slug", "channel", "mode", "is_active", "key_prefix"]
    list_filter = ["channel", "mode", "is_active"]
    search_fields = ["name", "slug"]


@admin.register(LeadForm)
class LeadFormAdmin(TrackedAdmin):
    list_display = ["title", "slug", "source", "is_active"]
    list_select_related = ["source"]
    search_fields = ["title", "slug"]
    autocomplete_fields = ["source"]


# --- Rules ------------------------------------------------------------------------------


class ReadableRule(forms.ModelForm):
    """A rule that the engine can read, in a draft."""

    def clean_condition(self):
        condition = self.cleaned_data.get("condition") or {"all": []}
        return readable(lambda value: engine.parse(value, KINDS), condition)

    def clean_path(self):
        return readable(engine.parse_path, self.cleaned_data.get("path"))

    def clean_ruleset(self):
        ruleset = self.cleaned_data["ruleset"]
        # An inline hands in the rule set's row, which its own permissions guard.
        if ruleset.state != RuleSet.State.DRAFT:
            raise forms.ValidationError(_("Published rules never change. Choose a draft."))
        return ruleset


class RuleForm(ReadableRule, TrackedForm):
    pass


def is_draft(row) -> bool:
    ruleset = row if isinstance(row, RuleSet) else row.ruleset
    return ruleset.state == RuleSet.State.DRAFT


class DraftOnly:
    """Published rules are for looking."""

    def has_change_permission(self, request, obj=None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or is_draft(obj))

    def has_delete_permission(self, request, obj=None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or is_draft(obj))


class RuleInline(DraftOnly, TrackedInline):
    model = Rule
    form = ReadableRule
    fields = ["position", "name", "condition", "path", "expires_at", "is_fallback"]
    ordering = ["position", "pk"]

    def has_add_permission(self, request, obj=None) -> bool:
        return super().has_add_permission(request, obj) and (obj is None or is_draft(obj))


class RollBackForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=LONGEST_ROLLBACK_REASON,
        widget=UnfoldAdminTextInputWidget,
    )


@admin.register(RuleSet)
class RuleSetAdmin(DraftOnly, TrackedAdmin):
    """Versions of the rules; a new one begins as a draft of the live one."""

    list_display = ["version", "state", "note", "published_at", "published_by"]
    list_select_related = ["published_by"]
    list_filter = ["state"]
    search_fields = ["=version", "note"]
    fields = [
        "version",
        "state",
        "note",
        "based_on",
        "created_by",
        "published_at",
        "published_by",
    ]
    readonly_fields = [
        "version",
        "state",
        "based_on",
        "created_by",
        "published_at",
        "published_by",
    ]
    inlines = [RuleInline]
    actions_list = ["new_draft"]
    actions_detail = ["publish", "roll_back"]

    def has_add_permission(self, request) -> bool:
        return False

    @action(description=gettext_lazy("New draft"), permissions=["act"])
    def new_draft(self, request):
        def do(row, sent):
            Organisation.get()
            made = lifecycle.draft(by=request.user, at=moment(request))
            return _("The draft is %(version)s.") % {"version": made}

        return self.ask(
            request,
            None,
            title=_("Make a draft?"),
            explanation=_("A copy of the live rules to work on; an open draft is kept."),
            button=_("Make a draft"),
            do=do,
        )

    @action(description=gettext_lazy("Publish"), permissions=["act"])
    def publish(self, request, object_id):
        def do(row, sent):
            lifecycle.publish(ruleset=row, by=request.user, at=moment(request))
            return _("%(version)s is live.") % {"version": row}

        return self.ask(
            request,
            object_id,
            title=_("Publish these rules?"),
            explanation=_("From now on every lead takes them. They never change again."),
            button=_("Publish"),
            do=do,
        )

    @action(description=gettext_lazy("Roll back to this"), permissions=["act"])
    def roll_back(self, request, object_id):
        def do(row, sent):
            lifecycle.roll_back(to=row, by=request.user, at=moment(request), **sent)
            return _("%(version)s is live again.") % {"version": row}

        return self.ask(
            request,
            object_id,
            title=_("Roll back to this version?"),
            explanation=_("It becomes live again; leads that are placed stay where they are."),
            button=_("Roll back"),
            do=do,
            form_class=RollBackForm,
        )


@admin.register(Rule)
class RuleAdmin(DraftOnly, TrackedAdmin):
    form = RuleForm
    list_display = ["name", "ruleset", "position", "is_fallback", "review_on"]
    list_select_related = ["ruleset"]
    list_filter = ["is_fallback"]
    search_fields = ["name", "=ruleset__version"]
    autocomplete_fields = ["ruleset", "owner"]


class GoldenLeadForm(TrackedForm):
    def clean_facts(self):
        return readable(golden.check_facts, self.cleaned_data.get("facts") or {})

    def clean_ruleset(self):
        ruleset = self.cleaned_data["ruleset"]
        if ruleset.state != RuleSet.State.DRAFT:
            raise forms.ValidationError(_("Published rules never change. Choose a draft."))
        return ruleset


@admin.register(GoldenLead)
class GoldenLeadAdmin(DraftOnly, TrackedAdmin):
    """Examples that a version must decide as written."""

    form = GoldenLeadForm
    list_display = ["name", "ruleset", "expect_rule", "expect_outcome"]
    list_select_related = ["ruleset"]
    search_fields = ["name", "=ruleset__version"]
    autocomplete_fields = ["ruleset", "expect_rep", "expect_pool", "expect_queue"]
