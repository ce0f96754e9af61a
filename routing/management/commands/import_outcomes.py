"""Take in a file of what became of leads."""

from reps.management.import_command import ImportCommand
from routing.scoring.outcomes import import_outcomes


class Command(ImportCommand):
    help = (
        "Record outcomes (won, lost, meetings) on leads from a CSV or XLSX file, each with its "
        "date; twice changes nothing. Rows that are refused are named."
    )
    take_in = staticmethod(import_outcomes)
