"""C2: many processes give out the same leads and the same places, while capacities change."""

import random
from collections import Counter

from routing.models import Lead
from tests import make
from tests.chaos import stage
from tests.chaos.bench import Bench, violations
from tests.chaos.outcome import Outcome, percentile, spread
from tests.processes import scene
from tests.processes.test_capacity import Watch

PROCESSES = 4
CONTESTED_LEADS, ATTEMPTS = 500, 2400
# How often each is tried: routing, claims and moves by hand contest the same forty places.
WAR = {"route": 3, "claim": 6, "move": 6, "close": 3, "decline": 1, "resize": 1}
REPS, CAPACITY = 10, 4


def for_capacity_and_claims(bench: Bench, outcome: Outcome, *, scale: float) -> None:
    """First everybody claims the same leads; then forty places are fought for."""
    claims_of_the_same_leads(bench, outcome, leads=int(CONTESTED_LEADS * scale))
    places_of_the_same_reps(bench, outcome, attempts=int(ATTEMPTS * scale))
    outcome.faults = "none but each other"
    outcome.demand_none(violations(), "violations of invariants")


def claims_of_the_same_leads(bench: Bench, outcome: Outcome, *, leads: int) -> None:
    make.organisation()
    reps = [make.rep(f"claimer{n}") for n in range(PROCESSES)]
    queue = make.queue(make.pool(*reps), max_unworked=0)
    make.rules({"name": "To the queue", "path": {"target": {"kind": "queue", "id": queue.pk}}})
    scene.waiting_leads(leads)
    scene.route_everything()
    there = list(Lead.objects.filter(queue=queue).order_by("pk").values_list("pk", "owner_epoch"))

    reports = bench.play(
        *[
            ("claim_all", {"leads": there, "username": rep.user.username, "place": place})
            for place, rep in enumerate(reps)
        ]
    )

    won = Counter(lead for report in reports for lead in report["won"])
    outcome.count("contested claims", PROCESSES * len(there))
    outcome.demand_none(scene.errors(reports), "errors of claimers")
    outcome.demand_none([lead for lead, n in won.items() if n > 1], "leads that two have won")
    outcome.demand_none([pk for pk, _ in there if won[pk] == 0], "leads that nobody has won")
    took = [seconds for report in reports for seconds in report["took"].get("claim", ())]
    outcome.figures["claim"] = spread(took)


def places_of_the_same_reps(bench: Bench, outcome: Outcome, *, attempts: int) -> None:
    scene.busy_floor(reps=REPS, capacity=CAPACITY, leads=max(100, attempts // 4))
    watch, deadlocks = Watch(), scene.deadlocks()
    # Whose capacity is lowered meanwhile may hold more than it now allows; nobody may get more.
    chance = random.Random(outcome.seed)

    reports = bench.play(
        *[
            (
                "by_chance",
                {
                    "seed": chance.randrange(10**9),
                    "weights": WAR,
                    "attempts": attempts // PROCESSES,
                },
            )
            for _ in range(PROCESSES)
        ],
        meanwhile=watch,
    )

    done, refused = scene.total(reports, "done"), scene.total(reports, "refused")
    outcome.count("contested assignments", sum(report["attempts"] for report in reports))
    outcome.figures["looks at every rep"] = watch.looks
    outcome.figures["caps reached"] = refused["claim: CapReached"] + refused["move: CapReached"]
    outcome.figures["capacities changed"] = done["resize"]
    outcome.demand_none(scene.errors(reports), "errors of those who fought")
    outcome.demand_none(
        [row for row in watch.wrong if not row[2] == row[3] == row[4]],
        "moments at which a load was not what a rep held",
    )
    outcome.demand(scene.deadlocks() == deadlocks, "the server broke up a deadlock")
    outcome.demand(outcome.figures["caps reached"], "no cap was reached: nothing was fought for")
    took = [seconds for report in reports for seconds in report["took"].get("claim", ())]
    outcome.figures["claim in the war"] = spread(took)
    outcome.demand_within("claim p99", percentile(took, 99), stage.patience(0.25))
