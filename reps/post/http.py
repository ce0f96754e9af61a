"""Hand a built message over by HTTP, and say what a provider's answer means for a retry."""

import json
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings

from reps.net.addresses import AddressRefused
from reps.net.post import TOTAL_SECONDS, Answer, PostFailed, post
from reps.post import webhooks
from reps.post.channels.base import ChannelFailed, ChannelRefused, Wire

# "Not now" among the answers that otherwise mean "never": a time-out of the provider's,
# too early, too many, and credentials, which an operator mends for every message at once.
NOT_NOW = (401, 407, 408, 425, 429)
LONGEST_WAIT = timedelta(hours=1)


def hand_over(wire: Wire, *, who: str, hosts: Sequence[str] | None = None) -> Answer:
    """
    Post what a channel built; return the answer if it means "taken". `hosts` are the only
    ones that are called, for addresses that people enter.

    Any other answer of the 400s than those in `NOT_NOW` is for ever, for the same body will
    be sent again; redirects are not followed, because a webhook that moves is not the one
    that was checked.

    :raises ChannelRefused: if the provider will never take it, or the address is never called
    :raises ChannelFailed: if it may take it later
    """
    try:
        if hosts is not None:
            webhooks.check(wire.url, hosts=hosts, provider=who)
        answer = post(
            wire.url,
            body=wire.body,
            headers=wire.headers,
            inside=settings.HOOK_HOSTS_INSIDE,
            seconds=TOTAL_SECONDS,
        )
    except (AddressRefused, webhooks.ForeignWebhook) as refused:
        raise ChannelRefused(str(refused)) from None
    except PostFailed as failed:
        raise ChannelFailed(f"{who}: {failed}") from None
    if 200 <= answer.status < 300:
        return answer
    said = f"{who} answered {answer.status}{_own_code(answer)}."
    if 400 <= answer.status < 500 and answer.status not in NOT_NOW:
        raise ChannelRefused(said, status=answer.status)
    raise ChannelFailed(said, status=answer.status, retry_after=_asked_to_wait(answer))


def _own_code(answer: Answer) -> str:
    """The provider's own number of the error; its words may quote whom we wrote to."""
    try:
        code = json.loads(answer.body)["code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f" ({code})" if isinstance(code, int) else ""


def _asked_to_wait(answer: Answer) -> timedelta | None:
    """How long the provider wants to be left alone (Retry-After in seconds), if it says so."""
    text = answer.headers.get("retry-after", "")
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        return None
    return min(timedelta(seconds=int(text)), LONGEST_WAIT)
