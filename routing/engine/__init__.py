"""
The engine: given a lead's facts, a rule set, a roster, counters and a moment, who gets it?

Pure: it imports no Django and nothing from outside this package, reads no clock, draws no
random number, and answers the same question with the same answer. Live routing, simulation,
"why not me?" and the tests all call `decide`.

    ruleset = compile_ruleset(parse_ruleset(data))
    decision = decide(ruleset, facts, roster, counters, at)
    apply(counters, decision, roster)

| module        | holds                                                        |
|---------------|--------------------------------------------------------------|
| `types`       | what goes in and comes out                                   |
| `conditions`  | the language of conditions; a table of its ops               |
| `facts`       | the facts that the engine itself reads                       |
| `targets`     | whom a rule can mean                                         |
| `eligibility` | the floor that no rule can relax; when a rep is next free    |
| `limits`      | the caps beside the number of open leads                     |
| `stages`      | the kinds of stage, and their options                        |
| `filters`     | what a path requires                                         |
| `preferences` | what a path wishes for                                       |
| `strategies`  | how one of several is chosen                                 |
| `rotation`    | the exact weighted rotation, and its law                     |
| `paths`       | paths and rule sets as JSON                                  |
| `compile`     | rule sets made quick                                         |
| `attempt`     | one rule tried, level by level of its relaxations            |
| `outlook`     | what a parked lead waits for                                 |
| `decide`      | one lead, one decision                                       |
| `apply`       | booking a decision                                           |
| `explain`     | the long story, recomputed                                   |
| `codec`       | canonical bytes and digests                                  |
"""

from routing.engine.apply import apply
from routing.engine.attempt import Attempt
from routing.engine.codec import (
    canonical,
    decision_from_json,
    decision_to_json,
    decode_counters,
    decode_decision,
    decode_roster,
    digest,
    encode_counters,
    encode_decision,
    encode_roster,
    roster_from_json,
    roster_to_json,
)
from routing.engine.compile import CompiledRule, CompiledRuleSet, compile_ruleset
from routing.engine.conditions import (
    ALWAYS,
    Check,
    Condition,
    ConditionError,
    FactKind,
    Facts,
    Failure,
    condition_to_json,
    facts_used,
    first_failure,
    holds,
    ops_for,
    parse,
)
from routing.engine.decide import decide
from routing.engine.eligibility import floor, next_chance
from routing.engine.explain import Explanation, explain
from routing.engine.parts import InvalidPart
from routing.engine.paths import (
    PathError,
    RuleSetError,
    parse_path,
    parse_ruleset,
    path_to_json,
    ruleset_to_json,
)
from routing.engine.rotation import UNIT, rotate
from routing.engine.spans import Spans
from routing.engine.stages import STAGES
from routing.engine.strategies import STRATEGIES
from routing.engine.targets import TARGETS
from routing.engine.types import (
    ENGINE_VERSION,
    MAX_WEIGHT,
    Counters,
    Decision,
    Given,
    Limit,
    Member,
    Path,
    PoolSpec,
    Relaxation,
    RepSpec,
    Roster,
    Rule,
    RuleSet,
    Split,
    Stage,
    Target,
    TerritorySpec,
)

__all__ = [
    "ALWAYS",
    "ENGINE_VERSION",
    "MAX_WEIGHT",
    "STAGES",
    "STRATEGIES",
    "TARGETS",
    "UNIT",
    "Attempt",
    "Check",
    "CompiledRule",
    "CompiledRuleSet",
    "Condition",
    "ConditionError",
    "Counters",
    "Decision",
    "Explanation",
    "FactKind",
    "Facts",
    "Failure",
    "Given",
    "InvalidPart",
    "Limit",
    "Member",
    "Path",
    "PathError",
    "PoolSpec",
    "Relaxation",
    "RepSpec",
    "Roster",
    "Rule",
    "RuleSet",
    "RuleSetError",
    "Spans",
    "Split",
    "Stage",
    "Target",
    "TerritorySpec",
    "apply",
    "canonical",
    "compile_ruleset",
    "condition_to_json",
    "decide",
    "decision_from_json",
    "decision_to_json",
    "decode_counters",
    "decode_decision",
    "decode_roster",
    "digest",
    "encode_counters",
    "encode_decision",
    "encode_roster",
    "explain",
    "facts_used",
    "first_failure",
    "floor",
    "holds",
    "next_chance",
    "ops_for",
    "parse",
    "parse_path",
    "parse_ruleset",
    "path_to_json",
    "roster_from_json",
    "roster_to_json",
    "rotate",
    "ruleset_to_json",
]
