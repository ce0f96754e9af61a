import csv
import io
import json

import pytest
from django.core.management import CommandError, call_command

from accounts.management.commands.match_accounts import Command

ACCOUNTS = "account_id,name,domain,city,state\nA1,Acme Inc,acme.com,Austin,TX\nA2,Globex,,,\n"


@pytest.fixture
def run(tmp_path):
    def run(leads, accounts=ACCOUNTS):
        (tmp_path / "accounts.csv").write_text(accounts, encoding="utf-8")
        (tmp_path / "leads.csv").write_text(leads, encoding="utf-8")
        out = io.StringIO()
        paths = [str(tmp_path / "leads.csv"), "--accounts", str(tmp_path / "accounts.csv")]
        call_command(Command(), *paths, stdout=out)
        return list(csv.DictReader(io.StringIO(out.getvalue())))

    return run


def test_every_lead_gets_one_row_in_order(run):
    rows = run("lead_id,company_name\nL2,ACME\nL1,Umbrella\nL3,Acme Widgets\n")

    assert [(row["lead_id"], row["verdict"], row["account_id"]) for row in rows] == [
        ("L2", "match", "A1"),
        ("L1", "net_new", ""),
        ("L3", "review", "A1"),
    ]
    assert json.loads(rows[0]["evidence"])[0]["kind"] == "name"
    assert list(rows[0]) == ["lead_id", "verdict", "account_id", "confidence", "evidence"]


def test_labels_are_not_looked_at(run):
    plain = run("lead_id,company_name\nL1,Acme\nL2,Nobody\n")
    labelled = run(
        "lead_id,company_name,account_id,label,similar_account\nL1,Acme,A2,match,\nL2,Nobody,A2,match,A1\n"
    )

    assert plain == labelled


def test_an_address_matches_by_domain_unless_it_is_free(run):
    rows = run("lead_id,company_name,email\nL1,,ann@acme.com\nL2,,ann@gmail.com\n")

    assert [row["verdict"] for row in rows] == ["match", "net_new"]


def test_a_short_row_is_no_trouble(run):
    assert run("lead_id,company_name,city\nL1,Acme\n")[0]["verdict"] == "match"


def test_a_missing_column_is_named(run):
    with pytest.raises(CommandError, match="company_name"):
        run("lead_id,name\nL1,Acme\n")


def test_a_missing_file_is_named():
    with pytest.raises(CommandError, match=r"nowhere\.csv"):
        call_command(Command(), "nowhere.csv", "--accounts", "nowhere.csv")


def test_it_asks_for_no_system_checks():
    assert Command.requires_system_checks == []
