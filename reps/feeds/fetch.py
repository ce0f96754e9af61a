"""
Fetch a calendar over HTTPS within limits, and from nowhere but the public internet.

Each hop is checked, its name resolved once, and the connection made to the very number that
was checked, so that a name which answers differently the second time leads nowhere else.
"""

import http.client
import io
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin

from reps.feeds.addresses import AddressRefused, Place, check_resolved, place_of

TOTAL_SECONDS = 10.0
MOST_BYTES = 2 * 1024 * 1024
MOST_REDIRECTS = 3
CHUNK = 64 * 1024
REDIRECTS = (301, 302, 303, 307, 308)

Resolve = Callable[[str, int], list[str]]


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


def resolve(host: str, port: int) -> list[str]:
    """The numbers behind a name, in the system's order."""
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(row[4][0] for row in rows))


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
            numbers = check_resolved(place, _resolved(place, resolver, deadline))
            answer = _ask(place, numbers, known, deadline)
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


def _resolved(place: Place, resolver: Resolve, deadline: float) -> list[str]:
    """Resolve on a thread of its own: the system's resolver knows no time-out of ours."""
    found: list[str] = []
    failed: list[OSError] = []

    def work() -> None:
        try:
            found.extend(resolver(place.host, place.port))
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True, name="resolve")
    thread.start()
    thread.join(_left(deadline))
    if thread.is_alive():
        raise TimeoutError
    if failed:
        raise AddressRefused("No server is known by this name.")
    return list(found)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Wire:
    """
    What `http.client` needs of a socket. Every wait ends by one deadline, however slowly
    bytes drip in; who opened the socket closes it.
    """

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._socket = connection
        self._deadline = deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._socket, self._deadline))

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(_left(self._deadline))
        self._socket.sendall(data)

    def close(self) -> None:
        """The answer is still to be read when the request is done with its socket."""


class _Reader(io.RawIOBase):
    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._socket = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        self._socket.settimeout(_left(self._deadline))
        return self._socket.recv_into(buffer)


def _ask(place: Place, numbers: list[str], known: Known, deadline: float) -> Fetched | str:
    """Ask once: the calendar, or the address to which it has moved."""
    wire = _connected(place, numbers, deadline)
    connection = http.client.HTTPConnection(place.host, place.port)
    connection.sock = _Wire(wire, deadline)
    try:
        connection.putrequest("GET", place.target, skip_host=True, skip_accept_encoding=True)
        headers = {
            "Host": place.netloc,
            "Accept": "text/calendar, text/plain;q=0.5, */*;q=0.1",
            "Accept-Encoding": "gzip, identity",
            "User-Agent": "lead-routing calendar reader",
            "Connection": "close",
            "If-None-Match": known.etag,
            "If-Modified-Since": known.modified,
        }
        for name, value in headers.items():
            if value:
                connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        if answer.status in REDIRECTS and (moved := answer.getheader("Location")):
            return moved
        if answer.status == 304:
            return Fetched(body=None, known=known)
        if answer.status != 200:
            raise FetchFailed(f"The server answered {answer.status}.")
        return Fetched(body=_body(answer), known=_known(answer))
    finally:
        connection.close()
        wire.close()


def _connected(place: Place, numbers: list[str], deadline: float) -> socket.socket:
    failure: OSError = OSError("no number")
    for number in numbers:
        try:
            plain = socket.create_connection((number, place.port), timeout=_left(deadline))
        except OSError as error:
            failure = error
            continue
        if place.scheme != "https":
            return plain
        try:
            plain.settimeout(_left(deadline))
            return ssl.create_default_context().wrap_socket(plain, server_hostname=place.host)
        except BaseException:
            plain.close()
            raise
    raise failure


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
