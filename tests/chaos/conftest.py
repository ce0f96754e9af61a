"""The fixtures of tests with processes, here as well."""

from tests.processes.conftest import figures, pytest_terminal_summary, seed

__all__ = ["figures", "pytest_terminal_summary", "seed"]
