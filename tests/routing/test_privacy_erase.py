"""Erased is erased: by every door, in every column, after every restore; and the trail is whole."""

import json
import logging
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from reps import verify
from reps.due import jobs, routines
from reps.models import AuditEvent, Delivery, Message
from routing import work
from routing.intake import by_hand, doors, imports, process, quarantine
from routing.intake.doors import KeyReused
from routing.keys import issue_key
from routing.models import (
    Decision,
    Erasure,
    ImportJob,
    Lead,
    PersonalFacts,
    Prospect,
    ProspectKey,
    Submission,
    Touch,
)
from routing.privacy import erase, ledger
from routing.privacy.export import export
from routing.privacy.find import prospects_by
from sla.models import Clock, Pause, PauseReason
from tests import make, needles

AT = make.MONDAY_9AM
LATER = AT + timedelta(hours=1)
EMAIL = "needle.ada@needle-mail.example"
PHONE = "+442079460958"
# One word for each thing that somebody may say about themselves.
PERSON = {
    "email": EMAIL,
    "phone": PHONE,
    "first_name": "Needlefirst",
    "last_name": "Needlelast",
    "linkedin_url": "https://www.linkedin.com/in/needle-linkedin",
    "title": "needletitle",
    "company": "needlecompany",
    "website": "https://needle-site.example",
    # A country and a state are many people's: they stay among a decision's facts.
    "region": "Kent",
    "city": "needlecity",
    "postal_code": "NDL 77",
    "country": "GB",
    "message": "needlemessage",
    "page_url": "https://example.com/?q=needlepage",
    "shoe_size": "needleanswer",
    "events": [{"name": "needle-event", "at": "2026-06-15T08:00:00Z"}],
}
# What becomes part of the lead, typed into it: the address goes, the kind of thing stays.
CATEGORIES = {
    "campaign": f"spring {EMAIL}",
    "product_interest": "for Needlefirst Needlelast",
    "budget_range": "ring +44 20 7946 0958",
    "timeline": f"ask {EMAIL}",
    "industry": f"see {EMAIL}",
}
WORDS = [
    "needle",
    "NDL 77",
    PHONE,
    "2079460958",
    "20 7946 0958",
]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def outside(settings, tmp_path):
    settings.ERASURE_LEDGER = str(tmp_path / "outside" / "erasures.log")


@pytest.fixture
def world():
    """A small organisation that promises something, and its people."""
    make.organisation()
    boss = make.user("boss", group="revops")
    team = make.team("North", manager=boss)
    ann, ben = make.rep("ann", team=team), make.rep("ben", team=team)
    make.policy("Acknowledge")
    make.rules(make.round_robin(make.pool(ann, ben)))
    return {"boss": boss, "ann": ann, "ben": ben, "source": make.source("website")}


def one_person(fields=None, **more) -> Prospect:
    make.source("website") if not make.Source.objects.exists() else None
    return make.lead({**PERSON, **(fields or {})}, **more).prospect


def run_everything(at) -> None:
    for name in ("imports", "intake", "route", "clocks", "outbox"):
        jobs.drain(name, driver="test", due_before=at)


def erased(prospect, *, by=None, at=LATER) -> Erasure:
    return erase.erase(prospect_id=prospect.pk, reason="asked by letter", by=by, at=at)


# --- The needle test (faults 20, 114) -------------------------------------------------------------


