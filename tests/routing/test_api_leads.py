"""Leads over HTTP: reading what one may see, and working what is one's own."""

import json
from dataclasses import dataclass

import pytest
from django.test import Client

from reps.models import Rep
from routing.keys import issue_key
from routing.models import Lead, Organisation
from sla.models import Policy
from tests import make
from tests.recorded import recorded

pytestmark = pytest.mark.django_db
API = "/api/v1"


@dataclass
class Cast:
    """Two teams, and a lead that belongs to rep A of the first."""

    lead: Lead
    clients: dict[str, Client]
    people: dict[str, Rep]


def signed_in(user) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.fixture
def cast():
    make.organisation()
    managers = {name: make.user(name, group="manager") for name in ("manager_a", "manager_b")}
    team_a = make.team("A", manager=managers["manager_a"])
    team_b = make.team("B", manager=managers["manager_b"])
    rep_a, mate_a = make.rep("rep_a", team=team_a), make.rep("mate_a", team=team_a)
    rep_b = make.rep("rep_b", team=team_b)
    make.policy()
    make.rules(make.round_robin(make.pool(rep_a)))
    lead = make.routed(make.lead())
    assert lead.owner == rep_a
    key = issue_key(source=lead.source, by=managers["manager_a"], at=make.MONDAY_9AM)
    users = {
        "rep_a": rep_a.user,
        "rep_b": rep_b.user,
        **managers,
        "revops": make.user("revops", group="revops"),
        "admin": make.user("admin", group="admin"),
    }
    clients = {name: signed_in(user) for name, user in users.items()}
    clients["key"] = Client(
        raise_request_exception=False, headers={"Authorization": f"Bearer {key}"}
    )
    clients["anonymous"] = Client(raise_request_exception=False)
    return Cast(lead, clients, {"rep_a": rep_a, "mate_a": mate_a, "rep_b": rep_b})


def send(client, url, **body):
    return client.post(f"{API}{url}", json.dumps(body), "application/json")


SEES = ("rep_a", "manager_a", "revops", "admin")
BLIND = ("rep_b", "manager_b")
READ = ("/leads/{lead}/", "/leads/{lead}/explanation/", "/leads/{lead}/history/")
ACTS = {
    "claim": {"epoch": 1},
    "acknowledge": {"epoch": 1},
    "contact": {"epoch": 1, "way": "CALL", "reached": True},
    "decline": {"epoch": 1, "reason": "no"},
    "request-reassignment": {"epoch": 1, "reason": "no"},
    "reassign": {"epoch": 1, "reason": "no"},
    "outcome": {"epoch": 1, "kind": "MEETING"},
}
ABOUT_LEADS = ("leads", "assignments", "decisions", "clocks", "escalations")


def test_who_may_see_a_lead_reads_it_and_nobody_else_learns_that_it_is_there(cast, subtests):
    for url in READ:
        with subtests.test(str(url)):
            known, unknown = url.format(lead=cast.lead.pk), url.format(lead=987654)

            for who in SEES:
                assert cast.clients[who].get(API + known).status_code == 200, who
            for who in BLIND:
                foreign, nothing = (
                    cast.clients[who].get(API + known),
                    cast.clients[who].get(API + unknown),
                )
                assert foreign.status_code == nothing.status_code == 404, who
                assert foreign.json() == nothing.json(), who
            assert cast.clients["key"].get(API + known).status_code == 403
            assert cast.clients["anonymous"].get(API + known).status_code == 401


def test_acts_on_foreign_leads_find_nothing(cast, subtests):
    for act in ACTS:
        with subtests.test(str(act)):
            before = Lead.history.count()

            for who in BLIND:
                to = {"to": cast.people["rep_b"].pk} if act == "reassign" else {}
                foreign = send(
                    cast.clients[who], f"/leads/{cast.lead.pk}/{act}/", **ACTS[act], **to
                )
                nothing = send(cast.clients[who], f"/leads/987654/{act}/", **ACTS[act], **to)
                assert foreign.status_code == nothing.status_code == 404, who
                assert foreign.json() == nothing.json(), who
            assert send(cast.clients["key"], f"/leads/{cast.lead.pk}/{act}/").status_code == 403
            assert (
                send(cast.clients["anonymous"], f"/leads/{cast.lead.pk}/{act}/").status_code == 401
            )
            assert Lead.history.count() == before


