"""Promises about time: policies, running clocks, and what was done when one ran out."""

from sla.models.clock import Clock, ClockHours, Escalation, Pause
from sla.models.policy import PauseReason, Policy

__all__ = ["Clock", "ClockHours", "Escalation", "Pause", "PauseReason", "Policy"]
