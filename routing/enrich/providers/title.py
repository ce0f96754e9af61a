"""Seniority, department and authority, from the job title."""

from django.utils.translation import gettext_lazy as _

from routing.enrich import titles
from routing.enrich.providers.base import Answer, Provider, Subject

SURE = 80


def look(subject: Subject) -> Answer | None:
    """What the title says; a title that is no title says nothing."""
    if not subject.prospect.title.strip():
        return None
    read = titles.read(subject.prospect.title)
    found = {
        "seniority": read.seniority,
        "department": read.department,
        "authority": read.authority,
    }
    return {name: (value, SURE) for name, value in found.items() if value}


PROVIDER = Provider(
    "title",
    _("Job title"),
    _("Words of titles in English, German, French, Spanish and Portuguese."),
    ("seniority", "department", "authority"),
    look,
)
