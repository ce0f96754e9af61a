"""
What every admin page is made of.

`TrackedAdmin` edits configuration: each row it writes, by form, inline or action, leaves one
history row and one audit event. `LedgerAdmin` is for looking; ledgers are written by
services. A change of state is a page that asks first (`ask`), then makes one service call.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, models, transaction
from django.forms.fields import InvalidJSONInput
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, TabularInline
from unfold.overrides import FORMFIELD_OVERRIDES_INLINE
from unfold.widgets import UnfoldAdminTextInputWidget

from reps import trail
from reps.due.clock import database_now
from reps.models import TrackedModel
from reps.plain import problem_with
from reps.services import configuration
from reps.services.people import PeopleRefused

EDITED, DELETED = "Edited in admin", "Deleted in admin"
# What history has room for.
LONGEST_REASON = 100


# What services refuse with; upper apps add theirs, for acts on a rep reach them by signals.
_refusals: list[type[Exception]] = [PeopleRefused]


def also_refuse(*kinds: type[Exception]) -> None:
    """Have these exceptions shown to the person who tried, instead of an error page."""
    _refusals.extend(kinds)


def moment(request: HttpRequest) -> datetime:
    """The moment of this request, read once from the database."""
    if not hasattr(request, "_moment"):
        request._moment = database_now()
    return request._moment


def in_words(error: Exception) -> str:
    """A refusal, fit for the person who tried."""
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    if isinstance(error, models.ProtectedError):
        return _("Something else still refers to this, so it stays.")
    if isinstance(error, IntegrityError):
        return _("This contradicts what is there already. Look again and retry.")
    return str(error)


class PlainJSONField(forms.JSONField):
    """JSON that both databases can store, whatever was typed."""

    def __init__(self, **options):
        # Whether it was changed is asked of the row, not of a copy in the page.
        super().__init__(**{**options, "show_hidden_initial": False})

    def to_python(self, value):
        try:
            found = super().to_python(value)
        except (ValueError, RecursionError) as error:
            # Too many digits, or nested deeper than any reader goes.
            raise ValidationError(_("This cannot be read as JSON.")) from error
        if problem := problem_with(found):
            raise ValidationError(problem)
        return found

    def bound_data(self, data, initial):
        # What cannot be used is shown as it was typed, not as what it stands for.
        if self.disabled or data is None:
            return super().bound_data(data, initial)
        try:
            self.to_python(data)
        except ValidationError:
            return InvalidJSONInput(data)
        return super().bound_data(data, initial)


class TrackedForm(forms.ModelForm):
    """Asks why, which is kept with the change."""

    change_reason = forms.CharField(
        label=gettext_lazy("Reason for the change"),
        required=False,
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Kept in the history, beside who and when."),
    )


class TrackedInline(TabularInline):
    """Rows that belong to a tracked row, saved one by one through the trail."""

    formfield_overrides = {
        **FORMFIELD_OVERRIDES_INLINE,
        models.JSONField: {
            **FORMFIELD_OVERRIDES_INLINE.get(models.JSONField, {}),
            "form_class": PlainJSONField,
        },
    }
    extra = 0
    show_change_link = False


class Refusing(ModelAdmin):
    """Shows what services refuse as a message, and never as an error page."""

    # By a name without a dot: Unfold looks the others up in the database when Django checks
    # itself, and before the first migration there is no table to look in.
    def has_act_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whether the person may do what the buttons do: whoever may change such rows."""
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    show_full_result_count = False

    def _or_say_why(self, request: HttpRequest, view: Callable[[], Any], back: str) -> Any:
        try:
            return view()
        except (
            *_refusals,
            ValidationError,
            models.ProtectedError,
            IntegrityError,
        ) as error:
            self.message_user(request, in_words(error), messages.ERROR)
            return redirect(back)

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        return self._or_say_why(
            request,
            lambda: super(Refusing, self).changeform_view(
                request, object_id, form_url, extra_context
            ),
            request.get_full_path(),
        )

    def delete_view(self, request, object_id, extra_context=None):
        return self._or_say_why(
            request,
            lambda: super(Refusing, self).delete_view(request, object_id, extra_context),
            self.address("changelist"),
        )

    def changelist_view(self, request, extra_context=None):
        if request.method != "POST":
            return super().changelist_view(request, extra_context)
        return self._or_say_why(
            request,
            lambda: super(Refusing, self).changelist_view(request, extra_context),
            request.get_full_path(),
        )

    def address(self, page: str, *args: Any) -> str:
        """The address of one of this model's admin pages."""
        meta = self.model._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)

    def ask(
        self,
        request: HttpRequest,
        object_id: str | None,
        *,
        title: str,
        explanation: str,
        button: str,
        do: Callable[[Any, dict[str, Any]], str],
        form_class: type[forms.Form] = forms.Form,
        **options: Any,
    ) -> HttpResponse:
        """
        Ask on a page of its own, then call `do(row, cleaned_data)` and show what it says.

        A refusal leaves the page as it is, with what was typed and why not.

        :raises Http404: for a row that this person may not see
        """
        row = None
        if object_id is not None:
            row = self.get_object(request, unquote(str(object_id)))
            if row is None:
                raise Http404
        back = self.address("change", row.pk) if row else self.address("changelist")
        form = form_class(request.POST if request.method == "POST" else None, **options)
        if form.is_valid():
            try:
                done = do(row, form.cleaned_data)
            except (*_refusals, ValidationError, IntegrityError) as error:
                form.add_error(None, in_words(error))
            else:
                self.message_user(request, done, messages.SUCCESS)
                return redirect(back)
        return TemplateResponse(
            request,
            "admin/act.html",
            {
                **self.admin_site.each_context(request),
                "title": title,
                "explanation": explanation,
                "button": button,
                "form": form,
                "opts": self.model._meta,
                "original": row,
                "back": back,
            },
        )


