"""One row per person, by unique keys."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from routing.intake.identify import prospects_of
from routing.intake.normalise import normalise
from routing.models import DuplicatePolicy, Prospect, ProspectKey
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


# --- Which spellings are one person's -------------------------------------------------------------


@pytest.mark.parametrize(
    "spelling",
    ["annlee@gmail.com", "ann.lee+news@gmail.com", "A.n.n.Lee@googlemail.com"],
)
def test_gmail_reads_dots_and_tags_as_nothing(spelling):
    (ann,) = people({"email": "ann.lee@gmail.com"})

    assert people({"email": spelling}) == [ann]


def test_at_outlook_a_tag_is_nothing_and_a_dot_is_somebody_else():
    (ann,) = people({"email": "ann.lee@outlook.com"})

    assert people({"email": "ann.lee+x@outlook.com"}) == [ann]
    assert people({"email": "annlee@outlook.com"}) != [ann]


def test_a_company_may_do_with_tags_what_it_likes_unless_told_otherwise():
    plain, tagged = people({"email": "ann@acme.com"}, {"email": "ann+x@acme.com"})

    assert plain != tagged
    make.saved(DuplicatePolicy(tags_everywhere=True))
    assert people({"email": "ben+x@acme.com"}) == people({"email": "ben@acme.com"})


def test_a_rule_that_is_off_recognises_nobody_even_by_what_it_has_left():
    (ann,) = people({"email": "ann.lee@gmail.com"})
    off = [{**row, "on": False} for row in DuplicatePolicy().providers]
    make.saved(DuplicatePolicy(providers=off))

    assert people({"email": "annlee@gmail.com"}) != [ann]
    assert people({"email": "ann.lee@gmail.com"}) == [ann]


# --- Guards ---------------------------------------------------------------------------------------


def test_a_shared_mailbox_is_a_person_only_together_with_a_name():
    ann, ben, nobody = people(
        {"email": "info@acme.com", "name": "Ann Lee"},
        {"email": "info@acme.com", "name": "Ben Ode"},
        {"email": "INFO@acme.com"},
    )

    assert len({ann.pk, ben.pk, nobody.pk}) == 3
    assert people({"email": "info@acme.com", "name": "ann  LEE"}) == [ann]
    assert people({"email": "info@acme.com"}) == [nobody]


@pytest.mark.parametrize("local", ["Sales", "info.de", "sales-emea", "no-reply", "support+x"])
def test_what_a_shared_mailbox_may_look_like(local):
    assert DuplicatePolicy().rules.is_shared(f"{local}@acme.com")


@pytest.mark.parametrize("local", ["ann", "info.systems", "teamann", "it.guy.ann"])
def test_what_is_somebodys_own(local):
    assert not DuplicatePolicy().rules.is_shared(f"{local}@acme.com")


def test_a_number_is_weak_from_the_second_person_on():
    number = {"phone": "+4930123456"}
    (ann,) = people({"email": "ann@a.example", "name": "Ann Lee", **number})

    (ben,) = people({"email": "ben@a.example", "name": "Ben Ode", **number})

    assert ben != ann
    assert ProspectKey.objects.get(kind="PHONE").is_weak
    # From now on only a number together with a name says who it is.
    assert people({"name": "Ann Lee", **number}) == [ann]
    assert people({"name": "Ben Ode", **number}) == [ben]
    assert people(number)[0] not in (ann, ben)


def test_two_people_of_one_number_in_one_batch_are_two():
    number = {"phone": "+4930123456"}

    ann, ben, again = people(
        {"email": "ann@a.example", "name": "Ann Lee", **number},
        {"email": "ben@a.example", "name": "Ben Ode", **number},
        {"name": "Lee, Ann", **number},
    )

    assert ann != ben
    assert again == ann
    assert ProspectKey.objects.get(kind="PHONE").is_weak


def test_the_same_person_with_another_address_keeps_their_number():
    number = {"phone": "+491701234567"}
    (ann,) = people({"email": "ann@a.example", "name": "Robert Lee", **number})

    (again,) = people({"email": "bob@home.example", "name": "Bob Lee", **number})

    assert again == ann
    assert not ProspectKey.objects.get(kind="PHONE").is_weak


def test_a_number_may_be_told_to_recognise_nobody():
    make.saved(DuplicatePolicy(phone_identifies=False))

    ann, ben = people(
        {"phone": "+4930123456", "name": "Ann Lee"}, {"phone": "+4930123456", "name": "Ben Ode"}
    )

    assert ann != ben
    assert people({"phone": "+4930123456", "name": "Ann Lee"}) == [ann]


def test_recognising_costs_the_same_for_two_and_twenty_statements():
    def cost(number: int) -> int:
        given = [
            {"email": f"p{number}-{n}@a.example", "name": f"P{n} Q{n}", "phone": "+4930123456"}
            for n in range(number)
        ]
        with CaptureQueriesContext(connection) as queries:
            people(*given)
        return len(queries)

    cost(2)

    assert cost(3) == cost(20)
