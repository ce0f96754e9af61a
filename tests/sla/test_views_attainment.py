"""How many promises were kept: the table, the stories behind it, the export, the API."""

import csv
from datetime import timedelta
from io import StringIO

import pytest
from django.urls import reverse

from reps.due import jobs
from reps.models import AuditEvent
from routing import work
from tests import make
from tests.clock import travel

pytestmark = pytest.mark.django_db
AT = make.MONDAY_9AM
HOUR = timedelta(hours=1)
NOW = AT + 6 * HOUR


@pytest.fixture(autouse=True)
def moment():
    with travel(NOW):
        yield


@pytest.fixture
def north():
    make.organisation()
    return make.team("North", manager=make.user("morgan", group="manager"))


@pytest.fixture
def robin(north):
    return make.rep("robin", team=north)


@pytest.fixture
def policy():
    steps = [{"at_percent": 50, "do": "remind"}, {"at_percent": 100, "do": "tell_manager"}]
    return make.policy("Within the hour", budget=3600, steps=steps)


def kept(rep, name="Kept"):
    lead = make.owned(rep, {"first_name": name}, at=AT)
    work.acknowledge(lead_id=lead.pk, epoch=lead.owner_epoch, by=rep.user, at=AT + HOUR / 2)


def late(rep, name="Jordan", *, answered=True):
    lead = make.owned(rep, {"first_name": name, "company": "Tallwater"}, at=AT)
    for minutes in (30, 60):
        jobs.drain("clocks", driver="test", due_before=AT + minutes * make.MINUTE)
    if answered:
        work.acknowledge(lead_id=lead.pk, epoch=lead.owner_epoch, by=rep.user, at=AT + 2 * HOUR)
    return lead


def page(client, user, query=""):
    client.force_login(user)
    return client.get(reverse("attainment") + query)


def lines(answer) -> list[tuple[str, int, int]]:
    return [(row.label, row.kept, row.late) for row, *_ in answer.context["rows"]]


def test_each_policy_with_its_share_its_range_and_the_target(client, north, robin, policy):
    for _ in range(9):
        kept(robin)
    late(robin)

    answer = page(client, north.manager)

    assert lines(answer) == [("Within the hour", 9, 1)]
    body = answer.content.decode()
    assert "90 %" in body
    assert "(60 – 98)" in body
    assert "too few to tell" in body
    assert 'x1="80.0"' in body


@pytest.mark.parametrize(
    ("by", "label"),
    [("rep", "robin"), ("team", "North"), ("rule", "No rule"), ("channel", "Website")],
)
def test_the_same_promises_by_rep_team_rule_and_channel(client, north, robin, policy, by, label):
    kept(robin)
    late(robin)

    assert lines(page(client, north.manager, f"?by={by}")) == [(label, 1, 1)]


def test_verdicts_say_what_is_certain(client, north, robin, policy):
    jamie = make.rep("jamie", team=north)
    for _ in range(20):
        kept(robin)
    for _ in range(5):
        late(jamie)

    body = page(client, north.manager, "?by=rep").content.decode()

    assert body.index("below the target") < body.index("above the target")


def test_a_number_opens_the_stories_behind_it(client, north, robin, policy):
    lead = late(robin)
    late(robin, "Avery", answered=False)
    kept(robin)

    body = page(client, north.manager, f"?of={policy.pk}").content.decode()

    assert "Jordan" in body
    assert "Tallwater" in body
    assert "“Within the hour” was due; robin held the lead." in body
    assert "Reminded robin" in body
    assert "Told morgan" in body
    assert "done 1:00:00 late" in body
    assert "still open" in body
    assert "Kept" not in body.split('id="breaches"')[1]
    assert reverse("history_lead", args=[lead.pk]) in body


def test_the_stories_are_as_many_as_the_number_says(client, north, robin, policy):
    jamie = make.rep("jamie", team=north)
    for rep in (robin, robin, jamie):
        late(rep)
    kept(jamie)

    for by in ("policy", "rep", "team", "rule", "channel"):
        for row, name, *_ in page(client, north.manager, f"?by={by}").context["rows"]:
            found = page(client, north.manager, f"?by={by}&of={name}")
            assert found.context["page"].paginator.count == row.late


