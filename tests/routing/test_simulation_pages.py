"""Simulations on pages, over the API, by the command; who may see what of them."""

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from routing.engine import rotation
from routing.models import Organisation, RuleSet, SimulatedLead, Simulation
from routing.simulation import uploads, work
from tests import make
from tests.clock import travel

AT = make.MONDAY_9AM
LATER = AT + timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    """Four leads shared by two reps of two teams, and a draft that gives all to one."""
    make.organisation(approval_above=100)
    east = make.team("East", manager=make.user("eva", group="manager"))
    west = make.team("West")
    ann, ben = make.rep("ann", team=east), make.rep("ben", team=west)
    make.rules(make.round_robin(make.pool(ann, ben, name="All"), on_empty="wait"))
    for n in range(4):
        at = AT + n * make.MINUTE
        make.routed(make.lead({"name": f"Person {n}", "company": f"Firm {n}"}, at=at), at=at)
    make.rules(make.round_robin(make.pool(ann, name="Just Ann"), on_empty="wait"), publish=False)
    make.user("rita", group="revops")
    return ann, ben


def signed_in(client, name):
    client.login(username=name, password="secret-words")
    return client


def done(**given) -> Simulation:
    given.setdefault("since", AT)
    asked = work.start(
        ruleset=RuleSet.objects.get(state="DRAFT"), at=LATER, **{"by": None, **given}
    )
    while work.drain(driver="test", due_before=LATER + make.MINUTE, at=LATER, only=asked.pk):
        pass
    asked.refresh_from_db()
    return asked


def crooked(monkeypatch):
    honest = rotation.standings
    monkeypatch.setattr(
        rotation,
        "standings",
        lambda *a, **k: [(*(-int(part) for part in key[:-1]), key[-1]) for key in honest(*a, **k)],
    )


# --- Pages -------------------------------------------------------------------------------


def test_ask_on_the_page_watch_it_and_read_what_it_found(client, scene):
    ann, _ = scene
    signed_in(client, "rita")
    with travel(LATER):
        form = client.get(reverse("simulation_new"))
        assert form.context["form"].initial["ruleset"] == RuleSet.objects.get(state="DRAFT").pk
        answer = client.post(
            reverse("simulation_new"),
            {"ruleset": form.context["form"].initial["ruleset"], "since": "2026-06-15"},
        )
        made = Simulation.objects.get()
        assert answer.url == reverse("simulation", args=[made.pk])
        assert b"You may leave this page" in client.get(answer.url).content
        work.drain(driver="test", due_before=LATER, at=LATER)
        work.drain(driver="test", due_before=LATER + make.MINUTE, at=LATER)
        page = client.get(answer.url)

    text = page.content.decode()
    assert "4 decisions recomputed: all agree with production." in text
    assert "50.0 %" in text
    assert text.count('<svg class="twobars"') > 4
    assert f'aria-label="{ann.user.label}: live 2, draft 4"' in text
    # Changed leads only, unless asked otherwise.
    assert len(page.context["lines"]) == 2
    assert len(client.get(answer.url, {"show": "all"}).context["lines"]) == 4
    assert len(client.get(answer.url, {"show": "all", "tier": "HOT"}).context["lines"]) == 0
    assert len(client.get(answer.url, {"show": "all", "rep": ann.pk}).context["lines"]) == 4


def test_the_page_says_loudly_that_the_engine_disagrees(client, scene, monkeypatch):
    crooked(monkeypatch)
    row = done()

    text = signed_in(client, "rita").get(reverse("simulation", args=[row.pk])).content.decode()

    assert "otherwise than production had" in text
    assert "Do not trust what follows" in text


def test_a_manager_sees_the_figures_of_all_and_the_leads_of_the_team(client, scene):
    ann, _ = scene
    row = done()
    signed_in(client, "eva")

    page = client.get(reverse("simulation", args=[row.pk]), {"show": "all"})
    export = client.get(reverse("simulation_export", args=[row.pk]), {"show": "all"})

    assert page.context["simulation"].result["leads"] == 4
    assert {line.actual for line in page.context["lines"]} == {ann.user.label}
    assert len(b"".join(export.streaming_content).splitlines()) == 1 + 2


def test_reps_and_strangers_are_turned_away(client, scene):
    row = done()
    pages = ("simulation", "simulation_export", "simulation_errors")
    addresses = [reverse("simulations"), reverse("simulation_new")]
    addresses += [reverse(name, args=[row.pk]) for name in pages]
    for address in addresses:
        assert client.get(address).status_code == 302
    signed_in(client, "ann")
    for address in addresses:
        assert client.get(address).status_code == 403
    assert client.post(reverse("simulation_cancel", args=[row.pk])).status_code == 403


