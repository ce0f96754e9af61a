"""Paths as rows of a form: whatever the engine reads is shown, posted and stored the same."""

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from routing import engine
from routing.path_forms import PathEditor
from routing.rules.names import Names
from routing.rules.path_rows import BY_NAME, LONGEST, StageRow, StageRows, Step, what_choices

NAMES = Names(
    pools={3: "Inbound"},
    queues={4: "Last resort"},
    reps={7: "Robin East"},
    teams={2: "East"},
    skills={"german": "German", "french": "French"},
)
ids = st.integers(1, 9)
levels = st.integers(1, 10**9)
seconds = st.integers(0, LONGEST) | st.integers(0, 100).map(lambda n: n * 60)
distances = st.integers(0, 10**6) | st.floats(0, 1e6)
words = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12
)
skills = st.fixed_dictionaries({"at_least": levels}).flatmap(
    lambda level: (
        (st.sampled_from(["german", "Gone"]) | words).map(lambda name: {"skill": name, **level})
        | (st.sampled_from(["language", "gone"]) | words).map(
            lambda name: {"skill_fact": name, **level}
        )
    )
)
nothing = st.just({})
within = st.fixed_dictionaries({"within": seconds})
OPTIONS = {
    "skill": skills,
    "language": st.fixed_dictionaries({"at_least": levels}),
    "segment": st.fixed_dictionaries({"at_least": levels}),
    "seniority": st.fixed_dictionaries({"at_least": st.integers(1, 4)}),
    "territory": nothing,
    "team": st.fixed_dictionaries({"id": ids}),
    "on_shift": within,
    "before_deadline": nothing | within,
    "daytime": nothing,
    "near": st.fixed_dictionaries({"within_km": distances}),
    "former_owner": nothing,
    "account_team": nothing,
    "nearest": nothing | st.fixed_dictionaries({"within_km": distances}),
    "propensity": nothing,
}


@st.composite
def filters(draw):
    by = draw(st.sampled_from([by for do, by in engine.STAGES if do == "filter"]))
    options = draw(OPTIONS[by])
    stage = {"do": "filter", "by": by, **options}
    afters = sorted(draw(st.sets(seconds, max_size=3)))
    steps = []
    for place, after in enumerate(afters):
        other = draw(OPTIONS[by])
        if other != options:
            steps.append({"after": after, **dict.fromkeys(options), **other})
        elif place == len(afters) - 1:
            steps.append({"after": after, "drop": True})
    return {**stage, "relax": steps} if steps else stage


@st.composite
def preferences(draw):
    by = draw(st.sampled_from([by for do, by in engine.STAGES if do == "prefer"]))
    return {"do": "prefer", "by": by, **draw(OPTIONS[by])}


@st.composite
def ways(draw):
    kind = draw(st.sampled_from(list(engine.TARGETS)))
    target = engine.TARGETS[kind]
    stages = []
    if not target.ends:
        stages = draw(st.lists(filters(), max_size=3)) + draw(st.lists(preferences(), max_size=3))
        names = [n for n, one in engine.STRATEGIES.items() if target.is_pool or not one.rotates]
        select = draw(st.none() | st.sampled_from(names))
        stages += [{"do": "select", "by": select}] if select else []
    path = {
        "target": {"kind": kind, "id": draw(ids)} if target.wants_id else {"kind": kind},
        "stages": stages,
        "on_empty": draw(st.sampled_from(["next", "wait"])),
    }
    if path["on_empty"] == "wait" and draw(st.booleans()):
        path["wait_at_most"] = draw(st.integers(1, LONGEST))
    return path


@st.composite
def paths(draw):
    path = draw(ways())
    if draw(st.booleans()):
        path["split"] = {
            "name": draw(words),
            "percent": draw(st.integers(0, 100)),
            "path": draw(ways()),
        }
    return path


