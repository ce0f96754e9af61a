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
    keys = {key for person in people for key in person.keys}
    known = _known(keys)
    if keys - known.keys():
        _add(people, known, at=at)
        known = _known(keys)
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


def _add(people: Sequence[Normalised], known: dict[Key, int], *, at: datetime) -> None:
    """
    Make those who are new, and remember the further addresses of those who are known.

    All keys go in by one statement, in their order: two processes which add the same ones
    then never wait for each other in a circle, and whoever comes second finds them there.
    """
    groups = _groups([person for person in people if not _owner(person.keys, known)])
    made = insert_many([Prospect(created_at=at) for _ in groups])
    wanted: dict[Key, int] = {}
    for person in people:
        if (owner := _owner(person.keys, known)) is not None:
            wanted |= {key: owner for key in person.keys if key not in known and key not in wanted}
    for prospect, group in zip(made, groups, strict=True):
        wanted |= {key: prospect.pk for key in group if key not in wanted}
    insert_many(
        [
            ProspectKey(kind=kind, value=value, prospect_id=prospect)
            for (kind, value), prospect in sorted(wanted.items())
        ],
        ignore_conflicts=True,
    )
    if made:
        _yield_to_the_quicker(made, groups)


def _yield_to_the_quicker(made: Sequence[Prospect], groups: Sequence[Sequence[Key]]) -> None:
    """
    Where somebody was quicker with an address of a person, theirs is the person: the other
    addresses that we have just added go to them, and our row goes.
    """
    owners = _known({key for group in groups for key in group})
    for prospect, group in zip(made, groups, strict=True):
        theirs = next((owners[key] for key in group if owners[key] != prospect.pk), None)
        if theirs is not None and prospect.pk in {owners[key] for key in group}:
            ProspectKey.objects.filter(prospect=prospect).update(prospect=theirs)
    Prospect.objects.filter(pk__in=[row.pk for row in made], keys__isnull=True).delete()


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
