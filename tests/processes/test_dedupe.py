"""
One person through many doors at the same instant is one person with one open lead.

On PostgreSQL the first turns red when `identify._yield_to_the_quicker` lets two people stand.
"""

import random
from collections import defaultdict

import pytest

from reps.due.clock import database_now
from routing.models import Lead, Prospect, ProspectKey, Submission, Touch
from tests import make
from tests.processes import scene

pytestmark = [pytest.mark.processes, pytest.mark.races, pytest.mark.django_db(transaction=True)]

PROCESSES = 4
PEOPLE = 500
# Intake takes submissions by the hundred: repeats a hundred apart meet in different processes.
SIDE_BY_SIDE = 100

# What each kind of person gives in the first, second, third and fourth submission.
HABITS = {
    "e-mail only": ("e", "e", "e", "e"),
    "phone only": ("p", "p", "p", "p"),
    "always both": ("ep", "ep", "ep", "ep"),
    "e-mail, then both": ("e", "ep", "e", "ep"),
    "phone, then both": ("p", "ep", "p", "ep"),
}


def given(person: int, what: str) -> dict[str, str]:
    body = {"company": f"Company {person}"}
    if "e" in what:
        body["email"] = f"Person{person}@company{person}.com"
    if "p" in what:
        body["phone"] = f"+49 30 {1000000 + person}"
    return body


def keys(person: int, habit: str) -> set[tuple[str, str]]:
    given_ever = {letter for what in HABITS[habit] for letter in what}
    found = {
        "e": ("EMAIL", f"person{person}@company{person}.com"),
        "p": ("PHONE", f"+4930{1000000 + person}"),
    }
    return {found[letter] for letter in given_ever}


def test_a_person_through_two_doors_at_once_is_one_person_with_one_lead(crew, seed, figures):
    make.organisation()
    sources = [make.source("website"), make.source("fair")]
    chance = random.Random(seed)
    habits = {person: list(HABITS)[person % len(HABITS)] for person in range(PEOPLE)}
    bodies = []
    for first in range(0, PEOPLE, SIDE_BY_SIDE):
        for turn in range(4):
            block = list(range(first, first + SIDE_BY_SIDE))
            chance.shuffle(block)
            bodies += [given(person, HABITS[habits[person]][turn]) for person in block]
    bodies += [given(person, HABITS[habits[person]][0]) for person in range(0, PEOPLE, 5)]
    at = database_now()
    scene.submissions(bodies, sources=sources, at=at)
    deadlocks = scene.deadlocks()

    reports = crew.play(*[("take_in", {"until": at.timestamp() + 1})] * PROCESSES)

    figures(
        submissions=len(bodies),
        by_each=[report["handled"] for report in reports],
        people=Prospect.objects.count(),
        leads=Lead.objects.count(),
        touches=Touch.objects.count(),
    )
    assert scene.errors(reports) == []
    assert scene.deadlocks() == deadlocks
    assert set(Submission.objects.values_list("state", flat=True)) == {"PROCESSED"}
    owners: dict[tuple[str, str], int] = {
        (kind, value): prospect
        for kind, value, prospect in ProspectKey.objects.values_list("kind", "value", "prospect")
    }
    doubled = defaultdict(set)
    for person, habit in habits.items():
        people = {owners.get(key) for key in keys(person, habit)}
        if len(people) != 1 or None in people:
            doubled[habit].add(person)
    assert doubled == {}
    assert len(owners) == sum(len(keys(*one)) for one in habits.items())
    assert Prospect.objects.count() == PEOPLE
    assert Lead.objects.open().count() == Lead.objects.count() == PEOPLE
    assert Touch.objects.count() == len(bodies)
    assert scene.violations(("I1", "I2", *scene.TRAIL)) == {}


def test_addresses_that_become_known_crosswise_are_no_deadlock(crew, seed, figures):
    make.organisation()
    source = make.source("website")
    chance = random.Random(seed)
    at = database_now()
    scene.submissions([given(person, "e") for person in range(400)], sources=[source], at=at)
    crew.play(("take_in", {"until": at.timestamp() + 1}))
    # Everybody is known by e-mail. Now one half of a batch adds the phone of some people,
    # the other half comes with the phones of those to whom another batch adds them.
    later = database_now()
    bodies = []
    for _ in range(4):
        for turn in range(2):
            block = [given(person, "ep" if person % 2 == turn else "p") for person in range(100)]
            chance.shuffle(block)
            bodies += block
    for turn in range(4):
        block = [given(100 + person, "ep" if person % 4 == turn else "p") for person in range(100)]
        chance.shuffle(block)
        bodies += block
    scene.submissions(bodies, sources=[source], at=later)
    deadlocks = scene.deadlocks()

    reports = crew.play(*[("take_in", {"until": later.timestamp() + 1})] * PROCESSES)

    figures(submissions=len(bodies), people=Prospect.objects.count())
    assert scene.errors(reports) == []
    assert scene.deadlocks() == deadlocks
    assert not Prospect.objects.filter(keys__isnull=True).exists()
    assert not Prospect.objects.filter(leads__isnull=True).exists()
    assert Touch.objects.count() == 400 + len(bodies)
    assert Lead.objects.count() == Prospect.objects.count()
