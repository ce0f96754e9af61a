"""Where the steps of a chain send leads: that each pool and queue is there and has somebody."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from routing.models import Pool, PoolMember, Queue
from sla.chain import ChainError, Step


@dataclass(frozen=True, slots=True)
class Places:
    """The pools and queues there are: what each is called, and whether it has anybody."""

    pools: Mapping[int, tuple[str, bool]]
    queues: Mapping[int, tuple[str, bool]]

    @classmethod
    def read(cls) -> "Places":
        """Read them all; two statements."""
        members = PoolMember.objects.filter(rep__is_active=True)
        pools = Pool.objects.annotate(staffed=Exists(members.filter(pool=OuterRef("pk"))))
        queues = Queue.objects.annotate(staffed=Exists(members.filter(pool=OuterRef("pool"))))
        return cls(
            pools={pk: (name, on) for pk, name, on in pools.values_list("pk", "name", "staffed")},
            queues={pk: (name, on) for pk, name, on in queues.values_list("pk", "name", "staffed")},
        )

    def problem(self, step: Step) -> str:
        """Why a step would send leads where nobody is; "" if it does not."""
        if step.action == "to_pool":
            return _problem(
                self.pools, step, "there is no such pool.", "the pool {} has no members."
            )
        if step.action == "to_queue":
            return _problem(
                self.queues,
                step,
                "there is no such queue.",
                "nobody can claim from the queue {}.",
            )
        return ""


def check(steps: Sequence[Step]) -> None:
    """
    Refuse a chain that sends leads where nobody is.

    :raises sla.chain.ChainError: naming the first such step
    """
    if any(step.target is not None for step in steps):
        for number, words in problems(steps, Places.read()):
            raise ChainError(f"Step {number}: {words}", number)


def problems(steps: Sequence[Step], places: Places) -> Iterator[tuple[int, str]]:
    """Each step, counted from 1, that sends leads where nobody is, and why."""
    for number, step in enumerate(steps, start=1):
        if words := places.problem(step):
            yield number, words


def _problem(found: Mapping[int, tuple[str, bool]], step: Step, gone: str, empty: str) -> str:
    if step.target not in found:
        return gone
    name, staffed = found[step.target]
    return "" if staffed else empty.format(name)
