"""Hosted forms: what the public sees."""

import json
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from routing.intake import process
from routing.models import Lead, Submission
from tests import make
from tests.clock import travel

pytestmark = pytest.mark.django_db

AT = make.MONDAY_9AM
GIVEN = {
    "first_name": "Jordan",
    "last_name": "Buyer",
    "email": "jordan@tallwater.com",
    "company": "Tallwater",
    "message": "Forty docks",
}


@pytest.fixture(autouse=True)
def moment():
    with travel(AT):
        yield


@pytest.fixture
def form():
    return make.form("contact", source=make.source("website"))


@pytest.fixture
def public():
    """A browser inside a frame of another site: no cookies, and the CSRF check is on."""
    return Client(enforce_csrf_checks=True)


def address(form, query=""):
    return reverse("form", args=[form.slug]) + query


def send(client, form, query="", **changes):
    fields = {"nonce": str(uuid.uuid4()), **GIVEN, **changes}
    return client.post(
        address(form, query),
        "&".join(f"{name}={value}" for name, value in fields.items()),
        content_type="application/x-www-form-urlencoded",
    )


def test_anybody_sees_the_form_and_gets_no_cookie(public, form):
    answer = public.get(address(form))

    assert answer.status_code == 200
    assert "Work e-mail" in answer.content.decode()
    assert not answer.cookies


def test_each_showing_has_its_own_nonce(public, form):
    first, second = (public.get(address(form)).context["nonce"] for _ in range(2))

    assert first != second


def test_what_was_filled_in_is_received_before_the_thanks(public, form):
    answer = send(public, form, "?utm_campaign=spring", page_seen="https://www.example.com/x")

    received = Submission.objects.get()
    assert answer["Location"] == reverse("form_thanks", args=["contact", received.public_id])
    assert json.loads(bytes(received.raw)) == GIVEN
    assert received.context == {"page": "https://www.example.com/x", "campaign": "spring"}
    assert (received.form, received.mode) == (form, "LIVE")


def test_pressed_twice_it_is_one_submission(public, form):
    nonce = str(uuid.uuid4())

    places = {send(public, form, nonce=nonce)["Location"] for _ in range(2)}

    assert len(places) == 1
    assert Submission.objects.count() == 1


def test_sent_again_after_a_change_it_is_another(public, form):
    nonce = str(uuid.uuid4())

    send(public, form, nonce=nonce)
    send(public, form, nonce=nonce, message="Fifty docks")

    assert Submission.objects.count() == 2


def test_mistakes_are_named_and_nothing_typed_is_lost(public, form):
    answer = send(public, form, email="jordan@", last_name="")

    body = answer.content.decode()
    assert answer.status_code == 422
    assert "2 things to mend" in body
    assert 'aria-describedby="e_email"' in body
    assert 'value="jordan@"' in body
    assert "Forty docks" in body
    assert not Submission.objects.exists()


def test_only_what_was_asked_is_kept(public, form):
    send(public, form, hand_raise="false", score="100")

    assert json.loads(bytes(Submission.objects.get().raw)) == GIVEN


def test_a_choice_that_is_not_offered_is_refused(public):
    form = make.form(
        "size",
        fields=[
            {"name": "email", "label": "E-mail", "required": True},
            {"name": "size", "label": "Size", "choices": ["small", "large"]},
        ],
    )

    assert send(public, form, size="huge").status_code == 422
    assert send(public, form, size="large").status_code == 302


def test_a_field_that_people_do_not_see_marks_spam(public, form):
    make.organisation()

    answer = send(public, form, fax="12345")
    process.drain(driver="test", due_before=AT)

    assert answer.status_code == 302
    assert Submission.objects.get().state == "QUARANTINED"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"email=%00", "application/x-www-form-urlencoded"),
        (b"email=%ff%fe", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b'{"email": "\\ud800"}', "application/json"),
        (b'{"a":' * 50_000, "application/json"),
        (b"--x\r\nContent-Disposition: nonsense\r\n", "multipart/form-data; boundary=x"),
        (b"a=1&" * 5000, "application/x-www-form-urlencoded"),
        (b"x" * 300_000, "text/plain"),
        (b"email=" + b"x" * 3_000_000, "application/x-www-form-urlencoded"),
    ],
)
def test_whatever_is_sent_is_kept_and_never_an_error_of_ours(public, form, body, content_type):
    answer = public.post(address(form), body, content_type=content_type)

    assert answer.status_code == 400
    assert Submission.objects.get().state == "QUARANTINED"
    assert "could not read" in answer.content.decode()


