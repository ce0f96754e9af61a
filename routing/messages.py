"""What routing tells people: each kind is one function here and its line at the end."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy

from reps import access
from reps.due.clock import database_now
from reps.models import Message, User
from reps.post import kinds
from reps.post.kinds import Text
from routing import onetap
from routing.models import Lead, ReassignmentRequest
from routing.selectors import teasers
from routing.visibility import visible_leads
from routing.work import claimable


def link(name: str, *args: object) -> str:
    """An address that works outside of the product."""
    return settings.BASE_URL + reverse(name, args=args)


def lead_facts(lead: Lead) -> list[tuple[str, str]]:
    """The facts that help to decide at a glance."""
    rows = [
        ("Person", lead.prospect.name),
        ("Company", lead.account.name if lead.account else lead.prospect.company),
        ("Title", lead.prospect.title),
        ("Score", f"{lead.score} of 100"),
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
        acts=onetap.acts_for(lead, message.recipient),
    )


def _hot_in(lead: Lead) -> str:
    """Where a hot lead waits; a message that is read later may be about one that waits no more."""
    return f"Hot lead in {lead.queue}" if lead.queue else "Hot lead, waits no more"


def lead_waits(message: Message) -> Text:
    """A hot lead in a queue, told to whoever may claim it: without the person behind it."""
    rows = Lead.objects.select_related("prospect", "account", "source", "queue")
    (lead,) = teasers(rows.filter(pk=message.payload["lead"]), 1)
    facts = [
        ("Kind", str(lead.kind_of)),
        ("Where", lead.where),
        ("Score", f"{lead.score} of 100"),
    ]
    return Text(
        subject=_hot_in(lead),
        body="The first to claim it has it.",
        facts=[(name, value) for name, value in facts if value],
        url=link("leads"),
        action="Open what you may claim",
        acts=onetap.acts_for(lead, message.recipient),
    )


def slack_answer(message: Message) -> Text:
    """What a pressed button did; it replaces the message that held the button."""
    payload = message.payload
    lead = visible_leads(message.recipient).select_related("prospect").filter(pk=payload["lead"])
    seen = lead.first()
    return Text(
        subject=payload["words"],
        body=seen.prospect.name if seen else "",
        url=link("lead", seen.pk) if seen else link("leads"),
        action="Open the lead" if seen else "My leads",
    )


def answer_is_heard(message: Message) -> bool:
    """Slack takes an answer for half an hour ("Handling user interaction", response_url)."""
    return database_now() - message.created_at < timedelta(minutes=30)


def lead_raised_again(message: Message) -> Text:
    lead = _lead(message)
    return Text(
        subject=f"{lead.prospect.name} asked again",
        body="Somebody whose lead you hold has asked to be contacted once more.",
        facts=lead_facts(lead),
        url=link("lead", lead.pk),
        action="Open the lead",
    )


def lead_merged(message: Message) -> Text:
    """To whoever held a lead that gave way to another one of the same person."""
    lead = _lead(message)
    rows = Lead.objects.select_related("owner__user", "queue", "prospect")
    kept = rows.get(pk=message.payload["kept"])
    sees = visible_leads(message.recipient).filter(pk=kept.pk).exists()
    holder = kept.owner or kept.queue or kept.get_place_display()
    return Text(
        subject=f"{lead.prospect.name} goes on as one lead",
        body="Two leads turned out to be the same person's. Yours was closed as merged, its "
        f"clocks have stopped; the other one goes on with {holder}.",
        url=link("lead", kept.pk) if sees else link("leads"),
        action="Open the lead" if sees else "My leads",
    )


def _request(message: Message) -> ReassignmentRequest:
    return ReassignmentRequest.objects.select_related(
        "lead__prospect", "requested_by__user", "wanted__user", "decided_by", "answers"
    ).get(pk=message.payload["request"])


def reassignment_requested(message: Message) -> Text:
    request = _request(message)
    return Text(
        subject=f"{request.requested_by} asks to pass on {request.lead.prospect.name}",
        body=request.reason,
        facts=[("Wanted", str(request.wanted))] if request.wanted else [],
        url=link("requests"),
        action="Decide",
    )


def request_asks_them(message: Message) -> bool:
    """Whether it is still the reader's turn to decide."""
    return ReassignmentRequest.objects.filter(
        pk=message.payload["request"],
        state=ReassignmentRequest.State.PENDING,
        answers=message.recipient_id,
    ).exists()


def request_passed_on(message: Message) -> Text:
    request = _request(message)
    return Text(
        subject=f"{request.answers.label if request.answers else 'Somebody else'} is asked now: "
        f"{request.requested_by} wants to pass on {request.lead.prospect.name}",
        body="You did not decide in time. Until it is decided you still may.",
        url=link("requests"),
        action="Decide",
    )


