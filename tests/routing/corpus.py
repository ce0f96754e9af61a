"""
The golden corpus: what this version of the engine decided about four thousand made-up leads.

    python -m tests.routing.corpus            say what differs
    python -m tests.routing.corpus --write    write it anew, after the engine's version was raised

A decision that differs under the same `ENGINE_VERSION` is a fault: stored decisions could no
longer be run again. A change that is meant raises the version, and the differences are listed
here before they are written down.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from routing.engine import (
    ENGINE_VERSION,
    apply,
    canonical,
    compile_ruleset,
    decide,
    digest,
    encode_decision,
    parse_ruleset,
)
from tests.routing.worlds import world

FILE = Path(__file__).with_name("corpus.json")
# Other worlds than the laws look at.
SEEDS = range(10_000, 10_100)
# Characters of a digest that are kept: one in 2^48 escapes notice.
KEPT = 12


def made() -> dict[str, Any]:
    """Decide the whole corpus as the engine stands."""
    return {"engine": ENGINE_VERSION, "worlds": [_decided(seed) for seed in SEEDS]}


def _decided(seed: int) -> dict[str, Any]:
    one = world(seed)
    rules, counters = compile_ruleset(parse_ruleset(one.ruleset)), one.counters.copy()
    decisions = []
    for at, facts in one.leads:
        answer = decide(rules, facts, one.roster, counters, at)
        apply(counters, answer, one.roster)
        summary = f"{answer.outcome} rule {answer.rule} rep {answer.rep}"
        decisions.append(f"{digest(encode_decision(answer))[:KEPT]} {summary}")
    return {
        "seed": seed,
        "input": digest(canonical(one.to_json()))[:KEPT],
        "decisions": decisions,
    }


def stored() -> dict[str, Any]:
    """Read the corpus as it was written down."""
    return json.loads(FILE.read_text())


def differences(then: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    """Say, line by line, where two corpora differ."""
    if then["engine"] != now["engine"]:
        yield f"engine {then['engine']} → {now['engine']}"
    for old, new in zip(then["worlds"], now["worlds"], strict=True):
        if old["input"] != new["input"]:
            yield f"world {new['seed']}: made otherwise, so its decisions say nothing"
            continue
        for number, (was, is_now) in enumerate(
            zip(old["decisions"], new["decisions"], strict=True), start=1
        ):
            if was != is_now:
                yield f"world {new['seed']}, lead {number}: {was} → {is_now}"


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--write", action="store_true")
    now = made()
    if reader.parse_args().write:
        FILE.write_text(json.dumps(now, indent=1) + "\n")
        return 0
    found = list(differences(stored(), now))
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
