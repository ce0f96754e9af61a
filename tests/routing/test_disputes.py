"""The dispute desk: who may contest and decide, what a ruling and silence do, who sees it."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.urls import reverse

from reps.due import jobs
from reps.models import Message
from reps.post import kinds
from routing import work
from routing.disputes import evidence, opening, precedents, ruling
from routing.disputes.deciders import decider_of
from routing.disputes.refusals import DisputeRefused, NotYoursToRule
from routing.models import Dispute, Lead
from routing.owners import claims
from routing.visibility import contestable_leads, visible_disputes, visible_leads
from routing.work.refusals import NotYours, WorkRefused
from tests import make

AT = make.MONDAY_9AM
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TIME = 2 * DAY
pytestmark = pytest.mark.django_db
PERSON = {"email": "zoe@valefoods.com", "first_name": "Zoë", "last_name": "Lee"}


@pytest.fixture
def cast():
    """
    Ann (North, boss) holds a lead of Vale Foods; the open deal there is Ben's (South, chief).
    Head manages both teams' region. The live rules ask for deals, then for named accounts.
    """
    organisation = make.organisation()
    head = make.user("head", group="manager")
    region = make.team("Region", manager=head)
    boss, chief = make.user("boss", group="manager"), make.user("chief", group="manager")
    north = make.team("North", manager=boss, parent=region)
    south = make.team("South", manager=chief, parent=region)
    ann, ben = make.rep("ann", team=north), make.rep("ben", team=south)
    account = make.account("Vale Foods", domain="valefoods.com")
    make.rules(
        *(
            {
                "name": name,
                "condition": {"fact": fact, "op": "not_empty"},
                "path": {"target": {"kind": fact}},
            }
            for name, fact in (("Deal", "opportunity_owner"), ("Named", "account_owner"))
        ),
        make.round_robin(make.pool(ann, name="Everybody")),
    )
    lead = make.routed(make.lead(PERSON))
    assert lead.owner == ann
    make.opportunity(account, ben)
    return {
        "organisation": organisation,
        "head": head,
        "boss": boss,
        "chief": chief,
        "ann": ann,
        "ben": ben,
        "account": account,
        "lead": lead,
        "revops": make.user("ro", group="revops"),
        "stranger": make.rep("stranger", team=make.team("East", manager=make.user("east"))),
    }


def contest(cast, *, by=None, claimant=None, at=AT, claim="My deal is open", **more) -> Dispute:
    claimant = claimant or cast["ben"]
    return opening.contest_lead(
        lead_id=cast["lead"].pk,
        claimant=claimant,
        ground="OPPORTUNITY",
        claim=claim,
        by=by or claimant.user,
        at=at,
        **more,
    )


def rule(cast, dispute, winner, *, by=None, at=AT + HOUR, text="A deal goes before the pool"):
    return ruling.rule(
        dispute_id=dispute.pk,
        winner_id=winner.pk,
        ruling=text,
        by=by or cast["head"],
        at=at,
        driver="test",
    )


def tick(at) -> int:
    return jobs.drain("disputes", driver="test", due_before=at)


def fresh(row):
    row.refresh_from_db()
    return row


def told(kind: str) -> set[str]:
    return set(Message.objects.filter(kind=kind).values_list("recipient__username", flat=True))


# --- The policy's answer ------------------------------------------------------------------------


def kinds_of(found: claims.Told) -> list[tuple[str, str]]:
    return [(row.kind, row.became) for row in found.rows]


def test_the_order_is_that_of_the_live_rules_and_the_first_with_somebody_decides(cast):
    make.account_owner(cast["account"], cast["stranger"])

    found = claims.of_lead(cast["lead"], at=AT)

    assert found.rep == cast["ben"]
    assert kinds_of(found) == [
        ("opportunity_owner", "decides"),
        ("account_owner", "later"),
        ("pool", "later"),
        ("queue", "later"),
    ]
    assert "Deal “Deal”" in found.rows[0].source
    assert "Holds Vale Foods since" in found.rows[1].source


def test_another_order_of_the_rules_is_another_answer(cast):
    make.account_owner(cast["account"], cast["stranger"])
    make.rules(
        {
            "name": "Named",
            "condition": {"fact": "account_owner", "op": "not_empty"},
            "path": {"target": {"kind": "account_owner"}},
        },
    )

    found = claims.of_lead(cast["lead"], at=AT)

    assert found.rep == cast["stranger"]
    assert kinds_of(found) == [
        ("account_owner", "decides"),
        ("queue", "later"),
        ("opportunity_owner", "not_asked"),
    ]


def test_the_answer_is_what_routing_would_do(cast):
    """The order that is shown and the engine's own decision name the same rep."""
    make.account_owner(cast["account"], cast["stranger"])
    again = make.routed(make.lead({"email": "other@valefoods.com"}))

    assert again.owner == claims.of_lead(again, at=AT).rep == cast["ben"]


