"""Find the accounts of leads: indexed look-ups, then the pure decision."""

from collections.abc import Sequence

from accounts import domains, names
from accounts.matching import Candidate, LeadIdentity, Match, match
from accounts.models import Account, AccountKey

NET_NEW = Match("net_new", None, 1.0, [])
# A name or domain that this many accounts share decides nothing; a person should.
MOST_CANDIDATES = 50


def match_many(leads: Sequence[LeadIdentity]) -> list[Match]:
    """Match leads to accounts by domain and normalised name; two statements for any number."""
    wanted = [_keys(lead) for lead in leads]
    values = {value for keys in wanted for _, value in keys}
    if not values:
        return [NET_NEW] * len(leads)
    by_key: dict[tuple[str, str], list[int]] = {}
    for kind, value, account in AccountKey.objects.filter(
        value__in=values, account__is_active=True
    ).values_list("kind", "value", "account_id"):
        by_key.setdefault((kind, value), []).append(account)
    books = {
        account.pk: _candidate(account)
        for account in Account.objects.filter(
            pk__in={pk for found in by_key.values() for pk in found}
        )
    }
    results = []
    for lead, keys in zip(leads, wanted, strict=True):
        ids = sorted({pk for key in keys for pk in by_key.get(key, [])[:MOST_CANDIDATES]})
        results.append(match(lead, [books[pk] for pk in ids]) if ids else NET_NEW)
    return results


def _keys(lead: LeadIdentity) -> list[tuple[str, str]]:
    keys = []
    domain = domains.registrable(lead.domain) if lead.domain else None
    if domain:
        keys.append((AccountKey.Kind.DOMAIN, domain))
    if lead.company.strip():
        keys.append((AccountKey.Kind.NAME, names.key(lead.company)[:200]))
    return keys


def _candidate(account: Account) -> Candidate:
    return Candidate(
        account_id=account.pk,
        name=account.name,
        domains=tuple(text for text in (account.domain, *account.further_domains) if text),
        aliases=tuple(account.aliases),
        city=account.city,
        state=account.region,
        country=account.country,
        parent_id=account.parent_id,
    )