def request_is_pending(message: Message) -> bool:
    return ReassignmentRequest.objects.filter(
        pk=message.payload["request"], state=ReassignmentRequest.State.PENDING
    ).exists()


def request_expired(message: Message) -> Text:
    request = _request(message)
    return Text(
        subject=f"Nobody decided: {request.requested_by} keeps {request.lead.prospect.name}",
        body=f"They had asked to pass it on: {request.reason}",
        url=link("lead", request.lead_id),
        action="Open the lead",
    )


# What became of a request, as its owner reads it.
DECIDED = {
    ReassignmentRequest.State.APPROVED: "Your request was approved",
    ReassignmentRequest.State.REFUSED: "Your request was refused",
    ReassignmentRequest.State.EXPIRED: "Nobody decided your request; the lead stays with you",
}


def reassignment_decided(message: Message) -> Text:
    request = _request(message)
    granted = request.state == ReassignmentRequest.State.APPROVED
    return Text(
        subject=DECIDED[ReassignmentRequest.State(request.state)],
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


def lines_about_claims(
    words: Callable[[Message, Lead], str],
) -> Callable[[Sequence[Message], User], dict[int, str]]:
    """A line per message from its lead, for those that the reader may claim or see."""

    def lines(messages: Sequence[Message], reader: User) -> dict[int, str]:
        ids = {message.payload.get("lead") for message in messages} - {None}
        rep = access.rep_of(reader)
        mine = claimable(rep).values("pk") if rep is not None else Lead.objects.none().values("pk")
        rows = Lead.objects.select_related("prospect", "account", "source", "queue").filter(
            Q(pk__in=mine) | Q(pk__in=visible_leads(reader).values("pk")), pk__in=ids
        )
        leads = {lead.pk: lead for lead in teasers(rows, len(ids))}
        return {
            message.pk: words(message, leads[message.payload["lead"]])
            for message in messages
            if message.payload.get("lead") in leads
        }

    return lines


LINES_ABOUT_REQUESTS = {
    "request_passed_on": "Somebody else is asked now whether {rep} may pass on {person}",
    "request_expired": "Nobody decided: {rep} keeps {person}",
}


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
            found[message.pk] = DECIDED[ReassignmentRequest.State(row.state)]
        elif row is not None:
            words = LINES_ABOUT_REQUESTS.get(message.kind, "{rep} asks to pass on {person}")
            found[message.pk] = words.format(rep=row.requested_by, person=row.lead.prospect.name)
    return found


assigned_lines = lines_about_leads(
    lambda message, lead: f"{'Hot lead' if lead.priority else 'New lead'}: {lead.prospect.name}"
)
waiting_lines = lines_about_claims(lambda message, lead: f"{_hot_in(lead)}: {lead.kind_of}")
raised_lines = lines_about_leads(lambda message, lead: f"{lead.prospect.name} asked again")
merged_lines = lines_about_leads(lambda message, lead: f"{lead.prospect.name} goes on as one lead")

kinds.register(
    kinds.Kind(
        "lead_assigned", lead_assigned, epoch_stands, assigned_lines, title=gettext_lazy("New lead")
    )
)
kinds.register(
    kinds.Kind(
        "lead_waits", lead_waits, epoch_stands, waiting_lines, title=gettext_lazy("Lead to claim")
    )
)
kinds.register(
    kinds.Kind(
        "slack_answer",
        slack_answer,
        answer_is_heard,
        only="slack_reply",
        title=gettext_lazy("Answer in Slack"),
    )
)
kinds.register(
    kinds.Kind(
        "lead_raised_again",
        lead_raised_again,
        epoch_stands,
        raised_lines,
        title=gettext_lazy("Lead asked again"),
    )
)
kinds.register(
    kinds.Kind(
        "reassignment_requested",
        reassignment_requested,
        request_asks_them,
        lines_about_requests,
        title=gettext_lazy("Reassignment asked for"),
    )
)
kinds.register(
    kinds.Kind(
        "request_passed_on",
        request_passed_on,
        request_is_pending,
        lines_about_requests,
        title=gettext_lazy("Request passed on"),
    )
)
kinds.register(
    kinds.Kind(
        "request_expired",
        request_expired,
        lines=lines_about_requests,
        title=gettext_lazy("Request timed out"),
    )
)
kinds.register(
    kinds.Kind(
        "reassignment_decided",
        reassignment_decided,
        lines=lines_about_requests,
        title=gettext_lazy("Request answered"),
    )
)
kinds.register(
    kinds.Kind("lead_merged", lead_merged, lines=merged_lines, title=gettext_lazy("Leads merged"))
)
