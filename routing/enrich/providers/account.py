"""What the record of the matched account says about the company."""

from django.utils.translation import gettext_lazy as _

from routing.enrich.providers.base import Answer, Provider, Subject

# What came from the CRM was looked after there; what was typed here may be a guess.
FROM_CRM, FROM_HERE = 95, 85
FIELDS = ("industry", "employees", "revenue", "country", "region", "city")


def look(subject: Subject) -> Answer | None:
    """Every column of the record that is filled, and of its parent the name and the domain."""
    account = subject.account
    if account is None:
        return None
    sure = FROM_CRM if account.external_id else FROM_HERE
    found = {name: getattr(account, name) for name in FIELDS}
    if account.parent is not None:
        found["parent_company"] = account.parent.name
        found["parent_domain"] = account.parent.domain
    if found["revenue"] is not None:
        found["revenue"] = float(found["revenue"])
    return {name: (value, sure) for name, value in found.items() if value not in (None, "")}


PROVIDER = Provider(
    "account",
    _("Account record"),
    _("The account that the lead matches, as it stands here or came from the CRM."),
    (*FIELDS, "parent_company", "parent_domain"),
    look,
)
