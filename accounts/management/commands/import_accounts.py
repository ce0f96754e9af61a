"""Take in a file of customer companies."""

from accounts.services.imports import import_accounts
from reps.management.import_command import ImportCommand


class Command(ImportCommand):
    help = "Create or update accounts from a CSV or XLSX file; twice changes nothing."
    take_in = staticmethod(import_accounts)
