"""History is complete: `save()` and bulk writers leave the same rows, and nobody else writes."""

import ast
import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import models, transaction

from accounts.models import (
    Account,
    AccountOwner,
    Cover,
    Opportunity,
    PlannedTerritory,
    Territory,
    TerritoryBackup,
    TerritoryPlan,
)
from reps import trail
from reps.models import (
    Absence,
    AuditEvent,
    CalendarFeed,
    Rep,
    RepSkill,
    RetentionRule,
    Skill,
    Team,
    WorkCalendar,
)
from reps.models.tracked import bulk_writer
from reps.trail import audit
from reps.trail.history import tracked_fields, tracked_models
from routing.models import (
    Dispute,
    DuplicatePolicy,
    EnrichmentProvider,
    FunnelDefinition,
    GoldenLead,
    Lead,
    LeadForm,
    Limit,
    MatchReview,
    Offboarding,
    Organisation,
    Pool,
    PoolMember,
    Queue,
    ReassignmentRequest,
    Rule,
    RuleSet,
    ScoreModel,
    Source,
)
from sla.models import PauseReason, Policy
from tests import make

# Microseconds, because a way to write that loses them loses the order of what happened.
AT = make.MONDAY_9AM + timedelta(microseconds=123_456)
LATER = AT + timedelta(hours=1, microseconds=654)


@dataclass(frozen=True)
class Case:
    """A row of one tracked model that is not saved yet, and a change of several columns."""

    unsaved: Callable[[], models.Model]
    changes: Callable[[models.Model], dict[str, Any]]
    # What saving adds by itself, so that whoever writes in bulk has to.
    besides: dict[str, Any] = field(default_factory=dict)


def _lead() -> Lead:
    template = make.lead({"company": "Müller & Söhne"})
    person = make.lead().prospect
    Lead.objects.filter(prospect=person).get()
    row = copy.copy(template)
    row.pk, row._state = None, models.base.ModelState()
    row.prospect, row.mode = person, "TEST"
    row.score_parts, row.match_confidence = [["Fits", 40], ["“ü”", -3]], 0.87
    row.expected_value, row.received_at = Decimal("4821.50"), AT
    return row


def _ruleset() -> RuleSet:
    return RuleSet(version=7, note="First", created_by=make.user())


def _draft() -> RuleSet:
    return RuleSet.objects.filter(state="DRAFT").first() or make.saved(_ruleset())


def _plan() -> TerritoryPlan:
    return make.saved(TerritoryPlan(name="Plan", reason="Growth", drafted_at=AT))


def _request() -> ReassignmentRequest:
    rep = make.rep()
    lead = make.owned(rep)
    return ReassignmentRequest(
        lead=lead, epoch=lead.owner_epoch, requested_by=rep, reason="Too far", requested_at=AT
    )


def _organisation() -> Organisation:
    room = make.queue(name="Waiting room")
    return Organisation(name="Acme", intake_queue=room, responsible=room.responsible)


