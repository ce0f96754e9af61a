"""From a door to a lead: nothing lost, nobody twice, every fault where a person sees it."""

import json
import logging
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError

from reps.models import AuditEvent, Message
from reps.models.tracked import bulk_writer
from routing import signals, work
from routing.intake import attempts, doors, process, quarantine
from routing.intake.decode import Problem
from routing.intake.quarantine import NotInQuarantine, QuarantineRefused, StillBroken
from routing.models import Lead, Prospect, Submission, Touch
from tests import make

AT = make.MONDAY_9AM
LATER = AT + timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def organisation():
    return make.organisation()


@pytest.fixture
def boss():
    return make.user("boss", is_superuser=True)


def receive(body: bytes = b'{"email": "ann@acme.example"}', **more):
    more.setdefault("source", make.Source.objects.first() or make.source())
    return doors.receive(
        raw=body,
        content_type=more.pop("content_type", "application/json"),
        key=more.pop("key", "key-1"),
        at=more.pop("at", AT),
        **more,
    )


def drain(at=AT) -> int:
    handled = 0
    while done := process.drain(driver="test", due_before=at):
        handled += done
    return handled


# --- Doors --------------------------------------------------------------------------------------


def test_a_door_keeps_the_bytes_as_they_came():
    raw = '{"email": "ann@acme.example", "x": "ü"}'.encode()

    kept = receive(raw).submission

    kept.refresh_from_db()
    assert bytes(kept.raw) == raw
    assert (kept.state, kept.due_at, kept.mode) == ("RECEIVED", AT, "LIVE")


def test_the_same_key_and_body_again_is_the_same_submission():
    first, second = receive(), receive()

    assert not first.replayed
    assert second.replayed
    assert first.submission == second.submission
    assert Submission.objects.count() == 1


def test_the_same_key_with_another_body_is_refused():
    receive()

    with pytest.raises(doors.KeyReused, match="another body"):
        receive(b'{"email": "ben@acme.example"}')


def test_the_same_key_of_another_source_is_another_submission():
    receive()
    receive(source=make.source("other"))

    assert Submission.objects.count() == 2


def test_a_closed_source_takes_nothing():
    closed = make.source(is_active=False)

    with pytest.raises(doors.SourceClosed):
        receive(source=closed)

    assert not Submission.objects.exists()


def test_what_a_door_refuses_is_kept_for_mending():
    kept = receive(b"\xff", problems=[Problem("", "too_large", "Too large.")]).submission

    kept.refresh_from_db()
    assert (kept.state, kept.due_at) == ("QUARANTINED", None)
    assert kept.errors[0]["code"] == "too_large"


# --- Becoming a lead ----------------------------------------------------------------------------


def test_a_submission_becomes_a_lead_in_the_waiting_room(organisation):
    received = receive(
        json.dumps(
            {
                "email": "Ann@Acme.example",
                "name": "Ann Lee",
                "company": "Acme",
                "employees": "51-200",
                "expected_value": "1,200.50",
                "message": "Hello",
                "page_url": "https://a.example/x",
                "use_case": "Support",
            }
        ).encode()
    ).submission

    assert drain() == 1

    received.refresh_from_db()
    lead = received.lead
    assert (received.state, received.processed_at, received.due_at) == ("PROCESSED", AT, None)
    assert (lead.place, lead.queue, lead.owner_epoch) == ("QUEUE", organisation.intake_queue, 0)
    assert (lead.employees, lead.expected_value, lead.route_at) == (51, Decimal("1200.50"), AT)
    assert lead.responsible == organisation.intake_queue.responsible
    assert (lead.prospect.first_name, lead.prospect.email) == ("Ann", "ann@acme.example")
    touch = lead.touches.get()
    assert (touch.text, touch.answers, touch.submission) == (
        "Hello",
        {"use_case": "Support"},
        received,
    )


