"""One tap: a signed link acts once, for one person, lead, epoch and verb, and never when opened."""

import base64
import json
from contextlib import suppress
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client

from reps.models import AuditEvent, Message
from reps.post import kinds
from routing import onetap, work
from routing.models import Assignment, Lead
from routing.onetap import Outcome, Tap
from tests import make
from tests.clock import travel

AT = make.MONDAY_9AM
PERSON = {"name": "Zoë Lee", "company": "Acme", "phone": "+49 30 901820", "email": "zoe@acme.com"}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def moment():
    with travel(AT):
        yield


@pytest.fixture
def ann():
    make.organisation()
    return make.rep("ann")


@pytest.fixture
def lead(ann):
    return make.owned(ann, PERSON)


@pytest.fixture
def waiting(ann):
    """A hot lead in a queue from which ann may claim."""
    queue = make.queue(make.pool(ann), name="Hot ones")
    return make.queued(
        queue, {**PERSON, "email": "zoe@other.com", "phone": "+49 30 901821", "hand_raise": True}
    )


def token(lead, user, verb="acknowledge", **changes):
    return onetap.token_for(
        Tap(
            **{"user_id": user.pk, "lead_id": lead.pk, "epoch": lead.owner_epoch, "verb": verb}
            | changes
        )
    )


def anonymous():
    """A browser that knows nobody, and checks CSRF as a real one would be checked."""
    return Client(enforce_csrf_checks=True)


def fresh(lead):
    return Lead.objects.get(pk=lead.pk)


# --- Opening does nothing ------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_a_link_never_acts(ann, lead, waiting, method):
    for one, verb in ((lead, "acknowledge"), (waiting, "claim")):
        before = Lead.objects.filter(pk=one.pk).values().get()
        for _ in range(3):
            answer = getattr(anonymous(), method)(f"/t/{token(one, ann.user, verb)}/")
        assert answer.status_code == 200
        assert Lead.objects.filter(pk=one.pk).values().get() == before


def test_the_page_is_kept_to_whoever_holds_the_link(ann, lead):
    answer = anonymous().get(f"/t/{token(lead, ann.user)}/")

    assert answer.headers["Cache-Control"] == "no-store, private"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "Set-Cookie" not in answer.headers


def test_the_page_shows_who_it_is_but_not_how_to_reach_them(ann, lead):
    page = anonymous().get(f"/t/{token(lead, ann.user)}/").content.decode()

    assert "Zoë Lee" in page
    assert "Acme" in page
    for secret in ("901820", "zoe@acme.com"):
        assert secret not in page


def test_a_lead_to_claim_is_shown_without_the_person(ann, waiting):
    page = anonymous().get(f"/t/{token(waiting, ann.user, 'claim')}/").content.decode()

    assert "Claim it" in page
    assert "Hot ones" in page
    for secret in ("Zoë", "Acme", "901821", "zoe@other.com"):
        assert secret not in page


def test_once_the_lead_has_moved_the_page_shows_nothing_of_it(ann, lead):
    link = f"/t/{token(lead, ann.user)}/"
    move(lead, to=make.rep("ben"))

    page = anonymous().get(link).content.decode()

    assert "moved on" in page
    assert "Zoë" not in page
    assert "<form" not in page


# --- Tapping acts once ---------------------------------------------------------------------


def move(lead, *, to):
    work.move_by_hand(
        lead_id=lead.pk,
        epoch=fresh(lead).owner_epoch,
        to=to,
        reason="test",
        by=make.user(is_superuser=True),
        at=AT,
        driver="test",
    )


def test_a_tap_acknowledges_without_signing_in(ann, lead):
    answer = anonymous().post(f"/t/{token(lead, ann.user)}/")

    assert "Acknowledged" in answer.content.decode()
    assert fresh(lead).acknowledged_at == AT
    event = AuditEvent.objects.filter(kind="acknowledged").get()
    assert (event.actor_id, event.data["driver"]) == (ann.user.pk, "link")


def test_a_tap_claims(ann, waiting):
    answer = anonymous().post(f"/t/{token(waiting, ann.user, 'claim')}/")

    assert "Claimed" in answer.content.decode()
    assert fresh(waiting).owner == ann
    held = Assignment.objects.get(lead=waiting, ended_at__isnull=True)
    assert (held.by, held.driver, held.reason_code) == (ann.user, "link", "CLAIMED")


