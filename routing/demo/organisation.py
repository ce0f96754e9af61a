"""Fill an empty database with the demo organisation, once."""

import json
import os
from base64 import urlsafe_b64encode
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import transaction

from accounts.models import Account, AccountOwner, Opportunity, Territory, TerritoryBackup
from reps import access, trail
from reps.models import (
    Absence,
    AuditEvent,
    ChannelChoice,
    Rep,
    RepSkill,
    Skill,
    Team,
    TrackedModel,
    User,
    WorkCalendar,
)
from reps.services import push
from routing import keys
from routing.demo import leaving, market, people, plans, promises, rules, score
from routing.demo.questions import questions
from routing.disputes import opening, ruling
from routing.enrich import invented
from routing.models import (
    EnrichmentProvider,
    GoldenLead,
    LeadForm,
    Limit,
    Organisation,
    Pool,
    PoolMember,
    Queue,
    Rule,
    Source,
)
from routing.rules import lifecycle

PASSWORD = "demo"
# What stands in the trail beside the demo's settings; by it a demo is known again.
MARK = "demo organisation"
KEYED_SOURCES = ("product-signups", "partners")
KEYS_FILE = "demo_api_keys.json"
FORM, GUIDE_FORM = "demo", "guide"

Row = TypeVar("Row", bound=TrackedModel)


class NoDemo(Exception):
    """There will be no demo here; the message says why."""


@transaction.atomic
def load(*, at: datetime) -> bool:
    """
    Fill the database with the demo organisation; return whether anything was written.

    A demo that is there stays as people have left it: nothing is put back, nothing is changed.

    :raises NoDemo: if the database holds a real organisation, where logins with a known
        password would be an open door
    """
    if Organisation.objects.exists():
        if not AuditEvent.objects.filter(subject="routing.organisation", reason_code=MARK).exists():
            raise NoDemo(
                "This database holds an organisation of its own; the demo needs an empty one."
            )
        return False
    if User.objects.exists():
        raise NoDemo("This database has users already; the demo needs an empty one.")
    _Loader(at=at).run()
    return True


def write_keys(folder: Path, *, at: datetime) -> bool:
    """
    See to it that the file of API keys fits the sources; return whether it was written.

    Keys are kept as hashes only, so where the file is missing or of another database, new
    ones are issued and the former stop working.
    """
    path = folder / KEYS_FILE
    sources = {row.slug: row for row in Source.objects.filter(slug__in=KEYED_SOURCES)}
    present = read_keys(folder)
    if all(keys.hash_key(present.get(slug, "")) == row.key_hash for slug, row in sources.items()):
        return False
    by = User.objects.filter(is_superuser=True).order_by("pk").first()
    with transaction.atomic():
        issued = {
            slug: keys.issue_key(source=row, by=by, at=at) for slug, row in sorted(sources.items())
        }
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump(issued, file)
    return True


