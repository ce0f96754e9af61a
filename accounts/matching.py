"""
To which account a lead belongs: the decision, apart from where the candidates come from.

`match` judges the candidates it is given; `Index` finds them in an account book held in
memory and asks `match`'s own rules. Nothing here reads a database, a clock or a network, and
the answer does not depend on the order of the candidates.

Strength of evidence, strongest first: domain (the same host, a host under it), exact
normalised name, exact alias, names equal but for words such as "Holdings", similar names.
Place only supports or weakens, it never matches by itself. Similar names alone are never a
"match": they are for a person to look at.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Final, Literal

from accounts import domains, geography, names

AccountId = int | str
Verdict = Literal["match", "review", "net_new"]
Evidence = dict[str, Any]

MATCH_AT: Final = 0.85
REVIEW_AT: Final = 0.60
# Two candidates closer than this are a contest, and a person decides.
MARGIN: Final = 0.03

_SAME_DOMAIN: Final = 0.94
_UNDER_DOMAIN: Final = 0.92  # lead's host lies under the account's
_SIBLING_DOMAIN: Final = 0.80  # same registrable domain, another part of it
_EXACT_NAME: Final = 0.93
_EXACT_ALIAS: Final = 0.91
_SAME_LONG_CORE: Final = 0.89
_SAME_CORE: Final = 0.87
_BEST_SIMILAR: Final = 0.82
_ACRONYM: Final = 0.65
_OTHER_DOMAIN: Final = -0.10  # both have a domain of their own, and they differ
_NAME_BESIDE_DOMAIN: Final = 0.05
_LEAST_SIMILARITY: Final = 0.5
# A similar name becomes a match only with the same city and at least this likeness.
_SIMILAR_WITH_CITY: Final = 0.75

# Words about how a company is held together, not about which company it is.
STRUCTURAL: Final = frozenset(
    {"companies", "enterprise", "enterprises", "group", "groupe", "gruppe", "grupo"}
    | {"holding", "holdings"}
)
# Words that half of an industry carries; sharing one says little, lacking one not much more.
DESCRIPTIVE: Final = STRUCTURAL | frozenset(
    {
        "america",
        "american",
        "and",
        "associates",
        "bancorp",
        "bank",
        "brands",
        "capital",
        "care",
        "communications",
        "consulting",
        "corporate",
        "data",
        "de",
        "digital",
        "electric",
        "electronics",
        "energy",
        "entertainment",
        "equipment",
        "europe",
        "express",
        "finance",
        "financial",
        "foods",
        "for",
        "foundation",
        "gas",
        "general",
        "global",
        "health",
        "healthcare",
        "hospital",
        "hotels",
        "in",
        "industrial",
        "industries",
        "information",
        "insurance",
        "ins",
        "international",
        "investment",
        "investments",
        "labs",
        "life",
        "logistics",
        "management",
        "manufacturing",
        "markets",
        "media",
        "medical",
        "motors",
        "national",
        "natural",
        "network",
        "networks",
        "north",
        "of",
        "oil",
        "partners",
        "pharma",
        "pharmaceutical",
        "pharmaceuticals",
        "power",
        "products",
        "properties",
        "realty",
        "resources",
        "restaurants",
        "retail",
        "school",
        "science",
        "sciences",
        "security",
        "semiconductor",
        "service",
        "services",
        "software",
        "solutions",
        "south",
        "steel",
        "stores",
        "supply",
        "system",
        "systems",
        "technologies",
        "technology",
        "telecom",
        "the",
        "therapeutics",
        "trust",
        "united",
        "universal",
        "university",
        "us",
        "usa",
        "water",
        "west",
        "world",
        "worldwide",
    }
)
_DESCRIPTIVE_WEIGHT: Final = 0.25
_JOINTS: Final = frozenset({"and", "of", "the", "for", "in", "de"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """One account as far as matching needs it; domains may be hosts, addresses or URLs."""

    account_id: AccountId
    name: str
    domains: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    city: str = ""
    state: str = ""
    country: str = ""
    parent_id: AccountId | None = None


@dataclass(frozen=True, slots=True)
class LeadIdentity:
    """What a lead says about its company; `domain` as `domains.account_domain` gives it."""

    company: str = ""
    domain: str | None = None
    city: str = ""
    state: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Contender:
    """One account that was thought of; `beaten_by` says in words what spoke against it."""

    account_id: AccountId
    confidence: float
    evidence: list[Evidence]
    beaten_by: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """
    The verdict with its reasons, strongest first.

    "match": one account, beyond reasonable doubt. "review": `account_id` is the likeliest,
    and a person should say. "net_new": no account (`account_id` is None). Every evidence row
    can be written as JSON and names its `kind` and, where there is one, its `account_id`.
    """

    verdict: Verdict
    account_id: AccountId | None
    confidence: float
    evidence: list[Evidence]
    # Best first, at most five.
    contenders: tuple[Contender, ...] = ()


Weigh = Callable[[str], float]


def match(
    lead: LeadIdentity, candidates: Iterable[Candidate], *, weigh: Weigh | None = None
) -> Match:
    """
    Decide which of the candidates the lead belongs to, if any.

    A free or disposable domain is ignored and noted. Two candidates nearly as good as each
    other are a "review" with both in the evidence. `weigh` tells how much sharing a word
    means (`Index.weigh` knows the whole book); without it, only descriptive words count less.
    """
    prepared = {candidate.account_id: _Account(candidate) for candidate in candidates}
    return _decide(_Lead(lead), list(prepared.values()), weigh or plain_weight)


def plain_weight(word: str) -> float:
    """Give 1 for a word, a quarter if it describes an industry or a structure, 0 for "of"."""
    if word in _JOINTS:
        return 0.0
    return _DESCRIPTIVE_WEIGHT if word in DESCRIPTIVE else 1.0


def similarity(ours: Sequence[str], theirs: Sequence[str], weigh: Weigh = plain_weight) -> float:
    """
    Compare two names word by word: 0 nothing shared that says anything, 1 the same words.

    Words weigh by rarity. Words written apart or together ("wal mart") and words of five
    letters or more with one slip of the pen count as the same. Symmetric.
    """
    left, right = _align(ours, theirs)
    shared = sum(weigh(word) for word in left & right)
    rest_left, rest_right = sorted(left - right), sorted(right - left)
    for word in rest_left:
        near = next((other for other in rest_right if _one_slip(word, other)), None)
        if near is not None:
            rest_right.remove(near)
            left, right = left - {word}, right - {near}
            # A slip is a little less than the word itself.
            slip = 0.9 * min(weigh(word), weigh(near))
            shared += slip
            left, right = left | {f"{word}~{near}"}, right | {f"{word}~{near}"}
    weight_left = sum(_weight_of(word, weigh) for word in left)
    weight_right = sum(_weight_of(word, weigh) for word in right)
    if not shared:
        return 0.0
    overlap = shared / (weight_left + weight_right - shared)
    contained = shared / min(weight_left, weight_right)
    return min(1.0, (overlap + contained) / 2)


def _weight_of(word: str, weigh: Weigh) -> float:
    first, slip, second = word.partition("~")
    return max(weigh(first), weigh(second)) if slip else weigh(word)


def _align(ours: Sequence[str], theirs: Sequence[str]) -> tuple[set[str], set[str]]:
    """Join neighbours that the other side writes as one word."""
    return _join(ours, frozenset(theirs)), _join(theirs, frozenset(ours))


def _join(words: Sequence[str], others: frozenset[str]) -> set[str]:
    joined: set[str] = set()
    position = 0
    while position < len(words):
        pair = "".join(words[position : position + 2])
        if position + 1 < len(words) and pair in others:
            joined.add(pair)
            position += 2
        else:
            joined.add(words[position])
            position += 1
    return joined


def _one_slip(one: str, other: str) -> bool:
    """Whether one letter was changed, added, left out or swapped with its neighbour."""
    if min(len(one), len(other)) < 5 or abs(len(one) - len(other)) > 1 or one[0] != other[0]:
        return False
    if one.isdigit() or other.isdigit():
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    swapped = len(a) > 1 and len(b) > 1 and a[0] == b[1] and a[1] == b[0] and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]


class _Lead:
    """A lead with its normal forms worked out once."""

    def __init__(self, lead: LeadIdentity) -> None:
        self.key = names.key(lead.company)
        self.words = names.tokens(lead.company)
        self.core = _core(self.words)
        self.place = _Place(lead.city, lead.state, lead.country)
        self.stated_domain = (lead.domain or "").strip()
        self.ignored_domain = bool(self.stated_domain) and domains.is_shared(self.stated_domain)
        usable = self.stated_domain and not self.ignored_domain
        self.host = domains.host(self.stated_domain) if usable else None
        self.registrable = domains.registrable(self.stated_domain) if usable else None


class _Account:
    """A candidate with its normal forms worked out once, and only those asked for."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.id = candidate.account_id

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        found = (domains.host(text) for text in self.candidate.domains)
        return tuple(host for host in found if host)

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
        return tuple(names.tokens(name) for name in self.names)

    @cached_property
    def bags(self) -> frozenset[tuple[str, ...]]:
        return frozenset(tuple(sorted(words)) for words in self.spellings)

    @cached_property
    def cores(self) -> frozenset[tuple[str, ...]]:
        return frozenset(_core(words) for words in self.spellings) - {()}

    @cached_property
    def acronyms(self) -> frozenset[str]:
        return frozenset(a for a in map(names.acronym, self.names) if len(a) >= 3)

    @cached_property
    def place(self) -> "_Place":
        return _Place(self.candidate.city, self.candidate.state, self.candidate.country)