def test_an_owner_who_is_away_is_stood_in_for_and_one_who_left_passed_over(cast):
    cast["ben"].backup = cast["stranger"]
    make.saved(cast["ben"])
    make.absence(cast["ben"], AT - HOUR, AT + DAY)

    found = claims.of_lead(cast["lead"], at=AT)
    assert found.rep == cast["stranger"]
    assert found.rows[0].log == ("ben is away",)
    assert found.headline == "stranger, standing in for ben (Open opportunity)"

    for rep in (cast["ben"], cast["stranger"]):
        rep.is_active = False
        make.saved(rep)
    found = claims.of_lead(cast["lead"], at=AT)
    assert found.rep is None
    assert (found.rows[0].became, found.rows[0].log) == (
        "passed",
        ("ben has left", "stranger has left"),
    )
    assert found.headline == "Everybody, in turn (Pool)"


def test_what_an_owner_who_left_still_owns_goes_to_their_manager_before_the_next_rule(cast):
    chief = make.rep(user=cast["chief"], team=cast["ben"].team)
    cast["ben"].is_active = False
    make.saved(cast["ben"])

    again = make.routed(make.lead({"email": "other@valefoods.com"}))

    found = claims.of_lead(again, at=AT)
    assert again.owner == found.rep == chief
    assert found.rows[0].log == ("ben has left",)


def test_an_account_s_order_is_that_of_a_new_lead_of_it(cast):
    group = make.account("Vale Group")
    cast["account"].parent = group
    make.saved(cast["account"])
    make.account_owner(group, cast["ann"])

    found = claims.of_account(cast["account"], at=AT)

    assert found.rep == cast["ben"]
    assert ("parent_account_owner", "not_asked") in kinds_of(found)


def test_the_order_costs_a_fixed_number_of_statements(cast, django_assert_max_num_queries):
    claims.of_lead(cast["lead"], at=AT)

    with django_assert_max_num_queries(24):
        claims.of_lead(cast["lead"], at=AT)


# --- Contesting ---------------------------------------------------------------------------------


def test_a_contested_lead_stays_with_its_owner_and_everybody_concerned_is_told(cast):
    dispute = contest(cast)

    assert fresh(cast["lead"]).owner == cast["ann"]
    assert (dispute.holder, dispute.decider, dispute.decide_by) == (
        cast["ann"],
        cast["head"],
        AT + TIME,
    )
    assert dispute.policy["rep"] == cast["ben"].pk
    assert told("dispute_opened") == {"ann", "head"}
    text = kinds.get("dispute_opened").render(Message.objects.filter(kind="dispute_opened")[0])
    assert text.subject == f"ben claims Vale Foods (lead {cast['lead'].pk})"


