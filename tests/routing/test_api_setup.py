"""Setting up over HTTP: each write leaves one history row and one audit event."""

import json

import pytest
from django.test import Client

from reps.models import Rep
from routing.models import Organisation, PoolMember, Rule, RuleSet
from tests import make
from tests.recorded import recorded

pytestmark = pytest.mark.django_db
API = "/api/v1"
FALLBACK = {"all": []}


@pytest.fixture
def boss():
    return make.user("boss", group="manager")


@pytest.fixture
def team(boss):
    return make.team("Mine", manager=boss)


@pytest.fixture
def client(boss, team):
    make.organisation()
    client = Client(raise_request_exception=False)
    client.force_login(boss)
    return client


def post(client, url, **body):
    return client.post(f"{API}{url}", json.dumps(body), "application/json")


def patch(client, url, **body):
    return client.patch(f"{API}{url}", json.dumps(body), "application/json")


def the_one(trail, boss, reason):
    assert len(trail.rows) == 1
    _, row = trail.rows[0]
    assert (row.history_user, row.history_change_reason) == (boss, reason)
    return row


def rows():
    """Resource → what a POST needs; built where the rows it refers to exist."""
    rep, pool = make.rep(team=make.team("Other")), make.pool()
    account = make.account()
    return {
        "teams": {"name": "North"},
        "skills": {"slug": "french", "name": "French"},
        "calendars": {"name": "Office", "time_zone": "Europe/Berlin"},
        "accounts": {"name": "Acme", "aliases": ["Acme Inc"]},
        "account-owners": {"account": account.pk, "rep": rep.pk, "starts_on": "2026-06-01"},
        "territories": {"name": "DACH", "countries": ["DE"], "owner": rep.pk},
        "pools": {"name": "General"},
        "pool-members": {"pool": pool.pk, "rep": rep.pk, "weight": 2},
        "limits": {"pool": pool.pk, "kind": "flow", "most": 3, "window": "DAY"},
        "queues": {"name": "Inbox", "responsible": rep.user_id},
        "policies": {"name": "Quick", "budget": 600},
    }


RESOURCES = (
    "teams",
    "skills",
    "calendars",
    "accounts",
    "account-owners",
    "territories",
    "pools",
    "pool-members",
    "limits",
    "queues",
    "policies",
)


@pytest.mark.parametrize("resource", RESOURCES)
def test_adding_changing_and_deleting_are_one_change_each(client, boss, resource):
    body = rows()[resource]
    with recorded() as added:
        made = post(client, f"/{resource}/", **body)
    assert made.status_code == 201, made.content
    url = f"/{resource}/{made.json()['id']}/"
    column, value = next(
        (name, new)
        for name, new in (
            ("name", "Renamed"),
            ("weight", 3),
            ("ends_on", "2026-07-01"),
            ("most", 5),
        )
        if name in made.json()
    )
    with recorded() as changed:
        answer = patch(client, url, **{column: value})
    with recorded() as unchanged:
        patch(client, url, **{column: value})
    with recorded() as deleted:
        gone = client.delete(f"{API}{url}")

    assert (answer.status_code, answer.json()[column], gone.status_code) == (200, value, 204)
    the_one(added, boss, "Edited by API")
    the_one(changed, boss, "Edited by API")
    the_one(deleted, boss, "Deleted by API")
    assert unchanged.rows == []


READABLE = [*RESOURCES, "rulesets", "rules", "reps"]


def test_reps_read_what_is_set_up_and_change_nothing(client, team, subtests):
    for resource in READABLE:
        with subtests.test(str(resource)):
            make.rules()
            rep = Client(raise_request_exception=False)
            rep.force_login(make.rep(team=team).user)

            with recorded() as trail:
                answers = [
                    rep.post(f"{API}/{resource}/", "{}", "application/json"),
                    rep.patch(f"{API}/{resource}/1/", "{}", "application/json"),
                    rep.delete(f"{API}/{resource}/1/"),
                ]

            assert rep.get(f"{API}/{resource}/").status_code == 200
            assert {answer.status_code for answer in answers} <= {403, 405}
            assert trail.rows == []


