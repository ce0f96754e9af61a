"""People, their time and the system's own ledgers in the admin."""

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import models, transaction
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSplitDateTimeWidget, UnfoldAdminTextInputWidget

from reps import (
    access,
    admin_operation,  # noqa: F401 - registers itself
    admin_trail,  # noqa: F401 - registers itself
    trail,
)
from reps.admin_base import (
    LONGEST_REASON,
    LedgerAdmin,
    TrackedAdmin,
    TrackedForm,
    TrackedInline,
    moment,
)
from reps.models import (
    Absence,
    AuditHead,
    BusyTime,
    CalendarFeed,
    ChannelChoice,
    Delivery,
    Heartbeat,
    Message,
    NotificationPreference,
    PushSubscription,
    Rep,
    RepSkill,
    RosterStamp,
    Skill,
    Team,
    User,
    WorkCalendar,
)
from reps.services import people

admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    """
    Who can sign in. Closed by “active”, never deleted.

    Managers and RevOps need “staff status” to enter the admin; whoever makes their user
    ticks it. Reps need none: their pages are outside of the admin.
    """

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "first_name", "last_name", "email", "is_active", "is_staff"]
    list_filter = ["groups", "is_active", "is_staff"]
    search_fields = ["username", "first_name", "last_name", "email"]
    ordering = ["username"]
    fieldsets = (
        *DjangoUserAdmin.fieldsets,
        (gettext_lazy("Preferences"), {"fields": ("time_zone", "away_until")}),
    )

    def has_view_permission(self, request, obj=None) -> bool:
        # Whoever sets up teams picks people by name; the pages about users stay closed.
        picks = request.path == reverse("admin:autocomplete") and access.may_set_up(request.user)
        return picks or super().has_view_permission(request, obj)

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    def delete_view(self, request, object_id, extra_context=None):
        self.message_user(
            request,
            _("People stay in the record of what they did. Untick “active” instead."),
            messages.ERROR,
        )
        return redirect("admin:reps_user_changelist")


@admin.register(Group)
class GroupAdmin(LedgerAdmin):
    """The four groups; their permissions are set by every migration, not by hand."""

    search_fields = ["name"]


@admin.register(Team)
class TeamAdmin(TrackedAdmin):
    list_display = ["name", "parent", "manager", "calendar"]
    list_select_related = ["parent", "manager", "calendar"]
    search_fields = ["name", "manager__first_name", "manager__last_name", "manager__username"]
    autocomplete_fields = ["parent", "manager", "deputy", "calendar"]


class RepForm(TrackedForm):
    def clean_backup(self):
        backup = self.cleaned_data.get("backup")
        if backup is not None and backup.pk == self.instance.pk:
            raise forms.ValidationError(_("Nobody can be their own backup."))
        if backup is not None and not backup.is_active:
            raise forms.ValidationError(_("This rep has left; choose one who is here."))
        return backup


class PauseForm(forms.Form):
    until = forms.SplitDateTimeField(
        label=gettext_lazy("Until (UTC; empty: until further notice)"),
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget,
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
    )


class LeaveForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget,
    )


class RepSkillInline(TrackedInline):
    model = RepSkill
    autocomplete_fields = ["skill"]


class AbsenceInline(TrackedInline):
    model = Absence
    fk_name = "rep"
    autocomplete_fields = ["delegate"]