def test_the_nearest_manager_of_both_decides_else_revops_never_one_of_the_two(cast):
    def decides(claimant, holder, opened_by=None):
        return decider_of(claimant, holder, opened_by=opened_by or claimant.user, at=AT)

    assert decides(cast["ben"], cast["ann"]) == cast["head"]
    carl = make.rep("carl", team=cast["ann"].team)
    assert decides(carl, cast["ann"]) == cast["boss"]
    assert decides(carl, cast["ann"], opened_by=cast["boss"]) == cast["head"]
    assert decides(cast["stranger"], cast["ann"]) == cast["revops"]
    assert decides(cast["ben"], None) == cast["chief"]
    cast["head"].away_until = AT + DAY
    cast["head"].save()
    assert decides(cast["ben"], cast["ann"]) == cast["revops"]


def test_the_person_is_not_named_in_what_goes_on_record(cast):
    dispute = contest(cast, claim="Zoë Lee and zoe@valefoods.com are in my deal")

    assert "Lee" not in dispute.claim
    assert "zoe@" not in dispute.claim


@pytest.mark.parametrize("claim", ["", "  "])
def test_a_claim_says_why(cast, claim):
    with pytest.raises(WorkRefused):
        contest(cast, claim=claim)


def test_nobody_contests_what_they_have_twice_or_for_somebody_else(cast):
    with pytest.raises(DisputeRefused, match="has this lead already"):
        contest(cast, claimant=cast["ann"])
    with pytest.raises(NotYours):
        contest(cast, by=cast["stranger"].user)
    with pytest.raises(NotYours):
        contest(cast, claimant=cast["stranger"])
    contest(cast, by=cast["chief"])
    with pytest.raises(DisputeRefused, match="contested already"):
        contest(cast)


def test_a_rep_may_contest_leads_they_held_and_leads_of_their_companies_without_seeing_them(cast):
    ben = cast["ben"].user

    assert list(contestable_leads(ben)) == [cast["lead"]]
    assert not visible_leads(ben).exists()
    assert not contestable_leads(cast["stranger"].user).exists()


# --- Ruling -------------------------------------------------------------------------------------


def test_a_ruling_moves_the_lead_with_its_reason_and_tells_both(cast):
    dispute = contest(cast)

    rule(cast, dispute, cast["ben"])

    lead = fresh(cast["lead"])
    assert (lead.owner, lead.owner_epoch) == (cast["ben"], 2)
    held = lead.assignments.get(ended_at=None)
    assert (held.reason_code, held.reason) == ("RULED", "A deal goes before the pool")
    assert (fresh(dispute).state, dispute.winner) == ("RULED", cast["ben"])
    assert told("dispute_decided") == {"ann", "ben"}


def test_a_ruling_for_the_holder_moves_nothing(cast):
    rule(cast, contest(cast), cast["ann"])

    assert (fresh(cast["lead"]).owner, cast["lead"].owner_epoch) == (cast["ann"], 1)


@pytest.mark.parametrize("who", ["boss", "chief"])
def test_only_the_decider_and_revops_rule_and_never_one_of_the_two(cast, who):
    dispute = contest(cast)

    for user in (cast[who], cast["ann"].user, cast["ben"].user):
        with pytest.raises(NotYoursToRule):
            rule(cast, dispute, cast["ben"], by=user)
    rule(cast, dispute, cast["ben"], by=cast["revops"])


def test_a_winner_without_room_leaves_the_dispute_open_and_says_so(cast):
    dispute = contest(cast)
    cast["ben"].capacity = 0
    make.saved(cast["ben"])

    with pytest.raises(DisputeRefused, match="holds 0 open leads of 0"):
        rule(cast, dispute, cast["ben"])

    assert fresh(dispute).is_open


def test_a_third_can_win_only_if_the_policy_named_them(cast):
    dispute = contest(cast)

    with pytest.raises(DisputeRefused, match="for one of the two"):
        rule(cast, dispute, cast["stranger"])


