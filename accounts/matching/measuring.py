"""
How well leads are matched, on leads whose account is known.

Every figure is out of fold: the model that judges a lead was fitted without any lead of the
same account, real or look-alike. A match with the right account is a true positive. A match
with a wrong account, or of a lead that has none, is a false positive. A lead with an account
that is sent to review, called net new or given to another account is a false negative.
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from accounts.matching import evidence
from accounts.matching.book import Index
from accounts.matching.calibration import SIGNS
from accounts.matching.deciding import decide
from accounts.matching.fitting import Model, Row, fit
from accounts.matching.prepared import Lead
from accounts.matching.types import LeadIdentity, Match

FOLDS: Final = 5


@dataclass(frozen=True, slots=True)
class Labelled:
    """
    A lead with the account it belongs to ("" for none).

    `group` keeps what must be judged by one model together: the account, or the one that
    the lead only looks like. `label` and `source` are for the report.
    """

    lead_id: str
    identity: LeadIdentity
    account_id: str
    group: str
    label: str = ""
    source: str = ""


@dataclass(slots=True)
class Score:
    """True and false positives, false negatives, and false positives on look-alikes."""

    hits: int = 0
    false: int = 0
    missed: int = 0
    lookalikes: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)

    @property
    def precision(self) -> float:
        return self.hits / (self.hits + self.false) if self.hits + self.false else 0.0

    @property
    def recall(self) -> float:
        return self.hits / (self.hits + self.missed) if self.hits + self.missed else 0.0

    @property
    def f1(self) -> float:
        found = 2 * self.hits + self.false + self.missed
        return 2 * self.hits / found if found else 0.0

    def add(self, truth: Labelled, found: Match) -> None:
        """Count one answer."""
        self.verdicts[found.verdict] += 1
        given = found.account_id if found.verdict == "match" else None
        if given is not None and given == truth.account_id:
            self.hits += 1
        elif given is not None:
            self.false += 1
            self.lookalikes += truth.label == "lookalike"
        if truth.account_id and given != truth.account_id:
            self.missed += 1


def observations(index: Index, leads: Iterable[Labelled]) -> list[tuple[Labelled, Row, bool]]:
    """Give every pair that is compared by name: the lead, the features, whether it is true."""
    rows = []
    for labelled in leads:
        lead = Lead(labelled.identity)
        for account in index.candidates_of(lead):
            if (found := evidence.name_evidence(lead, account, index.weigh)) is None:
                continue
            agreement, _ = evidence.place_evidence(lead, account)
            features = evidence.with_place(found[0], agreement)
            rows.append((labelled, features, account.id == labelled.account_id))
    return rows


def fitted(rows: Sequence[tuple[Labelled, Row, bool]]) -> Model:
    """Fit the model on all pairs."""
    return fit([row for _, row, _ in rows], [truth for _, _, truth in rows], signs=SIGNS)


def out_of_fold(
    index: Index, leads: Sequence[Labelled], *, seed: int = 0
) -> list[tuple[Labelled, Match]]:
    """Match every lead by a model that was fitted on the other folds."""
    rows = observations(index, leads)
    models: Mapping[int, Model] = {
        fold: fitted([row for row in rows if _fold(row[0], seed) != fold]) for fold in range(FOLDS)
    }
    answers = []
    for labelled in leads:
        lead = Lead(labelled.identity)
        model = models[_fold(labelled, seed)]
        answers.append((labelled, decide(lead, index.candidates_of(lead), index.weigh, model)))
    return answers


def score(answers: Iterable[tuple[Labelled, Match]]) -> Score:
    """Count right and wrong answers."""
    total = Score()
    for truth, found in answers:
        total.add(truth, found)
    return total


def reliability(
    answers: Iterable[tuple[Labelled, Match]],
) -> list[tuple[float, int, float, float]]:
    """
    Compare what was promised with what held, for the likeliest account of each lead.

    One row per tenth of probability: its lower end, leads, mean confidence, share that was right.
    """
    tenths: dict[int, list[tuple[float, bool]]] = {}
    for truth, found in answers:
        if found.contenders:
            best = found.contenders[0]
            place = min(9, int(best.confidence * 10))
            right = best.account_id == truth.account_id
            tenths.setdefault(place, []).append((best.confidence, right))
    return [
        (
            place / 10,
            len(pairs),
            sum(confidence for confidence, _ in pairs) / len(pairs),
            sum(right for _, right in pairs) / len(pairs),
        )
        for place, pairs in sorted(tenths.items())
    ]


def blocking_recall(index: Index, leads: Iterable[Labelled]) -> float:
    """Give the share of leads with an account whose account is among those compared."""
    found = [
        any(account.id == one.account_id for account in index.candidates_of(Lead(one.identity)))
        for one in leads
        if one.account_id
    ]
    return sum(found) / len(found) if found else 0.0


def _fold(labelled: Labelled, seed: int) -> int:
    return zlib.crc32(f"{seed} {labelled.group}".encode()) % FOLDS
