"""Why a step of work is refused, in words for the person who tried it."""


class WorkRefused(Exception):
    """The step was not taken; nothing changed."""


class NotYours(WorkRefused):
    """The lead is somebody else's."""


class AlreadyDone(WorkRefused):
    """Somebody did it before."""
