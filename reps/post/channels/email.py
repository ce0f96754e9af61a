"""E-mail, plain text and HTML, through Django's mail back-end."""

import smtplib

from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template.loader import render_to_string

from reps.models import ChannelChoice, Message, User
from reps.post.channels.base import (
    ChannelFailed,
    ChannelRefused,
    Taken,
    Wire,
    without_tokens,
)
from reps.post.kinds import Text


class Email:
    name = "email"
    label = "E-mail"
    address = ""

    def is_set_up(self) -> bool:
        return True

    def reaches(self, user: User, choice: ChannelChoice) -> bool:
        return bool(user.email)

    def check_address(self, address: str) -> str:
        """E-mail goes to the address of the person's login; another may not be entered."""
        try:
            validate_email(address)
        except ValidationError as error:
            raise ValueError("This is not an e-mail address.") from error
        return address

    def build(self, text: Text, *, to: User, choice: ChannelChoice, message: Message) -> list[Wire]:
        context = {"text": text, "user": to}
        # A subject is one line; whatever else would end it is a space.
        subject = " ".join(text.subject.split())
        plain = render_to_string("reps/mail.txt", context)
        html = render_to_string("reps/mail.html", context)
        mail = EmailMultiAlternatives(
            subject=subject,
            body=plain,
            to=[to.email],
            # The same message sent twice shows as one in most mail programs.
            headers={"X-Message-Key": message.key},
        )
        mail.attach_alternative(html, "text/html")
        shown = {"subject": subject, "text": plain, "html": html, "to": to.email}
        return [Wire(url=f"mailto:{to.email}", body=mail, shown=without_tokens(shown, text))]

    def hand_over(self, wire: Wire) -> Taken:
        try:
            wire.body.send()
        except smtplib.SMTPRecipientsRefused as error:
            # The answer quotes the address; its number says enough.
            codes = sorted({code for code, _said in error.recipients.values()})
            said = f"The mail server refused the recipient ({', '.join(map(str, codes))})."
            if codes and min(codes) >= 500:
                raise ChannelRefused(said) from None
            raise ChannelFailed(said) from None
        except (smtplib.SMTPException, OSError) as error:
            raise ChannelFailed(f"The mail server: {type(error).__name__}.") from None
        return Taken()
