"""Files of leads: reading them without trust, taking them in without loss or repeats."""

import io
import json
import zipfile
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.urls import reverse
from openpyxl import Workbook

from accounts.models import Account
from accounts.services.imports import import_accounts
from reps import tables
from reps.due import jobs
from reps.due.clock import database_now
from reps.mapping import BadMapping, load
from reps.models import Rep, Team, User
from reps.services.imports import import_reps
from routing.intake import doors, imports, mapping
from routing.intake.normalise import Refused, normalise
from routing.models import ImportJob, Lead, ProspectKey, Submission
from routing.models.source import Mode
from tests import make
from tests.make import MONDAY_9AM

CSV = "name;mail;company\nAda Byron;ada@byron.org;Byron Ltd\nBob;not an address;Bob AG\n".encode()
FIELDS = {"fields": {"name": "name", "email": "mail", "company": "company"}}


def rows_of(content: bytes, name: str = "a.csv") -> list[tuple[int, dict]]:
    return [(row.number, row.cells) for row in tables.read(name, content)]


def sheet(*rows, name="Sheet") -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


# --- Reading ---------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_delimiter_bom_and_line_end_is_read(delimiter):
    text = f'\ufeffa{delimiter}b\r\n1{delimiter}"x, y; z"\r\n\r\n2{delimiter}"two\nlines"\r\n'

    found = rows_of(text.encode())

    assert found == [(2, {"a": "1", "b": "x, y; z"}), (4, {"a": "2", "b": "two\nlines"})]


def test_a_sheet_reads_as_its_csv_would():
    content = sheet(["a", "b", "c"], [1.0, datetime(2026, 6, 15), True], [], ["x", 0.5, None])

    assert rows_of(content, "a.xlsx") == [
        (2, {"a": "1", "b": "2026-06-15", "c": "true"}),
        (4, {"a": "x", "b": "0.5", "c": ""}),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,b\n\xff\xfe,1\n", "line 2: not UTF-8"),
        (b"a,a\n1,2\n", "two columns are called “a”"),
        (b'a,b\n1,"never closed\n', "row 2"),
        (b"PK\x03\x04 and then rubbish", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "old or encrypted"),
        (",".join(f"c{n}" for n in range(201)).encode(), "more than 200 columns"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(content, words):
    with pytest.raises(tables.BadFile) as refused:
        rows_of(content)

    assert words in str(refused.value)
    assert "a.csv" in str(refused.value)


def test_too_many_rows_and_too_many_bytes_are_refused(monkeypatch):
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    monkeypatch.setattr(tables, "MOST_BYTES", 100)

    with pytest.raises(tables.BadFile, match="more than 3 rows"):
        rows_of(b"a\n1\n2\n3\n4\n")
    with pytest.raises(tables.BadFile, match="larger than"):
        rows_of(b"a\n" + b"1" * 100)


def test_a_zip_bomb_is_refused_before_it_unpacks(monkeypatch):
    monkeypatch.setattr(tables, "SMALL_ENOUGH", 1024)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/workbook.xml", b" " * 5_000_000)

    with pytest.raises(tables.BadFile, match="would unpack to"):
        rows_of(out.getvalue(), "bomb.xlsx")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_sheet_that_declares_entities_is_refused(encoding):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("xl/workbook.xml", '<!DOCTYPE x [<!ENTITY e "x">]><x>&e;</x>'.encode(encoding))

    with pytest.raises(tables.BadFile, match="entities"):
        rows_of(out.getvalue(), "sly.xlsx")


def test_a_packed_table_keeps_rows_numbers_and_places():
    table = tables.read("a.csv", 'a,b\n1,"x\ny"\n\n3,4\n'.encode())

    content, count = tables.pack(table)

    assert count == 2
    assert tables.columns_of(content) == ("a", "b")
    assert [(r.number, r.cells["b"]) for r in tables.unpack(content)] == [(2, "x\ny"), (4, "4")]
    assert [r.number for r in tables.unpack(content, start=1, most=5)] == [4]


# --- Mapping ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"fields": {"emial": "mail"}}, "fields.emial"),
        ({"fields": {"email": ""}}, "fields.email"),
        ({"fields": {"email": {"colum": "mail"}}}, "fields.email.colum"),
        ({"fields": ["email"]}, "fields"),
        ({"fields": {"company": "company"}}, "fields"),
        ({**FIELDS, "colour": 1}, "colour"),
        ({**FIELDS, "constants": {"country": True}}, "constants.country"),
        ({**FIELDS, "values": {"title": {"a": "b"}}}, "values.title"),
        ({**FIELDS, "clock": {"column": "name", "time": 540}}, "clock.time"),
        ({**FIELDS, "clock": {"column": "name", "time_zone": "Mars/North"}}, "clock.time_zone"),
        ({**FIELDS, "clock": {"format": "%Y"}}, "clock.column"),
        ({**FIELDS, "history": {"buyer": "x"}}, "history.buyer"),
        ({**FIELDS, "ignore": {"a": 1}}, "ignore"),
    ],
)
def test_a_wrong_mapping_names_the_key(data, key):
    with pytest.raises(BadMapping) as refused:
        mapping.read(data)

    assert refused.value.key == key


