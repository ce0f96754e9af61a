"""What SMS and WhatsApp providers report about a message after they have taken it."""

from urllib.parse import parse_qs

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from reps.due.clock import database_now
from reps.post import reports, signatures
from reps.views import raw

# Twilio's "Track outbound message status"; queued, sending and sent are on the way still.
ARRIVED = ("delivered", "read")
LOST = ("failed", "undelivered", "canceled")


# Signed by the provider over address and parameters, which stands for session and CSRF token.
@login_not_required
@csrf_exempt
@require_POST
def twilio(request: HttpRequest) -> HttpResponse:
    """Note that a message arrived, or that it did not, so that another channel is tried."""
    body = raw.body(request)
    if body is None:
        return HttpResponse(status=413)
    try:
        form = parse_qs(body.decode(), keep_blank_values=True)
    except ValueError:
        form = {}
    if not signatures.twilio(
        # The address that we gave, whatever a proxy has made of it since.
        settings.BASE_URL + request.get_full_path(),
        form,
        signature=request.headers.get("X-Twilio-Signature", ""),
        secrets=settings.TWILIO_AUTH_TOKENS,
    ):
        return HttpResponse(status=401)
    sid, status = (form.get(name, [""])[0] for name in ("MessageSid", "MessageStatus"))
    if sid and status in ARRIVED:
        reports.arrived(provider_id=sid)
    elif sid and status in LOST:
        code = form.get("ErrorCode", [""])[0]
        said = f"{status} ({code})" if code.isascii() and code.isdigit() else status
        reports.lost(provider_id=sid, detail=said, at=database_now())
    return HttpResponse(status=204)


urlpatterns = [path("hooks/twilio/", twilio, name="hook_twilio")]