def read_keys(folder: Path) -> dict[str, str]:
    """Return source → API key as `write_keys` left them; empty if there are none."""
    try:
        found = json.loads((folder / KEYS_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


class _Loader:
    """Makes one row after the other; later ones find earlier ones by name."""

    def __init__(self, *, at: datetime) -> None:
        self.at = at
        self.users: dict[str, User] = {}
        self.calendars: dict[str, WorkCalendar] = {}
        self.reps: dict[str, Rep] = {}
        self.pools: dict[str, Pool] = {}

    @property
    def admin(self) -> User:
        return self.users[people.ADMIN]

    def run(self) -> None:
        self.make_users()
        self.make_people()
        self.make_market()
        self.make_doors()
        self.make_provider()
        self.make_promises()
        self.make_rules()
        plans.make(users=self.users, reps=self.reps, at=self.at)
        self.make_disputes()
        leaving.make(self.reps, by=self.users[people.REVOPS], at=self.at, reason=MARK)

    def save(self, row: Row) -> Row:
        row.full_clean()
        trail.save(row, by=self.admin, at=self.at, reason=MARK)
        return row

    # --- People ---------------------------------------------------------------------------

    def make_users(self) -> None:
        access.sync_groups()
        groups = {group.name: group for group in Group.objects.all()}
        # One hash for all: hashing is slow on purpose, and everybody knows this password.
        password = make_password(PASSWORD)
        sellers = [
            people.Login(one.username, one.first_name, one.last_name, "rep", one.time_zone)
            for one in people.SELLERS
        ]
        for one in (*people.OFFICE, *sellers):
            user = User.objects.create(
                username=one.username,
                first_name=one.first_name,
                last_name=one.last_name,
                email=f"{one.username}@routing-demo.com",
                password=password,
                time_zone=one.time_zone,
                is_superuser=one.superuser,
                is_staff=one.group != "rep",
            )
            user.groups.add(groups[one.group])
            # Only who is watched is told elsewhere; in-app is always on.
            channels = people.CHANNELS.get(one.username, people.NO_CHANNELS)
            ChannelChoice.objects.bulk_create(
                ChannelChoice(user=user, channel=channel, mode=mode, address=address, place=place)
                for place, (channel, mode, address) in enumerate(channels, start=1)
            )
            self.users[one.username] = user
        self.make_device(self.users[people.REP])

    def make_device(self, user: User) -> None:
        """A browser of the rep, so that the demo shows what a push note would say."""
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        push.subscribe(
            user=user,
            endpoint="https://push.routing-demo.com/demo",
            p256dh=urlsafe_b64encode(point).decode().rstrip("="),
            auth=urlsafe_b64encode(bytes(16)).decode().rstrip("="),
            device="Demo phone",
            at=self.at,
        )

    def make_people(self) -> None:
        for one in people.CALENDARS:
            self.calendars[one.name] = self.save(
                WorkCalendar(
                    name=one.name,
                    time_zone=one.time_zone,
                    weekly=one.weekly,
                    holiday_country=one.country,
                    holiday_region=one.region,
                )
            )
        teams = {
            one.name: self.save(
                Team(
                    name=one.name,
                    manager=self.users[one.manager],
                    calendar=self.calendars.get(one.calendar),
                )
            )
            for one in people.TEAMS
        }
        skills = {
            slug: self.save(Skill(slug=slug, name=name, category=category))
            for slug, name, category in people.SKILLS
        }
        for username, team in people.MANAGERS_AS_REPS:
            self.save(
                Rep(
                    user=self.users[username],
                    team=teams[team],
                    role=Rep.Role.MANAGER,
                    calendar=self.calendars["Around the clock"],
                    capacity=100,
                )
            )
        self.make_sellers(teams, skills)
        self.make_pools()
        self.make_absences()

    def make_sellers(self, teams: dict[str, Team], skills: dict[str, Skill]) -> None:
        # Backups first, as far as there is no circle; circles are closed afterwards.
        waiting = {one.username: one for one in people.SELLERS}
        late: list[people.Seller] = []
        while waiting:
            ready = [one for one in waiting.values() if one.backup not in waiting]
            if not ready:
                ready = [next(iter(reversed(waiting.values())))]
                late += ready
            for one in ready:
                del waiting[one.username]
                self.reps[one.username] = self.save(
                    Rep(
                        user=self.users[one.username],
                        team=teams[one.team],
                        role=one.role,
                        calendar=self.calendars.get(one.calendar),
                        capacity=one.capacity,
                        seniority=one.seniority,
                        backup=self.reps.get(one.backup),
                    )
                )
                for slug, level in one.skills:
                    self.save(
                        RepSkill(rep=self.reps[one.username], skill=skills[slug], level=level)
                    )
        for one in late:
            row = self.reps[one.username]
            row.backup = self.reps[one.backup]
            self.save(row)

    def make_pools(self) -> None:
        for name, members in people.POOLS.items():
            self.pools[name] = self.save(Pool(name=name, lanes=people.LANES.get(name, [])))
            for position, (username, weight) in enumerate(members.items()):
                ramp = people.RAMPS.get((name, username))
                self.save(
                    PoolMember(
                        pool=self.pools[name],
                        rep=self.reps[username],
                        weight=weight,
                        position=position,
                        protected_percent=people.PROTECTED.get((name, username), 0),
                        ramp_from=self.at.date() - timedelta(days=ramp[0]) if ramp else None,
                        ramp_days=ramp[1] if ramp else 0,
                    )
                )
        for name, most in people.NEW_AN_HOUR.items():
            kind, window = Limit.Kind.FLOW, Limit.Window.HOUR
            self.save(
                Limit(pool=self.pools[name], kind=kind, most=most, window=window, rolling=True)
            )

    def make_absences(self) -> None:
        for one in people.AWAY:
            zone = ZoneInfo(self.users[one.username].time_zone)
            first = self.at.astimezone(zone).date() + timedelta(days=one.starts_in)
            starts = datetime.combine(first, time.min, zone)
            self.save(
                Absence(
                    rep=self.reps[one.username],
                    starts_at=starts,
                    ends_at=starts + timedelta(days=one.days),
                    reason=one.reason,
                    delegate=self.reps[one.delegate],
                    cover=Absence.Cover.MOVE,
                )
            )

    # --- The market -----------------------------------------------------------------------

    def make_market(self) -> None:
        areas: dict[str, Territory] = {}
        for one in market.AREAS:
            areas[one.name] = self.save(
                Territory(
                    name=one.name,
                    parent=areas.get(one.parent),
                    owner=self.reps.get(one.owner),
                    backup=self.reps.get(one.backup),
                    countries=list(one.countries),
                    regions=list(one.regions),
                    employees_min=one.employees_min,
                    postal_ranges=[list(ends) for ends in one.postal_ranges],
                    description=one.description,
                )
            )
            for position, name in enumerate(one.further_backups, 1):
                self.save(
                    TerritoryBackup(
                        territory=areas[one.name], rep=self.reps[name], position=position
                    )
                )
            if one.name in self.pools:
                pool = self.pools[one.name]
                pool.territory = areas[one.name]
                self.save(pool)
        accounts: dict[str, Account] = {}
        for company in market.COMPANIES:
            accounts[company.name] = self.make_account(company, accounts.get(company.parent))
        for name, owner, deal, value in market.DEALS:
            self.save(
                Opportunity(
                    account=accounts[name],
                    owner=self.reps[owner],
                    name=deal,
                    value=Decimal(value),
                    opened_at=self.at - timedelta(days=12),
                )
            )

    def make_account(self, company: market.Company, parent: Account | None) -> Account:
        account = self.save(
            Account(
                name=company.name,
                domain=company.domain,
                aliases=list(company.aliases),
                parent=parent,
                industry=company.industry,
                employees=company.employees,
                country=company.country,
                region=company.region,
                city=company.city,
            )
        )
        since = self.at.date() - timedelta(days=60)
        for username, role in (
            (company.owner, AccountOwner.Role.OWNER),
            (company.backup, AccountOwner.Role.BACKUP),
        ):
            if username:
                self.save(
                    AccountOwner(
                        account=account, rep=self.reps[username], role=role, starts_on=since
                    )
                )
        return account

    # --- Doors, promises, rules -----------------------------------------------------------

    def make_doors(self) -> None:
        channels = Source.Channel
        website = self.save(
            Source(
                slug="website-demo",
                name="Website: book a demo",
                channel=channels.WEB,
                is_hand_raise=True,
            )
        )
        guide = self.save(
            Source(slug="website-guide", name="Website: buyer's guide", channel=channels.WEB)
        )
        self.save(Source(slug="product-signups", name="Product sign-ups", channel=channels.API))
        self.save(
            Source(
                slug="partners",
                name="Partner referrals",
                channel=channels.PARTNER,
                is_prequalified=True,
            )
        )
        self.save(Source(slug="manual", name="Entered by hand", channel=channels.MANUAL))
        self.save(
            LeadForm(
                slug=FORM,
                source=website,
                title="See it with your own data",
                intro="Half an hour, with somebody who knows your industry.",
                fields=questions(
                    "first_name",
                    "last_name",
                    "email",
                    "company",
                    "title",
                    "country",
                    "region",
                    "employees",
                    "product_interest",
                    "budget_range",
                    "timeline",
                    "message",
                ),
                campaign="Demo request",
            )
        )
        self.save(
            LeadForm(
                slug=GUIDE_FORM,
                source=guide,
                title="The buyer's guide",
                intro="Twenty pages. We only write when you ask us to.",
                fields=questions("first_name", "last_name", "email", "company", "country"),
                campaign="Buyer's guide",
                reveals_rep=False,
                thanks="Thank you. The guide is on its way to your inbox.",
            )
        )

    def make_provider(self) -> None:
        """A pretend provider: most of its answers come at once, some after the deadline."""
        self.save(
            EnrichmentProvider(
                slug="demo-data",
                name="Demo provider (invented data)",
                kind=EnrichmentProvider.Kind.DEMO,
                mapping=dict(invented.MAPPING),
                only_missing=False,
            )
        )

    def make_promises(self) -> None:
        # Policies live above this app, so they are found by name: the demo fills every table.
        policy = apps.get_model("sla", "Policy")
        for fields in promises.POLICIES:
            self.save(policy(**fields))
        reason = apps.get_model("sla", "PauseReason")
        there = set(reason.objects.values_list("name", flat=True))
        for name, longest in reason.USUAL:
            if name not in there:
                self.save(reason(name=name, longest=longest))

    def make_rules(self) -> None:
        manager, revops = self.users[people.MANAGER], self.users[people.REVOPS]
        waiting_room = self.save(Queue(name="Waiting room", responsible=revops))
        last_resort = self.save(
            Queue(
                name="Last resort",
                pool=self.pools[people.GENERAL_POOL],
                responsible=manager,
            )
        )
        desk = self.save(
            Queue(
                name="Inbound desk",
                pool=self.pools[people.DESK_POOL],
                responsible=manager,
                max_unworked=3,
            )
        )
        self.save(
            Organisation(
                name="Fairwater Systems (demo)", intake_queue=waiting_room, responsible=revops
            )
        )
        score.make(marketing=revops, sales=manager, at=self.at)
        draft = lifecycle.draft(by=revops, at=self.at, note="The standard rules, desk and fair")
        written = rules.specs(pools=self.pools, desk=desk, last_resort=last_resort, at=self.at)
        for position, spec in enumerate(written, start=1):
            self.save(Rule(ruleset=draft, position=position, owner=revops, **spec))
        examples = rules.golden(pools=self.pools, desk=desk, owner=self.reps[people.REP].pk)
        for example in examples:
            self.save(GoldenLead(ruleset=draft, **example))
        lifecycle.publish(ruleset=draft, by=revops, at=self.at)

    # --- Disputes -------------------------------------------------------------------------

    def make_disputes(self) -> None:
        """One that was decided, as a precedent, and one that waits for a ruling."""
        for one in market.DISPUTES:
            rep = self.reps[one.claimant]
            made = opening.contest_account(
                account_id=Account.objects.get(name=one.account).pk,
                claimant=rep,
                ground=one.ground,
                claim=one.claim,
                by=rep.user,
                at=self.at,
            )
            if one.reply and made.holder is not None:
                made = opening.reply(
                    dispute_id=made.pk, text=one.reply, by=made.holder.user, at=self.at
                )
            if one.ruling:
                ruling.rule(
                    dispute_id=made.pk,
                    winner_id=rep.pk,
                    ruling=one.ruling,
                    by=made.decider,
                    at=self.at,
                    driver="demo",
                )
