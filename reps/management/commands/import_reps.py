"""Take in a file of reps, with their teams, managers and offices."""

from reps.management.import_command import ImportCommand
from reps.services.imports import import_reps


class Command(ImportCommand):
    help = "Create or update reps and their teams from a CSV or XLSX file; twice changes nothing."
    take_in = staticmethod(import_reps)
