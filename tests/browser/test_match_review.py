"""A queue of match reviews, decided and taken back with nothing but the keyboard."""

import pytest
from playwright.sync_api import expect

from routing.models import Lead, MatchReview
from tests import make

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def cast(settings, live_server):
    """Two companies of one name, the second Ben's; two leads that could be of either."""
    settings.BASE_URL = live_server.url
    make.organisation()
    team = make.team("North", manager=make.user("morgan", group="manager", first_name="Morgan"))
    ann, ben = make.rep("ann", team=team), make.rep("ben", team=team)
    make.account("Mosswater Paper", domain="mosswater.se", city="Falun")
    make.account_owner(make.account("Mosswater Paper Ltd", domain="mosswater.co.uk"), ben)
    make.rules(
        {
            "name": "Named account",
            "condition": {"fact": "account_owner", "op": "not_empty"},
            "path": {"target": {"kind": "account_owner"}},
        },
        make.round_robin(make.pool(ann, name="Everybody")),
    )
    for first in ("Kim", "Lee"):
        person = {"email": f"{first}@gmail.com", "first_name": first, "last_name": "Low"}
        make.routed(make.lead({**person, "company": "Mosswater Paper"}))


def owners() -> list[str]:
    return [lead.owner.user.username for lead in Lead.objects.order_by("pk")]


def test_reviews_are_gone_through_by_keyboard(sign_in, cast):
    page = sign_in("morgan", "/reviews/")
    keys, main = page.keyboard, page.locator("main")
    expect(page.get_by_role("link", name="Match reviews")).to_contain_text("2")
    expect(main).to_contain_text("Kim Low")

    # Nothing is decided before something is chosen.
    keys.press("Enter")
    expect(page.locator("#live")).to_contain_text("Choose an account first")
    keys.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("net new")
    keys.press("Escape")

    # Skip goes to the other one and comes round again.
    keys.press("s")
    expect(main.get_by_role("link", name="Lee Low")).to_be_visible()
    keys.press("s")
    expect(main.get_by_role("link", name="Kim Low")).to_be_visible()

    # The arrows move, a number chooses; the other lead of the company is not decided along.
    keys.press("ArrowRight")
    expect(page.locator("[data-key='1']")).to_be_checked()
    keys.press("j")
    expect(page.locator("[data-key='2']")).to_be_checked()
    keys.press("k")
    expect(page.locator("[data-key='1']")).to_be_checked()
    keys.press("2")
    page.get_by_label("Lee Low").uncheck()
    keys.press("Enter")

    # The next one follows, the first went to its rightful owner.
    expect(main.get_by_role("link", name="Lee Low")).to_be_visible()
    expect(main).to_contain_text("Your last decision: Kim Low")
    assert owners() == ["ben", "ann"]

    # Net new, then nothing is left; undo brings it back.
    keys.press("n")
    keys.press("Enter")
    expect(main).to_contain_text("Nothing to decide")
    assert MatchReview.objects.get(lead__prospect__first_name="Lee").state == "NET_NEW"
    keys.press("u")
    expect(main.get_by_role("link", name="Lee Low")).to_be_visible()
    expect(main).to_contain_text("Your last decision: Kim Low")
    keys.press("u")
    expect(main.get_by_role("link", name="Kim Low")).to_be_visible()
    assert owners() == ["ann", "ann"]
    assert set(MatchReview.objects.values_list("state", flat=True)) == {"PENDING"}
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
