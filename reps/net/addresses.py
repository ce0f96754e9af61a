"""
Which places may be called. Pure.

A rep may enter any address, and must not be able to make this server call what only this
server can reach: its own machine, its network, or the metadata service of its cloud.
"""

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

LONGEST = 1000
SCHEMES = {"https": 443, "http": 80}

# Public by their numbers, yet answered by the host of a virtual machine.
_METADATA = [ipaddress.ip_network(text) for text in ("168.63.129.16/32", "192.0.0.0/24")]
# Ways to write an IPv4 address as IPv6 that nobody serves anything from.
_OBSOLETE = [
    ipaddress.ip_network(text)
    for text in ("::/96", "2001::/32", "2002::/16", "fec0::/10", "64:ff9b:1::/48")
]
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(ValueError):
    """The address is not one that this server calls; the message says why, and no secret."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to call: the parts of a checked address. `inside` is exempt by the settings."""

    scheme: str
    host: str
    port: int
    target: str
    inside: bool

    @property
    def netloc(self) -> str:
        """Host and port as the Host header wants them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == SCHEMES[self.scheme] else f"{host}:{self.port}"


def place_of(
    url: str, *, inside: Sequence[str] = (), ports: Collection[int] | None = None
) -> Place:
    """
    Take an address apart and refuse what is never called.

    `inside` are hosts with their ports ("calendar.intern:443") that the settings allow
    although they are not public, by plain HTTP and at any port too; `ports` are all that
    others may have.

    :raises AddressRefused: for another scheme, a password in it, or a number that is not public
    """
    if len(url) > LONGEST:
        raise AddressRefused(f"This address is longer than {LONGEST} characters.")
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in url) or not url.isascii():
        raise AddressRefused("This address has characters that addresses do not have.")
    try:
        parts = urlsplit(url)
        scheme = parts.scheme
        port = parts.port or SCHEMES.get(scheme, 0)
    except ValueError:
        raise AddressRefused("This is not an address.") from None
    host = (parts.hostname or "").rstrip(".")
    if scheme not in SCHEMES or not host:
        raise AddressRefused("The address must start with https://.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("This address carries a user name or password.")
    exempt = f"{host}:{port}" in inside
    if scheme != "https" and not exempt:
        raise AddressRefused("The address must start with https://.")
    if not exempt and ports is not None and port not in ports:
        raise AddressRefused(f"This address uses port {port}, which is not called.")
    if not exempt and (number := _number(host)) is not None and not is_public(number):
        raise AddressRefused("This address lies in a private network.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(scheme, host, port, target, exempt)


def check_resolved(place: Place, numbers: list[str]) -> list[str]:
    """
    Return the numbers behind a name, if every one of them may be called.

    One private number among public ones is refused as a whole: no honest name has both.

    :raises AddressRefused: if there is none, or one that may not be called
    """
    if not numbers:
        raise AddressRefused("No server is known by this name.")
    if not place.inside:
        for text in numbers:
            number = _number(text)
            if number is None or not is_public(number):
                raise AddressRefused("This address lies in a private network.")
    return numbers


def is_public(number: Address) -> bool:
    """Whether anybody on the internet could call this number just as well."""
    if isinstance(number, ipaddress.IPv6Address):
        if number.ipv4_mapped is not None:
            return is_public(number.ipv4_mapped)
        if number in _NAT64:
            return is_public(ipaddress.IPv4Address(int(number) & 0xFFFF_FFFF))
        if any(number in network for network in _OBSOLETE):
            return False
    return (
        number.is_global
        and not number.is_multicast
        and not number.is_reserved
        and not number.is_unspecified
        and not any(number in network for network in _METADATA)
    )


def _number(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
