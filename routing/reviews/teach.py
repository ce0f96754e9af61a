"""What an account learns from a decided match: another name, another domain."""

from datetime import datetime
from typing import Any

from accounts import names
from accounts.models import Account, AccountKey
from reps import trail
from reps.models import User
from routing.reviews.marks import Company

LONGEST = 200


def lesson(account: Account, company: Company) -> dict[str, str]:
    """
    Return what this account could learn from that company: "alias", "domain".

    Nothing that it knows, and nothing that another account goes by: that would make two
    accounts alike, and every later lead a contest.
    """
    found: dict[str, str] = {}
    key = names.key(company.name)
    if key and len(company.name) <= LONGEST and not _known(AccountKey.Kind.NAME, key[:LONGEST]):
        found["alias"] = company.name
    if company.domain and not _known(AccountKey.Kind.DOMAIN, company.domain):
        found["domain"] = company.domain
    return found


def _known(kind: str, value: str) -> bool:
    return AccountKey.objects.filter(kind=kind, value=value).exists()


def teach(account: Account, learned: dict[str, str], *, by: User, at: datetime) -> None:
    """Write what was learned to a locked account."""
    if not learned:
        return
    if "alias" in learned:
        account.aliases = [*account.aliases, learned["alias"]]
    if "domain" in learned and not account.domain:
        account.domain = learned["domain"]
    elif "domain" in learned:
        account.further_domains = [*account.further_domains, learned["domain"]]
    trail.save(account, by=by, at=at, reason="match review", kind="taught", data=dict(learned))


def unteach(account: Account, learned: dict[str, Any], *, by: User, at: datetime) -> None:
    """Take from a locked account what it had learned, as far as nobody has changed it since."""
    changed = False
    if learned.get("alias") in account.aliases:
        account.aliases = [name for name in account.aliases if name != learned["alias"]]
        changed = True
    domain = learned.get("domain")
    if domain and account.domain == domain:
        account.domain, changed = "", True
    elif domain in account.further_domains:
        account.further_domains = [one for one in account.further_domains if one != domain]
        changed = True
    if changed:
        trail.save(account, by=by, at=at, reason="match review undone", kind="untaught")
