"""One thing that is wrong with a rule set."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend. Errors keep a rule set from being published, warnings do not."""

    code: str
    message: str
    rule_id: int | None = None
    is_error: bool = True


def warning(code: str, message: str, rule_id: int | None = None) -> Finding:
    """Make a finding that does not keep a rule set from being published."""
    return Finding(code, message, rule_id, is_error=False)