def test_who_sees_what(client, north, robin, policy):
    evan = make.rep("evan", team=make.team("South"))
    late(robin)
    late(evan)

    assert lines(page(client, robin.user, "?by=rep")) == [("robin", 0, 1)]
    assert lines(page(client, north.manager, "?by=rep")) == [("robin", 0, 1)]
    everything = lines(page(client, make.user(group="revops"), "?by=rep"))
    assert everything == [("evan", 0, 1), ("robin", 0, 1)]
    assert lines(page(client, make.user(), "?by=rep")) == []


def test_a_line_of_foreign_leads_opens_nothing(client, north, robin, policy):
    evan = make.rep("evan", team=make.team("South"))
    late(evan)

    answer = page(client, robin.user, f"?by=rep&of={evan.pk}")

    assert answer.context["chosen"] is None
    assert "Jordan" not in answer.content.decode()


@pytest.mark.parametrize("query", ["?days=7", "?days=90", "?days=no", "?by=love", "?of=x&page=no"])
def test_any_address_opens(client, north, robin, policy, query):
    late(robin)

    assert page(client, north.manager, query).status_code == 200


def test_what_is_older_than_the_period_does_not_count(client, north, robin, policy):
    late(robin)

    with travel(NOW + timedelta(days=8)):
        answers = [page(client, north.manager, f"?days={days}") for days in (7, 30)]

    assert [len(lines(one)) for one in answers] == [0, 1]
    assert "No promise was kept or broken" in answers[0].content.decode()


def test_sixty_breaches_cost_as_many_statements_as_two(
    client, north, robin, policy, django_assert_max_num_queries
):
    address = f"?of={policy.pk}"
    for _ in range(2):
        late(robin)
    page(client, north.manager, address)
    with django_assert_max_num_queries(100) as few:
        client.get(reverse("attainment") + address)
    for _ in range(58):
        make.owned(robin, at=AT)
    while jobs.drain("clocks", driver="test", due_before=AT + HOUR):
        pass

    with django_assert_max_num_queries(len(few)):
        answer = client.get(reverse("attainment") + address)
    assert answer.context["page"].paginator.count == 60


def rows_of(answer) -> list[list[str]]:
    return list(csv.reader(StringIO(b"".join(answer.streaming_content).decode())))


def test_the_export_holds_the_table_and_is_on_record(client, north, robin, policy):
    policy.name = "=cmd|' /C calc'!A0"
    make.saved(policy)
    kept(robin)
    late(robin)
    client.force_login(north.manager)

    header, line = rows_of(client.get(reverse("attainment_export")))

    assert header == ["by", "of", "kept", "late", "share", "low", "high", "target"]
    assert line[:5] == ["policy", "'=cmd|' /C calc'!A0", "1", "1", "0.5000"]
    event = AuditEvent.objects.filter(kind="exported").latest("pk")
    assert event.data["what"] == "attainment"


def test_the_export_of_a_line_holds_its_breaches(client, north, robin, policy):
    lead = late(robin)
    client.force_login(north.manager)

    _header, line = rows_of(client.get(reverse("attainment_export") + f"?of={policy.pk}"))

    assert line[0] == str(lead.pk)
    assert line[2] == (AT + HOUR).isoformat()
    assert line[4:6] == [
        "robin",
        "2026-06-15 09:30:00 remind the owner; 2026-06-15 10:00:00 tell the manager",
    ]
    assert client.get(reverse("attainment_export") + "?of=404").url == reverse("attainment")


def test_reps_take_no_tables_out(client, robin):
    client.force_login(robin.user)

    assert client.get(reverse("attainment_export")).status_code == 403


def test_the_api_tells_the_same(client, north, robin, policy):
    kept(robin)
    late(robin)
    client.force_login(north.manager)

    (row,) = client.get("/api/v1/attainment/?by=rep&days=7").json()

    assert (row["key"], row["label"], row["kept"], row["late"]) == (str(robin.pk), "robin", 1, 1)
    assert row["low"] < row["share"] == 0.5 < row["high"]
    assert row["target"] == 80
    assert client.get("/api/v1/attainment/?by=love").status_code == 400
    client.force_login(make.rep("other").user)
    assert client.get("/api/v1/attainment/").json() == []
