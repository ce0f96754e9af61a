"""Country and time zone of a phone number."""

from functools import lru_cache

import phonenumbers
from django.utils.translation import gettext_lazy as _
from phonenumbers import timezone

from routing.enrich.providers.base import Answer, Provider, Subject

# People take their numbers along when they move.
COUNTRY, ZONE = 70, 60


def look(subject: Subject) -> Answer | None:
    """The country whose number it is; the zone only where the number has a single one."""
    if not subject.prospect.phone.startswith("+"):
        return None
    country, zone = read(subject.prospect.phone)
    found: dict[str, tuple[object, int]] = {}
    if country:
        found["country"] = (country, COUNTRY)
    if zone:
        found["time_zone"] = (zone, ZONE)
    return found


@lru_cache(maxsize=2048)
def read(number: str) -> tuple[str, str]:
    """Return (country, time zone) of a number in E.164 form; "" where it has none or several."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return "", ""
    country = phonenumbers.region_code_for_number(parsed) or ""
    if len(country) != 2 or not country.isalpha():
        country = ""
    zones = timezone.time_zones_for_number(parsed)
    single = zones[0] if len(zones) == 1 and zones[0] != timezone.UNKNOWN_TIMEZONE else ""
    return country, single


PROVIDER = Provider(
    "phone",
    _("Phone number"),
    _("The numbering plans of all countries."),
    ("country", "time_zone"),
    look,
)
