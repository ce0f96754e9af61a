"""The review: who sees what, filters, figures, export and the time line."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps.due import jobs
from reps.due.clock import database_now
from reps.models import AuditEvent
from reps.trail import timeline
from routing import exports, work
from routing.insight import selectors
from routing.models import Lead
from tests import make

pytestmark = pytest.mark.django_db


class Scene:
    """A team with two reps, another team, and a rule that gives every lead to the first rep."""

    def __init__(self):
        self.at = database_now() - timedelta(days=2)
        make.organisation()
        self.manager = make.user("mia", group="manager")
        self.stranger = make.user("otto", group="manager")
        self.revops = make.user("riley", group="revops")
        east = make.team("East", manager=self.manager)
        make.team("West", manager=self.stranger)
        self.rep, self.backup = make.rep("rea", team=east), make.rep("ben", team=east)
        make.rules(make.round_robin(make.pool(self.rep)))

    def leads(self, number, **fields):
        return [make.routed(make.lead(fields, at=self.at), at=self.at) for _ in range(number)]

    def move(self, lead, *, to=None, after=timedelta(hours=1), reason="Wrong size"):
        return work.move_by_hand(
            lead_id=lead.pk,
            epoch=lead.owner_epoch,
            to=to or self.backup,
            reason=reason,
            by=self.manager,
            at=self.at + after,
            driver="web",
        )


@pytest.fixture
def scene():
    return Scene()


def body(response):
    return b"".join(response.streaming_content).decode()


def test_every_change_stands_with_who_why_and_which_rule(client, scene):
    (lead,) = scene.leads(1, first_name="Wren", company="Fernhill")
    scene.move(lead)
    client.force_login(scene.manager)

    page = client.get("/history/").content.decode()

    for words in ("Wren", "Fernhill", "Moved by hand", "Wrong size", "Routed by a rule", "rule 1"):
        assert words in page


def test_a_manager_sees_no_change_of_another_team(client, scene):
    (lead,) = scene.leads(1, first_name="Wren")
    client.force_login(scene.stranger)

    page = client.get(f"/history/?lead={lead.pk}").content.decode()
    table = body(client.get("/history/export/"))

    assert "Wren" not in page
    assert "Wren" not in table
    assert client.get(f"/history/lead/{lead.pk}/").status_code == 404


LISTED = [
    ("", 4),
    ("tab=corrections", 1),
    ("reason=ROUTED", 3),
    ("q=wren", 2),
    ("q=wren+fernhill", 2),
    ("q=%00wren", 4),
    ("q=nobody", 0),
    ("since=2100-01-01", 0),
    ("until=2000-01-01", 0),
    ("since=never", 4),
    ("tab=unknown&before=rubbish_1", 4),
    ("lead=9999999999999999999999", 4),
]


def test_filters_say_what_is_listed_and_exported(client, scene, subtests):
    (lead,) = scene.leads(1, first_name="Wren", company="Fernhill")
    scene.leads(2)
    scene.move(lead)
    client.force_login(scene.revops)

    for query, rows in LISTED:
        with subtests.test(str(query)):
            response = client.get(f"/history/?{query}")
            export = client.get(f"/history/export/?{query}")

            assert len(response.context["rows"]) == rows
            if export.status_code == 200:
                assert len(list(csv.reader(io.StringIO(body(export))))) == rows + 1


def test_filters_by_people_rule_version_and_source(client, scene):
    (lead, _other) = scene.leads(2)
    moved = scene.move(lead)
    client.force_login(scene.revops)
    version = moved.decisions.get().batch.ruleset_id

    def rows(query):
        return len(client.get(f"/history/?{query}").context["rows"])

    assert rows(f"from_rep={scene.rep.pk}") == 1
    assert rows(f"to={scene.rep.pk}") == 2
    assert rows(f"by={scene.manager.pk}") == 1
    assert rows(f"ruleset={version}") == 2
    assert rows(f"source={lead.source_id}") == 3


def test_older_pages_follow_without_gap_or_repeat(client, scene, monkeypatch):
    from routing.views import history

    monkeypatch.setattr(history, "PAGE", 2)
    scene.leads(5)
    client.force_login(scene.revops)
    seen, cursor = [], ""

    for _ in range(5):
        page = client.get("/history/", {"before": cursor} if cursor else {})
        seen += [row.pk for row, *_rest in page.context["rows"]]
        cursor = page.context["older"]
        if not cursor:
            break

    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 5


def test_the_queries_of_the_list_do_not_grow_with_rows(client, scene):
    scene.leads(2)
    client.force_login(scene.manager)
    client.get("/history/")
    with CaptureQueriesContext(connection) as few:
        client.get("/history/")
    scene.leads(18)

    with CaptureQueriesContext(connection) as many:
        response = client.get("/history/")

    assert len(response.context["rows"]) == 20
    assert len(many) == len(few)


def test_an_export_is_on_record_without_what_was_searched(client, scene):
    scene.leads(1, first_name="Wren")
    client.force_login(scene.revops)

    client.get("/history/export/?q=wren")

    event = AuditEvent.objects.get(kind="exported")
    assert (event.subject, event.actor) == ("routing.organisation", scene.revops)
    assert event.data["filters"]["searched"] == "yes"
    assert "wren" not in str(event.data).lower()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_starts_a_formula(start):
    lines = "".join(exports.csv_lines(["name"], [[f"{start}cmd()"], [-5], [None]]))

    rows = list(csv.reader(io.StringIO(lines, newline="")))
    assert rows[1][0] == f"'{start}cmd()"
    assert rows[2][0] == "-5"


# --- Figures: worked out by hand beside each ----------------------------------------------


def test_the_figures_of_a_period(scene):
    kept, wrong, late, left = scene.leads(4)
    scene.move(wrong)  # counts
    scene.move(late, after=timedelta(days=31))  # outside of the 30 days
    both = scene.move(left)  # counts, and then has a third owner
    third = make.rep("cy", team=scene.rep.team)
    scene.move(both, to=third, after=timedelta(hours=2))
    now = scene.at + timedelta(days=40)

    found = selectors.figures(scene.revops, since=None, until=None, at=now)

    assert found.changes == 4 + 4  # four came to their first owner, four moves followed
    assert (found.reassigned.part, found.reassigned.sample) == (2, 4)
    assert found.reassigned.percent == 50
    assert (found.many_owners.part, found.many_owners.sample) == (1, 4)
    assert (found.fallback.part, found.fallback.sample) == (0, 4)
    assert found.maturing == 0
    assert kept.owner == scene.rep


def test_leavers_and_claims_stand_apart_from_the_rate(scene):
    queue = make.queue(make.pool(scene.rep))
    make.rules({"path": {"target": {"kind": "queue", "id": queue.pk}}})
    (lead,) = scene.leads(1)
    lead.refresh_from_db()
    work.claim(
        lead_id=lead.pk, epoch=lead.owner_epoch, by=scene.rep.user, at=scene.at, driver="web"
    )
    from reps.services import people

    people.deactivate(
        rep=scene.rep, reason="left", by=scene.manager, at=scene.at + make.MINUTE, driver="web"
    )

    found = selectors.figures(scene.revops, since=None, until=None, at=database_now())

    assert (found.claimed, found.leavers) == (1, 1)
    assert found.reassigned.part == 0


def test_fallback_share_and_open_windows(scene):
    make.rules()
    scene.leads(2)

    found = selectors.figures(scene.revops, since=None, until=None, at=database_now())
    empty = selectors.figures(scene.revops, since=database_now(), until=None, at=database_now())

    assert (found.fallback.part, found.fallback.sample) == (2, 2)
    assert found.reassigned.percent is None
    assert empty.fallback.percent is None


# --- The time line -----------------------------------------------------------------------


def full_life(scene):
    make.policy(budget=60)
    (lead,) = scene.leads(1, message="Please call")
    jobs.drain("clocks", driver="test", due_before=scene.at + timedelta(hours=2))
    lead.refresh_from_db()
    return scene.move(lead, after=timedelta(hours=3))


def test_the_time_line_tells_everything_in_order(client, scene):
    lead = full_life(scene)

    entries = timeline.of(lead)

    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    assert {entry.kind for entry in entries} >= {
        "touches",
        "decisions",
        "custody",
        "fields",
        "clocks",
        "escalations",
        "messages",
        "audit",
    }
    changes = [change for entry in entries for change in entry.changes]
    assert ("owner", "rea", "ben") in changes
    client.force_login(scene.manager)
    page = client.get(f"/history/lead/{lead.pk}/").content.decode()
    for words in ("Decided: to rea", "Please call", "Clock started", "Escalated", "<del>rea</del>"):
        assert words in page


def test_the_queries_of_a_time_line_do_not_grow_with_what_happened(scene):
    lead = full_life(scene)
    with CaptureQueriesContext(connection) as few:
        timeline.of(lead)
    for number in range(6):
        to = scene.rep if number % 2 == 0 else scene.backup
        lead = scene.move(lead, to=to, after=timedelta(hours=4 + number))

    with CaptureQueriesContext(connection) as many:
        timeline.of(lead)

    assert len(many) == len(few)
    assert Lead.objects.get(pk=lead.pk).owner == scene.backup
