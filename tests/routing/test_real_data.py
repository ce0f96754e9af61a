"""The replay of a CRM's past: a small hand-made one here, the real one where it lies."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account
from reps.models import Message
from routing.models import Assignment, Decision, Lead, Outcome, Prospect, Submission
from sla.models import Clock
from tests import make

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
REAL = ROOT.parent / "shared" / "data"
needs_real_data = pytest.mark.skipif(
    not (REAL / "maven_crm").exists(), reason="the data sets are not part of the repository"
)
pytestmark = pytest.mark.django_db

TEAMS = """sales_agent,manager,regional_office
Ann East,Max Po,East
Bob East,Max Po,East
Cyd West,Moe Ra,West
Dee West,Moe Ra,West
"""
ACCOUNTS = """account,sector,year_established,revenue,employees,office_location,subsidiary_of
Acme Hotels,technolgy,1996,1100.04,2822,United States,
Bright Foods,medical,1999,251.41,495,Philipines,Acme Hotels
"""
PIPELINE = """\
opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value
A1,Ann East,GTXPro,Acme Hotels,Won,2017-01-02,2017-01-05,500
A2,Ann East,GTX Basic,Acme Hotels,Lost,2017-01-03,2017-01-04,0
B1,Cyd West,GTX Basic,Bright Foods,Engaging,2017-01-03,,
B2,Cyd West,GTXPro,Bright Foods,Won,2017-01-04,2017-02-09,70
N1,Dee West,GTX Basic,,Engaging,2017-01-04,,
P1,Dee West,GTX Basic,,Prospecting,,,
A3,Cyd West,GTX Basic,Acme Hotels,Engaging,2017-01-06,,
""".replace("\n", "\r\n")


@pytest.fixture
def files(tmp_path):
    for name, text in (("teams", TEAMS), ("accounts", ACCOUNTS), ("pipeline", PIPELINE)):
        (tmp_path / f"{name}.csv").write_bytes(text.encode())
    return tmp_path


def replay(folder, *, teams, accounts, pipeline, **options):
    maps = EXAMPLES / "maven_crm"
    call_command("import_reps", folder / teams, map=maps / "reps.yml")
    call_command("import_accounts", folder / accounts, map=maps / "accounts.yml")
    call_command(
        "replay_history", leads=folder / pipeline, map=maps / "leads.yml", json=True, **options
    )


@pytest.fixture
def replayed(files, capsys):
    def run(**options):
        replay(
            files, teams="teams.csv", accounts="accounts.csv", pipeline="pipeline.csv", **options
        )
        out = capsys.readouterr().out
        return json.loads(out[out.index("{") :])

    return run


def lead(opportunity: str) -> Lead:
    return Submission.objects.get(idempotency_key=f"row-{opportunity}").lead


def rule_of(opportunity: str) -> str:
    return Decision.objects.filter(lead=lead(opportunity)).latest("pk").rule.name


def test_only_earlier_rows_say_which_office_an_account_belongs_to(replayed):
    found = replayed()

    assert found["leads"] == 6
    # Its first lead knows nothing yet; that of the next day knows the first.
    assert rule_of("A1") == "GTX Pro, office unknown"
    assert rule_of("A2") == "East accounts"
    assert rule_of("B1") == "GTX Basic, office unknown"
    assert rule_of("B2") == "West accounts"
    assert rule_of("N1") == "GTX Basic, office unknown"
    # One West sale against two East ones changes nothing.
    assert rule_of("A3") == "East accounts"
    assert Account.objects.get(name="Acme Hotels").region == "East"


def test_outcomes_never_reach_the_router(replayed):
    replayed()

    allowed = {"company", "product_interest"}
    for submission in Submission.objects.all():
        assert set(json.loads(bytes(submission.raw))) <= allowed
        assert set(submission.context) <= {"import", "person_key"}
    stored = " ".join(Decision.objects.values_list("body", flat=True))
    stored += json.dumps(list(Decision.objects.values_list("facts", flat=True)))
    for secret in ("Won", "Lost", "Engaging", "Ann East", "2017-01-05", "2017-02-09"):
        assert secret not in stored


def test_closes_arrive_on_their_day_and_none_from_after_the_end(replayed):
    found = replayed()

    won, lost = Outcome.objects.get(kind="WON"), Outcome.objects.get(kind="LOST")
    assert (won.lead, won.value, won.at) == (lead("A1"), 500, datetime(2017, 1, 5, 17, tzinfo=UTC))
    assert (lost.lead, lost.at.date().isoformat()) == (lead("A2"), "2017-01-04")
    # B2 was won after the last engagement; nobody could know.
    assert lead("B2").place == Lead.Place.OWNER
    assert found["closed"] == 2


def test_the_past_sends_nothing_and_starts_no_clock(replayed):
    make.policy()

    found = replayed()

    assert (found["messages"], found["clocks"]) == (0, 0)
    assert not Message.objects.exists()
    assert not Clock.objects.exists()
    assert lead("A1").received_at == datetime(2017, 1, 2, 9, tzinfo=UTC)
    assert Assignment.objects.get(lead=lead("A3"), epoch=1).driver == "replay"


def test_a_full_office_parks_and_an_outcome_wakes(replayed):
    found = replayed(capacity=1)

    assert found["parked_why"] == {"capacity": found["parked_ever"]}
    assert found["parked_ever"] >= 1
    assert found["fullest"] == 1
    assert found["in_fallback"] == 0
    assert found["by_rule_share"] == 1.0
    assert found["parked_then_assigned"] >= 1


def test_the_replay_violates_no_invariant(replayed):
    checked = replayed(capacity=1)["verify"]

    assert len(checked) > 10
    assert not any(checked.values())


def test_a_second_replay_is_refused_for_a_clock_runs_once(replayed):
    replayed()

    with pytest.raises(CommandError, match="has been replayed"):
        replayed()


def test_an_installation_with_rules_of_its_own_is_left_alone(replayed):
    make.rules()

    with pytest.raises(CommandError, match="live rules"):
        replayed()


def test_the_funnel_comes_in_by_origin(tmp_path, capsys):
    make.organisation()
    make.source("olist", is_prequalified=True)
    (tmp_path / "leads.csv").write_text(
        "mql_id,first_contact_date,landing_page_id,origin\n"
        "a1,2018-02-01,p1,paid_search\nb2,2017-10-20,p1,\nc3,2017-07-01,p2,email\n"
    )

    call_command(
        "import_leads",
        tmp_path / "leads.csv",
        source="olist",
        map=EXAMPLES / "olist_funnel" / "leads.yml",
        mode="backfill",
    )

    assert "3 rows, 3 taken in" in capsys.readouterr().out
    assert set(Lead.objects.values_list("campaign", flat=True)) == {
        "paid_search",
        "unknown",
        "email",
    }
    # Nine in the morning in São Paulo, with and without daylight saving.
    moments = sorted(Lead.objects.values_list("received_at", flat=True))
    assert [(m.day, m.hour) for m in moments] == [(1, 12), (20, 11), (1, 11)]
    assert Prospect.objects.count() == 3


@needs_real_data
def test_the_first_months_of_the_real_past(capsys):
    replay(
        REAL / "maven_crm",
        teams="sales_teams.csv",
        accounts="accounts.csv",
        pipeline="sales_pipeline.csv",
        until=datetime(2016, 12, 5, tzinfo=UTC).date(),
    )

    out = capsys.readouterr().out
    found = json.loads(out[out.index("{") :])
    assert "sales_teams.csv: 35 rows: 35 created" in out
    assert "accounts.csv: 85 rows: 85 created" in out
    assert found["assigned"] == found["leads"] > 100
    assert found["by_rule_share"] >= 0.99


@pytest.mark.once
@needs_real_data
def test_simulating_the_live_rules_over_the_real_past_agrees_lead_by_lead(capsys):
    """Where a cap bites, so that leads wait, and wake when others close."""
    replay(
        REAL / "maven_crm",
        teams="sales_teams.csv",
        accounts="accounts.csv",
        pipeline="sales_pipeline.csv",
        until=datetime(2016, 12, 20, tzinfo=UTC).date(),
        capacity=4,
    )
    capsys.readouterr()

    call_command(
        "simulate",
        ruleset="live",
        since=datetime(2016, 10, 1, tzinfo=UTC).date(),
        until=datetime(2016, 12, 31, tzinfo=UTC).date(),
        json=True,
    )

    found = json.loads(capsys.readouterr().out)
    decisions = Decision.objects.count()
    assert found["agreement"]["decisions"] == found["agreement"]["agree"] == decisions
    assert decisions > found["leads"] > 100
    assert found["live"]["waited_for_capacity"] > 0
    # In ledgers of their own, the same rules move no lead.
    assert found["moves"] == 0
