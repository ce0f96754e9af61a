"""Name a person on the command line: by number, or by exact address or name."""

from argparse import ArgumentParser

from django.core.management.base import CommandError

from routing.models import Prospect
from routing.privacy.find import prospects_by


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("prospect", nargs="?", type=int, help="the person's number")
    parser.add_argument("--email", help="or their exact e-mail address, phone number or full name")


def find(prospect: int | None, email: str | None) -> Prospect:
    """
    Return the one person that is meant.

    :raises CommandError: for nobody, or for several
    """
    if (prospect is None) == (email is None):
        raise CommandError("Name the person by number or by --email.")
    if prospect is not None:
        found = list(Prospect.objects.filter(pk=prospect))
    else:
        found = list(prospects_by(email or "")[:10])
    if not found:
        raise CommandError("There is no such person.")
    if len(found) > 1:
        numbers = ", ".join(str(one.pk) for one in found)
        raise CommandError(f"Several people are meant: {numbers}. Name one by number.")
    return found[0]