CASES: dict[type[models.Model], Case] = {
    Absence: Case(
        lambda: Absence(rep=make.rep(), starts_at=AT, ends_at=LATER, reason="Holiday"),
        lambda row: {"ends_at": LATER + timedelta(days=1), "reason": ""},
    ),
    Account: Case(
        lambda: Account(name="Müller & Söhne", domain="mueller.example", aliases=["M&S"]),
        lambda row: {
            "aliases": ["M&S", "日本"],
            "revenue": Decimal("1000000.25"),
            "employees": 12,
            "is_active": False,
        },
    ),
    AccountOwner: Case(
        lambda: AccountOwner(account=make.account(), rep=make.rep(), starts_on=date(2026, 1, 1)),
        lambda row: {"ends_on": date(2026, 7, 1), "rep_id": make.rep().pk},
    ),
    Cover: Case(
        lambda: Cover(
            account=make.account(),
            rep=make.rep(),
            stand_in=make.rep(),
            starts_at=AT,
            ends_at=LATER,
        ),
        lambda row: {"moved": {"7": 3}, "moved_at": LATER, "stand_in_id": make.rep().pk},
    ),
    Offboarding: Case(
        lambda: Offboarding(rep=make.rep(), reason="leaves", planned_by=make.user(), planned_at=AT),
        lambda row: {"state": "DONE", "defaults": {"leads": {"how": "ANEW"}}, "done_at": LATER},
    ),
    GoldenLead: Case(
        lambda: GoldenLead(ruleset=_draft(), name="Big ones", facts={"employees": 900}, at=AT),
        lambda row: {"facts": {"country": "DE"}, "at": None, "expect_rep_id": make.rep().pk},
    ),
    CalendarFeed: Case(
        lambda: CalendarFeed(rep=make.rep(), url="https://calendar.test/secret.ics"),
        lambda row: {"is_active": False},
    ),
    Lead: Case(
        _lead,
        lambda row: {
            "score": 88,
            "tier": "HOT",
            "priority": 1,
            "score_parts": [["x", 1.5], [None, True]],
            "acknowledged_at": LATER,
            "expected_value": None,
        },
    ),
    LeadForm: Case(
        lambda: LeadForm(slug="demo", source=make.source()),
        lambda row: {"title": "A demo", "frame_hosts": ["https://a.example"], "is_active": False},
    ),
    Limit: Case(
        lambda: Limit(rep=make.rep(), kind="flow", most=3, window="DAY"),
        lambda row: {"most": 5, "rolling": True, "tier": "HOT", "pool_id": make.pool().pk},
    ),
    Opportunity: Case(
        lambda: Opportunity(account=make.account(), owner=make.rep(), name="Deal", opened_at=AT),
        lambda row: {"state": "WON", "closed_at": LATER, "value": Decimal("12.34")},
    ),
    Organisation: Case(
        _organisation,
        lambda row: {
            "sticky_days": 30,
            "routing_paused_at": LATER,
            "routing_paused_by_id": row.responsible_id,
        },
    ),
    PauseReason: Case(
        lambda: PauseReason(name="On holiday", longest=86_400),
        lambda row: {"longest": 3600, "is_active": False},
    ),
    Policy: Case(
        lambda: Policy(name="Quick"),
        lambda row: {"budget": 60, "steps": [], "condition": {"all": []}, "is_active": False},
        {"version": 2},
    ),
    PlannedTerritory: Case(
        lambda: PlannedTerritory(plan=_plan(), after={"name": "West", "regions": ["CA"]}),
        lambda row: {"territory": 7, "was": {"rank": 1}, "became": {"rank": 2}},
    ),
    TerritoryPlan: Case(
        lambda: TerritoryPlan(name="Autumn", reason="Growth", drafted_at=AT),
        lambda row: {"state": "UNDONE", "exceptions": [[7, "", "Gone"]], "undone_at": LATER},
    ),
    Pool: Case(lambda: Pool(name="EMEA"), lambda row: {"territory_id": make.territory().pk}),
    PoolMember: Case(
        lambda: PoolMember(pool=make.pool(), rep=make.rep()),
        lambda row: {
            "weight": 3,
            "position": 2,
            "ramp_from": date(2026, 7, 1),
            "applied_weight": 60,
            "weight_cause": "ramping up × 0.2",
        },
    ),
    Queue: Case(
        lambda: Queue(name="Shared", responsible=make.user()),
        lambda row: {"max_unworked": 0, "pool_id": make.pool().pk},
    ),
    ReassignmentRequest: Case(
        _request,
        lambda row: {
            "state": "REFUSED",
            "decided_at": LATER,
            "decided_by_id": make.user().pk,
            "answer": "No",
        },
    ),
    Rep: Case(
        lambda: Rep(user=make.user(), team=make.team(), capacity=5),
        lambda row: {
            "capacity": 9,
            "paused_at": AT,
            "paused_until": LATER,
            "pause_reason": "Away",
            "backup_id": make.rep().pk,
        },
    ),
    RepSkill: Case(
        lambda: RepSkill(rep=make.rep(), skill=make.skill("french")),
        lambda row: {"level": 5, "evidence": "C2", "review_on": date(2027, 1, 1)},
    ),
    RetentionRule: Case(
        lambda: RetentionRule(what="messages", days=90),
        lambda row: {"days": 30, "is_active": False},
    ),
    Rule: Case(
        lambda: Rule(
            ruleset=_draft(), position=1, name="All", path={"target": {"kind": "nurture"}}
        ),
        lambda row: {
            "condition": {"fact": "score", "op": "lt", "value": 60},
            "is_fallback": True,
            "owner_id": make.user().pk,
        },
    ),
    RuleSet: Case(
        _ruleset,
        lambda row: {
            "state": "PUBLISHED",
            "published_at": LATER,
            "published_by_id": row.created_by_id,
        },
    ),
    Dispute: Case(
        lambda: Dispute(
            kind="LEAD",
            lead=make.lead(),
            claimant=make.rep(),
            ground="WORKED",
            claim="Mine since “May”",
            opened_by=make.user(),
            opened_at=AT,
            decider=make.user(),
            decide_by=LATER,
        ),
        lambda row: {"state": "RULED", "decided_at": LATER, "ruling": "Ann", "policy": {"to": 1}},
    ),
    DuplicatePolicy: Case(
        lambda: DuplicatePolicy(pk=1),
        lambda row: {"tells": "NEVER", "shared_mailboxes": ["info"], "suggest_from": 70},
    ),
    EnrichmentProvider: Case(
        lambda: EnrichmentProvider(slug="acme", name="Acme", url="https://acme.test/{domain}"),
        lambda row: {"is_active": False, "mapping": {"title": "person.title"}, "ttl_days": 7},
    ),
    MatchReview: Case(
        lambda: MatchReview(lead=make.lead(), name_mark="a" * 64, opened_at=AT),
        lambda row: {"state": "NET_NEW", "decided_at": LATER, "taught": {"alias": 1}},
    ),
    FunnelDefinition: Case(
        lambda: FunnelDefinition(
            kind="MQL", version=1, text="Müller says so", made_by=make.user(), made_at=AT
        ),
        lambda row: {
            "marketing_by_id": row.made_by_id,
            "marketing_at": LATER,
            "condition": {"any": []},
        },
    ),
    ScoreModel: Case(
        lambda: ScoreModel(version=3, note="First", created_by=make.user()),
        lambda row: {
            "body": {"threshold": 70, "factors": [{"name": "“ü”"}]},
            "state": "PUBLISHED",
            "published_at": LATER,
            "published_by_id": row.created_by_id,
        },
    ),
    Skill: Case(
        lambda: Skill(slug="french", name="French"),
        lambda row: {"category": "LANGUAGE", "criteria": "1: merci"},
    ),
    Source: Case(
        lambda: Source(slug="web", name="Web"),
        lambda row: {"mode": "SHADOW", "key_prefix": "lr_x", "key_hash": "a" * 64},
    ),
    Team: Case(
        lambda: Team(name="North"),
        lambda row: {"manager_id": make.user().pk, "parent_id": make.team().pk},
    ),
    Territory: Case(
        lambda: Territory(name="DACH", countries=["DE"]),
        lambda row: {
            "countries": ["DE", "AT"],
            "employees_min": 5,
            "rank": -1,
            "postal_ranges": [["80000", "81999"]],
            "conditions": {"fact": "tier", "op": "eq", "value": "HOT"},
        },
    ),
    TerritoryBackup: Case(
        lambda: TerritoryBackup(territory=make.territory(), rep=make.rep()),
        lambda row: {"position": 2},
    ),
    WorkCalendar: Case(
        lambda: WorkCalendar(name="Berlin", time_zone="Europe/Berlin"),
        lambda row: {"overrides": {"2026-12-24": []}, "weekly": {"mon": [["08:00", "12:00"]]}},
    ),
}


