"""
One request to one checked place, all of it by one deadline.

The name is resolved once and the connection made to the very number that was checked, so
that a name which answers differently the second time leads nowhere else. Redirects are not
followed here: whoever wants to, checks the next place like the first.
"""

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from reps.net.addresses import AddressRefused, Place, check_resolved

Resolve = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """The numbers behind a name, in the system's order."""
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(row[4][0] for row in rows))


@contextmanager
def ask(
    place: Place,
    *,
    method: str = "GET",
    headers: Mapping[str, str],
    body: bytes | None = None,
    deadline: float,
    resolver: Resolve = resolve,
) -> Iterator[http.client.HTTPResponse]:
    """
    Ask once and yield the answer, to be read inside; headers without a value are left out.

    :raises AddressRefused: if the place may not be called
    :raises TimeoutError: as soon as `deadline` (monotonic) has passed
    :raises OSError: if the network fails
    :raises http.client.HTTPException: if the answer is not HTTP
    """
    numbers = check_resolved(place, _resolved(place, resolver, deadline))
    plain = _connected(place, numbers, deadline)
    connection = http.client.HTTPConnection(place.host, place.port)
    connection.sock = _Wire(plain, deadline)
    try:
        connection.putrequest(method, place.target, skip_host=True, skip_accept_encoding=True)
        length = {} if body is None else {"Content-Length": str(len(body))}
        for name, value in {"Host": place.netloc, "Connection": "close", **length}.items():
            connection.putheader(name, value)
        for name, value in headers.items():
            if value:
                connection.putheader(name, value)
        connection.endheaders(body)
        yield connection.getresponse()
    finally:
        connection.close()
        plain.close()


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
