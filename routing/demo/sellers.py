"""The reps of the demo at work: some quick, some slow, some silent."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from routing.demo.browser import Answer, Browser
from routing.demo.organisation import PASSWORD

Lead = dict[str, Any]
LEADS = "api/v1/leads/"
# Whoever tries the demo works these; only what they leave lying for long is tidied away.
LEFT_TO_PEOPLE_UP_TO = 25
HANDOVERS_ENOUGH = 3
FORGET_AFTER = 3600.0
PAUSED_FOR = timedelta(minutes=3)
REASONS = ("No budget this year", "Chose somebody else", "Only comparing", "Wrong person")


class Seller:
    """
    One rep, signed in, who looks at their leads now and then and does one thing about each.

    How they treat a lead is drawn once per lead and epoch, so that a restart changes nothing.
    `is_person`: the login belongs to whoever tries the demo, so hardly anything is done.
    """

    def __init__(self, base_url: str, username: str, name: str, *, is_person: bool = False) -> None:
        self.username, self.name, self.is_person = username, name, is_person
        self.browser = Browser(base_url)
        self.signed_in = False
        self._since: dict[tuple[int, int, str], float] = {}

    def look(self, now: float) -> Iterator[str]:
        """Look at what there is, act, and yield one line per act."""
        if not self.signed_in and not self.sign_in():
            return
        seen = self._list(f"{LEADS}?place=OWNER&page_size=200")
        # A manager sees those of the teams as well.
        leads = [lead for lead in seen if (lead["owner"] or {}).get("name") == self.name]
        if self.is_person:
            yield from self.tidy(leads)
            return
        for lead in leads:
            yield from self.treat(lead, now)
        yield from self.claim(self._list(f"{LEADS}claimable/"), now)
        self._since = {k: v for k, v in self._since.items() if now - v < FORGET_AFTER}

    def sign_in(self) -> bool:
        answer = self.browser.submit(
            "login/", {"username": self.username, "password": PASSWORD}, having="password"
        )
        self.signed_in = answer.ok and "/login/" not in answer.url
        return self.signed_in

    # --- What a rep does ------------------------------------------------------------------

    def treat(self, lead: Lead, now: float) -> Iterator[str]:
        """Take the next step with an own lead, once its time has come."""
        mood = random.Random(f"{lead['id']}-{lead['epoch']}")
        waited = self._waited(lead, now)
        if lead["acknowledged_at"] is None:
            yield from self.answer(lead, mood, waited, now)
        elif lead.get("paused_until"):
            return
        elif lead["contacted_at"] is None:
            # Whoever did not answer the first call answers the second.
            again = (lead["id"], lead["epoch"], "called") in self._since
            if waited > (120 if again else mood.uniform(15, 100)):
                reached = again or mood.random() < 0.8
                self._once(lead, "called", now)
                yield self._act(
                    lead, "contact", "contacts", way="CALL", reached=reached, note="Demo call"
                )
                if not reached and mood.random() < 0.5:
                    yield from self.pause(lead)
        elif waited > mood.uniform(60, 300):
            yield self.end(lead, mood)

    def answer(self, lead: Lead, mood: random.Random, waited: float, now: float) -> Iterator[str]:
        """Acknowledge soon, late or never; hand some back; ask for others to go elsewhere."""
        draw = mood.random()
        # Who gets it after others were silent sees to it, or it would go round for ever.
        if lead["epoch"] >= HANDOVERS_ENOUGH:
            draw = 0.0
        if draw < 0.55:
            if waited > mood.uniform(3, 20):
                yield self._act(lead, "acknowledge", "acknowledges")
        elif draw < 0.70:
            # After the promise is broken, before the backup gets it.
            if waited > 50:
                yield self._act(lead, "acknowledge", "acknowledges late")
        elif draw < 0.76:
            if waited > 12:
                yield self._act(lead, "decline", "hands back", reason="Not my field")
        elif draw < 0.80:
            if waited > 30:
                yield self._act(lead, "acknowledge", "acknowledges")
            elif waited > 10 and self._once(lead, "asked", now):
                yield self._act(
                    lead, "request-reassignment", "asks to pass on", reason="Speaks French only"
                )
        # The others are silent: remind, tell, and at last somebody else gets the lead.

    def pause(self, lead: Lead) -> Iterator[str]:
        """Let the clocks stand still for a while: they asked to be called back."""
        reasons = self._list("api/v1/pause-reasons/?is_active=true")
        if reasons:
            until = datetime.now(UTC) + PAUSED_FOR
            yield self._act(
                lead,
                "pause",
                "pauses",
                reason=reasons[0]["id"],
                until=until.isoformat(),
                note="Calls back",
            )

    def end(self, lead: Lead, mood: random.Random) -> str:
        """Close the lead, which frees a place for the next."""
        if mood.random() < 0.3:
            value = f"{mood.randrange(20, 900) * 100}.00"
            return self._act(lead, "outcome", "wins", kind="WON", value=value)
        return self._act(lead, "outcome", "loses", kind="LOST", reason=mood.choice(REASONS))

    def claim(self, leads: list[Lead], now: float) -> Iterator[str]:
        """Take one lead from the desk, not at once: others may be quicker."""
        for lead in leads:
            eager = random.Random(f"{lead['id']}-{self.username}")
            if self._waited(lead, now) > eager.uniform(25, 150):
                yield self._act(lead, "claim", "claims")
                return

    def tidy(self, leads: list[Lead]) -> Iterator[str]:
        """Close the oldest of a person's leads once there are too many, so that new ones come."""
        if len(leads) > LEFT_TO_PEOPLE_UP_TO:
            mine = sorted(leads, key=lambda lead: lead["assigned_at"] or "")
            oldest = mine[0]
            yield self._act(oldest, "outcome", "closes", kind="LOST", reason="Left lying")

    # --- How ------------------------------------------------------------------------------

    def _act(self, lead: Lead, verb: str, words: str, **more: Any) -> str:
        answer = self.browser.call(f"{LEADS}{lead['id']}/{verb}/", {"epoch": lead["epoch"], **more})
        code = "" if answer.ok else f", {(answer.json() or {}).get('code', 'no answer')}"
        return f"{self.username}: {words} lead {lead['id']} ({answer.status}{code})"

    def _list(self, path: str) -> list[Lead]:
        answer: Answer = self.browser.call(path)
        if answer.status in (401, 403):
            self.signed_in = False
        found = answer.json()
        return found.get("results", []) if answer.ok and isinstance(found, dict) else []

    def _waited(self, lead: Lead, now: float) -> float:
        """Since when we have seen this lead in this step, in seconds."""
        step = "new" if lead.get("acknowledged_at") is None else "seen"
        if lead.get("contacted_at"):
            step = "contacted"
        return now - self._since.setdefault((lead["id"], lead["epoch"], step), now)

    def _once(self, lead: Lead, what: str, now: float) -> bool:
        """Whether this has not been done about the lead before; notes that it is now."""
        key = (lead["id"], lead["epoch"], what)
        first = key not in self._since
        self._since.setdefault(key, now)
        return first
