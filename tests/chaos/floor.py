"""The organisation that the load meets, and what became of its leads."""

from dataclasses import dataclass

from reps.due.clock import database_now
from reps.models import ChannelChoice, User
from routing.keys import issue_key
from routing.models import Lead
from sla.models import Escalation
from tests import make
from tests.chaos.receiver import Received


@dataclass(frozen=True, slots=True)
class Doors:
    """What a client must know."""

    api_source: str
    api_key: str
    form: str
    form_source: str
    file_source: str

    def plan(self) -> dict[str, str]:
        return {
            "api_source": self.api_source,
            "api_key": self.api_key,
            "form": self.form,
            "form_source": self.form_source,
        }


def open_floor(
    *,
    reps: int = 20,
    capacity: int = 10,
    deadlines: tuple[int, ...] = (10, 20, 40),
    told: Received | None = None,
    claimed: bool = True,
) -> Doors:
    """
    Reps who share leads by rotation, a quarter of the leads in a queue to be claimed (`claimed`).

    Everybody is told by a webhook if there is one to tell, and by nothing else.
    """
    make.organisation()
    people = [make.rep(f"rep{n}", capacity=capacity) for n in range(reps)]
    pool = make.pool(*people)
    queue = make.queue(pool, max_unworked=0)
    to_claim = {
        "name": "Germany is claimed",
        "condition": {"fact": "country", "op": "eq", "value": "DE"},
        "path": {"target": {"kind": "queue", "id": queue.pk}},
    }
    to_reps = make.round_robin(pool, on_empty="wait")
    make.rules(*([to_claim] * claimed), to_reps)
    if deadlines:
        promise(*deadlines)
    web, api = make.source("website"), make.source("partner")
    make.source("files")
    make.form("contact", source=web)
    key = issue_key(source=api, by=manager(), at=database_now())
    if told is not None:
        tell_by_webhook(told)
    return Doors("partner", key, "contact", "website", "files")


def promise(first: int, second: int, third: int) -> None:
    """Three promises about every lead, each with steps after it."""
    for metric, budget, steps in (
        ("ACKNOWLEDGE", first, [{"at_percent": 50, "do": "remind"}]),
        ("CLAIM", second, []),
        ("CONTACT", third, []),
    ):
        last = {"at_percent": 100, "do": "tell_manager"}
        make.policy(metric=metric, budget=budget, hours="ALWAYS", steps=[*steps, last])


def manager() -> User:
    return User.objects.filter(is_superuser=True).order_by("pk")[0]


def tell_by_webhook(told: Received) -> None:
    """Everybody is told by Slack, at a webhook of their own, and by nothing else."""
    for user in User.objects.all():
        ChannelChoice.objects.update_or_create(
            user=user,
            channel="slack",
            defaults={
                "mode": ChannelChoice.Mode.ALWAYS,
                "address": f"http://{told.host}/services/{user.pk}",
            },
        )


# --- What became of the leads -----------------------------------------------------------
def lateness() -> list[float]:
    """Seconds from the instant of each step that was taken to its taking."""
    rows = Escalation.objects.values_list("fired_at", "due_at")
    return [(fired - due).total_seconds() for fired, due in rows]


def to_owner() -> list[float]:
    """Seconds from the door to the first owner or queue, of leads that routing placed at once."""
    rows = Lead.objects.filter(assignments__epoch=1).values_list(
        "assignments__started_at", "received_at"
    )
    return [(placed - received).total_seconds() for placed, received in rows]