def form_of(editor: PathEditor) -> QueryDict:
    """What the browser sends for this path."""
    data = QueryDict(mutable=True)
    for form in [*editor.forms, editor.split_form]:
        for field in form or ():
            value = field.value()
            if hasattr(field.field, "choices"):
                offered = [
                    value
                    for key, label in field.field.choices
                    for value, _words in (label if isinstance(label, list) else [(key, label)])
                ]
                # A browser sends only what is offered, else the first.
                value = value if value in offered else offered[0]
            data[field.html_name] = "" if value is None else str(value)
    if editor.is_split:
        data["split"] = "1"
    offered = {value for _, _, group in what_choices(NAMES, editor.rows) for value, _ in group}
    for place, row in enumerate(editor.rows.rows):
        assert not row.what or row.what in offered
        for name in ("side", "do", "by", "what", "amount"):
            data.appendlist(f"s_{name}", str(getattr(row, name)))
        for step in row.steps:
            assert not step.what or step.what in offered
            data.appendlist("r_row", str(place))
            for name in ("after", "how", "what", "amount"):
                data.appendlist(f"r_{name}", getattr(step, name))
    return data


@given(paths())
def test_whatever_the_engine_reads_is_posted_and_stored_the_same(path):
    shown = PathEditor(None, names=NAMES, stored=path)

    again = PathEditor(form_of(shown), names=NAMES, stored=path).path()

    assert again is not None
    assert engine.parse_path(again) == engine.parse_path(path)


@given(paths())
def test_a_button_of_the_rows_loses_nothing_of_what_was_typed(path):
    data = form_of(PathEditor(None, names=NAMES, stored=path))
    pressed = PathEditor(data, names=NAMES, stored=path)
    pressed.retype()

    again = PathEditor(form_of(pressed), names=NAMES, stored=path).path()

    assert engine.parse_path(again) == engine.parse_path(path)


def test_every_kind_of_stage_has_a_row():
    assert set(BY_NAME) == set(engine.STAGES)
    assert {by for _do, by in engine.STAGES} == set(OPTIONS)


def editor(**fields) -> PathEditor:
    data = QueryDict(mutable=True)
    for name, values in {"target": "pool:3", "on_empty": "next", **fields}.items():
        data.setlist(name, values if isinstance(values, list) else [values])
    return PathEditor(data, names=NAMES)


def one_row(by: str, what: str = "", amount: str = "", *, do: str = "filter", **more) -> PathEditor:
    return editor(s_side="0", s_do=do, s_by=by, s_what=what, s_amount=amount, **more)


def step(after: str, how: str = "drop", what: str = "", amount: str = "") -> dict[str, str]:
    return {"r_row": "0", "r_after": after, "r_how": how, "r_what": what, "r_amount": amount}


@pytest.mark.parametrize(
    ("by", "what", "amount", "stage"),
    [
        ("skill", "skill:german", "", {"skill": "german", "at_least": 1}),
        ("skill", "fact:language", "Level 4", {"skill_fact": "language", "at_least": 4}),
        ("seniority", "", "Senior", {"at_least": 3}),
        ("on_shift", "", "", {"within": 0}),
        ("on_shift", "skill:german", "15 min", {"within": 900}),
        ("before_deadline", "", "", {}),
        ("before_deadline", "", "2 hours", {"within": 7200}),
        ("near", "", "25 miles", {"within_km": 40.234}),
        ("near", "", "40", {"within_km": 40}),
        ("team", "team:2", "", {"id": 2}),
    ],
)
def test_amounts_are_understood_as_people_write_them(by, what, amount, stage):
    path = one_row(by, what, amount).path()

    assert path["stages"] == [{"do": "filter", "by": by, **stage}]


@pytest.mark.parametrize(
    ("by", "what", "amount", "words"),
    [
        ("skill", "", "3", "Choose a skill"),
        ("skill", "team:2", "3", "Choose a skill"),
        ("skill", "skill:german", "good", "Write a level"),
        ("skill", "skill:german", "0", "at least 1"),
        ("seniority", "", "", "Say how much"),
        ("seniority", "", "boss", "junior, mid-level, senior, principal"),
        ("team", "team:²", "", "Choose a team"),
        ("on_shift", "", "soon", "length of time"),
        ("on_shift", "", "99999 days", "ten years"),
        ("near", "", "", "Say how much"),
        ("near", "", "far", "Write a distance"),
        ("near", "", "nan", "must be a number"),
        ("near", "", "inf km", "number from 0"),
        ("former_owner", "", "", "Choose what is asked"),
    ],
)
def test_a_row_that_cannot_be_read_says_why(by, what, amount, words):
    made = one_row(by, what, amount)

    assert made.path() is None
    assert words in made.rows.rows[0].error