@admin.register(Rep)
class RepAdmin(TrackedAdmin):
    """Reps. Pausing and leaving are announced, so they are acts with a page of their own."""

    form = RepForm
    list_display = ["user", "team", "role", "capacity", "is_active", "paused_at"]
    list_select_related = ["user", "team"]
    list_filter = ["is_active", "role", "team"]
    search_fields = ["user__first_name", "user__last_name", "user__username", "team__name"]
    autocomplete_fields = ["user", "team", "calendar", "backup"]
    readonly_fields = ["is_active", "paused_at", "paused_until", "pause_reason"]
    inlines = [RepSkillInline, AbsenceInline]
    actions_detail = ["pause", "resume", "deactivate", "reactivate"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("user", "team")

    def get_readonly_fields(self, request, obj=None):
        # A rep stays the same person.
        return [*self.readonly_fields, *(["user"] if obj else [])]

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    @transaction.atomic
    def save_model(self, request, obj, form, change) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        acts = {"by": request.user, "at": moment(request)}
        changed = set(form.changed_data) - {"change_reason", "capacity"}
        row = Rep.objects.select_for_update(no_key=True).get(pk=obj.pk)
        if changed:
            for name in changed:
                setattr(row, name, form.cleaned_data[name])
            trail.save(row, reason=self.reason(form), **acts)
        if "capacity" in form.changed_data:
            # Whoever waits for room must hear of it.
            people.set_capacity(rep=row, capacity=form.cleaned_data["capacity"], **acts)

    @action(description=gettext_lazy("Pause"), permissions=["act"])
    def pause(self, request, object_id):
        def do(rep, sent):
            people.pause(rep=rep, by=request.user, at=moment(request), **sent)
            return _("%(rep)s gets no new leads.") % {"rep": rep}

        return self.ask(
            request,
            object_id,
            title=_("Pause this rep?"),
            explanation=_("They keep the leads they hold and get no new ones."),
            button=_("Pause"),
            do=do,
            form_class=PauseForm,
        )

    @action(description=gettext_lazy("Resume"), permissions=["act"])
    def resume(self, request, object_id):
        def do(rep, sent):
            people.resume(rep=rep, by=request.user, at=moment(request))
            return _("%(rep)s gets leads again.") % {"rep": rep}

        return self.ask(
            request,
            object_id,
            title=_("Give this rep leads again?"),
            explanation=_("Leads that wait for them are looked at at once."),
            button=_("Resume"),
            do=do,
        )

    @action(description=gettext_lazy("Let go"), permissions=["act"])
    def deactivate(self, request, object_id):
        def do(rep, sent):
            people.deactivate(rep=rep, by=request.user, at=moment(request), driver="admin", **sent)
            return _("%(rep)s has left; their leads are being placed anew.") % {"rep": rep}

        return self.ask(
            request,
            object_id,
            title=_("Let this rep go?"),
            explanation=_("They get no more leads, and everything they hold is placed anew."),
            button=_("Let go"),
            do=do,
            form_class=LeaveForm,
        )

    @action(description=gettext_lazy("Take back in"), permissions=["act"])
    def reactivate(self, request, object_id):
        def do(rep, sent):
            people.reactivate(rep=rep, by=request.user, at=moment(request))
            return _("%(rep)s is back.") % {"rep": rep}

        return self.ask(
            request,
            object_id,
            title=_("Take this rep back in?"),
            explanation=_("They get leads again, within their capacity."),
            button=_("Take back in"),
            do=do,
        )


@admin.register(Skill)
class SkillAdmin(TrackedAdmin):
    list_display = ["name", "slug", "category"]
    list_filter = ["category"]
    search_fields = ["name", "slug"]


@admin.register(RepSkill)
class RepSkillAdmin(TrackedAdmin):
    list_display = ["rep", "skill", "level", "review_on"]
    list_select_related = ["rep__user", "skill"]
    list_filter = ["level"]
    search_fields = ["rep__user__first_name", "rep__user__last_name", "skill__name"]
    autocomplete_fields = ["rep", "skill"]


@admin.register(WorkCalendar)
class WorkCalendarAdmin(TrackedAdmin):
    list_display = ["name", "time_zone", "holiday_country", "holiday_region"]
    search_fields = ["name", "time_zone"]


@admin.register(Absence)
class AbsenceAdmin(TrackedAdmin):
    list_display = ["rep", "starts_at", "ends_at", "delegate", "cover", "reason"]
    list_select_related = ["rep__user", "delegate__user"]
    list_filter = ["cover"]
    search_fields = ["rep__user__first_name", "rep__user__last_name", "reason"]
    autocomplete_fields = ["rep", "delegate"]


@admin.register(CalendarFeed)
class CalendarFeedAdmin(TrackedAdmin):
    """Calendars that are read. Each is connected on its rep's page; the address is a secret."""

    list_display = ["rep", "host", "is_active", "fetched_at", "failures"]
    list_select_related = ["rep__user"]
    list_filter = ["is_active"]
    search_fields = ["rep__user__first_name", "rep__user__last_name"]
    exclude = ["url", "next_fetch_at", "etag", "modified"]
    readonly_fields = ["rep", "host", "fetched_at", "failures", "error"]

    def has_add_permission(self, request) -> bool:
        return False


# --- Ledgers ----------------------------------------------------------------------------


@admin.register(BusyTime)
class BusyTimeAdmin(LedgerAdmin):
    """What calendars say is taken, replaced at every reading."""

    list_display = ["feed", "kind", "starts_at", "ends_at"]
    list_select_related = ["feed__rep__user"]
    list_filter = ["kind"]
    search_fields = ["feed__rep__user__first_name", "feed__rep__user__last_name"]


@admin.register(Message)
class MessageAdmin(LedgerAdmin):
    """The outbox. Managers see what went to them and to the reps they manage."""

    list_display = ["key", "kind", "recipient", "state", "due_at", "attempts"]
    list_select_related = ["recipient"]
    list_filter = ["state", "kind"]
    search_fields = ["key", "recipient__username"]

    def get_queryset(self, request):
        rows = super().get_queryset(request).select_related("recipient")
        if access.is_revops(request.user):
            return rows
        theirs = models.Q(recipient=request.user)
        return rows.filter(
            theirs | models.Q(recipient__rep__team__in=access.teams_of(request.user))
        )


@admin.register(Delivery)
class DeliveryAdmin(LedgerAdmin):
    """Every attempt to hand a message over. Managers see those of the messages they see."""

    list_display = ["message", "channel", "at", "outcome", "seconds", "detail"]
    list_select_related = ["message"]
    list_filter = ["channel", "outcome"]
    search_fields = ["message__key", "message__recipient__username"]
    # What would have been sent may hold personal data; the outbox shows it to who may see it.
    exclude = ["body"]

    def get_queryset(self, request):
        rows = super().get_queryset(request).select_related("message__recipient")
        if access.is_revops(request.user):
            return rows
        theirs = models.Q(message__recipient=request.user)
        return rows.filter(
            theirs | models.Q(message__recipient__rep__team__in=access.teams_of(request.user))
        )


@admin.register(ChannelChoice)
class ChannelChoiceAdmin(LedgerAdmin):
    """Everybody sets their own; the address of a webhook is a secret."""

    list_display = ["user", "channel", "mode", "place"]
    list_select_related = ["user"]
    list_filter = ["channel", "mode"]
    search_fields = ["user__username"]
    exclude = ["address"]


@admin.register(PushSubscription)
class PushSubscriptionAdmin(LedgerAdmin):
    """Everybody adds and forgets their own devices; their keys and addresses are secrets."""

    list_display = ["device", "user", "created_at", "last_sent_at"]
    list_select_related = ["user"]
    search_fields = ["user__username", "device"]
    exclude = ["endpoint", "p256dh", "auth"]


@admin.register(NotificationPreference)
class NotificationPreferenceAdmin(LedgerAdmin):
    """Everybody sets their own."""

    list_display = ["user", "quiet_from", "quiet_until", "urgent_when_quiet"]
    list_select_related = ["user"]
    search_fields = ["user__username"]


@admin.register(Heartbeat)
class HeartbeatAdmin(LedgerAdmin):
    list_display = ["name", "at", "max_age"]
    search_fields = ["name"]


@admin.register(AuditHead)
class AuditHeadAdmin(LedgerAdmin):
    list_display = ["chain", "seq"]
    search_fields = ["chain"]


@admin.register(RosterStamp)
class RosterStampAdmin(LedgerAdmin):
    list_display = ["version"]
    search_fields = ["version"]
