"""The table of a run, for the screen and for docs/operators/chaos.md."""

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


def write(outcomes: Sequence[Outcome], *, seed: int, seconds: float, scale: float) -> None:
    """Put the newest run into the operators' page, between its two marks."""
    begin, end = "<!-- chaos: begin -->", "<!-- chaos: end -->"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    body = markdown(outcomes, seed=seed, seconds=seconds, scale=scale)
    PAGE.write_text(f"{before}{begin}\n\n{body}\n\n{end}{after}", encoding="utf-8")


def markdown(outcomes: Sequence[Outcome], *, seed: int, seconds: float, scale: float) -> str:
    day = datetime.now(UTC).date().isoformat()
    lines = [
        f"Run of {day}, seed {seed}, scale {scale:g}, {seconds / 60:.0f} minutes. "
        "Seconds are median / 99th percentile / maximum.",
        "",
        "| | Scenario | Faults injected | Volumes | Violations | Lateness | Intake "
        "| Door to owner | Other figures | Verdict |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    shown = ("lateness", "intake", "to owner")
    for one in outcomes:
        others = {name: value for name, value in one.figures.items() if name not in shown}
        cells = [
            one.code,
            one.name,
            one.faults or "–",
            _pairs(one.volumes),
            str(len(one.failures)) if not one.skipped else "–",
            *(str(one.figures.get(name, "–")) for name in shown),
            _pairs(others),
            one.verdict,
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    done = totals(outcomes)
    lines += ["", "| Volume | Done | A tenth of a night |", "|---|---|---|"]
    lines += [f"| {what} | {done.get(what, 0):,} | {least:,} |" for what, least in WANTED.items()]
    notes = [
        (one.code, words) for one in outcomes for words in (one.skipped, *one.left_out) if words
    ]
    if notes:
        lines += ["", "Not shown by this run:", ""]
        lines += [f"- {code}: {words}" for code, words in notes]
    return "\n".join(lines)
