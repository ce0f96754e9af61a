"""Enrichment in intake and beside it: deadlines, answers in time and late, breakers, erasure."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps import verify
from reps.due import jobs
from reps.models import AuditEvent
from routing import work
from routing.dispatch import batch
from routing.enrich import check, drain, invented, known, late, report, setup
from routing.enrich.breaker import FAILURES
from routing.enrich.check import CheckRefused
from routing.intake import process
from routing.models import (
    Decision,
    Enquiry,
    Enrichment,
    FieldCheck,
    LateFinding,
    Lead,
    ProviderAnswer,
    ProviderBreaker,
)
from routing.models.source import Mode
from routing.privacy import erase
from routing.privacy.export import export
from tests import make, needles
from tests.reps.receiver import hangs, receiving, says

AT = make.MONDAY_9AM
MS = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
BIG = json.dumps({"size": 900, "stage": "Public"}).encode()

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    """Small companies go to Ann, large ones to Ben."""
    make.organisation()
    ann, ben = make.rep("ann"), make.rep("ben")
    large = {
        "name": "Large",
        "condition": {"fact": "employees", "op": "gte", "value": 500},
        "path": {"target": {"kind": "rep", "id": ben.pk}},
    }
    small = {"name": "Rest", "path": {"target": {"kind": "rep", "id": ann.pk}}}
    make.rules(large, small)
    return {"ann": ann, "ben": ben, "boss": make.user(group="admin")}


def outside(at, settings, **columns):
    settings.ENRICHMENT_HOSTS_INSIDE = [at.netloc]
    return make.provider("Acme", url=at.url + "/?d={domain}", **columns)


def run(name: str, at) -> int:
    return jobs.drain(name, driver="test", due_before=at, at=at)


def route(at) -> None:
    batch.drain(driver="test", due_before=at)


# --- At once ----------------------------------------------------------------------------


def test_what_our_tables_know_is_there_before_the_lead_is_routed(world):
    lead = make.lead(
        {
            "title": "Head of Procurement",
            "phone": "+1 415 555 0123",
            "country": "US",
            "postal_code": "94105",
            "email": "info@steelworks.com",
            "message": "We are looking for a tool, please call us about our needs.",
        }
    )

    found = {name: one.value for name, one in known.of_leads([lead.pk], at=AT)[lead.pk].items()}

    assert found["seniority"] == "director"
    assert found["department"] == "procurement"
    assert found["authority"] == "decides"
    assert found["role_address"] is True
    assert (found["region"], found["city"]) == ("CA", "San Francisco")
    assert found["time_zone"] == "America/Los_Angeles"
    assert found["language"] == "english"
    assert lead.route_at == AT
    route(AT)
    facts = Decision.objects.get(lead=lead)
    assert "seniority" not in facts.facts
    assert facts.personal.facts["seniority"] == "director"


def test_a_phone_tells_the_country_where_nobody_else_does(world):
    lead = make.lead({"phone": "+49 30 901820"})
    other = make.lead({"phone": "+49 30 901821", "country": "AT"})

    route(AT)

    assert Decision.objects.get(lead=lead).facts["country"] == "DE"
    assert Decision.objects.get(lead=other).facts["country"] == "AT"


def test_the_account_record_counts_with_its_parent(world):
    parent = make.account("Holding", domain="holding.com")
    make.account("Known", domain="known-company.com", employees=40, parent=parent)

    lead = make.lead({"email": "a@known-company.com"})

    found = known.of_leads([lead.pk], at=AT)[lead.pk]
    assert found["employees"].value == 40
    assert (found["employees"].provider, found["parent_company"].value) == ("account", "Holding")


def test_the_nearest_rep_is_measured(world):
    make.saved(_at(world["ann"], "94105"))
    make.saved(_at(world["ben"], "10001"))

    lead = make.lead({"country": "US", "postal_code": "94607"})

    assert 5 <= known.of_leads([lead.pk], at=AT)[lead.pk]["nearest_km"].value <= 25


def _at(rep, code):
    rep.country, rep.postal_code = "US", code
    return rep


def test_rules_can_ask_for_it(world):
    make.rules(
        {
            "name": "Buyers",
            "condition": {"fact": "department", "op": "eq", "value": "procurement"},
            "path": {"target": {"kind": "rep", "id": world["ben"].pk}},
        },
        {"name": "Rest", "path": {"target": {"kind": "rep", "id": world["ann"].pk}}},
    )

    assert make.routed(make.lead({"title": "Einkaufsleiter"})).owner == world["ben"]
    assert make.routed(make.lead({"title": "Comptable"})).owner == world["ann"]


# --- Outside, in time -------------------------------------------------------------------


def test_without_anybody_outside_no_lead_waits(world):
    lead = make.lead()

    assert lead.route_at == AT
    assert Enrichment.objects.get(pk=lead.pk).deadline_at is None


def test_an_answer_in_time_decides_and_pulls_the_lead_forward(world, settings):
    with receiving(says(200, BIG)) as at:
        outside(at, settings)
        lead = make.lead({"email": "eve@big-company.com"})
        assert lead.route_at == AT + 3 * SECOND
        assert run("route", AT) == 0
        assert run("enrich", AT) == 1

    lead.refresh_from_db()
    assert AT <= lead.route_at < AT + 3 * SECOND
    route(lead.route_at)
    lead.refresh_from_db()
    assert lead.owner == world["ben"]
    assert [request.path for request in at.got] == ["/?d=big-company.com"]
    value = known.of_leads([lead.pk], at=AT + SECOND)[lead.pk]["employees"]
    assert (value.value, value.confidence) == (900, 80)
    assert value.expires_at == value.fetched_at + timedelta(days=90)
    enquiry = Enquiry.objects.get()
    assert (enquiry.state, enquiry.is_late, enquiry.attempts) == ("ANSWERED", False, 1)
    assert not LateFinding.objects.exists()


def test_a_hand_raise_waits_for_less(world, settings):
    make.provider("Acme")

    assert make.lead({"hand_raise": True}).route_at == AT + 500 * MS


def test_a_hot_lead_need_not_wait_at_all(world):
    setup.change_waiting(deadline_ms=3000, hot_ms=0, reroutes=False, by=world["boss"], at=AT)
    make.provider("Acme")

    lead = make.lead({"hand_raise": True})

    assert lead.route_at == AT
    assert Enquiry.objects.get().blocks is False


@pytest.mark.parametrize("mode", [Mode.BACKFILL, Mode.SHADOW])
def test_about_history_and_shadows_nobody_is_asked(world, mode):
    make.provider("Acme")

    lead = make.lead(source=make.source(mode=mode))

    assert (lead.mode, lead.route_at) == (mode, AT)
    assert not Enquiry.objects.exists()


def test_a_lead_about_which_nothing_can_be_asked_does_not_wait(world):
    make.provider("Acme")

    assert make.lead({"email": "somebody@gmail.com"}).route_at == AT


def test_of_what_is_known_already_nobody_is_asked(world):
    make.provider("Acme", mapping={"employees": "size"})
    make.account("Known", domain="known-company.com", employees=40)

    assert make.lead({"email": "a@known-company.com"}).route_at == AT
    assert not Enquiry.objects.exists()


def test_the_same_company_is_asked_about_once(world, settings):
    with receiving(says(200, BIG)) as at:
        outside(at, settings)
        make.lead({"email": "eve@big-company.com"})
        run("enrich", AT)
        again = make.lead({"email": "bob@big-company.com"}, at=AT + timedelta(days=89))
        later = make.lead({"email": "joe@big-company.com"}, at=AT + timedelta(days=91))

    assert len(at.got) == 1
    assert again.route_at == AT + timedelta(days=89)
    assert known.of_leads([again.pk], at=again.route_at)[again.pk]["employees"].value == 900
    assert Enquiry.objects.get(lead=again).from_cache
    # What is past its time is asked anew.
    assert Enquiry.objects.get(lead=later).state == "WAITING"
    assert "employees" not in known.of_leads([again.pk], at=later.route_at)[again.pk]


def test_the_pretend_provider_of_the_demo_is_late_for_some_and_says_the_same_again(world):
    make.provider("Demo", kind="DEMO", mapping=dict(invented.MAPPING))
    companies = [f"company-{number}.com" for number in range(20)]
    for name in companies:
        make.submission({"email": f"x@{name}"})
    process.drain(driver="test", due_before=AT)
    slow = {name for name in companies if invented.wait_for(name)}
    run("enrich", AT)
    waiting = Enquiry.objects.filter(state="WAITING").select_related("lead__prospect")

    assert {row.lead.prospect.email[2:] for row in waiting} == slow
    assert 0 < len(slow) < 10
    run("enrich", AT + invented.LATE_AFTER)
    assert not waiting.all().exists()
    assert set(Enquiry.objects.filter(is_late=True)) == set(
        Enquiry.objects.filter(lead__prospect__email__in=[f"x@{name}" for name in slow])
    )


# --- Slow and dead ----------------------------------------------------------------------


def test_a_dead_provider_holds_no_lead_beyond_its_deadline(world, settings):
    with receiving(hangs) as at:
        outside(at, settings, timeout=150)
        lead = make.lead({"email": "eve@big-company.com"})
        deadline = lead.route_at
        run("enrich", AT)
        lead.refresh_from_db()
        # It is tried again before the deadline, so the lead waits on, and no longer.
        assert lead.route_at == deadline == AT + 3 * SECOND
        run("enrich", AT + 2500 * MS)

    route(deadline)

    lead.refresh_from_db()
    assert lead.owner == world["ann"]
    assert lead.assigned_at == deadline
    assert Enquiry.objects.get().error == "It took longer than 0.1 seconds."
    ((_, broken),) = verify.run(at=deadline, codes=["E1"])
    assert broken == []


def test_if_no_worker_ever_asks_the_lead_is_routed_all_the_same(world):
    make.provider("Acme")
    lead = make.lead()

    route(AT + 2999 * MS)
    assert not Decision.objects.exists()
    route(AT + 3 * SECOND)

    lead.refresh_from_db()
    assert lead.owner == world["ann"]


def test_a_refusal_for_good_lets_the_lead_go_at_once(world, settings):
    with receiving(says(400, b"no")) as at:
        outside(at, settings)
        lead = make.lead()
        run("enrich", AT)

    lead.refresh_from_db()
    assert lead.route_at < AT + 3 * SECOND
    assert Enquiry.objects.get().state == "FAILED"


def test_not_now_is_heeded_by_everybody_and_no_lead_waits_for_it(world, settings):
    with receiving(says(429, Retry_After="60")) as at:
        outside(at, settings)
        first = make.lead({"email": "a@one-company.com"})
        run("enrich", AT)
        second = make.lead({"email": "b@two-company.com"}, at=AT + SECOND)
        run("enrich", AT + 30 * SECOND)

    assert len(at.got) == 1
    first.refresh_from_db()
    assert first.route_at < AT + 3 * SECOND
    assert second.route_at == AT + SECOND
    breaker = ProviderBreaker.objects.get()
    assert (breaker.state, Enquiry.objects.get(lead=second).due_at) == ("OPEN", breaker.until)


def test_the_breaker_opens_is_shared_and_closes_by_itself(world, settings):
    with receiving(says(500)) as at:
        provider = outside(at, settings, retries=0)
        for number in range(FAILURES + 2):
            make.lead({"email": f"x@company-{number}.com"})
        run("enrich", AT)
        asked = len(at.got)
        # In one batch all are asked; from then on nobody is until the rest is over.
        opened = ProviderBreaker.objects.get(pk=provider.pk)
        assert opened.state == "OPEN"
        make.lead({"email": "y@later-company.com"}, at=AT + SECOND)
        run("enrich", AT + 2 * SECOND)
        assert len(at.got) == asked
        at.answers[:] = [says(200, BIG)]
        run("enrich", opened.until)

    assert len(at.got) == asked + 1
    assert ProviderBreaker.objects.get(pk=provider.pk).state == "CLOSED"
    assert setup.close_breaker(provider=provider, by=world["boss"], at=AT) == 0


def test_a_process_that_dies_with_a_question_costs_half_a_minute(world, settings):
    with receiving(says(200, BIG)) as at:
        outside(at, settings)
        make.lead()
        drain._claim(10, AT, at=AT)
        assert run("enrich", AT + 29 * SECOND) == 0
        assert run("enrich", AT + 30 * SECOND) == 1

    assert Enquiry.objects.get().state == "ANSWERED"


def test_a_provider_that_is_switched_off_is_asked_no_more(world, settings):
    with receiving(says(200, BIG)) as at:
        provider = outside(at, settings)
        lead = make.lead()
        setup.switch(provider=provider, on=False, by=world["boss"], at=AT)
        run("enrich", AT)

    lead.refresh_from_db()
    assert at.got == []
    assert lead.route_at < AT + 3 * SECOND


# --- Late -------------------------------------------------------------------------------


def late_answer(world, settings, body=BIG, **fields):
    """A lead that was routed at its deadline, and whose data came four seconds later."""
    with receiving(says(200, body)) as at:
        outside(at, settings)
        lead = make.lead({"email": "eve@big-company.com", **fields})
        route(AT + 3 * SECOND)
        run("enrich", AT + 4 * SECOND)
    run("late_data", AT + 60 * SECOND)
    lead.refresh_from_db()
    return lead


def test_late_data_show_that_the_answer_would_have_been_another(world, settings):
    lead = late_answer(world, settings)

    finding = LateFinding.objects.get()
    assert finding.changed
    assert (finding.before["rep"], finding.after["rep"]) == (world["ann"].pk, world["ben"].pk)
    assert finding.fields == ["employees", "funding_stage"]
    assert lead.owner == world["ann"]
    assert Enquiry.objects.get().is_late


def test_late_data_that_change_nothing_say_so(world, settings):
    late_answer(world, settings, b'{"size": 12}')

    assert not LateFinding.objects.get().changed


def test_late_data_may_route_a_lead_again_that_nobody_acknowledged(world, settings):
    setup.change_waiting(deadline_ms=3000, hot_ms=500, reroutes=True, by=world["boss"], at=AT)

    lead = late_answer(world, settings)
    route(AT + 61 * SECOND)

    lead.refresh_from_db()
    assert lead.owner == world["ben"]
    assert LateFinding.objects.get().rerouted_at is not None
    assert list(lead.assignments.order_by("epoch").values_list("reason_code", flat=True)) == [
        "ROUTED",
        "ENRICHED",
        "ROUTED",
    ]


def test_a_lead_that_was_acknowledged_stays_where_it_is(world, settings):
    setup.change_waiting(deadline_ms=3000, hot_ms=500, reroutes=True, by=world["boss"], at=AT)
    with receiving(says(200, BIG)) as at:
        outside(at, settings)
        lead = make.lead({"email": "eve@big-company.com"})
        route(AT + 3 * SECOND)
        work.acknowledge(lead_id=lead.pk, epoch=1, by=world["ann"].user, at=AT + 4 * SECOND)
        run("enrich", AT + 5 * SECOND)
    run("late_data", AT + 60 * SECOND)

    lead.refresh_from_db()
    assert lead.owner == world["ann"]
    assert LateFinding.objects.get().changed


def test_late_data_count_for_the_score(world, settings):
    make.factor(70, {"fact": "employees", "op": "gte", "value": 500})

    lead = late_answer(world, settings)

    assert (lead.score, lead.tier) == (70, "WARM")
    assert AuditEvent.objects.filter(reason_code="enriched", subject_id=lead.pk).exists()


# --- Confirmed and corrected ------------------------------------------------------------


def test_a_correction_counts_at_once_and_teaches_without_telling(world, settings):
    lead = late_answer(world, settings)

    check.check(lead_id=lead.pk, field="employees", typed="30", by=world["boss"], at=AT)
    check.check(lead_id=lead.pk, field="funding_stage", typed=None, by=world["boss"], at=AT)

    found = known.of_leads([lead.pk], at=AT + timedelta(days=365))[lead.pk]
    assert (found["employees"].value, found["employees"].provider) == (30, "person")
    verdicts = {row.field: list(row.verdicts.values()) for row in FieldCheck.objects.all()}
    assert verdicts == {"employees": [False], "funding_stage": [True]}
    events = AuditEvent.objects.filter(kind="field_checked").order_by("pk")
    assert [event.reason_code for event in events] == ["corrected", "confirmed"]
    assert "30" not in str(events[0].data)


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("employees", "many", "number"),
        ("seniority", "boss", "one of these"),
        ("country", "Atlantis", "two letters"),
        ("employees", " ", "what is right"),
        ("revenue", None, "Nothing is known"),
        ("shoe_size", "1", "no such field"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_way_out(world, field, typed, words):
    lead = make.lead()

    with pytest.raises(CheckRefused, match=words):
        check.check(lead_id=lead.pk, field=field, typed=typed, by=world["boss"], at=AT)


# --- The report -------------------------------------------------------------------------


def test_the_report_counts_by_provider_and_channel_and_flags_what_is_low(world, settings):
    lead = late_answer(world, settings, title="Head of Sales")
    check.check(lead_id=lead.pk, field="employees", typed="30", by=world["boss"], at=AT)
    check.check(lead_id=lead.pk, field="seniority", typed=None, by=world["boss"], at=AT)

    found = report.quality(at=AT + timedelta(hours=1))

    lines = {line.slug: line for line in found.providers}
    acme = next(line for line in found.providers if line.provider)
    assert (acme.complete.hits, acme.complete.of) == (1, 1)
    assert (acme.accurate.hits, acme.accurate.of, acme.is_flagged) == (0, 1, True)
    assert (lines["title"].accurate.hits, lines["title"].accurate.of) == (1, 1)
    assert not lines["title"].is_flagged
    assert (acme.late, acme.p50 is not None, acme.asked) == (1, True, 1)
    (channel,) = found.channels
    assert (channel.accurate.hits, channel.accurate.of, channel.leads) == (1, 2, 1)
    assert (found.late_looked_at, found.late_changed) == (1, 1)


def test_the_crm_confirms_too(world, settings):
    make.account("Big", domain="big-company.com", employees=50, external_id="crm-1")
    with receiving(says(200, BIG)) as at:
        outside(at, settings, only_missing=False)
        make.lead({"email": "eve@big-company.com"})
        run("enrich", AT)

    acme = next(one for one in report.quality(at=AT + SECOND).providers if one.provider)

    assert (acme.accurate.hits, acme.accurate.of) == (0, 1)


def test_queries_of_the_report_do_not_grow(world, settings):
    found = []
    for number in (1, 4):
        for _ in range(number):
            make.lead({"title": "CEO"})
        with CaptureQueriesContext(connection) as captured:
            report.quality(at=AT + SECOND)
        found.append(len(captured))

    assert found[0] == found[1]


# --- Statements, erasure ----------------------------------------------------------------


def test_statements_of_intake_do_not_grow_with_somebody_outside(world):
    make.provider("Acme")
    make.provider("Other", mapping={"topics": "topics"})
    found = {}
    # SQLite splits what has more than 999 values, and a lead has many columns.
    for size in (2, 12):
        for number in range(size):
            make.submission({"email": f"a@many-{size}-{number}.com", "title": "CEO"})
        with CaptureQueriesContext(connection) as captured:
            assert process._process_batch(due_before=AT) == size
        found[size] = len(captured)

    assert len(set(found.values())) == 1, found
    assert Enquiry.objects.count() == 28


def test_everything_that_was_added_goes_with_the_person(world, settings, tmp_path):
    settings.ERASURE_LEDGER = str(tmp_path / "erasures.log")
    body = {
        "stage": "Public",
        "title": "needletitle of Needlefirst Needlelast",
        "topics": ["needletopic"],
        "tech": ["needletech needle@needle-company.com"],
    }
    with receiving(says(200, json.dumps(body).encode())) as at:
        outside(
            at,
            settings,
            method="POST",
            sends=["email"],
            mapping={
                "title": "title",
                "topics": "topics",
                "technologies": "tech",
                "funding_stage": "stage",
            },
        )
        lead = make.lead(
            {
                "email": "needle@needle-company.com",
                "first_name": "Needlefirst",
                "last_name": "Needlelast",
            }
        )
        run("enrich", AT)
        lead.refresh_from_db()
        route(lead.route_at)
    check.check(lead_id=lead.pk, field="city", typed="needletown", by=world["boss"], at=AT)
    shown = json.dumps(export(prospect=lead.prospect, by=world["boss"], at=AT), default=str)
    assert "needletopic" in shown
    assert "needletown" in shown

    erase.erase(prospect_id=lead.prospect_id, reason="asked", by=None, at=AT + SECOND)

    assert needles.found(["needle"]) == set()
    assert not ProviderAnswer.objects.exists()


def test_about_an_erased_person_nobody_is_asked(world, settings, tmp_path):
    settings.ERASURE_LEDGER = str(tmp_path / "erasures.log")
    with receiving(says(200, BIG)) as at:
        outside(at, settings)
        lead = make.lead()
        erase.erase(prospect_id=lead.prospect_id, reason="asked", by=None, at=AT)
        run("enrich", AT)

    assert at.got == []
    assert Enquiry.objects.get().state == "FAILED"
    assert late.oldest() is None
    assert Lead.objects.get().place == "CLOSED"
