"""Web push in the browser: the service worker, and a person's own devices."""

import hashlib
import json
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from reps.due.clock import database_now
from reps.models import User
from reps.post import vapid
from reps.services import push
from reps.views import raw

WORKER = settings.BASE_DIR / "static" / "js" / "sw.js"


def panel(user: User) -> dict[str, Any]:
    """What `reps/_push.html` shows: the devices, and the key that a browser subscribes for."""
    return {
        "key": vapid.public_key(),
        "devices": [
            (device, hashlib.sha256(device.endpoint.encode()).hexdigest())
            for device in user.push_subscriptions.all()
        ],
    }


# A browser asks for its worker again whether or not anybody is signed in, and takes no redirect.
@login_not_required
@require_GET
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, from the root so that it may serve every page."""
    return HttpResponse(
        WORKER.read_text(encoding="utf-8"),
        content_type="text/javascript; charset=utf-8",
        headers={"Service-Worker-Allowed": "/", "Cache-Control": "no-cache"},
    )


@require_POST
def subscribe(request: HttpRequest) -> HttpResponse:
    """Keep the subscription that the browser was given, as it says it (PushSubscription.toJSON)."""
    try:
        sent = json.loads(raw.body(request) or b"")
        keys = sent["keys"]
        given = {
            "endpoint": str(sent["endpoint"]),
            "p256dh": str(keys["p256dh"]),
            "auth": str(keys["auth"]),
            "device": str(sent.get("device", "")),
        }
        kept = push.subscribe(user=request.user, at=database_now(), **given)
    except push.SubscriptionRefused as refused:
        return JsonResponse({"error": str(refused)}, status=400)
    except (ValueError, KeyError, TypeError):
        return JsonResponse({"error": _("This is no subscription of a browser.")}, status=400)
    messages.success(request, _("This device is told from now on."))
    return JsonResponse({"id": kept.pk}, status=201)


@require_POST
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one of one's own devices off."""
    if push.forget(user=request.user, pk=pk, at=database_now()):
        messages.success(request, _("This device is told nothing any more."))
    return redirect("my_channels")


urlpatterns = [
    path("sw.js", worker, name="service_worker"),
    path("me/push/", subscribe, name="push_subscribe"),
    path("me/push/<int:pk>/delete/", forget, name="push_forget"),
]
