"""
Read a calendar in a process of its own, with limits on time and memory.

A calendar is a program of sorts: one line may ask for an event every second since 1970. No
check of ours knows every such line, so the reading itself is what has limits.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from reps.feeds.busy import Busy, Unreadable

SECONDS = 10
ROOT = Path(__file__).resolve().parents[2]


def read(body: bytes, *, zone: str, start: int, end: int, seconds: float = SECONDS) -> Busy:
    """
    Return the time that a calendar says is taken within `[start, end)`.

    :raises Unreadable: if it is no calendar, or asks for more than the limits allow
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "reps.feeds.busy", zone, str(start), str(end)],
            input=body,
            capture_output=True,
            timeout=seconds,
            cwd=ROOT,
            # The pinned time zones only, and none of this process's secrets.
            env={"PYTHONTZPATH": "", "PATH": os.defpath},
            check=True,
        )
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise Unreadable("The calendar takes too long to work out.") from None
    except (subprocess.CalledProcessError, ValueError):
        raise Unreadable("The calendar cannot be worked out.") from None
    if "error" in answer:
        raise Unreadable(answer["error"])
    return Busy(
        meetings=tuple(map(tuple, answer["meetings"])), out=tuple(map(tuple, answer["out"]))
    )
