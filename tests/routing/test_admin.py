"""Rules, leads and the organisation in the admin."""

import json

import pytest
from django.urls import reverse

from accounts.models import Account, AccountOwner
from routing.models import Lead, Organisation, Pool, Rule, RuleSet
from routing.rules import lifecycle
from sla.models import Policy
from tests import make
from tests.adminform import submit
from tests.recorded import recorded

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    return make.user("boss", group="manager", is_staff=True)


@pytest.fixture
def browser(client, boss):
    make.organisation()
    client.force_login(boss)
    return client


@pytest.fixture
def routed(boss):
    team = make.team("Mine", manager=boss)
    owner, other = make.rep("owner", team=team), make.rep("other", team=team)
    make.rules(make.round_robin(make.pool(owner)))
    return make.routed(make.lead()), other


def page(model, verb="change", *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{verb}", args=args)


def test_a_lead_is_given_to_somebody_else(browser, boss, routed):
    lead, other = routed
    url = reverse("admin:routing_lead_reassign", args=[lead.pk])

    with recorded() as trail:
        answer = submit(browser, url, to=other.pk, reason="Speaks French")

    lead.refresh_from_db()
    assert answer.status_code == 302
    assert (lead.owner, lead.owner_epoch) == (other, 2)
    assert [subject for subject, _ in trail.rows] == ["routing.lead"]
    assert trail.rows[0][1].history_user == boss


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"epoch": 0, "reason": "x"}, "changed hands"), ({"reason": "  "}, "required")],
)
def test_a_refused_move_stays_on_the_page(browser, routed, changes, words):
    lead, other = routed
    url = reverse("admin:routing_lead_reassign", args=[lead.pk])

    with recorded() as trail:
        answer = submit(browser, url, to=other.pk, **changes)

    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert trail.rows == []


def test_leads_are_not_edited_by_hand(browser, routed):
    lead, _ = routed

    assert browser.post(page(Lead, "change", lead.pk), {"state": "CONVERTED"}).status_code == 403
    assert browser.get(page(Lead, "add")).status_code == 403
    assert browser.post(page(Lead, "delete", lead.pk), {"post": "yes"}).status_code == 403


def test_a_draft_is_made_and_published(browser, boss):
    make.rules()
    with recorded() as made:
        submit(browser, reverse("admin:routing_ruleset_new_draft"))
    draft = RuleSet.objects.get(state="DRAFT")
    with recorded() as published:
        submit(browser, reverse("admin:routing_ruleset_publish", args=[draft.pk]))

    assert {subject for subject, _ in made.rows} == {"routing.ruleset", "routing.rule"}
    assert sorted(subject for subject, _ in published.rows) == [
        "routing.organisation",
        "routing.ruleset",
    ]
    assert Organisation.get().live_ruleset == draft


def test_rules_without_a_fallback_do_not_go_live_and_say_why(browser, boss):
    draft = lifecycle.draft(by=boss, at=make.MONDAY_9AM)

    answer = submit(browser, reverse("admin:routing_ruleset_publish", args=[draft.pk]))

    assert "no fallback rule" in answer.content.decode()


def test_rolling_back_needs_a_reason(browser):
    first = make.rules()
    make.rules()
    url = reverse("admin:routing_ruleset_roll_back", args=[first.pk])

    without = submit(browser, url)
    with recorded() as trail:
        submit(browser, url, reason="Too greedy")

    assert without.status_code == 200
    assert [subject for subject, _ in trail.rows] == ["routing.organisation"]
    assert Organisation.get().live_ruleset == first


def test_published_rules_are_for_looking(browser):
    published = make.rules()
    rule = published.rules.first()

    with recorded() as trail:
        answers = [
            browser.post(page(RuleSet, "change", published.pk), {"note": "x"}),
            browser.post(page(Rule, "change", rule.pk), {"name": "x"}),
            browser.post(page(Rule, "delete", rule.pk), {"post": "yes"}),
            browser.post(
                page(Rule, "changelist"),
                {"action": "delete_selected", "_selected_action": [rule.pk], "post": "yes"},
            ),
            submit(
                browser,
                page(Rule, "add"),
                ruleset=published.pk,
                position=99,
                name="Late",
                path='{"target": {"kind": "nurture"}}',
            ),
        ]

    assert [answer.status_code for answer in answers] == [403, 403, 403, 403, 200]
    assert trail.rows == []


