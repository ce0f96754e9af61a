"""
Who may do what: four groups, deny unless allowed.

| group   | may                                                                       |
|---------|---------------------------------------------------------------------------|
| admin   | everything, people and permissions included                               |
| revops  | see every lead; rules, policies, sources, forms; review and export        |
| manager | see and move the leads of their teams; set up people, territories, rules  |
| rep     | see and work their own leads, claim from their queues                     |

Page and API ask these functions; the admin asks Django's model permissions, which
`sync_groups` grants to the same groups.
"""

from collections.abc import Collection, Iterable, Mapping

from django.contrib.auth.models import Group, Permission

from reps.models import Rep, Team, User

ADMIN, MANAGER, REP, REVOPS = "admin", "manager", "rep", "revops"
GROUPS = (ADMIN, MANAGER, REP, REVOPS)

# What managers and RevOps set up; app label → models.
SET_UP: Mapping[str, tuple[str, ...]] = {
    "reps": (
        "team",
        "rep",
        "skill",
        "repskill",
        "workcalendar",
        "absence",
        "calendarfeed",
        "retentionrule",
    ),
    "accounts": ("account", "accountowner", "cover", "opportunity", "territory"),
    "routing": (
        "organisation",
        "pool",
        "poolmember",
        "limit",
        "queue",
        "ruleset",
        "rule",
        "goldenlead",
        "source",
        "leadform",
    ),
    "sla": ("policy", "pausereason"),
}
# What they look at but never edit in the admin: ledgers, and what services own.
LEDGERS: Mapping[str, tuple[str, ...]] = {
    "reps": (
        "auditevent",
        "auditanchor",
        "changelog",
        "message",
        "delivery",
        "heartbeat",
        "busytime",
        "hold",
        "alarm",
        "routine",
        "strike",
    ),
    "accounts": ("territoryplan", "plannedterritory"),
    "routing": (
        "territorystudy",
        "realignment",
        "realignedlead",
        "lead",
        "assignment",
        "balanceline",
        "decision",
        "batch",
        "erasure",
        "submission",
        "prospect",
        "touch",
        "duplicatepair",
        "duplicatepolicy",
        "merge",
        "outcome",
        "reassignmentrequest",
        "dispute",
        "matchcandidate",
        "matchrefusal",
        "matchreview",
        "importjob",
        "offboarding",
        "offboardingitem",
        "rulefinding",
        "simulation",
        "simulatedlead",
        "enrichmentprovider",
        "providerbreaker",
        "provideranswer",
        "enrichment",
        "enquiry",
        "latefinding",
        "fieldcheck",
        "scoremodel",
        "funneldefinition",
        "learntscore",
        "scorereview",
    ),
    "sla": ("clock", "escalation", "pause"),
}


def groups_of(user: User) -> frozenset[str]:
    """The groups of a person, read once per request."""
    cached = getattr(user, "_group_names", None)
    if cached is None:
        cached = frozenset(user.groups.values_list("name", flat=True))
        user._group_names = cached
    return cached


def is_admin(user: User) -> bool:
    return user.is_active and (user.is_superuser or ADMIN in groups_of(user))


def is_revops(user: User) -> bool:
    """Sees everything, owns the rules. Admins may too."""
    return is_admin(user) or (user.is_active and REVOPS in groups_of(user))


def is_manager(user: User) -> bool:
    """Leads a team. Admins may too."""
    return is_admin(user) or (user.is_active and MANAGER in groups_of(user))


def may_set_up(user: User) -> bool:
    """Sets up people, territories, rules and policies."""
    return is_manager(user) or is_revops(user)


def rep_of(user: User) -> Rep | None:
    """The rep that a person is, if they own leads."""
    return Rep.objects.select_related("user", "team").filter(user=user).first()


def teams_of(user: User, *, also: Collection[int] = ()) -> set[int]:
    """The teams that a person manages (and `also` these), those below them included."""
    parents = list(Team.objects.values_list("pk", "parent_id", "manager_id"))
    mine = {pk for pk, _, manager in parents if manager == user.pk} | set(also)
    grew = True
    while grew:
        below = {pk for pk, parent, _ in parents if parent in mine} - mine
        mine |= below
        grew = bool(below)
    return mine


def manages(user: User, rep: Rep) -> bool:
    """Whether a person may move, pause and resize this rep."""
    return is_admin(user) or is_revops(user) or rep.team_id in teams_of(user)


def sync_groups() -> None:
    """
    Create the four groups and give each the model permissions it needs in the admin.

    Runs after every migration, so that a new model cannot be left open or forgotten.
    """
    everything = Permission.objects.all()
    Group.objects.get_or_create(name=ADMIN)[0].permissions.set(everything)
    set_up = list(_permissions(SET_UP, ("view", "add", "change", "delete")))
    look = list(_permissions(LEDGERS, ("view",)))
    history = [p for p in everything if p.codename.startswith("view_historical")]
    for name in (MANAGER, REVOPS):
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set([*set_up, *look, *history])
    Group.objects.get_or_create(name=REP)[0].permissions.clear()


def _permissions(
    models: Mapping[str, tuple[str, ...]], verbs: Iterable[str]
) -> Iterable[Permission]:
    wanted = {
        (app, f"{verb}_{name}") for app, names in models.items() for name in names for verb in verbs
    }
    for permission in Permission.objects.select_related("content_type"):
        if (permission.content_type.app_label, permission.codename) in wanted:
            yield permission
