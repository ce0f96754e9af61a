"""What becomes of leads below the score's threshold, in whatever template one starts from."""

from dataclasses import dataclass

from routing.models import Pool
from routing.qualify.scoring import THRESHOLD
from routing.rules import standard
from routing.rules.starters.base import Chosen, Spec, Template
from routing.rules.starters.base import golden as example


@dataclass(frozen=True, slots=True)
class Cold:
    """Below this threshold leads rest in nurture, or go to a pool of junior SDRs; None: nobody."""

    threshold: int | None = THRESHOLD
    junior: Pool | None = None


def rules(template: Template, chosen: Chosen, cold: Cold | None) -> list[Spec]:
    """The template's rules with the threshold first, if there is one."""
    if cold is None:
        return template.rules(chosen)
    others = [spec for spec in template.rules(chosen) if not _is_gate(spec)]
    return others if cold.threshold is None else [_gate(cold), *others]


def golden(template: Template, chosen: Chosen, cold: Cold | None) -> list[Spec]:
    """The template's examples, with one for the threshold as it was chosen."""
    if cold is None:
        return template.golden(chosen)
    own = standard.gate()["name"]
    others = [spec for spec in template.golden(chosen) if spec["expect_rule"] != own]
    if cold.threshold is None:
        # Without a threshold a low score is a lead like any other.
        return others
    facts, name = {"score": max(0, cold.threshold - 1)}, _gate(cold)["name"]
    if cold.junior is None:
        first = example("A low score rests in nurture", facts, name, expect_outcome="nurture")
    else:
        first = example("A low score goes to the junior SDRs", facts, name, expect_pool=cold.junior)
    return [first, *others]


def _gate(cold: Cold) -> Spec:
    return standard.gate(threshold=cold.threshold or 0, junior=cold.junior)


def _is_gate(spec: Spec) -> bool:
    return spec["path"]["target"]["kind"] == "nurture" and "score" in str(spec["condition"])
