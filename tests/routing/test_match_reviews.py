"""Match reviews: what waits, what a decision sets, teaches and moves, and what undoing restores."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.urls import reverse

from accounts.models import Account
from reps import trail
from reps.models import AuditEvent
from routing.models import Lead, MatchCandidate, MatchRefusal, MatchReview
from routing.models.desk import ReviewHandover
from routing.privacy import erase
from routing.reviews import decisions, queue, rate
from routing.reviews.decisions import ReviewRefused
from tests import make

AT = make.MONDAY_9AM
SOON = AT + make.MINUTE
pytestmark = pytest.mark.django_db
# Two accounts go by this name, and the address says nothing: a contest.
UNSURE = {"email": "kim@gmail.com", "company": "Mosswater Paper", "title": "Buyer"}


@pytest.fixture
def cast():
    """Two companies of one name; the second is Ben's. Everything else goes to Ann."""
    organisation = make.organisation()
    boss = make.user("boss", group="manager")
    team = make.team("North", manager=boss)
    ann, ben = make.rep("ann", team=team), make.rep("ben", team=team)
    first = make.account("Mosswater Paper", country="SE", city="Falun", domain="mosswater.se")
    second = make.account("Mosswater Paper Ltd", country="GB", domain="mosswater.co.uk")
    make.account_owner(second, ben)
    make.rules(
        {
            "name": "Named account",
            "condition": {"fact": "account_owner", "op": "not_empty"},
            "path": {"target": {"kind": "account_owner"}},
        },
        make.round_robin(make.pool(ann, name="Everybody")),
    )
    return {
        "organisation": organisation,
        "boss": boss,
        "ann": ann,
        "ben": ben,
        "first": first,
        "second": second,
        "revops": make.user("ro", group="revops"),
    }


def unsure(fields=None, **more) -> Lead:
    return make.routed(make.lead({**UNSURE, **(fields or {})}, **more))


def decide(cast, review: MatchReview, account: Account | None, **more) -> list[MatchReview]:
    return decisions.decide(
        review_id=review.pk,
        account_id=account.pk if account else None,
        by=cast["boss"],
        at=SOON,
        driver="test",
        **more,
    )


def undo(cast, review: MatchReview) -> list[MatchReview]:
    later = SOON + make.MINUTE
    return decisions.undo(review_id=review.pk, by=cast["boss"], at=later, driver="test")


def fresh(row):
    row.refresh_from_db()
    return row


# --- What waits ---------------------------------------------------------------------------------


def test_an_uncertain_lead_is_routed_without_an_account_and_waits_for_a_person(cast):
    lead = unsure()

    review = MatchReview.objects.get()
    assert (lead.owner, lead.account) == (cast["ann"], None)
    assert (review.lead, review.state, review.is_contest) == (lead, "PENDING", True)
    rows = list(review.candidates.all())
    # Equally likely, and the second is somebody's named account.
    assert [row.account for row in rows] == [cast["second"], cast["first"]]
    assert [row.beaten_by for row in rows] == ["", "named_account"]


def test_what_is_kept_of_a_review_holds_nothing_that_the_lead_said(cast):
    unsure({"email": "kim@needleworks-mail.com", "company": "Mosswater Paper"})

    stored = [str(row.__dict__) for model in (MatchReview, MatchCandidate)
              for row in model.objects.all()]  # fmt: skip
    assert stored
    assert not any("needleworks" in text.lower() or "kim" in text.lower() for text in stored)


def test_certain_and_unknown_companies_open_no_review(cast):
    make.lead({"email": "a@mosswater.se"})
    make.lead({"email": "b@gmail.com", "company": "Nobody Knows This"})

    assert not MatchReview.objects.exists()


@pytest.mark.parametrize(("mode", "opens"), [("BACKFILL", 1), ("TEST", 1), ("SHADOW", 0)])
def test_every_mode_but_a_shadow_opens_a_review(cast, mode, opens):
    make.lead(UNSURE, mode=mode)

    assert MatchReview.objects.count() == opens


