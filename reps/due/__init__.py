"""
Due work: rows with a due time, found by a partial index, drained by whoever comes first.

Celery is the first driver, woken by a doorbell after commit and by beat; `sweep`, a plain
loop that needs only the database, is the second and takes what is overdue.
"""
