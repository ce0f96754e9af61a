"""
Ask a provider over HTTP, within limits, and say what its answer means.

The address is checked and connected to by its checked number (`reps.net`), port 443 only unless
the settings exempt the host; redirects are not followed, and no more than 256 KB are read. Runs on
threads: nothing here touches the database.
"""

import http.client
import json
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from reps.net.addresses import AddressRefused, place_of
from reps.net.wire import Resolve, ask, resolve
from routing.enrich.question import Question

MOST_BYTES = 256 * 1024
PORTS = (443,)
# "Not now", beside all of the 500s.
NOT_NOW = (202, 408, 425, 429)
# "Nobody I know."
UNKNOWN = (204, 404, 410)
# Keys that are wrong are wrong for every lead.
KEYS = (401, 402, 403, 407)


@dataclass(frozen=True, slots=True)
class Said:
    """
    What came of a question. `kind`: ANSWERED with JSON in `body`, EMPTY (it knows nothing), or
    FAILED with words for people in `error`, which hold nothing that was sent.

    `again`: trying once more may help. `faulty`: it speaks of the provider, not of this lead.
    `retry_after`: how long it wants to be left alone.
    """

    kind: Literal["ANSWERED", "EMPTY", "FAILED"]
    body: Any = None
    error: str = ""
    again: bool = False
    faulty: bool = False
    retry_after: timedelta | None = None
    status: int | None = None
    ms: int = 0


def call(
    question: Question,
    *,
    seconds: float,
    inside: Sequence[str] = (),
    resolver: Resolve = resolve,
) -> Said:
    """Ask once; all of it takes at most so many seconds. Never raises."""
    began = time.monotonic()
    said = _call(question, began + seconds, seconds, inside, resolver)
    ms = round((time.monotonic() - began) * 1000)
    return Said(
        said.kind, said.body, said.error, said.again, said.faulty, said.retry_after, said.status, ms
    )


def _call(
    question: Question, deadline: float, seconds: float, inside: Sequence[str], resolver: Resolve
) -> Said:
    headers = {
        "Accept": "application/json",
        "User-Agent": "lead-routing enrichment",
        **question.headers,
    }
    try:
        place = place_of(question.url, inside=inside, ports=PORTS)
        with ask(
            place,
            method=question.method,
            headers=headers,
            body=question.body,
            deadline=deadline,
            resolver=resolver,
        ) as answer:
            status = answer.status
            if status not in (200, 201, 203):
                return _refused(status, answer.getheader("Retry-After"))
            content = answer.read(MOST_BYTES + 1)
    except AddressRefused as refused:
        return _failed(str(refused), again=False)
    except ssl.SSLCertVerificationError:
        return _failed("Its certificate is not valid for this address.", again=False)
    except TimeoutError:
        return _failed(f"It took longer than {seconds:.1f} seconds.")
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Their texts may quote what was asked for.
        return _failed(f"It could not be reached ({type(error).__name__}).")
    if len(content) > MOST_BYTES:
        return _failed(f"Its answer is larger than {MOST_BYTES // 1024} KB.", again=False)
    return _read(content, status)


def _read(content: bytes, status: int) -> Said:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return Said("FAILED", error="Its answer is no JSON.", faulty=True, status=status)
    if body in (None, {}, []):
        return Said("EMPTY", status=status)
    return Said("ANSWERED", body=body, status=status)


def _refused(status: int, retry_after: str | None) -> Said:
    if status in UNKNOWN:
        return Said("EMPTY", status=status)
    if 300 <= status < 400:
        words = f"It answered {status}, to ask elsewhere; that is not followed."
        return Said("FAILED", error=words, faulty=True, status=status)
    words = f"It answered {status}."
    if status in NOT_NOW or status >= 500:
        wait = _seconds(retry_after)
        return Said("FAILED", error=words, again=True, faulty=True, retry_after=wait, status=status)
    return Said("FAILED", error=words, faulty=status in KEYS, status=status)


def _failed(words: str, *, again: bool = True) -> Said:
    return Said("FAILED", error=words, again=again, faulty=True)


def _seconds(text: str | None) -> timedelta | None:
    """Retry-After in seconds; a date is taken as none, for our clocks may differ."""
    plain = (text or "").strip()
    if not (plain.isascii() and plain.isdigit()):
        return None
    return timedelta(seconds=min(int(plain[:6]), 86_400))
