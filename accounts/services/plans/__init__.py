"""Realignments: drafted beside the live territories, approved by two, in effect at a time."""
