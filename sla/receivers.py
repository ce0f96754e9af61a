"""Clocks follow what routing announces, in the same transaction."""

from django.dispatch import receiver

from routing import signals
from routing.rules import starters
from sla.models import Policy
from sla.services import clocks, setup


@receiver(signals.leads_placed, dispatch_uid="sla.placed")
def follow_placement(sender, *, moves, at, **kwargs) -> None:
    clocks.follow(moves, at=at)


@receiver(signals.leads_acknowledged, dispatch_uid="sla.acknowledged")
def stop_waiting_for_acknowledgement(sender, *, leads, at, **kwargs) -> None:
    clocks.meet(leads, metrics=[Policy.Metric.ACKNOWLEDGE], at=at)


@receiver(signals.leads_contacted, dispatch_uid="sla.contacted")
def stop_waiting_for_contact(sender, *, leads, at, **kwargs) -> None:
    clocks.meet(leads, metrics=[Policy.Metric.CONTACT], at=at)


@receiver(starters.started, dispatch_uid="sla.template")
def promise_with_template(sender, *, template, by, at, **kwargs) -> None:
    if template.acknowledge is not None:
        setup.promise_acknowledgement(minutes=template.acknowledge, by=by, at=at)
