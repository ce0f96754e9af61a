"""The page of one rule: rows of any depth, a path of any shape, told back and counted."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from routing.rules import edit, lifecycle
from tests import make
from tests.clock import travel

pytestmark = pytest.mark.django_db
AT = make.MONDAY_9AM
ROW = {"g_match": "all", "c_group": "0", "c_fact": "employees", "c_op": "gte", "c_value": "500"}


@pytest.fixture
def ops(client):
    user = make.user("ops", group="revops")
    client.force_login(user)
    return user


@pytest.fixture
def pool():
    return make.pool(make.rep("robin"), name="Inbound")


@pytest.fixture
def draft(ops, pool):
    make.rules(make.round_robin(pool))
    return lifecycle.draft(by=ops, at=AT)


def body(pool, **more):
    return {"name": "Big ones", "target": f"pool:{pool.pk}", "on_empty": "next", **ROW, **more}


def text(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_a_whole_path_is_written_without_code(client, draft, pool):
    make.skill("german")

    answer = client.post(
        reverse("rule_add"),
        body(
            pool,
            s_side=["0", "0", "1"],
            s_do=["filter", "prefer", "prefer"],
            s_by=["skill", "nearest", "former_owner"],
            s_what=["skill:german", "", ""],
            s_amount=["4", "40 km", ""],
            r_row=["0", "0"],
            r_after=["30 seconds", "1 minute"],
            r_how=["change", "drop"],
            r_what=["", ""],
            r_amount=["3", ""],
            select="least_loaded",
            on_empty="at_most",
            wait_at_most="15 minutes",
            split="1",
            split_name="owners first",
            split_percent="20",
            **{"other-target": "account_owner", "other-on_empty": "next"},
        ),
    )

    assert answer.url == reverse("rules_draft"), text(answer)
    rule = draft.rules.get(name="Big ones")
    assert rule.path == {
        "target": {"kind": "pool", "id": pool.pk},
        "stages": [
            {
                "do": "filter",
                "by": "skill",
                "skill": "german",
                "at_least": 4,
                "relax": [{"after": 30, "at_least": 3}, {"after": 60, "drop": True}],
            },
            {"do": "prefer", "by": "nearest", "within_km": 40},
            {"do": "select", "by": "least_loaded"},
        ],
        "on_empty": "wait",
        "wait_at_most": 900,
        "split": {
            "name": "owners first",
            "percent": 20,
            "path": {
                "target": {"kind": "account_owner"},
                "stages": [{"do": "prefer", "by": "former_owner"}],
                "on_empty": "next",
            },
        },
    }
    page = text(client.get(reverse("rule", args=[rule.pk])))
    for words in ("30 seconds", "1 minute", "40 km", "owners first", "15 minutes"):
        assert f'value="{words}"' in page


def test_errors_stand_at_their_rows(client, draft, pool):
    page = client.post(
        reverse("rule_add"),
        body(
            pool,
            c_value="many",
            s_side="0",
            s_do="filter",
            s_by="near",
            s_what="",
            s_amount="far",
            r_row="0",
            r_after="soon",
            r_how="drop",
            r_what="",
            r_amount="",
        ),
    )

    assert page.status_code == 422
    shown = text(page)
    assert 'id="wrong-0-0">Write a number' in shown
    assert 'id="wrong-s0">Write a distance' in shown
    assert not draft.rules.filter(name="Big ones").exists()


def test_groups_in_groups_are_added_by_buttons(client, draft, pool):
    page = client.post(reverse("rule_add"), body(pool, act="group:0"))
    assert [block.depth for block in page.context["sheet"].blocks] == [0, 1]

    page = client.post(
        reverse("rule_add"),
        {
            **body(pool, act="group:1"),
            "g_match": ["all", "any"],
            "g_parent": ["0", "0"],
            "c_group": ["0", "1"],
            "c_fact": ["employees", "country"],
            "c_op": ["gte", "eq"],
            "c_value": ["500", "DE"],
        },
    )

    assert [block.depth for block in page.context["sheet"].blocks] == [0, 1, 2]
    assert text(page).count("autofocus") == 1
    assert "One value." in text(page)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        ("filter:0", "who have the skill"),
        ("prefer:0", "the likeliest to win it"),
        ("split", "Name of the experiment"),
    ],
)
def test_a_button_of_the_path_keeps_what_was_typed(client, draft, pool, act, words):
    page = client.post(reverse("rule_add"), body(pool, act=act, select="performance"))

    assert page.status_code == 200
    assert words in text(page)
    assert 'value="performance" selected' in text(page)
    assert 'value="Big ones"' in text(page)


def test_a_target_that_is_gone_is_shown_and_kept(client, draft, pool):
    rule = draft.rules.get(is_fallback=False)
    rule.path = {"target": {"kind": "pool", "id": 9999}, "stages": [], "on_empty": "next"}
    make.saved(rule)

    page = text(client.get(reverse("rule", args=[rule.pk])))
    assert '<option value="pool:9999" selected>a pool that is gone' in page


def test_a_path_that_cannot_be_read_is_told_and_replaced(client, draft, pool):
    rule = draft.rules.get(is_fallback=False)
    rule.path = {"target": {"kind": "moon"}}
    make.saved(rule)
    address = reverse("rule", args=[rule.pk])

    assert "cannot be read" in text(client.get(address))
    client.post(address, body(pool))

    rule.refresh_from_db()
    assert rule.path["target"] == {"kind": "pool", "id": pool.pk}


# --- In words, and counted ---------------------------------------------------------------


def test_a_rule_is_told_and_counted_while_it_is_written(client, draft, pool):
    for employees in (900, 600, 60):
        make.routed(make.lead({"employees": employees}))

    with travel(AT + timedelta(hours=1)):
        shown = text(client.post(reverse("rule_add_preview"), body(pool)))
        pressed = text(client.post(reverse("rule_add"), body(pool, act="count")))

    for page in (shown, pressed):
        assert "If employees is at least 500, then give it to the pool Inbound, in turn" in page
        # The rule above takes every lead.
        assert "<b>2</b> of 3 leads fit, <b>0</b> would come to this rule first" in page
    assert not draft.rules.filter(name="Big ones").exists()


def test_a_stored_rule_is_counted_in_its_place(client, draft, pool):
    make.routed(make.lead({"employees": 900}))
    rule = draft.rules.get(is_fallback=False)

    with travel(AT + timedelta(hours=1)):
        opened = text(client.get(reverse("rule", args=[rule.pk])))
        changed = text(
            client.post(reverse("rule_preview", args=[rule.pk]), body(pool, c_value="1000"))
        )

    assert "<b>1</b> of 1 lead fits, <b>1</b> would come to this rule first" in opened
    assert "<b>0</b> of 1 lead" in changed


def test_what_is_not_finished_is_told_as_such(client, draft, pool):
    page = text(client.post(reverse("rule_add_preview"), body(pool, c_value="many", target="")))

    assert "a condition is not finished" in page
    assert "who gets them is not finished" in page


def test_a_rule_is_counted_alone_where_another_cannot_be_read(client, draft, pool):
    make.routed(make.lead({"employees": 900}))
    other = draft.rules.get(is_fallback=True)
    other.path = {"target": {"kind": "moon"}}
    make.saved(other)

    with travel(AT + timedelta(hours=1)):
        page = text(client.post(reverse("rule_add_preview"), body(pool)))

    assert "<b>1</b> of 1 lead fits." in page
    assert "Another rule of the draft cannot be read" in page


def test_a_rule_that_has_ended_would_take_nobody(client, draft, pool):
    make.routed(make.lead({"employees": 900}))

    with travel(AT + timedelta(hours=1)):
        ended = text(
            client.post(reverse("rule_add_preview"), body(pool, expires_at="2001-01-01T00:00"))
        )

    assert "<b>0</b> of 1 lead" in ended


def test_the_preview_is_none_of_a_reps_business(client, draft, pool):
    client.force_login(make.user(group="rep"))

    assert client.post(reverse("rule_add_preview"), body(pool)).status_code == 403


def test_the_draft_tells_what_each_rule_would_take(client, ops, draft, pool):
    make.routed(make.lead({"employees": 900}))

    with travel(AT + timedelta(hours=1)):
        page = text(client.get(reverse("rules_draft")))

    assert "1 of 1 lead fits, 1 would come here first (last month)" in page
    assert "1 of 1 lead fits, 0 would come here first (last month)" in page


def test_the_statements_of_the_page_do_not_grow_with_leads_and_rules(client, ops, draft, pool):
    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            client.post(reverse("rule_add"), body(pool, act="count"))
        return len(seen)

    cost()
    few = cost()
    for lead in make.leads(4):
        make.routed(lead)
    for number in range(4):
        edit.save_rule(
            ruleset=draft,
            rule=None,
            name=f"More {number}",
            condition={"all": []},
            path={"target": {"kind": "nurture"}},
            by=ops,
            at=AT,
        )
    assert cost() == few


def test_a_large_rule_stays_a_light_page(client, draft, pool):
    rule = draft.rules.get(is_fallback=False)
    one = {"fact": "employees", "op": "gte", "value": 5}
    rule.condition = {"any": [{"all": [one, one, one]} for _ in range(3)]}
    stage = {"do": "filter", "by": "language", "at_least": 3}
    rule.path = {
        **rule.path,
        "stages": [{**stage, "relax": [{"after": 60, "drop": True}]}] * 3,
    }
    make.saved(rule)

    # Each of its nine questions offers every fact there is.
    assert len(client.get(reverse("rule", args=[rule.pk])).content) < 120_000
