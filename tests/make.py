"""The smallest valid row of everything; what matters to a test is named by the test."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from accounts.models import Account, AccountOwner, Opportunity, Territory, TerritoryBackup
from reps import access, trail
from reps.models import Absence, Rep, RepSkill, Skill, Team, User, WorkCalendar
from routing.intake import doors, process
from routing.models import (
    EnrichmentProvider,
    Lead,
    LeadForm,
    Organisation,
    Pool,
    PoolMember,
    Queue,
    Rule,
    RuleSet,
    ScoreModel,
    Source,
    Submission,
)
from routing.rules import lifecycle
from routing.scoring import edit as score_edit
from sla.models import PauseReason, Policy

# A Monday morning in the middle of nothing: no holiday, no daylight-saving change.
MONDAY_9AM = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
_numbers = count(1)


def saved(row: Any, *, at: datetime = MONDAY_9AM) -> Any:
    trail.save(row, by=None, at=at, reason="made for a test")
    return row


def user(name: str = "", *, group: str | None = None, **fields: Any) -> User:
    name = name or f"user{next(_numbers)}"
    made = User.objects.create_user(
        name, email=f"{name}@reps.test", password="secret-words", **fields
    )
    if group:
        made.groups.add(access.Group.objects.get(name=group))
    return made


def team(name: str = "", **fields: Any) -> Team:
    return saved(Team(name=name or f"Team {next(_numbers)}", **fields))


def rep(name: str = "", **fields: Any) -> Rep:
    """An active rep, always on duty unless given a calendar, with room for many leads."""
    fields.setdefault("capacity", 1000)
    if "team" not in fields:
        fields["team"] = Team.objects.first() or team()
    if "user" not in fields:
        fields["user"] = user(name, group="rep")
    return saved(Rep(**fields))


def calendar(name: str = "", **fields: Any) -> WorkCalendar:
    return saved(WorkCalendar(name=name or f"Calendar {next(_numbers)}", **fields))


def absence(rep: Rep, starts_at: datetime, ends_at: datetime) -> Absence:
    return saved(Absence(rep=rep, starts_at=starts_at, ends_at=ends_at))


def skill(slug: str, **fields: Any) -> Skill:
    return saved(Skill(slug=slug, name=slug.title(), **fields))


def rep_skill(rep: Rep, skill: Skill, level: int = 3) -> RepSkill:
    return saved(RepSkill(rep=rep, skill=skill, level=level))


def pool(*reps: Rep, name: str = "", weights: tuple[int, ...] = (), **fields: Any) -> Pool:
    made = saved(Pool(name=name or f"Pool {next(_numbers)}", **fields))
    for position, member in enumerate(reps):
        weight = weights[position] if weights else 1
        saved(PoolMember(pool=made, rep=member, weight=weight, position=position))
    return made


def queue(pool: Pool | None = None, *, name: str = "", **fields: Any) -> Queue:
    if "responsible" not in fields:
        fields["responsible"] = User.objects.filter(is_superuser=True).first() or user(
            is_superuser=True, is_staff=True
        )
    return saved(Queue(name=name or f"Queue {next(_numbers)}", pool=pool, **fields))


def organisation(**fields: Any) -> Organisation:
    existing = Organisation.objects.first()
    if existing:
        return existing
    waiting_room = queue(name="Waiting room")
    fields.setdefault("responsible", waiting_room.responsible)
    # A second person is asked for by the tests that are about one.
    fields.setdefault("approval_above", 100)
    return saved(Organisation(name="Acme", intake_queue=waiting_room, **fields))


def rules(*specs: dict[str, Any], publish: bool = True, at: datetime = MONDAY_9AM) -> RuleSet:
    """A rule set of these rules; a fallback to a queue is added where there is none."""
    organisation()
    author = User.objects.filter(is_superuser=True).first() or user(is_superuser=True)
    made = lifecycle.draft(by=author, at=at)
    for rule in made.rules.all():
        trail.delete(rule, by=author, at=at, reason="made for a test")
    specs = list(specs)
    if not any(spec.get("is_fallback") for spec in specs):
        specs.append(
            {
                "name": "Fallback",
                "path": {
                    "target": {
                        "kind": "queue",
                        "id": queue(name=f"Last resort {next(_numbers)}").pk,
                    }
                },
                "is_fallback": True,
            }
        )
    for position, spec in enumerate(specs, start=1):
        saved(Rule(ruleset=made, position=position, **{"name": f"Rule {position}", **spec}))
    return lifecycle.publish(ruleset=made, by=author, at=at) if publish else made


def round_robin(pool: Pool, **path: Any) -> dict[str, Any]:
    return {"name": f"To {pool}", "path": {"target": {"kind": "pool", "id": pool.pk}, **path}}


def source(slug: str = "", **fields: Any) -> Source:
    slug = slug or f"source-{next(_numbers)}"
    return saved(Source(slug=slug, name=slug.title(), **fields))


def form(slug: str = "contact", **fields: Any) -> LeadForm:
    fields.setdefault("source", Source.objects.first() or source())
    return saved(LeadForm(slug=slug, **fields))


def score_model(*, at: datetime = MONDAY_9AM, **parts: Any) -> ScoreModel:
    """A published version of the score that is live: the one before with these parts."""
    organisation()
    draft = score_edit.draft(by=None, at=at)
    score_edit.save_body(body={**draft.body, **parts}, by=None, at=at)
    return score_edit.publish(reason="made for a test", by=None, at=at, again=False)


def factor(points: int, condition: dict[str, Any], name: str = "") -> ScoreModel:
    """A line more in the live score."""
    organisation()
    line = {"name": name or f"Factor {next(_numbers)}", "condition": condition, "points": points}
    score_edit.save_line(part="factors", name=None, line=line, by=None, at=MONDAY_9AM)
    return score_edit.publish(reason="made for a test", by=None, at=MONDAY_9AM, again=False)


def account(name: str = "", **fields: Any) -> Account:
    return saved(Account(name=name or f"Company {next(_numbers)}", **fields))


def account_owner(account: Account, rep: Rep, **fields: Any) -> AccountOwner:
    fields.setdefault("starts_on", MONDAY_9AM.date() - timedelta(days=30))
    return saved(AccountOwner(account=account, rep=rep, **fields))


def opportunity(account: Account, owner: Rep, **fields: Any) -> Opportunity:
    fields.setdefault("opened_at", MONDAY_9AM - timedelta(days=10))
    return saved(Opportunity(account=account, owner=owner, name="Deal", **fields))


def territory(name: str = "", **fields: Any) -> Territory:
    return saved(Territory(name=name or f"Territory {next(_numbers)}", **fields))


def territory_backup(territory: Territory, rep: Rep, position: int = 0) -> TerritoryBackup:
    return saved(TerritoryBackup(territory=territory, rep=rep, position=position))


def policy(name: str = "", **fields: Any) -> Policy:
    return saved(Policy(name=name or f"Policy {next(_numbers)}", **fields))


def pause_reason(name: str = "", **fields: Any) -> PauseReason:
    return saved(PauseReason(name=name or f"Reason {next(_numbers)}", **fields))


def submission(
    fields: dict[str, Any] | None = None,
    *,
    source: Source | None = None,
    at: datetime = MONDAY_9AM,
    key: str = "",
    **more: Any,
) -> Submission:
    """What a door has received and nobody has looked at yet."""
    import json

    number = next(_numbers)
    body = {"email": f"person{number}@company{number}.com", **(fields or {})}
    return doors.receive(
        source=source or Source.objects.first() or globals()["source"](),
        raw=json.dumps(body).encode(),
        content_type="application/json",
        key=key or f"key-{number}",
        at=at,
        **more,
    ).submission


def lead(fields: dict[str, Any] | None = None, *, at: datetime = MONDAY_9AM, **more: Any) -> Lead:
    """A lead as intake makes it, waiting for routing."""
    organisation()
    received = submission(fields, at=at, **more)
    process.drain(driver="test", due_before=at)
    received.refresh_from_db()
    assert received.lead is not None, received.errors
    return received.lead


def leads(number: int, **more: Any) -> list[Lead]:
    organisation()
    received = [submission(**more) for _ in range(number)]
    while process.drain(driver="test", due_before=more.get("at", MONDAY_9AM)):
        pass
    for one in received:
        one.refresh_from_db()
    return [one.lead for one in received]


def routed(lead: Lead, *, at: datetime = MONDAY_9AM) -> Lead:
    """The lead after routing has looked at it."""
    from routing.dispatch import batch

    batch.route(driver="test", at=at, due_before=at, only=[lead.pk])
    lead.refresh_from_db()
    return lead


def owned(
    rep: Rep, fields: dict[str, Any] | None = None, *, at: datetime = MONDAY_9AM, **more: Any
) -> Lead:
    """A lead that this rep was given by hand."""
    from routing import work

    made = lead(fields, at=at, **more)
    return work.give_to(
        lead_id=made.pk,
        epoch=made.owner_epoch,
        rep_id=rep.pk,
        reason_code="CORRECTED",
        reason="made for a test",
        by=None,
        at=at,
        driver="test",
    )


def queued(
    queue: Queue, fields: dict[str, Any] | None = None, *, at: datetime = MONDAY_9AM, **more: Any
) -> Lead:
    """A lead that waits in this queue."""
    from routing import ownership

    made = lead(fields, at=at, **more)
    ownership.change_many(
        [
            ownership.Move(
                lead_id=made.pk,
                epoch=made.owner_epoch,
                place=Lead.Place.QUEUE,
                queue_id=queue.pk,
                reason_code="ROUTED",
            )
        ],
        by=None,
        at=at,
        driver="test",
    )
    made.refresh_from_db()
    return made


def provider(name: str = "", **fields: Any) -> EnrichmentProvider:
    """Somebody outside who is asked about companies."""
    slug = f"provider-{next(_numbers)}"
    fields.setdefault("url", "https://data.example.com/?domain={domain}")
    fields.setdefault("mapping", {"employees": "size", "funding_stage": "stage"})
    return saved(EnrichmentProvider(slug=slug, name=name or slug.title(), **fields))