def through_every_door(world) -> Prospect:
    """The same person by the API, a form, a file, by hand, and in what could not be read."""
    key = issue_key(source=world["source"], by=world["boss"], at=AT)
    api = Client(headers={"Authorization": f"Bearer {key}", "Idempotency-Key": f"id-{EMAIL}"})
    body = {**PERSON, **CATEGORIES}
    answer = api.post("/api/v1/leads/", json.dumps(body), content_type="application/json")
    assert answer.status_code == 202
    form = make.form("contact", source=world["source"])
    sent = {name: value for name, value in body.items() if isinstance(value, str)}
    doors.receive(
        source=form.source,
        form=form,
        raw=json.dumps(sent).encode(),
        content_type="application/json",
        key="form-1",
        at=AT,
        context={"page": "https://example.com/needlepage", "campaign": f"c {EMAIL}"},
    )
    header = "E-Mail,Vorname,Nachname,Notiz"
    row = f"{EMAIL},Needlefirst,Needlelast,needlefile"
    job = imports.preview(
        source=world["source"],
        file_name="fair.csv",
        content=f"{header}\nother@other.example,Otto,Other,keepme\n{row}\n".encode(),
        data={
            "fields": {"email": "E-Mail", "first_name": "Vorname", "last_name": "Nachname"},
            "answers": ["Notiz"],
        },
        mode="LIVE",
        by=world["boss"],
        at=AT,
    )
    imports.start(job=job, at=AT)
    by_hand.receive(fields=sent, key="hand-1", by=world["boss"], at=AT)
    # What nobody could read, and what looked like spam.
    doors.receive(
        source=world["source"],
        raw=f"email={EMAIL.replace('@', '%40')}&message=needlebroken".encode(),
        content_type="application/x-www-form-urlencoded",
        key="spam-1",
        at=AT,
        context={"looks_like_spam": True},
    )
    doors.receive(
        source=world["source"],
        raw=b'{"email": "' + EMAIL.encode() + b'", "message": "needlebroken"',
        content_type="application/json",
        key="broken-1",
        at=AT,
    )
    # The API dates by the database's clock.
    newest = Submission.objects.order_by("-received_at").first().received_at
    run_everything(max(newest, AT) + make.MINUTE)
    return ProspectKey.objects.get(value=EMAIL).prospect


def worked_on(prospect: Prospect, world, at) -> Lead:
    """What reps and managers do with the lead, and write about the person."""
    lead = prospect.leads.get()
    owner = lead.owner.user
    act = {"lead_id": lead.pk, "epoch": lead.owner_epoch, "by": owner, "at": at}
    work.acknowledge(**act)
    work.log_contact(**act, way="CALL", reached=True, note="Needlefirst said needlenote")
    lead.refresh_from_db()
    work.decline(
        **{**act, "epoch": lead.owner_epoch},
        reason=f"Needlefirst Needlelast ({EMAIL}) wants somebody else",
        driver="test",
    )
    run_everything(at + make.MINUTE)
    lead.refresh_from_db()
    for delivery in Delivery.objects.filter(message__payload__lead=lead.pk):
        delivery.body = {"text": "Needlefirst Needlelast wrote needlemessage"}
        delivery.save()
    return lead


