"""Companies: find one, look at it, change it, name its owner."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import panels
from accounts.forms import AccountForm, OwnerForm
from accounts.models import Account, AccountOwner
from accounts.services import ownership
from accounts.services.ownership import OwnerRefused
from reps import access, trail
from reps.due.clock import database_now
from reps.views.gates import set_up_only

PER_PAGE = 50


@set_up_only
def account_list(request: HttpRequest) -> HttpResponse:
    """Companies with their owners; search by name, domain or owner."""
    today = database_now().date()
    query = request.GET.get("q", "").replace("\x00", "").strip()
    only = request.GET.get("only", "")
    current = AccountOwner.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gt=today), starts_on__lte=today
    ).select_related("rep__user")
    accounts = Account.objects.select_related("parent").prefetch_related(
        Prefetch("owners", current, to_attr="current")
    )
    if query:
        accounts = accounts.filter(
            Q(name__icontains=query)
            | Q(domain__icontains=query)
            | Q(pk__in=_owned_by(query, today).values("account"))
        )
    if only == "named":
        accounts = accounts.filter(pk__in=current.values("account"))
    elif only == "unnamed":
        accounts = accounts.exclude(pk__in=current.values("account"))
    page = Paginator(accounts, PER_PAGE).get_page(request.GET.get("page"))
    return TemplateResponse(
        request, "accounts/accounts.html", {"page": page, "query": query, "only": only}
    )


def _owned_by(query: str, today):
    return AccountOwner.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gt=today),
        Q(rep__user__first_name__icontains=query)
        | Q(rep__user__last_name__icontains=query)
        | Q(rep__user__username__icontains=query),
        starts_on__lte=today,
    )


@set_up_only
def account_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a company."""
    row = None
    if pk is not None:
        row = get_object_or_404(Account.objects.select_related("parent"), pk=pk)
    form = AccountForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        trail.save(
            form.instance, by=request.user, at=database_now(), reason="edited" if pk else "created"
        )
        messages.success(request, _("Saved %(name)s.") % {"name": form.instance})
        return redirect("account", form.instance.pk)
    return _account_page(request, row, form=form)


def _account_page(
    request: HttpRequest,
    row: Account | None,
    *,
    form: AccountForm,
    owner_form: OwnerForm | None = None,
) -> HttpResponse:
    at = database_now()
    today = at.date()
    owners = []
    if row is not None:
        owners = [
            {
                "row": one,
                "now": one.starts_on <= today and (one.ends_on is None or one.ends_on > today),
            }
            for one in row.owners.select_related("rep__user").order_by("-starts_on", "role", "-pk")
        ]
    failed = form.errors or (owner_form and owner_form.errors)
    return TemplateResponse(
        request,
        "accounts/account.html",
        {
            "account": row,
            "form": form,
            "owners": owners,
            "deals": row.opportunities.select_related("owner__user")[:20] if row else [],
            "owner_form": owner_form or OwnerForm(by=request.user, initial={"starts_on": today}),
            "panels": panels.drawn(request, row, at=at) if row else (),
            "at": at,
        },
        status=422 if failed else 200,
    )


@require_POST
@set_up_only
def account_owner(request: HttpRequest, pk: int) -> HttpResponse:
    """Name who holds a company from a day on; the present holder ends then."""
    account = get_object_or_404(Account, pk=pk)
    form = OwnerForm(request.POST, by=request.user)
    if form.is_valid() and _may_take(request, account, form):
        try:
            ownership.set_owner(
                account=account, **form.cleaned_data, by=request.user, at=database_now()
            )
        except OwnerRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Saved who holds %(name)s.") % {"name": account})
            return redirect("account", pk)
    return _account_page(request, account, form=AccountForm(instance=account), owner_form=form)


def _may_take(request: HttpRequest, account: Account, form: OwnerForm) -> bool:
    """A manager takes no account away from another manager's rep."""
    present = account.owners.filter(
        role=form.cleaned_data["role"], ends_on__isnull=True
    ).select_related("rep__user", "rep__team")
    for one in present:
        if not access.manages(request.user, one.rep):
            form.add_error(
                None,
                _("%(rep)s holds it and is in another team; ask their manager or RevOps.")
                % {"rep": one.rep},
            )
            return False
    return True


urlpatterns = [
    path("accounts/", account_list, name="accounts"),
    path("accounts/new/", account_edit, name="account_add"),
    path("accounts/<int:pk>/", account_edit, name="account"),
    path("accounts/<int:pk>/owner/", account_owner, name="account_owner"),
]
