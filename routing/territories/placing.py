"""
Into which territory leads and accounts fall by the plan as it stands, counted.

Leads and accounts are read in groups that share everything the plan asks about, so that the cost
grows with the number of different places, not of leads. Only where a territory asks for further
facts are leads read one by one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from accounts.areas import AreaIndex, Place, most_specific
from accounts.geography import country_code, region_code
from accounts.models import Account
from reps.models import User
from routing.models import Lead, Organisation
from routing.qualify import facts
from routing.visibility import visible_leads

# How far back the leads reach that say how much a place matters.
RECENT = timedelta(days=90)


@dataclass(slots=True)
class Figures:
    """
    What is in a place or a territory: open leads, those of them promised by a moment and those
    late, leads that came in the last 90 days, and customer companies.
    """

    open: int = 0
    promised: int = 0
    late: int = 0
    recent: int = 0
    accounts: int = 0

    def add(self, other: "Figures") -> None:
        self.open += other.open
        self.promised += other.promised
        self.late += other.late
        self.recent += other.recent
        self.accounts += other.accounts

    @property
    def weight(self) -> int:
        """What stands for how much is lost where nobody serves."""
        return self.recent + self.accounts


@dataclass(frozen=True, slots=True)
class Group:
    """Leads or accounts that are alike to the plan: where, whose by it, and how many."""

    place: Place
    country: str
    region: str
    territory: int | None
    figures: Figures = field(compare=False)


def groups(*, areas: AreaIndex, user: User, at: datetime) -> list[Group]:
    """
    Return everything that counts, in groups: the leads that the user may see, which are open or
    came in the last 90 days, and all active accounts.
    """
    leads = visible_leads(user).counted()
    since = at - RECENT
    leads = leads.filter(~Q(place=Lead.Place.CLOSED) | Q(received_at__gte=since))
    if any(node.area.asks for node in areas.nodes.values()):
        found = _one_by_one(leads, at=at)
    else:
        found = _grouped(leads, at=at)
    return [_group(areas, place, figures) for place, figures in (*found, *_accounts())]


def total(rows: Iterable[Group]) -> Figures:
    """Add groups up."""
    found = Figures()
    for row in rows:
        found.add(row.figures)
    return found


def _group(areas: AreaIndex, place: Place, figures: Figures) -> Group:
    country = country_code(place.country) or ""
    territory = most_specific(areas, place)
    return Group(
        place=place,
        country=country,
        region=region_code(country, place.region) if place.region else "",
        territory=None if territory is None else int(territory),
        figures=figures,
    )


_LEAD_COLUMNS = (
    *(f"prospect__{name}" for name in ("country", "region", "postal_code")),
    *(f"account__{name}" for name in ("country", "region", "postal_code", "industry", "employees")),
    "industry",
    "employees",
)


def _grouped(leads: QuerySet[Lead], *, at: datetime) -> Iterator[tuple[Place, Figures]]:
    is_open = ~Q(place=Lead.Place.CLOSED)
    promised = is_open & Q(due_at__isnull=False, paused_until__isnull=True)
    rows = (
        leads.order_by()
        .values(*_LEAD_COLUMNS)
        .annotate(
            n_open=Count("pk", filter=is_open),
            n_promised=Count("pk", filter=promised),
            n_late=Count("pk", filter=promised & Q(due_at__lt=at)),
            n_recent=Count("pk", filter=Q(received_at__gte=at - RECENT)),
        )
    )
    for row in rows:
        # The same order of sources as the facts of routing.
        place = Place(
            country=row["prospect__country"] or row["account__country"] or "",
            region=row["prospect__region"] or row["account__region"] or "",
            postal_code=row["prospect__postal_code"] or row["account__postal_code"] or "",
            industry=row["account__industry"] or row["industry"] or "",
            employees=_known(row["account__employees"], row["employees"]),
        )
        yield (
            place,
            Figures(
                open=row["n_open"],
                promised=row["n_promised"],
                late=row["n_late"],
                recent=row["n_recent"],
            ),
        )


def _one_by_one(leads: QuerySet[Lead], *, at: datetime) -> Iterator[tuple[Place, Figures]]:
    terms = facts.Terms.of(Organisation.get())
    rows = leads.order_by().select_related("prospect", "source", "account__parent")
    for lead in rows.iterator(chunk_size=2000):
        is_open = lead.place != Lead.Place.CLOSED
        is_promised = is_open and lead.due_at is not None and lead.paused_until is None
        figures = Figures(
            open=int(is_open),
            promised=int(is_promised),
            late=int(is_promised and lead.due_at < at),
            recent=int(lead.received_at >= at - RECENT),
        )
        yield place_of(lead, terms), figures


def place_of(lead: Lead, terms: facts.Terms) -> Place:
    """Where a lead is, with its facts; it is read with prospect, source, account and parent."""
    known = facts.read(
        facts.Known(lead=lead, prospect=lead.prospect, account=lead.account, terms=terms)
    )
    employees = known.get("employees")
    return Place(
        country=known.get("country", ""),
        region=known.get("region", ""),
        postal_code=known.get("postal_code", ""),
        industry=known.get("industry", ""),
        employees=None if employees is None else int(employees),
        facts=known,
    )


def _accounts() -> Iterator[tuple[Place, Figures]]:
    columns = ("country", "region", "postal_code", "industry", "employees")
    rows = (
        Account.objects.filter(is_active=True)
        .order_by()
        .values(*columns)
        .annotate(number=Count("pk"))
    )
    for row in rows:
        values: dict[str, Any] = {name: row[name] or "" for name in columns[:4]}
        known: Mapping[str, object] = {
            name: row[name] for name in columns if row[name] not in (None, "")
        }
        place = Place(**values, employees=row["employees"], facts={**known, "has_account": True})
        yield place, Figures(accounts=row["number"])


def _known(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
