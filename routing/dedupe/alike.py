"""
Whether two people may be one: by what they are found (blocks), what speaks for it and how much.

Pure. Evidence is codes without personal data; a confidence is 1 minus the product of what each
piece leaves open, so that pieces add up and never reach certainty.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from accounts import domains, names
from routing.dedupe.addresses import Rules, fold_name
from routing.dedupe.identity import same_name
from routing.dedupe.nicknames import formal

# Typing slips of large providers' domains that are nobody's own.
DOMAIN_TYPOS: Mapping[str, str] = {
    slip: right
    for right, slips in {
        "gmail.com": "gmial.com gmai.com gmal.com gamil.com gnail.com gmail.co gmail.con gmail.cm "
        "gmaill.com gmil.com gmail.om ggmail.com gmsil.com",
        "googlemail.com": "googlmail.com googlemail.co googelmail.com",
        "hotmail.com": "hotmial.com hotmal.com hotmail.co hotmail.con hotnail.com homail.com "
        "hotamil.com",
        "outlook.com": "outlok.com outlook.co outlook.con outloo.com oulook.com",
        "yahoo.com": "yaho.com yahoo.co yahoo.con yhoo.com yahooo.com",
        "icloud.com": "iclod.com icloud.co icloud.con icoud.com",
        "gmx.de": "gmx.e gnx.de",
        "web.de": "wbe.de",
    }.items()
    for slip in slips.split()
}
# What each piece of evidence is worth by itself.
WORTH: Mapping[str, float] = {
    "mailbox": 0.95,
    "domain_typo": 0.9,
    "local_typo": 0.65,
    "same_name_domain": 0.8,
    "near_name_domain": 0.65,
    "nickname_domain": 0.7,
    "swapped_domain": 0.75,
    "same_name_company": 0.65,
    "phone_same_name": 0.85,
    "phone_no_name": 0.6,
    "phone_other_name": 0.5,
    "switchboard": 0.15,
}
# What speaks against it takes this part of the confidence away.
AGAINST: Mapping[str, float] = {"other_profile": 0.6, "other_country": 0.2, "other_name": 0.5}
# From so many people on, a number is a switchboard's.
SWITCHBOARD = 3
# A part of an address that is shorter says nothing.
SHORTEST = 4
LONGEST = 120


@dataclass(frozen=True, slots=True)
class Face:
    """What is compared of a person."""

    id: int
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    linkedin_url: str = ""
    company: str = ""
    country: str = ""

    @property
    def name(self) -> str:
        return fold_name(self.first_name, self.last_name)

    @property
    def mail(self) -> tuple[str, str]:
        local, _, domain = self.email.casefold().rpartition("@")
        return local, DOMAIN_TYPOS.get(domain, domain)

    @property
    def work_domain(self) -> str:
        """The company's domain; a free provider's says nothing of a company."""
        return domains.account_domain(self.email) or ""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How sure it is that two people are one, in percent, and why."""

    confidence: int
    evidence: tuple[str, ...]


def blocks(face: Face, rules: Rules) -> set[str]:
    """
    The blocks in which a person is looked for: whoever shares none with them is not compared.

    Two addresses that differ in one sign share what is left when one sign is taken away.
    """
    found = set()
    local, domain = face.mail
    shared = bool(local) and rules.is_shared(face.email)
    if face.phone:
        found.add(f"p:{face.phone}")
    if local and not shared:
        found.add(f"m:{rules.mailbox(f'{local}@{domain}') or f'{local}@{domain}'}")
        if len(local) >= SHORTEST:
            taken = {local[:n] + local[n + 1 :] for n in range(len(local))}
            found |= {f"x:{left}@{domain}" for left in {local, *taken}}
    initials = "".join(sorted(formal(word)[0] for word in face.name.split()))
    if len(initials) > 1:
        if face.work_domain:
            found.add(f"d:{face.work_domain}:{initials[0]}{initials[-1]}")
        if company := names.key(face.company):
            found.add(f"c:{company[:60]}:{initials[0]}{initials[-1]}")
    return {block[:LONGEST] for block in found}


