"""
`python -m tests.chaos`: play the scenarios, print one table, end with an error if any fails.

`--only C1,C2` plays some, `--scale 0.1` a tenth of each, `--seed N` the same faults again,
`--write` puts the table into docs/operators/chaos.md, `--mutants` proves that the scenarios see.
Wants a PostgreSQL that nobody else uses: `python -m config.throwaway_pg python -m tests.chaos`.
"""

import argparse
import random
import sys

import django


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--only", default="", help="codes of scenarios, e.g. C1,C2")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the volumes")
    parser.add_argument("--seed", type=int, default=0, help="repeats a schedule of faults")
    parser.add_argument("--write", action="store_true", help="write docs/operators/chaos.md")
    parser.add_argument("--mutants", action="store_true", help="break the product on purpose")
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    given = parser.parse_args()
    django.setup()

    from tests.chaos import run

    seed = given.seed or random.SystemRandom().randrange(1, 10**6)
    only = [code.strip().upper() for code in given.only.split(",") if code.strip()]
    if given.mutants:
        from tests.chaos import mutants

        return mutants.main(only=only, seed=seed)
    return run.main(only=only, scale=given.scale, seed=seed, write=given.write, keep=given.keep)


if __name__ == "__main__":
    sys.exit(main())
