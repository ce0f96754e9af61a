"""HOURS: all time zones against the oracle of working time, to the minute."""

import multiprocessing
from zoneinfo import available_timezones

from tests.chaos.bench import Bench
from tests.chaos.outcome import Outcome
from tests.reps.hours_oracle import changes
from tests.reps.test_hours_oracle import FINE, compare_changes

PATTERNS, PROCESSES = 2, 2


def of_all_zones(bench: Bench, outcome: Outcome, *, scale: float) -> None:
    """Every change of every zone since 2015, with two calendars each."""
    names = sorted(available_timezones())
    names = names[: max(20, int(len(names) * scale))]
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        told = pool.starmap(compared, [(name, outcome.seed) for name in names], chunksize=5)
    outcome.faults = "every change of clocks, 2015 to 2035"
    outcome.count("changes of clocks", sum(number for number, _ in told))
    outcome.figures["zones"] = len(names)
    outcome.demand_none(
        [wrong for _, wrong in told if wrong], "zones that disagree with the oracle"
    )


def compared(name: str, seed: int) -> tuple[int, str]:
    try:
        return compare_changes(name, changes(name), step=FINE, patterns=PATTERNS, seed=seed), ""
    except AssertionError as wrong:
        return 0, f"{name}: {wrong}"[:300]
