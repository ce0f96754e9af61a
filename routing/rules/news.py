"""What people are told about rules: each kind is one function here and its line at the end."""

from collections.abc import Callable, Mapping, Sequence

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy

from reps import access
from reps.models import Message, User
from reps.post import kinds
from reps.post.kinds import Text
from routing.models import Rule, RuleSet


def _link(name: str, *args: object) -> str:
    return settings.BASE_URL + reverse(name, args=args)


def _ruleset(message: Message) -> RuleSet:
    return RuleSet.objects.select_related("approval_asked_by").get(pk=message.payload["ruleset"])


def approval_asked(message: Message) -> Text:
    row = _ruleset(message)
    asker = row.approval_asked_by.label if row.approval_asked_by else "Somebody"
    return Text(
        subject=f"{asker} asks you to approve the rules {row}",
        body=row.note or "They move more leads than one person may decide alone.",
        url=_link("rules_draft"),
        action="Read them and decide",
    )


def is_still_asked(message: Message) -> bool:
    """Whether that very question is still open."""
    row = RuleSet.objects.filter(
        pk=message.payload["ruleset"], approved_at__isnull=True, approval_asked_at__isnull=False
    ).first()
    return row is not None and row.approval_asked_at.isoformat() == message.payload["asked_at"]


def approval_answered(message: Message) -> Text:
    row, payload = _ruleset(message), message.payload
    who = User.objects.filter(pk=payload["by"]).first()
    verb = "approved" if payload["granted"] else "did not approve"
    return Text(
        subject=f"{who.label if who else 'Somebody'} {verb} the rules {row}",
        body="You can publish them now." if payload["granted"] else payload["reason"],
        url=_link("rules_draft"),
        action="Open the draft",
    )


def not_published(message: Message) -> Text:
    row = _ruleset(message)
    return Text(
        subject=f"The rules {row} did not go live as planned",
        body=row.publish_error,
        url=_link("rules_draft"),
        action="Open the draft",
    )


def did_not_go_live(message: Message) -> bool:
    """Whether the draft is still one, with what was in the way."""
    return (
        RuleSet.objects.filter(pk=message.payload["ruleset"], state=RuleSet.State.DRAFT)
        .exclude(publish_error="")
        .exists()
    )


def review_due(message: Message) -> Text:
    rule = Rule.objects.select_related("ruleset").get(pk=message.payload["rule"])
    return Text(
        subject=f"Is the rule “{rule.name}” still right?",
        body=f"You look after it, and wanted to look again on {rule.review_on:%d %B %Y}."
        + (f" Its reason: {rule.reasoning}" if rule.reasoning else ""),
        url=_link("rules_live"),
        action="Read the rules",
    )


def _lines(
    words: Callable[[Message, RuleSet], str],
) -> Callable[[Sequence[Message], User], Mapping[int, str]]:
    """A line per message about a version, for those who look after rules."""

    def lines(messages: Sequence[Message], reader: User) -> Mapping[int, str]:
        if not access.may_set_up(reader):
            return {}
        ids = {message.payload.get("ruleset") for message in messages} - {None}
        rows = RuleSet.objects.select_related("approval_asked_by").in_bulk(ids)
        return {
            message.pk: words(message, rows[message.payload["ruleset"]])
            for message in messages
            if message.payload.get("ruleset") in rows
        }

    return lines


def _review_lines(messages: Sequence[Message], reader: User) -> Mapping[int, str]:
    """A line per rule to look at again."""
    rules = Rule.objects.in_bulk({message.payload.get("rule") for message in messages} - {None})
    return {
        message.pk: f"Is the rule “{rules[message.payload['rule']].name}” still right?"
        for message in messages
        if message.payload.get("rule") in rules
    }


kinds.register(
    kinds.Kind(
        "rules_approval_asked",
        approval_asked,
        is_still_asked,
        _lines(lambda message, row: f"Approve the rules {row}?"),
        title=gettext_lazy("Rules to approve"),
    )
)
kinds.register(
    kinds.Kind(
        "rules_approval_answered",
        approval_answered,
        lines=_lines(
            lambda message, row: (
                f"The rules {row} were {'approved' if message.payload['granted'] else 'refused'}"
            )
        ),
        title=gettext_lazy("Answer about rules"),
    )
)
kinds.register(
    kinds.Kind(
        "rules_not_published",
        not_published,
        did_not_go_live,
        _lines(lambda message, row: f"The rules {row} did not go live as planned"),
        title=gettext_lazy("Rules not published"),
    )
)
kinds.register(
    kinds.Kind(
        "rule_review_due", review_due, lines=_review_lines, title=gettext_lazy("Rule to review")
    )
)