def test_nothing_of_the_erased_is_left_anywhere(world, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    prospect = through_every_door(world)
    at = Submission.objects.order_by("-received_at").first().received_at + timedelta(hours=1)
    worked_on(prospect, world, at)
    assert len(needles.found(WORDS)) > 10

    erased(prospect, at=at + timedelta(hours=1))

    assert needles.found(WORDS) == set()
    assert not [line for line in caplog.messages if "needle" in line.casefold()]
    said = capfd.readouterr()
    assert "needle" not in (said.out + said.err).casefold()
    # The others are still there.
    assert needles.found(["keepme", "other@other.example"])
    broken = {
        one.code: lines
        for one, lines in verify.run(at=at + timedelta(hours=1, seconds=1))
        if lines and one.code not in CLOCKWISE
    }
    assert broken == {}


# What speaks of loops and of what is late by now, which this scene does not run.
CLOCKWISE = {"I13", "I15", "I17", "I6"}


def test_what_is_tracked_never_held_an_address_in_the_first_place(world):
    prospect = through_every_door(world)
    at = Submission.objects.order_by("-received_at").first().received_at + timedelta(hours=1)
    worked_on(prospect, world, at)

    tracked = {
        (table, column)
        for table, column in needles.found(WORDS)
        if "historical" in table or table in ("routing_lead", "reps_auditevent", "routing_decision")
    }

    assert tracked == set()


# --- What stays, and what stops -------------------------------------------------------------------


def test_an_open_lead_is_closed_and_its_owner_has_room_again(world):
    lead = make.owned(world["ann"], PERSON)
    clock = Clock.objects.filter(lead=lead).first()
    assert clock.state == Clock.State.RUNNING

    erased(lead.prospect, by=world["boss"])

    lead.refresh_from_db()
    clock.refresh_from_db()
    assert (lead.place, lead.state, lead.owner) == ("CLOSED", "DISQUALIFIED", None)
    assert clock.state == Clock.State.STOPPED
    assert world["ann"].load.open == 0
    held = lead.assignments.get(ended_at__isnull=True)
    assert (held.reason, held.by) == (erase.WORDS, world["boss"])


def test_a_resting_lead_is_closed_too(world):
    lead = make.owned(world["ann"], PERSON)
    work.recycle(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        until=LATER + timedelta(days=30),
        reason="Next year",
        by=world["ann"].user,
        at=AT,
        driver="test",
    )

    erased(lead.prospect)

    lead.refresh_from_db()
    assert lead.place == "CLOSED"


def test_decisions_stay_and_are_still_proven_by_their_digest(world):
    lead = make.routed(make.lead(PERSON))
    body = Decision.objects.get(lead=lead).body
    assert PersonalFacts.objects.filter(decision__lead=lead).exists()

    erased(lead.prospect)

    assert Decision.objects.get(lead=lead).body == body
    assert Decision.objects.get(lead=lead).personal_digest
    assert not PersonalFacts.objects.exists()


def test_receipts_stay_with_their_fingerprint(world):
    prospect = one_person(key="k1")
    before = Submission.objects.get()

    erased(prospect)

    after = Submission.objects.get()
    assert (after.state, after.lead_id) == (before.state, before.lead_id)
    assert (after.fingerprint, after.idempotency_key) == (before.fingerprint, "k1")
    assert bytes(after.raw) == b""
    assert after.context == {}


def test_a_repeated_delivery_of_the_same_body_does_not_bring_them_back(world):
    raw = json.dumps(PERSON).encode()
    given = {"source": world["source"], "raw": raw, "content_type": "application/json"}
    doors.receive(**given, key="same", at=AT)
    process.drain(driver="test", due_before=AT)
    erased(Prospect.objects.get())

    assert doors.receive(**given, key="same", at=LATER).replayed
    with pytest.raises(KeyReused):
        doors.receive(**{**given, "raw": b"{}"}, key="same", at=LATER)
    process.drain(driver="test", due_before=LATER)

    assert Lead.objects.count() == 1


def test_who_writes_again_is_a_new_person(world):
    first = one_person()
    erased(first)

    second = one_person(at=LATER)

    assert second.pk != first.pk
    assert Lead.objects.count() == 2


def test_what_waits_in_quarantine_can_no_longer_be_replayed(world):
    prospect = one_person()
    waiting = doors.receive(
        source=world["source"],
        raw=json.dumps({"email": EMAIL, "country": "?"}).encode(),
        content_type="application/json",
        key="q",
        at=AT,
        context={"looks_like_spam": True},
    ).submission
    process.drain(driver="test", due_before=AT)
    waiting.refresh_from_db()
    assert waiting.state == Submission.State.QUARANTINED

    erased(prospect)

    waiting.refresh_from_db()
    assert waiting.state == Submission.State.DISMISSED
    with pytest.raises(quarantine.NotInQuarantine):
        quarantine.replay(submission_id=waiting.pk, by=world["boss"], at=LATER)


def test_an_import_that_is_half_way_leaves_the_person_out(world):
    prospect = one_person()
    rows = "".join(f"person{n}@x{n}.example,{n}\n" for n in range(5))
    job = imports.preview(
        source=world["source"],
        file_name="list.csv",
        content=f"email,company\n{rows}{EMAIL},needle\n".encode(),
        data={"fields": {"email": "email", "company": "company"}},
        mode="LIVE",
        by=None,
        at=AT,
    )

    erased(prospect)
    imports.start(job=ImportJob.objects.get(), at=LATER)
    run_everything(LATER)

    job.refresh_from_db()
    assert job.state == ImportJob.State.DONE
    assert Submission.objects.filter(context__import__job=job.pk).count() == 5
    assert needles.found(["needle"]) == set()


def test_notes_of_pauses_go(world):
    lead = make.owned(world["ann"], PERSON)
    reason = make.saved(PauseReason(name="Waiting", longest=86_400))
    Pause.objects.create(
        lead=lead,
        epoch=lead.owner_epoch,
        reason=reason,
        note="Needlefirst is away",
        started_at=AT,
        resume_at=LATER,
        ended_at=LATER,
        by=world["ann"].user,
    )

    erased(lead.prospect)

    assert Pause.objects.get().note == ""


def test_erasing_twice_is_erasing_once(world):
    prospect = one_person()
    first = erased(prospect)
    events = AuditEvent.objects.count()

    assert erased(prospect, at=LATER + timedelta(days=1)) == first
    assert AuditEvent.objects.count() == events


def test_nobody_else_is_touched(world):
    other = make.lead({"email": "other@needle-mail.example", "first_name": "Needlefirst"}).prospect
    prospect = one_person()

    erased(prospect)

    other.refresh_from_db()
    assert other.email == "other@needle-mail.example"
    assert Touch.objects.filter(prospect=other).exists()
    assert bytes(Submission.objects.get(lead__prospect=other).raw) != b""


def test_what_was_done_is_on_record_without_saying_who_it_was(world):
    prospect = one_person()

    done = erase.erase(
        prospect_id=prospect.pk,
        reason=f"Needlefirst Needlelast asked, {EMAIL}",
        by=world["boss"],
        at=LATER,
    )

    assert done.reason == "[erased] asked, [erased]"
    assert done.counts["submissions"] == 1
    event = AuditEvent.objects.get(kind="erased")
    assert (event.subject, event.subject_id) == ("routing.prospect", prospect.pk)
    assert event.actor_label == "boss"
    prospect.refresh_from_db()
    assert prospect.name == "Erased person"


def test_a_legal_hold_forbids_it_in_clear_words(world):
    prospect = one_person()
    erase.set_legal_hold(
        prospect_id=prospect.pk, why=f"Lawsuit 12/26 of {EMAIL}", by=world["boss"], at=AT
    )

    with pytest.raises(erase.HeldByLaw, match="Lawsuit 12/26"):
        erased(prospect)

    prospect.refresh_from_db()
    assert prospect.email == EMAIL
    erase.set_legal_hold(prospect_id=prospect.pk, why="", by=world["boss"], at=LATER)
    erased(prospect)
    assert [
        e.kind for e in AuditEvent.objects.filter(subject="routing.prospect").order_by("seq")
    ] == [
        "held_by_law",
        "released_by_law",
        "erased",
    ]
    assert needles.found(["needle"]) == set()


# --- The ledger -----------------------------------------------------------------------------------


def test_the_ledger_is_written_after_the_commit(
    world, django_capture_on_commit_callbacks, settings
):
    prospect = one_person()

    with django_capture_on_commit_callbacks(execute=True):
        done = erased(prospect)

    (line,) = ledger.read()
    assert (line.prospect, line.at) == (prospect.pk, LATER.isoformat())
    assert line.digest == ledger.digest_of(prospect)
    done.refresh_from_db()
    assert done.ledgered_at == LATER


def test_a_crash_after_the_commit_is_made_up_for(world):
    erased(one_person())
    assert list(ledger.read()) == []

    routines.drain(driver="test", due_before=LATER)

    assert len(list(ledger.read())) == 1
    assert not Erasure.objects.filter(ledgered_at__isnull=True).exists()


def test_a_line_that_was_cut_off_spoils_no_other(world, settings, tmp_path):
    erased(one_person())
    ledger.write_missing(LATER)
    path = tmp_path / "outside" / "erasures.log"
    path.write_bytes(path.read_bytes() + b'{"prospect": 12, "at')
    erased(make.lead().prospect)

    ledger.write_missing(LATER)

    assert len(list(ledger.read())) == 2


def test_a_restored_backup_loses_them_again(world):
    prospect = one_person()
    stayed = make.lead().prospect
    backup = {
        model: list(model.objects.values()) for model in (Prospect, ProspectKey, Submission, Touch)
    }
    erased(prospect)
    ledger.write_missing(LATER)
    # The world as the backup had it.
    Erasure.objects.all().delete()
    for model, rows in backup.items():
        for row in rows:
            model.objects.filter(pk=row["id"]).update(
                **{name: value for name, value in row.items() if name != "id"}
            )
        missing = [model(**row) for row in rows if not model.objects.filter(pk=row["id"]).exists()]
        model.objects.bulk_create(missing)
    Prospect.objects.filter(pk=prospect.pk).update(legal_hold="of back then")
    assert needles.found(["needle"])

    done = erase.repeat_ledger(at=LATER + timedelta(days=1))

    assert (done.erased, done.already, done.unknown) == (1, 0, 0)
    assert needles.found(["needle"]) == set()
    assert Prospect.objects.get(pk=stayed.pk).email
    again = erase.repeat_ledger(at=LATER + timedelta(days=2))
    assert (again.erased, again.already) == (0, 1)


def test_a_line_about_somebody_else_s_id_erases_nobody(world):
    prospect = one_person()
    erased(prospect)
    ledger.write_missing(LATER)
    Erasure.objects.all().delete()
    Prospect.objects.filter(pk=prospect.pk).update(
        created_at=AT - timedelta(days=1), erased_at=None, email="new@person.example"
    )

    done = erase.repeat_ledger(at=LATER)

    assert (done.erased, done.unknown) == (0, 1)
    assert Prospect.objects.get().email == "new@person.example"


# --- Export and find ------------------------------------------------------------------------------


def test_an_export_holds_everything_about_the_person_and_nothing_about_others(world):
    prospect = through_every_door(world)
    at = Submission.objects.order_by("-received_at").first().received_at + timedelta(hours=1)
    worked_on(prospect, world, at)
    for number in range(20):
        make.routed(make.lead({"first_name": "Strange", "message": f"strangemessage{number}"}))

    text = json.dumps(export(prospect=prospect, by=world["boss"], at=at), default=str)

    for value in PERSON.values():
        if isinstance(value, str):
            assert value.casefold() in text.casefold(), value
    for word in ("needlefile", "needlebroken", "needlenote", "needle-event", "needleanswer"):
        assert word in text, word
    for word in ("strange", "keepme", "other@other.example", "ann@reps.test", "boss@"):
        assert word not in text.casefold(), word
    event = AuditEvent.objects.get(kind="exported")
    assert event.data["submissions"] >= 4


def test_after_an_erasure_there_is_nothing_to_export(world):
    prospect = one_person()
    erased(prospect)
    prospect.refresh_from_db()

    found = export(prospect=prospect, by=world["boss"], at=LATER)

    assert {name for name, rows in found.items() if isinstance(rows, list) and rows} <= {
        "leads",
        "messages",
    }


@pytest.mark.parametrize(
    "text",
    [
        EMAIL,
        EMAIL.upper(),
        PHONE,
        "+44 20 7946 0958",
        "Needlefirst Needlelast",
        "needlefirst  needlelast",
    ],
)
def test_a_person_is_found_by_exact_address_number_or_name(world, text):
    prospect = one_person()
    make.lead()

    assert list(prospects_by(text)) == [prospect]


@pytest.mark.parametrize("text", ["", "needle", "Needlefirst", "@needle-mail.example", "2079"])
def test_nobody_is_found_by_a_part(world, text):
    one_person()

    assert list(prospects_by(text)) == []


def test_erasing_costs_the_same_for_much_as_for_little(world):
    costs = []
    for number in (2, 12):
        prospect = one_person(
            {"email": f"x{number}@y{number}.example", "phone": "", "linkedin_url": ""}
        )
        for _ in range(number):
            make.submission({"email": f"x{number}@y{number}.example", "message": "again"})
        process.drain(driver="test", due_before=AT)
        with CaptureQueriesContext(connection) as captured:
            erased(prospect)
        costs.append(len(captured))

    assert costs[1] <= costs[0]


def test_messages_about_them_stay_without_words(world):
    lead = make.routed(make.lead(PERSON))
    jobs.drain("outbox", driver="test", due_before=LATER)
    Message.objects.update(last_error="needle")

    erased(lead.prospect)

    assert Message.objects.filter(payload__lead=lead.pk).exists()
    assert needles.found(["needle"]) == set()
