"""Which webhook addresses a person may enter: HTTPS, at a provider's own hosts."""

from collections.abc import Sequence

from django.conf import settings

from reps.net.addresses import AddressRefused, place_of
from reps.net.post import PORTS


class ForeignWebhook(ValueError):
    """The address is not one of this provider's, so nothing is sent there."""


def check(url: str, *, hosts: Sequence[str], provider: str) -> str:
    """
    Return a webhook's address as it is kept. A rep may enter one, and must not be able to
    make this server call whatever they like.

    `hosts` are full names, or ends of names that begin with a dot; those of
    `HOOK_HOSTS_INSIDE` (with their ports) are for tests and relays inside the network.

    :raises ForeignWebhook: for another host, port or scheme; with words for a person
    """
    url = url.strip()
    inside = settings.HOOK_HOSTS_INSIDE
    try:
        place = place_of(url, inside=inside, ports=PORTS)
    except AddressRefused as refused:
        raise ForeignWebhook(f"This is no {provider} webhook. {refused}") from None
    known = any(
        place.host.endswith(host) if host.startswith(".") else place.host == host for host in hosts
    )
    if not (known or place.inside):
        raise ForeignWebhook(f"{place.host} is not a {provider} webhook host.")
    return url
