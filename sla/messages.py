"""What clocks tell people."""

from reps.models import Message
from reps.post import kinds
from reps.post.kinds import Text
from routing.messages import lead_facts, lines_about_leads, link
from sla.models import Clock

SUBJECTS = {
    "remind": "{person} is waiting for {owner}",
    "tell_manager": "{person} is late with {owner}",
    "to_backup": "{person} was late and has a new owner",
    "to_manager": "{person} was late and is yours for now",
}


def clock_step(message: Message) -> Text:
    clock = Clock.objects.select_related(
        "lead__prospect", "lead__account", "lead__source", "lead__owner__user", "policy"
    ).get(pk=message.payload["clock"])
    lead = clock.lead
    mine = lead.owner is not None and lead.owner.user_id == message.recipient_id
    owner = "you" if mine else (str(lead.owner) if lead.owner else "nobody")
    return Text(
        subject=SUBJECTS[message.payload["action"]].format(person=lead.prospect.name, owner=owner),
        body=f"{clock.policy}: {clock.policy.get_metric_display()} by "
        f"{clock.due_at:%H:%M:%S} UTC. The lead is with {owner} now.",
        facts=lead_facts(lead),
        url=link("lead", lead.pk),
        action="Open the lead",
    )


def still_running(message: Message) -> bool:
    """A reminder is pointless once the promise is kept; the rest is news all the same."""
    if message.payload["action"] != "remind":
        return True
    return Clock.objects.filter(pk=message.payload["clock"], state=Clock.State.RUNNING).exists()


LINES = {
    "remind": "{person} is waiting",
    "tell_manager": "{person} is late",
    "to_backup": "{person} was late and went to the backup",
    "to_manager": "{person} was late and went to the manager",
}
clock_lines = lines_about_leads(
    lambda message, lead: LINES.get(message.payload.get("action"), "A clock of {person}").format(
        person=lead.prospect.name
    )
)

kinds.register(kinds.Kind("clock_step", clock_step, still_running, clock_lines))
