"""
What the engine knows and what it answers: frozen values, and one ledger of counters.

Ids are the database's. Time is whole epoch seconds, UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from routing.engine import spans as _spans
from routing.engine.conditions import Condition, Facts
from routing.engine.spans import Spans

# Changes whenever the same input may lead to another decision. The golden corpus guards it.
ENGINE_VERSION = "1"

# Beyond this, whole shares of UNIT would become too coarse to be called exact.
MAX_WEIGHT = 1_000_000

Verdict: TypeAlias = str
Outcome: TypeAlias = Literal["assign", "queue", "nurture", "park"]
Blocked: TypeAlias = Literal["capacity", "hours", "away", "nobody"]
OnEmpty: TypeAlias = Literal["next", "wait"]


# --- The roster --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RepSpec:
    """
    One rep as the engine sees them during a batch.

    `capacity` None means no limit. `hours` is the planned working time of the coming horizon,
    None meaning around the clock; `absences` is time out of office. Skill names are kept
    casefolded, of two spellings of one skill the higher level counts.
    """

    id: int
    capacity: int | None = None
    active: bool = True
    skills: Mapping[str, int] = field(default_factory=dict)
    team: int | None = None
    backup: int | None = None
    hours: Spans | None = None
    absences: Spans = ()

    def __post_init__(self) -> None:
        skills: dict[str, int] = {}
        for name, level in self.skills.items():
            folded = name.casefold()
            skills[folded] = max(level, skills.get(folded, level))
        object.__setattr__(self, "skills", skills)
        _spans.check(self.absences)
        if self.hours is not None:
            _spans.check(self.hours)


@dataclass(frozen=True, slots=True)
class Member:
    """A rep's place in a pool: a whole weight from 1, and a position that settles ties."""

    rep: int
    weight: int = 1
    position: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.weight <= MAX_WEIGHT:
            raise ValueError(f"a weight is a whole number from 1 to {MAX_WEIGHT}: {self.weight}")


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """Reps who share leads. Members are kept by position, then rep: the given order is moot."""

    id: int
    members: tuple[Member, ...] = ()
    by_rep: Mapping[int, Member] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        members = tuple(sorted(self.members, key=lambda m: (m.position, m.rep)))
        by_rep = {member.rep: member for member in members}
        if len(by_rep) != len(members):
            raise ValueError(f"pool {self.id} names a rep twice")
        object.__setattr__(self, "members", members)
        object.__setattr__(self, "by_rep", by_rep)


@dataclass(frozen=True, slots=True)
class TerritorySpec:
    """A territory: who owns it, who stands in for the owner, and the pool that shares it."""

    id: int
    owner: int | None = None
    backup: int | None = None
    pool: int | None = None


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody who could get a lead, by id. The same for all leads of a batch."""

    reps: Mapping[int, RepSpec] = field(default_factory=dict)
    pools: Mapping[int, PoolSpec] = field(default_factory=dict)
    territories: Mapping[int, TerritorySpec] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        reps: "tuple[RepSpec, ...] | list[RepSpec]" = (),
        pools: "tuple[PoolSpec, ...] | list[PoolSpec]" = (),
        territories: "tuple[TerritorySpec, ...] | list[TerritorySpec]" = (),
    ) -> "Roster":
        """Build a roster from plain lists."""
        return cls(
            {rep.id: rep for rep in reps},
            {pool.id: pool for pool in pools},
            {territory.id: territory for territory in territories},
        )


# --- The ledger --------------------------------------------------------------------------


@dataclass(slots=True)
class Counters:
    """
    What changes from lead to lead. Only `apply` writes it; what is not in it counts as 0.

    `open`: open leads of a rep. `balance` and `turn`, by (pool, rep): what the rotation owes
    the member in UNITs, and the ordinal of its last turn in the pool (0: never had one).
    `away`: reps who are paused, until an instant or (None) until further notice.
    """

    open: dict[int, int] = field(default_factory=dict)
    balance: dict[tuple[int, int], int] = field(default_factory=dict)
    turn: dict[tuple[int, int], int] = field(default_factory=dict)
    away: dict[int, int | None] = field(default_factory=dict)

    def copy(self) -> "Counters":
        """Return a ledger of its own, so that folding one batch leaves the other untouched."""
        return Counters(dict(self.open), dict(self.balance), dict(self.turn), dict(self.away))

    def to_json(self) -> dict[str, Any]:
        """Write as sorted rows, so that equal ledgers have equal JSON."""
        return {
            "open": [[rep, count] for rep, count in sorted(self.open.items())],
            "balance": [[*key, units] for key, units in sorted(self.balance.items())],
            "turn": [[*key, turn] for key, turn in sorted(self.turn.items())],
            "away": [[rep, self.away[rep]] for rep in sorted(self.away)],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Counters":
        """Read what `to_json` wrote; the result equals the original."""
        return cls(
            dict(data["open"]),
            {(pool, rep): units for pool, rep, units in data["balance"]},
            {(pool, rep): turn for pool, rep, turn in data["turn"]},
            dict(data["away"]),
        )


# --- The rules ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a rule means: a kind from `targets.TARGETS`, with an id where the kind wants one."""

    kind: str
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One step that narrows or chooses; `options` as read by the kind of stage, defaults filled."""

    do: str
    by: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Path:
    """What a rule does with a lead it matches: a target, stages, and what if nobody is left."""

    target: Target
    stages: tuple[Stage, ...] = ()
    on_empty: OnEmpty = "next"


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition and a path. Fallback rules are tried after all others."""

    id: int
    position: int
    name: str
    condition: Condition
    path: Path
    fallback: bool = False

    @property
    def rank(self) -> tuple[bool, int, int]:
        """Its place in the order of trying: fallbacks last, then position, then id."""
        return (self.fallback, self.position, self.id)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A published set of rules; immutable. The order of `rules` is moot, `Rule.rank` decides."""

    id: int
    version: int
    rules: tuple[Rule, ...] = ()


# --- One lead at one moment --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a decision may look at."""

    facts: Facts
    roster: Roster
    counters: Counters
    at: int


@dataclass(frozen=True, slots=True)
class Decision:
    """
    What becomes of one lead, and why in short. Stored; `explain` recomputes the long story.

    - `outcome`: "assign" (to `rep`), "queue" (`queue`), "nurture", or "park" (nobody now).
    - `rule`, `rule_position`, `target`: the rule that decided, and the kind of its target. All
      None if the rules ended without a taker.
    - `strategy`: how the rep was chosen; `runner_up`: who would have been next.
    - `pool`, `eligible`: the rotation that was charged, and the reps it was charged to, by id;
      None and () if the strategy was not a rotation.
    - `drops`: (verdict, count) over all rules tried, sorted. A rep who was dropped under two
      rules counts twice.
    - `passed_over`: (rule id, why) of matching rules that fell through, in order. Why is
      "no_candidates", or the verdict that dropped most (of equals, the one checked first).
    - `retry_at`, `blocked`, `wait_pool`, `wait_rep`: only for "park", see `decide`.
    """

    engine: str
    outcome: Outcome
    rule: int | None = None
    rule_position: int | None = None
    target: str | None = None
    strategy: str | None = None
    rep: int | None = None
    queue: int | None = None
    pool: int | None = None
    eligible: tuple[int, ...] = ()
    runner_up: int | None = None
    drops: tuple[tuple[Verdict, int], ...] = ()
    passed_over: tuple[tuple[int, str], ...] = ()
    retry_at: int | None = None
    blocked: Blocked | None = None
    wait_pool: int | None = None
    wait_rep: int | None = None
