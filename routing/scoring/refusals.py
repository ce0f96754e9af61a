"""What keeps the score, its definitions and its outcomes as they are."""


class ScoreRefused(Exception):
    """The act is not done; the message says why, and the way out."""
