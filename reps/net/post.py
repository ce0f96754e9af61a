"""
Send something to a public address: the one client for everything that leaves by HTTP.

The address is checked and connected to by its checked number (`wire`), port 443 only, never
redirected, and the whole call takes ten seconds at most; of the answer 64 KB are read.
"""

import http.client
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reps.net.addresses import AddressRefused, place_of
from reps.net.wire import Resolve, ask, resolve

TOTAL_SECONDS = 10.0
MOST_BYTES = 64 * 1024
PORTS = (443,)


class PostFailed(Exception):
    """Nothing came back; the message says why, without the address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said, whatever it was; `body` is its first 64 KB."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    inside: Sequence[str] = (),
    seconds: float = TOTAL_SECONDS,
    resolver: Resolve = resolve,
) -> Answer:
    """
    Post a body and return the answer, of any status; names of headers in small letters.

    `inside` are hosts with ports that may be called although they are not public.

    :raises AddressRefused: if the address is one that is never called
    :raises PostFailed: if no answer came in time
    """
    deadline = time.monotonic() + seconds
    place = place_of(url, inside=inside, ports=PORTS)
    sent = {"User-Agent": "lead-routing", "Accept": "*/*", **headers}
    try:
        with ask(
            place, method="POST", headers=sent, body=body, deadline=deadline, resolver=resolver
        ) as answer:
            return Answer(
                status=answer.status,
                body=answer.read(MOST_BYTES),
                headers={name.lower(): value for name, value in answer.getheaders()},
            )
    except AddressRefused:
        raise
    except ssl.SSLCertVerificationError:
        raise PostFailed("The server's certificate is not valid for this address.") from None
    except TimeoutError:
        raise PostFailed(f"The server took longer than {seconds:.0f} seconds.") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Their texts may quote what was asked for.
        raise PostFailed(f"The server could not be reached ({type(error).__name__}).") from None
