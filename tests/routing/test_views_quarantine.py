"""The quarantine: hostile bodies are shown safely, mended, replayed or dismissed."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps.models import AuditEvent
from routing.intake import doors, process, quarantine
from routing.models import Submission
from tests import make

pytestmark = pytest.mark.django_db

HOSTILE = {
    "nul": b'{"email": "a\x00b@x.com"}',
    "escaped nul": b'{"email": "a\\u0000@x.com"}',
    "surrogate": b'{"email": "\\ud800@x.com"}',
    "not utf-8": b"\xff\xfe{}",
    "deep": b"[" * 5000,
    "script": b"<script>alert(1)</script>",
    "wrong type": b'{"email": {"a": [1]}}',
    "empty": b"",
    "huge": b"{" + b" " * 300_000,
}


@pytest.fixture
def manager(client):
    user = make.user("mia", group="manager")
    client.force_login(user)
    return user


def broken(raw=b"not json", **more):
    make.organisation()
    source = more.pop("source", None) or make.source()
    received = doors.receive(
        source=source,
        raw=raw,
        content_type="application/json",
        key=f"k{Submission.objects.count()}",
        at=make.MONDAY_9AM,
        **more,
    ).submission
    process.drain(driver="test", due_before=make.MONDAY_9AM)
    received.refresh_from_db()
    assert received.state == Submission.State.QUARANTINED
    return received


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_shown_safely_and_can_be_mended(client, manager, raw):
    submission = broken(raw)
    url = f"/quarantine/{submission.pk}/"

    page = client.get(url)
    again = client.post(url, {"do": "mend", "corrected": raw.decode("utf-8", "replace")})
    client.post(url, {"do": "mend", "corrected": '{"email": "ada@example.com"}'})

    assert page.status_code == again.status_code == 200
    assert b"<script>alert" not in page.content
    assert b"\x00" not in page.content
    assert len(page.content) < 200_000
    process.drain(driver="test", due_before=submission.received_at.replace(year=2100))
    submission.refresh_from_db()
    assert submission.state == Submission.State.PROCESSED
    assert bytes(submission.raw) == raw


def test_the_list_says_what_is_wrong(client, manager):
    broken(b'{"email": "nonsense"}')

    page = client.get("/quarantine/").content.decode()

    assert "email: Is not an e-mail address" in page


def test_a_correction_that_is_still_wrong_keeps_what_was_typed(client, manager):
    submission = broken()

    page = client.post(
        f"/quarantine/{submission.pk}/", {"do": "mend", "corrected": '{"email": "still wrong"}'}
    ).content.decode()

    assert "still wrong" in page
    assert "Is not an e-mail address" in page
    submission.refresh_from_db()
    assert submission.state == Submission.State.QUARANTINED
    assert submission.corrected == ""


def test_what_looked_like_spam_is_replayed_as_it_came(client, manager):
    submission = broken(
        json.dumps({"email": "ada@example.com"}).encode(), context={"looks_like_spam": True}
    )

    client.post(f"/quarantine/{submission.pk}/", {"do": "replay"})
    process.drain(driver="test", due_before=submission.received_at.replace(year=2100))

    submission.refresh_from_db()
    assert submission.state == Submission.State.PROCESSED


def test_a_dismissal_needs_a_reason_and_is_on_record(client, manager):
    submission = broken()
    url = f"/quarantine/{submission.pk}/"

    client.post(url, {"do": "dismiss", "reason": ""})
    submission.refresh_from_db()
    before = submission.state
    client.post(url, {"do": "dismiss", "reason": "SPAM"})
    submission.refresh_from_db()

    assert before == Submission.State.QUARANTINED
    assert submission.state == Submission.State.DISMISSED
    event = AuditEvent.objects.get(subject="routing.submission")
    assert (event.kind, event.reason_code, event.actor) == ("dismissed", "SPAM", manager)


def test_only_one_of_two_people_mends_it(manager):
    submission = broken()
    good = '{"email": "ada@example.com"}'
    quarantine.mend_and_replay(
        submission_id=submission.pk, corrected=good, by=manager, at=make.MONDAY_9AM
    )

    with pytest.raises(quarantine.NotInQuarantine):
        quarantine.mend_and_replay(
            submission_id=submission.pk, corrected=good, by=manager, at=make.MONDAY_9AM
        )


def test_no_personal_data_reaches_the_trail(manager):
    submission = broken()

    quarantine.mend_and_replay(
        submission_id=submission.pk,
        corrected='{"email": "ada@example.com"}',
        by=manager,
        at=make.MONDAY_9AM,
    )

    event = AuditEvent.objects.get(subject="routing.submission")
    assert event.kind == "mended"
    assert "ada" not in json.dumps(event.data) + event.reason


def test_a_lone_surrogate_in_a_correction_is_named(manager):
    submission = broken()

    with pytest.raises(quarantine.StillBroken):
        quarantine.mend_and_replay(
            submission_id=submission.pk,
            corrected='{"email": "\ud800@x.com"}',
            by=manager,
            at=make.MONDAY_9AM,
        )


def test_the_queries_of_the_list_do_not_grow_with_rows(client, manager):
    source = make.source()
    for _ in range(2):
        broken(source=source)
    client.get("/quarantine/")
    with CaptureQueriesContext(connection) as few:
        client.get("/quarantine/")
    for _ in range(18):
        broken(source=source)

    with CaptureQueriesContext(connection) as many:
        client.get("/quarantine/")

    assert len(many) == len(few)


def test_a_rep_sees_no_submission(client):
    submission = broken()
    client.force_login(make.rep("rea").user)

    assert client.get("/quarantine/").status_code == 403
    assert client.get(f"/quarantine/{submission.pk}/").status_code == 403
    assert client.post(f"/quarantine/{submission.pk}/", {"do": "replay"}).status_code == 403