def test_a_new_lead_has_one_history_row_and_one_event_without_personal_data():
    lead = make.lead({"name": "Ann Lee", "message": "secret words"})

    row = lead.history.get()
    event = AuditEvent.objects.get(subject="routing.lead", subject_id=lead.pk)
    assert (row.history_type, row.history_date, event.kind) == ("+", AT, "received")
    assert "Ann" not in str(event.data)
    assert "secret" not in str(event.data)


def test_a_form_that_is_url_encoded_is_read_too():
    received = receive(
        b"email=ann%40acme.example&first_name=Zo%C3%AB",
        content_type="application/x-www-form-urlencoded",
    ).submission

    drain()

    received.refresh_from_db()
    assert received.lead.prospect.first_name == "Zoë"


def test_a_lead_is_matched_to_its_account():
    account = make.account("Acme", domain="acme.com")

    lead = make.lead({"email": "ann@mail.acme.com"})

    assert lead.account == account
    assert lead.match_confidence > 0.8
    assert lead.match_evidence


def test_a_free_mail_address_matches_no_account():
    make.account("Gmail", domain="gmail.com")

    assert make.lead({"email": "ann@gmail.com"}).account is None


def test_the_score_shows_every_contribution():
    make.factor(70, {"fact": "country", "op": "eq", "value": "DE"}, "Germany")
    make.factor(-20, {"fact": "email_class", "op": "eq", "value": "free"}, "Free mail")
    make.factor(15, {"fact": "country", "op": "eq", "value": "FR"}, "France")

    lead = make.lead({"country": "DE", "email": "ann@gmail.com"})

    assert (lead.score, lead.tier) == (50, "COLD")
    assert sorted(lead.score_parts) == [["Free mail", -20], ["Germany", 70]]


def test_a_score_is_bounded():
    make.factor(300, {"all": []})

    lead = make.lead()

    assert (lead.score, lead.tier, lead.priority) == (100, "HOT", 1)


def test_a_raised_hand_is_hot_whatever_the_score():
    assert make.lead({"hand_raise": True}).priority == 1
    assert make.lead().priority == 0
    assert make.lead(source=make.source(is_hand_raise=True)).priority == 1


def test_nothing_is_processed_before_there_is_an_organisation(organisation):
    source = make.source()
    type(organisation).objects.all().delete()
    receive(source=source)

    assert drain() == 0
    assert Submission.objects.get().state == "RECEIVED"


def test_what_is_not_due_yet_waits():
    receive(at=LATER)

    assert drain(AT) == 0
    assert drain(LATER) == 1


# --- One person, one open lead ------------------------------------------------------------------


def test_the_same_person_through_two_doors_is_one_lead_with_two_touches():
    web, api = make.source("web"), make.source("api")
    receive(source=web, key="a")
    receive(b'{"email": "ANN@acme.example", "phone": "+49 30 123456"}', source=api, key="b")

    drain()

    lead = Lead.objects.get()
    assert Prospect.objects.get().phone == "+4930123456"
    assert [touch.source for touch in lead.touches.order_by("pk")] == [web, api]
    assert Submission.objects.filter(state="PROCESSED", lead=lead).count() == 2


def test_a_later_touch_of_an_open_lead_is_no_new_lead():
    lead = make.lead({"email": "ann@acme.example"})

    again = make.lead({"email": "ann@acme.example"}, at=LATER)

    assert again == lead
    assert lead.touches.count() == 2


def test_a_person_with_a_closed_lead_gets_a_new_one():
    ann = make.rep("ann")
    first = make.owned(ann, {"email": "back@acme.example"})
    work.record_outcome(lead_id=first.pk, epoch=1, kind="WON", by=ann.user, at=AT, driver="test")

    second = make.lead({"email": "back@acme.example"}, at=LATER)

    assert second != first
    assert second.prospect == first.prospect
    assert Lead.objects.open().get() == second


