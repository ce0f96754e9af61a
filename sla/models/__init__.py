"""Promises about time: policies, running clocks, and what was done when one ran out."""

from sla.models.clock import Clock, Escalation
from sla.models.policy import Policy

__all__ = ["Clock", "Escalation", "Policy"]