@pytest.mark.parametrize("verb", ["acknowledge", "claim"])
def test_a_second_tap_finds_it_done(ann, lead, waiting, verb):
    link = f"/t/{token(lead if verb == 'acknowledge' else waiting, ann.user, verb)}/"
    anonymous().post(link)
    events = AuditEvent.objects.count()

    again, opened = anonymous().post(link), anonymous().get(link)

    assert "already" in again.content.decode()
    assert "already" in opened.content.decode()
    assert "<form" not in opened.content.decode()
    assert AuditEvent.objects.count() == events


def test_the_service_worker_hears_in_json_what_came_of_it(ann, lead):
    link = f"/t/{token(lead, ann.user)}/"

    first, second = (
        anonymous().post(link, headers={"Accept": "application/json"}).json() for _ in range(2)
    )

    assert (first["outcome"], second["outcome"]) == ("done", "already")
    assert first["words"]


# --- What makes a link worthless -----------------------------------------------------------


@pytest.mark.parametrize("verb", ["acknowledge", "claim"])
def test_a_link_of_an_epoch_that_has_passed_does_nothing(ann, lead, waiting, verb):
    one = lead if verb == "acknowledge" else waiting
    link = f"/t/{token(one, ann.user, verb)}/"
    move(one, to=make.rep("ben"))
    events = AuditEvent.objects.count()

    answer = anonymous().post(link)

    assert "moved on" in answer.content.decode()
    assert fresh(one).acknowledged_at is None
    assert AuditEvent.objects.count() == events


def test_a_lead_that_went_away_and_came_back_is_another_epoch(ann, lead):
    link = f"/t/{token(lead, ann.user)}/"
    move(lead, to=make.rep("ben"))
    move(lead, to=ann)

    anonymous().post(link)

    assert fresh(lead).acknowledged_at is None


def test_a_link_is_good_for_a_day(ann, lead):
    link = f"/t/{token(lead, ann.user)}/"

    with travel(AT + timedelta(hours=24, seconds=1)):
        answer = anonymous().post(link)
        assert answer.status_code == 410
        assert "more than a day old" in answer.content.decode()
    assert fresh(lead).acknowledged_at is None
    with travel(AT + timedelta(hours=23, minutes=59)):
        anonymous().post(link)
    assert fresh(lead).acknowledged_at is not None


def test_who_is_not_active_any_more_does_nothing(ann, lead):
    link = f"/t/{token(lead, ann.user)}/"
    type(ann.user).objects.filter(pk=ann.user.pk).update(is_active=False)

    page = anonymous().post(link).content.decode()

    assert "not active" in page
    assert "Zoë" not in page
    assert fresh(lead).acknowledged_at is None


def test_a_link_for_one_verb_does_no_other(ann, lead, waiting):
    """The verb is in what is signed; a link to acknowledge never claims, and the other way."""
    anonymous().post(f"/t/{token(waiting, ann.user, 'acknowledge')}/")
    answer = anonymous().post(f"/t/{token(lead, ann.user, 'claim')}/")

    assert fresh(waiting).owner is None
    assert fresh(lead).acknowledged_at is None
    assert answer.status_code == 200


def test_a_signed_verb_that_this_version_does_not_know_is_refused(ann, lead):
    answer = anonymous().post(f"/t/{token(lead, ann.user, 'delete')}/")

    assert answer.status_code == 410


def test_anothers_link_does_not_act_on_ones_lead(ann, lead):
    ben = make.rep("ben")

    answer = anonymous().post(f"/t/{token(lead, ben.user)}/")

    assert "not yours" in answer.content.decode()
    assert "Zoë" not in answer.content.decode()
    assert fresh(lead).acknowledged_at is None


def test_what_is_signed_for_another_purpose_opens_nothing(ann, lead):
    value = [ann.user.pk, lead.pk, lead.owner_epoch, "acknowledge"]
    others = [
        signing.dumps(value),
        signing.dumps(value, salt="routing.onetap"),
        signing.TimestampSigner(sep=".").sign_object(value),
        signing.TimestampSigner(salt="routing.onetap", sep=".", key="another").sign_object(value),
        signing.Signer(salt="routing.onetap", sep=".").sign_object(value),
    ]

    for other in others:
        assert anonymous().post(f"/t/{other}/").status_code == 410
    assert fresh(lead).acknowledged_at is None


