"""A receiver of webhooks on loopback, in Slack's format: notes what arrives, and when."""

import contextlib
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Seconds until the answer, as a provider far away takes them.
LATENCY = float(os.environ.get("CHAOS_LATENCY", "0.005"))


@dataclass
class Received:
    """What has arrived: for each message its key and the moments at which it came."""

    port: int
    at: dict[str, list[float]] = field(default_factory=dict)
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def counts(self) -> Counter[str]:
        return Counter({key: len(moments) for key, moments in list(self.at.items())})


@contextlib.contextmanager
def receiver() -> Iterator[Received]:
    """Listen until the end of the block."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            now = time.time()
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            key = self.headers.get("X-Message-Key", "")
            with lock:
                try:
                    body = json.loads(raw)
                    if not key or not body["text"]:
                        raise KeyError("text")
                except (ValueError, KeyError):
                    received.strange.append(f"{self.path}: {raw[:100]!r}")
                else:
                    received.at.setdefault(key, []).append(now)
                    received.bodies[key] = body
            time.sleep(LATENCY)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            """Say nothing: the notes are enough."""

    class Server(ThreadingHTTPServer):
        # Senders that are killed in the middle are what this is about.
        def handle_error(self, *_: Any) -> None:
            """Say nothing."""

    server = Server(("127.0.0.1", 0), Handler)
    received = Received(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
