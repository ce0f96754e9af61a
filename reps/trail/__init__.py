"""
What every app records about acts: model history, and beside it the hash-chained audit trail.

`save` and `delete` are for one row that a person edits; `record` is for bulk writers, and
`note` for acts that change no tracked row. All of them write in the caller's transaction.
"""

from reps.trail.audit import note
from reps.trail.history import Change, delete, record, save

__all__ = ["Change", "delete", "note", "record", "save"]
