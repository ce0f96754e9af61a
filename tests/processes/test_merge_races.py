"""
Merges that race: with the same merge the other way round, with intake, with erasure.

On PostgreSQL `test_..._both_ways_...` turns red when `merging.merge` locks the two in the order
in which they are named, and intake's when `identify._locked` does not follow who was merged.
"""

import random

import pytest

from reps.due.clock import database_now
from routing.dedupe import merging, unmerging
from routing.intake import process
from routing.models import Lead, Merge, Prospect, ProspectKey, Submission, Touch
from routing.privacy import erase
from tests import make
from tests.processes import scene
from tests.processes.actor import Tally

pytestmark = [pytest.mark.processes, pytest.mark.races, pytest.mark.django_db(transaction=True)]

PAIRS = 30
HERE = "tests.processes.test_merge_races"
CODES = ("I1", "I2", *scene.OWNERSHIP, *scene.TRAIL, "P1")


def merge_pairs(tally: Tally, *, pairs: list[list[int]]) -> None:
    for number, (winner, loser) in enumerate(pairs):
        tally.wait_for(number * 0.02)
        tally.attempt(
            "merge",
            lambda winner=winner, loser=loser: merging.merge(
                winner_id=winner, loser_id=loser, by=None, at=database_now(), driver="test"
            ),
            merging.MergeRefused,
        )


def undo_some(tally: Tally, *, seed: int, rounds: int) -> None:
    chance = random.Random(seed)
    for number in range(rounds):
        tally.wait_for(number * 0.02)
        ids = list(Merge.objects.filter(undone_at__isnull=True).values_list("pk", flat=True))
        if ids:
            tally.attempt(
                "undo",
                lambda ids=ids: unmerging.unmerge(
                    merge_id=chance.choice(ids), by=None, at=database_now(), driver="test"
                ),
                merging.MergeRefused,
            )


def erase_all(tally: Tally, *, ids: list[int]) -> None:
    for number, pk in enumerate(ids):
        tally.wait_for(number * 0.02)
        tally.attempt(
            "erase",
            lambda pk=pk: erase.erase(prospect_id=pk, reason="asked", by=None, at=database_now()),
        )


def people(number: int) -> list[list[int]]:
    """Pairs of people with an open lead each."""
    make.organisation()
    source, at = make.source("website"), database_now()
    bodies = [{"email": f"p{n}@company{n}.com"} for n in range(2 * number)]
    scene.submissions(bodies, sources=[source], at=at)
    while process.drain(driver="test", due_before=at):
        pass
    ids = list(Prospect.objects.order_by("pk").values_list("pk", flat=True))
    assert len(ids) == 2 * number
    return [ids[n : n + 2] for n in range(0, len(ids), 2)]


def test_merges_both_ways_and_undone_meanwhile_leave_everybody_whole(crew, seed, figures):
    pairs = people(PAIRS)
    turned = [[loser, winner] for winner, loser in pairs]
    touches, deadlocks = Touch.objects.count(), scene.deadlocks()

    reports = crew.play(
        (f"{HERE}:merge_pairs", {"pairs": pairs}),
        (f"{HERE}:merge_pairs", {"pairs": turned}),
        (f"{HERE}:undo_some", {"seed": seed, "rounds": PAIRS}),
    )

    figures(done=dict(scene.total(reports, "done")), refused=dict(scene.total(reports, "refused")))
    assert scene.errors(reports) == []
    assert scene.deadlocks() == deadlocks
    assert Touch.objects.count() == touches
    assert Lead.objects.count() == ProspectKey.objects.count() == 2 * PAIRS
    merged = Prospect.objects.filter(merged_into__isnull=False).count()
    assert Lead.objects.open().count() == 2 * PAIRS - merged
    assert scene.violations(CODES) == {}


def test_a_merge_that_meets_intake_of_the_same_people_loses_nothing(crew, seed, figures):
    pairs = people(PAIRS)
    at = database_now()
    bodies = [{"email": f"p{n}@company{n}.com", "phone": f"+4930{1000000 + n}"} for n in range(60)]
    random.Random(seed).shuffle(bodies)
    scene.submissions(bodies * 2, sources=[make.source("fair")], at=at)
    deadlocks = scene.deadlocks()

    reports = crew.play(
        (f"{HERE}:merge_pairs", {"pairs": pairs}),
        ("take_in", {"until": at.timestamp() + 1}),
        ("take_in", {"until": at.timestamp() + 1}),
    )

    figures(done=dict(scene.total(reports, "done")))
    assert scene.errors(reports) == []
    assert scene.deadlocks() == deadlocks
    assert set(Submission.objects.values_list("state", flat=True)) == {"PROCESSED"}
    assert Prospect.objects.filter(merged_into__isnull=False).count() == PAIRS
    assert Lead.objects.open().count() == PAIRS
    assert Touch.objects.count() == 60 + 120
    assert scene.violations(CODES) == {}


def test_a_merge_that_meets_an_erasure_leaves_nobody_half_erased(
    crew, figures, monkeypatch, tmp_path
):
    # The processes read it from their environment.
    monkeypatch.setenv("ERASURE_LEDGER", str(tmp_path / "erasures.log"))
    pairs = people(PAIRS)
    deadlocks = scene.deadlocks()

    reports = crew.play(
        (f"{HERE}:merge_pairs", {"pairs": pairs}),
        (f"{HERE}:erase_all", {"ids": [loser for _, loser in pairs]}),
    )

    figures(done=dict(scene.total(reports, "done")), refused=dict(scene.total(reports, "refused")))
    assert scene.errors(reports) == []
    assert scene.deadlocks() == deadlocks
    for merge in Merge.objects.select_related("winner", "loser"):
        assert merge.winner.erased_at is not None
        assert merge.loser.erased_at is not None
    erased = Prospect.objects.filter(erased_at__isnull=False)
    assert not ProspectKey.objects.filter(prospect__in=erased).exists()
    assert not Lead.objects.open().filter(prospect__in=erased).exists()
    assert scene.violations(CODES) == {}
