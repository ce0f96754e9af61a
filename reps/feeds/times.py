"""When a feed is read next: evenly spread, without chance. Pure."""

from datetime import UTC, datetime, timedelta

PERIOD = 600
LONGEST_WAIT = 6 * 3600
# Multiples of the golden ratio spread any number of feeds evenly over a period.
GOLDEN = 0.6180339887498949


def next_reading(feed_id: int, *, at: datetime, failures: int = 0) -> datetime:
    """
    Return the feed's next turn: its own second of every ten minutes; after failures in a row
    20 minutes later, 40, 80 … up to six hours.
    """
    offset = int(feed_id * GOLDEN % 1 * PERIOD)
    now = int(at.timestamp())
    turn = now - (now - offset) % PERIOD + PERIOD
    wait = min(LONGEST_WAIT, PERIOD * 2**failures) - PERIOD if failures else 0
    return datetime.fromtimestamp(turn, tz=UTC) + timedelta(seconds=wait)
