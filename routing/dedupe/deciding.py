"""What people decide about possible duplicates, and the policy about all of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from reps import access, trail
from reps.models import User
from routing.dedupe import family, suggest
from routing.dedupe.merging import AlreadyMerged, MergeRefused, SamePerson, decide_pair
from routing.models import DuplicatePair, DuplicatePolicy, Merge, Prospect
from routing.privacy.marks import masked
from routing.privacy.registry import Person
from routing.visibility import visible_leads


@transaction.atomic
def keep_apart(
    *, one_id: int, other_id: int, by: User, at: datetime, reason: str = ""
) -> DuplicatePair:
    """
    Remember that two people are two: they are not suggested again, nor anybody who is merged
    into either of them.

    :raises SamePerson: if both are the same
    :raises AlreadyMerged: if one of them was merged before
    """
    if one_id == other_id:
        raise SamePerson("These are one and the same already.")
    rows = family.locked([one_id, other_id])
    if len(rows) < 2:
        raise MergeRefused("There is no such person.")
    for row in rows.values():
        if row.merged_into_id is not None:
            raise AlreadyMerged(f"Person {row.pk} was merged before. Undo that first.")
        reason = masked(reason.strip(), Person.read(row).marks)
    apart = DuplicatePair.State.APART
    pair = decide_pair(one_id, other_id, state=apart, by=by, at=at, reason=reason)
    for row in rows.values():
        other = other_id if row.pk == one_id else one_id
        trail.note(
            row,
            kind="kept_apart",
            by=by,
            at=at,
            reason_code="kept_apart",
            reason=pair.reason,
            data={"person_id": other},
        )
    return pair


def visible_pairs(user: User) -> QuerySet[DuplicatePair]:
    """
    The possible duplicates that a person may decide: managers and RevOps, where they may see a
    lead of each of the two.
    """
    rows = DuplicatePair.objects.filter(
        first__merged_into__isnull=True,
        second__merged_into__isnull=True,
        first__erased_at__isnull=True,
        second__erased_at__isnull=True,
    )
    if not access.may_set_up(user):
        return rows.none()
    if access.is_revops(user):
        return rows
    seen = visible_leads(user).order_by()
    return rows.filter(
        Exists(seen.filter(prospect=OuterRef("first"))),
        Exists(seen.filter(prospect=OuterRef("second"))),
    )


def visible_merges(user: User) -> QuerySet[Merge]:
    """The merges that a person may see and undo: of people of whom they may see a lead."""
    rows = Merge.objects.all()
    if not access.may_set_up(user):
        return rows.none()
    if access.is_revops(user):
        return rows
    seen = visible_leads(user).order_by().values("prospect")
    return rows.filter(Q(winner__in=seen) | Q(loser__in=seen))


def may_merge(user: User, *people: Prospect) -> bool:
    """Whether a person may merge these, or keep them apart: those of whom they see a lead."""
    if access.is_revops(user):
        return True
    if not access.may_set_up(user):
        return False
    ids = {row.pk for row in people}
    seen = visible_leads(user).filter(prospect__in=ids).order_by()
    return set(seen.values_list("prospect", flat=True)) == ids


@transaction.atomic
def set_policy(*, values: Mapping[str, Any], by: User, at: datetime) -> DuplicatePolicy:
    """
    Change what makes people the same and what becomes of duplicates; a new version.

    Where the rules of addresses change, everybody is compared anew, beside routing.
    """
    row = DuplicatePolicy.objects.select_for_update(no_key=True).first() or DuplicatePolicy(
        pk=1, version=0
    )
    before = row.rules, row.suggest_from
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    row.full_clean(exclude=["providers", "shared_mailboxes", "returns"], validate_unique=False)
    trail.save(row, by=by, at=at, reason="edited")
    if (row.rules, row.suggest_from) != before:
        suggest.look_again(at=at)
    return row