def test_opening_reviews_costs_the_same_for_two_leads_and_ten_statements(
    cast, django_assert_max_num_queries
):
    from django.test.utils import CaptureQueriesContext

    from routing.intake import process

    def cost(number: int) -> int:
        for n in range(number):
            make.submission({**UNSURE, "email": f"p{number}-{n}@gmail.com"})
        with CaptureQueriesContext(connection) as seen:
            process.drain(driver="test", due_before=AT)
        return len(seen)

    cost(1)
    assert cost(2) == cost(10)
    assert MatchReview.objects.count() == 13


# --- Deciding -----------------------------------------------------------------------------------


def test_a_decision_sets_the_account_with_actor_and_reason_and_hands_the_lead_over(cast):
    lead = unsure()
    review = MatchReview.objects.get()

    (decided,) = decide(cast, review, cast["second"], reason="Wrote from Leeds")

    lead = fresh(lead)
    assert (lead.account, lead.owner) == (cast["second"], cast["ben"])
    assert (decided.state, decided.decided_by, decided.reason) == (
        "MATCHED",
        cast["boss"],
        "Wrote from Leeds",
    )
    assert "Handed from ann to ben (Named account)" in decided.became
    event = AuditEvent.objects.filter(subject="routing.lead", kind="matched").get()
    assert (event.actor, event.data["account_id"]) == (cast["boss"], cast["second"].pk)
    assert lead.assignments.get(ended_at=None).reason_code == "MATCHED"


def test_the_temporary_owner_keeps_a_lead_whose_rightful_owner_is_in_nobody_particular(cast):
    lead = unsure()

    (decided,) = decide(cast, MatchReview.objects.get(), cast["first"])

    assert fresh(lead).owner == cast["ann"]
    assert "nobody in particular" in decided.became


@pytest.mark.parametrize(
    ("policy", "contacted", "owner"),
    [
        (ReviewHandover.UNWORKED, False, "ben"),
        (ReviewHandover.UNWORKED, True, "ann"),
        (ReviewHandover.ALWAYS, True, "ben"),
        (ReviewHandover.NEVER, False, "ann"),
    ],
)
def test_the_policy_says_whether_the_temporary_owner_keeps_it(cast, policy, contacted, owner):
    organisation = fresh(cast["organisation"])
    organisation.review_handover = policy
    make.saved(organisation)
    lead = unsure()
    if contacted:
        lead.contacted_at = AT
        make.saved(lead)

    decide(cast, MatchReview.objects.get(), cast["second"])

    assert fresh(lead).owner == cast[owner]


def test_a_full_rightful_owner_leaves_the_lead_with_the_temporary_one_and_says_so(cast):
    lead = unsure()
    cast["ben"].capacity = 0
    make.saved(cast["ben"])

    (decided,) = decide(cast, MatchReview.objects.get(), cast["second"])

    assert (fresh(lead).owner, lead.account) == (cast["ann"], cast["second"])
    assert "holds 0 open leads of 0" in decided.became


def test_net_new_leaves_everything_where_it_is(cast):
    lead = unsure()

    (decided,) = decide(cast, MatchReview.objects.get(), None)

    assert (decided.state, decided.account) == ("NET_NEW", None)
    assert (fresh(lead).owner, lead.account) == (cast["ann"], None)


