"""E-mail, plain text and HTML, through Django's mail back-end."""

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from reps.models import NotificationPreference, User
from reps.post.kinds import Text


class Email:
    name = "email"

    def wanted(self, user: User, preference: NotificationPreference) -> bool:
        return preference.by_email and bool(user.email)

    def send(self, text: Text, *, to: User, key: str) -> None:
        context = {"text": text, "user": to}
        mail = EmailMultiAlternatives(
            subject=" ".join(text.subject.split()),
            body=render_to_string("reps/mail.txt", context),
            to=[to.email],
            # The same message sent twice shows as one in most mail programs.
            headers={"X-Message-Key": key},
        )
        mail.attach_alternative(render_to_string("reps/mail.html", context), "text/html")
        mail.send()
