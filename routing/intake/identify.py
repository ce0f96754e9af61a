"""One row per person: who is behind a submission, by unique keys (requirement DUP-1)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from reps.models.bulk import insert_many, update_many
from routing.dedupe import identity
from routing.dedupe.addresses import Rules
from routing.dedupe.identity import Card, Key, Recognised
from routing.intake.normalise import Normalised
from routing.models import DuplicatePolicy, Prospect, ProspectKey

# How often locking begins anew because people were merged meanwhile.
TRIES = 20
# What a person's row takes over from a submission.
COLUMNS = (
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
)


class MergedAllTheTime(RuntimeError):
    """The people of a batch were merged again and again while it waited for them."""


def prospects_of(
    people: Sequence[Normalised], *, at: datetime, rules: Rules | None = None
) -> list[Prospect]:
    """
    Return the person behind each submission, locked, making those who are new.

    However many doors and processes do this at once for the same address, the unique key
    lets one of them win, and everybody returns the winner's row; one that was merged meanwhile
    gives way to the row that stands for the person. Where the addresses of one submission lead
    to several people, the surest address decides (e-mail before LinkedIn before phone).
    """
    rules = DuplicatePolicy.get().rules if rules is None else rules
    known = _known(identity.asked(people, rules))
    said = identity.recognise(people, known, rules)
    owners = _owners(known)
    for number, name in said.weak.items():
        # Whoever had a number first is found by it again together with their name.
        if name and ("PHONE", number) in owners:
            owners.setdefault(identity.shared_key(number, name), owners["PHONE", number])
    keys = {key for one in said.keys for key in one}
    if keys - owners.keys() or said.weak:
        _add(said, owners, at=at)
        owners = _owners(_known(keys))
    ids = [owners[_owner_key(one, owners)] for one in said.keys]
    rows, stand_for = _locked({*ids, *_weakened(said, known)})
    _follow_merges(keys, owners, stand_for)
    _weaken(said.weak)
    found = [rows[stand_for[pk]] for pk in ids]
    _fill_gaps(found, people, at=at)
    return found


def _known(keys: set[Key]) -> dict[Key, Card]:
    if not keys:
        return {}
    rows = ProspectKey.objects.filter(value__in={value for _, value in keys}).values_list(
        "kind",
        "value",
        "is_weak",
        "prospect_id",
        "prospect__first_name",
        "prospect__last_name",
        "prospect__email",
    )
    return {
        (kind, value): Card(prospect, first, last, email, weak)
        for kind, value, weak, prospect, first, last, email in rows
        if (kind, value) in keys
    }


def _owners(known: Mapping[Key, Card]) -> dict[Key, int]:
    return {key: card.prospect for key, card in known.items() if card.prospect is not None}


def _owner_key(keys: Sequence[Key], owners: Mapping[Key, int]) -> Key:
    return next(key for key in keys if key in owners)


def _owner(keys: Sequence[Key], owners: Mapping[Key, int]) -> int | None:
    return next((owners[key] for key in keys if key in owners), None)


def _groups(people: Sequence[Sequence[Key]]) -> list[list[Key]]:
    """The keys of each person who is new, those of the same person brought together."""
    groups: list[list[Key]] = []
    of: dict[Key, list[Key]] = {}
    for keys in people:
        group = next((of[key] for key in keys if key in of), None)
        if group is None:
            group = []
            groups.append(group)
        for key in keys:
            if key not in of:
                of[key] = group
                group.append(key)
    return groups


def _add(said: Recognised, owners: Mapping[Key, int], *, at: datetime) -> None:
    """
    Make those who are new, and remember the further addresses of those who are known.

    All keys go in by one statement, in their order: two processes which add the same ones
    then never wait for each other in a circle, and whoever comes second finds them there.
    """
    groups = _groups([keys for keys in said.keys if not _owner(keys, owners)])
    made = insert_many([Prospect(created_at=at, compare_at=at) for _ in groups])
    wanted: dict[Key, int] = {}
    for keys in said.keys:
        if (owner := _owner(keys, owners)) is not None:
            wanted |= {key: owner for key in keys if key not in owners and key not in wanted}
    for prospect, group in zip(made, groups, strict=True):
        wanted |= {key: prospect.pk for key in group if key not in wanted}
    for number, name in said.weak.items():
        key = identity.shared_key(number, name)
        if name and key in owners:
            wanted.setdefault(key, owners[key])
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
    owners = _owners(_known({key for group in groups for key in group}))
    for prospect, group in zip(made, groups, strict=True):
        theirs = next((owners[key] for key in group if owners[key] != prospect.pk), None)
        if theirs is not None and prospect.pk in {owners[key] for key in group}:
            ProspectKey.objects.filter(prospect=prospect).update(prospect=theirs)
    Prospect.objects.filter(pk__in=[row.pk for row in made], keys__isnull=True).delete()


def _weakened(said: Recognised, known: Mapping[Key, Card]) -> set[int]:
    """Those whose number turned out to be several people's: their keys change, so lock them."""
    cards = (known.get(("PHONE", number)) for number in said.weak)
    return {card.prospect for card in cards if card is not None and card.prospect is not None}


def _locked(ids: Collection[int]) -> tuple[dict[int, Prospect], dict[int, int]]:
    """
    Lock these people in the order everybody locks them; return the rows that stand for them,
    and which one stands for whom. Whoever is merged while we wait leads on to another row, and
    so that the order holds, all are let go and locked anew.
    """
    stand_for = {pk: pk for pk in ids}
    for _ in range(TRIES):
        with transaction.atomic():
            rows = {
                row.pk: row
                for row in Prospect.objects.select_for_update(no_key=True, of=("self",))
                .filter(pk__in=set(stand_for.values()))
                .order_by("pk")
            }
            gone = {pk: row.merged_into_id for pk, row in rows.items() if row.merged_into_id}
            if not gone:
                return rows, stand_for
            # Ends the savepoint and with it the locks.
            transaction.set_rollback(True)
        stand_for = {pk: gone.get(now, now) for pk, now in stand_for.items()}
    raise MergedAllTheTime("People of this batch are being merged all the time.")


def _follow_merges(
    keys: Collection[Key], owners: Mapping[Key, int], stand_for: Mapping[int, int]
) -> None:
    """What we added to somebody who was merged meanwhile goes where their other keys went."""
    for old, new in sorted(stand_for.items()):
        if old != new:
            values = [value for kind, value in keys if owners.get((kind, value)) == old]
            left = ProspectKey.objects.filter(prospect=old, value__in=values)
            left.update(prospect=new, origin=old)


def _weaken(weak: Collection[str]) -> None:
    if weak:
        ProspectKey.objects.filter(kind="PHONE", value__in=set(weak)).update(is_weak=True)


def _fill_gaps(found: Sequence[Prospect], people: Sequence[Normalised], *, at: datetime) -> None:
    """
    Take over what was not known of a person yet; what is known stays. Whoever is better known
    now is compared with others anew.
    """
    changed = {}
    for row, person in zip(found, people, strict=True):
        for name in COLUMNS:
            given = person.text(name) if name in person.texts else getattr(person, name, "")
            if given and not getattr(row, name):
                setattr(row, name, given)
                row.compare_at = at
                changed[row.pk] = row
    update_many(
        Prospect,
        [
            {
                "pk": row.pk,
                "compare_at": row.compare_at,
                **{name: getattr(row, name) for name in COLUMNS},
            }
            for row in changed.values()
        ],
    )
