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
# "2" brought limits, lanes, bounds and catching up, credited members, relaxations, experiments
# and rules that expire; decisions say what they charged instead of whom.
ENGINE_VERSION = "2"

# Beyond this, whole shares of UNIT would become too coarse to be called exact.
MAX_WEIGHT = 1_000_000

Verdict: TypeAlias = str
Outcome: TypeAlias = Literal["assign", "queue", "nurture", "park"]
Blocked: TypeAlias = Literal["capacity", "hours", "away", "nobody"]
OnEmpty: TypeAlias = Literal["next", "wait"]
LimitKind: TypeAlias = Literal["points", "value", "flow", "tier_share"]
# (pool, rep, lane): a place in a rotation.
Seat: TypeAlias = tuple[int, int, str]
# The lane of every lead whose tier has no lane of its own.
MAIN = ""


# --- The roster --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limit:
    """
    A cap beside `RepSpec.capacity`; a rep who stands at one takes no lead that it concerns.

    - "points": open leads weighted by stage may not exceed `most` points.
    - "value": the expected value of open leads may not exceed `most`, in whole currency units.
    - "flow": at most `most` counted assignments in a window. `edges` are the starts of fixed
      windows (an hour, day or week of the rep's own zone), sorted, in epoch seconds; without
      edges the window rolls and is `window` seconds long.
    - "tier_share": of the counted leads of `tier` that `pool` gave in the last `window` seconds,
      this one included, the rep may hold at most `most` percent, rounded up to whole leads.

    `pool`: only leads that come through this pool are concerned and counted; None: all.
    `tier`: the same for a tier. Points and value are kept by rep alone: there all open leads count,
    whatever leads are concerned.
    """

    kind: LimitKind
    most: int
    window: int | None = None
    edges: tuple[int, ...] = ()
    pool: int | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class RepSpec:
    """
    One rep as the engine sees them during a batch.

    `capacity` None means no limit. `hours` is the planned working time of the coming horizon
    (meetings taken out), None meaning around the clock; `absences` is time out of office. Skill
    names are kept casefolded, of two spellings of one skill the higher level counts.
    `seniority` is 0 (not said) or 1 (junior) to 4 (principal); `place` is (latitude, longitude)
    in degrees; `performance` is percent of what is usual; `agent` marks an AI agent. `manager`
    is named for a rep who has left only: who takes what they still own, after their backup.
    """

    id: int
    capacity: int | None = None
    active: bool = True
    skills: Mapping[str, int] = field(default_factory=dict)
    team: int | None = None
    backup: int | None = None
    hours: Spans | None = None
    absences: Spans = ()
    seniority: int = 0
    place: tuple[float, float] | None = None
    performance: int = 100
    agent: bool = False
    limits: tuple[Limit, ...] = ()
    manager: int | None = None

    def __post_init__(self) -> None:
        skills: dict[str, int] = {}
        for name, level in self.skills.items():
            folded = name.casefold()
            skills[folded] = max(level, skills.get(folded, level))
        object.__setattr__(self, "skills", skills)
        if self.limits:
            object.__setattr__(self, "limits", tuple(sorted(self.limits, key=_limit_rank)))
        _spans.check(self.absences)
        if self.hours is not None:
            _spans.check(self.hours)


_LIMIT_KINDS: tuple[LimitKind, ...] = ("points", "value", "flow", "tier_share")


