"""What every test may use."""

import os

import pytest
from django.conf import settings

from reps.due import doorbell
from routing.dispatch import snapshot

# Playwright's synchronous API runs an event loop in the test's own thread.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# WhiteNoise warns of a missing folder, and warnings are errors here.
settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)


@pytest.fixture(autouse=True)
def fresh_process_state():
    """No roster of another test's database, and a doorbell that rings nowhere."""
    snapshot.forget()
    doorbell.connect(None)
    doorbell.breaker.reset()