def test_shadow_and_live_leads_of_one_person_stand_apart():
    live = make.lead({"email": "ann@acme.example"})
    shadow = make.lead({"email": "ann@acme.example"}, mode="SHADOW")

    assert live != shadow
    assert live.prospect == shadow.prospect


def test_a_touch_adds_to_the_score_and_never_takes_away():
    make.factor(30, {"fact": "touches", "op": "gte", "value": 2}, "Came back")
    make.factor(40, {"fact": "country", "op": "eq", "value": "DE"}, "Germany")
    lead = make.lead({"email": "ann@acme.example", "country": "DE"})
    assert lead.score == 40

    make.lead({"email": "ann@acme.example"}, at=LATER)

    lead.refresh_from_db()
    assert lead.score == 70
    assert lead.history.count() == 2
    assert lead.history.first().score == 70


def test_a_touch_that_changes_nothing_leaves_no_history():
    lead = make.lead({"email": "ann@acme.example"})

    make.lead({"email": "ann@acme.example"}, at=LATER)

    assert lead.history.count() == 1


def test_a_raised_hand_makes_an_open_lead_hot():
    lead = make.lead({"email": "ann@acme.example"})

    make.lead({"email": "ann@acme.example", "hand_raise": True}, at=LATER)

    lead.refresh_from_db()
    assert (lead.is_hand_raise, lead.priority) == (True, 1)


def test_a_raised_hand_stays_raised():
    lead = make.lead({"email": "ann@acme.example", "hand_raise": True})

    make.lead({"email": "ann@acme.example", "hand_raise": False}, at=LATER)

    lead.refresh_from_db()
    assert (lead.is_hand_raise, lead.priority) == (True, 1)


def test_an_owner_is_told_when_their_person_raises_a_hand_again():
    ann = make.rep("ann")
    lead = make.owned(ann, {"email": "ann@acme.example"})

    make.lead({"email": "ann@acme.example", "hand_raise": True}, at=LATER)

    message = Message.objects.get(kind="lead_raised_again")
    assert (message.recipient, message.payload) == (ann.user, {"lead": lead.pk, "epoch": 1})
    assert Lead.objects.get(pk=lead.pk).owner == ann


def test_an_owner_of_a_backfilled_lead_is_not_told():
    ann = make.rep("ann")
    make.owned(ann, {"email": "ann@acme.example"}, mode="BACKFILL")

    make.lead({"email": "ann@acme.example", "hand_raise": True}, mode="BACKFILL", at=LATER)

    assert not Message.objects.exists()


# --- What cannot be read ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\xff", "not_utf8"),
        (b"[1]", "not_an_object"),
        (b'{"email": "\\u0000"}', "nul_character"),
        (b'{"email": "\\ud800"}', "lone_surrogate"),
        (b'{"email": "ann@acme.example", "x": 1e999}', "bad_number"),
        (b'{"email": "nobody"}', "bad_email"),
        (b'{"linkedin_url": "http://["}', "bad_linkedin"),
        (b"{}", "unreachable"),
    ],
)
def test_what_cannot_be_read_waits_in_quarantine_with_its_reason(raw, code):
    kept = receive(raw).submission

    assert drain() == 1

    kept.refresh_from_db()
    assert (kept.state, kept.due_at, kept.lead) == ("QUARANTINED", None, None)
    assert [error["code"] for error in kept.errors] == [code]
    assert bytes(kept.raw) == raw


def test_a_broken_submission_stops_no_other():
    receive(b"broken", key="broken")
    receive(key="good")

    drain()

    assert Lead.objects.count() == 1


def test_the_questions_a_form_insists_on_are_asked():
    form = make.form()
    kept = receive(b'{"email": "ann@acme.example"}', source=form.source, form=form).submission

    drain()

    kept.refresh_from_db()
    assert {error["field"] for error in kept.errors} == {"first_name", "last_name", "company"}


