"""Invite a person to choose their password, by a link that works once."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from django.utils.translation import gettext_lazy

from reps import trail
from reps.models import Message, User
from reps.post import kinds, outbox
from reps.post.kinds import Text


def invite(*, user: User, by: User, at: datetime) -> None:
    """Queue an e-mail with the link; its address is made only when it is sent."""
    outbox.put(
        [
            outbox.Draft(
                key=f"invitation-{user.pk}-{at.timestamp():.0f}",
                kind="invitation",
                to=user.pk,
                about=f"reps.user:{user.pk}",
            )
        ],
        at=at,
    )
    trail.note(user, kind="invited", by=by, at=at, reason_code="invited")


def path_for(user: User) -> str:
    """
    Return the page at which this person chooses a password.

    Whoever has it can sign in as them, so it is shown to the person who invites and sent
    to the one invited, and kept nowhere. It ends with the first use, the next sign-in, or
    after `PASSWORD_RESET_TIMEOUT`.
    """
    return reverse(
        "invite",
        args=[
            urlsafe_base64_encode(force_bytes(user.pk)),
            default_token_generator.make_token(user),
        ],
    )


def invited(*, uidb64: str, token: str) -> User | None:
    """Return whom a link invites; None if it is wrong, used or too old."""
    try:
        pk = int(urlsafe_base64_decode(uidb64).decode())
        user = User.objects.get(pk=pk, is_active=True)
    except (ValueError, OverflowError, UnicodeDecodeError, User.DoesNotExist):
        return None
    return user if default_token_generator.check_token(user, token) else None


@transaction.atomic
def choose_password(*, user: User, password: str, at: datetime) -> None:
    """Set the password that an invited person chose; from here on the link is dead."""
    row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    row.set_password(password)
    row.save(update_fields=["password"])
    trail.note(row, kind="password_chosen", by=row, at=at, reason_code="invited")


def _invitation(message: Message) -> Text:
    return Text(
        subject="Choose your password",
        body="You have been added to the team. Choose a password, and you can start.",
        facts=[("User name", message.recipient.get_username())],
        url=settings.BASE_URL + path_for(message.recipient),
        action="Choose a password",
    )


kinds.register(
    kinds.Kind(
        "invitation",
        _invitation,
        lambda message: not message.recipient.has_usable_password(),
        secret=True,
        title=gettext_lazy("Invitation"),
    )
)