def test_cancel_on_the_page(client, scene):
    asked = work.start(ruleset=RuleSet.objects.get(state="DRAFT"), since=AT, by=None, at=LATER)
    signed_in(client, "rita")

    client.post(reverse("simulation_cancel", args=[asked.pk]))
    asked.refresh_from_db()

    assert asked.state == "CANCELLED"
    assert b"Cancelled after" in client.get(reverse("simulation", args=[asked.pk])).content
    # A second time says so and changes nothing.
    answer = client.post(reverse("simulation_cancel", args=[asked.pk]), follow=True)
    assert b"cancelled already" in answer.content


def test_the_list_says_what_each_found(client, scene):
    done()
    text = signed_in(client, "rita").get(reverse("simulations")).content.decode()
    assert "v2 against v1" in text
    assert "50.0 %" in text


def test_queries_of_the_page_do_not_grow_with_the_leads(client, scene):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    signed_in(client, "rita")

    def queries(row):
        address = reverse("simulation", args=[row.pk])
        client.get(address, {"show": "all"})
        with CaptureQueriesContext(connection) as seen:
            client.get(address, {"show": "all"})
        return len(seen)

    few = queries(done())
    for n in range(6):
        at = AT + timedelta(hours=1) + n * make.MINUTE
        make.routed(make.lead(at=at), at=at)
    assert queries(done()) == few


# --- Files -------------------------------------------------------------------------------

FILE = """Company size,employees,country,tier,at,Asked to be contacted
x,20,DE,HOT,2026-06-15T09:30,yes
x,many,DE,HOT,,yes
x,50,Atlantis,LUKEWARM,,perhaps
x,70,FR,COLD,2026-06-15T08:30,no
"""


def test_a_file_is_read_into_facts_and_bad_rows_are_kept_with_their_reasons():
    found = uploads.read("leads.csv", FILE.encode())

    assert [(row[0], row[2]) for row in found.rows] == [
        (2, {"employees": 20, "country": "DE", "tier": "HOT", "hand_raise": True}),
        (5, {"employees": 70, "country": "FR", "tier": "COLD", "hand_raise": False}),
    ]
    assert found.rows[0][1] - found.rows[1][1] == 3600
    assert found.broken == 2
    assert [(row, column) for row, column, _ in found.errors] == [
        (3, "employees"),
        (4, "country"),
        (4, "tier"),
        (4, "Asked to be contacted"),
    ]
    assert found.unknown == ["Company size"]


def test_an_uploaded_file_is_routed_with_the_people_of_now(client, scene):
    ann, ben = scene
    signed_in(client, "rita")
    with travel(LATER):
        answer = client.post(
            reverse("simulation_new"),
            {
                "ruleset": RuleSet.objects.get(state="DRAFT").pk,
                "file": SimpleUploadedFile("leads.csv", FILE.encode()),
            },
        )
    row = Simulation.objects.get()
    while work.drain(driver="test", due_before=LATER + make.MINUTE, at=LATER):
        pass
    row.refresh_from_db()

    assert (row.state, row.result["leads"], row.result["moves"]) == ("DONE", 2, 1)
    # In order of time, from empty counters: Ann, then Ben.
    assert list(row.leads.values_list("label", "live_rep", "draft_rep", "agrees")) == [
        ("Row 5", ann.pk, ann.pk, None),
        ("Row 2", ben.pk, ann.pk, None),
    ]
    # What may be personal is gone when it is done; what was wrong stays.
    assert row.upload["rows"] == []
    page = client.get(answer.url)
    assert b"2 rows were left out." in page.content
    errors = b"".join(client.get(reverse("simulation_errors", args=[row.pk])).streaming_content)
    assert b"3,employees,is no number" in errors


def test_a_file_of_somebody_else_is_not_shown_to_a_manager(client, scene):
    row = done(since=None, upload=uploads.read("leads.csv", FILE.encode()))
    address = reverse("simulation", args=[row.pk])

    assert signed_in(client, "eva").get(address).status_code == 404
    assert signed_in(client, "rita").get(address).status_code == 200


def test_a_file_without_facts_or_usable_rows_is_refused(client, scene):
    signed_in(client, "rita")
    ruleset = RuleSet.objects.get(state="DRAFT").pk
    for text, says in (
        ("colour,shape\nred,round\n", b"no column is called as a fact"),
        ("employees\nmany\n", b"No row of the file can be used"),
    ):
        file = SimpleUploadedFile("leads.csv", text.encode())
        answer = client.post(reverse("simulation_new"), {"ruleset": ruleset, "file": file})
        assert says in answer.content
    assert (
        b"Say from which day"
        in client.post(reverse("simulation_new"), {"ruleset": ruleset}).content
    )
    assert not Simulation.objects.exists()


