"""The prospects of the demo: who comes through which door, again and again."""

import random
import re
import unicodedata
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from routing.demo import market
from routing.demo.browser import Answer, Browser
from routing.demo.organisation import FORM, GUIDE_FORM
from routing.demo.rules import FAIR

Person = dict[str, Any]
API = "api/v1/leads/"
REMEMBERED = 40

# Bodies that no door can read or use; each is kept for a person to mend.
BROKEN: tuple[bytes, ...] = (
    b'{"email": "ines at tallwater", "first_name": "Ines", "company": "Tallwater Freight"}',
    b'{"email": "kit@orchidbay-hotels.com", "employees": "a few"',
    b'{"first_name": "Nobody", "message": "I left no address."}',
    b'{"email": "a@valefoods-group.com", "company": "Vale\\u0000Foods"}',
    b'{"email": "lee@cobalt-mill.com", "country": "Atlantis"}',
)


class Prospects:
    """Sends one lead after the other, of all kinds in turn; `seed` makes a run repeatable."""

    def __init__(self, base_url: str, keys: Mapping[str, str], *, seed: int | None = None) -> None:
        self.base_url, self.keys = base_url, keys
        self.chance = random.Random(seed)
        self.met: deque[Person] = deque(maxlen=REMEMBERED)
        self.lukewarm: deque[Person] = deque(maxlen=REMEMBERED)
        self._sent = 0
        self._broken = 0

    # Every kind of lead comes up within one round, the telling ones early.
    ROUND = (
        "account", "stranger", "signup", "guide", "stranger", "again", "partner", "account",
        "slips", "comes_back", "unsure", "broken", "stranger", "fair", "signup", "guide", "account",
        "again",
    )  # fmt: skip

    def act(self) -> str:
        """Send the next lead; return one line about it."""
        kind = self.ROUND[self._sent % len(self.ROUND)]
        self._sent += 1
        acts: dict[str, Callable[[], str]] = {
            "account": lambda: self.asks(self.person(market.COMPANIES)),
            "stranger": lambda: self.asks(self.person(market.STRANGERS)),
            "guide": self.reads_the_guide,
            "comes_back": self.comes_back,
            "again": self.asks_again,
            "slips": self.slips,
            "signup": lambda: self.signs_up("product-signups"),
            "partner": lambda: self.signs_up("partners"),
            "fair": self.visits_the_fair,
            "unsure": self.is_unsure,
            "broken": self.breaks,
        }
        return acts[kind]()

    def person(self, companies: tuple[market.Company, ...]) -> Person:
        """Somebody new, at one of these companies."""
        company = self.chance.choice(companies)
        first = self.chance.choice(market.FIRST_NAMES)
        last = self.chance.choice(market.LAST_NAMES)
        local = f"{_plain(first)}.{_plain(last)}"
        made = {
            "first_name": first,
            "last_name": last,
            "email": f"{local}{self.chance.randrange(1000)}@{company.domain}",
            "company": company.name,
            "title": self.chance.choice(market.TITLES),
            "country": company.country,
            "region": company.region,
            "industry": company.industry,
            "employees": str(company.employees),
            "product_interest": self.chance.choice(market.PRODUCTS),
            "budget_range": self.chance.choice(market.BUDGETS),
            "timeline": self.chance.choice(market.TIMELINES),
            "message": self.chance.choice(market.MESSAGES),
        }
        self.met.append(made)
        return made

    def asks(self, person: Person) -> str:
        """Fill in the demo form."""
        answer = self._form(FORM, person)
        return _line("asks for a demo", person, answer)

    def reads_the_guide(self) -> str:
        """Only want to read something: too cold for a rep, so far."""
        person = self.person(market.STRANGERS)
        self.met.pop()
        # A private address and a small title, so that the score stays low.
        person["email"] = person["email"].partition("@")[0] + "@gmail.com"
        self.lukewarm.append(person)
        return _line("wants the guide", person, self._form(GUIDE_FORM, person))

    def comes_back(self) -> str:
        """The reader of the guide asks after all: nurture is over."""
        if not self.lukewarm:
            return self.reads_the_guide()
        person = self.lukewarm.popleft()
        return _line("comes back and asks", person, self._form(FORM, person))

    def asks_again(self) -> str:
        """The same person through the other door: one lead, two touches."""
        if not self.met:
            return self.asks(self.person(market.COMPANIES))
        person = self.chance.choice(self.met)
        return _line("comes by another door", person, self._api("product-signups", person))

    def slips(self) -> str:
        """The same person with another spelling of their address: a possible duplicate."""
        if not self.met:
            return self.asks(self.person(market.COMPANIES))
        person = dict(self.chance.choice(self.met))
        local, _, domain = person["email"].partition("@")
        first = person["first_name"]
        person["email"] = f"{_plain(first)[:1]}{local.partition('.')[2]}@{domain}"
        return _line("comes with another address", person, self._form(FORM, person))

    def signs_up(self, source: str) -> str:
        person = self.person(market.STRANGERS if source == "partners" else market.COMPANIES)
        if source == "partners":
            return _line("is referred", person, self._api(source, person))
        # The product saw what they did before they gave their name.
        seen = [{"name": name} for name in self.chance.choice(market.SEEN)]
        return _line("signs up", person, self._api(source, {**person, "events": seen}))

    def visits_the_fair(self) -> str:
        """Left a card at the stand: a campaign that has a rule of its own for a while."""
        carriers = tuple(one for one in market.STRANGERS if one.industry == "Logistics")
        person = {**self.person(carriers), "campaign": FAIR}
        return _line("met us at the fair", person, self._api("partners", person))

    def is_unsure(self) -> str:
        """Referred from a company that two accounts could be: a person has to say which."""
        person = self.person(tuple(one for one in market.COMPANIES if "Mosswater" in one.name))
        self.met.pop()
        local = person["email"].partition("@")[0]
        person |= {"company": "Mosswater Paper", "email": f"{local}@gmail.com", "country": ""}
        return _line("could be of two companies", person, self._api("partners", person))

    def breaks(self) -> str:
        """Something unusable; the door keeps it for a person."""
        body = BROKEN[self._broken % len(BROKEN)]
        self._broken += 1
        answer = Browser(self.base_url).call(API, raw=body, **self._headers("product-signups"))
        return f"prospect: something unreadable ({answer.status})"

    def _form(self, slug: str, person: Person) -> Answer:
        browser = Browser(self.base_url)
        return browser.submit(f"f/{slug}/", person, having="email")

    def _api(self, source: str, person: Person) -> Answer:
        body = {name: value for name, value in person.items() if value}
        return Browser(self.base_url).call(API, body, **self._headers(source))

    def _headers(self, source: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.keys.get(source, '')}",
            "Idempotency_Key": f"demo-{self.chance.getrandbits(96):024x}",
        }


def _plain(name: str) -> str:
    """A name as it stands in an address."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z]+", "-", letters).strip("-")


def _line(what: str, person: Person, answer: Answer) -> str:
    name = f"{person['first_name']} {person['last_name']}, {person['company']}"
    return f"prospect: {name}, {what} ({answer.status})"
