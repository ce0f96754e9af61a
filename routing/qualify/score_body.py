"""
A points model as JSON: how it is stored, sent and shown. Pure.

    {"profiles": [{"name", "condition", "points"}],
     "factors":  [{"name", "condition", "points", "active"}],
     "events":   [{"name", "event", "points", "half_life_days", "window_days", "cap",
                   "per_day", "active"}],
     "weights":  {"fit": 100, "engagement": 100},
     "tiers":    {"hot": 80, "warm": 60},
     "threshold": 60}

Every key may be missing; what is missing is as in an empty model.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from routing.engine import FactKind, InvalidPart, parse
from routing.qualify.scoring import (
    DAY,
    HOT_FROM,
    THRESHOLD,
    WARM_FROM,
    EventPoints,
    Factor,
    Model,
    Profile,
)

MOST_LINES: Final = 100
MOST_POINTS: Final = 1000
MOST_WEIGHT: Final = 500
MOST_DAYS: Final = 365
LONGEST_NAME: Final = 120
EVENT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
PARTS: Final = ("profiles", "factors", "events")
KEYS: Final = frozenset({*PARTS, "weights", "tiers", "threshold"})


class BadModel(ValueError):
    """A model cannot be used; `path` points at the part, `message` says what to do."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message


def empty() -> dict[str, Any]:
    """The model that gives nobody anything, with the usual bounds."""
    return {
        "profiles": [],
        "factors": [],
        "events": [],
        "weights": {"fit": 100, "engagement": 100},
        "tiers": {"hot": HOT_FROM, "warm": WARM_FROM},
        "threshold": THRESHOLD,
    }


def read(body: Any, kinds: Mapping[str, FactKind]) -> Model:
    """
    Read a stored model; lines that are switched off are left out, though checked.

    :raises BadModel: at the first part that cannot be used
    """
    if not isinstance(body, Mapping):
        raise BadModel("", "must be an object")
    unknown = sorted(set(body) - KEYS)
    if unknown:
        raise BadModel(str(unknown[0]), f"is not known; known: {', '.join(sorted(KEYS))}")
    profiles = [_profile(row, path, kinds) for path, row in _rows(body, "profiles")]
    factors = [
        (_factor(row, path, kinds), _flag(row, path)) for path, row in _rows(body, "factors")
    ]
    events = [(_event(row, path), _flag(row, path)) for path, row in _rows(body, "events")]
    _no_two_alike([*profiles, *(one for one, _ in factors), *(one for one, _ in events)])
    weights, tiers = _object(body, "weights"), _object(body, "tiers")
    hot = _whole(tiers, "hot", "tiers", default=HOT_FROM, least=1, most=100)
    warm = _whole(tiers, "warm", "tiers", default=WARM_FROM, least=0, most=100)
    if warm >= hot:
        raise BadModel("tiers.warm", "must be below the bound of hot")
    return Model(
        profiles=tuple(profiles),
        factors=tuple(one for one, is_active in factors if is_active),
        events=tuple(one for one, is_active in events if is_active),
        fit_weight=_whole(weights, "fit", "weights", default=100, least=0, most=MOST_WEIGHT),
        engagement_weight=_whole(
            weights, "engagement", "weights", default=100, least=0, most=MOST_WEIGHT
        ),
        hot_from=hot,
        warm_from=warm,
        threshold=_whole(body, "threshold", "", default=THRESHOLD, least=0, most=100),
    )


def _rows(body: Mapping[str, Any], name: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    rows = body.get(name, [])
    if not isinstance(rows, list):
        raise BadModel(name, "must be a list")
    if len(rows) > MOST_LINES:
        raise BadModel(name, f"has more than {MOST_LINES} lines")
    for number, row in enumerate(rows):
        path = f"{name}[{number}]"
        if not isinstance(row, Mapping):
            raise BadModel(path, "must be an object")
        yield path, row


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name, {})
    if not isinstance(value, Mapping):
        raise BadModel(name, "must be an object")
    return value


