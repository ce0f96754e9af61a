"""What is said of a dispute. The person behind a lead is named to nobody who may not see them."""

from collections.abc import Sequence

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from reps.models import Message, User
from reps.post import kinds
from reps.post.kinds import Text
from routing.disputes.telling import DECIDED, OPENED
from routing.messages import link
from routing.models import Dispute
from routing.visibility import visible_disputes

FULL = ("claimant__user", "holder__user", "winner__user", "decider", "account", "lead__prospect")


def about(dispute: Dispute) -> str:
    """What it is about, by its company and number."""
    if dispute.lead is None:
        return str(dispute.account)
    company = str(dispute.account) if dispute.account else dispute.lead.prospect.company
    number = _("lead %(n)s") % {"n": dispute.lead_id}
    return f"{company} ({number})" if company else number


def outcome(dispute: Dispute) -> str:
    """What became of it, in a line."""
    match dispute.state:
        case Dispute.State.WITHDRAWN:
            return _("%(who)s took the claim to %(what)s back") % {
                "who": dispute.claimant,
                "what": about(dispute),
            }
        case Dispute.State.LAPSED:
            words = _("Nobody ruled: by the policy %(what)s is %(who)s's")
        case _:
            words = _("Ruled: %(what)s is %(who)s's")
    return words % {"what": about(dispute), "who": dispute.winner or _("nobody")}


def _opened_line(dispute: Dispute) -> str:
    return _("%(who)s claims %(what)s") % {"who": dispute.claimant, "what": about(dispute)}


def _dispute(message: Message) -> Dispute:
    return Dispute.objects.select_related(*FULL).get(pk=message.payload["dispute"])


def still_open(message: Message) -> bool:
    return Dispute.objects.filter(pk=message.payload["dispute"], state=Dispute.State.OPEN).exists()


def dispute_opened(message: Message) -> Text:
    dispute = _dispute(message)
    decides = message.recipient_id == dispute.decider_id
    return Text(
        subject=_opened_line(dispute),
        body=dispute.claim,
        facts=[
            (_("Has it now"), str(dispute.holder or _("nobody"))),
            (_("Decides"), dispute.decider.label),
            (_("Until"), date_format(dispute.decide_by, "j M Y H:i") + " UTC"),
            (_("Policy's answer"), dispute.policy.get("headline", "")),
        ],
        url=link("dispute", dispute.pk),
        action=_("Decide") if decides else _("State your claim"),
    )


def dispute_decided(message: Message) -> Text:
    dispute = _dispute(message)
    return Text(
        subject=outcome(dispute),
        body=dispute.ruling,
        url=link("dispute", dispute.pk),
        action=_("Open the dispute"),
    )


def lines(messages: Sequence[Message], reader: User) -> dict[int, str]:
    ids = {message.payload.get("dispute") for message in messages} - {None}
    rows = visible_disputes(reader).select_related(*FULL).filter(pk__in=ids)
    found = {row.pk: row for row in rows}
    return {
        message.pk: (
            outcome(found[message.payload["dispute"]])
            if message.kind == DECIDED
            else _opened_line(found[message.payload["dispute"]])
        )
        for message in messages
        if message.payload.get("dispute") in found
    }


kinds.register(kinds.Kind(OPENED, dispute_opened, still_open, lines))
kinds.register(kinds.Kind(DECIDED, dispute_decided, lines=lines))
