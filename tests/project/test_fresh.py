"""A machine on which nothing has run yet."""

import os
import subprocess
import sys

import pytest

from config.env import BASE_DIR


@pytest.mark.processes
def test_an_empty_database_migrates_and_passes_every_check(tmp_path):
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3"}
    for command in (["migrate", "-v0"], ["check", "--fail-level", "WARNING"], ["verify"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=BASE_DIR,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stdout + done.stderr
