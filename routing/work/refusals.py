"""Why a step of work is refused, in words for the person who tried it."""


class WorkRefused(Exception):
    """The step was not taken; nothing changed."""


class NotYours(WorkRefused):
    """The lead is somebody else's."""


class AlreadyDone(WorkRefused):
    """Somebody did it before."""


def reason_given(text: str) -> str:
    """
    Return the reason that somebody gave.

    :raises WorkRefused: if they gave none
    """
    if not text.strip():
        raise WorkRefused("Say why.")
    return text.strip()
