"""Files are taken in without loss and without repeats, by page and by command."""

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.urls import reverse

from accounts.models import Account
from accounts.services.imports import import_accounts
from reps import tables
from reps.due import jobs
from reps.due.clock import database_now
from reps.mapping import BadMapping
from reps.models import Rep, Team, User
from reps.services.imports import import_reps
from routing.intake import doors, imports
from routing.models import ImportJob, Lead, ProspectKey, Submission
from routing.models.source import Mode
from tests import make
from tests.make import MONDAY_9AM

CSV = b"name;mail;company\nAda Byron;ada@byron.org;Byron Ltd\nBob;not an address;Bob AG\n"
FIELDS = {"fields": {"name": "name", "email": "mail", "company": "company"}}


def started(content=CSV, data=FIELDS, source=None, mode=Mode.LIVE, **more) -> ImportJob:
    make.organisation()
    job = imports.preview(
        source=source or make.source(),
        file_name="leads.csv",
        content=content,
        data=data,
        mode=mode,
        by=None,
        at=MONDAY_9AM,
        **more,
    )
    return imports.start(job=job, at=MONDAY_9AM)


def settle(*, at: datetime = MONDAY_9AM) -> None:
    for name in ("imports", "intake"):
        jobs.drain(name, driver="test", due_before=at)


def many(number: int) -> bytes:
    lines = [f"P{n},p{n}@company{n}.com,C{n}" for n in range(number)]
    return "\n".join(["name,mail,company", *lines]).encode()


@pytest.mark.django_db
def test_a_preview_takes_nothing_in_and_names_each_broken_row():
    make.organisation()
    job = imports.preview(
        source=make.source(),
        file_name="leads.csv",
        content=CSV,
        data=FIELDS,
        mode=Mode.LIVE,
        by=None,
        at=MONDAY_9AM,
    )

    seen = imports.look(job)

    assert (seen.rows, seen.ready, seen.broken) == (2, 1, 1)
    assert [(fault.row, fault.field) for fault in seen.faults] == [(3, "email")]
    assert not Submission.objects.exists()
    assert jobs.drain("imports", driver="test", due_before=MONDAY_9AM) == 0


@pytest.mark.django_db
def test_every_row_has_exactly_one_outcome():
    job = started()

    settle()

    job.refresh_from_db()
    done = imports.progress(job)
    assert job.state == ImportJob.State.DONE
    assert (done.processed, done.quarantined, done.repeated, done.skipped) == (1, 1, 0, 0)
    assert done.is_settled
    ((_, row, messages),) = imports.in_quarantine(job)
    assert row == 3
    assert "email" in messages[0]
    assert Lead.objects.get().prospect.email == "ada@byron.org"


@pytest.mark.django_db
def test_an_import_goes_on_where_it_was_killed(monkeypatch):
    monkeypatch.setattr(imports, "AT_ONCE", 3)
    job = started(many(10))
    imports.drain(driver="test", due_before=MONDAY_9AM)

    class Killed(BaseException):
        pass

    def die(**fields):
        receive_many(**fields)
        raise Killed

    receive_many = doors.receive_many
    monkeypatch.setattr(doors, "receive_many", die)
    with pytest.raises(Killed), transaction.atomic():
        imports.drain(driver="test", due_before=MONDAY_9AM)
    monkeypatch.setattr(doors, "receive_many", receive_many)
    job.refresh_from_db()
    assert (job.next_row, Submission.objects.count()) == (3, 3)
    settle()

    job.refresh_from_db()
    assert imports.progress(job).processed == 10
    assert Lead.objects.count() == 10


@pytest.mark.django_db
def test_a_row_with_an_id_is_taken_once_however_often_it_comes():
    data = {**FIELDS, "key": "name"}
    source = make.source()
    first = started(many(5), data, source)
    settle()

    again = started(many(7), data, source)
    settle()

    again.refresh_from_db()
    first.refresh_from_db()
    assert imports.progress(first).processed == 5
    assert (imports.progress(again).repeated, imports.progress(again).processed) == (5, 2)
    assert Lead.objects.count() == 7


@pytest.mark.django_db
def test_an_id_that_comes_back_with_other_content_waits_for_a_person():
    data = {**FIELDS, "key": "name"}
    source = make.source()
    started(b"name,mail,company\nA,a@a-corp.com,A\n", data, source)
    settle()

    job = started(b"name,mail,company\nA,new@a-corp.com,A\n", data, source)
    settle()

    job.refresh_from_db()
    assert imports.progress(job).quarantined == 1
    assert "other content" in imports.in_quarantine(job)[0][2][0]
    assert Lead.objects.count() == 1


@pytest.mark.django_db
def test_rows_of_one_id_in_one_file_count_once():
    job = started(b"name,mail,company\nA,a@a.com,A\nA,a@a.com,A\n", {**FIELDS, "key": "name"})

    settle()

    job.refresh_from_db()
    done = imports.progress(job)
    assert (done.processed, done.repeated, done.quarantined) == (1, 1, 0)


