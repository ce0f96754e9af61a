"""
The short form of chaos, with every run of the tests: C1, C2, C3 and C9 at a tenth of their size.

On PostgreSQL, where several processes can write; `make chaos` plays all of it.
"""

from pathlib import Path

import pytest

from tests.chaos.bench import Bench, collect_static
from tests.chaos.outcome import Outcome
from tests.chaos.run import SCENARIOS

pytestmark = [
    pytest.mark.processes,
    pytest.mark.races,
    pytest.mark.chaos,
    pytest.mark.django_db(transaction=True),
]

SHORT = ("C1", "C2", "C3", "C9")
SCALE = 0.1
# CI's machine does other things as well; what must not happen must not happen there either.
PATIENCE = "8"


@pytest.fixture
def bench(tmp_path: Path, transactional_db):
    made = Bench(tmp_path)
    yield made
    made.end_all()


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.code in SHORT], ids=str)
def test_a_tenth_of_it(scenario, bench, seed, figures, monkeypatch):
    monkeypatch.setenv("CHAOS_PATIENCE", PATIENCE)
    collect_static()
    outcome = Outcome(scenario.code, scenario.name, seed)

    scenario.play(bench, outcome, scale=SCALE)

    figures(faults=outcome.faults, **outcome.volumes, **outcome.figures)
    assert outcome.failures == []