def test_a_rep_is_added_to_a_team_that_one_manages(client, boss, team):
    user = make.user("new")
    with recorded() as trail:
        made = post(client, "/reps/", user=user.pk, team=team.pk, capacity=5)
    elsewhere = post(client, "/reps/", user=make.user().pk, team=make.team("Other").pk)

    assert (made.status_code, made.json()["capacity"]) == (201, 5)
    the_one(trail, boss, "Edited by API")
    assert elsewhere.json()["errors"][0]["field"] == "team"


def test_capacity_goes_through_its_service(client, boss, team):
    rep = make.rep(team=team, capacity=5)

    with recorded() as trail:
        answer = patch(client, f"/reps/{rep.pk}/", capacity=9)

    assert answer.json()["capacity"] == 9
    the_one(trail, boss, "capacity")


@pytest.mark.parametrize("name", ["is_active", "paused_at", "pause_reason"])
def test_leaving_and_pausing_are_no_edits(client, team, name):
    rep = make.rep(team=team)

    with recorded() as trail:
        patch(client, f"/reps/{rep.pk}/", **{name: False})

    assert trail.rows == []
    assert Rep.objects.get(pk=rep.pk).is_active


def test_a_rep_is_paused_let_go_and_taken_back(client, team):
    rep = make.rep(team=team)
    url = f"/reps/{rep.pk}"

    paused = post(client, f"{url}/pause/", reason="Training").json()
    resumed = post(client, f"{url}/resume/").json()
    left = post(client, f"{url}/deactivate/", reason="Left")
    twice = post(client, f"{url}/deactivate/", reason="Left")
    back = post(client, f"{url}/reactivate/").json()

    assert (paused["pause_reason"], resumed["paused_at"]) == ("Training", None)
    assert left.json()["is_active"] is False
    assert (twice.status_code, twice.json()["code"]) == (409, "people_refused")
    assert back["is_active"] is True


def test_a_rep_pauses_themselves_and_nobody_else(client, team):
    rep, mate = make.rep(team=team), make.rep(team=team)
    own = Client()
    own.force_login(rep.user)

    assert post(own, f"/reps/{rep.pk}/pause/").status_code == 200
    assert post(own, f"/reps/{mate.pk}/pause/").status_code == 404
    assert post(own, f"/reps/{rep.pk}/deactivate/", reason="x").status_code == 403


def test_rules_are_drafted_published_and_rolled_back(client, boss):
    first = make.rules()
    draft = post(client, "/rulesets/", note="Better").json()
    added = post(
        client,
        "/rules/",
        ruleset=draft["id"],
        position=50,
        name="Hot ones rest",
        condition={"fact": "tier", "op": "eq", "value": "HOT"},
        path={"target": {"kind": "nurture"}},
    )
    published = post(client, f"/rulesets/{draft['id']}/publish/")
    again = post(client, f"/rulesets/{draft['id']}/publish/")
    back = post(client, f"/rulesets/{first.pk}/rollback/", reason="Too greedy")

    assert (draft["state"], added.status_code) == ("DRAFT", 201)
    assert published.json()["is_live"] is True
    assert (again.status_code, again.json()["code"]) == (409, "rules_refused")
    assert back.json()["is_live"] is True
    assert Organisation.get().live_ruleset == first


def test_rules_without_a_fallback_name_what_is_missing(client):
    draft = post(client, "/rulesets/").json()

    answer = post(client, f"/rulesets/{draft['id']}/publish/")
    findings = client.get(f"{API}/rulesets/{draft['id']}/findings/").json()

    assert answer.json()["errors"][0]["code"] == "no_fallback"
    assert findings[0]["code"] == "no_fallback"


