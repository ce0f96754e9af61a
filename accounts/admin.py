"""The market in the admin."""

from django.contrib import admin

from accounts.models import (
    Account,
    AccountKey,
    AccountOwner,
    Cover,
    Opportunity,
    Territory,
    TerritoryBackup,
    TerritoryImport,
)
from accounts.models.territory import text_list
from reps.admin_base import LedgerAdmin, TrackedAdmin, TrackedForm, TrackedInline


class AccountForm(TrackedForm):
    def clean_aliases(self):
        aliases = self.cleaned_data.get("aliases") or []
        text_list(aliases)
        return aliases

    def clean_further_domains(self):
        found = self.cleaned_data.get("further_domains") or []
        text_list(found)
        return found


class AccountOwnerInline(TrackedInline):
    model = AccountOwner
    autocomplete_fields = ["rep"]


@admin.register(Account)
class AccountAdmin(TrackedAdmin):
    form = AccountForm
    list_display = ["name", "domain", "parent", "country", "employees", "is_active"]
    list_select_related = ["parent"]
    list_filter = ["is_active"]
    search_fields = ["name", "domain", "external_id"]
    autocomplete_fields = ["parent"]
    inlines = [AccountOwnerInline]


@admin.register(AccountOwner)
class AccountOwnerAdmin(TrackedAdmin):
    list_display = ["account", "rep", "role", "starts_on", "ends_on"]
    list_select_related = ["account", "rep__user"]
    list_filter = ["role"]
    search_fields = ["account__name", "rep__user__first_name", "rep__user__last_name"]
    autocomplete_fields = ["account", "rep"]


@admin.register(Opportunity)
class OpportunityAdmin(TrackedAdmin):
    list_display = ["name", "account", "owner", "state", "value", "opened_at"]
    list_select_related = ["account", "owner__user"]
    list_filter = ["state"]
    search_fields = ["name", "account__name"]
    autocomplete_fields = ["account", "owner"]


class TerritoryBackupInline(TrackedInline):
    model = TerritoryBackup
    autocomplete_fields = ["rep"]


@admin.register(Territory)
class TerritoryAdmin(TrackedAdmin):
    list_display = ["name", "parent", "owner", "backup", "rank", "is_active"]
    list_select_related = ["parent", "owner__user", "backup__user"]
    list_filter = ["is_active"]
    search_fields = ["name"]
    autocomplete_fields = ["parent", "owner", "backup"]
    inlines = [TerritoryBackupInline]


@admin.register(TerritoryBackup)
class TerritoryBackupAdmin(TrackedAdmin):
    list_display = ["territory", "rep", "position"]
    list_select_related = ["territory", "rep__user"]
    search_fields = ["territory__name", "rep__user__first_name", "rep__user__last_name"]
    autocomplete_fields = ["territory", "rep"]


@admin.register(TerritoryImport)
class TerritoryImportAdmin(LedgerAdmin):
    """Files of territories: when, by whom, what they did."""

    list_display = ["file_name", "created_by", "created_at", "applied_at", "said"]
    list_select_related = ["created_by"]
    search_fields = ["file_name"]


@admin.register(Cover)
class CoverAdmin(TrackedAdmin):
    list_display = ["__str__", "what", "starts_at", "ends_at", "moved_at", "returned_at"]
    list_select_related = ["account", "territory", "rep__user", "stand_in__user"]
    list_filter = ["what"]
    search_fields = ["account__name", "territory__name", "stand_in__user__last_name"]
    autocomplete_fields = ["account", "territory", "rep", "stand_in"]


@admin.register(AccountKey)
class AccountKeyAdmin(LedgerAdmin):
    """Derived from names and domains by every save of an account."""

    list_display = ["account", "kind", "value"]
    list_select_related = ["account"]
    list_filter = ["kind"]
    search_fields = ["value", "account__name"]
