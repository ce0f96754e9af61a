"""
A client process: brings leads through the form and the API, and tries again until it hears.

`python -m tests.chaos.load JSON`. Knows nothing of the product but its doors. Each thread sends
at its own pace; one and the same key is sent until the door has answered it, as senders do.
Ends when all is sent, or on TERM after the acts it is in.
"""

import http.client
import json
import random
import signal
import sys
import threading
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.chaos.journal import Act, Journal

# How long a client waits for an answer, and until it tries again.
PATIENCE = 15.0
PAUSE = 0.2

# What strangers send. None may make a 5xx, and none that carries a key may be lost.
HOSTILE = (
    b'{"email": "nul\\u0000@company.com"}',
    b'{"email": "a@company.com", "message": "\\ud800"}',
    b'{"email": "a@company.com", "employees": NaN}',
    b'{"email": "a@company.com", "employees": ' + b"9" * 5000 + b"}",
    b'{"email": "\xff\xfe@company.com"}',
    b'{"email": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    b'{"email": "a@company.com"',
    b"\x00\x01\x02",
    b"[]",
    b'{"email": {"$ne": null}}',
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one client process sends, and where."""

    port: int
    journal: str
    name: str
    number: int
    # Leads a second of all threads together; 0: as fast as it goes.
    rate: float
    threads: int
    seed: int
    api_source: str
    api_key: str
    form: str
    form_source: str
    duplicates: float = 0.1
    hostile: float = 0.05
    # "api", "form", or both.
    doors: str = "api form"
    # The keys to send once more: nothing new then.
    again: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """One thing to send: by which door, under which key, about whom."""

    door: str
    key: str
    email: str
    body: bytes
    hostile: bool = False
    again: bool = False


class Client:
    """Sends letters and notes what it heard."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.journal = Journal(Path(plan.journal))
        self.stopping = threading.Event()
        self._began = time.monotonic()
        self._next = 0
        self._lock = threading.Lock()

    def run(self) -> None:
        letters = again(self.plan) if self.plan.again else write(self.plan)
        waiting = iter(letters)
        threads = [
            threading.Thread(target=self._work, args=(waiting,)) for _ in range(self.plan.threads)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.journal.close()

    def _work(self, waiting: Any) -> None:
        line = Line(self.plan.port)
        while not self.stopping.is_set():
            with self._lock:
                letter = next(waiting, None)
                turn = self._next
                self._next += 1
            if letter is None:
                break
            if self.plan.rate:
                at = self._began + turn / self.plan.rate
                self.stopping.wait(max(0.0, at - time.monotonic()))
            self._deliver(line, letter)
        line.hang_up()

    def _deliver(self, line: "Line", letter: Letter) -> None:
        source = self.plan.api_source if letter.door == "api" else self.plan.form_source
        status, receipt, seconds = 0, "", 0.0
        tries = 0
        # Written before it is sent: it may be taken in although no answer comes back.
        self._note(letter, source, status, receipt, seconds, tries, flushed=False)
        while not self.stopping.is_set():
            tries += 1
            began = time.monotonic()
            status, receipt = line.send(letter, self.plan)
            seconds = time.monotonic() - began
            if 0 < status < 500:
                break
            if status >= 500:
                self._note(letter, source, status, receipt, seconds, tries, flushed=False)
            self.stopping.wait(PAUSE)
        if 0 < status < 500:
            self._note(letter, source, status, receipt, seconds, tries)

    def _note(
        self,
        letter: Letter,
        source: str,
        status: int,
        receipt: str,
        seconds: float,
        tries: int,
        *,
        flushed: bool = True,
    ) -> None:
        act = Act(
            source=source,
            key=letter.key,
            email=letter.email,
            status=status,
            receipt=receipt,
            seconds=round(seconds, 4),
            tries=tries,
            at=time.time(),
            hostile=letter.hostile,
            again=letter.again,
        )
        self.journal.note(asdict(act), flushed=flushed)


class Line:
    """A connection to the web that is made again whenever it breaks."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: http.client.HTTPConnection | None = None

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def send(self, letter: Letter, plan: Plan) -> tuple[int, str]:
        """Return the status and the receipt; 0 if nobody answered."""
        path, headers = "/api/v1/leads/", {"Content-Type": "application/json"}
        if letter.door == "api":
            headers |= {"Authorization": f"Bearer {plan.api_key}", "Idempotency-Key": letter.key}
        else:
            path = f"/f/{plan.form}/"
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(
                    "127.0.0.1", self._port, timeout=PATIENCE
                )
            self._connection.request("POST", path, letter.body, headers)
            answer = self._connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            self.hang_up()
            return 0, ""
        return answer.status, _receipt(answer, said)


def _receipt(answer: http.client.HTTPResponse, said: bytes) -> str:
    if answer.status == 302:
        return (answer.getheader("Location") or "").rstrip("/").rpartition("/")[2]
    try:
        return json.loads(said).get("submission", "")
    except (ValueError, AttributeError):
        return ""


def write(plan: Plan) -> list[Letter]:
    """Everything that this client will send, in order: the same for the same seed."""
    chance = random.Random(f"{plan.seed} {plan.name}")
    letters: list[Letter] = []
    for number in range(plan.number):
        if letters and chance.random() < plan.duplicates:
            earlier = chance.choice(letters)
            if earlier.hostile or chance.random() < 0.5:
                letters.append(_same(earlier))
            else:
                other = "form" if earlier.door == "api" else "api"
                letters.append(_lead(other, plan.name, number, earlier.email))
        elif chance.random() < plan.hostile:
            body = chance.choice(HOSTILE)
            key = str(uuid.UUID(int=chance.getrandbits(128)))
            letters.append(Letter("api", key, "", body, hostile=True))
        else:
            door = chance.choice(plan.doors.split())
            email = f"{plan.name}{number}@company{number % 97}.com"
            letters.append(_lead(door, plan.name, number, email))
    return letters


def again(plan: Plan) -> list[Letter]:
    """The same keys with the same bodies, once more."""
    return [
        Letter(door, key, email, _body(door, key, email), again=True)
        for door, key, email in plan.again
    ]


def _same(letter: Letter) -> Letter:
    return Letter(
        letter.door, letter.key, letter.email, letter.body, hostile=letter.hostile, again=True
    )


def _lead(door: str, name: str, number: int, email: str) -> Letter:
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name}/{number}"))
    return Letter(door, key, email, _body(door, key, email))


def _body(door: str, key: str, email: str) -> bytes:
    """The body of a lead follows from its key and address, so that it can be sent again."""
    fields = {"email": email, "first_name": "Ada", "last_name": "Byron", "company": email[-20:]}
    if int(key[:2], 16) % 4 == 0:
        # A quarter goes to a queue, to be claimed.
        fields["country"] = "DE"
    if door == "api":
        return json.dumps(fields).encode()
    return urlencode({**fields, "nonce": key}).encode()


def main(told: str) -> None:
    plan = Plan(**{key: _tuples(value) for key, value in json.loads(told).items()})
    client = Client(plan)
    signal.signal(signal.SIGTERM, lambda *_: client.stopping.set())
    client.run()


def _tuples(value: Any) -> Any:
    return tuple(map(tuple, value)) if isinstance(value, list) else value


if __name__ == "__main__":
    # Long plans come in a file: a command line has its limits.
    main(Path(sys.argv[1]).read_text(encoding="utf-8"))