def test_published_rules_are_fixed(client):
    published = make.rules()
    draft = make.rules(publish=False)
    rule = published.rules.first()

    with recorded() as trail:
        answers = [
            patch(client, f"/rules/{rule.pk}/", name="x"),
            patch(client, f"/rules/{rule.pk}/", ruleset=draft.pk, position=88),
            client.delete(f"{API}/rules/{rule.pk}/"),
            patch(client, f"/rulesets/{published.pk}/", note="x"),
            post(
                client,
                "/rules/",
                ruleset=published.pk,
                position=77,
                name="x",
                path={"target": {"kind": "nurture"}},
            ),
        ]

    assert {(one.status_code, one.json()["code"]) for one in answers} == {
        (409, "published_rules_are_fixed")
    }
    assert trail.rows == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("condition", {"fact": "nonsense", "op": "eq", "value": 1}),
        ("condition", 5),
        ("condition", {"all": [{"fact": "source", "op": "eq", "value": "\x00"}]}),
        ("path", {"target": {"kind": "nobody"}}),
        ("path", []),
        ("path", None),
    ],
)
def test_a_rule_that_the_engine_cannot_read_is_refused_by_field(client, column, value):
    draft = make.rules(publish=False)
    rule = draft.rules.first()

    answer = patch(client, f"/rules/{rule.pk}/", **{column: value})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == column
    assert Rule.objects.get(pk=rule.pk).name == rule.name


HOSTILE = [
    b"",
    b"[]",
    b"null",
    b"{",
    b"\xff",
    b"[" * 100_000,
    b'{"name": "\\u0000", "slug": "\\u0000"}',
    b'{"name": "\\ud800"}',
    b'{"name": {"a": 1}, "slug": [], "aliases": 5, "countries": "DE", "weekly": 5}',
    b'{"name": "x", "aliases": [1], "countries": [1], "weekly": [1], "slug": "x", "steps": 5}',
    b'{"name": "x", "aliases": ["\\u0000"], "countries": ["\\ud800"], "weekly": {"mon": "x"}}',
    b'{"name": "x", "employees": 1e400, "budget": NaN, "rank": 1e400}',
    b'{"name": "x", "employees": ' + b"9" * 5000 + b"}",
    b'{"name": "x", "slug": "y", "employees": 99999999999999999999, "budget": 99999999999999,'
    b' "rank": -99999999999999999999, "revenue": "NaN", "max_unworked": 99999999}',
    b'{"name": "x", "weekly": ' + b'{"mon":' * 500 + b"1" + b"}" * 500 + b"}",
    b'{"name": "x", "weekly": {"mon": [["a", "b"]]}, "condition": 5, "steps": {"a": 1}}',
    b'{"name": "x", "weekly": {}, "time_zone": "../../etc/passwd", "parent": "x"}',
    b'{"name": "x", "parent": 99999999999999999999999, "time_zone": "\\u0000"}',
    b'{"name": "x", "weekly": {"mon": [[1, 2]]}, "overrides": {"x": 5}, "breaks": []}',
    b'{"user": 99999999999999999999999, "team": [], "rep": {}, "pool": "x", "weight": 0}',
    b'{"ruleset": [], "position": -1, "name": "", "path": {"target": 5}}',
]


TAKING_INPUT = [*RESOURCES, "rules", "rulesets", "reps", "rep-skills"]


def test_no_input_breaks_the_server(client, subtests):
    for resource in TAKING_INPUT:
        with subtests.test(str(resource)):
            for raw in HOSTILE:
                answer = client.post(f"{API}/{resource}/", raw, "application/json")

                assert answer.status_code in (201, 400, 409), (raw[:80], answer.status_code)


def test_deleting_a_pool_takes_its_members_along_in_the_record(client, boss):
    pool = make.pool(make.rep(), make.rep())

    with recorded() as trail:
        client.delete(f"{API}/pools/{pool.pk}/")

    assert len(trail.rows) == 3
    assert {row.history_user for _, row in trail.rows} == {boss}
    assert not PoolMember.objects.exists()


def test_what_is_in_use_stays(client):
    skill = make.skill("french")
    make.rep_skill(make.rep(), skill)

    answer = client.delete(f"{API}/skills/{skill.pk}/")

    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")


def test_before_set_up_there_is_nothing_to_draft():
    client = Client(raise_request_exception=False)
    client.force_login(make.user(group="revops"))

    answer = post(client, "/rulesets/")

    assert (answer.status_code, answer.json()["code"]) == (409, "not_set_up")
    assert not RuleSet.objects.exists()
