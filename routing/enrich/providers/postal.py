"""Place, state and time zone of a postal code, and how far the nearest rep is."""

from django.utils.translation import gettext_lazy as _

from accounts import places
from routing.engine.earth import km_between
from routing.enrich.providers.base import Answer, Provider, Subject

# A ZIP code has one state and one zone; its name of a place is one of several.
STATE, CITY, OF_COUNTRY = 95, 85, 75


def look(subject: Subject) -> Answer | None:
    """Of a ZIP code everything; of a country the time zone, if it has about one."""
    who, account = subject.prospect, subject.account
    country, code, region = who.country, who.postal_code, who.region
    if not country and account is not None:
        country, code, region = account.country, account.postal_code, account.region
    if not country:
        return None
    found: dict[str, tuple[object, int]] = {}
    place = places.of(country, code)
    if place is not None:
        found["city"], found["region"] = (place.city, CITY), (place.state, STATE)
        if subject.reps:
            here = [km_between(place.lat, place.lon, *there) for there in subject.reps]
            found["nearest_km"] = (round(min(here)), STATE)
    zone = places.zone_of(country, code, region)
    if zone:
        found["time_zone"] = (zone, STATE if place is not None and place.zone else OF_COUNTRY)
    return found


PROVIDER = Provider(
    "postal",
    _("Postal code"),
    _("ZIP codes of the United States (GeoNames, CC BY 4.0); elsewhere the country's time zone."),
    ("region", "city", "time_zone", "nearest_km"),
    look,
)