class _Place:
    """A place in comparable form; empty parts are unknown, and unknown never disagrees."""

    def __init__(self, city: str, state: str, country: str) -> None:
        self.city = names.normalise(city)
        self.country = geography.country_code(country) or ""
        self.state = geography.region_code(self.country, state)

    def compare(self, other: "_Place") -> tuple[str, float]:
        """Tell how far two places agree, and what that adds to the confidence."""
        if self.country and other.country and self.country != other.country:
            return "other country", -0.03
        if self.state and other.state and self.state != other.state:
            return "other state", -0.03
        if self.city and self.city == other.city:
            return "same city", 0.03
        if self.state and self.state == other.state:
            return "same state", 0.015
        return "", 0.0


def _core(words: Sequence[str]) -> tuple[str, ...]:
    """Give the words without structural ones and joints at the end, in order."""
    return tuple(word for word in words if word not in STRUCTURAL and word not in _JOINTS)


@dataclass(frozen=True, slots=True)
class _Scored:
    account_id: AccountId
    confidence: float
    evidence: list[Evidence]
    parent_id: AccountId | None = None


def _is_parent(parent: _Scored, child: _Scored) -> bool:
    return child.parent_id is not None and child.parent_id == parent.account_id


def _decide(lead: _Lead, accounts: Sequence[_Account], weigh: Weigh) -> Match:
    closest = _closest_host(lead, accounts)
    scored = [_score(lead, account, closest, weigh) for account in accounts]
    ranked = sorted(
        (one for one in scored if one.confidence >= REVIEW_AT),
        key=lambda one: (-one.confidence, _order(one.account_id)),
    )
    notes: list[Evidence] = []
    if lead.ignored_domain:
        notes.append({"kind": "domain_ignored", "lead": lead.stated_domain})
    if not ranked:
        return Match("net_new", None, 0.0, notes)

    best = ranked[0]
    contenders = tuple(
        Contender(one.account_id, one.confidence, one.evidence, "" if one is best else "confidence")
        for one in ranked[:5]
    )
    evidence = [*best.evidence, *notes]
    if len(ranked) > 1 and best.confidence - ranked[1].confidence < MARGIN - 1e-9:
        rivals = [one for one in ranked[1:6] if best.confidence - one.confidence < MARGIN - 1e-9]
        for rival in rivals:
            evidence.append(
                {
                    "kind": "contest",
                    "account_id": rival.account_id,
                    "confidence": rival.confidence,
                    "gap": round(best.confidence - rival.confidence, 4),
                    "same_family": _is_parent(best, rival) or _is_parent(rival, best),
                }
            )
            evidence.extend(rival.evidence)
        return Match("review", best.account_id, best.confidence, evidence, contenders)
    verdict: Verdict = "match" if best.confidence >= MATCH_AT else "review"
    return Match(verdict, best.account_id, best.confidence, evidence, contenders)


