"""The set-up guide: from nothing to a first routed lead, each step with its real state."""

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_POST

from accounts.models import AccountOwner, Territory
from reps.due.clock import database_now
from reps.models import Rep, Team, WorkCalendar
from reps.views.gates import set_up_only
from routing import organisation, setup_guide
from routing.models import Lead, LeadForm, Organisation, Pool, Queue, RuleSet
from routing.models.source import Mode
from routing.organisation import SetUpRefused
from routing.qualify import segments
from routing.rules import lifecycle
from routing.setup_forms import OrganisationForm, OrganisationSettingsForm
from routing.setup_guide import State, Step
from routing.views import pools, sources, starters
from routing.visibility import visible_leads


@set_up_only
def guide(request: HttpRequest) -> HttpResponse:
    """Every step with its state, the next one marked, and where the last test lead went."""
    rows, next_found, done = [], False, set()
    for step in setup_guide.steps():
        state = step.look()
        missing = [need for need in step.needs if need not in done]
        if state.done:
            done.add(step.key)
        is_next = not state.done and not step.optional and not missing and not next_found
        next_found = next_found or is_next
        rows.append(
            {
                "step": step,
                "state": state,
                "next": is_next,
                "ready": not missing,
                "links": _links(step),
            }
        )
    wanted = [row for row in rows if not row["step"].optional]
    test_leads = visible_leads(request.user).filter(mode=Mode.TEST)
    return TemplateResponse(
        request,
        "routing/setup.html",
        {
            "at": database_now(),
            "rows": rows,
            "done": sum(row["state"].done for row in wanted),
            "all": len(wanted),
            "organisation": Organisation.objects.first(),
            "test_forms": LeadForm.objects.filter(is_active=True, source__is_active=True),
            "test_leads": test_leads.select_related(
                "prospect", "owner__user", "queue", "responsible"
            ).order_by("-received_at")[:5],
        },
    )


def _links(step: Step) -> list[tuple[str, str]]:
    found = []
    for words, name in step.links:
        try:
            found.append((words, reverse(name)))
        except NoReverseMatch:
            continue
    return found


