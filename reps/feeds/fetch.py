"""
Fetch a calendar over HTTPS within limits, and from nowhere but the public internet.

Each hop is checked like the first, and connected to by its checked number (`reps.net.wire`).
"""

import http.client
import ssl
import time
import zlib
from dataclasses import dataclass
from urllib.parse import urljoin

from reps.feeds.addresses import place_of
from reps.net.addresses import AddressRefused, Place
from reps.net.wire import Resolve, ask, resolve

TOTAL_SECONDS = 10.0
MOST_BYTES = 2 * 1024 * 1024
MOST_REDIRECTS = 3
CHUNK = 64 * 1024
REDIRECTS = (301, 302, 303, 307, 308)


class FetchFailed(Exception):
    """The calendar was not read; the message says why, without the address."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the server said of the copy that was read last, so that it may answer "the same"."""

    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A calendar as it was sent; `body` is None if it is the known copy still."""

    body: bytes | None
    known: Known


def fetch(
    url: str,
    *,
    known: Known | None = None,
    inside: tuple[str, ...] = (),
    seconds: float = TOTAL_SECONDS,
    resolver: Resolve = resolve,
) -> Fetched:
    """
    Return what stands at an address. Everything together takes at most `seconds`.

    `inside` are hosts with ports that may be called although they are not public.

    :raises FetchFailed: in plain words that hold no part of the address but its host
    """
    deadline = time.monotonic() + seconds
    known = known or Known()
    try:
        for _ in range(MOST_REDIRECTS + 1):
            place = place_of(url, inside=inside)
            answer = _ask(place, known, resolver, deadline)
            if isinstance(answer, Fetched):
                return answer
            url = urljoin(f"{place.scheme}://{place.netloc}{place.target}", answer)
    except AddressRefused as refused:
        raise FetchFailed(str(refused)) from None
    except ssl.SSLCertVerificationError:
        raise FetchFailed("The server's certificate is not valid for this address.") from None
    except TimeoutError:
        raise FetchFailed(f"The server took longer than {seconds:.0f} seconds.") from None
    except (OSError, http.client.HTTPException, zlib.error, ValueError) as error:
        # Their texts may quote what was asked for.
        raise FetchFailed(f"The server could not be read ({type(error).__name__}).") from None
    raise FetchFailed(f"The address is passed on more than {MOST_REDIRECTS} times.")


def _ask(place: Place, known: Known, resolver: Resolve, deadline: float) -> Fetched | str:
    """Ask once: the calendar, or the address to which it has moved."""
    headers = {
        "Accept": "text/calendar, text/plain;q=0.5, */*;q=0.1",
        "Accept-Encoding": "gzip, identity",
        "User-Agent": "lead-routing calendar reader",
        "If-None-Match": known.etag,
        "If-Modified-Since": known.modified,
    }
    with ask(place, headers=headers, deadline=deadline, resolver=resolver) as answer:
        if answer.status in REDIRECTS and (moved := answer.getheader("Location")):
            return moved
        if answer.status == 304:
            return Fetched(body=None, known=known)
        if answer.status != 200:
            raise FetchFailed(f"The server answered {answer.status}.")
        return Fetched(body=_body(answer), known=_known(answer))


def _body(answer: http.client.HTTPResponse) -> bytes:
    """The body, unpacked; neither packed nor unpacked may it be longer than the limit."""
    coding = (answer.getheader("Content-Encoding") or "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip"):
        raise FetchFailed("The server packs the calendar in a way that is not understood.")
    unpack = zlib.decompressobj(wbits=31) if coding != "identity" else None
    taken, body = 0, bytearray()
    while chunk := answer.read(CHUNK):
        taken += len(chunk)
        body += unpack.decompress(chunk, MOST_BYTES + 1 - len(body)) if unpack else chunk
        if max(taken, len(body)) > MOST_BYTES:
            raise FetchFailed(f"The calendar is larger than {MOST_BYTES // 1024 // 1024} MB.")
    if answer.length or (unpack is not None and not unpack.eof):
        raise FetchFailed("The calendar was not sent whole.")
    return bytes(body)


def _known(answer: http.client.HTTPResponse) -> Known:
    def said(name: str, longest: int) -> str:
        value = answer.getheader(name) or ""
        return value if len(value) <= longest and value.isprintable() else ""

    return Known(etag=said("ETag", 200), modified=said("Last-Modified", 60))
