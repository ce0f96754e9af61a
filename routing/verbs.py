"""
What upper apps let people do with a lead, beside what routing offers itself.

A verb is a form, who may, and one service call. The page of the lead checks that the person
sees the lead, shows the form again if it was refused, and says what came of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reps.models import User
from routing.forms import ActForm
from routing.models import Lead


@dataclass(frozen=True, slots=True)
class Verb:
    """
    `form` of (lead, what was posted or None); `may` of (lead, user); `act` of (lead id, user,
    at, cleaned data), which returns what to tell the person, or refuses by a
    `routing.work.WorkRefused`.
    """

    form: Callable[[Lead, Any], ActForm]
    may: Callable[[Lead, User], bool]
    act: Callable[[int, User, datetime, Mapping[str, Any]], str]


added: dict[str, Verb] = {}


def register(name: str, verb: Verb) -> None:
    """Let people do this too; the name is the last part of its address."""
    added[name] = verb
