"""The language somebody writes, else the main one of where they are."""

from django.utils.translation import gettext_lazy as _

from routing.enrich import speech
from routing.enrich.providers.base import Answer, Provider, Subject
from routing.qualify import languages

WRITTEN, OF_COUNTRY = 75, 40


def look(subject: Subject) -> Answer | None:
    """By the words of the message; by the country it is a guess."""
    who, account = subject.prospect, subject.account
    country = who.country or (account.country if account is not None else "")
    if not subject.message and not country:
        return None
    written = speech.language_of(subject.message) if subject.message else None
    if written:
        return {"language": (written, WRITTEN)}
    spoken = languages.of_country(country, who.region) if country else None
    return {"language": (spoken, OF_COUNTRY)} if spoken else {}


PROVIDER = Provider(
    "language",
    _("Language"),
    _("The small words of the message; else the main language of the country or region."),
    ("language",),
    look,
)
