"""The table of a run, for the screen and for docs/operators/chaos.md."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from config.env import BASE_DIR
from tests.chaos.outcome import WANTED, Outcome, totals

PAGE = BASE_DIR / "docs" / "operators" / "chaos.md"


def line(outcome: Outcome) -> str:
    """One scenario in a few lines."""
    lines = [f"  {outcome.code} {outcome.verdict.upper()} in {outcome.seconds:.0f} s"]
    if outcome.skipped:
        lines.append(f"     {outcome.skipped}")
    if outcome.faults:
        lines.append(f"     faults: {outcome.faults}")
    lines.append(f"     {_pairs(outcome.volumes)}; {_pairs(outcome.figures)}")
    lines += [f"     left out: {words}" for words in outcome.left_out]
    lines += [f"     FAILED: {words}" for words in outcome.failures]
    return "\n".join(lines)


def _pairs(found: dict) -> str:
    return ", ".join(f"{name} {value}" for name, value in found.items()) or "–"


def table(outcomes: Sequence[Outcome], *, seed: int, seconds: float) -> str:
    """Everything in one table, lines as wide as they must be."""
    rows = [("", "scenario", "verdict", "s", "lateness", "intake", "to owner")]
    for one in outcomes:
        figures = [str(one.figures.get(name, "–")) for name in ("lateness", "intake", "to owner")]
        rows.append((one.code, one.name, one.verdict, f"{one.seconds:.0f}", *figures))
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    done = totals(outcomes)
    lines += ["", "Seconds are median / 99th percentile / maximum.", f"Volumes: {_pairs(done)}."]
    short = {what: least for what, least in WANTED.items() if done.get(what, 0) < least}
    if short:
        lines.append(f"Below the volumes of a whole run: {_pairs(short)} wanted.")
    lines.append(f"Seed {seed}; {seconds / 60:.1f} minutes.")
    return "\n".join(lines)


HEAD = (
    "", "Scenario", "Faults injected", "Volumes", "Violations", "Lateness", "Intake",
    "Door to owner", "Other figures", "Verdict", "Run",
)  # fmt: skip
BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"


def write(outcomes: Sequence[Outcome], *, scale: float, order: Sequence[str]) -> None:
    """
    Put the newest run into the operators' page, between its two marks. Scenarios that were not
    played this time keep their rows of the run before.
    """
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    kept, _, after = rest.partition(END)
    rows = _rows_of(kept) | {one.code: _row(one, scale=scale) for one in outcomes}
    body = markdown([rows[code] for code in order if code in rows])
    PAGE.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}", encoding="utf-8")


def _rows_of(page: str) -> dict[str, list[str]]:
    lines = page.splitlines()
    if _line(HEAD) not in lines:
        return {}
    rows = [line[2:-2].split(" | ") for line in lines[lines.index(_line(HEAD)) + 2 :]]
    return {row[0]: row for row in rows if len(row) == len(HEAD)}


def _row(one: Outcome, *, scale: float) -> list[str]:
    shown = ("lateness", "intake", "to owner")
    others = {name: value for name, value in one.figures.items() if name not in shown}
    cells = [
        one.code,
        one.name,
        one.faults or "–",
        _pairs(one.volumes),
        str(len(one.failures)) if not one.skipped else "–",
        *(str(one.figures.get(name, "–")) for name in shown),
        "; ".join((_pairs(others), *filter(None, (one.skipped, *one.left_out)))),
        one.verdict,
        f"{datetime.now(UTC):%Y-%m-%d}, seed {one.seed}, scale {scale:g}",
    ]
    return [cell.replace("|", "/") for cell in cells]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """The table of the scenarios, and beside what was wanted their volumes together."""
    done: dict[str, int] = {}
    for row in rows:
        for what, number in re.findall(r"([a-z ]+) (\d+)", row[HEAD.index("Volumes")]):
            done[what.strip()] = done.get(what.strip(), 0) + int(number)
    return "\n".join(
        [
            "Seconds are median / 99th percentile / maximum.",
            "",
            _line(HEAD),
            "|---" * len(HEAD) + "|",
            *map(_line, rows),
            "",
            "| Volume | Done | A tenth of a night |",
            "|---|---|---|",
            *(f"| {what} | {done.get(what, 0):,} | {least:,} |" for what, least in WANTED.items()),
        ]
    )
