"""Leads: the list, one lead, and what one does with it."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from routing import work
from routing.models import Assignment, Lead, PersonalFacts, ReassignmentRequest, Submission, Touch
from routing.models.assignment import Reason
from tests import make
from tests.clock import travel

pytestmark = pytest.mark.django_db

AT = make.MONDAY_9AM


@pytest.fixture(autouse=True)
def moment():
    with travel(AT):
        yield


@pytest.fixture
def robin():
    return make.rep("robin")


@pytest.fixture
def lead(robin):
    """A lead that Robin holds."""
    make.rules(make.round_robin(make.pool(robin)))
    return make.routed(
        make.lead(
            {
                "first_name": "Jordan",
                "last_name": "Buyer",
                "company": "Tallwater",
                "phone": "+16175550142",
                "message": "Forty docks",
                "use_case": "Booking",
            }
        )
    )


@pytest.fixture
def signed_in(client, robin):
    client.force_login(robin.user)
    return client


def page_of(lead):
    return reverse("lead", args=[lead.pk])


def do(client, lead, verb, follow=True, **data):
    data.setdefault("epoch", lead.owner_epoch)
    return client.post(reverse("lead_act", args=[lead.pk, verb]), data, follow=follow)


def manager_of(rep):
    boss = make.user("morgan", group="manager")
    rep.team.manager = boss
    make.saved(rep.team)
    return boss


# --- One lead ----------------------------------------------------------------------------


def test_a_lead_shows_who_what_they_did_and_why_it_is_mine(signed_in, lead):
    body = signed_in.get(page_of(lead)).content.decode()

    assert "Jordan Buyer" in body
    assert "tel:+16175550142" in body
    assert "Forty docks" in body
    assert "use_case" in body
    assert "Why me" in body
    assert "It takes every lead that the rules before it left." in body
    assert "You were the only one left." in body


def test_the_story_of_a_turn_names_the_runner_up_and_who_dropped_out(client, robin):
    jamie, sam = make.rep("jamie"), make.rep("sam", capacity=0)
    make.rules(make.round_robin(make.pool(robin, jamie, sam)))
    lead = make.routed(make.lead())
    client.force_login(lead.owner.user)

    body = client.get(page_of(lead)).content.decode()

    assert "3 reps could be asked; 2 passed every check (1 full)." in body
    assert "would have been next" in body


def test_colleagues_drop_out_without_names_for_a_rep_and_with_names_for_a_manager(client, robin):
    sam = make.rep("sam", capacity=0)
    make.rules(make.round_robin(make.pool(robin, sam)))
    lead = make.routed(make.lead())
    boss = manager_of(robin)

    client.force_login(robin.user)
    for_rep = client.get(page_of(lead)).content.decode()
    client.force_login(boss)
    for_boss = client.get(page_of(lead)).content.decode()

    assert "Everybody who could be asked" not in for_rep
    assert "Everybody who could be asked" in for_boss


def test_erased_facts_leave_a_calm_note(signed_in, lead):
    decision = lead.decisions.get()
    assert decision.personal_digest
    PersonalFacts.objects.filter(decision=decision).delete()

    body = signed_in.get(page_of(lead)).content.decode()

    assert "were erased" in body


def test_custody_adds_up_to_the_time_since_it_came_in(client, robin, lead):
    jamie = make.rep("jamie", team=robin.team)
    work.give_to(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        rep_id=jamie.pk,
        reason_code=Reason.CORRECTED,
        reason="Speaks French",
        by=manager_of(robin),
        at=AT + timedelta(minutes=90),
        driver="test",
    )
    client.force_login(jamie.user)

    with travel(AT + timedelta(minutes=100, seconds=7)):
        answer = client.get(page_of(lead))

    body = answer.content.decode()
    spells = [one for one, _reason in answer.context["custody"]]
    assert sum(one.seconds for one in spells) == answer.context["custody_seconds"] == 6007
    for words in ("robin", "1:30:00", "jamie, now", "0:10:07", "Since it came in", "1:40:07"):
        assert words in body


def test_someone_elses_lead_does_not_exist(client, lead):
    client.force_login(make.rep("other").user)

    assert client.get(page_of(lead)).status_code == 404
    assert do(client, lead, "acknowledge").status_code == 404


def test_the_page_of_a_lead_costs_a_fixed_number_of_statements(
    signed_in, lead, django_assert_max_num_queries
):
    with django_assert_max_num_queries(100) as few:
        signed_in.get(page_of(lead))
    for _ in range(5):
        work.log_contact(
            lead_id=lead.pk,
            epoch=lead.owner_epoch,
            way="CALL",
            reached=False,
            note="",
            by=lead.owner.user,
            at=AT,
        )

    with django_assert_max_num_queries(len(few)):
        signed_in.get(page_of(lead))


# --- Acts --------------------------------------------------------------------------------


def test_acknowledge_and_go_back_to_where_one_came_from(signed_in, lead):
    answer = do(signed_in, lead, "acknowledge", follow=False, next="/")

    lead.refresh_from_db()
    assert lead.acknowledged_at == AT
    assert answer["Location"] == "/"


def test_nobody_is_sent_to_another_site(signed_in, lead):
    answer = do(signed_in, lead, "acknowledge", follow=False, next="https://evil.test/")

    assert answer["Location"] == page_of(lead)


def test_log_a_contact(signed_in, lead):
    do(signed_in, lead, "contact", way="CALL", reached="on", note="Wants a quote")

    lead.refresh_from_db()
    assert lead.state == Lead.State.CONTACTED
    assert Touch.objects.get(lead=lead, kind="CONTACT").text == "Wants a quote"


def test_decline_with_a_reason(signed_in, lead):
    do(signed_in, lead, "decline", reason="Speaks Spanish only")

    lead.refresh_from_db()
    assert lead.owner is None
    assert lead.assignments.get(epoch=lead.owner_epoch).reason_code == Reason.DECLINED


def test_a_decline_without_a_reason_is_asked_again(signed_in, lead):
    answer = do(signed_in, lead, "decline", reason="")

    assert answer.status_code == 422
    assert "This field is required" in answer.content.decode()


def test_ask_for_reassignment_to_a_colleague(signed_in, lead, robin):
    jamie = make.rep("jamie")

    do(signed_in, lead, "ask", reason="Too far away", wanted=jamie.pk)

    request = ReassignmentRequest.objects.get(lead=lead)
    assert (request.wanted, request.reason) == (jamie, "Too far away")
    assert "has asked to pass this lead on" in signed_in.get(page_of(lead)).content.decode()


def test_what_was_typed_stays_when_a_service_refuses(signed_in, lead):
    do(signed_in, lead, "ask", reason="First")

    answer = do(signed_in, lead, "ask", reason="A long second explanation")

    assert answer.status_code == 409
    assert "is waiting for the manager already" in answer.content.decode()
    assert "A long second explanation" in answer.content.decode()


def test_a_won_lead_is_closed_with_its_value(signed_in, lead):
    do(signed_in, lead, "outcome", kind="WON", value="4821.50")

    lead.refresh_from_db()
    assert (lead.state, str(lead.value)) == (Lead.State.CONVERTED, "4821.50")


def test_lost_needs_a_reason(signed_in, lead):
    answer = do(signed_in, lead, "outcome", kind="LOST")

    assert answer.status_code == 422
    assert "Say why it was lost." in answer.content.decode()


def test_only_outcomes_that_the_life_cycle_has_are_offered(signed_in, lead):
    choices = signed_in.get(page_of(lead)).context["acts"]["outcome"].fields["kind"].choices

    assert [value for value, _ in choices] == ["MEETING", "SHOW", "NO_SHOW", "WON", "LOST"]


def test_let_a_lead_rest_until_a_day(signed_in, lead):
    day = (AT + timedelta(days=30)).date()

    do(signed_in, lead, "recycle", until=day.isoformat(), reason="Budget comes in July")

    lead.refresh_from_db()
    assert lead.place == Lead.Place.NURTURE
    assert lead.route_at.date() == day


def test_a_stale_page_gets_a_friendly_word(client, lead, robin):
    jamie = make.rep("jamie")
    old = lead.owner_epoch
    work.move_by_hand(
        lead_id=lead.pk, epoch=old, to=jamie, reason="Swap", by=robin.user, at=AT, driver="test"
    )
    client.force_login(robin.user)

    answer = do(client, lead, "acknowledge", epoch=old)

    assert answer.status_code == 200
    assert "has changed hands since you looked" in answer.content.decode()


def test_a_stale_epoch_of_ones_own_lead_is_refused(signed_in, lead):
    answer = do(signed_in, lead, "acknowledge", epoch=lead.owner_epoch - 1)

    assert answer.status_code == 409
    assert "has changed hands since you looked" in answer.content.decode()


def test_an_unknown_step_is_not_found(signed_in, lead):
    assert do(signed_in, lead, "explode").status_code == 404


@pytest.mark.parametrize("epoch", ["", "x", "-1", "1e9", "99999999999999999999"])
def test_a_broken_epoch_is_no_error_of_ours(signed_in, lead, epoch):
    assert do(signed_in, lead, "acknowledge", epoch=epoch).status_code in (409, 422)


def test_a_manager_gives_a_lead_to_somebody_of_the_team(client, lead, robin):
    jamie = make.rep("jamie")
    client.force_login(manager_of(robin))

    do(client, lead, "give", to=jamie.pk, reason="Knows the trade")

    lead.refresh_from_db()
    assert lead.owner == jamie
    assert Assignment.objects.get(lead=lead, epoch=lead.owner_epoch).reason == "Knows the trade"


def test_a_manager_cannot_give_to_somebody_out_of_sight_or_gone(client, lead, robin):
    other = make.rep("other", team=make.team("Elsewhere"))
    left = make.rep("left", is_active=False)
    client.force_login(manager_of(robin))

    for rep in (other, left):
        assert do(client, lead, "give", to=rep.pk, reason="Try").status_code == 422


def test_a_full_rep_is_refused_in_words(client, lead, robin):
    full = make.rep("full", capacity=0)
    client.force_login(manager_of(robin))

    answer = do(client, lead, "give", to=full.pk, reason="Try")

    assert answer.status_code == 409
    assert "choose somebody else" in answer.content.decode()


def test_a_rep_cannot_give_leads_away(signed_in, lead):
    jamie = make.rep("jamie")

    assert do(signed_in, lead, "give", to=jamie.pk, reason="Mine!").status_code == 404


# --- Claiming ----------------------------------------------------------------------------


@pytest.fixture
def queued(robin):
    queue = make.queue(make.pool(robin))
    make.rules({"path": {"target": {"kind": "queue", "id": queue.pk}}})
    return make.routed(make.lead({"first_name": "Emery"}))


def test_claim_a_lead(signed_in, queued, robin):
    answer = do(signed_in, queued, "claim")

    queued.refresh_from_db()
    assert queued.owner == robin
    assert "Emery" in answer.content.decode()


def test_who_is_too_late_is_told_so(client, queued, robin):
    jamie = make.rep("jamie")
    make.saved(make.PoolMember(pool=queued.queue.pool, rep=jamie))
    work.claim(lead_id=queued.pk, epoch=queued.owner_epoch, by=jamie.user, at=AT, driver="test")
    client.force_login(robin.user)

    answer = do(client, queued, "claim")

    assert "Somebody was quicker" in answer.content.decode()


def test_a_queue_that_is_not_mine_does_not_exist(client, queued):
    client.force_login(make.rep("other").user)

    assert do(client, queued, "claim").status_code == 404


# --- The list ----------------------------------------------------------------------------


def test_a_rep_lists_their_own_open_leads_only(client, lead, robin):
    make.rules(make.round_robin(make.pool(make.rep("jamie"))))
    make.routed(make.lead({"first_name": "Foreign"}))
    client.force_login(robin.user)

    body = client.get(reverse("leads")).content.decode()

    assert "Jordan Buyer" in body
    assert "Foreign" not in body


def test_search_and_filters_narrow_the_list(signed_in, lead):
    def found(**query):
        return len(signed_in.get(reverse("leads"), query).context["page"].object_list)

    assert found(q="jordan tall") == 1
    assert found(q="nobody") == 0
    assert found(state="NEW") == 1
    assert found(state="WORKING") == 0
    assert found(state="nonsense", page="x") == 1


def test_a_manager_lists_the_leads_of_the_team(client, lead, robin):
    client.force_login(manager_of(robin))

    assert "Jordan Buyer" in client.get(reverse("leads")).content.decode()


def test_more_leads_cost_no_more_statements(client, robin, django_assert_max_num_queries):
    make.rules(make.round_robin(make.pool(robin)))
    for _ in range(2):
        make.routed(make.lead())
    client.force_login(make.user("rory", group="revops"))
    with django_assert_max_num_queries(100) as few:
        client.get(reverse("leads"))
    for _ in range(6):
        make.routed(make.lead())

    with django_assert_max_num_queries(len(few)):
        client.get(reverse("leads"))


# --- By hand -----------------------------------------------------------------------------


def entered(client, **fields):
    fields.setdefault("nonce", str(uuid.uuid4()))
    return client.post(reverse("lead_new"), fields)


def test_a_lead_by_hand_goes_through_the_door(signed_in, robin):
    make.organisation()

    answer = entered(signed_in, first_name="Lee", email="lee@saltmarsh.com")

    submission = Submission.objects.get()
    assert submission.source.slug == "manual"
    assert submission.source.channel == "MANUAL"
    assert submission.submitted_by == robin.user
    assert answer["Location"] == reverse("lead_entered", args=[submission.public_id])


def test_sent_twice_it_is_one(signed_in):
    make.organisation()
    nonce = str(uuid.uuid4())

    for _ in range(2):
        entered(signed_in, nonce=nonce, email="lee@saltmarsh.com")

    assert Submission.objects.count() == 1


def test_mistakes_by_hand_are_named_and_nothing_typed_is_lost(signed_in):
    make.organisation()

    answer = entered(signed_in, first_name="Lee", email="lee@")

    assert answer.status_code == 422
    assert "Is not an e-mail address" in answer.content.decode()
    assert 'value="Lee"' in answer.content.decode()
    assert not Submission.objects.exists()


def test_what_became_of_it_is_for_who_entered_it(client, signed_in, robin):
    make.rules(make.round_robin(make.pool(robin)))
    entered(signed_in, email="lee@saltmarsh.com", first_name="Lee")
    address = reverse("lead_entered", args=[Submission.objects.get().public_id])
    from routing.intake import process

    waiting = signed_in.get(address).content.decode()
    process.drain(driver="test", due_before=AT)
    make.routed(Lead.objects.get())
    settled = signed_in.get(address).content.decode()
    client.force_login(make.rep("other").user)

    assert "being read" in waiting
    assert "Lee is with robin" in settled
    assert client.get(address).status_code == 404
