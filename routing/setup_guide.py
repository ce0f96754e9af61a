"""
The steps from an empty installation to a first routed lead, each with its real state.

A registry: upper apps add their own step when they are ready. A step is one `Step(…)`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class State:
    """What is there: `done`, and in a few words what it is."""

    done: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to set up. `links` are (words, URL name); `post` ones are buttons."""

    key: str
    position: int
    title: str
    why: str
    look: Callable[[], State]
    links: tuple[tuple[str, str], ...] = ()
    # (words on the button, URL name, value of its field "template")
    one_click: tuple[tuple[str, str, str], ...] = ()
    optional: bool = False
    needs: tuple[str, ...] = field(default_factory=tuple)


_steps: dict[str, Step] = {}


def register(step: Step) -> None:
    """Add a step; its position decides its place."""
    _steps[step.key] = step


def steps() -> list[Step]:
    """The steps in order."""
    return sorted(_steps.values(), key=lambda step: step.position)