def _order(account_id: AccountId) -> tuple[int, int, str]:
    return (0, account_id, "") if isinstance(account_id, int) else (1, 0, account_id)


def _closest_host(lead: _Lead, accounts: Iterable[_Account]) -> str:
    """Give the longest account host that is the lead's or lies above it; empty if none."""
    if lead.host is None:
        return ""
    above = (host for account in accounts for host in account.hosts if _covers(host, lead.host))
    return max(above, key=len, default="")


def _covers(upper: str, host: str) -> bool:
    return host == upper or host.endswith("." + upper)


def _score(lead: _Lead, account: _Account, closest: str, weigh: Weigh) -> _Scored:
    """Weigh all evidence that this lead belongs to this account."""
    by_domain = _domain_evidence(lead, account, closest)
    by_name, likeness = _name_evidence(lead, account, weigh)
    if by_domain is None and by_name is None:
        return _Scored(account.id, 0.0, [])
    place, bonus = lead.place.compare(account.place)

    evidence: list[Evidence] = []
    if by_domain is not None:
        strength, row = by_domain
        evidence.append(row)
        if by_name is not None:
            # An exact name decides between accounts that share a domain; a similar one helps.
            strength += _NAME_BESIDE_DOMAIN * (1.0 if by_name[0] >= _SAME_CORE else likeness / 2)
            evidence.append(by_name[1])
    else:
        assert by_name is not None
        strength, row = by_name
        evidence.append(row)
        if (
            strength < MATCH_AT
            and likeness >= _SIMILAR_WITH_CITY
            and place == "same city"
            and _share_own_word(lead, account)
        ):
            strength = MATCH_AT
        if (clash := _clashing_domain(lead, account)) is not None:
            strength += _OTHER_DOMAIN
            evidence.append(clash)
    if place:
        evidence.append({"kind": "place", "account_id": account.id, "agreement": place})
    confidence = round(min(0.99, max(0.0, strength + bonus)), 4)
    evidence[0]["confidence"] = confidence
    return _Scored(account.id, confidence, evidence, account.candidate.parent_id)