@pytest.mark.parametrize("body", [b"", b"nonce=x", b"email=" + b"a" * 5000, b"[]"])
def test_an_empty_or_odd_form_is_shown_again(public, form, body):
    answer = public.post(address(form), body, content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 422


def test_only_named_sites_may_frame_it(public, form):
    closed = public.get(address(form))
    form.frame_hosts = ["https://www.example.com", "https://x; script-src *"]
    make.saved(form)
    opened = public.get(address(form))

    assert "frame-ancestors 'none'" in closed.headers["Content-Security-Policy"]
    assert closed.headers["X-Frame-Options"] == "DENY"
    policy = opened.headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'self' https://www.example.com")
    assert "X-Frame-Options" not in opened.headers


def test_the_script_that_embeds_it(public, form):
    answer = public.get(reverse("form_embed", args=["contact"]))

    assert answer.headers["Content-Type"].startswith("application/javascript")
    assert "iframe" in answer.content.decode()


def test_a_closed_form_takes_nothing(public, form):
    form.is_active = False
    make.saved(form)

    assert send(public, form).status_code == 503
    assert not Submission.objects.exists()


def test_only_who_sets_up_may_send_a_test(public, form):
    send(public, form, "?test=1")
    boss = Client()
    boss.force_login(make.user("morgan", group="manager"))
    send(boss, form, "?test=1")

    assert list(Submission.objects.order_by("pk").values_list("mode", flat=True)) == [
        "LIVE",
        "TEST",
    ]


# --- Thanks ------------------------------------------------------------------------------


def sent(public, form, **changes):
    return send(public, form, **changes)["Location"]


def process_all(*, route=True):
    process.drain(driver="test", due_before=AT)
    if route:
        for lead in Lead.objects.filter(route_at__isnull=False):
            make.routed(lead)


def test_thanks_name_the_rep_as_soon_as_there_is_one(public, form):
    make.rules(make.round_robin(make.pool(make.rep("robin"))))
    place = sent(public, form)

    before = public.get(place).content.decode()
    process_all()
    after = public.get(place + "?n=1", headers={"HX-Request": "true"}).content.decode()

    assert "Thank you" in before
    assert "robin" not in before
    assert "hx-get" in before
    assert 'http-equiv="refresh"' in before
    assert "robin" in after
    assert "hx-get" not in after
    assert "<html" not in after


def test_known_and_new_people_read_the_same_bytes(public, form):
    make.organisation()
    place = sent(public, form)
    process_all(route=False)
    known, new = sent(public, form), sent(public, form, email="somebody@new.com")

    def page(one):
        return public.get(one).content.decode().replace(one.split("/")[-2], "")

    assert place != known
    assert page(known) == page(new)


def test_a_lead_that_rests_gets_the_general_text(public, form):
    make.rules({"path": {"target": {"kind": "nurture"}}})
    place = sent(public, form)
    process_all()

    assert "will be in touch with you" not in public.get(place).content.decode()


def test_a_form_that_reveals_nobody_does_not_ask_again(public, form):
    form.reveals_rep = False
    make.saved(form)

    assert "hx-get" not in public.get(sent(public, form)).content.decode()


def test_asking_ends_after_half_a_minute(public, form):
    assert "hx-get" not in public.get(sent(public, form) + "?n=30").content.decode()


def test_the_name_is_not_shown_for_ever(public, form):
    make.rules(make.round_robin(make.pool(make.rep("robin"))))
    place = sent(public, form)
    process_all()

    with travel(AT + timedelta(days=2)):
        assert "robin" not in public.get(place).content.decode()


def test_thanks_belong_to_their_form(public, form):
    place = sent(public, form)
    make.form("other")

    assert public.get(place.replace("contact", "other")).status_code == 404
