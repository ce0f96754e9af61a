"""Messages: all of them for RevOps, one's own for everybody else."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps.models import Message
from reps.post import outbox
from routing import work
from tests import make

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
