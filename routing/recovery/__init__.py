"""
Backups that prove themselves, restores that reach out to nobody, and the drill of both.

A backup is one file and a small manifest beside it, which says what the file holds: restoring
compares row for row before anybody may use it. Whatever is restored starts with its effects held
back (`reps.due.holds`), and whoever was erased since the backup is erased again.
"""


class Refused(Exception):
    """Nothing was done, or what was done was taken back; the message says why, and the way out."""