def _share_own_word(lead: _Lead, account: _Account) -> bool:
    """Whether a word is shared that is neither the city's nor half an industry's."""
    ours = set(lead.words) - DESCRIPTIVE - set(lead.place.city.split())
    return any(not ours.isdisjoint(words) for words in account.spellings)


def _domain_evidence(lead: _Lead, account: _Account, closest: str) -> tuple[float, Evidence] | None:
    if lead.host is None or lead.registrable is None:
        return None
    row: Evidence = {"kind": "domain", "account_id": account.id, "lead": lead.host}
    for host in sorted(account.hosts, key=len, reverse=True):
        if host == lead.host:
            return _SAME_DOMAIN, row | {"account": host}
        if _covers(host, lead.host):
            # An account with a closer host of its own has the better claim.
            strength = _UNDER_DOMAIN if host == closest else _SIBLING_DOMAIN
            return strength, row | {"kind": "sub_domain", "account": host}
        if domains.registrable(host) == lead.registrable:
            return _SIBLING_DOMAIN, row | {"kind": "same_registrable_domain", "account": host}
    return None


def _clashing_domain(lead: _Lead, account: _Account) -> Evidence | None:
    """Note that both sides have domains and none agrees, not even in its name (acme.de)."""
    if lead.registrable is None or not account.hosts:
        return None
    label = lead.registrable.partition(".")[0]
    own = [domains.registrable(host) or host for host in account.hosts]
    if any(one.partition(".")[0] == label for one in own):
        return None
    return {
        "kind": "other_domain",
        "account_id": account.id,
        "lead": lead.registrable,
        "account": own[0],
    }


def _name_evidence(
    lead: _Lead, account: _Account, weigh: Weigh
) -> tuple[tuple[float, Evidence] | None, float]:
    """Give the best evidence from the names, and their likeness from 0 to 1."""
    if not lead.key:
        return None, 0.0
    row: Evidence = {"account_id": account.id, "lead": " ".join(lead.words)}
    if lead.key == account.key:
        return (_EXACT_NAME, row | {"kind": "name", "account": account.candidate.name}), 1.0
    if (alias := account.alias_keys.get(lead.key)) is not None:
        return (_EXACT_ALIAS, row | {"kind": "alias", "account": alias}), 1.0
    row["account"] = account.candidate.name
    if len(lead.words) > 1 and tuple(sorted(lead.words)) in account.bags:
        return (_SAME_CORE, row | {"kind": "name_order"}), 1.0
    if lead.core and lead.core in account.cores:
        # Two words are less often a coincidence than one ("Graham Corp", "Graham Holdings").
        strength = _SAME_LONG_CORE if len(lead.core) > 1 else _SAME_CORE
        return (strength, row | {"kind": "name_core"}), 1.0
    likeness = max(similarity(lead.words, words, weigh) for words in account.spellings)
    if likeness >= _LEAST_SIMILARITY:
        span = (likeness - _LEAST_SIMILARITY) / (1 - _LEAST_SIMILARITY)
        strength = REVIEW_AT + (_BEST_SIMILAR - REVIEW_AT) * span
        row |= {"kind": "similar_name", "likeness": round(likeness, 3)}
        return (strength, row), likeness
    if lead.key in account.acronyms:
        return (_ACRONYM, row | {"kind": "acronym"}), likeness
    return None, likeness