def test_it_is_ruled_once(cast):
    dispute = contest(cast)
    rule(cast, dispute, cast["ben"])

    with pytest.raises(DisputeRefused, match="decided already"):
        rule(cast, dispute, cast["ann"], by=cast["revops"])


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_two_rulings_at_once_make_one(cast):
    dispute = contest(cast)
    gate, became = threading.Barrier(2), []

    def work_(winner, by) -> None:
        gate.wait()
        try:
            rule(cast, dispute, winner, by=by)
            became.append(winner.pk)
        except DisputeRefused:
            became.append(None)
        finally:
            connections.close_all()

    pairs = [(cast["ben"], cast["head"]), (cast["ann"], cast["revops"])]
    threads = [threading.Thread(target=work_, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert became.count(None) == 1
    assert fresh(dispute).winner_id in became
    assert fresh(cast["lead"]).owner_id == dispute.winner_id


def test_the_claimant_takes_it_back_and_nobody_else(cast):
    dispute = contest(cast)
    with pytest.raises(NotYours):
        opening.withdraw(dispute_id=dispute.pk, by=cast["ann"].user, at=AT)

    opening.withdraw(dispute_id=dispute.pk, by=cast["ben"].user, at=AT)

    assert (fresh(dispute).state, dispute.winner) == ("WITHDRAWN", cast["ann"])


def test_the_holder_or_their_manager_states_the_other_claim(cast):
    dispute = contest(cast)
    with pytest.raises(NotYours):
        opening.reply(dispute_id=dispute.pk, text="No", by=cast["chief"], at=AT)

    opening.reply(dispute_id=dispute.pk, text="I called first", by=cast["boss"], at=AT)

    assert fresh(dispute).reply == "I called first"


# --- When the time passes -----------------------------------------------------------------------


def test_when_nobody_rules_the_policy_s_answer_applies(cast):
    dispute = contest(cast)

    assert tick(AT + TIME - make.MINUTE) == 0
    assert tick(AT + TIME) == 1
    assert tick(AT + TIME) == 0

    assert fresh(cast["lead"]).owner == cast["ben"]
    assert (fresh(dispute).state, dispute.winner, dispute.decided_by) == (
        "LAPSED",
        cast["ben"],
        None,
    )
    assert "the policy's answer applies: ben (Open opportunity)" in dispute.ruling
    assert told("dispute_decided") == {"ann", "ben", "head"}


def test_the_policy_is_asked_anew_when_the_time_passes(cast):
    dispute = contest(cast)
    deal = cast["account"].opportunities.get()
    deal.state, deal.closed_at = "LOST", AT
    make.saved(deal)

    tick(AT + TIME)

    assert fresh(cast["lead"]).owner == cast["ann"]
    assert fresh(dispute).winner == cast["ann"]
    assert "nobody in particular" in dispute.ruling


def test_whom_the_policy_names_without_room_does_not_get_it(cast):
    dispute = contest(cast)
    cast["ben"].capacity = 0
    make.saved(cast["ben"])

    tick(AT + TIME)

    assert fresh(cast["lead"]).owner == cast["ann"]
    assert (fresh(dispute).state, dispute.winner) == ("LAPSED", cast["ann"])
    assert "holds 0 open leads of 0" in dispute.ruling


def test_the_job_says_since_when_something_is_overdue(cast):
    assert ruling.oldest() is None
    contest(cast)
    assert ruling.oldest() == AT + TIME


# --- When the lead moves otherwise --------------------------------------------------------------


def give(cast, rep) -> None:
    lead = fresh(cast["lead"])
    work.move_by_hand(
        lead_id=lead.pk, epoch=lead.owner_epoch, to=rep, reason="x", by=cast["revops"],
        at=AT + HOUR, driver="test",
    )  # fmt: skip


def test_it_is_over_when_the_claimant_gets_the_lead_otherwise(cast):
    dispute = contest(cast)

    give(cast, cast["ben"])

    assert (fresh(dispute).state, dispute.winner) == ("OVERTAKEN", cast["ben"])


def test_it_goes_on_against_whoever_has_the_lead_now(cast):
    dispute = contest(cast)

    give(cast, cast["stranger"])

    assert (fresh(dispute).state, dispute.holder) == ("OPEN", cast["stranger"])
    assert dispute.history.count() == 2


def test_it_is_over_when_the_lead_is_closed(cast):
    dispute = contest(cast)
    lead = cast["lead"]
    work.record_outcome(
        lead_id=lead.pk, epoch=1, kind="LOST", reason="no", by=cast["ann"].user,
        at=AT + HOUR, driver="test",
    )  # fmt: skip

    assert fresh(dispute).state == "OVERTAKEN"


# --- Accounts -----------------------------------------------------------------------------------


def test_a_contested_account_changes_its_owner_by_the_ruling_and_keeps_its_leads(cast):
    make.account_owner(cast["account"], cast["ann"])
    dispute = opening.contest_account(
        account_id=cast["account"].pk,
        claimant=cast["ben"],
        ground="NAMED",
        claim="Handed to me in May",
        by=cast["ben"].user,
        at=AT,
    )
    assert (dispute.holder, dispute.kind) == (cast["ann"], "ACCOUNT")

    rule(cast, dispute, cast["ben"])

    assert opening.holder_of(cast["account"], at=AT + HOUR) == cast["ben"]
    assert fresh(cast["lead"]).owner == cast["ann"]


# --- Precedents and evidence --------------------------------------------------------------------


def test_precedents_are_found_by_words_company_and_ground(cast):
    dispute = contest(cast)
    rule(cast, dispute, cast["ben"])
    head = cast["head"]

    assert list(precedents.search(head, words="deal pool")) == [dispute]
    assert list(precedents.search(head, words="vale")) == [dispute]
    assert not precedents.search(head, words="deal nothing").exists()
    assert not precedents.search(head, kind="ACCOUNT").exists()
    assert not precedents.search(cast["stranger"].user, words="deal").exists()


def test_similar_ones_share_the_company_or_the_ground(cast):
    dispute = contest(cast)
    rule(cast, dispute, cast["ben"])
    other = make.account("Elsewhere")

    def like(**more) -> list[Dispute]:
        asked = {"kind": "LEAD", "ground": "OTHER", "account": None, **more}
        return precedents.similar(cast["head"], **asked)

    assert like(account=cast["account"]) == [dispute]
    assert like(ground="OPPORTUNITY") == [dispute]
    assert like(account=other) == []


def test_what_is_on_record_for_each_side_is_read_not_claimed(cast):
    work.log_contact(
        lead_id=cast["lead"].pk, epoch=1, way="CALL", reached=True, note="",
        by=cast["ann"].user, at=AT + make.MINUTE,
    )  # fmt: skip
    dispute = contest(cast, at=AT + HOUR)

    ours, theirs = evidence.of_both(dispute, claims.of_lead(cast["lead"], at=AT + HOUR), at=AT)

    assert any(line.startswith("Open opportunity: Deal") for line in ours)
    assert any(line.startswith("Has the lead since") for line in theirs)
    assert any(line.startswith("Logged 1 contacts") for line in theirs)


# --- Who sees it --------------------------------------------------------------------------------


def test_only_those_involved_their_managers_and_revops_see_it(cast):
    dispute = contest(cast)

    def sees(user) -> bool:
        return visible_disputes(user).filter(pk=dispute.pk).exists()

    for user in (cast["ann"].user, cast["ben"].user, cast["boss"], cast["chief"], cast["head"]):
        assert sees(user), user
    assert sees(cast["revops"])
    assert not sees(cast["stranger"].user)
    assert not sees(make.user("east-2", group="manager"))


def test_a_stranger_finds_nothing_at_its_address(cast, client):
    dispute = contest(cast)
    client.force_login(cast["stranger"].user)

    assert client.get(reverse("dispute", args=[dispute.pk])).status_code == 404
    for name in ("dispute_reply", "dispute_rule", "dispute_withdraw"):
        assert client.post(reverse(name, args=[dispute.pk]), {}).status_code == 404
    assert client.get(f"/api/v1/disputes/{dispute.pk}/").status_code == 404
    assert client.get("/api/v1/disputes/").json()["count"] == 0


def test_a_claimant_who_may_not_see_the_lead_is_not_told_the_person(cast, client):
    dispute = contest(cast)
    client.force_login(cast["ben"].user)

    for url in (
        reverse("dispute", args=[dispute.pk]),
        reverse("disputes"),
        reverse("dispute_new"),
        f"{reverse('dispute_new')}?lead={cast['lead'].pk}",
    ):
        page = client.get(url).content.decode()
        assert "Vale Foods" in page
        assert "Zoë" not in page
        assert "zoe@" not in page


# --- Pages and API ------------------------------------------------------------------------------


def test_from_the_lead_s_page_to_the_ruling(cast, client):
    lead = cast["lead"]
    client.force_login(cast["head"])
    page = client.get(reverse("lead", args=[lead.pk])).content.decode()
    url = f"{reverse('dispute_new')}?lead={lead.pk}"
    assert url in page
    client.force_login(cast["ben"].user)

    sent = {"claimant": cast["ben"].pk, "ground": "OPPORTUNITY", "claim": "My deal"}
    answer = client.post(url, sent, follow=True)
    assert "head decides" in answer.content.decode()
    dispute = Dispute.objects.get()
    client.force_login(cast["head"])
    page = client.get(reverse("dispute", args=[dispute.pk])).content.decode()
    assert "You decide." in page
    rule_url = reverse("dispute_rule", args=[dispute.pk])
    refused = client.post(rule_url, {"winner": cast["ben"].pk, "ruling": ""})
    assert refused.status_code == 422
    client.post(rule_url, {"winner": cast["ben"].pk, "ruling": "Deals first"})

    assert fresh(lead).owner == cast["ben"]
    listed = client.get(reverse("disputes"), {"q": "deals first"}).content.decode()
    assert "Deals first" in listed


def test_the_form_names_what_is_wrong_and_keeps_what_was_typed(cast, client):
    client.force_login(cast["ben"].user)
    url = reverse("dispute_new")

    assert client.get(url, {"lead": "999999"}).status_code == 422
    assert "No account has this" in client.get(url, {"account": "Nobody"}).content.decode()
    answer = client.post(
        f"{url}?lead={cast['lead'].pk}",
        {"claimant": cast["ben"].pk, "ground": "NOPE", "claim": "Because"},
    )
    assert answer.status_code == 422
    assert "Because" in answer.content.decode()


def test_the_account_s_page_shows_the_order_and_the_way_to_contest(cast, client):
    client.force_login(cast["head"])

    page = client.get(reverse("account", args=[cast["account"].pk])).content.decode()

    assert "To whom its leads go" in page
    assert "ben (Open opportunity)" in page
    url = f"{reverse('dispute_new')}?account=%23{cast['account'].pk}"
    assert url in page
    assert client.get(url).status_code == 200


def test_the_api_contests_answers_and_rules(cast, client):
    client.force_login(cast["ben"].user)
    sent = {"claimant": cast["ben"].pk, "ground": "OPPORTUNITY", "claim": "My deal"}
    assert client.post("/api/v1/disputes/", sent, "application/json").status_code == 400
    sent["lead"] = cast["lead"].pk
    made = client.post("/api/v1/disputes/", sent, "application/json")
    assert made.status_code == 201
    url = f"/api/v1/disputes/{made.json()['id']}/"
    client.force_login(cast["ann"].user)
    assert client.post(f"{url}reply/", {"reply": "Mine"}, "application/json").status_code == 200
    ruled = {"winner": cast["ben"].pk, "ruling": "Deals first"}
    refused = client.post(f"{url}rule/", ruled, "application/json")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_yours_to_rule")
    client.force_login(cast["head"])
    assert client.post(f"{url}rule/", ruled, "application/json").json()["state"] == "RULED"
    assert Lead.objects.get(pk=cast["lead"].pk).owner == cast["ben"]