def compare(one: Face, other: Face, rules: Rules, *, of_number: int = 2) -> Likeness:
    """
    Return how alike two people are; `of_number`: how many people their common number has.
    """
    evidence = [*_by_mail(one, other, rules), *_by_name(one, other)]
    if one.phone and one.phone == other.phone:
        evidence.append(_by_phone(one, other, of_number))
    open_ = 1.0
    for code in evidence:
        open_ *= 1 - WORTH[code]
    confidence = 1 - open_
    against = _against(one, other) if evidence else []
    for code in against:
        confidence *= 1 - AGAINST[code]
    # Certain are only keys; whatever is alike is for a person to decide.
    return Likeness(min(99, round(100 * confidence)), (*evidence, *against))


def _by_mail(one: Face, other: Face, rules: Rules) -> Iterable[str]:
    (left, domain), (right, its_domain) = one.mail, other.mail
    if not left or not right or rules.is_shared(one.email) or rules.is_shared(other.email):
        return
    typed = one.email.casefold() == other.email.casefold()
    boxes = rules.mailbox(f"{left}@{domain}"), rules.mailbox(f"{right}@{its_domain}")
    slipped = _domain(one) != _domain(other) and domain == its_domain
    if slipped and (left == right or boxes[0] == boxes[1] != ""):
        yield "domain_typo"
    elif typed or boxes[0] == boxes[1] != "":
        yield "mailbox"
    elif domain == its_domain and _is_slip(left, right):
        yield "local_typo"


def _is_slip(left: str, right: str) -> bool:
    return min(len(left), len(right)) >= SHORTEST and is_one_slip(left, right)


def _domain(face: Face) -> str:
    return face.email.casefold().rpartition("@")[2]


def _by_name(one: Face, other: Face) -> Iterable[str]:
    if len(one.name.split()) < 2 or len(other.name.split()) < 2:
        return
    if one.work_domain and one.work_domain == other.work_domain:
        code = _names(one, other)
        if code:
            yield code
    elif one.name == other.name and names.key(one.company) == names.key(other.company) != "":
        yield "same_name_company"


def _names(one: Face, other: Face) -> str:
    if one.name == other.name:
        return "same_name_domain"
    if sorted(one.name.split()) == sorted(other.name.split()):
        return "swapped_domain"
    if _formal(one) == _formal(other):
        return "nickname_domain"
    words, its_words = one.name.split(), other.name.split()
    pairs = list(zip(words, its_words, strict=False))
    slips = [pair for pair in pairs if pair[0] != pair[1]]
    if len(words) == len(its_words) and len(slips) == 1 and min(map(len, slips[0])) > 2:
        return "near_name_domain" if is_one_slip(*slips[0]) else ""
    return ""


def _formal(face: Face) -> list[str]:
    return sorted(map(formal, face.name.split()))


def _by_phone(one: Face, other: Face, of_number: int) -> str:
    if one.name and other.name:
        if same_name(one.name, other.name):
            return "phone_same_name"
        return "phone_other_name" if of_number < SWITCHBOARD else "switchboard"
    return "phone_no_name" if of_number < SWITCHBOARD else "switchboard"


def _against(one: Face, other: Face) -> list[str]:
    found = []
    if one.linkedin_url and other.linkedin_url and one.linkedin_url != other.linkedin_url:
        found.append("other_profile")
    if one.country and other.country and one.country != other.country:
        found.append("other_country")
    named = one.name and other.name and not same_name(one.name, other.name)
    if named and not _names(one, other) and one.phone != other.phone:
        found.append("other_name")
    return found


def is_one_slip(one: str, other: str) -> bool:
    """Whether one sign changed, added, left out or two swapped make one text of the other."""
    if one == other:
        return False
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1:
        return False
    start = next((n for n, c in enumerate(one) if c != other[n]), len(one))
    if len(one) < len(other):
        return one[start:] == other[start + 1 :]
    if one[start + 1 :] == other[start + 1 :]:
        return True
    swapped = one[start : start + 2] == other[start : start + 2][::-1]
    return swapped and one[start + 2 :] == other[start + 2 :]