def test_a_mapping_must_fit_the_file_and_never_read_what_it_ignores():
    columns = ("name", "mail", "company")

    with pytest.raises(BadMapping, match=r"fields.email: the file has no column “e-mail”"):
        mapping.read({"fields": {"email": "e-mail"}}).check(columns)
    with pytest.raises(BadMapping, match="never to be read"):
        mapping.read({**FIELDS, "ignore": ["company"]}).check(columns)


@pytest.mark.parametrize("text", ["a: [", "- a", "just words", "a: !!python/object:os.system {}"])
def test_a_mapping_file_that_is_none_is_refused(text):
    with pytest.raises(BadMapping):
        load(text)


def test_columns_are_guessed_by_their_names():
    found = mapping.guess(["Lead ID", "E-mail", "Surname", "Company Name", "Created at", "Booth"])

    assert found == {
        "fields": {"email": "E-mail", "last_name": "Surname", "company": "Company Name"},
        "key": "Lead ID",
        "clock": "Created at",
    }


def incoming(data, cells, **more):
    how = mapping.read(data)
    given = {"job": 7, "source": "fair", "backfill": False, **more}
    return how.incoming(tables.Row(2, cells), **given)


def test_a_row_hands_in_its_fields_with_values_defaults_and_factors():
    data = {
        "fields": {
            "email": "m",
            "product_interest": "p",
            "campaign": {"column": "o", "default": "none"},
            "expected_value": {"column": "v", "times": 1000},
        },
        "constants": {"country": "BR"},
        "values": {"product_interest": {"GTXPro": "GTX Pro"}},
        "answers": ["booth"],
    }
    cells = {"m": "a@b.org", "p": "GTXPro", "o": "", "v": "1.5", "booth": "A1", "secret": "no"}

    one = incoming(data, cells)

    assert json.loads(one.raw) == {
        "email": "a@b.org",
        "product_interest": "GTX Pro",
        "campaign": "none",
        "expected_value": "1500",
        "country": "BR",
        "booth": "A1",
    }
    assert one.key == "import-7-2"
    assert not one.problems


def test_a_bare_date_gets_the_time_of_day_of_its_zone():
    data = {
        **FIELDS,
        "clock": {"column": "d", "format": "%d.%m.%Y", "time": "08:30", "time_zone": "Europe/Berlin"},
    }
    cells = {"name": "", "mail": "a@b.org", "company": "", "d": "01.07.2017"}

    assert incoming(data, cells).occurred_at == datetime(2017, 7, 1, 6, 30, tzinfo=UTC)
    assert incoming(data, {**cells, "d": "tomorrow"}).problems[0].field == "d"


def test_only_the_context_can_make_a_person_known_by_an_id():
    assert normalise({}, external_id="fair:1").keys == (("EXTERNAL", "fair:1"),)
    with pytest.raises(Refused):
        normalise({"external_id": "fair:1", "person_key": "fair:1"})


# --- Running ---------------------------------------------------------------------------

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
def test_hostile_cells_end_in_quarantine_not_in_an_error():
    cells = ["\x00", "=1+1", "<script>", "a" * 9000, "\ud7ff", "{}"]
    content = "name,mail,company\n" + "".join(f'"{c}",x{n}@y.com,"{c}"\n' for n, c in enumerate(cells))

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
    content = b"id,name,parent,rev,land\n1,Acme Inc,Big,1.5,Kenya\n2,Big,,9,US\n3,X,,1,Atlantis\n4,Y,Z,1,US\n"
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
