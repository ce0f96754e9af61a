"""A rep's calendar feed: entering its address, reading it again, taking it off."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from reps import signals, trail
from reps.due import doorbell
from reps.feeds.addresses import place_of
from reps.models import CalendarFeed, Rep, User
from reps.models.tracked import bulk_writer
from reps.net.addresses import AddressRefused
from reps.services.people import PeopleRefused, locked


def check(url: str) -> str:
    """
    Return an address that may be kept.

    :raises PeopleRefused: if it is none from which a calendar is read; says why
    """
    url = url.strip()
    try:
        place_of(url, inside=tuple(settings.FEED_HOSTS_INSIDE))
    except AddressRefused as refused:
        raise PeopleRefused(str(refused)) from refused
    return url


@transaction.atomic
def connect(*, rep: Rep, url: str, by: User, at: datetime) -> CalendarFeed:
    """
    Read a rep's calendar from an address from now on; one that was read before is forgotten.

    :raises PeopleRefused: as `check`
    """
    url = check(url)
    locked(rep)
    feed = CalendarFeed.objects.filter(rep=rep).first() or CalendarFeed(rep=rep)
    had = feed.pk is not None
    feed.url, feed.is_active = url, True
    feed.next_fetch_at, feed.fetched_at = at, None
    feed.etag = feed.modified = feed.error = ""
    feed.failures = 0
    # The address is a secret: neither history nor trail has it, only whose it is.
    trail.save(feed, by=by, at=at, reason="address changed" if had else "connected")
    feed.busy.all().delete()
    doorbell.ring("feeds")
    return feed


@transaction.atomic
def read_again(*, feed: CalendarFeed, at: datetime) -> None:
    """Read a calendar at once, without waiting for its turn."""
    with bulk_writer("feeds"):
        # Only the turn moves, which history leaves out.
        CalendarFeed.objects.filter(pk=feed.pk, is_active=True).update(next_fetch_at=at)
    doorbell.ring("feeds")


@transaction.atomic
def disconnect(*, feed: CalendarFeed, by: User, at: datetime) -> None:
    """Stop reading a rep's calendar and forget what it said."""
    rep = feed.rep
    locked(rep)
    row = CalendarFeed.objects.filter(pk=feed.pk).first()
    if row is None:
        return
    trail.delete(row, by=by, at=at, reason="disconnected")
    signals.rep_available.send(sender=Rep, rep=rep, by=by, at=at)
