"""Which places a feed may be read from: any that may be called, written as calendars are."""

from collections.abc import Sequence

from reps.net import addresses
from reps.net.addresses import Place


def place_of(url: str, *, inside: Sequence[str] = ()) -> Place:
    """
    Take a calendar's address apart and refuse what is never called.

    webcal:// is how calendars are offered to programs; it means https.

    :raises reps.net.addresses.AddressRefused: as `reps.net.addresses.place_of` does
    """
    if url[:9].lower() == "webcal://":
        url = f"https://{url[9:]}"
    return addresses.place_of(url, inside=inside)
