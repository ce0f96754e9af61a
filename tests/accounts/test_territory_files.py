"""Territories from files and back: previews, refusals that name the cell, and idempotence."""

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Territory, TerritoryBackup
from accounts.services import territory_files
from accounts.services.territory_rows import COLUMNS, read_ranges
from reps import tables
from reps.models import AuditEvent
from routing.exports import csv_lines
from tests import make

pytestmark = pytest.mark.django_db
AT = make.MONDAY_9AM
FILE = """name,part_of,countries,postal_ranges,owner,backups
Munich,Germany,,80000..81999; 85000-85999,ann,ben; cyd
Germany,Europe,Germany,,ben,
Europe,,,,,
"""


def table(text):
    return tables.read("plan.csv", text.encode())


def applied(text):
    return territory_files.apply(table(text), by=None, at=AT)


def exported():
    return "".join(csv_lines(COLUMNS, territory_files.export()))


@pytest.fixture
def people():
    return {name: make.rep(name) for name in ("ann", "ben", "cyd")}


def test_a_file_makes_a_tree_whatever_the_order_of_its_rows(people):
    made = applied(FILE)

    munich = Territory.objects.get(name="Munich")
    assert str(made) == "3 rows: 3 created, 0 updated, 0 unchanged, 0 refused"
    assert munich.parent.parent.name == "Europe"
    assert munich.postal_ranges == [["80000", "81999"], ["85000", "85999"]]
    assert (munich.owner, munich.backup) == (people["ann"], people["ben"])
    assert [one.rep for one in munich.further_backups.all()] == [people["cyd"]]


def test_every_row_written_is_on_record(people):
    applied(FILE)

    assert Territory.history.count() == 3
    assert TerritoryBackup.history.count() == 1
    assert AuditEvent.objects.filter(subject="accounts.territory", kind="created").count() == 3


def test_the_same_file_twice_changes_nothing(people):
    applied(FILE)
    made = applied(FILE)

    assert str(made) == "3 rows: 0 created, 0 updated, 3 unchanged, 0 refused"
    assert Territory.history.count() == 3


def test_what_is_exported_is_read_back_as_it_is(people):
    applied(FILE)
    odd = make.territory(
        "=Odd", description="-1", conditions={"fact": "tier", "op": "eq", "value": "HOT"}, rank=-3
    )

    made = applied(exported())

    assert (made.unchanged, made.problems) == (4, [])
    odd.refresh_from_db()
    assert (odd.name, odd.rank) == ("=Odd", -3)


def test_a_preview_names_what_would_change_and_changes_nothing(people):
    applied(FILE)
    made = territory_files.plan(table("name,owner,employees_min\nMunich,cyd,50\nParis,,\n"))

    said = [(one.field, one.before, one.after) for one in made.changed[0].differences]
    assert said == [
        ("employees_min", "", "50"),
        ("owner", str(people["ann"]), str(people["cyd"])),
    ]
    assert [entry.territory.name for entry in made.created] == ["Paris"]
    assert Territory.objects.get(name="Munich").owner == people["ann"]


def test_columns_that_are_not_there_stay_as_they_are(people):
    applied(FILE)
    applied("name,rank\nMunich,5\n")

    munich = Territory.objects.get(name="Munich")
    assert (munich.rank, munich.owner, munich.backup) == (5, people["ann"], people["ben"])
    assert munich.further_backups.count() == 1


def test_an_empty_cell_empties(people):
    applied(FILE)
    applied("name,owner,backups,part_of\nMunich,,,\n")

    munich = Territory.objects.get(name="Munich")
    assert (munich.owner, munich.backup, munich.parent) == (None, None, None)
    assert TerritoryBackup.objects.count() == 0


@pytest.mark.parametrize(
    ("row", "column", "way_out"),
    [
        ("X,Atlantis,,,,,,", "countries", "write DE or Germany"),
        ("X,,94999..94000,,,,,", "postal_ranges", "the lower code first"),
        ("X,,94,,,,,", "postal_ranges", "94000..94999"),
        ("X,,,zed,,,,", "owner", "user name"),
        ("X,,,gone,,,,", "owner", "has left"),
        ("X,,,,many,,,", "employees_min", "whole number"),
        ("X,,,,9,5,,", "employees_max", "below the lower"),
        ("X,,,,,,Nowhere,", "part_of", "add it or correct the name"),
        ("X,,,,,,,{", "conditions", "no JSON"),
        (',,,,,,,"{""fact"": ""x""}"', "name", "write the name"),
        ('X,,,,,,,"{""fact"": ""title"", ""op"": ""not_empty""}"', "conditions", "personal"),
    ],
)
def test_a_refused_row_names_row_column_and_way_out(people, row, column, way_out):
    make.rep("gone", is_active=False)
    header = "name,countries,postal_ranges,owner,employees_min,employees_max,part_of,conditions"
    made = applied(f"{header}\nGood,DE,,,,,,\n{row}\n")

    problem = made.problems[0]
    assert (problem.row, problem.column) == (3, column)
    assert way_out in problem.message
    assert [one.name for one in Territory.objects.all()] == ["Good"]


def test_parts_of_a_refused_row_are_refused_with_it():
    made = applied("name,part_of,countries\nA,,Atlantis\nB,A,\nC,B,\nD,,DE\n")

    assert [problem.row for problem in made.problems] == [2, 3, 4]
    assert Territory.objects.get().name == "D"


def test_no_territory_becomes_part_of_itself():
    applied("name,part_of\nA,\nB,A\n")
    made = applied("name,part_of\nA,B\n")

    assert "part of itself" in made.problems[0].message
    assert Territory.objects.get(name="A").parent is None


def test_one_name_in_two_rows_is_refused():
    made = applied("name,rank\nA,1\na,2\n")

    assert "row 2" in made.problems[0].message


def test_unknown_columns_are_refused_with_the_known_ones():
    with pytest.raises(territory_files.FileRefused, match="colour is not known; there are name"):
        territory_files.plan(table("name,colour\nA,red\n"))


def test_ten_times_the_rows_cost_the_same_statements(django_assert_max_num_queries):
    lines = [f"T{n},{'T0' if n else ''},DE,{n:05d}..{n + 5:05d}" for n in range(300)]

    with django_assert_max_num_queries(40):
        applied("name,part_of,countries,postal_ranges\n" + "\n".join(lines))


@pytest.mark.parametrize("text", ["94000..94999", "94000-94999", "94000 to 94999", "94000–94999"])
def test_ranges_are_read_as_people_write_them(text):
    assert read_ranges(text) == [["94000", "94999"]]


def test_the_command_says_what_it_would_do_and_does_it(people, tmp_path, capsys):
    file = tmp_path / "plan.csv"
    file.write_text(FILE)

    call_command("import_territories", str(file), "--dry-run")
    assert "nothing written" in capsys.readouterr().out
    assert not Territory.objects.exists()

    call_command("import_territories", str(file))
    assert Territory.objects.count() == 3


def test_the_command_fails_if_a_row_is_refused(tmp_path):
    file = tmp_path / "plan.csv"
    file.write_text("name,countries\nA,Atlantis\n")

    with pytest.raises(CommandError, match="1 rows were refused"):
        call_command("import_territories", str(file))
