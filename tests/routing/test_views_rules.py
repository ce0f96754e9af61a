"""The rules' pages: read what is live, change a draft without code, publish, roll back."""

import pytest
from django.urls import reverse

from routing.models import Organisation, Rule, RuleSet
from routing.rules import edit, lifecycle
from tests import make

pytestmark = pytest.mark.django_db
ROW = {"g_match": "all", "c_group": "0", "c_fact": "employees", "c_op": "gte", "c_value": "500"}


@pytest.fixture
def manager(client):
    user = make.user("morgan", group="manager")
    client.force_login(user)
    return user


@pytest.fixture
def pool():
    return make.pool(make.rep("robin"), name="Enterprise")


@pytest.fixture
def draft(manager, pool):
    make.rules(make.round_robin(pool))
    return lifecycle.draft(by=manager, at=make.MONDAY_9AM)


def body(pool, **more):
    return {"name": "Big ones", "target": f"pool:{pool.pk}", "on_empty": "next", **ROW, **more}


def test_the_live_rules_are_read_as_sentences(client, manager, pool):
    make.rules(
        {
            "name": "Big",
            "condition": {"all": [{"fact": "employees", "op": "gte", "value": 500}]},
            "path": {"target": {"kind": "pool", "id": pool.pk}},
        }
    )

    page = client.get(reverse("rules")).content.decode()

    assert "If employees is at least 500" in page
    assert "then give it to the pool Enterprise, in turn" in page
    assert "Whatever is left" in page
    assert "{" not in page.partition("<main")[2]


@pytest.mark.parametrize("name", ["rules", "rules_draft", "rule_add", "score"])
def test_rules_are_none_of_a_reps_business(client, name):
    client.force_login(make.user(group="rep"))

    assert client.get(reverse(name)).status_code == 403


def test_without_an_organisation_the_rules_lead_to_the_set_up(client, manager):
    assert client.get(reverse("rules")).url == reverse("setup_organisation")


@pytest.mark.parametrize("name", ["rules_draft", "rule_add", "score"])
def test_the_pages_of_a_draft_open(client, draft, name):
    assert client.get(reverse(name)).status_code == 200


def test_a_rule_is_added_from_rows_and_choices(client, manager, draft, pool):
    answer = client.post(
        reverse("rule_add"),
        body(
            pool,
            s_side=["0", "0"],
            s_do=["filter", "prefer"],
            s_by=["on_shift", "former_owner"],
            s_what=["", ""],
            s_amount=["15 minutes", ""],
            select="round_robin",
        ),
    )

    assert answer.url == reverse("rules_draft")
    rule = draft.rules.get(name="Big ones")
    assert rule.condition == {"all": [{"fact": "employees", "op": "gte", "value": 500}]}
    assert rule.path == {
        "target": {"kind": "pool", "id": pool.pk},
        "stages": [
            {"do": "filter", "by": "on_shift", "within": 900},
            {"do": "prefer", "by": "former_owner"},
            {"do": "select", "by": "round_robin"},
        ],
        "on_empty": "next",
    }
    assert [r.is_fallback for r in draft.rules.order_by("position")] == [False, False, True]
    assert rule.history.first().history_user == manager


def test_another_row_keeps_what_was_typed_and_saves_nothing(client, draft, pool):
    page = client.post(reverse("rule_add"), body(pool, act="row:0", on_empty="wait"))

    text = page.content.decode()
    assert page.status_code == 200
    assert 'value="Big ones"' in text
    assert f'value="pool:{pool.pk}" selected' in text
    assert len(page.context["sheet"].main.rows) == 2
    assert not draft.rules.filter(name="Big ones").exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"c_value": "many"}, "Write a number"),
        ({"c_op": "contains"}, "does not fit here"),
        ({"name": ""}, "required"),
        ({"target": "nurture-me"}, "valid choice"),
        ({"target": "account_owner", "select": "round_robin"}, "Only a pool can take turns"),
        ({"is_fallback": "on"}, "has no condition"),
        ({"is_fallback": "on", "c_fact": "", "c_value": ""}, "a fallback already"),
    ],
)
def test_a_mistake_is_told_in_words_and_nothing_is_saved(client, draft, pool, wrong, words):
    before = draft.rules.count()

    page = client.post(reverse("rule_add"), {**body(pool), **wrong})

    assert page.status_code == 422
    assert words in page.content.decode()
    assert draft.rules.count() == before