def test_a_payload_of_ones_own_needs_a_signature(ann, lead):
    good = token(lead, ann.user)
    _payload, stamp, signature = good.split(".")
    forged = (
        base64.urlsafe_b64encode(json.dumps([ann.user.pk + 1, lead.pk, 1, "acknowledge"]).encode())
        .decode()
        .rstrip("=")
    )

    assert anonymous().post(f"/t/{forged}.{stamp}.{signature}/").status_code == 410


def test_not_one_of_ten_thousand_altered_tokens_is_read(ann, lead):
    good = token(lead, ann.user)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    tried = read = 0
    for at in range(len(good)):
        for letter in letters:
            altered = good[:at] + letter + good[at + 1 :]
            if altered == good:
                continue
            tried += 1
            # The last letter of base64 holds bits that stand for nothing.
            with suppress(onetap.LinkRefused):
                read += onetap.read(altered) != onetap.read(good)
    for at in range(len(good) + 1):
        for letter in letters:
            tried += 1
            with pytest.raises(onetap.LinkRefused):
                onetap.read(good[:at] + letter + good[at:])

    assert tried > 10_000
    assert read == 0


def test_whatever_is_wrong_with_a_link_the_answer_is_the_same(ann, lead):
    good = token(lead, ann.user)
    wrong = ["x", "a.b.c", good[:-1], good + "x", "." * 40, "é" * 10, "%00", "A" * 5000]

    pages = {anonymous().get(f"/t/{one}/").content for one in wrong}

    assert len(pages) == 1
    assert {anonymous().get(f"/t/{one}/").status_code for one in wrong} == {410}


# --- What messages offer -------------------------------------------------------------------


def test_an_owner_may_acknowledge_once_and_a_claimer_claim(ann, lead, waiting):
    ben = make.rep("ben")

    assert [act.name for act in onetap.acts_for(lead, ann.user)] == ["acknowledge"]
    assert [act.name for act in onetap.acts_for(waiting, ann.user)] == ["claim"]
    assert onetap.acts_for(lead, ben.user) == ()
    assert onetap.acts_for(waiting, ben.user) == ()
    assert onetap.acts_for(waiting, make.user()) == ()
    work.acknowledge(lead_id=lead.pk, epoch=lead.owner_epoch, by=ann.user, at=AT)
    assert onetap.acts_for(fresh(lead), ann.user) == ()


def test_the_link_of_an_act_is_that_of_its_token(ann, lead, settings):
    (act,) = onetap.acts_for(lead, ann.user)

    assert act.url == f"{settings.BASE_URL}/t/{act.token}/"
    assert onetap.read(act.token) == Tap(ann.user.pk, lead.pk, lead.owner_epoch, "acknowledge")
    assert len(act.url) < 160


def test_the_message_about_a_new_lead_can_acknowledge_it(ann, lead):
    message = Message.objects.get(kind="lead_assigned")

    text = kinds.get(message.kind).render(message)

    assert [act.name for act in text.acts] == ["acknowledge"]
    assert onetap.act(onetap.read(text.acts[0].token), at=AT, driver="link").outcome == Outcome.DONE


def test_a_hot_lead_in_a_queue_is_told_to_whoever_may_claim_it(ann):
    ben, away, outside = make.rep("ben"), make.rep("away"), make.rep("outside")
    away.paused_at = AT
    make.saved(away)
    queue = make.queue(make.pool(ann, ben, away), name="Hot ones")
    make.queued(queue, {**PERSON, "hand_raise": True})

    messages = Message.objects.filter(kind="lead_waits")

    assert {message.recipient for message in messages} == {ann.user, ben.user}
    assert outside.user not in {message.recipient for message in messages}
    for message in messages:
        text = kinds.get("lead_waits").render(message)
        assert [act.name for act in text.acts] == ["claim"]
        assert message.urgent
        assert "Zoë" not in str(text)
        assert message.pk in kinds.lines([message], reader=message.recipient)
        assert kinds.lines([message], reader=outside.user) == {}


def test_once_it_is_claimed_nobody_is_told_any_more(ann, waiting):
    message = Message.objects.get(kind="lead_waits")
    kind = kinds.get("lead_waits")
    assert kind.still_wanted(message)

    work.claim(lead_id=waiting.pk, epoch=waiting.owner_epoch, by=ann.user, at=AT, driver="test")

    assert not kind.still_wanted(message)


def test_a_lead_that_is_not_hot_waits_quietly(ann):
    make.queued(make.queue(make.pool(ann)), {"name": "Zoë"})

    assert not Message.objects.filter(kind="lead_waits").exists()