@pytest.mark.parametrize(
    ("steps", "place", "words"),
    [
        ([step("soon")], 0, "length of time"),
        ([step("30", "change", "", "4")], 0, "asks the same"),
        ([step("30"), step("30 seconds", "change", "", "2")], 1, "same time"),
        ([step("60", "change", "", "2"), step("30")], 0, "dropped before"),
        ([step("30", "change", "", "bad")], 0, "Write a level"),
        ([step("30", "change", "", "0")], 0, "at least 1"),
    ],
)
def test_a_step_that_cannot_be_read_says_why_where_it_stands(steps, place, words):
    fields = {name: [one[name] for one in steps] for name in steps[0]}
    made = one_row("skill", "skill:german", "4", **fields)

    assert made.path() is None
    assert words in made.rows.rows[0].steps[place].error
    assert not made.rows.rows[0].error


def test_steps_are_taken_in_the_order_of_time_and_blank_ones_are_left_out():
    steps = [step("1 minute"), step(""), step("30 seconds", "change", "", "3")]
    fields = {name: [one[name] for one in steps] for name in steps[0]}

    path = one_row("language", "", "4", **fields).path()

    assert path["stages"][0]["relax"] == [{"after": 30, "at_least": 3}, {"after": 60, "drop": True}]


def test_a_step_may_name_another_skill_than_the_row():
    path = one_row(
        "skill", "skill:german", "4", **step("30", "change", "fact:language", "2")
    ).path()

    assert engine.parse_path(path).stages[0].relax[0].options == {
        "skill_fact": "language",
        "at_least": 2,
    }


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"target": "pool:99"}, "target", "valid choice"),
        ({"target": "account_owner", "select": "round_robin"}, "select", "Only a pool"),
        ({"on_empty": "at_most", "wait_at_most": ""}, "wait_at_most", "length of time"),
        ({"on_empty": "at_most", "wait_at_most": "0"}, "wait_at_most", "from a second"),
    ],
)
def test_a_choice_that_cannot_be_is_told_at_its_field(fields, field, words):
    made = editor(**fields)

    assert made.path() is None
    assert words in str(made.forms[0].errors[field])


def test_an_experiment_needs_a_name_a_share_and_another_way():
    made = editor(split="1", split_percent="101")

    assert made.path() is None
    assert set(made.split_form.errors) == {"split_name", "split_percent"}
    assert "target" in made.forms[1].errors


def test_a_stored_path_that_cannot_be_read_says_so_and_leaves_the_form_empty():
    made = PathEditor(None, names=NAMES, stored={"target": {"kind": "moon"}})

    assert "moon" in made.unreadable
    assert made.rows.rows == []


def test_the_buttons_add_move_and_take_out():
    rows = StageRows()
    for action in ("filter:0", "prefer:0", "prefer:0", "prefer:1", "step:0", "step:0"):
        assert rows.act(action)
    rows.rows[1].by, rows.rows[2].by = "nearest", "daytime"

    assert rows.act("up:2")
    assert [row.by for _, row in rows.of_side(0, "prefer")] == ["daytime", "nearest"]
    assert rows.act("unstep:0:1")
    assert rows.act("unstage:1")
    assert [(row.side, row.do, row.by, len(row.steps)) for row in rows.rows] == [
        (0, "filter", "", 1),
        (0, "prefer", "nearest", 0),
        (1, "prefer", "", 0),
    ]


@pytest.mark.parametrize(
    "action",
    ["", "filter", "filter:2", "step:1", "step:9", "unstep:0", "unstep:0:9", "up:²", "x:0"],
)
def test_what_is_no_button_changes_nothing(action):
    rows = StageRows([StageRow(0, "filter", "near", steps=[Step()]), StageRow(0, "prefer")])

    assert not rows.act(action)
    assert len(rows.rows) == 2


def test_ending_an_experiment_takes_the_other_ways_rows_out():
    made = one_row("near", amount="5 km")
    made.act("split")
    made.rows.act("filter:1")
    made.act("unsplit")

    assert not made.is_split
    assert [row.side for row in made.rows.rows] == [0]
