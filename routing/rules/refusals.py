"""What keeps a rule set as it is."""

from collections.abc import Sequence

from routing.rules.lint import Finding


class RulesRefused(Exception):
    """The rule set stays as it is; `findings` say what is in the way."""

    def __init__(self, message: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(message)
        self.findings = list(findings)


class ApprovalNeeded(RulesRefused):
    """The version moves too many leads for one person to publish it alone."""


class PlanChanged(RulesRefused):
    """A planned publication was cancelled, moved, or done by somebody else meanwhile."""