def test_the_last_day_of_the_calendar_is_refused_in_words(client, scene):
    signed_in(client, "rita")
    ruleset = RuleSet.objects.get(state="DRAFT").pk

    page = client.post(
        reverse("simulation_new"),
        {"ruleset": ruleset, "since": "2026-06-15", "until": "9999-12-31"},
    )

    assert "until" in page.context["form"].errors


# --- API ---------------------------------------------------------------------------------


def test_the_api_starts_shows_and_lists(client, scene):
    signed_in(client, "rita")
    draft = RuleSet.objects.get(state="DRAFT")
    with travel(LATER):
        answer = client.post(
            f"/api/v1/rulesets/{draft.pk}/simulate/",
            {"since": AT.isoformat()},
            content_type="application/json",
        )
        assert answer.status_code == 202
        made = answer.json()
        assert made["state"] == "WAITING"
        while work.drain(driver="test", due_before=LATER + make.MINUTE, at=LATER):
            pass
        found = client.get(f"/api/v1/simulations/{made['id']}/").json()
        leads = client.get(f"/api/v1/simulations/{made['id']}/leads/", {"moves": "true"}).json()

    assert (found["state"], found["result"]["moves_percent"]) == ("DONE", 50)
    assert leads["count"] == 2
    assert client.get("/api/v1/simulations/").json()["count"] == 1
    again = client.post(f"/api/v1/simulations/{made['id']}/cancel/")
    assert (again.status_code, again.json()["code"]) == (409, "simulation_refused")


def test_the_api_shows_a_manager_the_leads_of_the_team_only(client, scene):
    row = done()
    assert signed_in(client, "eva").get(f"/api/v1/simulations/{row.pk}/leads/").json()["count"] == 2
    signed_in(client, "ann")
    assert client.get(f"/api/v1/simulations/{row.pk}/").status_code == 403
    draft = RuleSet.objects.get(state="DRAFT")
    asked = client.post(f"/api/v1/rulesets/{draft.pk}/simulate/", {"since": AT.isoformat()})
    assert asked.status_code == 403


# --- Command -----------------------------------------------------------------------------


def test_the_command_prints_a_summary(scene, capsys):
    with travel(LATER):
        call_command("simulate", ruleset="draft", since=AT.date())

    out = capsys.readouterr().out
    assert "v2 against v1" in out
    assert "100.00 % agree with production" in out
    assert "50.00 %" in out


def test_the_command_fails_when_the_live_rules_disagree(scene, monkeypatch, capsys):
    crooked(monkeypatch)
    with travel(LATER), pytest.raises(CommandError, match="otherwise than production"):
        call_command("simulate", ruleset="live", since=AT.date())
    assert "% agree with production" in capsys.readouterr().out


def test_the_command_takes_a_file_and_speaks_json(scene, tmp_path, capsys):
    (tmp_path / "leads.csv").write_text(FILE)
    with travel(LATER):
        call_command("simulate", ruleset="2", file=tmp_path / "leads.csv", json=True)
    assert json.loads(capsys.readouterr().out)["leads"] == 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"ruleset": "draft"}, "Give --since"),
        ({"ruleset": "99", "since": AT.date()}, "no such version"),
        ({"ruleset": "newest", "since": AT.date()}, "takes the number"),
        ({"ruleset": "draft", "since": LATER.date() + timedelta(days=1)}, "begin before"),
    ],
)
def test_the_command_says_what_is_wrong(scene, given, says):
    with travel(LATER), pytest.raises(CommandError, match=says):
        call_command("simulate", **given)


# --- Promises ----------------------------------------------------------------------------


def test_who_works_before_the_deadline_could_answer_in_time(scene):
    """Ann works around the clock, Ben in the afternoon only; five minutes are promised."""
    _, ben = scene
    ben.calendar = make.calendar(time_zone="UTC", weekly={"mon": [["15:00", "17:00"]]})
    make.saved(ben)
    make.policy(budget=300)
    at = AT + timedelta(hours=2)
    for n in range(2):
        moment = at + n * make.MINUTE
        make.routed(make.lead(at=moment), at=moment)

    found = done(since=at).result

    assert (found["live"]["promised"], found["live"]["in_time"]) == (2, 1)
    assert (found["draft"]["promised"], found["draft"]["in_time"]) == (2, 2)
    assert SimulatedLead.objects.filter(live_in_time=False).get().live_rep == ben
    assert Organisation.get().live_ruleset is not None