def test_lists_count_only_what_one_may_see(cast, subtests):
    for resource in ABOUT_LEADS:
        with subtests.test(str(resource)):
            counts = {who: cast.clients[who].get(f"{API}/{resource}/") for who in (*SEES, *BLIND)}

            full = counts["admin"].json()["count"]
            assert all(counts[who].json()["count"] == full for who in SEES)
            assert all(counts[who].json()["count"] == 0 for who in BLIND)
            if full:
                pk = counts["admin"].json()["results"][0]["id"]
                assert cast.clients["rep_a"].get(f"{API}/{resource}/{pk}/").status_code == 200
                assert cast.clients["rep_b"].get(f"{API}/{resource}/{pk}/").status_code == 404


def test_reps_see_only_themselves_among_reps(cast):
    mine = cast.clients["rep_a"].get(f"{API}/reps/").json()
    other = cast.clients["rep_a"].get(f"{API}/reps/{cast.people['rep_b'].pk}/")
    teams = cast.clients["manager_a"].get(f"{API}/reps/").json()

    assert [rep["id"] for rep in mine["results"]] == [cast.people["rep_a"].pk]
    assert other.status_code == 404
    assert teams["count"] == 2


def test_a_lead_says_who_the_person_is_to_its_owner_only(cast):
    body = cast.clients["rep_a"].get(f"{API}/leads/{cast.lead.pk}/").json()

    assert body["prospect"]["email"] == cast.lead.prospect.email
    assert body["epoch"] == cast.lead.owner_epoch
    assert cast.lead.prospect.email not in str(cast.clients["rep_b"].get(f"{API}/leads/").content)


@pytest.mark.parametrize(
    ("verb", "more", "expected"),
    [
        ("acknowledge", {}, {"state": "WORKING"}),
        ("contact", {"way": "CALL", "reached": True}, {"state": "CONTACTED"}),
        ("contact", {"way": "EMAIL", "reached": False}, {"state": "WORKING"}),
        ("outcome", {"kind": "MEETING"}, {"state": "MEETING"}),
        ("outcome", {"kind": "LOST", "reason": "No budget"}, {"place": "CLOSED"}),
        ("outcome", {"kind": "WON", "value": "1200.50"}, {"place": "CLOSED"}),
    ],
)
def test_the_owner_works_the_lead(cast, verb, more, expected):
    with recorded() as trail:
        answer = send(
            cast.clients["rep_a"],
            f"/leads/{cast.lead.pk}/{verb}/",
            epoch=cast.lead.owner_epoch,
            **more,
        )

    assert answer.status_code in (200, 204)
    cast.lead.refresh_from_db()
    assert {name: getattr(cast.lead, name) for name in expected} == expected
    assert [subject for subject, _ in trail.rows] == ["routing.lead"]
    assert trail.rows[0][1].history_user == cast.people["rep_a"].user


def test_declining_hands_the_lead_back(cast):
    answer = send(
        cast.clients["rep_a"], f"/leads/{cast.lead.pk}/decline/", epoch=1, reason="Not my field"
    )

    cast.lead.refresh_from_db()
    assert answer.status_code == 204
    assert cast.lead.place == Lead.Place.QUEUE
    assert cast.lead.assignments.get(epoch=2).driver == "api"


def test_a_manager_gives_the_lead_to_a_rep_of_the_team(cast):
    url = f"/leads/{cast.lead.pk}/reassign/"
    own, foreign = cast.people["mate_a"].pk, cast.people["rep_b"].pk

    elsewhere = send(cast.clients["manager_a"], url, epoch=1, to=foreign, reason="Try")
    moved = send(cast.clients["manager_a"], url, epoch=1, to=own, reason="Speaks French")

    assert elsewhere.status_code == 400
    assert elsewhere.json()["errors"][0]["field"] == "to"
    assert moved.json()["owner"]["id"] == own


