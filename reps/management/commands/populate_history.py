"""Stands in front of simple-history's command of this name."""

from reps.management.blocked import Blocked


class Command(Blocked):
    why = "History is written with the change it tells of, never afterwards."
