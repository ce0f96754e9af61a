"""
A sweep that is always there: as often as somebody kills it, another takes its place.

`python -m tests.processes.sweeper AFTER PERIOD`: prints the number of each new process. Forked
from a parent that has read the code already, so a test can kill many in little time; what runs
is `reps.due.loop.Sweep`, as in `manage.py sweep`. TERM ends both.
"""

import os
import signal
import sys
from datetime import timedelta

import django


def main(after: float, period: float) -> None:
    django.setup()
    from django.db import connections

    from reps.due import doorbell
    from reps.due.loop import Sweep

    doorbell.connect(None)
    child = 0

    def end(*_: object) -> None:
        if child:
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)
        os._exit(0)

    while True:
        connections.close_all()
        child = os.fork()
        if child == 0:
            Sweep(after=timedelta(seconds=after), period=period).run()
            os._exit(0)
        signal.signal(signal.SIGTERM, end)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
