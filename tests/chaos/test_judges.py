"""The judges of chaos: what they would overlook, no scenario could show."""

import http.client
import json
import socket
import time
from dataclasses import replace

import pytest

from tests import make
from tests.chaos import journal, load, report
from tests.chaos.journal import Act
from tests.chaos.outcome import Outcome, percentile
from tests.chaos.proxy import proxy
from tests.chaos.receiver import receiver
from tests.processes import scene

PLAN = load.Plan(
    port=1,
    journal="",
    name="c",
    number=300,
    rate=0,
    threads=1,
    seed=7,
    api_source="partner",
    api_key="lr_x",
    form="contact",
    form_source="website",
)


def acknowledged(email: str = "ada@company.com", key: str = "one") -> Act:
    """A lead that a door acknowledged, that is there, and that routing has seen."""
    source = make.source("partner")
    make.organisation()
    received = make.submission({"email": email}, source=source, key=key)
    scene.process.drain(driver="test", due_before=received.due_at)
    return Act("partner", key, email, 202, str(received.public_id), 0.1, 1, 0.0)


@pytest.mark.django_db
def test_what_was_acknowledged_and_is_there_is_no_fault():
    act = acknowledged()
    tried = replace(act, status=0, receipt="")

    assert journal.faults([tried, act, replace(act, again=True)]) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": "two"}, "is lost"),
        ({"receipt": "another"}, "was acknowledged as another and is"),
        ({"email": "bob@company.com"}, "the lead of somebody else"),
    ],
)
@pytest.mark.django_db
def test_every_difference_from_the_database_is_a_fault(change, words):
    act = acknowledged()

    found = journal.faults([replace(act, **change)])

    assert any(words in one for one in found)


@pytest.mark.django_db
def test_what_nobody_heard_of_may_be_there():
    act = acknowledged()

    assert journal.faults([replace(act, status=0, receipt="")]) == []


@pytest.mark.django_db
def test_one_key_with_two_receipts_is_a_fault():
    act = acknowledged()

    assert any("and as" in one for one in journal.faults([act, replace(act, receipt="another")]))


@pytest.mark.django_db
def test_what_nobody_sent_is_a_fault():
    acknowledged()

    assert journal.faults([]) == ["('partner', 'one') was never sent"]


@pytest.mark.django_db
def test_an_acknowledged_lead_that_waits_in_quarantine_is_a_fault_unless_it_was_hostile():
    source = make.source("partner")
    received = make.submission({"email": "no address"}, source=source, key="one")
    scene.process.drain(driver="test", due_before=received.due_at)
    act = Act("partner", "one", "no address", 202, str(received.public_id), 0.1, 1, 0.0)

    assert any("has become no lead" in one for one in journal.faults([act]))
    assert journal.faults([replace(act, hostile=True)]) == []


def test_a_torn_line_of_a_journal_is_nothing_yet(tmp_path):
    path = tmp_path / "journal"
    book = journal.Journal(path)
    act = Act("partner", "one", "ada@company.com", 202, "", 0.1, 1, 0.0)
    book.note({name: getattr(act, name) for name in act.__slots__})
    book.close()
    with path.open("a", encoding="utf-8") as file:
        file.write('{"source": "par')

    assert journal.read([path]) == [act]


def test_the_same_seed_sends_the_same_letters():
    first, again, other = (load.write(replace(PLAN, seed=seed)) for seed in (7, 7, 8))

    assert first == again
    assert first != other
    assert 5 < sum(letter.hostile for letter in first) < 40
    assert 10 < sum(letter.again for letter in first) < 60
    assert {letter.door for letter in first} == {"api", "form"}


def test_a_letter_sent_again_has_the_body_it_had():
    letters = [one for one in load.write(PLAN) if not one.hostile]

    resent = load.again(replace(PLAN, again=tuple((x.door, x.key, x.email) for x in letters)))

    assert [one.body for one in resent] == [one.body for one in letters]


def test_the_receiver_notes_each_message_and_whatever_is_strange():
    with receiver() as told:
        line = http.client.HTTPConnection("127.0.0.1", told.port, timeout=5)
        for key, body in (
            ("a", {"text": "x"}),
            ("a", {"text": "x"}),
            ("", {"text": "x"}),
            ("b", {}),
        ):
            line.request("POST", "/services/1", json.dumps(body), {"X-Message-Key": key})
            assert line.getresponse().read() == b"ok"
        line.close()

    assert told.counts() == {"a": 2}
    assert len(told.strange) == 2


def test_a_half_open_connection_takes_everything_and_answers_nothing():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        proxy(server.getsockname()[1]) as between,
        socket.create_connection(("127.0.0.1", between.port)) as client,
        server.accept()[0] as inside,
    ):
        client.sendall(b"one")
        assert inside.recv(10) == b"one"

        between.forget()
        time.sleep(0.3)
        client.sendall(b"two")

        for end in (inside, client):
            end.settimeout(0.5)
            with pytest.raises(TimeoutError):
                end.recv(10)
        with (
            socket.create_connection(("127.0.0.1", between.port)) as fresh,
            server.accept()[0] as other,
        ):
            fresh.sendall(b"three")
            assert other.recv(10) == b"three"


def test_a_demand_that_fails_is_the_verdict():
    outcome = Outcome("C0", "nothing", 1)
    outcome.demand(True, "fine")
    assert outcome.verdict == "pass"

    outcome.demand_none(["one", "two"], "things")
    outcome.demand_within("a figure", None, 1.0)
    outcome.demand_within("another", 2.0, 1.0)

    assert outcome.verdict == "FAIL"
    assert len(outcome.failures) == 3
    assert "FAILED: 2 things: one; two" in report.line(outcome)


def test_percentiles_are_values_that_were_seen():
    assert percentile([], 99) is None
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile(list(range(1, 101)), 99) == 99
    assert percentile([5.0], 100) == 5.0


def test_the_page_is_written_between_its_marks(tmp_path, monkeypatch):
    page = tmp_path / "chaos.md"
    page.write_text(
        "before\n<!-- chaos: begin -->\nold\n<!-- chaos: end -->\nafter\n", encoding="utf-8"
    )
    monkeypatch.setattr(report, "PAGE", page)
    outcome = Outcome("C1", "intake", 5, faults="3 × a|b", volumes={"acknowledged leads": 4000})

    report.write([outcome], scale=1.0, order=["C1", "C2"])

    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| C1 | intake | 3 × a/b |" in text
    assert "seed 5, scale 1 |" in text
    assert "| acknowledged leads | 4,000 | 4,000 |" in text

    other = Outcome("C2", "war", 6, volumes={"contested claims": 7, "acknowledged leads": 1})
    report.write([other], scale=0.5, order=["C1", "C2"])

    text = page.read_text(encoding="utf-8")
    assert text.index("| C1 | intake |") < text.index("| C2 | war |"), "the other run's row stays"
    assert "seed 6, scale 0.5 |" in text
    assert "| acknowledged leads | 4,001 | 4,000 |" in text
