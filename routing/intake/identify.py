"""One row per person: who is behind a submission, by unique keys (requirement DUP-1)."""

from collections.abc import Sequence
from datetime import datetime

from reps.models.bulk import insert_many, update_many
from routing.intake.normalise import Normalised
from routing.models import Prospect, ProspectKey

Key = tuple[str, str]


def prospects_of(people: Sequence[Normalised], *, at: datetime) -> list[Prospect]:
    """
    Return the person behind each submission, locked, making those who are new.

    However many doors and processes do this at once for the same address, the unique key
    lets one of them win, and everybody returns the winner's row. Where the addresses of one
    submission lead to several people, the surest address decides (e-mail before LinkedIn
    before phone).
    """
    known = _known({key for person in people for key in person.keys})
    fresh = _groups([person for person in people if not _owner(person.keys, known)])
    if fresh:
        _create(fresh, at=at)
        known = _known({key for person in people for key in person.keys})
    _remember_more_keys(people, known)
    ids = [known[_owner_key(person.keys, known)] for person in people]
    rows = {
        row.pk: row
        for row in Prospect.objects.select_for_update(no_key=True)
        .filter(pk__in=set(ids))
        .order_by("pk")
    }
    found = [rows[pk] for pk in ids]
    _fill_gaps(found, people)
    return found


def _known(keys: set[Key]) -> dict[Key, int]:
    if not keys:
        return {}
    rows = ProspectKey.objects.filter(value__in={value for _, value in keys})
    return {
        (kind, value): prospect
        for kind, value, prospect in rows.values_list("kind", "value", "prospect_id")
        if (kind, value) in keys
    }


def _owner_key(keys: Sequence[Key], known: dict[Key, int]) -> Key:
    return next(key for key in keys if key in known)


def _owner(keys: Sequence[Key], known: dict[Key, int]) -> int | None:
    return next((known[key] for key in keys if key in known), None)


def _groups(people: Sequence[Normalised]) -> list[list[Key]]:
    """The keys of each person who is new, those of the same person brought together."""
    groups: list[list[Key]] = []
    of: dict[Key, list[Key]] = {}
    for person in people:
        group = next((of[key] for key in person.keys if key in of), None)
        if group is None:
            group = []
            groups.append(group)
        for key in person.keys:
            if key not in of:
                of[key] = group
                group.append(key)
    return groups


def _create(groups: Sequence[Sequence[Key]], *, at: datetime) -> None:
    """Make people and their keys; where somebody was quicker, theirs stand and ours go."""
    made = insert_many([Prospect(created_at=at) for _ in groups])
    wanted = sorted(
        (kind, value, prospect.pk)
        for prospect, group in zip(made, groups, strict=True)
        for kind, value in group
    )
    # In the order of the keys, so that two processes which add the same ones never wait
    # for each other in a circle.
    insert_many(
        [ProspectKey(kind=kind, value=value, prospect_id=pk) for kind, value, pk in wanted],
        ignore_conflicts=True,
    )
    Prospect.objects.filter(pk__in=[row.pk for row in made], keys__isnull=True).delete()


def _remember_more_keys(people: Sequence[Normalised], known: dict[Key, int]) -> None:
    """A known person who gives a further address is recognised by it from now on."""
    rows = sorted(
        {
            (kind, value, _owner(person.keys, known))
            for person in people
            for kind, value in person.keys
            if (kind, value) not in known
        }
    )
    insert_many(
        [ProspectKey(kind=kind, value=value, prospect_id=pk) for kind, value, pk in rows],
        ignore_conflicts=True,
    )


def _fill_gaps(found: Sequence[Prospect], people: Sequence[Normalised]) -> None:
    """Take over what was not known of a person yet; what is known stays."""
    names = [
        "first_name",
        "last_name",
        "email",
        "phone",
        "linkedin_url",
        "title",
        "company",
        "website",
        "country",
        "region",
        "city",
        "postal_code",
    ]
    changed = {}
    for row, person in zip(found, people, strict=True):
        for name in names:
            given = person.text(name) if name in person.texts else getattr(person, name, "")
            if given and not getattr(row, name):
                setattr(row, name, given)
                changed[row.pk] = row
    update_many(
        Prospect,
        [
            {"pk": row.pk, **{name: getattr(row, name) for name in names}}
            for row in changed.values()
        ],
    )
