"""The rule builder in a browser: rows without reloading, a count while typing, another order."""

import pytest
from playwright.sync_api import Page, expect

from reps.due.clock import database_now
from routing.models import RuleSet
from routing.rules import lifecycle
from tests import make

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def draft(settings, live_server) -> RuleSet:
    """A draft of three rules above the fallback, and leads of the last days to count."""
    settings.BASE_URL = live_server.url
    ops = make.user("riley", group="revops", first_name="Riley", last_name="Ops")
    make.skill("german")
    pool = make.pool(make.rep("robin"), make.rep("jamie"), name="Inbound")
    make.pool(make.rep("kim"), name="Enterprise")
    rules = [{**make.round_robin(pool), "name": name} for name in ("One", "Two", "Three")]
    make.rules(*rules)
    at = database_now()
    for employees in (900, 600, 60):
        make.routed(make.lead({"employees": employees}, at=at), at=at)
    return lifecycle.draft(by=ops, at=at)


def add(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def test_a_rule_is_built_without_a_reload_and_counted_meanwhile(sign_in, draft):
    page = sign_in("riley", "/rules/draft/add/")
    page.evaluate("window.stayed = true")
    page.get_by_label("Name").fill("Big and German")
    row = page.locator("[data-crow]").first
    row.locator("[data-fact]").select_option("employees")
    expect(row.locator("[data-op] option:checked")).not_to_have_text("contains")
    row.locator("[data-op]").select_option("gte")
    expect(row.locator("[data-hint]")).to_have_text("A number, e.g. 500.")
    row.locator("[data-value]").fill("500")
    told = page.locator("#preview")
    expect(told).to_contain_text("If employees is at least 500")
    expect(told).to_contain_text("2 of 3 leads fit")

    # A group, and its row has the cursor.
    add(page, "Group")
    expect(page.locator("fieldset.group [data-fact]")).to_be_focused()
    page.keyboard.type("Country")
    group = page.locator("fieldset.group [data-crow]").first
    expect(group.locator("[data-fact]")).to_have_value("country")
    group.locator("[data-op]").select_option("in")
    group.locator("[data-value]").fill("DE, AT")
    expect(page.locator("[data-value]").first).to_have_value("500")

    page.get_by_label("Give it to").select_option(label="Inbound")
    add(page, "Requirement")
    stage = page.locator("[data-prow]").first
    stage.locator("[data-by]").select_option("skill")
    stage.locator("select[data-what]").first.select_option(label="German")
    stage.locator("input[data-amount]").first.fill("4")
    add(page, "Relax after a time")
    stage.get_by_label("after").fill("30 seconds")
    expect(stage.locator("[data-step] input[data-amount]")).to_be_hidden()
    add(page, "Preference")
    page.locator("[data-prow]").last.locator("[data-by]").select_option("nearest")
    page.get_by_label("If nobody can take it").select_option("at_most")
    page.get_by_label("… at most").fill("15 minutes")
    expect(told).to_contain_text("with German at level 4 or better")
    assert page.evaluate("window.stayed") is True

    page.get_by_role("button", name="Save the rule").click()
    page.wait_for_url("**/rules/draft/")
    path = draft.rules.get(name="Big and German").path
    assert [stage["by"] for stage in path["stages"]] == ["skill", "nearest"]
    assert path["stages"][0]["relax"] == [{"after": 30, "drop": True}]
    assert path["wait_at_most"] == 900


def test_a_queue_hides_what_is_not_asked_there(sign_in, draft):
    page = sign_in("riley", "/rules/draft/add/")
    select = page.get_by_label("Choose one of them")

    page.get_by_label("Give it to").select_option("account_owner")
    expect(select.locator("option[value=round_robin]")).to_be_disabled()
    page.get_by_label("Give it to").select_option("nurture")
    expect(select).to_be_hidden()
    expect(page.get_by_text("nobody is chosen")).to_be_visible()


def names(draft: RuleSet) -> list[str]:
    return list(draft.rules.order_by("position").values_list("name", flat=True))


def test_rules_are_ordered_by_keyboard_and_it_is_told(sign_in, draft):
    page = sign_in("riley", "/rules/draft/")
    grip = page.locator("[data-grip]").nth(2)

    grip.focus()
    with page.expect_response("**/rules/draft/order/"):
        page.keyboard.press("ArrowUp")
        expect(page.locator("#live")).to_have_text("Three is now rule 2 of 3.")
        page.keyboard.press("ArrowUp")
    expect(page.locator("[data-rule] h3").first).to_have_text("Three")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#live")).to_have_text("Three goes no further; it is rule 1 of 3.")

    assert names(draft) == ["Three", "One", "Two", "Fallback"]
    # What a rule would take follows its place.
    expect(page.locator("[data-rule]").first).to_contain_text("3 would come here first")


def test_on_a_phone_rules_are_ordered_by_buttons(sign_in, draft):
    page = sign_in("riley", "/rules/draft/", width=390)
    expect(page.locator("[data-grip]").first).to_be_hidden()

    page.get_by_role("button", name="Ask “One” later").click()

    expect(page.locator("[data-rule] h3").first).to_have_text("Two")
    assert names(draft) == ["Two", "One", "Three", "Fallback"]


def test_rules_are_ordered_by_dragging(sign_in, draft):
    page = sign_in("riley", "/rules/draft/", width=1440)
    page.locator("[data-grip]").first.scroll_into_view_if_needed()
    start = page.locator("[data-grip]").first.bounding_box()
    end = page.locator("[data-rule]").nth(2).bounding_box()

    with page.expect_response("**/rules/draft/order/"):
        page.mouse.move(start["x"] + 5, start["y"] + 5)
        page.mouse.down()
        page.mouse.move(start["x"] + 5, end["y"] + end["height"] - 5, steps=8)
        page.mouse.up()
    expect(page.locator("[data-rule] h3").first).to_have_text("Two")

    assert names(draft) == ["Two", "Three", "One", "Fallback"]
