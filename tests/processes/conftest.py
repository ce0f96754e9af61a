"""Fixtures for tests with real processes; what they measured is printed at the end."""

import os
import random
from pathlib import Path

import pytest
from django.db import connection

from tests.processes.crew import Crew

_figures: list[str] = []


@pytest.fixture
def crew(tmp_path: Path, transactional_db):
    """The processes of this test, all on its database."""
    made = Crew(tmp_path)
    yield made
    made.end_all()


@pytest.fixture
def seed(request) -> int:
    """What the chances of this test grow from; PROCESSES_SEED repeats a run."""
    chosen = int(os.environ.get("PROCESSES_SEED") or random.SystemRandom().randrange(10**6))
    _figures.append(f"{request.node.name} [{connection.vendor}]: seed {chosen}")
    return chosen


@pytest.fixture
def figures(request):
    """Note figures to be printed when all tests are done."""

    def note(**values: object) -> None:
        said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items())
        _figures.append(f"{request.node.name} [{connection.vendor}]: {said}")

    return note


def pytest_terminal_summary(terminalreporter) -> None:
    if _figures:
        terminalreporter.section("what the processes did")
        for line in _figures:
            terminalreporter.write_line(line)
        _figures.clear()
