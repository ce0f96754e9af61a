"""Measure lead-to-account matching on labelled data; print tables for the documentation."""

import csv
import time
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.management.commands.match_accounts import _candidate, _identity, _rows
from accounts.matching import Index, coefficients, measuring
from accounts.matching.fitting import Model
from accounts.matching.measuring import Labelled
from accounts.matching.yardsticks import (
    Compare,
    Ours,
    average_precision,
    best_f1,
    token_set,
    token_sort,
)

SEEDS = 5
# Queries for one entity of the clustered sets, spread evenly over its spellings.
QUERIES = {"patstat_clusters.csv": 4, "leipzig_affiliations.csv": 1}
PAIRS = {
    "sibur_pairs.csv": ("name_1", "name_2", "is_duplicate", "1"),
    "opensanctions_name_bench.csv": ("name1", "name2", "is_match", "true"),
}
COMPARED: dict[str, Callable[[], Compare]] = {
    "this matcher": Ours,
    "token sort": lambda: token_sort,
    "token set": lambda: token_set,
}


class Command(BaseCommand):
    help = (
        "Print Markdown tables of how well leads find their accounts (DIR/lead_to_account, out "
        "of fold) and of how well names are compared (DIR/company_name_pairs). --fit writes the "
        "weights fitted on all labelled leads into accounts/matching/coefficients.py."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, metavar="DIR")
        parser.add_argument("--fit", action="store_true", help="write the coefficients")
        parser.add_argument("--no-pairs", action="store_true", help="leave out the name pairs")

    def handle(self, *args: Any, data: Path, fit: bool, no_pairs: bool, **options: Any) -> None:
        folder = data / "lead_to_account"
        if not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        index, leads = labelled(folder)
        if fit:
            rows = measuring.observations(index, leads)
            path = Path(coefficients.__file__)
            path.write_text(_source(measuring.fitted(rows), len(rows), len(leads)), "utf-8")
            self.stdout.write(f"Wrote {path.name}; measured below is what it rests on.\n")
        for line in _lead_tables(index, leads):
            self.stdout.write(line)
        if not no_pairs:
            for line in _pair_tables(data / "company_name_pairs"):
                self.stdout.write(line)


def labelled(folder: Path) -> tuple[Index, list[Labelled]]:
    """Read the account book and the leads with their labels."""
    accounts = list(_rows(folder / "accounts.csv", needs=("account_id", "name")))
    by_name = {row["name"]: row["account_id"] for row in accounts}
    leads = [
        Labelled(
            lead_id=row["lead_id"],
            identity=_identity(row),
            account_id=row["account_id"],
            group=row["account_id"] or by_name.get(row["similar_account"], row["lead_id"]),
            label=row["label"],
            source=row["source"],
        )
        for row in _rows(
            folder / "leads.csv",
            needs=("lead_id", "company_name", "account_id", "label", "similar_account", "source"),
        )
    ]
    return Index(map(_candidate, accounts)), leads