def test_a_rule_of_a_draft_is_edited_in_place(browser, boss):
    draft = make.rules(publish=False)

    with recorded() as trail:
        answer = submit(
            browser,
            page(RuleSet, "change", draft.pk),
            **{"note": "Better", "rules-0-name": "Renamed", "change_reason": "Clearer"},
        )

    assert answer.status_code == 302
    assert sorted(subject for subject, _ in trail.rows) == ["routing.rule", "routing.ruleset"]
    assert {row.history_change_reason for _, row in trail.rows} == {"Clearer"}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("condition", '{"fact": "nonsense", "op": "eq", "value": 1}'),
        ("condition", "[]x"),
        ("condition", '{"all": [{"fact": "source", "op": "eq", "value": "\\u0000"}]}'),
        ("path", '{"target": {"kind": "nobody"}}'),
        ("path", "5"),
    ],
)
def test_a_rule_that_the_engine_cannot_read_stays_on_the_page(browser, column, value):
    draft = make.rules(publish=False)

    with recorded() as trail:
        answer = submit(browser, page(Rule, "change", draft.rules.first().pk), **{column: value})

    assert answer.status_code == 200
    assert trail.rows == []


def test_deleting_a_pool_takes_its_members_along_in_the_record(browser, boss):
    pool = make.pool(make.rep(), make.rep())

    with recorded() as trail:
        browser.post(page(Pool, "delete", pool.pk), {"post": "yes"})

    assert sorted(subject for subject, _ in trail.rows) == [
        "routing.pool",
        "routing.poolmember",
        "routing.poolmember",
    ]
    assert {row.history_user for _, row in trail.rows} == {boss}
    assert len({row.history_date for _, row in trail.rows}) == 1


def test_a_pool_gets_a_member_by_inline(browser, boss):
    pool, rep = make.pool(), make.rep()

    with recorded() as trail:
        submit(
            browser,
            page(Pool, "change", pool.pk),
            **{
                "members-TOTAL_FORMS": "1",
                "members-0-rep": rep.pk,
                "members-0-weight": "2",
                "members-0-position": "0",
                "members-0-ramp_days": "0",
                "members-0-protected_percent": "0",
                "members-0-pool": pool.pk,
            },
        )

    assert [subject for subject, _ in trail.rows] == ["routing.poolmember"]


def test_the_organisation_is_paused_by_an_act(browser, boss):
    organisation = make.organisation()

    with recorded() as trail:
        submit(browser, reverse("admin:routing_organisation_pause_routing", args=[1]))
    with recorded() as resumed:
        submit(browser, reverse("admin:routing_organisation_resume_routing", args=[1]))

    assert len(trail.rows) == len(resumed.rows) == 1
    assert browser.get(page(Organisation, "add")).status_code == 403
    assert (
        "live_ruleset"
        not in submit(
            browser, page(Organisation, "change", organisation.pk), live_ruleset=99
        ).content.decode()
    )
    assert Organisation.get().live_ruleset is None


@pytest.mark.parametrize("aliases", ['{"a": 1}', "[1]", '[""]', '["a\\u0000"]', "5", '[["x"]]'])
def test_odd_names_of_an_account_stay_on_the_page(browser, aliases):
    with recorded() as trail:
        answer = submit(browser, page(Account, "add"), name="Acme", aliases=aliases)

    assert answer.status_code == 200
    assert trail.rows == []


def test_a_named_account_is_given_by_inline(browser, boss):
    account, rep = make.account(), make.rep()

    with recorded() as trail:
        submit(
            browser,
            page(Account, "change", account.pk),
            **{
                "owners-TOTAL_FORMS": "1",
                "owners-0-rep": rep.pk,
                "owners-0-role": "OWNER",
                "owners-0-starts_on": "2026-06-01",
                "owners-0-account": account.pk,
            },
        )

    assert [subject for subject, _ in trail.rows] == ["accounts.accountowner"]
    assert AccountOwner.objects.get().rep == rep


@pytest.mark.parametrize("model", [Policy])
def test_conditions_are_read_before_they_are_saved(browser, model):
    bad = json.dumps({"fact": "score_of_score", "op": "eq", "value": 1})

    answer = submit(browser, page(model, "add"), name="New", points="5", condition=bad)

    assert answer.status_code == 200
    assert not model.objects.exists()
