"""Response headers that keep pages from running what is not ours."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors {frames}"
)
# Unfold's admin carries Alpine, which evaluates expressions, and inline styles; it is for
# staff only and gets the narrowest policy under which it works.
ADMIN_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# The browser of the OpenAPI schema writes styles and its own start-up script into the page.
SCHEMA_POLICY = ADMIN_POLICY


class ContentSecurityPolicyMiddleware:
    """
    Send a strict policy with every page, and keep signed-in pages out of shared caches.

    A view that may be embedded sets `response.frame_hosts`; everything else may not.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/admin/"):
            policy = ADMIN_POLICY
        elif request.path.startswith("/api/schema/"):
            policy = SCHEMA_POLICY
        else:
            frames = " ".join(getattr(response, "frame_hosts", [])) or "'none'"
            policy = POLICY.format(frames=frames)
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), microphone=(), geolocation=()"
        )
        # A static file is the same for everybody; anything else may hold a lead, which the
        # next request may not be allowed to see any more.
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store, private")
        return response