def _lead_tables(index: Index, leads: Sequence[Labelled]) -> Iterator[str]:
    yield (
        "| split | precision | recall | F1 | right | wrong | of these look-alikes "
        "| missed | review |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    runs = [measuring.out_of_fold(index, leads, seed=seed) for seed in range(SEEDS)]
    scores = [measuring.score(answers) for answers in runs]
    for number, one in enumerate(scores, 1):
        yield (
            f"| {number} | {one.precision:.4f} | {one.recall:.4f} | {one.f1:.4f} | {one.hits} "
            f"| {one.false} | {one.lookalikes} | {one.missed} | {one.verdicts['review']} |"
        )
    yield (
        f"| mean | {_mean([one.precision for one in scores]):.4f} "
        f"| {_mean([one.recall for one in scores]):.4f} "
        f"| {_mean([one.f1 for one in scores]):.4f} | | | | | |"
    )
    alike = sum(one.label == "lookalike" for one in leads)
    yield (
        f"\nLook-alikes matched: {_mean([one.lookalikes for one in scores]):.1f} of {alike} "
        f"({_mean([one.lookalikes for one in scores]) / max(1, alike):.1%}).\n"
    )
    yield "| source | precision | recall | F1 |"
    yield "|---|---:|---:|---:|"
    for source in sorted({one.source for one in leads}):
        part = [
            measuring.score((truth, found) for truth, found in answers if truth.source == source)
            for answers in runs
        ]
        yield (
            f"| {source} | {_mean([one.precision for one in part]):.4f} "
            f"| {_mean([one.recall for one in part]):.4f} | {_mean([one.f1 for one in part]):.4f} |"
        )
    yield "\n| promised | leads | mean | right |"
    yield "|---|---:|---:|---:|"
    for low, count, promised, right in measuring.reliability(
        answer for answers in runs for answer in answers
    ):
        each = f"{count / SEEDS:.0f} | {promised:.3f} | {right:.3f}"
        yield f"| {low:.1f} to {low + 0.1:.1f} | {each} |"
    recall = measuring.blocking_recall(index, leads)
    started = time.process_time()
    for one in leads:
        index.match(one.identity)
    spent = (time.process_time() - started) / len(leads) * 1000
    yield f"\nAmong the accounts compared is the right one: {recall:.2%}. {spent:.2f} ms a lead.\n"


def _pair_tables(folder: Path) -> Iterator[str]:
    yield f"| set | {' | '.join(f'{name}: AP, best F1' for name in COMPARED)} |"
    yield f"|---|{'---:|' * len(COMPARED)}"
    for file in (*PAIRS, *QUERIES):
        if not (folder / file).is_file():
            continue
        measure = _pairs if file in PAIRS else _clusters
        cells = [measure(folder / file, make()) for make in COMPARED.values()]
        yield f"| {file} | " + " | ".join(f"{ap:.4f}, {f1:.4f}" for ap, f1 in cells) + " |"


def _pairs(path: Path, compare: Compare) -> tuple[float, float]:
    one, other, label, yes = PAIRS[path.name]
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row[one], row[other], row[label].lower() == yes) for row in csv.DictReader(file)]
    scores = [compare(left, right) for left, right, _ in rows]
    truths = [truth for *_, truth in rows]
    return average_precision(scores, truths), best_f1(scores, truths)


def _clusters(path: Path, compare: Compare) -> tuple[float, float]:
    """Rank all other names for some names of each entity; the mean over entities."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["entity_id"], row["name"]) for row in csv.DictReader(file)]
    members: dict[str, list[int]] = defaultdict(list)
    for place, (entity, _) in enumerate(rows):
        members[entity].append(place)
    most, found = QUERIES[path.name], []
    for entity, places in members.items():
        if len(places) < 2:
            continue
        results = []
        for query in places[:: max(1, len(places) // most)][:most]:
            others = [row for place, row in enumerate(rows) if place != query]
            scores = [compare(rows[query][1], name) for _, name in others]
            truths = [one == entity for one, _ in others]
            results.append((average_precision(scores, truths), best_f1(scores, truths)))
        found.append([_mean(column) for column in zip(*results, strict=True)])
    return _mean([ap for ap, _ in found]), _mean([f1 for _, f1 in found])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _source(model: Model, pairs: int, leads: int) -> str:
    weights = "".join(
        f'        "{name}": {value:.3f},\n' for name, value in sorted(model.weights.items())
    )
    return f'''"""
The weights of the evidence, written by `manage.py measure_matching --fit`; not by hand.

Fitted on {pairs:,} pairs of a lead and an account that share a key, of {leads:,} labelled leads
(the visible half of lead_to_account). How good they are is measured without the leads that they
were fitted on: docs/development/matching.md.
"""

from typing import Final

from accounts.matching.fitting import Model

MODEL: Final = Model(
    intercept={model.intercept:.3f},
    weights={{
{weights}    }},
)
'''
