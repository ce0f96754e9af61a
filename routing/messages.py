"""What routing tells people: each kind is one function here and its line at the end."""

from collections.abc import Callable, Sequence

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from reps.models import Message, User
from reps.post import kinds
from reps.post.kinds import Text
from routing.models import Lead, ReassignmentRequest
from routing.visibility import visible_leads


def link(name: str, *args: object) -> str:
    """An address that works outside of the product."""
    return settings.BASE_URL + reverse(name, args=args)


def lead_facts(lead: Lead) -> list[tuple[str, str]]:
    """The facts that help to decide at a glance."""
    rows = [
        ("Person", lead.prospect.name),
        ("Company", lead.account.name if lead.account else lead.prospect.company),
        ("Title", lead.prospect.title),
        ("Score", f"{lead.score} ({lead.get_tier_display()})"),
        ("Source", lead.source.name),
        ("Interest", lead.product_interest),
        ("Phone", lead.prospect.phone),
        ("E-mail", lead.prospect.email),
    ]
    return [(name, value) for name, value in rows if value]


def _lead(message: Message) -> Lead:
    return Lead.objects.select_related("prospect", "account", "source", "owner__user").get(
        pk=message.payload["lead"]
    )


def epoch_stands(message: Message) -> bool:
    """Whether the lead is still in the epoch that the message is about."""
    return Lead.objects.filter(
        pk=message.payload["lead"], owner_epoch=message.payload["epoch"]
    ).exists()


def lead_assigned(message: Message) -> Text:
    lead = _lead(message)
    hot = lead.priority > 0
    return Text(
        subject=f"{'Hot lead' if hot else 'New lead'}: {lead.prospect.name}",
        body="It is yours. Acknowledge it, so that everybody knows.",
        facts=lead_facts(lead),
        url=link("lead", lead.pk),
        action="Open the lead",
    )


def lead_raised_again(message: Message) -> Text:
    lead = _lead(message)
    return Text(
        subject=f"{lead.prospect.name} asked again",
        body="Somebody whose lead you hold has asked to be contacted once more.",
        facts=lead_facts(lead),
        url=link("lead", lead.pk),
        action="Open the lead",
    )


def _request(message: Message) -> ReassignmentRequest:
    return ReassignmentRequest.objects.select_related(
        "lead__prospect", "requested_by__user", "wanted__user", "decided_by"
    ).get(pk=message.payload["request"])


def reassignment_requested(message: Message) -> Text:
    request = _request(message)
    return Text(
        subject=f"{request.requested_by} asks to pass on {request.lead.prospect.name}",
        body=request.reason,
        facts=[("Wanted", str(request.wanted))] if request.wanted else [],
        url=link("board"),
        action="Decide",
    )


def request_is_pending(message: Message) -> bool:
    return ReassignmentRequest.objects.filter(
        pk=message.payload["request"], state=ReassignmentRequest.State.PENDING
    ).exists()


def reassignment_decided(message: Message) -> Text:
    request = _request(message)
    granted = request.state == ReassignmentRequest.State.APPROVED
    return Text(
        subject=f"Your request was {'approved' if granted else 'refused'}",
        body=request.answer,
        url=link("leads") if granted else link("lead", request.lead_id),
        action="My leads" if granted else "Open the lead",
    )


def lines_about_leads(
    words: Callable[[Message, Lead], str],
) -> Callable[[Sequence[Message], User], dict[int, str]]:
    """A line per message from its lead, for those whose lead the reader may see."""

    def lines(messages: Sequence[Message], reader: User) -> dict[int, str]:
        ids = {message.payload.get("lead") for message in messages} - {None}
        leads = {
            lead.pk: lead
            for lead in visible_leads(reader).select_related("prospect").filter(pk__in=ids)
        }
        return {
            message.pk: words(message, leads[message.payload["lead"]])
            for message in messages
            if message.payload.get("lead") in leads
        }

    return lines


def lines_about_requests(messages: Sequence[Message], reader: User) -> dict[int, str]:
    """A line per message from its request, for whoever asked and who may see the lead."""
    ids = {message.payload.get("request") for message in messages} - {None}
    rows = ReassignmentRequest.objects.select_related("requested_by__user", "lead__prospect")
    seen = Q(lead__in=visible_leads(reader)) | Q(requested_by__user=reader)
    requests = {row.pk: row for row in rows.filter(seen, pk__in=ids)}
    found = {}
    for message in messages:
        row = requests.get(message.payload.get("request"))
        if row is not None and message.kind == "reassignment_decided":
            granted = row.state == ReassignmentRequest.State.APPROVED
            found[message.pk] = f"Your request was {'approved' if granted else 'refused'}"
        elif row is not None:
            found[message.pk] = f"{row.requested_by} asks to pass on {row.lead.prospect.name}"
    return found


assigned_lines = lines_about_leads(
    lambda message, lead: f"{'Hot lead' if lead.priority else 'New lead'}: {lead.prospect.name}"
)
raised_lines = lines_about_leads(lambda message, lead: f"{lead.prospect.name} asked again")

kinds.register(kinds.Kind("lead_assigned", lead_assigned, epoch_stands, assigned_lines))
kinds.register(kinds.Kind("lead_raised_again", lead_raised_again, epoch_stands, raised_lines))
kinds.register(
    kinds.Kind(
        "reassignment_requested", reassignment_requested, request_is_pending, lines_about_requests
    )
)
kinds.register(kinds.Kind("reassignment_decided", reassignment_decided, lines=lines_about_requests))
