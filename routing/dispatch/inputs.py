"""
What a decision was made from, as one digest that a later look can be held against.

The seal of a decision covers its facts, the personal ones by their digest, the roster, the
counters and the rules of its batch by theirs, the moment, its place, and every answer before it
in the batch, since those moved the counters. It is written with the decision and into the audit
trail, whose chain of hashes shows if anybody wrote it anew.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reps.models import AuditEvent
from reps.trail.audit import subject_of
from routing.dispatch import snapshot
from routing.engine import codec
from routing.models import Batch, Decision, Lead, PersonalFacts, Rule

# What can turn out to be altered, in the order in which it is told.
FACTS = "facts"
PERSONAL_FACTS = "personal_facts"
ROSTER = "roster"
COUNTERS = "counters"
RULES = "rules"
# An answer that came before it in the batch, its place or the moment; or a digest beside it.
ORDER = "order"
# The columns that lists read do not say what the answer says.
ANSWER = "answer"
# The seal itself is not the one that the audit trail has.
SEAL = "seal"


class Seal:
    """Seals the decisions of one batch, which are given in order."""

    def __init__(self, batch: Batch, *, roster: str) -> None:
        self._common = {
            "at": int(batch.at.timestamp()),
            "engine": batch.engine,
            "ruleset": batch.ruleset_id,
            "roster": roster,
            "counters": batch.counters_digest,
            "rules": batch.rules_digest,
        }
        self._earlier = ""

    def put_on(self, row: Decision) -> None:
        """Write the digests of a decision, the next of its batch."""
        row.facts_digest = of_facts(row.facts)
        row.inputs_digest = self.of(row)
        self.pass_over(row.body)

    def of(self, row: Decision) -> str:
        """Return the seal of a decision, from the digests that stand with it."""
        return codec.digest(
            codec.canonical(
                {
                    **self._common,
                    "earlier": self._earlier,
                    "lead": row.lead_id,
                    "place": row.place,
                    "applied": row.applied,
                    "facts": row.facts_digest,
                    "personal": row.personal_digest,
                }
            )
        )

    def pass_over(self, body: str) -> None:
        """Go on to the next place of the batch, past the one with this answer."""
        self._earlier = codec.digest(f"{self._earlier}{body}".encode())


def of_facts(facts: Mapping[str, Any]) -> str:
    """Return the digest of facts, the same before and after a database has kept them."""
    return codec.digest(codec.canonical(_plain(facts)))


def of_asked(rule: Mapping[str, Any]) -> str:
    """Return the digest of a rule that was asked in place of a version's."""
    return codec.digest(codec.canonical(_plain(rule)))


def _plain(value: Any) -> Any:
    """Whole numbers are written without a fraction: databases differ in whether they keep it."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def altered(decisions: Sequence[Decision]) -> dict[int, tuple[str, ...]]:
    """
    Return, by decision, which of its inputs are not what they were; () if all are.

    Decisions from before there were seals are judged by the digests that they have. Erased
    personal facts are not altered ones. Statements are constant, however many are asked about.
    """
    batches = Batch.objects.select_related("roster").in_bulk({row.batch_id for row in decisions})
    rules = _rules({batch.ruleset_id for batch in batches.values()})
    of_batch = {
        pk: _of_batch(
            batch, of_asked(batch.asked) if batch.asked else rules.get(batch.ruleset_id, "")
        )
        for pk, batch in batches.items()
    }
    seals = _seals(batches)
    personal = dict(
        PersonalFacts.objects.filter(decision__in=[row.pk for row in decisions]).values_list(
            "decision_id", "facts"
        )
    )
    in_trail = _in_trail(decisions)
    found = {}
    for row in decisions:
        faults = list(of_batch[row.batch_id])
        if row.facts_digest and of_facts(row.facts) != row.facts_digest:
            faults.append(FACTS)
        if not _are_the_ones(personal.get(row.pk), row.personal_digest):
            faults.append(PERSONAL_FACTS)
        if not _says_the_answer(row):
            faults.append(ANSWER)
        if row.inputs_digest and not faults and seals[row.pk] != row.inputs_digest:
            faults.append(ORDER)
        if in_trail.get(row.pk, row.inputs_digest) != row.inputs_digest:
            faults.append(SEAL)
        found[row.pk] = tuple(faults)
    return found


def _of_batch(batch: Batch, rules: str) -> list[str]:
    faults = []
    if codec.digest(batch.roster.body.encode()) != batch.roster.digest:
        faults.append(ROSTER)
    if batch.counters_digest and codec.digest(batch.counters.encode()) != batch.counters_digest:
        faults.append(COUNTERS)
    if batch.rules_digest and rules != batch.rules_digest:
        faults.append(RULES)
    return faults


def _rules(rulesets: Iterable[int]) -> dict[int, str]:
    by_set = defaultdict(list)
    for rule in Rule.objects.filter(ruleset__in=rulesets):
        by_set[rule.ruleset_id].append(rule)
    return {pk: snapshot.digest_of_rules(rules) for pk, rules in by_set.items()}


def _seals(batches: Mapping[int, Batch]) -> dict[int, str]:
    """The seal that each decision of these batches should have, as they now stand."""
    seals = {pk: Seal(batch, roster=batch.roster.digest) for pk, batch in batches.items()}
    found = {}
    rows = Decision.objects.filter(batch__in=batches).defer("facts").order_by("batch_id", "place")
    for row in rows:
        found[row.pk] = seals[row.batch_id].of(row)
        seals[row.batch_id].pass_over(row.body)
    return found


def _in_trail(decisions: Sequence[Decision]) -> dict[int, str]:
    """The seals that the audit trail has, by decision."""
    events = AuditEvent.objects.filter(
        subject=subject_of(Lead),
        subject_id__in={row.lead_id for row in decisions},
        data__has_key="inputs_digest",
    )
    return {
        data["decision_id"]: data["inputs_digest"] for data in events.values_list("data", flat=True)
    }


def _are_the_ones(facts: Mapping[str, Any] | None, digest: str) -> bool:
    return facts is None or codec.digest(codec.canonical(facts)) == digest


def _says_the_answer(row: Decision) -> bool:
    try:
        answer = codec.decode_decision(row.body.encode())
    except (ValueError, KeyError, TypeError):
        return False
    # A rule that was asked in place of the version's has the number 0, and no row.
    said = (answer.outcome, answer.rule or None, answer.rep, answer.branch)
    return said == (row.outcome, row.rule_id, row.rep_id, row.branch)
