"""Clocks follow what routing announces, in the same transaction."""

from django.dispatch import receiver

from routing import signals
from routing.models import Outcome
from routing.rules import starters
from sla.models import Policy
from sla.services import clocks, setup

# A next step is agreed, so that nothing is left to follow up.
AGREED = (Outcome.Kind.MEETING, Outcome.Kind.SHOW, Outcome.Kind.OPPORTUNITY)


@receiver(signals.leads_received, dispatch_uid="sla.received")
def start_waiting_for_an_owner(sender, *, leads, at, **kwargs) -> None:
    clocks.receive(leads, at=at)


@receiver(signals.leads_placed, dispatch_uid="sla.placed")
def follow_placement(sender, *, moves, by, at, **kwargs) -> None:
    clocks.follow(moves, by=by, at=at)


@receiver(signals.leads_acknowledged, dispatch_uid="sla.acknowledged")
def stop_waiting_for_acknowledgement(sender, *, leads, at, **kwargs) -> None:
    clocks.meet(leads, metrics=[Policy.Metric.ACKNOWLEDGE], at=at)


@receiver(signals.leads_contacted, dispatch_uid="sla.contacted")
def stop_waiting_for_contact(sender, *, leads, at, **kwargs) -> None:
    clocks.contact(leads, at=at)


@receiver(signals.leads_raised_again, dispatch_uid="sla.raised_again")
def promise_a_contact_anew(sender, *, leads, at, **kwargs) -> None:
    clocks.raised_again(leads, at=at)


@receiver(signals.outcomes_recorded, dispatch_uid="sla.outcomes")
def stop_following_up(sender, *, leads, kind, at, **kwargs) -> None:
    if kind in AGREED:
        clocks.stop(leads, metrics=[Policy.Metric.FOLLOW_UP], at=at)


@receiver(starters.started, dispatch_uid="sla.template")
def promise_with_template(sender, *, template, by, at, **kwargs) -> None:
    if template.acknowledge is not None:
        setup.promise_acknowledgement(minutes=template.acknowledge, by=by, at=at)
