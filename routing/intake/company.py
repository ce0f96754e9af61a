"""What a prospect says about its company, as matching asks for it."""

from accounts import domains
from accounts.matching import LeadIdentity
from routing.models import Prospect


def company_of(prospect: Prospect) -> LeadIdentity:
    """
    Give name, domain and place; whoever matches a prospect, or matches it again, asks here.

    The address speaks before the website, unless it is a free or disposable one.
    """
    return LeadIdentity(
        company=prospect.company,
        domain=domains.account_domain(prospect.email) or domains.registrable(prospect.website),
        city=prospect.city,
        state=prospect.region,
        country=prospect.country,
    )
