"""What every page's frame needs: where one can go, what waits there, whether routing runs."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from reps import access
from reps.due import alarms, holds
from reps.models import Hold, Message, Rep
from routing import selectors
from routing.dedupe.deciding import visible_pairs
from routing.models import Dispute, DuplicatePair, Lead, MatchReview, Organisation, Submission
from routing.visibility import requests_to_decide, visible_disputes, visible_reviews

# More than so many is many.
MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the navigation; `says` reads its count aloud."""

    label: str
    icon: str
    url: str
    current: bool = False
    count: int = 0
    says: str = ""
    hot: bool = False


def shell(request: HttpRequest) -> dict[str, Any]:
    """Offer the frame to templates; what a page does not show is not read."""
    return {"shell": Shell(request)}


class Shell:
    """
    The frame of one request. Everything is read when first shown, in a number of queries
    that does not depend on how many rows there are.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        # Error pages may come before anybody is known.
        self._user = getattr(request, "user", None)

    @cached_property
    def now(self) -> datetime:
        return timezone.now()

    @property
    def now_ms(self) -> int:
        """This server's time, by which the browser's clocks run."""
        return int(self.now.timestamp() * 1000)

    @property
    def _signed_in(self) -> bool:
        return self._user is not None and self._user.is_authenticated

    @cached_property
    def organisation(self) -> Organisation | None:
        if not self._signed_in:
            return None
        return Organisation.objects.select_related("routing_paused_by").first()

    @property
    def paused_at(self) -> datetime | None:
        return self.organisation.routing_paused_at if self.organisation else None

    @property
    def paused_by(self) -> str:
        return self.organisation.routing_paused_by.label if self.paused_at else ""

    @cached_property
    def rep(self) -> Rep | None:
        return access.rep_of(self._user) if self._signed_in else None

    @cached_property
    def may_set_up(self) -> bool:
        return self._signed_in and access.may_set_up(self._user)

    @property
    def setup_url(self) -> str:
        return reverse("setup")

    @property
    def role(self) -> str:
        """Who one is here, under the name."""
        if self.rep:
            return f"{self.rep.get_role_display()} · {self.rep.team}"
        if not self._signed_in:
            return ""
        if access.is_admin(self._user):
            return _("Admin")
        if access.is_revops(self._user):
            return _("RevOps")
        return _("Manager") if access.is_manager(self._user) else _("No role yet")

    @property
    def dot(self) -> str:
        if self.rep is None:
            return ""
        return "paused" if self.rep.is_paused(self.now) else "ok"

    @cached_property
    def main(self) -> list[Entry]:
        """The few places one works at."""
        if not self._signed_in:
            return []
        is_manager = access.is_manager(self._user)
        is_revops = access.is_revops(self._user)
        entries = []
        if self.rep or not self.may_set_up:
            entries.append(self._entry("home", _("Home"), "home", self._needs_me, hot=True))
        if is_manager or is_revops:
            entries.append(self._entry("board", _("Team"), "board", self._requests))
        entries.append(self._entry("leads", _("Leads"), "queue"))
        if self.rep or self.may_set_up:
            entries.append(self._entry("risk", _("At risk"), "alert"))
        if self.rep and not self.may_set_up:
            entries.append(self._entry("attainment", _("Kept"), "check"))
        if self.rep and not self.may_set_up:
            entries.append(self._entry("disputes", _("Disputes"), "swap", self._contested))
        if is_manager or is_revops:
            entries.append(self._entry("history", _("History"), "history"))
            entries.append(self._entry("rules", _("Rules"), "rules"))
        return entries

    @cached_property
    def sub(self) -> list[Entry]:
        """What is set up once and looked at now and then."""
        if not self._signed_in or not self.may_set_up:
            return []
        entries = [
            self._entry("reviews", _("Match reviews"), "search", self._reviews),
            self._entry("disputes", _("Disputes"), "swap", self._contested),
            self._entry("setup", _("Set-up"), "gear"),
            self._entry("people", _("People"), "users"),
            self._entry("territories", _("Territories"), "map"),
            self._entry("accounts", _("Accounts"), "bldg"),
            self._entry("policies", _("Promises"), "clock"),
            self._entry("attainment", _("Promises kept"), "check"),
            self._entry("enrichment", _("Enrichment"), "search"),
            self._entry("imports", _("Imports"), "upload"),
            self._entry("quarantine", _("Quarantine"), "inbox", self._broken),
            self._entry("duplicates", _("Duplicates"), "copy", self._alike),
        ]
        if access.is_revops(self._user):
            entries.append(self._entry("outbox", _("Outbox"), "send", self._dead))
            entries.append(self._entry("people_data", _("Personal data"), "lock"))
            entries.append(self._entry("operations", _("Operations"), "bolt", self._alarms))
        return entries

    def _entry(
        self, name: str, label: str, icon: str, count: Any = None, *, hot: bool = False
    ) -> Entry:
        url = reverse(name)
        path = self._request.path
        current = path == url if url == "/" else path.startswith(url)
        number, says = count() if count else (0, "")
        return Entry(label, icon, url, current, number, says, hot)

    def _needs_me(self) -> tuple[int, str]:
        if self.rep is None:
            return 0, ""
        number = Lead.objects.filter(owner=self.rep).filter(selectors.needs_now(self.now)).count()
        return number, _("%(n)s need you now") % {"n": number}

    def _requests(self) -> tuple[int, str]:
        number = requests_to_decide(self._user).count()
        return number, _("%(n)s requests wait for an answer") % {"n": number}

    def _alike(self) -> tuple[int, str]:
        pairs = visible_pairs(self._user).filter(state=DuplicatePair.State.OPEN)
        number = pairs[:MOST_COUNTED].count()
        return number, _("%(n)s possible duplicates to decide") % {"n": number}

    def _reviews(self) -> tuple[int, str]:
        waiting = visible_reviews(self._user).filter(state=MatchReview.State.PENDING)
        number = waiting.filter(lead__prospect__erased_at=None).count()
        return number, _("%(n)s matches to decide") % {"n": number}

    def _contested(self) -> tuple[int, str]:
        number = visible_disputes(self._user).filter(state=Dispute.State.OPEN).count()
        return number, _("%(n)s open disputes") % {"n": number}

    def _broken(self) -> tuple[int, str]:
        number = Submission.objects.filter(state=Submission.State.QUARANTINED).count()
        return number, _("%(n)s need mending") % {"n": number}

    @cached_property
    def holds(self) -> list[Hold]:
        """What holds effects back at present, for the banner on every page."""
        return holds.open_holds() if self._signed_in else []

    @property
    def operations_url(self) -> str:
        """Where whoever may can release a hold."""
        may = self._signed_in and access.is_revops(self._user)
        return reverse("operations") if may else ""

    def _alarms(self) -> tuple[int, str]:
        number = alarms.open_alarms().count()
        return number, _("%(n)s alarms") % {"n": number}

    def _dead(self) -> tuple[int, str]:
        number = Message.objects.filter(state=Message.State.DEAD).count()
        return number, _("%(n)s could not be sent") % {"n": number}
