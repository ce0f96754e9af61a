"""Leads and accounts with their normal forms worked out once, and only those asked for."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from accounts import domains, geography, names
from accounts.matching.types import Candidate, LeadIdentity
from accounts.matching.words import STRUCTURAL, words_of


def core_of(words: Sequence[str]) -> tuple[str, ...]:
    """Give the words without structural ones ("Holdings"), in order."""
    return tuple(word for word in words if word not in STRUCTURAL)


def initials_of(name: str) -> frozenset[str]:
    """Give the initials of a name of two words or more, also with the C of "Corp."."""
    plain = names.acronym(name)
    return frozenset((plain, plain + "c")) if plain else frozenset()


class Place:
    """A place in comparable form; empty parts are unknown, and unknown never disagrees."""

    __slots__ = ("city", "country", "state")

    def __init__(self, city: str, state: str, country: str) -> None:
        self.city = names.normalise(city)
        self.country = geography.country_code(country) or ""
        self.state = geography.region_code(self.country, state)

    def compare(self, other: "Place") -> str:
        """Tell how far two places agree: the narrowest thing that is known to, or not to."""
        if self.country and other.country and self.country != other.country:
            return "other country"
        if self.state and other.state and self.state != other.state:
            return "other state"
        if self.city and self.city == other.city:
            return "same city"
        if self.state and self.state == other.state:
            return "same state"
        return ""


class Lead:
    """A lead in comparable form."""

    def __init__(self, lead: LeadIdentity) -> None:
        self.name = lead.company
        self.key = names.key(lead.company)
        self.words = words_of(lead.company)
        self.core = core_of(self.words)
        self.place = Place(lead.city, lead.state, lead.country)
        self.stated_domain = (lead.domain or "").strip()
        self.ignored_domain = bool(self.stated_domain) and domains.is_shared(self.stated_domain)
        usable = self.stated_domain and not self.ignored_domain
        self.host = domains.host(self.stated_domain) if usable else None
        self.registrable = domains.registrable(self.stated_domain) if usable else None

    @cached_property
    def initials(self) -> frozenset[str]:
        return initials_of(self.name)

    @cached_property
    def place_words(self) -> frozenset[str]:
        return frozenset(self.place.city.split())


class Account:
    """A candidate in comparable form."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.id = candidate.account_id

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        found = (domains.host(text) for text in self.candidate.domains)
        return tuple(host for host in found if host)

    @cached_property
    def registrables(self) -> frozenset[str]:
        return frozenset(one for host in self.hosts if (one := domains.registrable(host)))

    @cached_property
    def key(self) -> str:
        return names.key(self.candidate.name)

    @cached_property
    def names(self) -> tuple[str, ...]:
        stated = (self.candidate.name, *self.candidate.aliases)
        return (*stated, *(other for name in stated for other in names.alternates(name)))

    @cached_property
    def alias_keys(self) -> Mapping[str, str]:
        return {names.key(alias): alias for alias in self.names[1:] if alias.strip()}

    @cached_property
    def spellings(self) -> tuple[tuple[str, ...], ...]:
        return tuple(dict.fromkeys(words_of(name) for name in self.names))

    @cached_property
    def bags(self) -> frozenset[tuple[str, ...]]:
        return frozenset(tuple(sorted(words)) for words in self.spellings)

    @cached_property
    def cores(self) -> frozenset[tuple[str, ...]]:
        return frozenset(core_of(words) for words in self.spellings) - {()}

    @cached_property
    def acronyms(self) -> frozenset[str]:
        return frozenset().union(*map(initials_of, self.names))

    @cached_property
    def place(self) -> Place:
        return Place(self.candidate.city, self.candidate.state, self.candidate.country)