def test_a_condition_too_deep_for_rows_is_kept(client, draft, pool, manager):
    one = {"fact": "employees", "op": "gte", "value": 5}
    deep = {"all": [one, {"any": [one, {"any": []}]}]}
    rule = draft.rules.filter(is_fallback=False).get()
    rule.condition = deep
    make.saved(rule)

    page = client.get(reverse("rule", args=[rule.pk])).content.decode()
    client.post(
        reverse("rule", args=[rule.pk]),
        {"name": "Renamed", "target": f"pool:{pool.pk}", "on_empty": "wait", "g_match": "all"},
    )

    rule.refresh_from_db()
    assert "nested deeper" in page
    assert (rule.name, rule.condition) == ("Renamed", deep)


def test_a_condition_too_deep_is_replaced_when_asked(client, draft, pool):
    one = {"fact": "employees", "op": "gte", "value": 5}
    rule = draft.rules.filter(is_fallback=False).get()
    rule.condition = {"all": [{"any": [{"all": [one, {"not": one}]}]}]}
    make.saved(rule)

    client.post(reverse("rule", args=[rule.pk]), body(pool, replace_condition="1"))

    rule.refresh_from_db()
    assert rule.condition == {"all": [{"fact": "employees", "op": "gte", "value": 500}]}


def test_rules_move_and_the_fallback_stays_last(client, manager, draft, pool):
    client.post(reverse("rule_add"), body(pool))
    big = draft.rules.get(name="Big ones")

    client.post(reverse("rule_move", args=[big.pk]), {"way": "up"})
    client.post(reverse("rule_move", args=[draft.rules.get(is_fallback=True).pk]), {"way": "up"})

    rows = list(draft.rules.order_by("position").values_list("name", "position", "is_fallback"))
    assert rows[0][0] == "Big ones"
    assert [row[1] for row in rows] == [1, 2, 3]
    assert rows[-1][2]


def test_a_rule_is_taken_out_and_leaves_no_gap(client, draft, pool):
    client.post(reverse("rule_add"), body(pool))
    first = draft.rules.order_by("position").first()

    client.post(reverse("rule_delete", args=[first.pk]))

    assert list(draft.rules.order_by("position").values_list("position", flat=True)) == [1, 2]
    assert Rule.history.filter(id=first.pk, history_type="-").exists()


def test_a_published_rule_is_not_edited(client, manager, draft, pool):
    live = Organisation.get().live_ruleset.rules.first()

    answers = [
        client.get(reverse("rule", args=[live.pk])).status_code,
        client.post(reverse("rule", args=[live.pk]), body(pool)).status_code,
        client.post(reverse("rule_move", args=[live.pk]), {"way": "up"}).status_code,
        client.post(reverse("rule_delete", args=[live.pk])).status_code,
    ]

    assert answers == [404] * 4
    with pytest.raises(edit.RulesRefused):
        edit.delete_rule(rule=live, by=manager, at=make.MONDAY_9AM)


def test_a_draft_without_fallback_is_not_published_and_says_why(client, draft):
    make.trail.delete(
        draft.rules.get(is_fallback=True), by=None, at=make.MONDAY_9AM, reason="for a test"
    )

    page = client.post(reverse("rules_publish"), follow=True).content.decode()

    draft.refresh_from_db()
    assert draft.state == RuleSet.State.DRAFT
    assert "There is no fallback rule" in page


def test_a_draft_goes_live_and_the_version_before_comes_back(client, manager, draft):
    before = Organisation.get().live_ruleset

    client.post(reverse("rules_publish"))
    published = Organisation.get().live_ruleset
    refused = client.post(reverse("rules_version", args=[before.pk]), {"reason": ""})
    client.post(reverse("rules_version", args=[before.pk]), {"reason": "it was better"})

    assert published == draft
    assert refused.status_code == 422
    assert Organisation.get().live_ruleset == before
    assert "it was better" in Organisation.history.first().history_change_reason


MADE_UP = ["drop:9:9", "drop:²:²", "drop:" + "9" * 5000, "row:", ":", "x" * 9000]


def test_made_up_buttons_break_nothing(client, draft, pool, subtests):
    for act in MADE_UP:
        with subtests.test(str(act)):
            page = client.post(reverse("rule_add"), body(pool, name="", act=act))

            assert page.status_code in (200, 422)


RUBBISH = ["\x00", "²", "9" * 5000, "1e999", "nan", "-", "a" * 50_000]


def test_made_up_values_break_nothing(client, draft, pool, subtests):
    for fact in ("employees", "country", "territory", "hand_raise", "answers"):
        for value in RUBBISH:
            with subtests.test(f"{fact} {value[:10]}"):
                sent = body(pool, name="", c_fact=fact, c_op="eq", c_value=value, c_group="²")

                assert client.post(reverse("rule_add"), sent).status_code == 422
