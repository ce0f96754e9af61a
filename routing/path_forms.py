"""The form of a path: whom, who of them, how one is chosen, what if nobody can, an experiment."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from routing import engine
from routing.engine import InvalidPart
from routing.engine.paths import MAX_SPLIT_NAME
from routing.engine.types import Path
from routing.rules.path_rows import (
    FILTER,
    LONGEST,
    PREFER,
    StageRow,
    StageRows,
    kind_choices,
    what_choices,
)
from routing.rules.path_words import ENDING_WORDS, SELECT_WORDS, TARGET_WORDS
from routing.rules.sentences import Names
from routing.rules.typed import NotUnderstood, read_while, while_words

# Waits, but not for ever; in the engine a limit beside "wait".
WAIT_AT_MOST = "at_most"


class PathForm(forms.Form):
    """One path without its filters and preferences, which are rows of `StageRows`."""

    def __init__(self, *args: Any, names: Names, path: Path | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("initial", _laid_out(path) if path else {})
        super().__init__(*args, **kwargs)
        held = str(self.initial.get("target") or "")
        self.fields["target"] = forms.ChoiceField(
            choices=_targets(names, held),
            label=_("Give it to"),
            widget=forms.Select(attrs={"data-target": ""}),
        )
        self.fields["select"] = forms.ChoiceField(
            choices=[("", _("as usual for whom it goes to")), *_selects()],
            required=False,
            label=_("Choose one of them"),
            widget=forms.Select(attrs={"data-select": ""}),
        )
        self.fields["on_empty"] = forms.ChoiceField(
            choices=[
                ("next", _("ask the next rule")),
                ("wait", _("let it wait here")),
                (WAIT_AT_MOST, _("let it wait here, but not for ever")),
            ],
            label=_("If nobody can take it"),
            widget=forms.Select(attrs={"data-empty": ""}),
        )
        self.fields["wait_at_most"] = forms.CharField(
            required=False,
            max_length=60,
            label=_("… at most"),
            help_text=_("Such as 15 minutes. Then the next rule is asked."),
            widget=forms.TextInput(attrs={"data-wait": "", "list": "amounts-while"}),
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        waits = cleaned.get("on_empty") == WAIT_AT_MOST
        cleaned["wait_at_most"] = self._seconds(cleaned.get("wait_at_most")) if waits else None
        select, kind = cleaned.get("select"), cleaned.get("target", "").partition(":")[0]
        target = engine.TARGETS.get(kind)
        rotates = bool(select) and engine.STRATEGIES[select].rotates
        if target and rotates and not target.is_pool and not target.ends:
            self.add_error(
                "select", _("Only a pool can take turns. Choose a pool, or another way to choose.")
            )
        return cleaned

    def _seconds(self, text: str | None) -> int | None:
        try:
            seconds = read_while(text or "")
        except NotUnderstood as error:
            self.add_error("wait_at_most", str(error))
            return None
        if not 1 <= seconds <= LONGEST:
            self.add_error("wait_at_most", _("Write a time from a second to ten years."))
        return seconds

    def path(self, stages: list[dict[str, Any]]) -> dict[str, Any]:
        """The path as JSON; a queue and nurture have nobody to choose among."""
        values = self.cleaned_data
        kind, _sep, pk = values["target"].partition(":")
        target: dict[str, Any] = {"kind": kind}
        if pk:
            target["id"] = int(pk)
        select = [{"do": "select", "by": values["select"]}] if values["select"] else []
        found: dict[str, Any] = {
            "target": target,
            "stages": [] if engine.TARGETS[kind].ends else [*stages, *select],
            "on_empty": "next" if values["on_empty"] == "next" else "wait",
        }
        if values["wait_at_most"] is not None:
            found["wait_at_most"] = values["wait_at_most"]
        return found


class SplitForm(forms.Form):
    """An experiment: what it is called, and how many of a hundred leads go the other way."""

    split_name = forms.CharField(
        max_length=MAX_SPLIT_NAME,
        strip=False,
        label=_("Name of the experiment"),
        help_text=_("The same lead always falls on the same side of an experiment of this name."),
    )
    split_percent = forms.IntegerField(
        min_value=0, max_value=100, label=_("Percent of the leads that go the other way")
    )


def _targets(names: Names, held: str) -> list[Any]:
    def of(kind: str, called: Any) -> list[tuple[str, str]]:
        ordered = sorted(called.items(), key=lambda pair: pair[1].casefold())
        return [(f"{kind}:{pk}", name) for pk, name in ordered]

    owners = [(kind, words[:1].upper() + words[1:]) for kind, words in TARGET_WORDS.items()]
    groups = [
        (_("A pool"), of("pool", names.pools)),
        (_("Whoever it belongs to"), owners),
        (_("One rep"), of("rep", names.reps)),
        (_("A queue"), of("queue", names.queues)),
        (_("Nobody for now"), list(ENDING_WORDS.items())),
    ]
    if held and all(held != value for _title, choices in groups for value, _label in choices):
        kind = held.partition(":")[0]
        groups.append((_("Gone"), [(held, _("a %(kind)s that is gone") % {"kind": kind})]))
    return groups


def _selects() -> list[tuple[str, str]]:
    return [(name, SELECT_WORDS.get(name, name)) for name in engine.STRATEGIES]


def _laid_out(path: Path) -> dict[str, Any]:
    target, wait = path.target, path.wait_at_most
    return {
        "target": target.kind if target.id is None else f"{target.kind}:{target.id}",
        "select": next((stage.by for stage in path.stages if stage.do == "select"), ""),
        "on_empty": path.on_empty if wait is None else WAIT_AT_MOST,
        "wait_at_most": "" if wait is None else while_words(wait),
    }


class Side:
    """One of the two ways of a rule on the page: its form, its rows, each with its place."""

    def __init__(self, number: int, form: PathForm, rows: StageRows) -> None:
        self.number, self.form = number, form
        self.filters: list[tuple[int, StageRow]] = rows.of_side(number, FILTER)
        self.wishes: list[tuple[int, StageRow]] = rows.of_side(number, PREFER)


class PathEditor:
    """
    A whole path in the form: as stored, or as posted. `judge` is called for what is to be
    saved; `retype` for a button of the rows, which shows everything as typed.
    """

    def __init__(self, data: QueryDict | None, *, names: Names, stored: Any = None) -> None:
        self.data, self.names = data, names
        self.unreadable = ""
        self.stored: Path | None = None
        if stored is not None:
            try:
                self.stored = engine.parse_path(stored)
            except InvalidPart as error:
                self.unreadable = str(error)
        if data is not None:
            self.rows, self.is_split = StageRows.posted(data), "split" in data
        elif self.stored is not None:
            self.rows = StageRows.of(self.stored)
            self.is_split = self.stored.split is not None
        else:
            self.rows, self.is_split = StageRows(), False
        self._bind(data)

    def act(self, action: str) -> bool:
        """Do what a button says: `split`, `unsplit`, or one of the rows."""
        if action == "split":
            self.is_split = True
        elif action == "unsplit":
            self.is_split = False
            self.rows.cut_side(1)
        else:
            return self.rows.act(action)
        return True

    def retype(self) -> None:
        """Show everything as it was typed, and judge nothing yet."""
        self._bind(None, typed=self.data)

    def _bind(self, data: QueryDict | None, typed: QueryDict | None = None) -> None:
        stored, split = self.stored, self.stored.split if self.stored else None
        own: dict[str, Any] = {"path": stored}
        other: dict[str, Any] = {"path": split.path if split else None, "prefix": "other"}
        split_initial = {"split_name": split.name, "split_percent": split.percent} if split else {}
        if typed is not None:
            own["initial"] = _typed(typed, own_fields := ("target", "select", *_ENDING))
            other["initial"] = _typed(typed, own_fields, "other-")
            split_initial = _typed(typed, tuple(SplitForm.base_fields))
        self.forms = [PathForm(data, names=self.names, **own)]
        self.split_form: SplitForm | None = None
        if self.is_split:
            self.forms.append(PathForm(data, names=self.names, **other))
            self.split_form = SplitForm(data, initial=split_initial)

    def path(self) -> dict[str, Any] | None:
        """The path as the engine writes it; None if a part has an error, which then says it."""
        # All of them, so that every mistake shows at once.
        good = [form.is_valid() for form in (*self.forms, self.split_form) if form]
        stages = [self.rows.stages(side) for side in range(len(self.forms))]
        if not all(good) or self.rows.has_errors:
            return None
        own, *others = [form.path(found) for form, found in zip(self.forms, stages, strict=True)]
        if self.split_form is not None:
            values = self.split_form.cleaned_data
            name, percent = values["split_name"], values["split_percent"]
            own["split"] = {"name": name, "percent": percent, "path": others[0]}
        try:
            return engine.path_to_json(engine.parse_path(own))
        except InvalidPart as error:
            self.forms[0].add_error(None, str(error))
            return None

    def context(self) -> dict[str, Any]:
        """What the page shows of it."""
        sides = [Side(number, form, self.rows) for number, form in enumerate(self.forms)]
        return {
            "sides": sides,
            "split_form": self.split_form,
            "unreadable_path": self.unreadable,
            "filter_kinds": kind_choices(FILTER),
            "wish_kinds": kind_choices(PREFER),
            "what_groups": what_choices(self.names, self.rows),
            "ends": " ".join(name for name, kind in engine.TARGETS.items() if kind.ends),
            "pools": " ".join(name for name, kind in engine.TARGETS.items() if kind.is_pool),
            "rotating": " ".join(n for n, one in engine.STRATEGIES.items() if one.rotates),
        }


_ENDING = ("on_empty", "wait_at_most")


def _typed(data: QueryDict, names: tuple[str, ...], prefix: str = "") -> dict[str, str]:
    return {name: data.get(prefix + name, "") for name in names}