def test_what_looks_like_spam_waits_for_a_person(boss):
    kept = receive(context={"looks_like_spam": True}).submission
    drain()
    kept.refresh_from_db()
    assert kept.errors[0]["code"] == "spam"

    quarantine.replay(submission_id=kept.pk, by=boss, at=LATER)
    drain(LATER)

    assert Submission.objects.get(pk=kept.pk).lead is not None


def test_a_batch_that_fails_is_tried_one_by_one_and_given_up_after_five_attempts(
    monkeypatch, caplog
):
    poisoned = make.submission({"company": "Poison"})
    good = make.submission()
    real = signals.leads_raised_again
    assert real is not None
    original = process._touch

    def fails(items):
        if any(item.prospect.company == "Poison" for item in items):
            raise RuntimeError("it fails")
        original(items)

    monkeypatch.setattr(process, "_touch", fails)
    now = AT
    with caplog.at_level(logging.CRITICAL):
        for _ in range(attempts.MOST):
            process.drain(driver="test", due_before=now)
            now += timedelta(minutes=10)

    poisoned.refresh_from_db()
    good.refresh_from_db()
    assert good.state == "PROCESSED"
    assert (poisoned.state, poisoned.attempts) == ("QUARANTINED", attempts.MOST)
    assert poisoned.errors[0]["code"] == "failed"
    assert Lead.objects.count() == 1
    assert Touch.objects.count() == 1


def test_a_failing_submission_is_put_off_a_little_longer_each_time(monkeypatch):
    broken = make.submission()
    monkeypatch.setattr(process, "_touch", lambda items: 1 / 0)
    logging.disable(logging.CRITICAL)
    try:
        process.drain(driver="test", due_before=AT)
        broken.refresh_from_db()
        first = broken.due_at
        process.drain(driver="test", due_before=first)
        broken.refresh_from_db()
    finally:
        logging.disable(logging.NOTSET)

    assert first == AT + attempts.RETRY
    assert broken.due_at == first + 2 * attempts.RETRY


# --- Mending ------------------------------------------------------------------------------------


@pytest.fixture
def broken():
    kept = receive(b'{"email": "nobody", "company": "Acme"}').submission
    drain()
    kept.refresh_from_db()
    return kept


def test_a_mended_submission_becomes_a_lead_and_keeps_its_raw_body(broken, boss):
    quarantine.mend_and_replay(
        submission_id=broken.pk, corrected='{"email": "ann@acme.example"}', by=boss, at=LATER
    )
    drain(LATER)

    broken.refresh_from_db()
    assert broken.lead.prospect.email == "ann@acme.example"
    assert b"nobody" in bytes(broken.raw)
    event = AuditEvent.objects.get(subject="routing.submission")
    assert (event.kind, event.actor) == ("mended", boss)


@pytest.mark.parametrize(
    "corrected", ["", "{", "[]", '{"email": "x"}', '{"a": "\ud800"}', "{" * 300_000]
)
def test_a_correction_that_is_no_better_is_refused(broken, boss, corrected):
    with pytest.raises(StillBroken) as refused:
        quarantine.mend_and_replay(submission_id=broken.pk, corrected=corrected, by=boss, at=LATER)

    assert refused.value.problems
    broken.refresh_from_db()
    assert broken.state == "QUARANTINED"


def test_a_dismissed_submission_is_kept_with_who_and_why(broken, boss):
    quarantine.dismiss(submission_id=broken.pk, reason="SPAM", by=boss, at=LATER)

    broken.refresh_from_db()
    assert (broken.state, broken.processed_at) == ("DISMISSED", LATER)
    event = AuditEvent.objects.get(subject="routing.submission")
    assert (event.kind, event.reason_code, event.actor) == ("dismissed", "SPAM", boss)


def test_a_dismissal_needs_a_reason_from_the_list(broken, boss):
    with pytest.raises(QuarantineRefused):
        quarantine.dismiss(submission_id=broken.pk, reason="Because", by=boss, at=LATER)


