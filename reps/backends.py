"""Who may sign in with a password."""

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend

DEMO_PASSWORD = "demo"


class PasswordBackend(ModelBackend):
    """
    Passwords as usual, except the demo's: outside of demo mode it opens nothing, so that a
    database which began as a demo is not left open to everybody who read the README.
    """

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        if password == DEMO_PASSWORD and not settings.DEMO:
            return None
        return super().authenticate(request, username=username, password=password, **kwargs)
