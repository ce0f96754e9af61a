"""
The product broken on purpose, seven ways: a scenario that stays green then would prove nothing.

`python -m tests.chaos --mutants`: each mutant is planted into a copy of the tree, it is proven
that the copy runs with it, and one small scenario must turn red for the reason that it should, for
which the product as it is stays green.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config.env import BASE_DIR

LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis", "test-results"
)


class NotPlanted(Exception):
    """The code has changed, so that the mutant does not fit any more."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One place of one file: what stands there, and what the mutant has instead."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mechanism taken out, the scenario that must notice, and by which words."""

    name: str
    scenario: str
    # A part of the failure that is due to this mutant and to nothing else.
    seen: str
    edits: Sequence[Edit]
    scale: float = 0.1
    environment: tuple[tuple[str, str], ...] = ()


MUTANTS = (
    Mutant(
        "capacity is counted, then assigned, without a lock",
        "C2",
        "loads? |load was|I4|I5|errors of those who fought",
        [
            Edit(
                "routing/ownership.py",
                "RepLoad.objects.select_for_update(no_key=True).filter(rep__in=rep_ids)",
                "RepLoad.objects.filter(rep__in=rep_ids)",
            )
        ],
        scale=0.2,
    ),
    Mutant(
        "no unique index on source and key",
        "C1",
        "was acknowledged as|faults against the journal",
        [
            Edit(
                "routing/migrations/0001_tables.py",
                "fields=('source', 'idempotency_key'), name='routing_one_submission_per_key'",
                "fields=('source', 'idempotency_key', 'id'), name='routing_one_submission_per_key'",
            )
        ],
    ),
    Mutant(
        "the outbox is read by a cursor",
        "C3",
        "still overdue|I13",
        [
            Edit(
                "reps/post/deliver.py",
                "Message.objects.filter(free, state=State.PENDING, due_at__lte=due_before)",
                "Message.objects.filter(\n        free, state=State.PENDING, "
                "due_at__lte=due_before, pk__gt=_cursor[0]\n    )",
            ),
            Edit(
                "reps/post/deliver.py",
                "    for row in rows:\n        row.leased_until = now + LEASE\n",
                "    for row in rows:\n        row.leased_until = now + LEASE\n"
                "        _cursor[0] = max(_cursor[0], row.pk)\n",
            ),
            Edit("reps/post/deliver.py", "BATCH = 20\n", "BATCH = 20\n_cursor = [0]\n"),
        ],
    ),
    Mutant(
        "a message is marked as sent before it is",
        "C3",
        "sent and never came",
        [
            Edit(
                "reps/post/deliver.py",
                ".update(leased_until=now + LEASE)\n    prefetch",
                ".update(\n        leased_until=now + LEASE, state=State.SENT, done_at=now,"
                ' delivered={"slack": "x"}\n    )\n    prefetch',
            ),
            Edit(
                "reps/post/deliver.py",
                "        pk=message.pk,\n        state=State.PENDING,\n",
                "        pk=message.pk,\n",
            ),
        ],
        environment=(("CHAOS_LATENCY", "0.15"),),
    ),
    Mutant(
        "deadlines are timers in a process, not rows",
        "C3",
        "still overdue|I6",
        [
            Edit(
                "sla/services/escalate.py",
                "due = Clock.objects.filter(next_at__lte=due_before)",
                "born = _timers.setdefault(os.getpid(), due_before)\n"
                "    due = Clock.objects.filter(next_at__lte=due_before, next_at__gte=born)",
            ),
            Edit("sla/services/escalate.py", "BATCH = 50\n", "BATCH = 50\n_timers = {}\n"),
            Edit("sla/services/escalate.py", "import logging\n", "import logging\nimport os\n"),
        ],
    ),
    Mutant(
        "one action asks for any lead, not for a visible one",
        "C13",
        "leaks",
        [
            Edit(
                "routing/api/leads.py",
                "    def history(self, request, pk):\n        lead = self.get_object()\n",
                "    def history(self, request, pk):\n        lead = Lead.objects.get(pk=pk)\n",
            )
        ],
    ),
    Mutant(
        "a lead is changed by update(), without history",
        "C9",
        "H1|H2",
        [
            Edit(
                "routing/work/contact.py",
                '    steps.save(lead, kind="acknowledged", by=by, at=at, data='
                '{"driver": driver} if driver else None)\n',
                '    with bulk_writer("acknowledge"):\n'
                "        Lead.objects.filter(pk=lead.pk).update(\n"
                "            acknowledged_at=at, state=lead.state\n        )\n",
            ),
            Edit(
                "routing/work/contact.py",
                "from reps.models import User\n",
                "from reps.models import User\nfrom reps.models.tracked import bulk_writer\n",
            ),
        ],
    ),
)


Setting = tuple[str, float, tuple[tuple[str, str], ...]]


def main(*, only: Sequence[str], seed: int) -> int:
    """Plant each (or those whose scenario is named) and see whether it is caught."""
    chosen = [one for one in MUTANTS if not only or one.scenario in only]
    controls: dict[Setting, list[str]] = {}
    caught = 0
    for number, mutant in enumerate(chosen, start=1):
        say(f"{number} {mutant.name} ({mutant.scenario}) … ", end="")
        said = verdict(mutant, controls, seed=seed)
        caught += said.startswith("caught")
        say(said)
    say(f"{caught} of {len(chosen)} mutants caught; seed {seed}.")
    return 0 if caught == len(chosen) else 1


def say(text: str, *, end: str = "\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


def verdict(mutant: Mutant, controls: dict[Setting, list[str]], *, seed: int) -> str:
    """
    Whether the mutant's scenario fails by the words that it should, and does not do so with the
    product as it is, played in the same way on the same machine.
    """
    setting = (mutant.scenario, mutant.scale, mutant.environment)
    try:
        if setting not in controls:
            controls[setting] = failures_of(mutant, planted=False, seed=seed)
        found = failures_of(mutant, planted=True, seed=seed)
    except NotPlanted as problem:
        return f"NOT PLANTED: {problem}"
    if anyway := matching(mutant, controls[setting]):
        return f"NOT SHOWN: the product as it is fails as well: {anyway[0][:300]}"
    if why := matching(mutant, found):
        return f"caught: {why[0][:160]}"
    return f"MISSED: {found[0][:300] if found else 'all is green'}"


def matching(mutant: Mutant, failures: Sequence[str]) -> list[str]:
    return [line for line in failures if re.search(mutant.seen, line)]


def failures_of(mutant: Mutant, *, planted: bool, seed: int) -> list[str]:
    """
    What fails in the mutant's scenario, played in a copy of the tree.

    :raises NotPlanted: if the mutant does not fit, is not what runs, or nothing could be played
    """
    folder = Path(tempfile.mkdtemp(prefix="chaos-mutant-"))
    tree = folder / "tree"
    try:
        copy_tree(tree)
        if planted:
            plant(mutant, tree)
            prove_active(mutant, tree)
        played = play(mutant, tree, seed=seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    failures = re.findall(r"FAILED: (.*)", played.stdout)
    if played.returncode not in (0, 1) or (played.returncode == 1 and not failures):
        raise NotPlanted(f"its scenario was not played: {(played.stdout + played.stderr)[-300:]}")
    return failures


def copy_tree(tree: Path) -> None:
    shutil.copytree(BASE_DIR, tree, symlinks=False, ignore=LEFT_BEHIND)
    (tree / ".venv").symlink_to(BASE_DIR / ".venv")
    (tree / "var").mkdir()
    static = BASE_DIR / "var" / "static"
    if static.exists():
        # Gathered by the parent; as new as the tree.
        shutil.copytree(static, tree / "var" / "static", copy_function=shutil.copy2)


def plant(mutant: Mutant, tree: Path) -> None:
    for edit in mutant.edits:
        path = tree / edit.path
        text = path.read_text(encoding="utf-8")
        if text.count(edit.old) != 1:
            raise NotPlanted(f"{edit.path} has {text.count(edit.old)} places for {edit.old!r}")
        path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")


def prove_active(mutant: Mutant, tree: Path) -> None:
    """The code that runs in the copy is the copy's, and holds the change."""
    for edit in mutant.edits:
        module = edit.path.removesuffix(".py").replace("/", ".")
        words = (
            "import django, importlib, inspect, sys; django.setup(); "
            "found = importlib.import_module(sys.argv[1]); "
            "assert found.__file__.startswith(sys.argv[2]), found.__file__; "
            "assert sys.argv[3] in inspect.getsource(found)"
        )
        proof = subprocess.run(
            [sys.executable, "-c", words, module, str(tree), edit.new],
            cwd=tree,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
            capture_output=True,
            text=True,
            check=False,
        )
        if proof.returncode != 0:
            raise NotPlanted(f"{module} does not run with it: {proof.stderr[-300:]}")


def play(mutant: Mutant, tree: Path, *, seed: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.chaos", "--only", mutant.scenario]
    return subprocess.run(
        [*command, "--scale", str(mutant.scale), "--seed", str(seed)],
        cwd=tree,
        env={
            **os.environ,
            "CHAOS_PATIENCE": "20",
            # What is not done by then is not done at all.
            "CHAOS_QUIET": "25",
            **dict(mutant.environment),
        },
        capture_output=True,
        text=True,
        check=False,
    )