class HistoryPages(SimpleHistoryAdmin):
    """History for those who may see the row; looking only."""

    def history_form_view(self, request, object_id, version_id, extra_context=None):
        # simple-history would write an old version back on POST, button or not.
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied("History is for looking.")
        return super().history_form_view(request, object_id, version_id, extra_context)


class TrackedAdmin(HistoryPages, Refusing):
    """Configuration: one history row and one audit event for every row written."""

    form = TrackedForm
    formfield_overrides = {models.JSONField: {"form_class": PlainJSONField}}

    def get_fields(self, request, obj=None):
        fields = [name for name in super().get_fields(request, obj) if name != "change_reason"]
        if obj is not None and self.has_change_permission(request, obj):
            fields.append("change_reason")
        return fields

    def reason(self, form: forms.BaseForm) -> str:
        typed = (getattr(form, "cleaned_data", None) or {}).get("change_reason", "")
        return typed.strip() or EDITED

    def save_model(self, request, obj, form, change) -> None:
        if change and not set(form.changed_data) - {"change_reason"}:
            return
        trail.save(obj, by=request.user, at=moment(request), reason=self.reason(form))

    def save_formset(self, request, form, formset, change) -> None:
        rows = formset.save(commit=False)
        at, reason = moment(request), self.reason(form)
        for row in formset.deleted_objects:
            configuration.delete(row, by=request.user, at=at, reason=DELETED)
        for row in rows:
            self.save_inline(row, by=request.user, at=at, reason=reason)
        formset.save_m2m()

    def save_inline(self, row: TrackedModel, **acts: Any) -> None:
        trail.save(row, **acts)

    def delete_model(self, request, obj) -> None:
        configuration.delete(obj, by=request.user, at=moment(request), reason=DELETED)

    @transaction.atomic
    def delete_queryset(self, request, queryset) -> None:
        for row in queryset:
            configuration.delete(row, by=request.user, at=moment(request), reason=DELETED)


class LedgerAdmin(Refusing):
    """What services wrote, for looking."""

    list_per_page = 50
    list_disable_select_all = True

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


class TrackedLedgerAdmin(HistoryPages, LedgerAdmin):
    """A ledger with history: shown only of rows that the person may see now."""

    def history_view(self, request, object_id, extra_context=None):
        self._seen_or_404(request, object_id)
        return super().history_view(request, object_id, extra_context)

    def history_form_view(self, request, object_id, version_id, extra_context=None):
        self._seen_or_404(request, object_id)
        return super().history_form_view(request, object_id, version_id, extra_context)

    def _seen_or_404(self, request: HttpRequest, object_id: str) -> None:
        if self.get_object(request, unquote(object_id)) is None:
            raise Http404