def test_a_rep_does_not_give_leads_away(cast):
    answer = send(
        cast.clients["rep_a"],
        f"/leads/{cast.lead.pk}/reassign/",
        epoch=1,
        to=cast.people["rep_a"].pk,
        reason="Mine",
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_a_request_waits_for_the_manager(cast):
    url = f"/leads/{cast.lead.pk}/request-reassignment/"
    made = send(cast.clients["rep_a"], url, epoch=1, reason="On leave", wanted=None)
    again = send(cast.clients["rep_a"], url, epoch=1, reason="On leave")

    assert (made.status_code, made.json()["request_state"]) == (201, "PENDING")
    assert (again.status_code, again.json()["code"]) == (409, "request_refused")


def test_whoever_is_too_slow_reads_why(cast):
    send(
        cast.clients["manager_a"],
        f"/leads/{cast.lead.pk}/reassign/",
        epoch=1,
        to=cast.people["mate_a"].pk,
        reason="Away",
    )
    answer = send(cast.clients["rep_a"], f"/leads/{cast.lead.pk}/acknowledge/", epoch=1)

    assert (answer.status_code, answer.json()["code"]) == (409, "epoch_passed")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("verb", "more", "code"),
    [
        ("outcome", {"kind": "LOST", "reason": ""}, "work_refused"),
        ("claim", {}, "epoch_passed"),
    ],
)
def test_refusals_have_a_stable_code(cast, verb, more, code):
    answer = send(cast.clients["rep_a"], f"/leads/{cast.lead.pk}/{verb}/", epoch=1, **more)

    assert (answer.status_code, answer.json()["code"]) == (409, code)


def test_acts_on_somebody_elses_lead_in_sight_are_not_yours(cast):
    answer = send(cast.clients["manager_a"], f"/leads/{cast.lead.pk}/acknowledge/", epoch=1)

    assert (answer.status_code, answer.json()["code"]) == (409, "not_yours")


def test_a_full_rep_gets_no_more(cast):
    full = cast.people["mate_a"]
    full.capacity = 0
    make.saved(full)

    answer = send(
        cast.clients["admin"], f"/leads/{cast.lead.pk}/reassign/", epoch=1, to=full.pk, reason="x"
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "cap_reached")


def test_claiming_has_one_winner_and_shows_no_person_before(cast):
    queue = make.queue(make.pool(cast.people["rep_b"], cast.people["mate_a"]))
    make.rules({"name": "All", "path": {"target": {"kind": "queue", "id": queue.pk}}})
    lead = make.routed(make.lead())
    mate = signed_in(cast.people["mate_a"].user)

    offered = cast.clients["rep_b"].get(f"{API}/leads/claimable/")
    epoch = offered.json()["results"][0]["epoch"]
    first = send(cast.clients["rep_b"], f"/leads/{lead.pk}/claim/", epoch=epoch)
    second = send(mate, f"/leads/{lead.pk}/claim/", epoch=epoch)
    outsider = send(cast.clients["rep_a"], f"/leads/{lead.pk}/claim/", epoch=epoch)

    assert lead.prospect.email not in offered.content.decode()
    assert first.json()["owner"]["id"] == cast.people["rep_b"].pk
    assert (second.status_code, second.json()["code"]) == (409, "epoch_passed")
    assert outsider.status_code == 404


def test_reps_ask_about_themselves_only(cast):
    url = f"{API}/leads/{cast.lead.pk}/explanation/"
    own = cast.clients["rep_a"].get(url).json()
    other = cast.clients["rep_a"].get(f"{url}?rep={cast.people['mate_a'].pk}")
    asked = cast.clients["manager_a"].get(f"{url}?rep={cast.people['mate_a'].pk}").json()
    whole = cast.clients["manager_a"].get(url).json()

    assert own["rep"] == cast.people["rep_a"].pk
    assert own["explanation"]["winner"] == cast.people["rep_a"].pk
    assert other.status_code == 404
    assert asked["explanation"]["answer"]["verdict"] == "not_a_candidate"
    assert whole["rep"] is None