def _profile(row: Mapping[str, Any], path: str, kinds: Mapping[str, FactKind]) -> Profile:
    _known(row, path, {"name", "condition", "points"})
    return Profile(_name(row, path), _condition(row, path, kinds), _points(row, path, default=0))


def _factor(row: Mapping[str, Any], path: str, kinds: Mapping[str, FactKind]) -> Factor:
    _known(row, path, {"name", "condition", "points", "active"})
    return Factor(_name(row, path), _condition(row, path, kinds), _points(row, path))


def _event(row: Mapping[str, Any], path: str) -> EventPoints:
    _known(
        row,
        path,
        {"name", "event", "points", "half_life_days", "window_days", "cap", "per_day", "active"},
    )
    event = row.get("event")
    if not isinstance(event, str) or not EVENT.fullmatch(event):
        raise BadModel(f"{path}.event", "must be a name of a-z, 0-9, _ and -, e.g. pricing_page")
    return EventPoints(
        name=_name(row, path),
        event=event,
        points=_points(row, path),
        half_life=_days(row, "half_life_days", path),
        window=_days(row, "window_days", path),
        cap=_maybe(row, "cap", path, most=MOST_POINTS),
        per_day=_maybe(row, "per_day", path, most=MOST_POINTS),
    )


def _known(row: Mapping[str, Any], path: str, keys: set[str]) -> None:
    unknown = sorted(set(row) - keys)
    if unknown:
        raise BadModel(f"{path}.{unknown[0]}", f"is not known; known: {', '.join(sorted(keys))}")


def _name(row: Mapping[str, Any], path: str) -> str:
    name = row.get("name")
    if not isinstance(name, str) or not name.strip():
        raise BadModel(f"{path}.name", "must be a name")
    if len(name) > LONGEST_NAME:
        raise BadModel(f"{path}.name", f"has more than {LONGEST_NAME} characters")
    return name.strip()


def _condition(row: Mapping[str, Any], path: str, kinds: Mapping[str, FactKind]) -> Any:
    try:
        return parse(row.get("condition", {"all": []}), kinds)
    except InvalidPart as error:
        part = f"{path}.condition" + (f".{error.path}" if error.path else "")
        raise BadModel(part, error.message) from error


def _points(row: Mapping[str, Any], path: str, *, default: int | None = None) -> int:
    return _whole(row, "points", path, default=default, least=-MOST_POINTS, most=MOST_POINTS)


def _flag(row: Mapping[str, Any], path: str) -> bool:
    value = row.get("active", True)
    if not isinstance(value, bool):
        raise BadModel(f"{path}.active", "must be true or false")
    return value


def _days(row: Mapping[str, Any], name: str, path: str) -> int | None:
    """Days, which may have a fraction, as whole seconds."""
    value = row.get(name)
    if value is None:
        return None
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else 0
    if not 0.01 <= number <= MOST_DAYS:
        raise BadModel(f"{path}.{name}", f"must be days, from 0.01 to {MOST_DAYS}")
    return round(float(number) * DAY)


def _maybe(row: Mapping[str, Any], name: str, path: str, *, most: int) -> int | None:
    if row.get(name) is None:
        return None
    return _whole(row, name, path, default=None, least=1, most=most)


def _whole(
    row: Mapping[str, Any], name: str, path: str, *, default: int | None, least: int, most: int
) -> int:
    value = row.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        where = f"{path}.{name}" if path else name
        raise BadModel(where, f"must be a whole number from {least} to {most}")
    return value


def _no_two_alike(lines: Iterable[Profile | Factor | EventPoints]) -> None:
    seen: set[str] = set()
    for line in lines:
        if line.name.casefold() in seen:
            raise BadModel("", f"Two lines are called “{line.name}”; contributions name them.")
        seen.add(line.name.casefold())
