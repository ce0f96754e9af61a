"""How I am told: channels in my order, quiet hours, and a test message to oneself."""

from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reps.due.clock import database_now
from reps.forms import ChannelForm, QuietForm
from reps.models import ChannelChoice, NotificationPreference, User
from reps.post import channels
from reps.services import preferences
from reps.services.preferences import Wish
from reps.views import push

Mode = ChannelChoice.Mode


def my_channels(request: HttpRequest) -> HttpResponse:
    """What each channel is used for, in which order, and when not to disturb."""
    user, sent = request.user, request.POST or None
    wishes = preferences.of(user)
    if sent:
        wishes = _in_the_order_sent(wishes, request.POST.getlist("order"))
    forms = [
        ChannelForm(
            sent,
            channel=channels.get(wish.channel),
            initial={"mode": wish.mode, "address": wish.address},
        )
        for wish in wishes
    ]
    own = NotificationPreference.objects.filter(user=user).first()
    quiet = QuietForm(sent, instance=own or NotificationPreference(user=user), label_suffix="")
    if sent and all([quiet.is_valid(), *(form.is_valid() for form in forms)]):
        said = [Wish(form.channel.name, **form.cleaned_data) for form in forms]
        said = _moved(said, request)
        preferences.save(user=user, wishes=said, quiet=quiet.instance, at=database_now())
        flash.success(request, _("Saved."))
        return redirect("my_channels")
    return _page(request, forms=forms, quiet=quiet, status=422 if sent else 200)


def _page(
    request: HttpRequest, *, forms: list[ChannelForm], quiet: QuietForm, status: int
) -> HttpResponse:
    tests = preferences.newest_tests(request.user)
    rows = [
        {
            "form": form,
            "channel": form.channel,
            "mode": form["mode"].value(),
            "test": tests.get(form.channel.name),
            "is_open": bool(form.errors),
        }
        for form in forms
    ]
    context = {
        "at": database_now(),
        "rows": rows,
        "quiet": quiet,
        "push": push.panel(request.user),
        "zone": request.user.time_zone,
    }
    return TemplateResponse(request, "reps/my_channels.html", context, status=status)


def _in_the_order_sent(wishes: list[Wish], order: list[str]) -> list[Wish]:
    place = {name: number for number, name in enumerate(order)}
    return sorted(wishes, key=lambda wish: place.get(wish.channel, len(place)))


def _moved(wishes: list[Wish], request: HttpRequest) -> list[Wish]:
    for name, by in (("up", -1), ("down", 1)):
        if name in request.POST:
            return preferences.moved(wishes, channel=request.POST[name], by=by)
    return wishes


@require_POST
def send_test(request: HttpRequest, channel: str) -> HttpResponse:
    """Send oneself a message by one channel, through the outbox like any other."""
    if channel not in {one.name for one in channels.set_up()}:
        flash.error(request, _("This channel is not set up here."))
    else:
        preferences.send_test(user=request.user, channel=channel, at=database_now())
        flash.success(request, _("A test message is on its way; what became of it stands below."))
    return redirect("my_channels")


def summary(user: User) -> list[dict[str, Any]]:
    """How a person is told, in a line per channel that is used."""
    return [
        {"label": channels.get(wish.channel).label, "used_for": Mode(wish.mode).label}
        for wish in preferences.of(user)
        if wish.mode != Mode.OFF
    ]


urlpatterns = [
    path("me/channels/", my_channels, name="my_channels"),
    path("me/channels/<slug:channel>/test/", send_test, name="my_channel_test"),
]
