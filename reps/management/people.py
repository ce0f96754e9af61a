"""Who acts on the command line."""

from django.core.management.base import CommandError

from reps.models import User


def person(name: str | None) -> User | None:
    """
    Return the user of this name; None for no name, which the trail calls the system.

    :raises CommandError: if there is no such active user
    """
    if name is None:
        return None
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no active user called {name!r}.")
    return user
