"""What a scenario found: volumes, figures, what it demanded and what did not hold."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

# The volumes that a whole run must reach: a tenth of a night of the reliability study.
WANTED = {
    "acknowledged leads": 4000,
    "keys resent": 2000,
    "contested claims": 2000,
    "contested assignments": 2000,
    "deadlines": 2000,
}


@dataclass
class Outcome:
    """The report of one scenario; it has passed if nothing that it demanded failed."""

    code: str
    name: str
    seed: int
    faults: str = ""
    volumes: dict[str, int] = field(default_factory=dict)
    figures: dict[str, object] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    # Why it was not played, if it was not.
    skipped: str = ""
    # What this machine or this version cannot show.
    left_out: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def verdict(self) -> str:
        if self.skipped:
            return "skipped"
        return "pass" if self.passed else "FAIL"

    def demand(self, true: object, words: str) -> None:
        """Something must be so."""
        if not true:
            self.failures.append(words)

    def demand_none(self, found: Iterable[object], words: str) -> None:
        """There must be none of these."""
        wrong = list(found)
        if wrong:
            shown = "; ".join(str(one) for one in wrong[:3])
            self.failures.append(f"{len(wrong)} {words}: {shown}")

    def demand_within(self, what: str, value: float | None, limit: float) -> None:
        """A figure must be there and not above its limit."""
        if value is None or value > limit:
            self.failures.append(f"{what} is {value} and may be {limit} at most")

    def count(self, what: str, number: int) -> None:
        self.volumes[what] = self.volumes.get(what, 0) + number


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that so many percent of all do not exceed."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share / 100 * len(ordered)) - 1)]


def spread(values: Sequence[float]) -> str:
    """Median, 99th percentile and maximum, in seconds."""
    if not values:
        return "–"
    return " / ".join(f"{percentile(values, share):.2f}" for share in (50, 99, 100))


def totals(outcomes: Iterable[Outcome]) -> dict[str, int]:
    added: dict[str, int] = {}
    for outcome in outcomes:
        for what, number in outcome.volumes.items():
            added[what] = added.get(what, 0) + number
    return added
