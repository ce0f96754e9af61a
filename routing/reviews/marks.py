"""
By what a company is known again without keeping its name: digests that only this installation
can make. What somebody calls their company is theirs; it stays with the prospect.
"""

from dataclasses import dataclass

from accounts import domains, names
from routing.models import Prospect
from routing.privacy.ledger import keyed
from routing.privacy.registry import marks_of


@dataclass(frozen=True, slots=True)
class Company:
    """
    What a prospect says of their company, as far as it may be learned: "" where it names the
    person, and for a domain that many companies share.
    """

    name: str
    domain: str
    country: str

    @property
    def name_mark(self) -> str:
        key = names.key(self.name)
        return keyed(f"company name|{key}") if key else ""

    @property
    def domain_mark(self) -> str:
        return keyed(f"company domain|{self.domain}") if self.domain else ""

    @property
    def mark(self) -> str:
        """
        The company as it was stated: name, domain and country together. A decision about one
        is none about its sister abroad, or about who only shares a name with it.
        """
        key = names.key(self.name)
        if not key and not self.domain:
            return ""
        return keyed(f"company|{key}|{self.domain}|{self.country.upper()}")


def company_of(prospect: Prospect) -> Company:
    """Read the company of a prospect; one that names the person is nobody's to learn."""
    whose = marks_of(prospect)
    name = prospect.company.strip()
    domain = domains.account_domain(prospect.email) or domains.registrable(prospect.website) or ""
    if domain and domains.is_shared(domain):
        domain = ""
    label = domain.partition(".")[0]
    own = "".join(f"{prospect.first_name}{prospect.last_name}".casefold().split())
    return Company(
        name="" if name and whose.are_in(name) else name,
        domain="" if own and label.replace("-", "") == own else domain,
        country=prospect.country,
    )