@set_up_only
def organisation_page(request: HttpRequest) -> HttpResponse:
    """Make the organisation, or change its settings."""
    row = Organisation.objects.first()
    if row is None:
        form = OrganisationForm(request.POST or None)
    else:
        values = {
            "name": row.name,
            "responsible": row.responsible_id,
            "leadership": row.leadership_id,
            "decide_hours": max(1, row.request_timeout // 3600),
            "sticky_days": row.sticky_days,
            "approval_above": row.approval_above,
            "review_handover": row.review_handover,
            "dispute_hours": max(1, row.dispute_timeout // 3600),
            "named_inbound": row.named_inbound,
            "named_outbound": row.named_outbound,
            "segments": segments.written(row.segments),
        }
        form = OrganisationSettingsForm(request.POST or None, organisation=row, initial=values)
    if request.method == "POST" and form.is_valid():
        make = organisation.found if row is None else organisation.change
        try:
            made = make(**form.cleaned_data, by=request.user, at=database_now())
        except SetUpRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Saved %(name)s.") % {"name": made})
            return redirect("setup")
    return TemplateResponse(
        request,
        "routing/setup_organisation.html",
        {"form": form, "organisation": row},
        status=422 if form.errors else 200,
    )


@require_POST
@set_up_only
def pause_routing(request: HttpRequest) -> HttpResponse:
    """Stop deciding, or go on; leads keep coming in either way."""
    if not Organisation.objects.exists():
        return redirect("setup")
    if request.POST.get("do") == "resume":
        lifecycle.resume_routing(by=request.user, at=database_now())
        messages.success(request, _("Routing goes on, oldest leads first."))
    else:
        lifecycle.pause_routing(by=request.user, at=database_now())
        messages.warning(request, _("Routing is paused. Leads come in and wait."))
    return redirect("setup")


# --- The steps ---------------------------------------------------------------------------


def _many(count: int, one: str, many: str) -> State:
    return State(bool(count), f"{count} {one if count == 1 else many}" if count else "")


def _organisation() -> State:
    row = Organisation.objects.select_related("responsible").first()
    if row is None:
        return State(False)
    return State(
        True,
        _("%(name)s; %(who)s answers at the end") % {"name": row, "who": row.responsible.label},
    )


def _pools() -> State:
    filled = Pool.objects.annotate(
        size=Count("members", filter=Q(members__rep__is_active=True))
    ).filter(size__gt=0)
    return _many(filled.count(), _("pool with members"), _("pools with members"))


def _queues() -> State:
    number = Queue.objects.filter(pool__isnull=False).count()
    return _many(number, _("queue"), _("queues"))


def _rules() -> State:
    row = Organisation.objects.select_related("live_ruleset").first()
    if row is None or row.live_ruleset is None:
        waiting = RuleSet.objects.filter(state=RuleSet.State.DRAFT).first()
        return State(
            False, _("%(draft)s is a draft; publish it") % {"draft": waiting} if waiting else ""
        )
    number = row.live_ruleset.rules.count()
    return State(True, _("%(rules)s, %(n)s rules") % {"rules": row.live_ruleset, "n": number})


def _market() -> State:
    number = Territory.objects.filter(is_active=True).count()
    named = AccountOwner.objects.filter(ends_on__isnull=True).count()
    words = _("%(t)s territories, %(n)s named accounts") % {"t": number, "n": named}
    return State(bool(number or named), words if number or named else "")


def _first_lead() -> State:
    lead = (
        Lead.objects.filter(owner__isnull=False)
        .select_related("owner__user")
        .order_by("pk")
        .first()
    )
    if lead is None:
        return State(False)
    return State(True, _("a lead reached %(rep)s") % {"rep": lead.owner})


STEPS = (
    Step(
        "organisation",
        10,
        lazy("Your organisation"),
        lazy("Its name, a waiting room for new leads, and who answers for leads without an owner."),
        _organisation,
        links=((lazy("Set up"), "setup_organisation"),),
    ),
    Step(
        "hours",
        20,
        lazy("Working hours"),
        lazy("When people work, in their time zone. Leads and deadlines respect it."),
        lambda: _many(WorkCalendar.objects.count(), lazy("calendar"), lazy("calendars")),
        links=((lazy("Add hours"), "calendar_add"), (lazy("All"), "calendars")),
    ),
    Step(
        "team",
        30,
        lazy("A team"),
        lazy("A manager approves reassignments and is told of late leads."),
        lambda: _many(Team.objects.count(), lazy("team"), lazy("teams")),
        links=((lazy("Add a team"), "team_add"), (lazy("All"), "people")),
    ),
    Step(
        "reps",
        40,
        lazy("Reps"),
        lazy("Who owns leads, how many at most, and who backs whom up. Each is invited."),
        lambda: _many(Rep.objects.active().count(), lazy("rep"), lazy("reps")),
        links=((lazy("Add a rep"), "rep_add"), (lazy("All"), "people")),
        needs=("team",),
    ),
    Step(
        "pool",
        50,
        lazy("A pool"),
        lazy("Reps who take turns, each with a weight."),
        _pools,
        links=((lazy("Add a pool"), "pool_add"), (lazy("All"), "pools")),
        needs=("reps",),
    ),
    Step(
        "queue",
        60,
        lazy("A queue to claim from"),
        lazy("What nobody could take waits there until a member of its pool claims it."),
        lambda: _many(
            Queue.objects.filter(pool__isnull=False).count(), lazy("queue"), lazy("queues")
        ),
        links=((lazy("Add a queue"), "queue_add"), (lazy("All"), "queues")),
        needs=("pool",),
    ),
    Step(
        "form",
        70,
        lazy("A form on your website"),
        lazy("A link, or one line to paste into your page. An API key works too."),
        lambda: _many(LeadForm.objects.filter(is_active=True).count(), lazy("form"), lazy("forms")),
        links=((lazy("Add a form"), "leadform_add"), (lazy("Sources and forms"), "sources")),
    ),
    Step(
        "rules",
        80,
        lazy("Rules"),
        lazy("Who gets which lead. Take a template; change it whenever you like."),
        _rules,
        links=((lazy("Take a template"), "setup_rules"), (lazy("All rules"), "rules")),
        needs=("organisation", "pool", "queue"),
    ),
    Step(
        "territories",
        95,
        lazy("Territories and named accounts"),
        lazy("Parts of the market with an owner, and companies that belong to somebody."),
        _market,
        links=((lazy("Territories"), "territories"), (lazy("Accounts"), "accounts")),
        optional=True,
    ),
    Step(
        "first_lead",
        100,
        lazy("A first lead"),
        lazy("Fill in your form as a test and see where the lead goes, and why."),
        _first_lead,
        needs=("rules", "form"),
    ),
)
for _step in STEPS:
    setup_guide.register(_step)


urlpatterns = [
    path("setup/", guide, name="setup"),
    path("setup/organisation/", organisation_page, name="setup_organisation"),
    path("setup/pause/", pause_routing, name="setup_pause"),
    *pools.urlpatterns,
    *sources.urlpatterns,
    *starters.urlpatterns,
]
