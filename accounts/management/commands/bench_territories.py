"""Measure what one look-up among many territories costs."""

import json
import random
import statistics
import time
from typing import Any

from django.core.management.base import BaseCommand

from accounts.areas import Area, AreaIndex, Place, most_specific, why
from accounts.geography import state_names

SIZES = (10, 100, 1_000, 10_000)
LOOK_UPS = 2_000
ROUNDS = 5


class Command(BaseCommand):
    help = (
        "Print as JSON how many microseconds one look-up takes among 10, 100, 1,000 and 10,000 "
        "territories; needs no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
        parser.add_argument("--look-ups", type=int, default=LOOK_UPS)

    def handle(self, *args: Any, **options: Any) -> None:
        rows = [measured(size, look_ups=options["look_ups"]) for size in options["sizes"]]
        self.stdout.write(json.dumps({"look_ups": options["look_ups"], "rows": rows}, indent=2))


def measured(size: int, *, look_ups: int) -> dict[str, float]:
    """Return what building an index costs, one look-up, and one list of all contenders."""
    chance = random.Random(size)
    areas = plan(size, chance)
    places = [place(chance) for _ in range(look_ups)]
    began = time.perf_counter()
    index = AreaIndex(areas)
    built = time.perf_counter() - began
    by_index = [_timed(most_specific, index, places) for _ in range(ROUNDS)]
    return {
        "territories": size,
        "build_ms": round(built * 1e3, 1),
        "look_up_us": round(statistics.median(by_index) * 1e6, 2),
        "why_us": round(_timed(why, index, places) * 1e6, 2),
    }


def _timed(ask: Any, index: AreaIndex, places: list[Place]) -> float:
    began = time.perf_counter()
    for one in places:
        ask(index, one)
    return (time.perf_counter() - began) / len(places)


def plan(size: int, chance: random.Random) -> list[Area]:
    """
    A plan as large companies have it: the country, its states, then postal territories of three
    to five digits and ranges, some of them for one trade or size only.
    """
    states = sorted(state_names())
    areas = [Area(0, countries=("US",))]
    areas += [
        Area(n, countries=("US",), regions=(code,))
        for n, code in enumerate(states[: max(1, size // 6)], 1)
    ]
    while len(areas) < size:
        number = len(areas)
        code = f"{chance.randrange(100_000):05d}"
        # Every kind occurs in a plan of any size, so that only the number differs.
        kind = number % 10
        if kind == 0:
            low = f"{int(code) // 100 * 100:05d}"
            high = f"{int(low) + 99:05d}"
            area = Area(number, countries=("US",), postal_ranges=((low, high),))
        elif kind == 1:
            trade = chance.choice(("Retail", "Energy", "Software"))
            area = Area(number, countries=("US",), postal_prefixes=(code[:4],), industries=(trade,))
        elif kind == 2:
            area = Area(number, countries=("US",), postal_prefixes=(code[:3],), employees_min=500)
        else:
            area = Area(number, countries=("US",), postal_prefixes=(code[: 4 + number % 2],))
        areas.append(area)
    return areas


def place(chance: random.Random) -> Place:
    """Where a lead may be, with what is known of its company."""
    return Place(
        country="US",
        region=chance.choice(sorted(state_names())),
        postal_code=f"{chance.randrange(100_000):05d}",
        industry=chance.choice(("", "Retail", "Software")),
        employees=chance.choice((None, 20, 800)),
    )
