"""`manage.py verify`: a line for each invariant, and an error if one is violated."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from reps import verify
from tests import make

AT = make.MONDAY_9AM
# The command asks for a transaction of its own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    make.organisation()
    ann = make.rep("ann")
    make.rules(make.round_robin(make.pool(ann)))
    return make.routed(make.lead())


def test_the_command_prints_a_line_for_each_invariant_and_is_content(world):
    printed = StringIO()

    call_command("verify", "I3", "I4", "H1", "H2", "A1", "A2", "F1", "D2", stdout=printed)

    assert printed.getvalue().count(" ok ") == 8
    assert "All invariants hold." in printed.getvalue()


def test_the_command_ends_with_an_error_and_names_the_row(world):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE routing_repload SET open = open + 1")
    printed = StringIO()

    with pytest.raises(CommandError, match="1 invariants"):
        call_command("verify", "I4", stdout=printed)

    assert "VIOLATED" in printed.getvalue()
    assert "the load says" in printed.getvalue()


def test_the_command_refuses_an_unknown_code(db):
    with pytest.raises(CommandError, match="Q9"):
        call_command("verify", "Q9", stdout=StringIO())


def test_the_command_shows_the_first_violations_and_counts_the_others(world, monkeypatch):
    monkeypatch.setattr(verify, "SHOWN", 2)
    for _ in range(5):
        make.submission(at=AT)
    printed = StringIO()

    with pytest.raises(CommandError):
        call_command("verify", "I1", stdout=printed)

    assert "… and 3 more" in printed.getvalue()
