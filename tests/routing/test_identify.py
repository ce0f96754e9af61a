"""One row per person, by unique keys."""

import pytest

from routing.intake.identify import prospects_of
from routing.intake.normalise import normalise
from routing.models import Prospect, ProspectKey
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


def people(*fields) -> list[Prospect]:
    return prospects_of([normalise(one) for one in fields], at=AT)


def test_each_new_person_gets_one_row():
    ann, ben = people({"email": "ann@a.example"}, {"email": "ben@a.example"})

    assert ann != ben
    assert Prospect.objects.count() == 2


def test_the_same_address_is_the_same_person():
    (first,) = people({"email": "ann@a.example"})
    (second,) = people({"email": "ANN@a.example"})

    assert first == second


def test_the_same_person_twice_in_one_batch_is_one_row():
    first, second, third = people(
        {"email": "ann@a.example"},
        {"email": "ann@a.example", "phone": "+4930123456"},
        {"phone": "+49 30 123456"},
    )

    assert first == second == third
    assert ProspectKey.objects.filter(prospect=first).count() == 2


def test_a_further_address_is_remembered():
    (first,) = people({"email": "ann@a.example"})
    people({"email": "ann@a.example", "linkedin_url": "linkedin.com/in/ann"})

    (by_profile,) = people({"linkedin_url": "https://www.linkedin.com/in/Ann/"})

    assert by_profile == first


def test_the_surest_address_decides_between_two_people():
    ann, ben = people({"email": "ann@a.example"}, {"phone": "+4930123456"})

    (found,) = people({"phone": "+4930123456", "email": "ann@a.example"})

    assert found == ann
    assert ProspectKey.objects.get(kind="PHONE").prospect == ben


def test_gaps_are_filled_and_what_is_known_stays():
    people({"email": "ann@a.example", "company": "Acme"})

    (ann,) = people({"email": "ann@a.example", "company": "Other", "name": "Ann Lee"})

    ann.refresh_from_db()
    assert (ann.company, ann.first_name, ann.last_name) == ("Acme", "Ann", "Lee")


def test_no_row_is_left_over_for_a_person_whom_somebody_else_has_just_made():
    people({"email": "ann@a.example"})

    for _ in range(3):
        people({"email": "ann@a.example"}, {"email": "ann@a.example"})

    assert Prospect.objects.count() == 1
    assert not Prospect.objects.filter(keys__isnull=True).exists()


def test_the_order_of_a_batch_is_kept():
    emails = [f"p{n}@a.example" for n in range(10)]

    found = people(*[{"email": email} for email in emails])

    assert [prospect.email for prospect in found] == emails
