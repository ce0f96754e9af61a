"""Companies: find one, look at it and its family, change it, name who holds it."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts import panels, rollups
from accounts.forms import AccountForm, OwnerForm
from accounts.models import Account, AccountOwner, Cover, Opportunity
from accounts.services import holders, ownership
from accounts.services.ownership import OwnerRefused
from reps import access, trail
from reps.due.clock import database_now
from reps.models import Rep, User
from reps.views.gates import set_up_only

PER_PAGE = 50
MOST_OF_A_FAMILY = 200


@set_up_only
def account_list(request: HttpRequest) -> HttpResponse:
    """Companies with who holds them, named there or above; search and filters."""
    today = database_now().date()
    query = request.GET.get("q", "").replace("\x00", "").strip()
    only = request.GET.get("only", "")
    role = request.GET.get("role", "")
    current = holders.on_day(today)
    accounts = Account.objects.select_related("parent")
    if query:
        accounts = accounts.filter(
            Q(name__icontains=query)
            | Q(domain__icontains=query)
            | Q(pk__in=_owned_by(query, today).values("account"))
        )
    if role in AccountOwner.Role.values:
        current = current.filter(role=role)
    if only == "named":
        accounts = accounts.filter(pk__in=current.values("account"))
    elif only == "unnamed":
        accounts = accounts.exclude(pk__in=current.values("account"))
    elif only == "changing":
        coming = AccountOwner.objects.filter(starts_on__gt=today)
        accounts = accounts.filter(pk__in=coming.values("account"))
    elif only == "covered":
        now = database_now()
        covers = Cover.objects.filter(starts_at__lte=now, ends_at__gt=now)
        accounts = accounts.filter(pk__in=covers.values("account"))
    page = Paginator(accounts, PER_PAGE).get_page(request.GET.get("page"))
    return TemplateResponse(
        request,
        "accounts/accounts.html",
        {
            "page": page,
            "rows": _with_holders(list(page), today),
            "query": query,
            "only": only,
            "role": role,
            "roles": AccountOwner.Role.choices,
            "onlys": ONLYS,
        },
    )


ONLYS = (
    ("", gettext_lazy("All")),
    ("named", gettext_lazy("With somebody named")),
    ("unnamed", gettext_lazy("With nobody named")),
    ("changing", gettext_lazy("With a change to come")),
    ("covered", gettext_lazy("Covered for now")),
)


def _with_holders(accounts: list[Account], today: date) -> list[dict[str, Any]]:
    """Accounts with their holders by role, in the order of the roles; a few statements."""
    effective = holders.effective([one.pk for one in accounts], today)
    reps = Rep.objects.select_related("user").in_bulk(
        {held.rep for roles in effective.values() for held in roles.values()}
    )
    return [
        {
            "account": account,
            "holders": [
                {
                    "rep": reps[held.rep],
                    "role": role,
                    "label": AccountOwner.Role(role).label,
                    "inherited": held.inherited,
                }
                for role in AccountOwner.Role.values
                if (held := effective[account.pk].get(role))
            ],
        }
        for account in accounts
    ]


def _owned_by(query: str, today: date) -> QuerySet[AccountOwner]:
    return holders.on_day(today).filter(
        Q(rep__user__first_name__icontains=query)
        | Q(rep__user__last_name__icontains=query)
        | Q(rep__user__username__icontains=query)
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
    now = database_now()
    today = now.date()
    owners = []
    family: list[dict[str, Any]] = []
    covers: list[Cover] = []
    if row is not None:
        owners = [
            {
                "row": one,
                "now": one.starts_on <= today and (one.ends_on is None or one.ends_on > today),
                "coming": one.starts_on > today,
            }
            for one in row.owners.exclude(ends_on=F("starts_on"))
            .select_related("rep__user")
            .order_by("-starts_on", "role", "-pk")
        ]
        family = _family(row, request.user, today)
        covers = list(
            row.covers.filter(ends_at__gt=now).select_related("rep__user", "stand_in__user")
        )
    failed = form.errors or (owner_form and owner_form.errors)
    return TemplateResponse(
        request,
        "accounts/account.html",
        {
            "account": row,
            "form": form,
            "owners": owners,
            "family": family,
            "family_columns": [*rollups.columns(), _("Open opportunities")],
            "covers": covers,
            "now": now,
            "inherited": [
                one for one in _with_holders([row], today)[0]["holders"] if one["inherited"]
            ]
            if row
            else [],
            "deals": row.opportunities.select_related("owner__user")[:20] if row else [],
            "owner_form": owner_form or OwnerForm(by=request.user, initial={"starts_on": today}),
            "panels": panels.drawn(request, row, at=now) if row else (),
            "at": now,
        },
        status=422 if failed else 200,
    )


def _family(account: Account, user: User, today: date) -> list[dict[str, Any]]:
    """
    The tree that an account stands in, each with its holders, and with the open leads and open
    opportunities of itself and all below it. At most `MOST_OF_A_FAMILY` accounts.
    """
    line = holders.ancestors([account.pk])[account.pk]
    top = line[-1] if line else account.pk
    below: dict[int, list[Account]] = {}
    members = list(Account.objects.filter(pk=top))
    level = [top]
    for _level in range(holders.DEEPEST):
        found = list(Account.objects.filter(parent__in=level).order_by("name", "pk"))
        found = found[: MOST_OF_A_FAMILY - len(members)]
        for one in found:
            below.setdefault(one.parent_id or 0, []).append(one)
        members += found
        level = [one.pk for one in found]
        if not level:
            break
    ids = [one.pk for one in members]
    if len(ids) < 2:
        return []
    held = {one["account"].pk: one["holders"] for one in _with_holders(members, today)}
    counts = [*rollups.counts(user, ids), _open_deals(ids)]
    rows: list[dict[str, Any]] = []

    def walk(one: Account, depth: int) -> list[int]:
        place = {
            "account": one,
            "depth": min(depth, 4),
            "here": one.pk == account.pk,
            "holders": held[one.pk],
        }
        rows.append(place)
        sums = [numbers.get(one.pk, 0) for numbers in counts]
        for child in below.get(one.pk, ()):
            for index, number in enumerate(walk(child, depth + 1)):
                sums[index] += number
        place["sums"] = sums
        return sums

    walk(members[0], 0)
    return rows


def _open_deals(accounts: list[int]) -> dict[int, int]:
    rows = Opportunity.objects.filter(account__in=accounts, state=Opportunity.State.OPEN)
    counts = rows.order_by().values("account").annotate(n=Count("pk"))
    return {one["account"]: one["n"] for one in counts}


@require_POST
@set_up_only
def owner_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back a change of holder that is yet to come."""
    holding = get_object_or_404(AccountOwner.objects.select_related("rep"), pk=pk)
    if not access.manages(request.user, holding.rep):
        raise PermissionDenied("Only whoever manages this rep may do this.")
    try:
        ownership.cancel_change(holding=holding, by=request.user, at=database_now())
    except OwnerRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Taken back. Who holds it now keeps it."))
    return redirect("account", holding.account_id)


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
    path("account-owners/<int:pk>/cancel/", owner_cancel, name="owner_cancel"),
]
