"""
By which keys each submission of a batch recognises its person. Pure.

Sure by itself: an e-mail address, the mailbox behind it, a LinkedIn profile, an id elsewhere. A
shared mailbox is only sure together with a name. A phone number is sure until a second person
turns up with it; from then on it is weak, and recognises only together with a name, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from routing.dedupe.addresses import Rules, fold_name
from routing.dedupe.nicknames import formal

Key = tuple[str, str]
LONGEST = 300
# How much of a name stands beside a shared address.
LONGEST_NAME = 40


class Person(Protocol):
    """What a submission says of whoever sent it, in normal form."""

    email: str
    phone: str
    linkedin_url: str
    external_id: str

    def text(self, name: str) -> str: ...


@dataclass(slots=True)
class Card:
    """Whom a key is known to lead to: a row, or somebody new in this batch."""

    prospect: int | None = None
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    is_weak: bool = False

    @property
    def name(self) -> str:
        return fold_name(self.first_name, self.last_name)

    def learn(self, person: Person) -> None:
        """Take over what was not known yet, as the row will."""
        self.first_name = self.first_name or person.text("first_name")
        self.last_name = self.last_name or person.text("last_name")
        self.email = self.email or person.email


@dataclass(slots=True)
class Recognised:
    """The keys of each submission, surest first, and the numbers that turned out weak."""

    keys: list[list[Key]] = field(default_factory=list)
    # Number → the name of whoever had it first, who is to be found by both from now on.
    weak: dict[str, str] = field(default_factory=dict)


def asked(people: Sequence[Person], rules: Rules) -> set[Key]:
    """Every key that `recognise` may ask about."""
    found: set[Key] = set()
    for person in people:
        found.update(_sure(person, rules))
        if person.phone:
            found |= {("PHONE", person.phone), shared_key(person.phone, _name(person))}
    return found


def recognise(people: Sequence[Person], known: Mapping[Key, Card], rules: Rules) -> Recognised:
    """
    Return the keys by which each submission finds or makes its person.

    Submissions are read in their order, so that two people with one number in the same batch
    are told apart like any other two.
    """
    result = Recognised()
    cards = {key: card for key, card in known.items() if key[0] == "PHONE"}
    for person in people:
        keys = _sure(person, rules)
        if person.phone:
            keys.append(_phone_key(person, keys, known, cards, rules, result.weak))
        if person.external_id:
            # Last: a file's own number is surer about the file than about the person.
            keys.sort(key=lambda key: key[0] == "EXTERNAL")
        result.keys.append(list(dict.fromkeys(keys)))
    for keys in result.keys:
        # Whoever in this batch had the number first is found by both from now on.
        numbers = [value for kind, value in keys if kind == "PHONE" and result.weak.get(value)]
        keys += [shared_key(number, result.weak[number]) for number in numbers]
    return result


def _sure(person: Person, rules: Rules) -> list[Key]:
    keys: list[Key] = []
    if person.email:
        email = person.email.casefold()
        if rules.is_shared(email):
            keys.append(shared_key(email, _name(person)))
        else:
            keys.append(("EMAIL", email))
            if mailbox := rules.mailbox(email):
                keys.append(("MAILBOX", mailbox))
    if person.linkedin_url:
        keys.append(("LINKEDIN", person.linkedin_url))
    if person.external_id:
        keys.append(("EXTERNAL", person.external_id))
    return keys


def _phone_key(
    person: Person,
    sure: Sequence[Key],
    known: Mapping[Key, Card],
    cards: dict[Key, Card],
    rules: Rules,
    weak: dict[str, str],
) -> Key:
    key: Key = ("PHONE", person.phone)
    together = shared_key(person.phone, _name(person))
    if not rules.phone_identifies:
        return together
    card = cards.get(key)
    if card is None:
        cards[key] = card = Card()
        card.learn(person)
        return key
    if card.is_weak or person.phone in weak:
        return together
    owner = next((known[one].prospect for one in sure if one in known), None)
    if (owner is not None and owner == card.prospect) or not are_distinct(card, person):
        card.learn(person)
        return key
    weak[person.phone] = card.name
    return together


def are_distinct(card: Card, person: Person) -> bool:
    """
    Whether somebody with the same number is certainly not whom it is known to belong to: of
    another name, or with another e-mail address and no name that says they are the same.
    """
    theirs, ours = card.name, _name(person)
    if theirs and ours:
        return not same_name(theirs, ours)
    return bool(card.email and person.email and card.email.casefold() != person.email.casefold())


def same_name(one: str, other: str) -> bool:
    """
    Whether two folded names may be one person's: the same words in any order, a nickname, an
    initial, or one of them only part of the other.
    """
    left, right = one.split(), other.split()
    if len(left) > len(right):
        left, right = right, left
    rest = list(right)
    for word in left:
        match = next((there for there in rest if _same_word(word, there)), None)
        if match is None:
            return False
        rest.remove(match)
    return True


def _same_word(one: str, other: str) -> bool:
    if one == other or formal(one) == formal(other):
        return True
    return min(len(one), len(other)) == 1 and one[0] == other[0]


def shared_key(address: str, name: str) -> Key:
    """What recognises one of several people behind an address: it, and the words of the name."""
    words = " ".join(sorted(name.split()))
    return "SHARED", f"{address} {words[:LONGEST_NAME]}".strip()[:LONGEST]


def _name(person: Person) -> str:
    return fold_name(person.text("first_name"), person.text("last_name"))
