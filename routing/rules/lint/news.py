"""What people are told about findings in the live rules."""

from collections.abc import Mapping, Sequence

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy

from reps import access
from reps.models import Message, User
from reps.post import kinds
from reps.post.kinds import Text
from routing.models import RuleFinding

# A message names so many; the page names all.
SHOWN = 5


def _open(message: Message) -> list[RuleFinding]:
    rows = RuleFinding.objects.filter(
        pk__in=message.payload["findings"], gone_at__isnull=True
    ).select_related("rule")
    return sorted(rows, key=lambda row: (not row.is_error, row.pk))


def rule_findings(message: Message) -> Text:
    rows = _open(message)
    things = "One thing" if len(rows) == 1 else f"{len(rows)} things"
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return Text(
        subject=f"{things} to mend in the routing rules",
        body=f"A check of the live rules found this{more}.",
        facts=[(row.rule.name if row.rule else "All rules", row.message) for row in rows[:SHOWN]],
        url=settings.BASE_URL + reverse("rule_findings"),
        action="See all findings",
    )


def is_still_found(message: Message) -> bool:
    """Whether one of them is still open."""
    return bool(_open(message))


def finding_lines(messages: Sequence[Message], reader: User) -> Mapping[int, str]:
    """A line per message, for its recipient and for whoever sets up rules."""
    may = access.may_set_up(reader)
    found = {}
    for message in messages:
        number = len(message.payload.get("findings", ()))
        if number and (may or message.recipient_id == reader.pk):
            things = "One thing" if number == 1 else f"{number} things"
            found[message.pk] = f"{things} to mend in the routing rules"
    return found


kinds.register(
    kinds.Kind(
        "rule_findings",
        rule_findings,
        is_still_found,
        finding_lines,
        title=gettext_lazy("Findings in the rules"),
    )
)
