"""Stands in front of simple-history's command of this name."""

from reps.management.blocked import Blocked


class Command(Blocked):
    why = "History is evidence: it is never purged. Personal data is erased with erase_prospect."
