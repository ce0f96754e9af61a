"""
The stages of a path as rows of a form, and back: filters with their relaxations, preferences.

A row is a kind of stage, what it is about (a skill, a team) where the kind asks for one, and an
amount as people write it: a level, a seniority, a while, a distance. A step below a filter says
after how long a wait it is dropped, or asked otherwise. Rows of both sides of an experiment stand
in one list; `side` 0 is the rule's own path, 1 the other one.

Posted fields: `s_side`, `s_do`, `s_by`, `s_what`, `s_amount` once per row; `r_row` (the place of
the row), `r_after`, `r_how`, `r_what`, `r_amount` once per step.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from routing import engine
from routing.engine import InvalidPart
from routing.engine.types import Path, Relaxation, Stage
from routing.qualify import facts
from routing.rules.names import Names
from routing.rules.path_words import SENIORITY_WORDS
from routing.rules.rows import small_number
from routing.rules.typed import KM_PER_MILE, NotUnderstood, read_while, while_words

FILTER, PREFER = "filter", "prefer"
# Ten years: longer than any lead waits, and short enough for a calendar.
LONGEST = 10 * 366 * 86_400
MOST_DIGITS = 15
LONGEST_TEXT = 2000
# Values of the step's select.
DROP, CHANGE = "drop", "change"
_KM = re.compile(r"(?P<number>\S+?)\s*(?P<unit>km|kilomet(?:er|re)s?|mi|miles?)?", re.IGNORECASE)
_AT_STEP = re.compile(r"stages\[0\]\.relax\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Kind:
    """
    A kind of stage in the form. `what`: "skill", "team" or nothing; `amount`: "level",
    "seniority", "while", "km" or nothing; `otherwise`: what an empty amount stands for, None if
    one has to be given; `hint`: what an amount looks like.
    """

    do: str
    by: str
    label: str
    what: str = ""
    amount: str = ""
    otherwise: Mapping[str, Any] | None = None
    hint: str = ""


_LEVEL: Mapping[str, Any] = {
    "amount": "level",
    "otherwise": {"at_least": 1},
    "hint": "from level, 1 to 5",
}
_SHIFT: Mapping[str, Any] = {
    "amount": "while",
    "otherwise": {"within": 0},
    "hint": "or within, e.g. 15 minutes",
}
_IN_TIME: Mapping[str, Any] = {
    "amount": "while",
    "otherwise": {},
    "hint": "empty: as promised; or e.g. 2 hours",
}
KINDS: tuple[Kind, ...] = (
    Kind(FILTER, "skill", "who have the skill", "skill", **_LEVEL),
    Kind(FILTER, "language", "who speak the lead's language", **_LEVEL),
    Kind(FILTER, "segment", "who know the lead's segment", **_LEVEL),
    Kind(FILTER, "seniority", "from a seniority on", amount="seniority", hint="e.g. senior"),
    Kind(FILTER, "team", "of the team", "team"),
    Kind(FILTER, "territory", "who serve the lead's territory"),
    Kind(FILTER, "on_shift", "who work now, or soon", **_SHIFT),
    Kind(FILTER, "before_deadline", "who can answer in time", **_IN_TIME),
    Kind(FILTER, "daytime", "who work in the person's daytime"),
    Kind(FILTER, "near", "near the person", amount="km", hint="e.g. 40 km"),
    Kind(PREFER, "former_owner", "the former owner"),
    Kind(PREFER, "account_team", "who works for the account"),
    Kind(
        PREFER,
        "nearest",
        "the nearest",
        amount="km",
        otherwise={},
        hint="empty: however far; or e.g. 40 km",
    ),
    Kind(PREFER, "skill", "the best at the skill", "skill", **_LEVEL),
    Kind(PREFER, "on_shift", "who works now, or soon", **_SHIFT),
    Kind(PREFER, "daytime", "who works in the person's daytime"),
    Kind(PREFER, "propensity", "the likeliest to win it"),
)
BY_NAME: Mapping[tuple[str, str], Kind] = {(kind.do, kind.by): kind for kind in KINDS}
_KEYS = {"level": "at_least", "seniority": "at_least", "while": "within", "km": "within_km"}


class StageRefused(ValueError):
    """A row or a step cannot be understood; the message is for who typed it."""


@dataclass
class Step:
    """One relaxation as typed: after how long, dropped or asked otherwise, and how then."""

    after: str = ""
    how: str = DROP
    what: str = ""
    amount: str = ""
    error: str = ""
    is_new: bool = field(default=False, compare=False)

    @property
    def is_blank(self) -> bool:
        return not self.after and self.how == DROP


@dataclass
class StageRow:
    """One filter or preference as typed, with what is wrong about it."""

    side: int = 0
    do: str = FILTER
    by: str = ""
    what: str = ""
    amount: str = ""
    steps: list[Step] = field(default_factory=list)
    error: str = ""
    is_new: bool = field(default=False, compare=False)

    @property
    def kind(self) -> Kind | None:
        return BY_NAME.get((self.do, self.by))

    @property
    def has_errors(self) -> bool:
        return bool(self.error) or any(step.error for step in self.steps)


@dataclass
class StageRows:
    """The filters and preferences of a path as they stand in the form."""

    rows: list[StageRow] = field(default_factory=list)

    @property
    def has_errors(self) -> bool:
        return any(row.has_errors for row in self.rows)

    def of_side(self, side: int, do: str) -> list[tuple[int, StageRow]]:
        """The filters or the preferences of one side, each with its place."""
        return [(i, row) for i, row in enumerate(self.rows) if (row.side, row.do) == (side, do)]

    @classmethod
    def of(cls, path: Path) -> "StageRows":
        """Lay a path out, and the other path of its experiment."""
        sides = [path] if path.split is None else [path, path.split.path]
        return cls(
            [
                row_of(stage, side)
                for side, one in enumerate(sides)
                for stage in one.stages
                if stage.do != "select"
            ]
        )

    @classmethod
    def posted(cls, data: QueryDict) -> "StageRows":
        """Read the rows as they were typed, nothing checked yet."""
        rows = [
            StageRow(1 if side == "1" else 0, PREFER if do == PREFER else FILTER, by, what, amount)
            for side, do, by, what, amount in _columns(data, "s", "side do by what amount")
        ]
        for row, after, how, what, amount in _columns(data, "r", "row after how what amount"):
            place = small_number(row)
            if place is not None and place < len(rows) and rows[place].do == FILTER:
                step = Step(after, CHANGE if how == CHANGE else DROP, what, amount)
                rows[place].steps.append(step)
        return cls(rows)

    def act(self, action: str) -> bool:
        """
        Do what a button of the form says: `filter:0` and `prefer:0` add a row to a side,
        `unstage:3` takes row 3 out, `up:3` moves it before the one above, `step:3` adds a
        relaxation to it, `unstep:3:0` takes its first out. Returns whether it was such a button.
        """
        verb, _, rest = action.partition(":")
        numbers = [n for n in map(small_number, rest.split(":")) if n is not None]
        if not numbers:
            return False
        index = numbers[0]
        if verb in (FILTER, PREFER) and index < 2:
            self.rows.append(StageRow(index, verb, is_new=True))
            return True
        if index >= len(self.rows):
            return False
        row = self.rows[index]
        if verb == "unstage":
            del self.rows[index]
        elif verb == "up":
            self._move_up(index)
        elif verb == "step" and row.do == FILTER:
            row.steps.append(Step(is_new=True))
        elif verb == "unstep" and len(numbers) == 2 and numbers[1] < len(row.steps):
            del row.steps[numbers[1]]
        else:
            return False
        return True

    def _move_up(self, index: int) -> None:
        row = self.rows[index]
        above = [place for place, _ in self.of_side(row.side, row.do) if place < index]
        if above:
            self.rows[above[-1]], self.rows[index] = row, self.rows[above[-1]]

    def cut_side(self, side: int) -> None:
        """Take out every row of a side."""
        self.rows = [row for row in self.rows if row.side != side]

    def stages(self, side: int) -> list[dict[str, Any]]:
        """The stages of a side as JSON; a row that cannot be read then says so and is left out."""
        found = []
        for do in (FILTER, PREFER):
            for _place, row in self.of_side(side, do):
                row.error = ""
                if not row.by:
                    continue
                stage = _checked(row)
                if stage is not None:
                    found.append(stage)
        return found


def _columns(data: QueryDict, prefix: str, names: str) -> Iterable[tuple[str, ...]]:
    columns = [
        # What was chosen is taken as it is: a skill may be named with a space at its end.
        [text[:LONGEST_TEXT] if name == "what" else text.strip()[:LONGEST_TEXT] for text in texts]
        for name in names.split()
        for texts in [data.getlist(f"{prefix}_{name}")]
    ]
    return zip(*columns, strict=False)


# --- From a stage to a row ---------------------------------------------------------------


def row_of(stage: Stage, side: int) -> StageRow:
    """Lay one stage out."""
    kind = BY_NAME[stage.do, stage.by]
    row = StageRow(side, stage.do, stage.by, _what_of(stage.options), _amount_of(kind, stage))
    row.steps = [_step_of(kind, stage, one) for one in stage.relax]
    return row


def _step_of(kind: Kind, stage: Stage, one: Relaxation) -> Step:
    after = while_words(one.after) if one.after else "0"
    if one.options is None:
        return Step(after, DROP)
    changed = Stage(stage.do, stage.by, one.options)
    return Step(after, CHANGE, _what_of(one.options), _amount_of(kind, changed))


def _what_of(options: Mapping[str, Any]) -> str:
    if "skill" in options:
        return f"skill:{options['skill']}"
    if "skill_fact" in options:
        return f"fact:{options['skill_fact']}"
    return f"team:{options['id']}" if "id" in options else ""


def _amount_of(kind: Kind, stage: Stage) -> str:
    value = stage.options.get(_KEYS.get(kind.amount, ""))
    if value is None:
        return ""
    if kind.amount == "seniority":
        return SENIORITY_WORDS[value]
    if kind.amount == "while":
        # An empty field says 0 where that is what empty stands for.
        return "" if stage.options == kind.otherwise else while_words(value)
    if kind.amount == "km":
        return f"{value} km"
    return str(value)


# --- From a row to a stage ---------------------------------------------------------------


def _checked(row: StageRow) -> dict[str, Any] | None:
    """The stage that a row says; None if it or one of its steps has an error, which says it."""
    kind = row.kind
    if kind is None:
        row.error = "Choose what is asked."
        return None
    try:
        options = _options(kind, row.what, row.amount)
    except StageRefused as error:
        row.error = str(error)
        return None
    stage: dict[str, Any] = {"do": row.do, "by": row.by, **options}
    # In the order of time, whatever the order in which they were added.
    relax = sorted(_relaxations(kind, row, options), key=lambda pair: pair[0]["after"])
    if relax:
        stage["relax"] = [data for data, _ in relax]
    if not row.has_errors:
        _parse(row, stage, [step for _, step in relax])
    return None if row.has_errors else stage


def _relaxations(
    kind: Kind, row: StageRow, options: Mapping[str, Any]
) -> list[tuple[dict[str, Any], Step]]:
    row.steps = [step for step in row.steps if not step.is_blank]
    found: list[tuple[dict[str, Any], Step]] = []
    for step in row.steps:
        step.error = ""
        try:
            data: dict[str, Any] = {"after": _seconds(step.after)}
            if step.how == DROP:
                data["drop"] = True
            else:
                changed = _options(kind, step.what or row.what, step.amount)
                if changed == options:
                    raise StageRefused("That asks the same as above. Ask for less, or drop it.")
                # What is not named would stay.
                data |= {**dict.fromkeys(options), **changed}
        except StageRefused as error:
            step.error = str(error)
            continue
        if any(other["after"] == data["after"] for other, _ in found):
            step.error = "Another step is taken after the same time."
        found.append((data, step))
    dropped = [data["after"] for data, _ in found if "drop" in data]
    for data, step in found:
        if dropped and data["after"] > min(dropped):
            step.error = step.error or "It is dropped before that, so this is never asked."
    return found


def _parse(row: StageRow, stage: Mapping[str, Any], steps: Sequence[Step]) -> None:
    """Let the engine read it; what it refuses is told where it stands."""
    try:
        engine.parse_path({"target": {"kind": "agent"}, "stages": [stage]})
    except InvalidPart as error:
        where = _AT_STEP.match(error.path)
        if where:
            steps[int(where[1])].error = f"This {error.message}."
        else:
            row.error = f"This {error.message}."


def _options(kind: Kind, what: str, amount: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    sort, _, name = what.partition(":")
    if kind.what == "skill":
        if sort not in ("skill", "fact") or not name:
            raise StageRefused("Choose a skill.")
        found["skill" if sort == "skill" else "skill_fact"] = name
    elif kind.what == "team":
        if sort != "team" or not name.isdecimal() or len(name) > MOST_DIGITS:
            raise StageRefused("Choose a team.")
        found["id"] = int(name)
    if not kind.amount:
        return found
    if amount:
        return {**found, _KEYS[kind.amount]: _READERS[kind.amount](amount)}
    if kind.otherwise is None:
        raise StageRefused(f"Say how much, {kind.hint}.")
    return {**found, **kind.otherwise}


def _seconds(text: str) -> int:
    try:
        seconds = read_while(text)
    except NotUnderstood as error:
        raise StageRefused(str(error)) from error
    if seconds > LONGEST:
        raise StageRefused("That is longer than ten years.")
    return seconds


def _level(text: str) -> int:
    number = text.casefold().removeprefix("level").strip()
    if not number.isdecimal() or len(number) > MOST_DIGITS:
        raise StageRefused("Write a level, such as 3.")
    return int(number)


def _seniority(text: str) -> int:
    wanted = text.casefold()
    for number, word in SENIORITY_WORDS.items():
        if wanted in (word.casefold(), str(number)):
            return number
    raise StageRefused(f"Write one of {', '.join(SENIORITY_WORDS.values())}.")


def _km(text: str) -> float:
    found = _KM.fullmatch(text)
    number = found["number"] if found else text
    if number.isdecimal() and len(number) <= MOST_DIGITS:
        km: float = int(number)
    else:
        try:
            km = float(number)
        except ValueError as error:
            raise StageRefused("Write a distance, such as “40 km”.") from error
    if found and (found["unit"] or "").casefold().startswith("mi"):
        km = round(km * KM_PER_MILE, 3)
    return km


_READERS = {"level": _level, "seniority": _seniority, "while": _seconds, "km": _km}


# --- What the page needs -----------------------------------------------------------------


def what_choices(names: Names, rows: StageRows) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """(title, "skill" or "team", choices) for the select of a row, with what rows hold anyway."""
    skills = [(f"skill:{slug}", name) for slug, name in names.skills.items()]
    asked = [
        (f"fact:{fact.name}", f"the lead's {fact.label}")
        for fact in facts.OFFERED
        if fact.kind == "text" and not fact.choices
    ]
    teams = [(f"team:{pk}", name) for pk, name in names.teams.items()]
    groups = [
        ("The skill", "skill", skills),
        ("The skill named by", "skill", asked),
        ("The team", "team", teams),
    ]
    known = {value for _, _, choices in groups for value, _ in choices}
    held = {one.what for row in rows.rows for one in (row, *row.steps) if one.what}
    for value in sorted(held - known):
        sort, _, name = value.partition(":")
        number = {"skill": 0, "fact": 1, "team": 2}.get(sort)
        if number is not None and name:
            groups[number][2].append((value, "(gone)" if number == 2 else name))
    return groups


def kind_choices(do: str) -> list[Kind]:
    """The kinds of filter or of preference, in order."""
    return [kind for kind in KINDS if kind.do == do]
