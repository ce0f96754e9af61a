"""The raw body of a callback: signatures are over its bytes, and it is small or none of ours."""

from django.http import HttpRequest
from django.http.request import UnreadablePostError

MOST_BYTES = 64 * 1024


def body(request: HttpRequest) -> bytes | None:
    """Return the body as it was sent; None if it is larger than any provider's, or broken off."""
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
            return None
        return request.body
    except (ValueError, UnreadablePostError):
        return None
