"""Templates: each can be taken, is free of findings, and its golden leads prove what it says."""

from collections import Counter

import pytest
from django.urls import reverse

from routing.models import Organisation, RuleSet
from routing.rules import golden, lifecycle, starters
from routing.rules.lifecycle import RulesRefused
from routing.rules.lint import lint
from sla.models import Policy
from tests import make
from tests.make import MONDAY_9AM

pytestmark = pytest.mark.django_db

SLUGS = [template.slug for template in starters.ALL]


@pytest.fixture
def boss():
    make.organisation()
    return make.user(is_superuser=True, is_staff=True)


def chosen_for(template):
    """A record of its own for every slot."""
    made = {}
    for slot in template.slots:
        if slot.kind == "pool":
            members = [make.rep(country="US", postal_code="10001") for _ in range(2)]
            made[slot.name] = make.pool(*members, name=str(slot.label))
        elif slot.kind == "rep":
            made[slot.name] = make.rep()
        else:
            made[slot.name] = make.queue(make.pool(make.rep()), name=str(slot.label))
    return made


def started(slug, boss, *, publish=False):
    template = starters.BY_SLUG[slug]
    draft = starters.start(template=template, chosen=chosen_for(template), by=boss, at=MONDAY_9AM)
    return lifecycle.publish(ruleset=draft, by=boss, at=MONDAY_9AM) if publish else draft


@pytest.mark.parametrize("slug", SLUGS)
def test_every_golden_lead_of_a_template_holds(slug, boss):
    draft = started(slug, boss)

    results = golden.run(draft, at=MONDAY_9AM)

    assert len(results) >= 2
    assert [(one.golden.name, one.wrong, one.got) for one in results if not one.passed] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_the_golden_leads_touch_every_rule_that_needs_no_territory(slug, boss):
    draft = started(slug, boss)
    proven = Counter(draft.golden_leads.values_list("expect_rule", flat=True))

    unproven = [rule.name for rule in draft.rules.all() if not proven[rule.name]]

    # Those need a territory plan of their own, an agent, or nobody being there at all.
    assert set(unproven) <= {
        "Mid-market by territory",
        "Territory owner",
        "Territory pool",
        "Free tier to the AI agent",
        "Fallback",
    }


@pytest.mark.parametrize("slug", SLUGS)
def test_a_template_has_no_error_and_can_go_live(slug, boss):
    made = started(slug, boss, publish=True)

    assert Organisation.get().live_ruleset == made
    assert [finding for finding in lint(made) if finding.is_error] == []


def test_a_golden_lead_fails_once_the_rules_say_otherwise(boss):
    draft = started("by_size", boss)
    rule = draft.rules.get(name="SMB in turn")
    rule.condition = {"fact": "employees", "op": "lt", "value": 40}
    make.saved(rule)

    failed = [one.golden.name for one in golden.run(draft, at=MONDAY_9AM) if not one.passed]

    assert failed == ["49 people"]


def test_the_promise_comes_with_the_template(boss):
    started("small_team", boss)

    assert Policy.objects.get().budget == 900


def test_a_slot_left_empty_is_named(boss):
    template = starters.BY_SLUG["by_size"]
    chosen = chosen_for(template) | {"smb": None}

    with pytest.raises(RulesRefused, match="SMB pool"):
        starters.start(template=template, chosen=chosen, by=boss, at=MONDAY_9AM)
    assert not RuleSet.objects.exists()


def test_a_draft_with_rules_is_not_overwritten(boss):
    started("by_size", boss)

    with pytest.raises(RulesRefused, match="has rules already"):
        started("waterfall", boss)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_page_of_a_template_shows_its_rules_in_words(client, boss, slug):
    client.force_login(boss)
    template = starters.BY_SLUG[slug]
    chosen_for(template)

    page = client.get(reverse("setup_rules"), {"template": slug})

    assert page.status_code == 200
    assert [name for name, _ in page.context["rules"]][-1] == "Fallback"
    assert b"this part" not in page.content


def test_the_gallery_shows_all_templates(client, boss):
    client.force_login(boss)

    page = client.get(reverse("setup_rules"))

    assert [one.slug for one in page.context["templates"]] == SLUGS


def test_a_template_is_taken_by_the_page(client, boss):
    client.force_login(boss)
    chosen = chosen_for(starters.BY_SLUG["waterfall"])
    data = {name: row.pk for name, row in chosen.items()}

    client.post(reverse("setup_rules"), {"template": "waterfall", "draft": "1", **data})

    names = list(RuleSet.objects.get().rules.values_list("name", flat=True))
    assert names == [
        "Named account",
        "Unmapped",
        "Enterprise",
        "Commercial",
        "Inside sales",
        "Fallback",
    ]


def test_what_cannot_go_live_stays_a_draft(client, boss):
    client.force_login(boss)
    chosen = chosen_for(starters.BY_SLUG["small_team"])
    for member in chosen["pool"].members.all():
        member.rep.is_active = False
        make.saved(member.rep)
    data = {name: row.pk for name, row in chosen.items()}

    page = client.post(reverse("setup_rules"), {"template": "small_team", **data})

    assert page.url == reverse("rules_draft")
    assert RuleSet.objects.get().state == RuleSet.State.DRAFT