class Index:
    """
    An account book in memory, indexed so that one lead costs well under 5 ms.

    Answers as `match` would over the whole book, except that a similar name is only found
    when it shares a rare word, or two words, with the lead's. Built once; accounts with the
    same id replace each other, the last one wins.
    """

    # A word in more accounts than this finds nothing by itself.
    COMMON_FROM: Final = 300
    # Only the most promising similar names are compared in full.
    MOST_COMPARED: Final = 40

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        book = {candidate.account_id: _Account(candidate) for candidate in candidates}
        self._accounts = list(book.values())
        self._by_domain: dict[str, list[int]] = defaultdict(list)
        self._by_key: dict[str, list[int]] = defaultdict(list)
        self._by_word: dict[str, list[int]] = defaultdict(list)
        self._by_acronym: dict[str, list[int]] = defaultdict(list)
        for position, account in enumerate(self._accounts):
            for domain in {domains.registrable(host) for host in account.hosts} - {None}:
                self._by_domain[str(domain)].append(position)
            for key in {account.key, *account.alias_keys} - {""}:
                self._by_key[key].append(position)
            for word in {w for words in account.spellings for w in _search_words(words)}:
                self._by_word[word].append(position)
            for short in account.acronyms:
                self._by_acronym[short].append(position)
        self._most = math.log(len(self._accounts) + 2)

    def __len__(self) -> int:
        return len(self._accounts)

    def by_domain(self, text: str) -> list[Candidate]:
        """Give the accounts with the registrable domain of this host, address or URL."""
        return self._candidates(self._by_domain.get(domains.registrable(text) or "", ()))

    def by_name(self, name: str) -> list[Candidate]:
        """Give the accounts whose name or alias is this one, once normalised."""
        return self._candidates(self._by_key.get(names.key(name), ()))

    def weigh(self, word: str) -> float:
        """Give the weight of sharing this word: about 1 if rare in the book, near 0 if not."""
        rarity = math.log((len(self._accounts) + 2) / (len(self._by_word.get(word, ())) + 1))
        return plain_weight(word) * max(0.05, rarity / self._most)

    def match(self, lead: LeadIdentity) -> Match:
        """Decide to which account of the book the lead belongs, if any."""
        prepared = _Lead(lead)
        positions = self._find(prepared)
        return _decide(prepared, [self._accounts[one] for one in positions], self.weigh)

    def _find(self, lead: _Lead) -> list[int]:
        found = set(self._by_key.get(lead.key, ())) | set(self._by_acronym.get(lead.key, ()))
        found.update(self._by_domain.get(lead.registrable or "", ()))
        found.update(self._similar(lead))
        return sorted(found)

    def _similar(self, lead: _Lead) -> list[int]:
        """Give the accounts that share the rarest words with the lead, best first."""
        postings = sorted(
            ((self._by_word[word], word) for word in _search_words(lead.words)
             if word in self._by_word),
            key=lambda pair: (len(pair[0]), pair[1]),
        )  # fmt: skip
        promise: Counter[int] = Counter()
        rare = [pair for pair in postings if len(pair[0]) <= self.COMMON_FROM]
        for positions, word in rare:
            weight = round(1000 * self.weigh(word))
            for position in positions:
                promise[position] += weight
        if not rare and len(postings) > 1:
            shared = set(postings[0][0]).intersection(postings[1][0])
            promise.update(dict.fromkeys(sorted(shared)[: self.COMMON_FROM], 1))
        best = sorted(promise.items(), key=lambda item: (-item[1], item[0]))
        return [position for position, _ in best[: self.MOST_COMPARED]]

    def _candidates(self, positions: Iterable[int]) -> list[Candidate]:
        return [self._accounts[position].candidate for position in positions]


def _search_words(words: Sequence[str]) -> set[str]:
    """Give the words to find a name by: each one, and neighbours written together."""
    pairs = {one + other for one, other in pairwise(words)}
    return {word for word in words if word not in _JOINTS} | pairs
