"""Why a plan stays as it is."""


class PlanRefused(Exception):
    """The plan stays as it is; the message says why, fit for a person."""


class PlanConflict(PlanRefused):
    """The live territories have changed in what the plan changes; see `conflicts.of`."""
