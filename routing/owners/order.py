"""
The owner order (requirement MAT-3): claims in order, and the first with somebody to take it.

Pure. Where claims come from, and in which order, is `routing.owners.claims`' business.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Became = Literal["decides", "passed", "later", "not_asked"]
# Why somebody cannot take it, in the order in which one of several is named.
LEFT, AWAY, GAVE_BACK = "left", "away", "gave_back"


@dataclass(frozen=True, slots=True)
class Claim:
    """
    One reason why somebody owns it.

    `reps` are whom the reason means, the owner first and then whoever stands in, in turn. With a
    `pool` they share it in turn, and nobody of them in particular owns it. `ends` says that
    nobody does: "queue" (which one: `queue`) or "nurture". `waits`: if nobody can take it, it
    waits for them.
    """

    kind: str
    reps: tuple[int, ...] = ()
    pool: int | None = None
    ends: str = ""
    queue: int | None = None
    waits: bool = False
    rule: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a claim; `passed` says of its reps in turn why they cannot take it."""

    claim: Claim
    became: Became
    passed: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """
    Who owns it. `rep`: this one. `pool`: whoever of it, in turn. Neither: nobody, `by.ends`
    says where it rests, if anywhere. `by` is the claim that decided, None if none did.
    """

    steps: tuple[Step, ...]
    by: Claim | None = None
    rep: int | None = None
    pool: int | None = None

    @property
    def stands_in(self) -> bool:
        """Whether the answer stands in for the owner whom the claim means first."""
        return self.by is not None and self.rep is not None and self.rep != self.by.reps[0]


def answer(
    claims: Sequence[Claim],
    missing: Mapping[int, str],
    *,
    not_asked: Iterable[Claim] = (),
) -> Answer:
    """
    Walk the claims in order and return who owns it, with what became of each claim.

    `missing` says of whom who cannot take it, and why. `not_asked` are claims that there are
    but that the order does not know; they are told, and decide nothing.
    """
    steps: list[Step] = []
    by: Claim | None = None
    rep = pool = None
    for claim in claims:
        if by is not None:
            steps.append(Step(claim, "later"))
            continue
        passed = [(one, missing[one]) for one in claim.reps if one in missing]
        able = [one for one in claim.reps if one not in missing]
        if not claim.ends and not able and not _waits(claim, missing):
            steps.append(Step(claim, "passed", tuple(passed)))
            continue
        by = claim
        if claim.pool is not None:
            pool = claim.pool
            passed = []
        elif able:
            rep = able[0]
            passed = passed[: claim.reps.index(rep)]
        elif not claim.ends:
            # It waits for the first of them who is still here.
            rep = next(one for one in claim.reps if missing[one] == AWAY)
        steps.append(Step(claim, "decides", tuple(passed)))
    steps += [Step(claim, "not_asked") for claim in not_asked]
    return Answer(tuple(steps), by, rep, pool)


def _waits(claim: Claim, missing: Mapping[int, str]) -> bool:
    return claim.waits and any(missing[one] == AWAY for one in claim.reps)