def test_what_somebody_has_dealt_with_already_is_not_dealt_with_twice(broken, boss):
    quarantine.dismiss(submission_id=broken.pk, reason="SPAM", by=boss, at=LATER)

    for act in (
        lambda: quarantine.replay(submission_id=broken.pk, by=boss, at=LATER),
        lambda: quarantine.dismiss(submission_id=broken.pk, reason="SPAM", by=boss, at=LATER),
        lambda: quarantine.mend_and_replay(
            submission_id=broken.pk, corrected="{}", by=boss, at=LATER
        ),
    ):
        with pytest.raises(NotInQuarantine):
            act()


def test_a_submission_that_is_still_broken_is_not_replayed(broken, boss):
    with pytest.raises(StillBroken, match="email"):
        quarantine.replay(submission_id=broken.pk, by=boss, at=LATER)


def test_a_raw_body_is_shown_without_what_a_page_cannot_show():
    kept = receive(b"a\x00\x1b[31m\xff" + b"x" * quarantine.SHOWN).submission

    text, cut = quarantine.shown(kept)

    assert text.startswith("a\ufffd\ufffd[31m\ufffd")
    assert cut


# --- What kills its process -----------------------------------------------------------------


class Killed(BaseException):
    """The process dies here: nothing catches this, and what it had not committed is gone."""


def test_a_submission_that_kills_its_process_has_five_attempts_and_stops_no_other(monkeypatch):
    received = [make.submission({"company": "Killer" if n == 3 else "Fine"}) for n in range(6)]
    starts = []
    original = process._touch

    def kills(items):
        if any(item.prospect.company == "Killer" for item in items):
            starts.append(len(items))
            raise Killed
        original(items)

    monkeypatch.setattr(process, "_touch", kills)
    # Late enough that attempts are counted; before, nobody could know.
    now = AT + timedelta(seconds=20)
    for _ in range(20):
        try:
            process.drain(driver="test", due_before=now)
        except Killed:
            now += timedelta(seconds=1)

    states = [Submission.objects.get(pk=one.pk).state for one in received]
    assert states == ["PROCESSED"] * 3 + ["QUARANTINED"] + ["PROCESSED"] * 2
    # Once in the batch, then by itself.
    assert starts == [6] + [1] * attempts.MOST


def test_a_batch_that_keeps_up_counts_nothing():
    make.submission()

    process.drain(driver="test", due_before=AT + timedelta(seconds=1))

    assert Submission.objects.get().attempts == 0


def test_if_every_submission_fails_none_of_them_is_to_blame(monkeypatch):
    for _ in range(3):
        make.submission()
    monkeypatch.setattr(process, "_touch", lambda items: 1 / 0)
    logging.disable(logging.CRITICAL)
    try:
        for _ in range(7):
            with pytest.raises(ZeroDivisionError):
                process.drain(driver="test", due_before=AT)
    finally:
        logging.disable(logging.NOTSET)

    assert set(Submission.objects.values_list("state", "attempts")) == {("RECEIVED", 0)}


def test_trouble_of_the_database_is_no_submissions_fault(monkeypatch):
    make.submission()

    def gone(items):
        raise OperationalError("gone")

    monkeypatch.setattr(process, "_touch", gone)
    with pytest.raises(OperationalError):
        process.drain(driver="test", due_before=AT + timedelta(seconds=20))

    assert Submission.objects.get().attempts == 0


def test_a_shadow_that_comes_again_is_decided_again():
    make.submission({"email": "ann@acme.example"}, mode="SHADOW")
    drain()
    with bulk_writer("test"):
        Lead.objects.update(route_at=None)
    make.submission({"email": "ann@acme.example"}, mode="SHADOW", at=LATER)

    drain(LATER)

    assert Lead.objects.get().route_at == LATER
