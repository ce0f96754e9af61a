"""Write customer companies and their owners in the form that import_accounts reads."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.services import exports
from reps.downloads import csv_lines
from reps.due.clock import database_now


class Command(BaseCommand):
    help = "Print accounts with their owners as CSV; columns are named as import_accounts reads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--named", action="store_true", help="only those with an owner")

    def handle(self, *args: Any, named: bool, **options: Any) -> None:
        rows = exports.rows(database_now().date(), named_only=named)
        for line in csv_lines(exports.HEADER, rows):
            self.stdout.write(line, ending="")
