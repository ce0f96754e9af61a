"""
A real HTTP server on loopback that stands for a provider: it records every request whole, and
answers, fails or hangs as it is told to.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Receiver:
    """What came in, and what is answered: one behaviour after the other, the last for ever."""

    netloc: str
    closing: threading.Event
    got: list[Request] = field(default_factory=list)
    answers: list[Behaviour] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.netloc}"

    def next_answer(self) -> Behaviour:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def says(status: int, body: bytes = b"ok", **headers: str) -> Behaviour:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        with suppress(OSError):
            handler.wfile.write(body)

    return answer


def hangs(handler: Any) -> None:
    """Say nothing until the test is over."""
    handler.server.receiver.closing.wait(10)


def never_ends(handler: Any) -> None:
    """Answer 200 with a body that goes on and on."""
    handler.send_response(200)
    handler.end_headers()
    with suppress(OSError):
        while not handler.server.receiver.closing.is_set():
            handler.wfile.write(b"x" * 64 * 1024)


def drips(handler: Any) -> None:
    """Answer 200 with a byte now and then."""
    handler.send_response(200)
    handler.end_headers()
    with suppress(OSError):
        while not handler.server.receiver.closing.is_set():
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        receiver = self.server.receiver
        receiver.got.append(Request(self.command, self.path, dict(self.headers), body))
        receiver.next_answer()(self)

    do_GET = do_POST  # noqa: N815 - named by http.server

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def receiving(*answers: Behaviour) -> Iterator[Receiver]:
    """Open a receiver; without answers it says 200 "ok"."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    receiver = Receiver(f"127.0.0.1:{server.server_port}", threading.Event())
    receiver.answers = list(answers) or [says(200)]
    server.receiver = receiver
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
