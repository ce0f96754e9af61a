"""Intent events come in with a submission, stand on the time line, and can be asked by rules."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from reps.trail import timeline
from routing.intake import events, process
from routing.intake.events import BadEvents, Event
from routing.intake.normalise import Refused, normalise
from routing.keys import issue_key
from routing.models import Submission, Touch
from tests import make
from tests.clock import travel

AT = make.MONDAY_9AM
VISIT = {"name": "pricing_page", "at": (AT - timedelta(hours=2)).isoformat()}
DEMO = {"name": "demo_video"}


# --- Reading -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (None, ()),
        ("", ()),
        ([], ()),
        ([DEMO], (Event("demo_video"),)),
        ([{"name": " Pricing_Page "}], (Event("pricing_page"),)),
        (
            [{"name": "a", "at": "2026-01-05T09:30:00+01:00"}],
            (Event("a", datetime(2026, 1, 5, 8, 30, tzinfo=UTC)),),
        ),
        (
            [{"name": "a", "at": "2026-01-05T09:30"}],
            (Event("a", datetime(2026, 1, 5, 9, 30, tzinfo=UTC)),),
        ),
        ([DEMO, DEMO], (Event("demo_video"),)),
        ([{"name": "a", "url": "/pricing"}], (Event("a"),)),
        ('[{"name": "a"}]', (Event("a"),)),
        (
            "pricing_page@2026-01-05T09:30:00Z; demo",
            (Event("pricing_page", datetime(2026, 1, 5, 9, 30, tzinfo=UTC)), Event("demo")),
        ),
    ],
)
def test_events_are_read_in_every_form_they_come_in(given_, expected):
    assert events.read(given_) == expected


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        (5, "events"),
        ({"name": "a"}, "events"),
        ("[{]", "events"),
        ([{"name": f"e{i}"} for i in range(101)], "events"),
        (["a"], "events[0]"),
        ([{}], "events[0].name"),
        ([DEMO, {"name": "two words"}], "events[1].name"),
        ([{"name": "x" * 61}], "events[0].name"),
        ([{"name": "a", "at": 5}], "events[0].at"),
        ([{"name": "a", "at": "yesterday"}], "events[0].at"),
        ([{"name": "a", "at": "0001-01-01T00:00:00+14:00"}], "events[0].at"),
        ("demo@soon", "events[0].at"),
        ([{"name": "a", "at": "2200-01-07T09:00:00Z"}], "events[0].at"),
    ],
)
def test_an_event_that_cannot_be_used_is_named(given_, field):
    with pytest.raises(BadEvents) as caught:
        events.read(given_, received_at=AT)

    assert [problem.field for problem in caught.value.problems] == [field]
    assert caught.value.problems[0].message


def test_a_clock_that_is_a_little_ahead_counts_as_now():
    ahead = [{"name": "a", "at": (AT + timedelta(hours=3)).isoformat()}]

    assert events.read(ahead, received_at=AT) == (Event("a", AT),)


def test_every_broken_event_is_named_beside_the_other_fields():
    with pytest.raises(Refused) as refused:
        normalise({"email": "x", "events": [{"name": "?"}, {"name": "a", "at": "?"}]})

    assert {p.field for p in refused.value.problems} == {"email", "events[0].name", "events[1].at"}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.datetimes().map(str),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["name", "at"]) | st.text(), inner)
        ),
    )
)
def test_whatever_is_sent_as_events_is_read_or_refused(value):
    fields = []
    try:
        events.read(value, received_at=AT)
    except BadEvents as bad:
        fields = [problem.field for problem in bad.problems]

    assert all(field.startswith("events") for field in fields)


# --- Taking in ---------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


def signals(lead):
    rows = lead.touches.filter(kind=Touch.Kind.SIGNAL).order_by("at", "pk")
    return [(touch.name, touch.at) for touch in rows]


def test_each_event_becomes_a_touch_of_its_lead():
    lead = make.lead({"events": [VISIT, DEMO]}, at=AT)

    assert signals(lead) == [("pricing_page", AT - timedelta(hours=2)), ("demo_video", AT)]
    touch = lead.touches.filter(kind=Touch.Kind.SIGNAL).first()
    assert touch.prospect == lead.prospect
    assert touch.source == lead.source
    # What the person wrote is a touch of its own, and the only one that counts as such.
    assert lead.touches.filter(kind=Touch.Kind.SUBMITTED).count() == 1


def test_the_same_event_handed_in_again_stays_one():
    first = make.lead({"email": "ada@acme.com", "events": [VISIT]}, at=AT)
    again = make.lead(
        {"email": "ada@acme.com", "events": [VISIT, {**VISIT, "name": "demo"}]},
        at=AT + timedelta(minutes=5),
    )

    assert again.pk == first.pk
    assert [name for name, _ in signals(first)] == ["pricing_page", "demo"]


def test_two_submissions_of_one_batch_share_their_events():
    make.organisation()
    for _ in range(2):
        make.submission({"email": "ada@acme.com", "events": [VISIT, DEMO]}, at=AT)
    process.drain(driver="test", due_before=AT)

    lead = Submission.objects.first().lead
    assert [name for name, _ in signals(lead)] == ["pricing_page", "demo_video"]


def test_a_submission_with_a_broken_event_waits_in_quarantine():
    make.organisation()
    received = make.submission({"events": [{"name": "two words"}]}, at=AT)

    process.drain(driver="test", due_before=AT)

    received.refresh_from_db()
    assert received.state == Submission.State.QUARANTINED
    assert [error["field"] for error in received.errors] == ["events[0].name"]


def test_the_time_line_tells_of_interest():
    lead = make.lead({"events": [VISIT]}, at=AT)

    titles = [str(entry.title) for entry in timeline.of(lead)]

    assert "Showed interest: pricing page" in titles


def test_a_score_may_ask_for_events():
    make.factor(
        30,
        {
            "fact": "events",
            "op": "happened",
            "value": {"name": "pricing_page", "at_least": 2, "within": 7200},
        },
    )
    once = make.lead({"email": "ada@acme.com", "events": [VISIT]}, at=AT)
    assert once.score == 0

    twice = make.lead({"email": "ada@acme.com", "events": [{"name": "pricing_page"}]}, at=AT)

    assert (twice.pk, twice.score) == (once.pk, 30)


def test_a_rule_may_ask_for_events():
    keen, other = make.rep("keen"), make.rep("other")
    asked = {"name": "pricing_page", "at_least": 1, "within": 86_400}
    make.rules(
        {
            "condition": {"fact": "events", "op": "happened", "value": asked},
            "path": {"target": {"kind": "rep", "id": keen.pk}},
        },
        {"path": {"target": {"kind": "rep", "id": other.pk}}},
    )
    late = {**VISIT, "at": (AT - timedelta(days=2)).isoformat()}

    assert make.routed(make.lead({"events": [VISIT]}, at=AT)).owner == keen
    assert make.routed(make.lead({"events": [late]}, at=AT)).owner == other
    assert make.routed(make.lead(at=AT)).owner == other


# --- The doors ---------------------------------------------------------------------------


def test_the_api_takes_events_and_names_a_broken_one(client):
    make.organisation()
    token = issue_key(source=make.source("site"), by=make.user(), at=AT)
    ask = {"content_type": "application/json", "headers": {"Authorization": f"Bearer {token}"}}

    with travel(AT):
        good = client.post(
            "/api/v1/leads/",
            json.dumps({"email": "ada@acme.com", "events": [VISIT]}),
            **{**ask, "headers": {**ask["headers"], "Idempotency-Key": "1"}},
        )
        bad = client.post(
            "/api/v1/leads/",
            json.dumps({"email": "bo@acme.com", "events": [VISIT, {"name": "?"}]}),
            **{**ask, "headers": {**ask["headers"], "Idempotency-Key": "2"}},
        )

    assert good.status_code == 202
    assert bad.status_code == 400
    assert "events[1].name" in json.dumps(bad.json())


def test_a_hosted_form_passes_on_the_events_that_its_site_knows(client):
    make.organisation()
    form = make.form("contact", source=make.source())
    address = reverse("form", args=[form.slug])

    page = client.get(address, {"events": "pricing_page; demo"}).content.decode()
    answers = {"first_name": "Ada", "last_name": "Byron", "email": "ada@acme.com"}
    client.post(
        address,
        urlencode({**answers, "company": "Acme", "events": "pricing_page; demo"}),
        content_type="application/x-www-form-urlencoded",
    )

    assert 'name="events" value="pricing_page; demo"' in page
    received = Submission.objects.get()
    process.drain(driver="test", due_before=received.received_at)
    received.refresh_from_db()
    assert {name for name, _ in signals(received.lead)} == {"pricing_page", "demo"}
