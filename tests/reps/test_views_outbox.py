"""Messages: all of them for RevOps, one's own for everybody else."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps.models import AuditEvent, ChannelChoice, Delivery, Message, PushSubscription
from reps.post import deliver, outbox, rests
from reps.services import invitations
from routing import work
from routing.models import Lead
from tests import make
from tests.clock import travel
from tests.reps.devices import Device

pytestmark = pytest.mark.django_db


class Scene:
    """A rep with leads, each told of by a message."""

    def __init__(self):
        make.organisation()
        self.rep = make.rep("rea")
        self.other = make.rep("ben")
        self.revops = make.user("riley", group="revops")
        make.rules(make.round_robin(make.pool(self.rep)))

    def leads(self, number, **fields):
        return [make.routed(make.lead(fields)) for _ in range(number)]


@pytest.fixture
def scene():
    return Scene()


def test_a_rep_reads_their_own_inbox_only(client, scene):
    scene.leads(1, first_name="Wren")
    message = Message.objects.get()

    client.force_login(scene.rep.user)
    mine = client.get("/outbox/").content.decode()
    text = client.get(f"/outbox/{message.pk}/").content.decode()
    client.force_login(scene.other.user)
    theirs = client.get("/outbox/").content.decode()

    assert "New lead: Wren" in mine
    assert "It is yours" in text
    assert "Wren" not in theirs
    assert client.get(f"/outbox/{message.pk}/").status_code == 404
    assert client.post(f"/outbox/{message.pk}/replay/").status_code == 404


def test_reading_a_message_marks_it_read(client, scene):
    scene.leads(1)
    client.force_login(scene.rep.user)

    client.get(f"/outbox/{Message.objects.get().pk}/")

    assert Message.objects.get().read_at is not None


def test_a_former_owner_reads_no_more_about_the_lead(client, scene):
    (lead,) = scene.leads(1, first_name="Wren")
    message = Message.objects.get()
    work.move_by_hand(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        to=scene.other,
        reason="x",
        by=scene.revops,
        at=make.MONDAY_9AM,
        driver="web",
    )
    client.force_login(scene.rep.user)

    pages = [client.get(url).content.decode() for url in ("/outbox/", f"/outbox/{message.pk}/")]

    assert all("Wren" not in page for page in pages)
    assert "not yours to see any more" in pages[1]


def test_revops_sees_all_with_state_and_error_and_replays_a_dead_one(client, scene):
    scene.leads(1, first_name="Wren")
    message = Message.objects.get()
    message.state, message.attempts = Message.State.DEAD, 12
    message.last_error, message.done_at = "ConnectionError: no route", make.MONDAY_9AM
    message.save()
    client.force_login(scene.revops)

    page = client.get("/outbox/?state=DEAD").content.decode()
    client.post(f"/outbox/{message.pk}/replay/")

    for words in ("Wren", "Given up", "no route", "12 attempts", "rea"):
        assert words in page
    message.refresh_from_db()
    assert (message.state, message.attempts) == (Message.State.PENDING, 0)


def test_a_rep_cannot_replay(client, scene):
    scene.leads(1)
    message = Message.objects.get()
    Message.objects.update(state=Message.State.DEAD)
    client.force_login(scene.rep.user)

    client.post(f"/outbox/{message.pk}/replay/")

    message.refresh_from_db()
    assert message.state == Message.State.DEAD


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("from_an_old_version", {}),
        ("lead_assigned", {"lead": 10**6, "epoch": 1}),
        ("clock_step", {}),
    ],
)
def test_a_message_that_cannot_be_said_any_more_says_so(client, scene, kind, payload):
    outbox.put(
        [outbox.Draft(key="odd", kind=kind, to=scene.revops.pk, payload=payload)],
        at=make.MONDAY_9AM,
    )
    client.force_login(scene.revops)

    listed = client.get("/outbox/")
    page = client.get(f"/outbox/{Message.objects.get().pk}/")

    assert listed.status_code == page.status_code == 200
    assert page.context["text"] is None
    assert page.context["why_not"]


def test_the_queries_of_the_list_do_not_grow_with_rows(client, scene):
    scene.leads(2)
    client.force_login(scene.revops)
    client.get("/outbox/")
    with CaptureQueriesContext(connection) as few:
        client.get("/outbox/")
    scene.leads(18)

    with CaptureQueriesContext(connection) as many:
        client.get("/outbox/")

    assert len(many) == len(few)


# --- Finding and replaying ----------------------------------------------------------------------


def dead(scene, number):
    scene.leads(number, first_name="Wren")
    Message.objects.update(state=Message.State.DEAD, done_at=make.MONDAY_9AM)


def test_revops_replays_all_that_fit_the_filters(client, scene):
    dead(scene, 3)
    Message.objects.filter(pk=Message.objects.first().pk).update(urgent=True)
    client.force_login(scene.revops)

    page = client.get("/outbox/?state=DEAD&urgent=False").content.decode()
    client.post("/outbox/replay/?urgent=False")

    assert "Try all 2 again" in page
    assert sorted(Message.objects.values_list("state", "urgent")) == [
        ("DEAD", True),
        ("PENDING", False),
        ("PENDING", False),
    ]
    assert AuditEvent.objects.get(kind="replayed").data == {"messages": 2}


def test_a_rep_cannot_replay_many(client, scene):
    dead(scene, 2)
    client.force_login(scene.rep.user)

    page = client.get("/outbox/?state=DEAD").content.decode()
    client.post("/outbox/replay/")

    assert "outbox/replay" not in page
    assert set(Message.objects.values_list("state", flat=True)) == {"DEAD"}


FOUND = [
    ("", 3),
    ("person=rea", 3),
    ("person=nobody", 0),
    ("channel=email", 1),
    ("channel=slack", 0),
    ("kind=lead_assigned", 3),
    ("kind=lead_raised_again", 0),
    ("urgent=True", 1),
    ("age=hour", 2),
    ("age=older", 1),
    ("age=nonsense", 3),
    ("state=SENT", 1),
]


def test_messages_are_found_by_person_channel_kind_urgency_and_age(client, scene, subtests):
    scene.leads(3)
    first, second, _third = Message.objects.order_by("pk")
    now = make.MONDAY_9AM + timedelta(days=20)
    Message.objects.update(created_at=now)
    Message.objects.filter(pk=first.pk).update(urgent=True, created_at=now - timedelta(days=8))
    Message.objects.filter(pk=second.pk).update(state="SENT")
    Delivery.objects.create(message=second, channel="email", at=now, outcome="TAKEN")
    client.force_login(scene.revops)

    for query, found in FOUND:
        with subtests.test(str(query)):
            with travel(now):
                page = client.get(f"/outbox/?{query}")

            assert page.context["page"].paginator.count == found


def test_the_channels_of_the_last_hour_are_shown_to_revops(client, scene):
    scene.leads(1)
    message, now = Message.objects.get(), make.MONDAY_9AM
    for seconds, outcome in ((1.0, "TAKEN"), (2.0, "CONFIRMED"), (9.0, "TAKEN"), (12.0, "FAILED")):
        Delivery.objects.create(
            message=message, channel="email", at=now, seconds=seconds, outcome=outcome
        )
    Delivery.objects.create(
        message=message, channel="email", at=now - timedelta(hours=2), outcome="FAILED"
    )
    client.force_login(scene.revops)

    with travel(now):
        (email,) = [one for one in client.get("/outbox/").context["health"] if one.name == "email"]

    assert (email.sent, email.failed, email.seconds) == (3, 1, 2.0)
    # The newest attempt hung, so the channel rests.
    assert email.rests_until == now + rests.REST
    client.force_login(scene.rep.user)
    assert client.get("/outbox/").context["health"] == []


def test_what_a_message_waits_for_is_said(client, scene):
    scene.leads(1)
    Message.objects.update(waits_for="QUIET")
    client.force_login(scene.rep.user)

    assert "waits for the end of quiet hours" in client.get("/outbox/").content.decode()


# --- What would have been sent ------------------------------------------------------------------


@pytest.fixture
def kept(scene, settings):
    """A message that nothing but the outbox has seen, by every channel there is."""
    settings.OUTBOX_KEEPS = True
    for place, (channel, address) in enumerate(ADDRESSES.items()):
        ChannelChoice.objects.create(
            user=scene.rep.user, channel=channel, place=place, address=address
        )
    device = Device.new()
    PushSubscription.objects.create(
        user=scene.rep.user,
        endpoint="https://push.example.com/1",
        p256dh=device.p256dh,
        auth=device.auth,
        created_at=make.MONDAY_9AM,
    )
    scene.leads(1, first_name="Wren", last_name="<b>Hill</b>", company="Hill & Co *bold*")
    message = Message.objects.get()
    deliver.drain(driver="test", due_before=message.due_at)
    return message


ADDRESSES = {
    "email": "",
    "push": "",
    "slack": "https://hooks.slack.com/services/T/B/x",
    "teams": "https://x.westeurope.logic.azure.com/workflows/1",
    "sms": "+4930123456",
    "whatsapp": "+4930123456",
}


def test_each_channels_message_is_drawn_as_its_reader_would_see_it(client, scene, kept):
    client.force_login(scene.rep.user)

    page = client.get(f"/outbox/{kept.pk}/")
    html = page.content.decode()

    drawn = {wire.delivery.channel: wire for wire in page.context["wires"]}
    assert set(drawn) == set(ADDRESSES)
    for channel in ADDRESSES:
        assert drawn[channel].template == f"reps/wire/{channel}.html"
    for words in ("w-mail", "w-slack", "w-card", "w-sms", "w-wa", "w-note", "As JSON"):
        assert words in html
    assert "<b>Hill</b>" not in html
    assert "demo: shown, not sent" in html
    assert "hooks.slack.com/services" not in html


def test_the_mail_stands_in_a_frame_where_nothing_runs(client, scene, kept):
    row = kept.deliveries.get(channel="email")
    client.force_login(scene.rep.user)

    answer = client.get(f"/outbox/mail/{row.pk}/")

    assert "Wren" in answer.content.decode()
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    client.force_login(scene.other.user)
    assert client.get(f"/outbox/mail/{row.pk}/").status_code == 404
    client.force_login(scene.rep.user)
    assert client.get(f"/outbox/mail/{kept.deliveries.get(channel='sms').pk}/").status_code == 404


def test_a_former_owner_sees_no_more_of_what_was_sent(client, scene, kept):
    row = kept.deliveries.get(channel="email")
    lead = Lead.objects.get()
    work.move_by_hand(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        to=scene.other,
        reason="x",
        by=scene.revops,
        at=make.MONDAY_9AM,
        driver="web",
    )
    client.force_login(scene.rep.user)

    assert "Wren" not in client.get(f"/outbox/{kept.pk}/").content.decode()
    assert client.get(f"/outbox/mail/{row.pk}/").status_code == 404


def test_a_link_that_signs_in_is_shown_to_its_recipient_only(client, scene):
    invited = make.user("new")
    invited.set_unusable_password()
    invited.save()
    invitations.invite(user=invited, by=scene.revops, at=make.MONDAY_9AM)
    client.force_login(scene.revops)

    page = client.get(f"/outbox/{Message.objects.get().pk}/")

    assert page.context["text"] is None
    assert "/people/invite/" not in page.content.decode()


# --- The bell -----------------------------------------------------------------------------------


def ring(client, **headers):
    return client.get("/outbox/bell/", headers={"HX-Request": "true", **headers})


def test_the_bell_counts_what_is_new_for_me_and_may_be_seen(client, scene):
    (_mine, gone) = scene.leads(2, first_name="Wren")
    work.move_by_hand(
        lead_id=gone.pk,
        epoch=gone.owner_epoch,
        to=scene.other,
        reason="x",
        by=scene.revops,
        at=make.MONDAY_9AM,
        driver="web",
    )
    client.force_login(scene.rep.user)

    with travel(make.MONDAY_9AM + timedelta(minutes=5)):
        html = ring(client).content.decode()

    assert "1 unread message" in html
    assert html.count("New lead: Wren") == 1


def test_the_bell_says_304_until_something_changes(client, scene):
    scene.leads(1)
    client.force_login(scene.rep.user)
    with travel(make.MONDAY_9AM + timedelta(minutes=5)):
        etag = ring(client).headers["ETag"]
        again = ring(client, **{"If-None-Match": etag})
        scene.leads(1)
        changed = ring(client, **{"If-None-Match": etag})

    assert (again.status_code, changed.status_code) == (304, 200)


def test_a_new_urgent_message_is_called_out_while_it_is_fresh(client, scene):
    scene.leads(1)
    Message.objects.update(urgent=True)
    pk = Message.objects.get().pk
    client.force_login(scene.rep.user)

    with travel(make.MONDAY_9AM + timedelta(seconds=30)):
        fresh = ring(client).content.decode()
    with travel(make.MONDAY_9AM + timedelta(seconds=90)):
        later = ring(client).content.decode()

    assert f'data-urgent="{pk}"' in fresh
    assert "data-urgent" not in later
    assert "<script" not in fresh


def test_all_is_read_at_once(client, scene):
    scene.leads(3)
    client.force_login(scene.rep.user)

    with travel(make.MONDAY_9AM + timedelta(minutes=5)):
        client.post("/outbox/bell/read/")
        html = ring(client).content.decode()

    assert "0 unread messages" in html
    assert not Message.objects.filter(read_at__isnull=True).exists()


def test_the_queries_of_the_bell_do_not_grow_with_messages(client, scene):
    scene.leads(2)
    client.force_login(scene.rep.user)
    counts = []
    for _ in range(2):
        with (
            travel(make.MONDAY_9AM + timedelta(minutes=5)),
            CaptureQueriesContext(connection) as asked,
        ):
            ring(client)
        counts.append(len(asked))
        scene.leads(18)

    assert counts[0] == counts[1]
