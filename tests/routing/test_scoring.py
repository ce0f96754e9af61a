"""The score in service: versions, leads that cross the threshold, definitions, outcomes."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps import tables, trail
from reps.models import AuditEvent, Message
from routing import work
from routing.dispatch import batch
from routing.intake import process
from routing.models import FunnelDefinition, Lead, LearntScore, Organisation, Outcome, ScoreModel
from routing.rules import standard
from routing.scoring import (
    calibration,
    definitions,
    edit,
    learning,
    outcomes,
    preview,
    rescore,
    review,
)
from routing.scoring import lead as lead_score
from routing.scoring.refusals import ScoreRefused
from tests import make

AT = make.MONDAY_9AM
DAY = timedelta(days=1)
PRICES = {
    "name": "Pricing page",
    "event": "pricing_page",
    "points": 40,
    "half_life_days": 7,
    "cap": 60,
}
GERMAN = {
    "name": "Germany",
    "points": 30,
    "condition": {"fact": "country", "op": "eq", "value": "DE"},
}

pytestmark = pytest.mark.django_db


def visit(at):
    return {"name": "pricing_page", "at": at.isoformat()}


@pytest.fixture
def rep():
    make.organisation()
    return make.rep("ann")


@pytest.fixture
def scored(rep):
    """The standard rules with their threshold, and a score of fit and engagement."""
    make.rules(*standard.rules(pool=make.pool(rep), fallback=make.queue(name="Last")))
    return make.score_model(factors=[GERMAN], events=[PRICES])


# --- Versions ----------------------------------------------------------------------------------


def test_a_published_version_never_changes(scored):
    scored.body = {}
    with pytest.raises(ValidationError):
        trail.save(scored, by=None, at=AT, reason="x")
    with pytest.raises(ValidationError):
        trail.delete(scored, by=None, at=AT, reason="x")

    draft = edit.draft(by=None, at=AT)
    assert (draft.version, draft.state, draft.body) == (
        scored.version + 1,
        "DRAFT",
        ScoreModel.objects.get(pk=scored.pk).body,
    )


def test_publishing_wants_a_reason_and_a_difference(scored):
    with pytest.raises(ScoreRefused, match="no draft"):
        edit.publish(reason="x", by=None, at=AT)
    edit.draft(by=None, at=AT)
    with pytest.raises(ScoreRefused, match="just what s1 says"):
        edit.publish(reason="x", by=None, at=AT)
    with pytest.raises(ScoreRefused, match="Say why"):
        edit.publish(reason="  ", by=None, at=AT)
    with pytest.raises(ScoreRefused, match=r"factors\[0\]"):
        edit.save_body(body={"factors": [{"name": "A"}]}, by=None, at=AT)


def test_going_back_scores_by_the_earlier_version_and_says_why(scored):
    second = make.score_model(factors=[])
    boss = make.user("boss")

    edit.roll_back(version=scored.version, reason="it was better", by=boss, at=AT)

    organisation = Organisation.get()
    assert organisation.live_score_model == scored
    event = AuditEvent.objects.filter(subject="routing.organisation").order_by("-pk").first()
    assert (event.kind, event.actor) == ("score_live", boss)
    assert "it was better" in (event.reason or event.reason_code)
    with pytest.raises(ScoreRefused, match="live already"):
        edit.roll_back(version=scored.version, reason="again", by=boss, at=AT)
    assert second.pk != scored.pk


def test_leads_remember_the_version_they_were_scored_by(scored):
    lead = make.lead({"country": "DE"})
    make.score_model(factors=[{**GERMAN, "points": 50}])

    assert (lead.score_model, lead.score, lead.arrival_score) == (scored, 30, 30)
    assert make.lead({"country": "DE"}).score == 50


def test_a_line_that_somebody_renamed_is_not_written_over(scored):
    edit.save_line(part="factors", name="Germany", line={**GERMAN, "name": "DE"}, by=None, at=AT)

    with pytest.raises(ScoreRefused, match="renamed"):
        edit.save_line(part="factors", name="Germany", line=GERMAN, by=None, at=AT)


# --- Crossing the threshold ----------------------------------------------------------------------


def test_below_the_threshold_a_lead_rests_and_crossing_it_later_routes_it_at_once(scored, rep):
    low = make.routed(make.lead({"email": "ada@acme.com", "country": "DE"}))
    assert (low.place, low.score, low.responsible) == (
        Lead.Place.NURTURE,
        30,
        Organisation.get().responsible,
    )
    later = AT + DAY

    again = make.lead({"email": "ada@acme.com", "events": [visit(later)]}, at=later)

    assert (again.pk, again.score, again.route_at) == (low.pk, 70, later)
    assert make.routed(again, at=later).owner == rep


def test_a_raised_hand_a_named_account_and_a_prequalified_source_pass_the_threshold(scored, rep):
    account = make.account("Acme", domain="acme.com")
    make.account_owner(account, rep)

    assert make.routed(make.lead({"hand_raise": True})).owner == rep
    assert make.routed(make.lead({"email": "ann@acme.com"})).owner == rep
    assert make.routed(make.lead(source=make.source(is_prequalified=True))).owner == rep
    assert make.routed(make.lead({"country": "DE"}, source=make.source())).place == "NURTURE"


def test_a_new_version_wakes_who_rises_and_lets_who_rests_until_a_date_sleep(scored, rep):
    low = make.routed(make.lead({"country": "DE"}))
    resting = make.owned(rep, {"country": "DE"})
    until = AT + 30 * DAY
    resting = work.recycle(
        lead_id=resting.pk,
        epoch=resting.owner_epoch,
        until=until,
        reason="next year",
        by=rep.user,
        at=AT,
        driver="test",
    )

    edit.save_body(
        body={**scored.body, "factors": [{**GERMAN, "points": 65}]}, by=None, at=AT + DAY
    )
    edit.publish(reason="more", by=None, at=AT + DAY)
    assert rescore.drain(driver="test", due_before=AT + DAY) == 2
    batch.route(driver="test", at=AT + DAY, due_before=AT + DAY)

    low.refresh_from_db()
    resting.refresh_from_db()
    assert (low.score, low.owner) == (65, rep)
    assert (resting.score, resting.route_at, resting.place) == (65, until, "NURTURE")


def test_time_lowers_a_score_on_record_and_routes_nobody(scored):
    lead = make.lead({"country": "DE", "events": [visit(AT)]})
    assert (lead.score, lead.tier) == (70, "WARM")
    history = lead.history.count()

    # Nothing is due before the tier changes: 40 points are 29.5 after about three days.
    assert rescore.drain(driver="test", due_before=AT + timedelta(hours=20)) == 0
    now = AT + 4 * DAY
    while rescore.drain(driver="test", due_before=now):
        pass

    lead.refresh_from_db()
    assert lead.score == round(30 + 40 * 0.5 ** (4 / 7))
    assert (lead.tier, lead.arrival_score) == ("COLD", 70)
    assert lead.history.count() == history + 1
    assert lead.history.first().history_change_reason == "rescored"
    assert lead.rescore_at > now


def test_scoring_again_costs_the_same_for_two_leads_and_twelve_statements(scored):
    found = set()
    for number in (2, 12):
        make.leads(number, fields={"country": "DE", "events": [visit(AT)]})
        edit.save_body(
            body={**scored.body, "factors": [{**GERMAN, "points": number}]}, by=None, at=AT
        )
        edit.publish(reason=f"{number}", by=None, at=AT, again=False)
        Lead.objects.first()
        rescore.all_open(at=AT)
        with CaptureQueriesContext(connection) as captured:
            assert rescore.drain(driver="test", due_before=AT) >= number
        found.add(len(captured))

    assert len(found) == 1, found


# --- Contributions -----------------------------------------------------------------------------


def test_every_contribution_is_told_with_its_decay(scored):
    lead = make.lead({"country": "DE", "events": [visit(AT - 7 * DAY), visit(AT)]})

    now = lead_score.standing(lead, at=AT + 7 * DAY)

    lines = {line.name: line for line in now.lines}
    assert (lines["Germany"].points, lines["Germany"].was) == (30, None)
    prices = lines["Pricing page"]
    # 40 × (½ + ¼) of 80.
    assert (prices.points, prices.was, prices.count, prices.since) == (30, 80, 2, "7 days ago")
    assert (now.value, now.stored) == (60, lead.score)


def test_a_lead_shows_which_profiles_it_fits_and_rules_may_ask(scored, rep):
    make.score_model(
        profiles=[{"name": "DACH", "points": 5, "condition": GERMAN["condition"]}], factors=[]
    )
    lead = make.lead({"country": "DE"})
    make.rules(
        {
            "condition": {"fact": "profiles", "op": "has_any", "value": ["DACH"]},
            "path": {"target": {"kind": "rep", "id": rep.pk}},
        }
    )

    assert (lead.profiles, lead.score, lead.fit) == (["DACH"], 5, 5)
    assert make.routed(lead).owner == rep


def test_a_preview_counts_who_changes_tier_and_crosses(scored):
    make.leads(3, fields={"country": "DE"})
    make.lead({"country": "FR"})
    boss = make.user("boss", group="revops")
    body = {**scored.body, "factors": [{**GERMAN, "points": 65}]}

    found = preview.compare(body, user=boss, at=AT)

    assert (found.leads, found.changed, found.other_tier, found.up, found.down) == (4, 3, 3, 3, 0)
    assert found.tiers == (("HOT", 0, 0), ("WARM", 0, 3), ("COLD", 4, 1))
    assert {low: (a, b) for low, a, b in found.bands}[60] == (0, 3)
    assert found.examples[0].moved == (("Germany", 30, 65),)
    assert Lead.objects.filter(score=65).count() == 0


# --- MQL and SQL -------------------------------------------------------------------------------


@pytest.fixture
def agreed(scored):
    """Both definitions, and who signs them."""
    ada, ben = make.user("ada"), make.user("ben")
    definitions.name_people(marketing=ada, sales=ben, owner=ada, by=ada, at=AT)
    rows = {
        kind: definitions.write(
            kind=kind,
            text=one.text,
            condition=one.condition,
            reached=one.reached,
            by=ada,
            at=AT,
        )
        for kind, one in definitions.PROPOSALS.items()
    }
    return ada, ben, rows


def test_two_people_sign_each_for_their_side_and_a_new_score_takes_it_off(agreed, scored):
    ada, ben, rows = agreed
    mql = rows["MQL"]
    with pytest.raises(ScoreRefused, match="Two different people"):
        definitions.name_people(marketing=ada, sales=ada, owner=None, by=ada, at=AT)
    with pytest.raises(ScoreRefused, match="Only the person who signs"):
        definitions.sign(definition_id=mql.pk, side="SALES", by=ada, at=AT)

    for row in rows.values():
        definitions.sign(definition_id=row.pk, side="MARKETING", by=ada, at=AT)
        definitions.sign(definition_id=row.pk, side="SALES", by=ben, at=AT)
    with pytest.raises(ScoreRefused, match="signed MQL 1 already"):
        definitions.sign(definition_id=mql.pk, side="SALES", by=ben, at=AT)
    assert definitions.was_signed_for(scored)

    make.score_model(threshold=65)
    mql.refresh_from_db()
    assert not mql.is_signed
    assert mql.history.first().history_change_reason.startswith("unsigned: score s2")


def test_an_edit_is_a_new_version_without_signatures(agreed):
    ada, _, rows = agreed
    definitions.sign(definition_id=rows["MQL"].pk, side="MARKETING", by=ada, at=AT)

    new = definitions.write(kind="MQL", text="Other", condition={"all": []}, by=ada, at=AT)

    assert (new.version, new.marketing_at) == (2, None)
    assert FunnelDefinition.objects.get(pk=rows["MQL"].pk).marketing_by == ada
    with pytest.raises(ScoreRefused, match="no longer holds"):
        definitions.sign(definition_id=rows["MQL"].pk, side="MARKETING", by=ada, at=AT)


def test_a_lead_is_stamped_when_it_first_becomes_an_mql_and_an_sql(agreed, rep):
    lead = make.lead({"email": "ada@acme.com", "country": "DE"})
    assert lead.mql_at is None
    later = AT + DAY
    lead = make.lead({"email": "ada@acme.com", "events": [visit(later)]}, at=later)
    assert lead.mql_at == later
    lead = make.routed(lead, at=later)
    assert (lead.owner, lead.sql_at) == (rep, None)

    when = later + DAY
    work.acknowledge(lead_id=lead.pk, epoch=lead.owner_epoch, by=rep.user, at=when)
    lead = work.record_outcome(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        kind="OPPORTUNITY",
        by=rep.user,
        at=when,
        driver="test",
    )

    assert (lead.state, lead.sql_at, lead.mql_at) == ("QUALIFIED", when, later)


# --- Outcomes, calibration, review, learning ---------------------------------------------------


def file(*rows: str):
    return tables.read("crm.csv", "\n".join(["id,stage,closed,amount", *rows]).encode())


MAP = {
    "fields": {"lead": "id", "outcome": "stage", "at": "closed", "value": "amount"},
    "values": {"outcome": {"Closed Won": "WON", "Closed Lost": "LOST"}},
}


def test_outcomes_come_in_once_and_rows_that_cannot_be_taken_are_named(scored):
    won, lost = make.leads(2)
    day = (AT + 3 * DAY).date()
    rows = (
        f"{won.pk},Closed Won,{day},1200.50",
        f"{lost.pk},Closed Lost,{day},",
        f"{won.pk},Maybe,{day},",
        f"99999,Closed Won,{day},",
        f"{lost.pk},MEETING,2020-01-01,",
    )

    first = outcomes.import_outcomes(table=file(*rows), data=MAP, by=None, at=AT + 9 * DAY)
    again = outcomes.import_outcomes(table=file(*rows[:2]), data=MAP, by=None, at=AT + 10 * DAY)

    won.refresh_from_db()
    assert (first.recorded, first.known, len(first.problems)) == (2, 0, 3)
    assert [one.split(":")[0] for one in first.problems] == ["row 4", "row 5", "row 6"]
    assert "Maybe" in first.problems[0]
    assert (again.recorded, again.known) == (0, 2)
    assert (won.state, float(won.value)) == ("CONVERTED", 1200.5)
    assert Outcome.objects.get(lead=won).at.date() == day


def test_an_outcome_finds_its_lead_by_the_key_of_the_import(scored):
    source = make.source("crm")
    received = make.submission(source=source, key="row-007")
    process.drain(driver="test", due_before=AT)
    received.refresh_from_db()
    data = {"source": "crm", "fields": {**MAP["fields"], "external_id": "id"}, **MAP}
    data["fields"] = {"external_id": "id", "outcome": "stage", "at": "closed", "value": "amount"}

    tally = outcomes.import_outcomes(
        table=file(f"007,Closed Won,{(AT + DAY).date()},"), data=data, by=None, at=AT + 2 * DAY
    )

    assert tally.problems == []
    assert Outcome.objects.get().lead == received.lead


def test_bands_count_what_became_of_leads_by_their_score_on_arrival(scored):
    high = make.leads(4, fields={"country": "DE"})
    make.leads(2, fields={"country": "FR"})
    for lead in high[:3]:
        Outcome.objects.create(lead=lead, kind="WON", at=AT + DAY)

    found = calibration.read(days=90, at=AT + 60 * DAY)

    by_low = {band.low: band for band in found.bands}
    assert (by_low[30].leads, by_low[30].won, by_low[0].leads, by_low[0].won) == (4, 3, 2, 0)
    assert (by_low[30].meeting, by_low[30].qualified) == (3, 3)
    # Pairs of won and not won: three are in order with each of two, and tie with one.
    assert found.auc == pytest.approx((3 * 2 + 3 * 0.5) / 9)
    assert calibration.read(days=90, at=AT + DAY).leads == 0


def test_the_owner_is_reminded_each_quarter_once_until_somebody_reviews(scored):
    ada = make.user("ada")
    definitions.name_people(marketing=None, sales=None, owner=ada, by=ada, at=AT)
    assert review.remind(AT + 90 * DAY)["told"] == 0

    due = AT + 92 * DAY
    review.remind(due)
    review.remind(due + DAY)
    assert [one.recipient for one in Message.objects.filter(kind=review.KIND)] == [ada]

    with pytest.raises(ScoreRefused, match="what you found"):
        review.reviewed(note=" ", by=ada, at=due)
    review.reviewed(note="Bands are in order", by=ada, at=due)
    assert review.remind(due + DAY)["told"] == 0
    assert review.remind(due + 92 * DAY)["told"] == 1


def history_of_leads(number: int) -> None:
    """Old leads of both countries in turn: most Germans are won, and no point knows of it."""
    source, first = make.source("web"), AT - timedelta(days=200)
    received = [
        make.submission(
            {"country": "DE" if place % 2 else "FR"},
            at=first + timedelta(hours=place),
            source=source,
        )
        for place in range(number)
    ]
    last = first + timedelta(hours=number)
    while process.drain(driver="test", due_before=last):
        pass
    while batch.route(driver="test", at=last, due_before=last):
        pass
    for place, one in enumerate(received):
        one.refresh_from_db()
        if place % 2 and place % 10 != 1:
            Outcome.objects.create(lead=one.lead, kind="WON", at=last + DAY)


def test_a_learnt_score_scores_only_once_it_beats_the_points(scored):
    make.score_model(factors=[{**GERMAN, "points": 0}], events=[])
    boss = make.user("boss", group="revops")
    with pytest.raises(ScoreRefused, match="are needed to compare"):
        learning.train(at=AT, by=boss)
    history_of_leads(180)

    row = learning.train(at=AT, by=boss)

    report = row.report
    assert report["auc"]["POINTS"]["value"] == 0.5
    assert report["gain"]["LEARNT"]["low"] > 0
    assert report["wins"] == {"LEARNT": True, "BLEND": True}
    learning.choose(scores_by="LEARNT", learnt_id=row.pk, by=boss, at=AT, reason="it wins")
    german, french = make.lead({"country": "DE"}), make.lead({"country": "FR"})
    assert german.learnt_score == row
    assert german.score >= french.score
    lines = lead_score.standing(german, at=AT).lines
    assert lines[0].name == "average lead"
    assert sum(line.points for line in lines) == pytest.approx(german.score, abs=1)


def test_a_learnt_score_that_does_not_win_is_refused(scored):
    boss = make.user("boss", group="revops")
    gain = {"value": 0.01, "low": -0.02, "high": 0.04}
    row = LearntScore.objects.create(
        version=1,
        target="WON",
        horizon_days=90,
        body={},
        report={"wins": {"LEARNT": False}, "gain": {"LEARNT": gain}, "leads": 50},
        trained_at=AT,
    )

    with pytest.raises(ScoreRefused, match=r"has not beaten.*-0\.020 to \+0\.040"):
        learning.choose(scores_by="LEARNT", learnt_id=row.pk, by=boss, at=AT, reason="hope")
    assert Organisation.get().scores_by == "POINTS"