def test_every_tracked_model_has_its_case_here():
    assert set(CASES) == set(tracked_models())


class RolledBack(Exception):
    pass


def written_and_undone(write: Callable[[], Any], model: type[models.Model]) -> tuple[dict, dict]:
    """What a write leaves in history and trail, while the row itself is put back."""
    try:
        with transaction.atomic():
            write()
            found = newest(model)
            raise RolledBack
    except RolledBack:
        return found


def newest(model: type[models.Model]) -> tuple[dict[str, Any], dict[str, Any]]:
    """All columns of the newest history row but its id, and its audit event but its place."""
    row = model.history.model.objects.order_by("-history_id").values().first()
    del row["history_id"]
    event = (
        AuditEvent.objects.filter(subject=model._meta.label_lower).order_by("-pk").values().first()
    )
    kept = ("at", "actor_id", "actor_label", "reason_code", "subject", "subject_id", "kind")
    return row, {name: event[name] for name in (*kept, "writes_history")}


@pytest.mark.django_db
@pytest.mark.parametrize("model", CASES, ids=lambda model: model._meta.label)
def test_a_change_leaves_the_same_history_by_save_and_in_bulk(model):
    case, author = CASES[model], make.user("author")
    row = make.saved(case.unsaved())
    row = model.objects.get(pk=row.pk)
    changes = case.changes(row)

    def by_save():
        changed = model.objects.get(pk=row.pk)
        for name, value in changes.items():
            setattr(changed, name, value)
        trail.save(changed, by=author, at=LATER, reason="moved")

    def in_bulk():
        with bulk_writer("test"):
            model.objects.filter(pk=row.pk).update(**changes, **case.besides)
        trail.record(model, [trail.Change(id=row.pk, reason_code="moved")], by=author, at=LATER)

    saved, bulk = written_and_undone(by_save, model), written_and_undone(in_bulk, model)

    assert saved[0] == bulk[0]
    assert saved[1] == bulk[1]
    assert saved[0]["history_date"] == LATER
    assert saved[0]["history_user_id"] == author.pk
    for name, value in changes.items():
        assert saved[0][name] == value


