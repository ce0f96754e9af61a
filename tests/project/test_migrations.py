"""A machine on which nothing has run yet: migrated, it has what the other tests make of models."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

# Packages' own migrations are not ours to compare.
OURS = ("accounts_", "reps_", "routing_", "sla_")
# What a name holds that depends on the way a table came about.
CHANCE = re.compile(r"_[0-9a-f]{8}(?=_|$)|_constraint_\d+")

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[BaseDatabaseWrapper]:
    """An empty database of this kind, migrated as an operator does it."""
    if connection.vendor == "sqlite":
        name = f"{tmp_path}/new.sqlite3"
        url = f"sqlite:///{name}"
    else:
        name = f"{connection.settings_dict['NAME']}_migrated"
        url = re.sub(r"(://[^/]*/)[^?]*", rf"\g<1>{name}", os.environ["DATABASE_URL"])
        run(f'DROP DATABASE IF EXISTS "{name}"')
        run(f'CREATE DATABASE "{name}"')
    for command in (["migrate", "-v0"], ["check", "--fail-level", "WARNING"], ["verify"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    other = connection.copy()
    other.settings_dict["NAME"] = name
    yield other
    other.close()
    if connection.vendor == "postgresql":
        run(f'DROP DATABASE "{name}"')


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def shape(one: BaseDatabaseWrapper) -> dict[str, tuple]:
    """Columns and what guards them, table by table, without the names Django chose."""
    found = {}
    with one.cursor() as cursor:
        for table in one.introspection.table_names(cursor):
            if not table.startswith(OURS):
                continue
            columns = {
                (column.name, column.type_code, column.null_ok, column.collation)
                for column in one.introspection.get_table_description(cursor, table)
            }
            guards = {
                (
                    CHANCE.sub("", name) if not rule["foreign_key"] else "",
                    tuple(rule["columns"] or ()),
                    rule["primary_key"],
                    rule["unique"],
                    rule["foreign_key"],
                    rule["check"],
                )
                for name, rule in one.introspection.get_constraints(cursor, table).items()
            }
            found[table] = (columns, guards)
    return found


def test_migrating_makes_what_the_models_say(migrated):
    expected, found = shape(connection), shape(migrated)

    assert found.keys() == expected.keys()
    for table, (columns, guards) in expected.items():
        assert found[table][0] == columns, table
        assert found[table][1] == guards, table
