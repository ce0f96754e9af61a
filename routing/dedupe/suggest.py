"""
Find people who may be one, after intake and beside routing (requirement DUP-3).

A prospect with `compare_at` waits to be looked at. A batch writes the blocks of its people anew,
reads whoever shares one, and compares: a number of statements that does not depend on how many.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import combinations

from django.db import transaction
from django.db.models import Count, Q

from reps.models.bulk import Upsert, insert_many
from routing.dedupe import family
from routing.dedupe.addresses import Rules, fold_name
from routing.dedupe.alike import Face, Likeness, blocks, compare
from routing.dedupe.identity import shared_key
from routing.models import DuplicatePair, DuplicatePolicy, Prospect, ProspectKey, ProspectTrait

BATCH = 100
# A block of more people says nothing about any two of them.
LARGEST_BLOCK = 50
FIELDS = ("first_name", "last_name", "email", "phone", "linkedin_url", "company", "country")
Pair = tuple[int, int]


def drain(*, driver: str, due_before: datetime, at: datetime | None = None) -> int:
    """Look at one batch of people who are due; return how many were looked at."""
    with transaction.atomic():
        waiting = Prospect.objects.filter(compare_at__lte=due_before).order_by("compare_at", "pk")
        ids = list(waiting.values_list("pk", flat=True)[:BATCH])
        rows = list(
            Prospect.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
            .filter(pk__in=ids, compare_at__lte=due_before)
            .order_by("pk")
        )
        look_at(rows, at=at or due_before)
    return len(rows)


def oldest() -> datetime | None:
    """Since when the first of them has waited to be looked at."""
    waiting = Prospect.objects.filter(compare_at__isnull=False).order_by("compare_at", "pk")
    return waiting.values_list("compare_at", flat=True).first()


def look_at(rows: Sequence[Prospect], *, at: datetime) -> int:
    """Compare these locked people with whoever is like them; return how many pairs are open."""
    if not rows:
        return 0
    policy = DuplicatePolicy.get()
    rules = policy.rules
    ids = [row.pk for row in rows]
    here = [row for row in rows if row.erased_at is None and row.merged_into_id is None]
    theirs = {row.pk: blocks(face_of(row), rules) for row in here}
    ProspectTrait.objects.filter(prospect__in=ids).delete()
    insert_many(
        [
            ProspectTrait(prospect_id=pk, value=value)
            for pk, values in sorted(theirs.items())
            for value in sorted(values)
        ],
        ignore_conflicts=True,
    )
    _remember_keys(here, rules)
    together = _together(theirs)
    people = _faces({pk for pair in together for pk in pair})
    numbers = _numbers(people.values())
    alike = {
        pair: found
        for pair in together
        if pair[0] in people and pair[1] in people
        for found in [_compared(people, pair, rules, numbers)]
        if found.confidence >= policy.suggest_from
    }
    _write(alike, looked_at=set(ids), at=at)
    Prospect.objects.filter(pk__in=ids).update(compare_at=None)
    return len(alike)


def face_of(row: Prospect) -> Face:
    return Face(row.pk, **{name: getattr(row, name) for name in FIELDS})


def look_again(*, at: datetime) -> int:
    """Have everybody compared anew, because what makes people alike has changed."""
    rows = Prospect.objects.filter(merged_into__isnull=True, erased_at__isnull=True)
    return rows.filter(compare_at__isnull=True).update(compare_at=at)


def _remember_keys(rows: Sequence[Prospect], rules: Rules) -> None:
    """
    Where the rules have changed since a person came: from now on they are found by the mailbox
    behind their address, or by a shared address and their name. Where somebody else has such a
    key already, it stays theirs, and the two are suggested.
    """
    keys = set()
    for row in rows:
        if row.email and rules.is_shared(row.email):
            name = fold_name(row.first_name, row.last_name)
            keys.add((*shared_key(row.email.casefold(), name), row.pk))
        elif row.email and (box := rules.mailbox(row.email)):
            keys.add(("MAILBOX", box, row.pk))
    insert_many(
        [ProspectKey(kind=kind, value=value, prospect_id=pk) for kind, value, pk in sorted(keys)],
        ignore_conflicts=True,
    )


def _together(theirs: Mapping[int, Collection[str]]) -> set[Pair]:
    """Whoever shares a block with one of these, blocks that are too large left out."""
    values = {value for blocks_of in theirs.values() for value in blocks_of}
    small = (
        ProspectTrait.objects.filter(value__in=values)
        .values("value")
        .annotate(people=Count("pk"))
        .filter(people__gt=1, people__lte=LARGEST_BLOCK)
        .values_list("value", flat=True)
    )
    members: dict[str, list[int]] = {}
    rows = ProspectTrait.objects.filter(value__in=list(small)).values_list("value", "prospect_id")
    for value, pk in rows:
        members.setdefault(value, []).append(pk)
    return {
        pair
        for ids in members.values()
        for pair in combinations(sorted(ids), 2)
        if pair[0] in theirs or pair[1] in theirs
    }


def _faces(ids: Collection[int]) -> dict[int, Face]:
    rows = Prospect.objects.filter(pk__in=ids, merged_into__isnull=True, erased_at__isnull=True)
    return {row.pk: face_of(row) for row in rows.only(*FIELDS)}


def _numbers(people: Collection[Face]) -> dict[str, int]:
    """How many people each number has."""
    numbers = {f"p:{face.phone}" for face in people if face.phone}
    rows = ProspectTrait.objects.filter(value__in=numbers).values("value")
    counted = rows.annotate(people=Count("pk")).values_list("value", "people")
    return {value.removeprefix("p:"): people for value, people in counted}


def _compared(
    people: Mapping[int, Face], pair: Pair, rules: Rules, numbers: Mapping[str, int]
) -> Likeness:
    one, other = people[pair[0]], people[pair[1]]
    return compare(one, other, rules, of_number=numbers.get(one.phone, 2))


def _write(alike: Mapping[Pair, Likeness], *, looked_at: set[int], at: datetime) -> None:
    about = Q(first__in=looked_at) | Q(second__in=looked_at)
    states = DuplicatePair.State
    stand = {(row.first_id, row.second_id): row for row in DuplicatePair.objects.filter(about)}
    apart = _apart({pk for pair in alike for pk in pair}) if alike else set()
    gone = [row.pk for pair, row in stand.items() if row.state == states.OPEN and pair not in alike]
    DuplicatePair.objects.filter(pk__in=gone).update(state=states.GONE)
    insert_many(
        [
            DuplicatePair(
                first_id=first,
                second_id=second,
                confidence=found.confidence,
                evidence=list(found.evidence),
                state=states.OPEN,
                found_at=stand[first, second].found_at if (first, second) in stand else at,
            )
            for (first, second), found in sorted(alike.items())
            if (first, second) not in apart
        ],
        upsert=Upsert(
            unique=("first", "second"),
            update=("confidence", "evidence", "state", "found_at"),
        ),
    )


def _apart(ids: Collection[int]) -> set[Pair]:
    """Those of whom somebody said they are two, by whomever stands for them now."""
    stand_for = family.families_of(ids)
    kept = DuplicatePair.objects.filter(state=DuplicatePair.State.APART)
    rows = kept.filter(first__in=stand_for, second__in=stand_for)
    return {
        tuple(sorted((stand_for[first], stand_for[second])))
        for first, second in rows.values_list("first_id", "second_id")
    }
