"""A queue of match reviews, decided and taken back with nothing but the keyboard."""

import pytest
from playwright.sync_api import Locator, Page, expect

from routing.models import Lead, MatchReview
from tests import make

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]


# A page comes after each decision, on a machine that may be busy.
PATIENT = 20_000


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


def says(locator: Locator, words: str) -> None:
    expect(locator).to_contain_text(words, timeout=PATIENT)


def is_ready(page: Page) -> None:
    """The script shows its button; before that it hears no key."""
    expect(page.locator("[data-keys]")).to_be_visible(timeout=PATIENT)


def stands_at(page: Page, person: str) -> None:
    link = page.locator("main").get_by_role("link", name=person)
    expect(link).to_be_visible(timeout=PATIENT)
    is_ready(page)


def owners() -> list[str]:
    return [lead.owner.user.username for lead in Lead.objects.order_by("pk")]


def test_reviews_are_gone_through_by_keyboard(sign_in, cast):
    page = sign_in("morgan", "/reviews/")
    keys, main = page.keyboard, page.locator("main")
    says(page.get_by_role("link", name="Match reviews"), "2")
    stands_at(page, "Kim Low")

    # Nothing is decided before something is chosen.
    keys.press("Enter")
    says(page.locator("#live"), "Choose an account first")
    keys.press("?")
    says(page.get_by_role("dialog"), "net new")
    keys.press("Escape")

    # Skip goes to the other one and comes round again.
    keys.press("s")
    stands_at(page, "Lee Low")
    keys.press("s")
    stands_at(page, "Kim Low")

    # The arrows move, a number chooses; the other lead of the company is not decided along.
    keys.press("ArrowRight")
    expect(page.locator("[data-key='1']")).to_be_checked()
    keys.press("j")
    expect(page.locator("[data-key='2']")).to_be_checked()
    keys.press("k")
    expect(page.locator("[data-key='1']")).to_be_checked()
    keys.press("1")
    page.get_by_label("Lee Low").uncheck()
    keys.press("Enter")

    # The next one follows, the first went to its rightful owner.
    stands_at(page, "Lee Low")
    says(main, "Your last decision: Kim Low")
    assert owners() == ["ben", "ann"]

    # Net new, then nothing is left; undo brings it back.
    keys.press("n")
    keys.press("Enter")
    says(main, "Nothing to decide")
    is_ready(page)
    assert MatchReview.objects.get(lead__prospect__first_name="Lee").state == "NET_NEW"
    keys.press("u")
    stands_at(page, "Lee Low")
    says(main, "Your last decision: Kim Low")
    keys.press("u")
    stands_at(page, "Kim Low")
    assert owners() == ["ann", "ann"]
    assert set(MatchReview.objects.values_list("state", flat=True)) == {"PENDING"}
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
