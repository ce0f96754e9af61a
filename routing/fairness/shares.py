"""What each member of a pool weighs, and how units are shared out by weight. No unit is lost."""

from collections.abc import Mapping

from routing.models import PoolMember

# Weights in force are in hundredths of a set weight.
HUNDREDTHS = 100


def weight_of(member: PoolMember) -> int:
    """
    The weight in force, in hundredths of a set weight.

    All members are counted in hundredths alike, so that set weights keep their proportions: the
    rotation knows no other, and of 300 to 200 it makes the same cycle as of 3 to 2.
    """
    return member.applied_weight or member.weight * HUNDREDTHS


def weights(pool_id: int) -> dict[int, int]:
    """The weight in force of every member of a pool, by rep."""
    rows = PoolMember.objects.filter(pool=pool_id).order_by("position", "pk")
    return {row.rep_id: weight_of(row) for row in rows}


def share_out(units: int, weights: Mapping[int, int]) -> dict[int, int]:
    """
    Share units, more or less than none, among reps by weight; the parts add up to `units`.

    What does not divide evenly goes, unit by unit, to the first ones.
    """
    total = sum(weights.values())
    sign = 1 if units >= 0 else -1
    parts = {rep: abs(units) * weight // total for rep, weight in weights.items()}
    left = abs(units) - sum(parts.values())
    for rep in list(parts)[:left]:
        parts[rep] += 1
    return {rep: sign * part for rep, part in parts.items()}
