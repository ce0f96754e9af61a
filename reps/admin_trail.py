"""The trail's own rows in the admin: its seals, the database's log, how long things are kept."""

from django import forms
from django.contrib import admin
from django.utils.translation import gettext as _

from reps import retention
from reps.admin_base import LedgerAdmin, TrackedAdmin, TrackedForm
from reps.models import AuditAnchor, ChangeLog, RetentionRule


@admin.register(AuditAnchor)
class AuditAnchorAdmin(LedgerAdmin):
    list_display = ["day", "events", "root", "made_at"]
    search_fields = ["root"]


@admin.register(ChangeLog)
class ChangeLogAdmin(LedgerAdmin):
    list_display = ["id", "table_name", "row_id", "verb", "transaction", "at"]
    list_filter = ["verb"]
    search_fields = ["=row_id", "table_name"]


class RetentionForm(TrackedForm):
    def clean(self):
        sent = super().clean()
        kinds = {rule.kept.slug: rule.kept for rule in retention.rules()}
        kept = kinds.get(sent.get("what"))
        if kept is None:
            raise forms.ValidationError(
                _("Nothing is called that; there is: %(names)s.") % {"names": ", ".join(kinds)}
            )
        if sent.get("days") is not None and sent["days"] < kept.least_days:
            raise forms.ValidationError(
                _("At least %(n)s days; promises rely on them.") % {"n": kept.least_days}
            )
        return sent


@admin.register(RetentionRule)
class RetentionRuleAdmin(TrackedAdmin):
    form = RetentionForm
    list_display = ["what", "days", "is_active"]
    search_fields = ["what"]
