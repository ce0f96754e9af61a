"""`manage.py rotate`."""

import json
from io import StringIO

import pytest
from django.core.management.base import CommandError

from routing.management.commands.rotate import Command, rotate_line


def ask(case):
    return rotate_line(json.dumps(case).encode())


def test_each_lead_has_its_receiver_and_null_where_nobody_is_eligible():
    case = {
        "members": [{"id": 7, "weight": 2}, {"id": "ann", "weight": 1}],
        "leads": [{"eligible": [7, "ann"]}, {"eligible": []}, {"eligible": ["ann", 7]}],
    }

    assert ask(case) == {"sequence": [7, None, "ann"]}


def test_without_leads_the_sequence_is_empty():
    assert ask({"members": [], "leads": []}) == {"sequence": []}


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'{"members": []}',
        b'{"members": [3], "leads": []}',
        b'{"members": [{"id": 1}], "leads": []}',
        b'{"members": [{"id": null, "weight": 1}], "leads": []}',
        b'{"members": [{"id": true, "weight": 1}], "leads": []}',
        b'{"members": [{"id": 1, "weight": 0}], "leads": []}',
        b'{"members": [{"id": 1, "weight": 1.5}], "leads": []}',
        b'{"members": [{"id": 1, "weight": true}], "leads": []}',
        b'{"members": [{"id": 1, "weight": 1e400}], "leads": []}',
        b'{"members": [{"id": 1, "weight": 1}, {"id": 1, "weight": 1}], "leads": []}',
        b'{"members": [{"id": 1, "weight": 1}], "leads": [3]}',
        b'{"members": [{"id": 1, "weight": 1}], "leads": [{}]}',
        b'{"members": [{"id": 1, "weight": 1}], "leads": [{"eligible": [2]}]}',
        b'{"members": [{"id": 1, "weight": 1}], "leads": [{"eligible": [[1]]}]}',
        b'{"members": [{"id": 1, "weight": 1}], "leads": [{"eligible": [true]}]}',
    ],
)
def test_a_bad_line_is_answered_with_an_error(line):
    answer = rotate_line(line)

    assert list(answer) == ["error"]
    assert answer["error"]


def test_the_command_answers_line_by_line_and_goes_on_after_a_bad_one(tmp_path):
    good = '{"members": [{"id": 1, "weight": 1}], "leads": [{"eligible": [1]}]}'
    cases = tmp_path / "cases.jsonl"
    cases.write_text(f"{good}\nnonsense\n\n{good}\r\n")
    out = StringIO()

    Command(stdout=out).handle(cases=str(cases))

    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [list(line) for line in lines] == [["sequence"], ["error"], ["sequence"]]


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(CommandError, match="cannot read"):
        Command().handle(cases=str(tmp_path / "none"))