def test_of_two_reviewers_the_second_is_told_who_was_quicker(cast):
    unsure()
    review = MatchReview.objects.get()
    decide(cast, review, cast["first"])

    with pytest.raises(ReviewRefused, match=f"{cast['boss'].label} was quicker"):
        decide(cast, review, cast["second"])

    assert fresh(review).account == cast["first"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_two_reviewers_at_once_make_one_decision(cast):
    unsure()
    review = MatchReview.objects.get()
    gate, became = threading.Barrier(2), []

    def work(account) -> None:
        gate.wait()
        try:
            decide(cast, review, account)
            became.append(account.pk)
        except ReviewRefused:
            became.append(None)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(cast[name],)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert became.count(None) == 1
    assert fresh(review).account_id in became
    assert AuditEvent.objects.filter(subject="routing.lead", kind="matched").count() == 1


# --- Teaching -----------------------------------------------------------------------------------


def contest_by(cast, **fields) -> MatchReview:
    """A review whose lead names the company in its own way."""
    unsure(fields)
    return MatchReview.objects.latest("pk")


def test_a_decision_teaches_the_name_and_the_domain_so_the_next_lead_is_certain(cast):
    """The name is the first one's, the address nobody's."""
    review = contest_by(cast, email="kim@mosswater-nordic.com", company="Mosswater Paper")

    (decided,) = decide(cast, review, cast["first"])

    assert decided.taught == {"domain": "mosswater-nordic.com"}
    assert fresh(cast["first"]).further_domains == ["mosswater-nordic.com"]
    again = make.lead({"email": "lee@mosswater-nordic.com"})
    assert again.account == cast["first"]


def test_a_company_name_becomes_an_alias_unless_another_account_goes_by_it(cast):
    unsure()
    review = MatchReview.objects.get()
    review.lead.prospect.company = "Mosswater Board and Pulp"
    review.lead.prospect.save()

    (decided,) = decide(cast, review, cast["second"])

    assert decided.taught == {"alias": "Mosswater Board and Pulp"}
    assert fresh(cast["second"]).aliases == ["Mosswater Board and Pulp"]


def test_nothing_is_taught_that_another_account_goes_by(cast):
    unsure()

    (decided,) = decide(cast, MatchReview.objects.get(), cast["second"])

    assert decided.taught == {}
    assert fresh(cast["second"]).aliases == []


def test_a_free_mail_domain_and_a_person_s_own_name_are_never_taught(cast):
    unsure({"first_name": "Ada", "last_name": "King"})
    review = MatchReview.objects.get()
    prospect = review.lead.prospect
    prospect.company, prospect.email = "Ada King Consulting", "me@gmail.com"
    prospect.save()

    (decided,) = decide(cast, review, cast["second"])

    assert decided.taught == {}


def test_teaching_can_be_left_out(cast):
    review = contest_by(cast, email="kim@mosswater-nordic.com")

    decide(cast, review, cast["first"], teach_name=False, teach_domain=False)

    assert fresh(cast["first"]).further_domains == []


def test_what_was_ruled_out_does_not_come_again_for_the_same_company(cast):
    unsure()
    decide(cast, MatchReview.objects.get(), cast["second"])

    again = make.lead({**UNSURE, "email": "lee@gmail.com"})

    assert again.account == cast["second"]
    assert MatchReview.objects.count() == 1


def test_a_company_that_is_none_of_them_stays_net_new(cast):
    unsure()
    decide(cast, MatchReview.objects.get(), None)

    again = make.lead({**UNSURE, "email": "lee@gmail.com"})

    assert again.account is None
    assert MatchReview.objects.count() == 1


def test_what_is_ruled_out_for_one_country_is_not_for_another(cast):
    for account in (cast["first"], cast["second"]):
        account.country = account.city = ""
        make.saved(account)
    unsure({"country": "GB"})
    decide(cast, MatchReview.objects.get(), cast["second"])

    make.lead({**UNSURE, "email": "lee@gmail.com", "country": "SE"})

    assert MatchRefusal.objects.get().account == cast["first"]
    assert MatchReview.objects.filter(state="PENDING").count() == 1


def test_waiting_leads_of_the_same_company_are_decided_together(cast):
    one, two = unsure(), unsure({"email": "lee@gmail.com"})
    other = make.lead({"email": "zoe@gmail.com", "company": "Nobody Knows This"})
    first, second = MatchReview.objects.order_by("pk")
    assert list(decisions.siblings(first)) == [second]

    decided = decide(cast, first, cast["second"], also=[second.pk])

    assert [row.pk for row in decided] == [first.pk, second.pk]
    assert fresh(one).owner == fresh(two).owner == cast["ben"]
    assert fresh(second).decided_with == first
    assert fresh(other).account is None


def test_a_review_of_another_company_is_never_decided_along(cast):
    unsure()
    make.account("Heron Ports")
    make.account("Heron Ports Ltd")
    unsure({"email": "x@gmail.com", "company": "Heron Ports"})
    mine, another = MatchReview.objects.order_by("pk")

    decide(cast, mine, cast["second"], also=[another.pk])

    assert fresh(another).state == "PENDING"


# --- Undoing ------------------------------------------------------------------------------------


def test_undo_restores_everything(cast):
    one = unsure({"email": "kim@mosswater-nordic.com"})
    two = unsure({"email": "lee@mosswater-nordic.com"})
    first, second = MatchReview.objects.order_by("pk")
    evidence = one.match_evidence
    decide(cast, first, cast["second"], also=[second.pk])
    assert fresh(one).owner == cast["ben"]

    undone = undo(cast, second)

    assert len(undone) == 2
    for lead in (one, two):
        assert (fresh(lead).owner, lead.account) == (cast["ann"], None)
    assert one.match_evidence == evidence
    assert fresh(cast["second"]).further_domains == []
    assert not MatchRefusal.objects.exists()
    for review in (first, second):
        assert fresh(review).state == "PENDING"
        assert (review.account, review.taught, review.decided_with) == (None, {}, None)
    decide(cast, first, cast["first"])


def test_undo_leaves_a_lead_that_has_been_worked_since_where_it_is(cast):
    lead = unsure()
    review = MatchReview.objects.get()
    decide(cast, review, cast["second"])
    lead = fresh(lead)
    lead.contacted_at = SOON
    trail.save(lead, by=None, at=SOON, reason="test")

    (undone,) = undo(cast, review)

    assert (fresh(lead).owner, lead.account) == (cast["ben"], None)
    assert "has contacted the person since" in undone.became


def test_what_is_not_decided_cannot_be_taken_back(cast):
    unsure()

    with pytest.raises(ReviewRefused):
        undo(cast, MatchReview.objects.get())


def test_erasing_a_person_ends_their_review_and_takes_its_marks(cast, settings, tmp_path):
    settings.ERASURE_LEDGER = str(tmp_path / "erasures.log")
    lead = unsure()

    erase.erase(prospect_id=lead.prospect_id, by=cast["revops"], at=SOON, reason="asked")

    review = MatchReview.objects.get()
    assert (review.state, review.name_mark, review.domain_mark) == ("OVERTAKEN", "", "")
    assert queue.next_of(cast["revops"]) is None


# --- Queue, rate, who sees it -------------------------------------------------------------------


def test_hot_leads_come_first_and_skipping_goes_round(cast):
    cold, hot = unsure(), unsure({"email": "lee@gmail.com", "hand_raise": True})
    hot.priority = 1
    make.saved(hot)

    one = queue.next_of(cast["boss"])
    two = queue.next_of(cast["boss"], after=one.pk)

    assert (one.lead, two.lead) == (hot, cold)
    assert queue.next_of(cast["boss"], after=two.pk) == one


def test_the_match_rate_counts_matches_of_what_is_not_net_new(cast):
    make.lead({"email": "a@mosswater.se"})
    make.lead({"email": "b@gmail.com", "company": "Nobody Knows This"})
    make.lead({**UNSURE, "email": "t@gmail.com"}, mode="TEST")
    unsure()
    decide(cast, MatchReview.objects.filter(lead__mode="LIVE").get(), cast["second"])
    make.lead({**UNSURE, "company": "Mosswater Paper", "email": "c@gmail.com", "country": "FR"})

    found = rate.read(cast["revops"], at=SOON + timedelta(hours=1))

    total = found.total
    assert (total.sure, total.decided, total.waiting, total.net_new) == (1, 1, 1, 1)
    assert (total.n, total.percent, total.is_kept) == (3, 66.7, False)
    assert found.weeks[-1] == (AT.date(), total)
    assert sum(one.n for _, one in found.sources) == 3


def test_the_target_is_kept_at_exactly_85_percent():
    assert rate.Rate(sure=17, waiting=3).is_kept
    assert not rate.Rate(sure=84, waiting=16).is_kept
    assert rate.Rate().is_kept
    assert rate.Rate().percent is None


def test_only_who_sees_the_lead_and_sets_up_sees_its_review(cast):
    unsure()
    stranger = make.user("stranger", group="manager")

    def sees(user) -> bool:
        return queue.next_of(user) is not None

    assert sees(cast["boss"])
    assert sees(cast["revops"])
    assert not sees(stranger)
    assert not sees(cast["ann"].user)


# --- Pages and API ------------------------------------------------------------------------------


def test_the_page_shows_the_candidates_and_a_form_decides_without_script(cast, client):
    lead = unsure()
    client.force_login(cast["boss"])

    page = client.get(reverse("reviews")).content.decode()
    assert "Mosswater Paper Ltd" in page
    assert "Same name" in page
    assert "temporary" in page
    review = MatchReview.objects.get()
    answer = client.post(
        reverse("review_decide", args=[review.pk]),
        {"choice": cast["second"].pk, "reason": "", "teach_name": "on"},
        follow=True,
    )

    assert "Matched to Mosswater Paper Ltd." in answer.content.decode()
    assert fresh(lead).owner == cast["ben"]
    client.post(reverse("review_undo", args=[review.pk]))
    assert fresh(lead).owner == cast["ann"]


def test_a_wrong_account_is_refused_at_its_field_and_what_was_typed_stays(cast, client):
    unsure()
    client.force_login(cast["boss"])
    url = reverse("review_decide", args=[MatchReview.objects.get().pk])

    answer = client.post(url, {"choice": "other", "other": "No Such", "reason": "because"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "No account goes by this" in page
    assert 'value="because"' in page
    assert client.post(url, {"choice": "999999"}).status_code == 422
    assert client.post(url, {}).status_code == 422


def test_another_account_is_found_by_its_domain(cast, client):
    lead = unsure()
    third = make.account("Elsewhere", domain="elsewhere-works.com")
    client.force_login(cast["boss"])

    client.post(
        reverse("review_decide", args=[MatchReview.objects.get().pk]),
        {"choice": "other", "other": "elsewhere-works.com"},
    )

    assert fresh(lead).account == third


def test_a_rep_comes_near_no_review(cast, client):
    unsure()
    pk = MatchReview.objects.get().pk
    client.force_login(cast["ann"].user)

    assert client.get(reverse("reviews")).status_code == 403
    assert client.post(reverse("review_decide", args=[pk])).status_code == 403
    assert client.get("/api/v1/match-reviews/").status_code == 403


def test_the_lead_page_says_that_its_owner_is_temporary_and_who_should_own_it(cast, client):
    lead = unsure()
    client.force_login(cast["ann"].user)

    page = client.get(reverse("lead", args=[lead.pk])).content.decode()

    assert "Temporary until the match is decided" in page
    assert "Who should own this" in page
    assert "Everybody, in turn" in page


def test_the_api_lists_decides_and_takes_back(cast, client):
    unsure()
    unsure({"email": "lee@gmail.com"})
    first, second = MatchReview.objects.order_by("pk")
    client.force_login(cast["boss"])

    listed = client.get("/api/v1/match-reviews/?state=PENDING").json()
    assert listed["count"] == 2
    assert listed["results"][0]["candidates"][0]["account"] == cast["second"].pk
    url = f"/api/v1/match-reviews/{first.pk}/"
    sent = {"account": cast["second"].pk, "also": [second.pk]}
    answer = client.post(f"{url}decide/", sent, "application/json")
    assert [row["state"] for row in answer.json()] == ["MATCHED", "MATCHED"]
    again = client.post(f"{url}decide/", sent, "application/json")
    assert (again.status_code, again.json()["code"]) == (409, "review_refused")
    assert client.post(f"{url}undo/").json()[0]["state"] == "PENDING"


def test_an_account_that_is_not_there_is_refused(cast, client):
    unsure()
    client.force_login(cast["boss"])
    url = f"/api/v1/match-reviews/{MatchReview.objects.get().pk}/decide/"

    assert client.post(url, {"account": 10**9}, "application/json").status_code == 400
    assert client.post(url, {}, "application/json").status_code == 400


def test_a_rep_who_left_is_never_the_rightful_owner(cast):
    lead = unsure()
    cast["ben"].is_active = False
    make.saved(cast["ben"])

    (decided,) = decide(cast, MatchReview.objects.get(), cast["second"])

    assert fresh(lead).owner == cast["ann"]
    assert decided.became