@pytest.mark.django_db
@pytest.mark.parametrize("model", CASES, ids=lambda model: model._meta.label)
def test_a_creation_leaves_the_same_history_by_save_and_in_bulk(model):
    row = CASES[model].unsaved()
    row.pk = 1 if model in (Organisation, DuplicatePolicy) else 987_654
    twin = copy.copy(row)
    twin._state = models.base.ModelState()

    def by_save():
        trail.save(row, by=None, at=AT, reason="made")

    def in_bulk():
        with bulk_writer("test"):
            model.objects.bulk_create([twin])
        trail.record(
            model,
            [trail.Change(id=twin.pk, kind="created", reason_code="made")],
            by=None,
            at=AT,
            created=True,
        )

    saved, bulk = written_and_undone(by_save, model), written_and_undone(in_bulk, model)

    assert saved == bulk
    assert saved[0]["history_type"] == "+"
    assert saved[1]["actor_label"] == audit.SYSTEM


@pytest.mark.django_db
def test_one_record_call_gives_each_row_its_own_reason():
    teams = [make.team(), make.team(), make.team()]
    reasons = ["first", "second", "first"]

    trail.record(
        Team,
        [
            trail.Change(id=team.pk, reason_code=reason)
            for team, reason in zip(teams, reasons, strict=True)
        ],
        by=None,
        at=LATER,
    )

    found = [team.history.order_by("-history_id").first().history_change_reason for team in teams]
    assert found == reasons


@pytest.mark.django_db
def test_history_leaves_out_only_the_columns_that_are_derived():
    left_out = {
        field.attname
        for model in tracked_models()
        for field in model._meta.concrete_fields
        if field not in tracked_fields(model)
    }

    derived = {"route_at", "rescore_at", "due_at", "due_what", "due_from", "paused_until"}
    readings = {"next_fetch_at", "fetched_at", "etag", "modified", "failures", "error"}
    linter = {"linted_stamp", "linted_at", "linted_ruleset_id"}
    # The address of a calendar is a secret.
    assert left_out == derived | readings | linter | {"url"}


# --- No other bulk write touches tracked models -------------------------------------------------

PACKAGES = ("accounts", "config", "reps", "routing", "sla")
TRACKED = {model.__name__ for model in tracked_models()}
# Says that a block moves nothing but columns that history leaves out.
EXCUSE = "history leaves"
RECORDERS = {"record", "note_in_bulk"}
BULK = {"update_many", "insert_many"}


@cache
def sources() -> list[tuple[Path, str, ast.Module]]:
    found = []
    for package in PACKAGES:
        for path in sorted((settings.BASE_DIR / package).rglob("*.py")):
            # The bench measures the database itself, on rows that nobody keeps.
            if not {"migrations", "bench"} & set(path.parts):
                text = path.read_text()
                found.append((path, text, ast.parse(text)))
    return found


def is_call_of(node: ast.AST, *names: str) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    return (isinstance(called, ast.Attribute) and called.attr in names) or (
        isinstance(called, ast.Name) and called.id in names
    )


def opens_bulk_writer(node: ast.AST) -> bool:
    return isinstance(node, ast.With) and any(
        is_call_of(item.context_expr, "bulk_writer") for item in node.items
    )


def test_whoever_opens_a_bulk_writer_records_what_it_changed_or_says_why_not():
    silent, seen = [], 0
    for path, text, tree in sources():
        lines = text.splitlines()
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef) or function.name == "bulk_writer":
                continue
            blocks = [node for node in ast.walk(function) if opens_bulk_writer(node)]
            records = any(is_call_of(node, *RECORDERS) for node in ast.walk(function))
            for block in blocks:
                seen += 1
                body = " ".join(lines[block.lineno - 1 : block.end_lineno])
                if not records and EXCUSE not in body:
                    silent.append(f"{path.name}:{block.lineno} in {function.name}()")

    assert seen >= 5
    assert not silent


def test_raw_bulk_writes_of_tracked_models_happen_inside_a_bulk_writer_only():
    outside = []
    for path, _, tree in sources():
        inside = {
            id(node)
            for block in ast.walk(tree)
            if opens_bulk_writer(block)
            for node in ast.walk(block)
        }
        for node in ast.walk(tree):
            if not is_call_of(node, *BULK) or id(node) in inside or not node.args:
                continue
            names = {part.id for part in ast.walk(node.args[0]) if isinstance(part, ast.Name)}
            if names & TRACKED:
                outside.append(f"{path.name}:{node.lineno}")

    assert not outside


def test_nobody_writes_a_tracked_table_in_plain_sql():
    tables = {model._meta.db_table for model in tracked_models()}
    verbs = ("update ", "insert into ", "delete from ")
    found = [
        f"{path.name}:{node.lineno}"
        for path, _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and any(f"{verb}{table}" in node.value.lower() for verb in verbs for table in tables)
    ]

    assert not found
