"""What clocks tell people."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy

from reps.models import Message
from reps.post import kinds
from reps.post.kinds import Text
from routing.messages import lead_facts, lines_about_leads, link
from routing.onetap import acts_for
from sla import chain
from sla.models import Clock


@dataclass(frozen=True, slots=True)
class Words:
    """
    What is said of a step: the subject of the message, and its line in lists.

    {person} is the lead's, {owner} whoever holds it now; "you" where that is the reader.
    """

    subject: str
    line: str


WORDS: dict[str, Words] = {
    "remind": Words("{person} is waiting for {owner}", "{person} is waiting"),
    "tell_manager": Words("{person} is late with {owner}", "{person} is late"),
    "tell_leadership": Words(
        "{person} has been waiting too long: with {owner} now", "{person} has been waiting too long"
    ),
    "raise_priority": Words(
        "{person} goes before all others now", "{person} goes before all others"
    ),
    "to_backup": Words(
        "{person} was late and has a new owner", "{person} was late and went to the backup"
    ),
    "to_pool": Words(
        "{person} was late and went to {owner}", "{person} was late and went to the pool"
    ),
    "re_route": Words("{person} was late and went to {owner}", "{person} was late and moved on"),
    "to_queue": Words(
        "{person} was late and waits to be claimed", "{person} was late and waits to be claimed"
    ),
    "to_manager": Words(
        "{person} was late and is with {owner} for now",
        "{person} was late and went to the manager",
    ),
}
# Of a step that should have moved the lead, and nobody could take it.
STAYED = Words("{person} is late and stays with {owner}", "{person} is late and nobody took over")


def words_of(message: Message) -> Words:
    """The words of a message's step; those of an older version are told as a late lead."""
    action = message.payload.get("action")
    does = chain.ACTIONS.get(action)
    if does is not None and does.moves and not message.payload.get("moved", True):
        return STAYED
    return WORDS.get(action, WORDS["tell_manager"])


def clock_step(message: Message) -> Text:
    clock = Clock.objects.select_related(
        "lead__prospect", "lead__account", "lead__source", "lead__owner__user", "policy"
    ).get(pk=message.payload["clock"])
    lead = clock.lead
    mine = lead.owner is not None and lead.owner.user_id == message.recipient_id
    owner = "you" if mine else (str(lead.owner) if lead.owner else "nobody")
    taken = clock.escalations.filter(step=message.payload.get("step")).first()
    came = f" {taken.effect}." if taken else ""
    return Text(
        subject=words_of(message).subject.format(person=lead.prospect.name, owner=owner),
        body=f"{clock.policy}: {clock.policy.get_metric_display()} by "
        f"{kinds.clock_time(clock.due_at)}.{came} The lead is with {owner} now.",
        facts=lead_facts(lead),
        url=link("lead", lead.pk),
        action="Open the lead",
        acts=acts_for(lead, message.recipient),
    )


def still_running(message: Message) -> bool:
    """A reminder is pointless once the promise is kept; the rest is news all the same."""
    if message.payload["action"] != "remind":
        return True
    return Clock.objects.filter(pk=message.payload["clock"], state=Clock.State.RUNNING).exists()


clock_lines = lines_about_leads(
    lambda message, lead: words_of(message).line.format(person=lead.prospect.name)
)

kinds.register(
    kinds.Kind(
        "clock_step",
        clock_step,
        still_running,
        clock_lines,
        title=gettext_lazy("Promise at risk or late"),
    )
)