@pytest.mark.parametrize("rep", ["x", "-1", "", "9" * 30, "%00"])
def test_a_nonsensical_question_is_refused(cast, rep):
    answer = cast.clients["admin"].get(f"{API}/leads/{cast.lead.pk}/explanation/?rep={rep}")

    assert answer.status_code == 400


def test_an_undecided_lead_says_so(cast):
    fresh = make.lead()

    answer = cast.clients["admin"].get(f"{API}/leads/{fresh.pk}/explanation/")

    assert (answer.status_code, answer.json()["code"]) == (404, "no_decision_yet")


def test_history_tells_custody_and_changes(cast):
    send(cast.clients["rep_a"], f"/leads/{cast.lead.pk}/acknowledge/", epoch=1)

    story = cast.clients["revops"].get(f"{API}/leads/{cast.lead.pk}/history/").json()

    assert story["custody"][-1]["rep"]["id"] == cast.people["rep_a"].pk
    assert story["changes"][-1]["reason"] == "acknowledged"
    assert story["changes"][-1]["changed"]["state"] == "WORKING"


@pytest.mark.parametrize("resource", ["leads", "assignments", "decisions", "clocks", "reps"])
def test_query_counts_do_not_grow_with_rows(cast, resource, django_assert_max_num_queries):
    client, url = cast.clients["admin"], f"{API}/{resource}/"
    client.get(url)
    with django_assert_max_num_queries(60) as few:
        client.get(url)
    for lead in make.leads(5):
        make.routed(lead)
    make.rep()
    with django_assert_max_num_queries(len(few)):
        client.get(url)


HOSTILE_INPUT = [
    b"",
    b"[]",
    b"null",
    b"5",
    b"{",
    b'{"epoch": "x"}',
    b'{"epoch": -1}',
    b'{"epoch": 1e400}',
    b'{"epoch": NaN}',
    b'{"epoch": ' + b"9" * 5000 + b"}",
    b'{"epoch": 1, "reason": "\\u0000", "to": 1}',
    b'{"epoch": 1, "reason": "\\ud800", "to": 1}',
    b'{"epoch": 1, "reason": "x", "to": {"a": 1}, "way": [], "kind": {}, "wanted": []}',
    b'{"epoch": 1, "kind": "WON", "value": "NaN"}',
    b'{"epoch": 1, "kind": "WON", "value": 1e300}',
    b'{"epoch": 1, "way": "CALL", "reached": "\\u0000"}',
    b'{"epoch": 1, "reason": "x", "to": ' + b"9" * 30 + b', "wanted": ' + b"9" * 30 + b"}",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"\xff\xfe",
]


def test_no_input_to_an_act_breaks_the_server(cast, subtests):
    for act in ACTS:
        with subtests.test(str(act)):
            for raw in HOSTILE_INPUT:
                answer = cast.clients["admin"].post(
                    f"{API}/leads/{cast.lead.pk}/{act}/", raw, "application/json"
                )

                assert answer.status_code in (400, 403, 409), (raw[:60], answer.status_code)
                assert answer.headers["Content-Type"] == "application/problem+json"


def test_hostile_questions_are_refused_in_words(cast):
    for query in ("owner=x", "place=%00", "received_after=never", "email=%00", "owner=" + "9" * 40):
        answer = cast.clients["admin"].get(f"{API}/leads/?{query}")

        assert answer.status_code in (200, 400), query
    assert cast.clients["admin"].get(f"{API}/leads/{'9' * 400}/").status_code == 404
    assert cast.clients["admin"].get(f"{API}/leads/?page=x").status_code == 404


def test_the_cast_is_as_the_tests_say(cast):
    assert Organisation.get().live_ruleset is not None
    assert Policy.objects.count() == 1