def _limit_rank(limit: Limit) -> tuple[Any, ...]:
    """The order in which limits are checked, and written: the given order is moot."""
    return (
        _LIMIT_KINDS.index(limit.kind),
        limit.pool or 0,
        limit.tier or "",
        limit.window or 0,
        limit.most,
        limit.edges,
    )


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
    """
    Reps who share leads. Members are kept by position, then rep: the given order is moot.

    `lanes`: tiers whose leads rotate on their own, so that hot leads are shared fairly too.
    `bound`: how many leads the rotation may owe a member of the smallest weight, or be owed.
    `catch_up`: who is owed more than a lead gets at most one extra in so many.
    """

    id: int
    members: tuple[Member, ...] = ()
    lanes: tuple[str, ...] = ()
    bound: int = 2
    catch_up: int = 3
    by_rep: Mapping[int, Member] = field(init=False, repr=False, compare=False)
    least_weight: int = field(init=False, repr=False, compare=False)
    # By lane, by rep: made once, since every lead asks for all of them more than once.
    seats: Mapping[str, Mapping[int, Seat]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        members = tuple(sorted(self.members, key=lambda m: (m.position, m.rep)))
        by_rep = {member.rep: member for member in members}
        if len(by_rep) != len(members):
            raise ValueError(f"pool {self.id} names a rep twice")
        object.__setattr__(self, "members", members)
        object.__setattr__(self, "by_rep", by_rep)
        seats = {
            lane: {member.rep: (self.id, member.rep, lane) for member in members}
            for lane in (MAIN, *self.lanes)
        }
        object.__setattr__(self, "seats", seats)
        object.__setattr__(
            self, "least_weight", min([member.weight for member in members], default=1)
        )


@dataclass(frozen=True, slots=True)
class TerritorySpec:
    """
    A territory: who owns it, who stands in for the owner, and the pool that shares it.

    `backups` stand in, in this order, where `backup` is away too.
    """

    id: int
    owner: int | None = None
    backup: int | None = None
    pool: int | None = None
    backups: tuple[int, ...] = ()


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


@dataclass(frozen=True, slots=True)
class Given:
    """A counted assignment of the recent past: when, through which pool if any, which tier."""

    at: int
    pool: int | None
    tier: str


@dataclass(slots=True)
class Counters:
    """
    What changes from lead to lead. Only `apply` writes it; what is not in it counts as 0.

    - `open`: open leads of a rep; `points`, `value`: the same weighted by stage and by expected
      value. The latter two and `given` are filled only for reps whom a limit or a strategy asks.
    - `balance` and `turn`, by seat: what the rotation owes the member in UNITs, and the ordinal
      of its last turn in that lane of the pool (0: never had one).
    - `away`: reps who are paused, until an instant or (None) until further notice; `credited`:
      those of them whom the company sent away, whose share is kept for them.
    - `given`: counted assignments of the recent past by rep, in order of time.
    """

    open: dict[int, int] = field(default_factory=dict)
    points: dict[int, int] = field(default_factory=dict)
    value: dict[int, int] = field(default_factory=dict)
    balance: dict[Seat, int] = field(default_factory=dict)
    turn: dict[Seat, int] = field(default_factory=dict)
    away: dict[int, int | None] = field(default_factory=dict)
    credited: set[int] = field(default_factory=set)
    given: dict[int, tuple[Given, ...]] = field(default_factory=dict)

    def copy(self) -> "Counters":
        """Return a ledger of its own, so that folding one batch leaves the other untouched."""
        return Counters(
            open=dict(self.open),
            points=dict(self.points),
            value=dict(self.value),
            balance=dict(self.balance),
            turn=dict(self.turn),
            away=dict(self.away),
            credited=set(self.credited),
            given=dict(self.given),
        )

    def to_json(self) -> dict[str, Any]:
        """Write as sorted rows, so that equal ledgers have equal JSON."""
        return {
            "open": [[rep, count] for rep, count in sorted(self.open.items())],
            "points": [[rep, points] for rep, points in sorted(self.points.items())],
            "value": [[rep, value] for rep, value in sorted(self.value.items())],
            "balance": [[*seat, units] for seat, units in sorted(self.balance.items())],
            "turn": [[*seat, turn] for seat, turn in sorted(self.turn.items())],
            "away": [[rep, self.away[rep]] for rep in sorted(self.away)],
            "credited": sorted(self.credited),
            "given": [
                [rep, [[one.at, one.pool, one.tier] for one in self.given[rep]]]
                for rep in sorted(self.given)
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Counters":
        """Read what `to_json` wrote; the result equals the original."""
        return cls(
            open=dict(data["open"]),
            points=dict(data.get("points", ())),
            value=dict(data.get("value", ())),
            balance=_by_seat(data["balance"]),
            turn=_by_seat(data["turn"]),
            away=dict(data["away"]),
            credited=set(data.get("credited", ())),
            given={
                rep: tuple(Given(*one) for one in given) for rep, given in data.get("given", ())
            },
        )


def _by_seat(rows: list[list[Any]]) -> dict[Seat, int]:
    """Read rows of (pool, rep, lane, number); engine 1 knew no lanes."""
    return {(row[0], row[1], row[2] if len(row) == 4 else MAIN): row[-1] for row in rows}


# --- The rules ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a rule means: a kind from `targets.TARGETS`, with an id where the kind wants one."""

    kind: str
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Relaxation:
    """
    What becomes of a filter once a lead has waited `after` seconds for routing.

    `options` take the place of the filter's own; None: the filter is dropped. With `after` 0
    it holds at once, if the stricter path has nobody.
    """

    after: int
    options: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """
    One step that narrows or chooses; `options` as read by the kind of stage, defaults filled.

    A filter without `relax` is the floor of its path: it is never relaxed.
    """

    do: str
    by: str
    options: Mapping[str, Any] = field(default_factory=dict)
    relax: tuple[Relaxation, ...] = ()


@dataclass(frozen=True, slots=True)
class Split:
    """
    An experiment: `percent` of the leads, chosen by a stable hash, take `path` instead.

    The same lead always falls on the same side of an experiment of this name.
    """

    name: str
    percent: int
    path: "Path"


@dataclass(frozen=True, slots=True)
class Path:
    """
    What a rule does with a lead it matches: a target, stages, and what if nobody is left.

    `wait_at_most`: with `on_empty` "wait", the seconds after which the rules that follow are
    tried after all; None: it waits for as long as it takes.
    """

    target: Target
    stages: tuple[Stage, ...] = ()
    on_empty: OnEmpty = "next"
    wait_at_most: int | None = None
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """
    A condition and a path. Fallback rules are tried after all others.

    `until`: the instant from which the rule no longer holds, for exceptions that expire.
    """

    id: int
    position: int
    name: str
    condition: Condition
    path: Path
    fallback: bool = False
    until: int | None = None

    @property
    def rank(self) -> tuple[bool, int, int]:
        """Its place in the order of trying: fallbacks last, then position, then id."""
        return (self.fallback, self.position, self.id)

    def has_expired(self, at: int) -> bool:
        """Say whether the rule no longer holds at this instant."""
        return self.until is not None and at >= self.until


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

    @property
    def tier(self) -> str:
        """The tier of the lead; "" if it has none."""
        tier = self.facts.get("tier")
        return tier if isinstance(tier, str) else ""


@dataclass(frozen=True, slots=True)
class Decision:
    """
    What becomes of one lead, and why in short. Stored; `explain` recomputes the long story.

    - `outcome`: "assign" (to `rep`), "queue" (`queue`), "nurture", or "park" (nobody now).
    - `rule`, `rule_position`, `target`: the rule that decided, and the kind of its target. All
      None if the rules ended without a taker.
    - `strategy`: how the rep was chosen; `runner_up`: who would have been next.
    - `pool`: the pool that the rep takes it as a member of; None for an owner. `lane`, `charges`:
      where a rotation chose, its lane and what it booked: (rep, units) by rep, zero in sum.
    - `drops`: (verdict, count) over all rules tried, sorted. A rep who was dropped under two
      rules counts twice.
    - `passed_over`: (rule id, why) of matching rules that fell through, in order. Why is
      "no_candidates", or the verdict that dropped most (of equals, the one checked first).
    - `relaxed`: the level of relaxation at which the deciding rule's path was tried last: 0 for
      the strict path, 1 from the first `after` of its relaxations on, and so forth.
    - `branch`: "name:a" (the rule's own path) or "name:b" (the other) if the rule splits.
    - `points`, `value`, `tier`: what an assignment adds to its rep's counters.
    - `retry_at`, `blocked`, `wait_pool`, `wait_rep`: only for "park", see `decide`.
    """

    engine: str
    outcome: Outcome
    at: int = 0
    rule: int | None = None
    rule_position: int | None = None
    target: str | None = None
    strategy: str | None = None
    rep: int | None = None
    queue: int | None = None
    pool: int | None = None
    lane: str = MAIN
    charges: tuple[tuple[int, int], ...] = ()
    runner_up: int | None = None
    drops: tuple[tuple[Verdict, int], ...] = ()
    passed_over: tuple[tuple[int, str], ...] = ()
    relaxed: int = 0
    branch: str = ""
    points: int = 0
    value: int = 0
    tier: str = ""
    retry_at: int | None = None
    blocked: Blocked | None = None
    wait_pool: int | None = None
    wait_rep: int | None = None