@pytest.mark.django_db
def test_people_without_an_address_are_known_by_their_id():
    data = {"fields": {"company": "company"}, "person_key": "name"}

    job = started(many(3), data)
    settle()

    job.refresh_from_db()
    assert imports.progress(job).processed == 3
    assert set(ProspectKey.objects.values_list("kind", flat=True)) == {"EXTERNAL"}


@pytest.mark.django_db
def test_skipped_rows_are_counted_and_take_nothing_in():
    content = b"name,mail,company\nA,a@a.com,\nB,b@b.com,B\n"

    job = started(content, {**FIELDS, "skip_if_empty": ["company"]})
    settle()

    job.refresh_from_db()
    done = imports.progress(job)
    assert (done.skipped, done.processed, done.is_settled) == (1, 1, True)


@pytest.mark.django_db
def test_backfill_takes_the_given_time():
    content = b"name,mail,company,on\nA,a@a.com,A,2017-03-01\n"

    started(content, {**FIELDS, "clock": "on"}, mode=Mode.BACKFILL)
    settle()

    assert Lead.objects.get().received_at == datetime(2017, 3, 1, 9, tzinfo=UTC)


@pytest.mark.django_db
def test_backfill_keeps_the_owners_a_file_names_as_far_as_their_capacity():
    ann = make.rep("ann", user=make.user("ann", first_name="Ann", last_name="Lee"), capacity=2)
    gone = make.rep("gone", is_active=False)
    lines = ["Ann Lee", "ANN", "ann@reps.test", "gone", "nobody"]
    content = "name,mail,company,who\n" + "".join(
        f"P{n},p{n}@company{n}.com,C,{who}\n" for n, who in enumerate(lines)
    )

    started(content.encode(), {**FIELDS, "owner": "who"}, mode=Mode.BACKFILL)
    settle()

    owned = Lead.objects.filter(owner=ann)
    assert owned.count() == 2
    assert {lead.assignments.get().reason_code for lead in owned} == {"IMPORTED"}
    assert not gone.leads.exists()
    # The third for Ann, the leaver's and the stranger's are the rules' to place.
    assert Lead.objects.filter(place="QUEUE", route_at__isnull=False).count() == 3


@pytest.mark.django_db
def test_only_backfill_may_name_owners():
    with pytest.raises(BadMapping, match="backfill only"):
        started(data={**FIELDS, "owner": "company"}, mode=Mode.LIVE)


@pytest.mark.django_db
def test_hostile_cells_end_in_quarantine_not_in_an_error():
    cells = ["\x00", "=1+1", "<script>", "a" * 9000, "\ud7ff", "{}"]
    content = "name,mail,company\n" + "".join(
        f'"{c}",x{n}@y.com,"{c}"\n' for n, c in enumerate(cells)
    )

    job = started(content.encode(), {**FIELDS, "key": "name", "person_key": "company"})
    settle()

    job.refresh_from_db()
    done = imports.progress(job)
    assert done.is_settled
    assert done.processed + done.quarantined == len(cells)
    assert done.quarantined == 2  # NUL, and a name that is too long


@pytest.mark.django_db
def test_a_source_that_closes_half_way_holds_the_import_back(monkeypatch):
    monkeypatch.setattr(imports, "AT_ONCE", 2)
    source = make.source()
    job = started(many(4), source=source)
    imports.drain(driver="test", due_before=MONDAY_9AM)
    source.is_active = False
    make.saved(source)

    assert imports.drain(driver="test", due_before=MONDAY_9AM) == 0

    job.refresh_from_db()
    assert (job.next_row, job.state) == (2, ImportJob.State.RUNNING)
    assert imports.oldest() > MONDAY_9AM


@pytest.mark.django_db
def test_many_at_the_door_cost_the_same_statements(django_assert_num_queries):
    source = make.source()

    def rows(prefix, number):
        return [doors.Incoming(key=f"{prefix}{n}", raw=b"{}") for n in range(number)]

    for prefix, number in (("a", 2), ("b", 50)):
        with django_assert_num_queries(4):  # savepoint, insert, read back, release
            taken = doors.receive_many(
                source=source, incoming=rows(prefix, number), mode="LIVE", at=MONDAY_9AM, by=None
            )
        assert taken == doors.Taken(new=number)


# --- Commands --------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_command_prints_what_came_in_and_what_did_not(tmp_path, capsys):
    make.organisation()
    make.source("fair")
    (tmp_path / "leads.csv").write_bytes(CSV)
    (tmp_path / "map.yml").write_text("fields: {name: name, email: mail, company: company}")

    call_command(
        "import_leads", tmp_path / "leads.csv", source="fair", map=tmp_path / "map.yml", mode="test"
    )

    out = capsys.readouterr().out
    assert "2 rows, 1 taken in, 0 had come before, 0 skipped, 1 in quarantine" in out
    assert "row 3: email" in out
    assert Lead.objects.get().mode == Mode.TEST


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "map_text", "words"),
    [
        ("none.csv", "fields: {email: mail}", "Cannot read"),
        ("leads.csv", "fields: {email: gone}", "fields.email"),
        ("leads.csv", "fields: [", "not valid YAML"),
    ],
)
def test_the_command_refuses_in_one_line(tmp_path, name, map_text, words):
    make.organisation()
    make.source("fair")
    (tmp_path / "leads.csv").write_bytes(CSV)
    (tmp_path / "map.yml").write_text(map_text)

    with pytest.raises(CommandError, match=words):
        call_command("import_leads", tmp_path / name, source="fair", map=tmp_path / "map.yml")


