"""A rep's calendar feed: the page on which it is connected, read again and taken off."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from reps import outlook
from reps.due.clock import database_now
from reps.forms import FeedForm
from reps.models import BusyTime, CalendarFeed, Rep
from reps.services import feeds
from reps.services.people import PeopleRefused
from reps.views.absences import theirs_or_managed


@sensitive_post_parameters("url")
def feed_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Connect a rep's calendar, and see how its readings go."""
    return _page(request, theirs_or_managed(request.user, pk))


@sensitive_post_parameters("url")
def my_feed(request: HttpRequest) -> HttpResponse:
    """The same for oneself."""
    rep = get_object_or_404(Rep, user=request.user)
    return _page(request, theirs_or_managed(request.user, rep.pk))


@sensitive_variables("form")
def _page(request: HttpRequest, rep: Rep) -> HttpResponse:
    at = database_now()
    form = FeedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            feeds.connect(rep=rep, url=form.cleaned_data["url"], by=request.user, at=at)
        except PeopleRefused as refused:
            form.add_error("url", str(refused))
        else:
            messages.success(request, _("Connected. The calendar is read within a minute."))
            return _back(request, rep)
    feed = CalendarFeed.objects.filter(rep=rep).first()
    busy = BusyTime.objects.filter(feed=feed, ends_at__gt=at) if feed else BusyTime.objects.none()
    return TemplateResponse(
        request,
        "reps/feed.html",
        {
            "at": at,
            "rep": rep,
            "own": rep.user_id == request.user.pk,
            "feed": feed,
            "form": form,
            "meetings": busy.filter(kind=BusyTime.Kind.MEETING).count(),
            "out": busy.filter(kind=BusyTime.Kind.OUT).count(),
            "week": outlook.week(rep, at=at, zone=timezone.get_current_timezone()),
        },
        status=422 if form.errors else 200,
    )


def _back(request: HttpRequest, rep: Rep) -> HttpResponse:
    return redirect("my_feed") if rep.user_id == request.user.pk else redirect("feed", rep.pk)


def _feed(request: HttpRequest, pk: int) -> CalendarFeed:
    feed = get_object_or_404(CalendarFeed, pk=pk)
    feed.rep = theirs_or_managed(request.user, feed.rep_id)
    return feed


@require_POST
def feed_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Read a calendar now."""
    feed = _feed(request, pk)
    feeds.read_again(feed=feed, at=database_now())
    messages.success(request, _("The calendar is read within a minute."))
    return _back(request, feed.rep)


@require_POST
def feed_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop reading a calendar."""
    feed = _feed(request, pk)
    feeds.disconnect(feed=feed, by=request.user, at=database_now())
    messages.success(request, _("The calendar is not read any more."))
    return _back(request, feed.rep)


urlpatterns = [
    path("people/me/calendar/", my_feed, name="my_feed"),
    path("people/reps/<int:pk>/calendar/", feed_page, name="feed"),
    path("people/feeds/<int:pk>/read/", feed_read, name="feed_read"),
    path("people/feeds/<int:pk>/drop/", feed_drop, name="feed_drop"),
]
