"""The Celery application of the product, with one more task, which kills whoever takes it."""

import os
import signal
from pathlib import Path

from config.celery import app

__all__ = ["app"]


@app.task(name="chaos.poison", acks_late=True)
def poison() -> None:
    with Path(os.environ["CHAOS_POISON"]).open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    os.kill(os.getpid(), signal.SIGKILL)