@pytest.mark.django_db
def test_people_and_their_teams_come_from_a_file_twice_the_same():
    content = b"who,boss,where\nAnn Lee,Max Po,East\nBen Ray,Max Po,East\n,Max Po,East\n"
    data = {"fields": {"name": "who", "manager": "boss", "office": "where"}}

    first = import_reps(table=tables.read("r.csv", content), data=data, by=None, at=MONDAY_9AM)
    again = import_reps(table=tables.read("r.csv", content), data=data, by=None, at=MONDAY_9AM)

    assert (first.created, len(first.problems), again.unchanged) == (2, 1, 2)
    assert first.problems[0].row == 4
    team = Team.objects.get(name="Team Max Po")
    assert (team.parent.name, team.manager.label) == ("East", "Max Po")
    assert not User.objects.get(username="ann.lee").has_usable_password()
    assert Rep.objects.count() == 2
    assert {row.history_change_reason for row in Rep.history.all()} == {"imported"}


@pytest.mark.django_db
def test_accounts_find_parents_below_them_and_take_over_what_was_there():
    kept = make.account("Acme Inc")
    content = (
        b"id,name,parent,rev,land\n1,Acme Inc,Big,1.5,Kenya\n2,Big,,9,US\n"
        b"3,X,,1,Atlantis\n4,Y,Z,1,US\n"
    )
    data = {
        "fields": {
            "external_id": "id",
            "name": "name",
            "parent": "parent",
            "revenue": {"column": "rev", "times": 1000000},
            "country": "land",
        }
    }

    first = import_accounts(table=tables.read("a.csv", content), data=data, by=None, at=MONDAY_9AM)
    again = import_accounts(table=tables.read("a.csv", content), data=data, by=None, at=MONDAY_9AM)

    kept.refresh_from_db()
    assert (kept.external_id, kept.parent.name, kept.country) == ("1", "Big", "KE")
    assert kept.revenue == 1_500_000
    assert (first.created, first.updated, again.unchanged) == (2, 1, 3)
    assert [problem.row for problem in first.problems] == [4, 5]
    assert Account.objects.count() == 3


# --- The page --------------------------------------------------------------------------


def upload(client, source, content=CSV, name="leads.csv"):
    from django.core.files.uploadedfile import SimpleUploadedFile

    return client.post(
        reverse("imports"),
        {"file": SimpleUploadedFile(name, content), "source": source.pk, "mode": "LIVE"},
    )


@pytest.mark.django_db
def test_a_manager_uploads_maps_starts_and_sees_the_end(client):
    make.organisation()
    client.force_login(make.user(group="manager"))
    upload(client, make.source())
    job = ImportJob.objects.get()
    page = reverse("import", args=[job.pk])

    assert b"not an address" in client.get(page).content
    choices = {"column-0": "name", "column-1": "email", "column-2": "", "mode": "LIVE"}
    client.post(page, {**choices, "do": "start"})
    settle(at=database_now())

    job.refresh_from_db()
    assert job.mapping["fields"] == {"name": "name", "email": "mail"}
    text = client.get(page, headers={"HX-Request": "true"}).content.decode()
    assert "Rows in quarantine" in text
    assert "<html" not in text
    assert "every 2s" not in text
    assert Lead.objects.get().prospect.company == ""


@pytest.mark.django_db
def test_two_columns_for_one_field_keep_what_was_chosen(client):
    make.organisation()
    client.force_login(make.user(group="revops"))
    upload(client, make.source())
    job = ImportJob.objects.get()
    choices = {"column-0": "email", "column-1": "email", "column-2": "company", "do": "start"}

    answer = client.post(reverse("import", args=[job.pk]), choices)

    assert answer.status_code == 400
    assert "Two columns say “E-mail”" in answer.content.decode()
    job.refresh_from_db()
    assert job.state == ImportJob.State.PREVIEW


@pytest.mark.django_db
def test_a_broken_file_is_an_answer_not_an_error(client):
    make.organisation()
    client.force_login(make.user(group="revops"))

    answer = upload(client, make.source(), b"PK\x03\x04 rubbish", "x.xlsx")

    assert answer.status_code == 400
    assert "damaged" in answer.content.decode()
    assert not ImportJob.objects.exists()


@pytest.mark.django_db
def test_reps_import_nothing_and_managers_see_their_own_files_only(client):
    make.organisation()
    job = started()
    client.force_login(make.user(group="rep"))
    assert client.get(reverse("imports")).status_code == 403

    client.force_login(make.user(group="manager"))
    assert client.get(reverse("import", args=[job.pk])).status_code == 404
    assert client.get(reverse("imports")).status_code == 200
