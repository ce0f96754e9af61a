"""
SMS and WhatsApp, by Twilio's Messages API or another provider that speaks it.

Wire format: Twilio's "Messages resource" (POST a form to
`/2010-04-01/Accounts/{AccountSid}/Messages.json` under basic authentication; `To`, `From` or
`MessagingServiceSid`, `Body` or `ContentSid` with `ContentVariables`, `StatusCallback`; 201
with the message's `sid`), "Send and receive WhatsApp messages" (`whatsapp:` before both
numbers; outside of a conversation only approved templates) and "Track outbound message
status" for what comes back to `/hooks/twilio/`. An error is JSON with Twilio's own `code`.
"""

import base64
import json
from abc import ABC, abstractmethod
from urllib.parse import urlencode

import phonenumbers
from django.conf import settings
from django.urls import reverse

from reps.models import ChannelChoice, Message, User
from reps.post import http
from reps.post.channels.base import ChannelFailed, Taken, Wire, without_tokens
from reps.post.kinds import Text

# Two segments of plain letters; more would cost more, and nobody reads it on a lock screen.
LONGEST = 320


class _Twilio(ABC):
    name: str
    label: str
    address = "phone"
    prefix = ""

    def is_set_up(self) -> bool:
        account = settings.TWILIO_ACCOUNT_SID and settings.TWILIO_AUTH_TOKENS
        return bool(account and self._sender())

    def reaches(self, user: User, choice: ChannelChoice) -> bool:
        return bool(choice.address)

    def check_address(self, address: str) -> str:
        """Return a phone number in E.164 form."""
        try:
            number = phonenumbers.parse(address, None)
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_valid_number(number):
            raise ValueError("Enter a phone number with its country code, such as +49 30 901820.")
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    def build(self, text: Text, *, to: User, choice: ChannelChoice, message: Message) -> list[Wire]:
        line, link = short(text)
        form = {
            "To": f"{self.prefix}{choice.address}",
            **self._from(),
            **self._content(line, link),
            "StatusCallback": settings.BASE_URL + reverse("hook_twilio"),
        }
        account = settings.TWILIO_ACCOUNT_SID
        # Where nothing leaves, a message is built without an account too.
        login = f"{account}:{next(iter(settings.TWILIO_AUTH_TOKENS), '')}".encode()
        return [
            Wire(
                url=f"{settings.TWILIO_API}/2010-04-01/Accounts/{account}/Messages.json",
                body=urlencode(form).encode(),
                headers={
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Authorization": f"Basic {base64.b64encode(login).decode()}",
                },
                shown=without_tokens({"to": form["To"], "body": _joined(line, link)}, text),
            )
        ]

    def hand_over(self, wire: Wire) -> Taken:
        answer = http.hand_over(wire, who=self.label)
        try:
            sid = json.loads(answer.body)["sid"]
        except (ValueError, KeyError, TypeError):
            raise ChannelFailed(f"{self.label}: the answer names no message.") from None
        return Taken(provider_id=str(sid)[:120])

    @abstractmethod
    def _sender(self) -> str:
        """The number or messaging service it is sent from."""

    def _from(self) -> dict[str, str]:
        sender = self._sender()
        if sender.startswith("MG"):
            return {"MessagingServiceSid": sender}
        return {"From": f"{self.prefix}{sender}"}

    def _content(self, line: str, link: str) -> dict[str, str]:
        return {"Body": _joined(line, link)}


class Sms(_Twilio):
    name = "sms"
    label = "SMS"

    def _sender(self) -> str:
        return settings.TWILIO_SMS_FROM


class WhatsApp(_Twilio):
    name = "whatsapp"
    label = "WhatsApp"
    prefix = "whatsapp:"

    def _sender(self) -> str:
        return settings.TWILIO_WHATSAPP_FROM

    def _content(self, line: str, link: str) -> dict[str, str]:
        template = settings.TWILIO_WHATSAPP_CONTENT_SID
        if not template:
            return super()._content(line, link)
        # {{1}} is the line and {{2}} the link of the operator's approved template.
        variables = json.dumps({"1": line, "2": link or settings.BASE_URL})
        return {"ContentSid": template, "ContentVariables": variables}


def short(text: Text) -> tuple[str, str]:
    """
    A message as one line and where to act, together within `LONGEST` characters.

    The link is never cut: half a link is none. What can be done at once is linked rather
    than the lead's own page, which wants a sign-in first.
    """
    link = f"{text.acts[0].label}: {text.acts[0].url}" if text.acts else text.url
    company = next((value for name, value in text.facts if name == "Company"), "")
    line = " ".join(f"{text.subject}{f', {company}' if company else ''}".split())
    if len(line) < 100 and text.body:
        line = " ".join(f"{line}. {text.body}".split())
    room = LONGEST - len(link) - (1 if link else 0)
    return (line if len(line) <= room else f"{line[: max(room - 1, 0)].rstrip()}…"), link


def _joined(line: str, link: str) -> str:
    return f"{line} {link}".strip()
