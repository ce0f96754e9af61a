import pytest
from datetime import timedelta
from reps.due.clock import database_now
from reps.models import BusyTime, CalendarFeed
from tests import make
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

def test_look(live_server, sign_in):
    from reps import access
    access.sync_groups()
    make.organisation()
    boss = make.user("morgan", group="manager")
    cal = make.calendar("Berlin", time_zone="Europe/Berlin", breaks={"2026-12-01": [["12:00","13:00"]]}, overrides={"2026-12-24": [["09:00","12:00"]]})
    rep = make.rep("robin", team=make.team("East", manager=boss), calendar=cal)
    ben = make.rep("ben", team=rep.team)
    now = database_now()
    make.absence(rep, now + timedelta(days=3), now + timedelta(days=4))
    feed = CalendarFeed.objects.create(rep=rep, url="https://calendar.google.com/x", fetched_at=now, next_fetch_at=now)
    BusyTime.objects.create(feed=feed, kind="MEETING", starts_at=(now+timedelta(days=1)).replace(hour=10), ends_at=(now+timedelta(days=1)).replace(hour=11))
    lead = make.owned(rep, at=now)
    for width in (390, 1440):
        for who, path, name in (("robin", "/people/me/", "me"), ("robin", "/people/me/calendar/", "feed"), ("robin", "/", "home"), ("morgan", f"/people/reps/{rep.pk}/", "rep"), ("morgan", f"/people/calendars/{cal.pk}/", "cal")):
            page = sign_in(who, path, width=width)
            if name == "home":
                page.locator("details.fold > summary").first.click()
            page.screenshot(path="/tmp/tmp.1gjcSSjhBt/%s_%s.png" % (name, width), full_page=name != "home")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
        page = sign_in("robin", "/people/me/", width=width)
        page.locator("[name=delegate]").select_option(str(ben.pk))
        page.locator("[name=cover][value=MOVE]").check()
        page.locator("[name=starts_at]").fill("2031-01-01T00:00"); page.locator("[name=ends_at]").fill("2031-01-02T00:00")
        page.get_by_role("button", name="Add the absence").click()
        page.wait_for_selector("[data-preview]")
        page.screenshot(path="/tmp/tmp.1gjcSSjhBt/preview_%s.png" % width, full_page=True)
