"""
Find the accounts of leads: indexed look-ups, then the pure decision.

This is the one place that matches; routing, reports and screens ask here, and
`match_accounts` decides by the same rules over a file. How rare a word is, is counted among
the keys at each look-up, so it is never stale.
"""

from collections.abc import Iterable, Sequence

from django.db.models import Count, Exists, Max, OuterRef, Q

from accounts.matching import Candidate, LeadIdentity, Match, blocking
from accounts.matching.blocking import Key
from accounts.matching.deciding import decide
from accounts.matching.prepared import Account as Prepared
from accounts.matching.prepared import Lead
from accounts.matching.words import COMMON, rarity, singular
from accounts.models import Account, AccountKey, AccountOwner, Opportunity

NET_NEW = Match("net_new", None, 0.0, [])
# More leads than this are matched in several rounds, so that no statement grows too long.
ROUND = 200


def match_many(leads: Sequence[LeadIdentity]) -> list[Match]:
    """
    Match leads to active accounts, in their order; at most five statements a round.

    Candidates come by domain, name, alias, rare words, initials and sound, at most
    `blocking.MOST_COMPARED` for a lead.
    """
    answers = []
    for start in range(0, len(leads), ROUND):
        answers += _round([Lead(lead) for lead in leads[start : start + ROUND]])
    return answers


def _round(leads: Sequence[Lead]) -> list[Match]:
    keys = [blocking.keys_of_lead(lead) for lead in leads]
    sizes = _sizes({key for mine in keys for key in mine})
    chosen = [blocking.worth_reading(mine, sizes) for mine in keys]
    entries = _entries({key for mine in chosen for key in mine})
    found = [
        blocking.most_promising({key: entries[key] for key in mine if key in entries})
        for mine in chosen
    ]
    accounts = _accounts({pk for mine in found for pk in mine})
    counts = {value: size for (kind, value), size in sizes.items() if kind == blocking.WORD}
    counts |= _word_counts(accounts.values(), leads, known=counts)
    weigh = rarity(lambda word: counts.get(singular(word), 0), _book() if accounts else 0)
    return [
        decide(lead, [accounts[pk] for pk in mine], weigh)
        for lead, mine in zip(leads, found, strict=True)
    ]


def _among(keys: Iterable[Key]) -> Q | None:
    """Select keys, kind by kind: that is how their index is sorted."""
    by_kind: dict[str, list[str]] = {}
    for kind, value in sorted(keys):
        by_kind.setdefault(kind, []).append(value)
    condition = None
    for kind, values in by_kind.items():
        part = Q(kind=kind, value__in=values)
        condition = part if condition is None else condition | part
    return condition


def _sizes(keys: Iterable[Key]) -> dict[Key, int]:
    """Count the accounts under each key, inactive ones too."""
    if (condition := _among(keys)) is None:
        return {}
    rows = AccountKey.objects.filter(condition).values_list("kind", "value")
    return {
        (kind, value): size
        for kind, value, size in rows.annotate(size=Count("pk")).order_by("kind", "value")
    }


def _entries(keys: Iterable[Key]) -> dict[Key, list[int]]:
    """Read the active accounts under each key."""
    if (condition := _among(keys)) is None:
        return {}
    entries: dict[Key, list[int]] = {}
    rows = AccountKey.objects.filter(condition, account__is_active=True)
    for kind, value, pk in rows.values_list("kind", "value", "account_id"):
        entries.setdefault((kind, value), []).append(pk)
    return entries


def _accounts(ids: set[int]) -> dict[int, Prepared]:
    if not ids:
        return {}
    deals = Opportunity.objects.filter(account=OuterRef("pk"), state=Opportunity.State.OPEN)
    owners = AccountOwner.objects.filter(
        account=OuterRef("pk"), role=AccountOwner.Role.OWNER, ends_on__isnull=True
    )
    rows = (
        Account.objects.filter(pk__in=ids)
        .annotate(has_open_deal=Exists(deals), is_named=Exists(owners))
        .values_list(
            "pk", "name", "domain", "aliases", "city", "region", "country",
            "parent_id", "parent__name", "has_open_deal", "is_named", "further_domains",
        )
        .order_by("pk")
    )  # fmt: skip
    return {
        row[0]: Prepared(
            Candidate(
                account_id=row[0],
                name=row[1],
                domains=tuple(text for text in (row[2], *row[11]) if text),
                aliases=tuple(row[3]),
                city=row[4],
                state=row[5],
                country=row[6],
                parent_id=row[7],
                parent_name=row[8] or "",
                has_open_deal=row[9],
                is_named=row[10],
            )
        )
        for row in rows
    }


def _word_counts(
    accounts: Iterable[Prepared], leads: Iterable[Lead], *, known: dict[str, int]
) -> dict[str, int]:
    """Count the accounts of every word that is to be weighed and was not counted yet."""
    words = {word for lead in leads for word in lead.words}
    words |= {word for account in accounts for spelling in account.spellings for word in spelling}
    wanted = {singular(word) for word in words if word not in COMMON} - known.keys()
    sizes = _sizes((blocking.WORD, word[: blocking.LONGEST]) for word in wanted)
    return {value: size for (_, value), size in sizes.items()}


def _book() -> int:
    """
    Give about how many accounts there are.

    The highest key costs one step in the index where counting would cost a hundred thousand;
    only its logarithm is used.
    """
    return Account.objects.aggregate(highest=Max("pk"))["highest"] or 0
