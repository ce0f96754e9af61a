"""Why a step of a dispute is refused."""

from routing.work.refusals import NotYours, WorkRefused


class DisputeRefused(WorkRefused):
    """The dispute cannot be opened, answered or decided now; the message says why."""


class NotYoursToRule(NotYours):
    """Somebody else decides this dispute."""
