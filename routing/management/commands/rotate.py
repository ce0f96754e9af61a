"""Rotate leads among weighted members, case by case, so that outsiders can check the law."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from routing.engine import MAX_WEIGHT, Member, rotate


class BadCase(ValueError):
    """A case cannot be understood; the message says why."""


def rotate_line(line: bytes) -> dict[str, Any]:
    """
    Answer one case: `{"sequence": [ids]}`, or `{"error": why}` if the case makes no sense.

    The sequence names the receiver of each lead, null where nobody is eligible. Members are
    told apart by the ids given, numbers or texts; ties go by their order in the case.
    """
    try:
        case = json.loads(line.decode("utf-8"))
        members, leads = _read(case)
    except BadCase as error:
        return {"error": str(error)}
    except (ValueError, RecursionError) as error:
        return {"error": f"not JSON: {error}"}
    ids = list(members)
    # The engine knows reps by number: here, by their place in the list.
    number = {one: i for i, one in enumerate(ids)}
    sequence = rotate(
        [Member(number[one], weight, number[one]) for one, weight in members.items()],
        [{number[one] for one in eligible} for eligible in leads],
    )
    return {"sequence": [None if receiver is None else ids[receiver] for receiver in sequence]}


def _read(case: object) -> tuple[dict[int | str, int], list[list[int | str]]]:
    if not isinstance(case, Mapping):
        raise BadCase("a case must be an object")
    members: dict[int | str, int] = {}
    for i, member in enumerate(_list(case, "members", "")):
        if not isinstance(member, Mapping):
            raise BadCase(f"members[{i}] must be an object")
        one, weight = member.get("id"), member.get("weight")
        if not _is_id(one):
            raise BadCase(f"members[{i}].id must be a whole number or a text")
        if one in members:
            raise BadCase(f"members[{i}].id: {one!r} is already there")
        if not _is_whole(weight) or not 1 <= weight <= MAX_WEIGHT:
            raise BadCase(f"members[{i}].weight must be a whole number from 1 to {MAX_WEIGHT}")
        members[one] = weight
    leads = []
    for i, lead in enumerate(_list(case, "leads", "")):
        if not isinstance(lead, Mapping):
            raise BadCase(f"leads[{i}] must be an object")
        eligible = _list(lead, "eligible", f"leads[{i}].")
        for one in eligible:
            if not _is_id(one) or one not in members:
                raise BadCase(f"leads[{i}].eligible: {one!r} is no member")
        leads.append(eligible)
    return members, leads


def _list(data: Mapping[str, Any], key: str, prefix: str) -> list[Any]:
    value = data.get(key)
    if not isinstance(value, list):
        raise BadCase(f"{prefix}{key} must be a list")
    return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_id(value: object) -> bool:
    return isinstance(value, str) or _is_whole(value)


class Command(BaseCommand):
    help = "Print who gets each lead, for every case of a JSON lines file. Needs no database."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("cases", metavar="CASES.jsonl", help="a file; - reads standard input")

    def handle(self, *args: Any, cases: str, **options: Any) -> None:
        try:
            lines = sys.stdin.buffer.readlines() if cases == "-" else _lines(cases)
        except OSError as error:
            raise CommandError(f"cannot read {cases}: {error.strerror}") from error
        for line in lines:
            if line.strip():
                self.stdout.write(json.dumps(rotate_line(line), ensure_ascii=False))


def _lines(path: str) -> list[bytes]:
    # Not splitlines(): a JSON line ends at a newline and nowhere else.
    return Path(path).read_bytes().split(b"\n")
