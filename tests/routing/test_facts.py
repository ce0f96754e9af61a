"""What rules are told about a lead: the moment, the wait, places, languages, segments, promises."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from accounts.areas import AreaIndex
from accounts.models import AccountOwner
from reps.models import Rep, Skill
from routing import ownership, work
from routing.dispatch import gather
from routing.models import Lead, Organisation
from routing.qualify import daytime, facts, languages, segments
from tests import make

AT = make.MONDAY_9AM


def gathered(*leads, at=AT):
    rows = Lead.objects.select_related("prospect", "source", "account__parent").filter(
        pk__in=[lead.pk for lead in leads]
    )
    return gather.facts_of(list(rows), areas=AreaIndex([]), organisation=Organisation.get(), at=at)


def known(lead, at=AT):
    return gathered(lead, at=at)[lead.pk]


# --- Pure parts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("employees", "slug"),
    [
        (0, "small_business"),
        (49, "small_business"),
        (50, "mid_market"),
        (500, "mid_market"),
        (501, "enterprise"),
        (10**7, "enterprise"),
        (None, None),
    ],
)
def test_a_segment_holds_both_its_ends(employees, slug):
    bands = segments.parse(Organisation().segments)

    assert segments.of(employees, bands) == slug


def test_whoever_falls_between_two_bands_has_no_segment():
    bands = segments.parse(segments.read("a 0-9\nb 20+"))

    assert segments.of(15, bands) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("enterprise", "Line 1"),
        ("a 0-9\nb 9-20", "Segment 2 must begin"),
        ("a 0+\nb 9-20", "Segment 2 must begin"),
        ("a 0-9\na 10-20", "same key"),
        ("a 9-1", "ends before"),
        ("Big 0-9", "needs a key"),
        ("\n".join(f"s{i} {i}-{i}" for i in range(21)), "At most"),
    ],
)
def test_bands_that_make_no_sense_say_why(text, words):
    with pytest.raises(segments.BandError, match=words):
        segments.read(text)


@given(st.sets(st.integers(0, 10**6), min_size=2, max_size=10).map(sorted))
def test_the_lines_of_a_form_read_back(ends):
    bands = [
        {"slug": f"s{i}", "from": lo, "to": hi - 1} for i, (lo, hi) in enumerate(pairwise(ends))
    ]
    bands[-1]["to"] = None

    assert segments.read(segments.written(bands)) == bands


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("fr", "french"),
        ("fr-CA", "french"),
        ("Français", "french"),
        ("pt_BR", "portuguese"),
        ("", None),
        ("Klingon", None),
    ],
)
def test_a_language_is_known_by_its_names_and_tags(text, language):
    assert languages.named(text) == language


@pytest.mark.parametrize(
    ("country", "region", "language"),
    [
        ("DE", "", "german"),
        ("Mexico", "", "spanish"),
        ("CA", "", "english"),
        ("CA", "Quebec", "french"),
        ("CH", "Ticino", "italian"),
        ("XX", "", None),
        ("", "", None),
    ],
)
def test_a_country_has_a_main_language(country, region, language):
    assert languages.of_country(country, region) == language


def test_daytime_is_eight_to_six_where_the_person_is():
    # Sunday evening in New York; clocks went forward there that morning.
    at = int(datetime(2026, 3, 8, 21, tzinfo=UTC).timestamp())

    spans = daytime.ahead("America/New_York", at)

    assert spans[0] == [
        int(datetime(2026, 3, 8, 12, tzinfo=UTC).timestamp()),
        int(datetime(2026, 3, 8, 22, tzinfo=UTC).timestamp()),
    ]
    assert len(spans) == 8
    assert all(end - start == 10 * 3600 for start, end in spans)
    # An hour later the day is over.
    assert daytime.ahead("America/New_York", at + 3600) == spans[1:]


# --- The registry ------------------------------------------------------------------------


def test_every_fact_has_a_group_that_the_builder_names_or_is_not_offered():
    from routing.rules.builder import fact_choices
    from routing.rules.sentences import Names

    offered = {fact.name for _, choices in fact_choices(Names()) for fact in choices}

    assert offered == {fact.name for fact in facts.OFFERED}
    assert all(not fact.offered for fact in facts.ALL if fact.group == facts.ENGINE_GROUP)


def test_scores_ask_neither_for_the_moment_nor_for_owners():
    assert "events" in facts.SCORE_KINDS
    assert not {"now", "waited", "lead", "points", "account_team", "score"} & set(facts.SCORE_KINDS)


# --- Gathering ---------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


def test_the_moment_is_the_one_of_the_decision():
    lead = make.lead(at=AT)

    assert known(lead, AT + timedelta(seconds=90))["now"] == int(AT.timestamp()) + 90
    assert known(lead)["lead"] == lead.pk
    assert known(lead)["points"] == 10


def test_a_lead_waits_since_the_door_received_it():
    lead = make.lead(at=AT)

    assert known(lead, AT + timedelta(minutes=15))["waited"] == 900


def test_history_that_is_brought_in_has_not_waited_all_those_years():
    lead = make.lead(at=AT, mode="BACKFILL", occurred_at=AT - timedelta(days=900))

    assert lead.received_at == AT - timedelta(days=900)
    assert known(lead, AT + timedelta(minutes=1))["waited"] == 60


def test_a_lead_that_came_back_waits_since_then():
    rep = make.rep("ann")
    lead = make.owned(rep, at=AT)
    later = AT + timedelta(hours=5)
    ownership.change_many(
        [
            ownership.Move(
                lead_id=lead.pk,
                epoch=lead.owner_epoch,
                place=Lead.Place.QUEUE,
                queue_id=Organisation.get().intake_queue_id,
                reason_code="CORRECTED",
            )
        ],
        by=None,
        at=later,
        driver="test",
    )

    assert known(lead, later + timedelta(minutes=2))["waited"] == 120


def test_a_lead_that_somebody_holds_does_not_wait():
    lead = make.owned(make.rep("ann"), at=AT)

    assert "waited" not in known(lead)


def test_in_nurture_nothing_is_waited_for_until_the_person_comes_back():
    make.rules({"path": {"target": {"kind": "nurture"}}})
    lead = make.routed(make.lead({"email": "ada@acme.com"}, at=AT))
    assert lead.place == Lead.Place.NURTURE
    back = AT + timedelta(days=30)
    make.lead({"email": "ada@acme.com"}, at=back)

    assert known(lead, back + timedelta(seconds=30))["waited"] == 30


def test_a_zip_code_is_a_place_and_a_time_of_day():
    there = known(make.lead({"country": "US", "postal_code": "94105"}, at=AT))
    nowhere = known(make.lead(at=AT))

    assert there["location"] == [37.7864, -122.3892]
    assert there["daytime"][0][1] > AT.timestamp()
    assert "location" not in nowhere
    assert "daytime" not in nowhere


def test_the_place_is_personal_and_the_events_are():
    lead = make.lead({"country": "US", "postal_code": "94105", "events": "demo"}, at=AT)

    kept, personal = facts.split(known(lead))

    assert {"location", "events", "postal_code"} <= set(personal)
    assert not {"location", "events"} & set(kept)


def test_the_language_is_what_was_said_before_what_the_country_speaks():
    make.skill("fr", category=Skill.Category.LANGUAGE)

    assert known(make.lead({"country": "DE"}, at=AT))["language"] == "german"
    # Rules name a language by the slug of its skill.
    assert known(make.lead({"country": "FR"}, at=AT))["language"] == "fr"
    assert known(make.lead({"country": "DE", "language": "Français"}, at=AT))["language"] == "fr"
    assert "language" not in known(make.lead(at=AT))


def test_the_segment_follows_from_the_employees():
    lead = make.lead({"employees": 300}, at=AT)
    assert known(lead)["segment"] == "mid_market"

    organisation = Organisation.get()
    organisation.segments = segments.read("tiny 0-9\nhuge 10+")
    make.saved(organisation)

    assert known(lead)["segment"] == "huge"


def test_the_parent_company_and_the_account_team_can_be_asked():
    parent = make.account(
        "Holding",
        industry="Energy",
        employees=9000,
        country="US",
        postal_code="10001",
        domain="holding.com",
    )
    account = make.account("Acme", domain="acme.com", parent=parent)
    owner, helper = make.rep("owner"), make.rep("helper")
    make.account_owner(account, owner)
    make.account_owner(account, helper, role=AccountOwner.Role.BACKUP)
    lead = make.lead({"email": "ada@acme.com", "company": "Acme"}, at=AT)
    assert lead.account == account

    found = known(lead)

    assert found["parent_account"] == parent.pk
    assert found["has_parent"] is True
    assert (found["parent_industry"], found["parent_employees"]) == ("Energy", 9000)
    assert (found["parent_country"], found["parent_domain"]) == ("US", "holding.com")
    assert found["parent_location"] == [40.7484, -73.9967]
    assert found["account_domain"] == "acme.com"
    assert found["account_team"] == [helper.pk]
    assert found["account_owner"] == owner.pk


def test_gathering_costs_the_same_for_two_leads_and_twenty():
    make.policy(hours="REP")
    parent = make.account("Holding", domain="holding.com")
    account = make.account("Acme", domain="acme.com", parent=parent)
    make.account_owner(account, make.rep("ann", calendar=make.calendar()))
    leads = [
        make.lead({"email": f"p{i}@acme.com", "company": "Acme", "events": "demo"}, at=AT)
        for i in range(20)
    ]

    def statements(some):
        with CaptureQueriesContext(
            connection,
        ) as caught:
            found = gathered(*some)
        assert all("answer_by" in one and "events" in one for one in found.values())
        return len(caught)

    statements(leads[:2])
    assert statements(leads[:2]) == statements(leads)


# --- Promises ----------------------------------------------------------------------------


def test_an_answer_is_due_when_the_limit_of_the_policy_is_over():
    make.policy(hours="ALWAYS", budget=900)
    lead = make.lead(at=AT)

    assert known(lead)["answer_by"] == int(AT.timestamp()) + 900


def test_without_a_promise_there_is_no_deadline():
    make.policy(
        hours="ALWAYS", condition={"fact": "country", "op": "eq", "value": "FR"}, budget=900
    )

    assert "answer_by" not in known(make.lead(at=AT))
    assert "answer_by" in known(make.lead({"country": "FR"}, at=AT))


def test_the_promise_of_an_acknowledgement_comes_before_that_of_contact():
    make.policy(hours="ALWAYS", metric="CONTACT", budget=60)
    lead = make.lead(at=AT)
    assert known(lead)["answer_by"] == int(AT.timestamp()) + 60

    make.policy(hours="ALWAYS", metric="ACKNOWLEDGE", budget=900)
    assert known(lead)["answer_by"] == int(AT.timestamp()) + 900


def test_working_hours_are_those_in_which_anybody_works():
    office = make.calendar(
        time_zone="UTC", weekly={"tue": [["09:00", "17:00"]], "wed": [["09:00", "17:00"]]}
    )
    early = make.calendar(time_zone="UTC", weekly={"tue": [["08:00", "09:05"]]})
    make.rep("ann", calendar=office)
    make.rep("bob", calendar=early)
    # Agents never sleep, but a promise in working hours is about people.
    make.rep("bot", role=Rep.Role.AI_AGENT)
    make.policy(hours="REP", budget=7200)
    lead = make.lead(at=AT)

    tuesday = datetime(AT.year, AT.month, AT.day, tzinfo=UTC) + timedelta(days=1)
    assert known(lead)["answer_by"] == int((tuesday + timedelta(hours=10)).timestamp())


def test_a_promise_that_runs_already_is_the_deadline_if_it_ends_first():
    lead = make.lead(at=AT)
    make.policy(hours="ALWAYS", budget=900)
    from reps.models.bulk import update_many
    from reps.models.tracked import bulk_writer

    def promised(at):
        with bulk_writer("test"):
            update_many(Lead, [{"pk": lead.pk, "due_at": at, "due_what": "ACKNOWLEDGE"}])

    promised(AT + timedelta(minutes=5))
    assert known(lead)["answer_by"] == int(AT.timestamp()) + 300
    promised(AT + timedelta(hours=5))
    assert known(lead)["answer_by"] == int(AT.timestamp()) + 900
    # What has passed is no deadline any more.
    promised(AT - timedelta(hours=5))
    assert known(lead)["answer_by"] == int(AT.timestamp()) + 900


def test_what_is_promised_about_finding_an_owner_is_no_deadline_of_the_owner():
    make.policy("Owner", metric="ASSIGN", hours="ALWAYS", budget=60)
    make.policy("Contact", metric="CONTACT", hours="ALWAYS", budget=900)
    ann = make.rep("ann")

    fresh = make.lead(at=AT)
    assert fresh.due_what == "ASSIGN"
    assert known(fresh)["answer_by"] == int(AT.timestamp()) + 900

    # Handed back, its first contact is still owed by whoever gets it.
    lead = make.owned(ann, at=AT)
    later = AT + timedelta(minutes=2)
    work.decline(lead_id=lead.pk, epoch=1, reason="No", by=ann.user, at=later, driver="test")
    lead.refresh_from_db()
    assert lead.due_what == "ASSIGN"
    assert known(lead)["answer_by"] == int(AT.timestamp()) + 900
