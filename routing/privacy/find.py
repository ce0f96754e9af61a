"""Find the person whom somebody asks about: by exact address, number or name."""

from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from routing.models import Prospect

FEWEST_DIGITS = 6


def prospects_by(text: str) -> QuerySet[Prospect]:
    """
    Return the prospects with exactly this e-mail address, phone number or full name.

    Nothing is found by a part of one: this is for answering a request, not for browsing.
    """
    text = " ".join(text.split())
    if not text:
        return Prospect.objects.none()
    if text.isdecimal() and len(text) < FEWEST_DIGITS:
        return Prospect.objects.filter(pk=int(text))
    wanted = [Q(email__iexact=text), Q(keys__value=text.casefold()), Q(keys__value=text)]
    digits = "".join(c for c in text if c.isdigit())
    if len(digits) >= FEWEST_DIGITS:
        wanted += [Q(keys__kind="PHONE", keys__value=f"+{digits}"), Q(phone=f"+{digits}")]
    words = text.split(" ")
    wanted += [
        Q(first_name__iexact=" ".join(words[:cut]), last_name__iexact=" ".join(words[cut:]))
        for cut in range(1, len(words))
    ]
    return Prospect.objects.filter(reduce(or_, wanted)).distinct().order_by("pk")
