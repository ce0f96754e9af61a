"""Ready-made promises: each walked along its chain, seen to do what it says, when it says."""

from datetime import datetime, timedelta

import pytest
from django.urls import reverse

from reps.due import jobs
from reps.models import Message
from routing import work
from sla.models import Clock, Escalation, Policy
from sla.services import templates
from sla.services.setup import PolicyRefused
from sla.services.templates import Chosen
from tests import make
from tests.clock import travel

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db
HOT = {"hand_raise": True, "timeline": "this week"}


@pytest.fixture
def cast():
    """Ann with her backup Ben under Boss, who owns leads too; a chief above all."""
    organisation = make.organisation()
    organisation.leadership = make.user("chief")
    make.saved(organisation)
    boss = make.user("boss", group="manager")
    team = make.team("North", manager=boss)
    make.rep(user=boss, team=team)
    ben = make.rep("ben", team=team)
    return {
        "boss": boss,
        "ben": ben,
        "ann": make.rep("ann", team=team, backup=ben),
        "author": make.user("author", group="revops"),
    }


def take(key: str, cast, **chosen) -> Policy:
    return templates.take(key=key, chosen=Chosen(**chosen), by=cast["author"], at=AT)


def for_any_lead(policy: Policy) -> None:
    """The condition is judged elsewhere; here the chain is walked."""
    policy.condition = {"all": []}
    make.saved(policy)


def walk(lead, *, until: timedelta) -> list[tuple[float, str, str, set[str]]]:
    """Stand at every instant at which a step is due: (minutes, action, owner, who was told)."""
    seen = []
    start = Clock.objects.filter(lead=lead).earliest("pk").started_at
    while (due := _next(lead)) is not None and due <= start + until:
        with travel(due - timedelta(microseconds=1)):
            assert jobs.drain("clocks", driver="test", due_before=_now()) == 0
        with travel(due):
            jobs.drain("clocks", driver="test", due_before=_now())
        lead.refresh_from_db()
        for one in Escalation.objects.filter(lead=lead, fired_at=due).order_by("step"):
            names = set(
                Message.objects.filter(
                    payload__clock=one.clock_id, payload__step=one.step
                ).values_list("recipient__username", flat=True)
            )
            minutes = (due - start).total_seconds() / 60
            seen.append((minutes, one.action, str(lead.owner or lead.queue), names))
    return seen


def _now() -> datetime:
    from reps.due.clock import database_now

    return database_now()


def _next(lead) -> datetime | None:
    due = Clock.objects.filter(lead=lead, next_at__isnull=False).order_by("next_at")
    return due.values_list("next_at", flat=True).first()


def test_hot_inbound_reminds_at_3_tells_at_10_and_gives_at_30_minutes(cast):
    for_any_lead(take("hot_inbound", cast))
    lead = make.owned(cast["ann"])

    assert walk(lead, until=timedelta(hours=2)) == [
        (3, "remind", "ann", {"ann"}),
        (10, "tell_manager", "ann", {"boss"}),
        (30, "to_backup", "ben", {"ben", "boss"}),
        (60, "to_manager", "boss", {"boss"}),
    ]
    assert Clock.objects.get().breached_at == AT + timedelta(minutes=10)


def test_hot_inbound_is_about_hot_inbound_leads(cast):
    policy = take("hot_inbound", cast)

    assert policy.condition == templates.HOT_INBOUND
    make.owned(cast["ann"])
    assert not Clock.objects.exists()


def test_after_15_minutes_without_a_word_the_pool_takes_over(cast):
    make.rules()
    inside = make.pool(make.rep("ines"), name="Inside sales")
    take("acknowledge_or_pool", cast, pool=inside)
    lead = make.owned(cast["ann"])

    assert walk(lead, until=timedelta(hours=2)) == [
        (15, "to_pool", "ines", {"ines", "boss"}),
        (30, "tell_manager", "ines", {"boss"}),
    ]


def test_a_hot_lead_that_nobody_claims_goes_first_and_somebody_hears(cast):
    for_any_lead(take("unclaimed", cast))
    keeper = make.user("keeper")
    lead = make.queued(make.queue(make.pool(cast["ann"]), name="Desk", responsible=keeper))

    assert walk(lead, until=timedelta(hours=1)) == [
        (5, "raise_priority", "Desk", {"keeper"}),
        (5, "tell_manager", "Desk", {"keeper"}),
    ]
    lead.refresh_from_db()
    assert lead.priority == 100


@pytest.mark.parametrize(("hours", "minutes"), [(None, 120), (1, 60), (5, 300)])
def test_a_lead_that_nobody_owns_reaches_leadership(cast, hours, minutes):
    take("unassigned", cast, hours=hours)
    lead = make.lead()

    assert walk(lead, until=timedelta(hours=9)) == [
        (minutes, "tell_leadership", "Waiting room", {"chief"})
    ]


def test_a_lead_that_is_assigned_in_time_reaches_nobody(cast):
    take("unassigned", cast)
    make.owned(cast["ann"])

    assert Clock.objects.get().state == "MET"


def test_outbound_leads_are_contacted_within_2_hours(cast):
    policy = take("outbound", cast)
    assert policy.condition == templates.OUTBOUND
    for_any_lead(policy)
    lead = make.owned(cast["ann"])

    assert walk(lead, until=timedelta(hours=9)) == [
        (90, "remind", "ann", {"ann"}),
        (120, "tell_manager", "ann", {"boss"}),
    ]


def test_the_next_contact_is_due_within_24_working_hours(cast):
    take("follow_up", cast)
    ann = cast["ann"]
    ann.calendar = make.calendar("London", time_zone="Europe/London")
    make.saved(ann)
    lead = make.owned(ann)
    at = AT + timedelta(hours=1)
    work.log_contact(
        lead_id=lead.pk, epoch=1, way="CALL", reached=True, note="", by=ann.user, at=at
    )
    clock = Clock.objects.get(metric="FOLLOW_UP")

    # Monday 11:00 in London; days of eight hours: 24 of them are three days on.
    assert clock.due_at == datetime.fromisoformat("2026-06-18T11:00:00+01:00")
    assert [(action, names) for _, action, _, names in walk(lead, until=timedelta(days=5))] == [
        ("remind", {"ann"}),
        ("tell_manager", {"boss"}),
    ]


def test_the_manager_becomes_the_temporary_owner(cast):
    take("manager_takes_over", cast)
    lead = make.owned(cast["ann"])

    assert walk(lead, until=timedelta(hours=2)) == [
        (15, "remind", "ann", {"ann"}),
        (30, "to_manager", "boss", {"boss"}),
    ]


# --- One click ----------------------------------------------------------------------------------


def test_every_template_is_offered_and_taken_with_one_click(client, cast):
    pool = make.pool(cast["ben"])
    client.force_login(cast["author"])
    page = client.get(reverse("policies")).content.decode()

    for one in templates.all_templates():
        assert one.title in page
        sent = {"template": one.key, "from_policies": "1"}
        if one.asks == "pool":
            sent["pool"] = pool.pk
        if one.asks == "hours":
            sent["hours"] = one.suggests
        assert client.post(reverse("policy_template"), sent).url == reverse("policies")

    assert Policy.objects.count() == len(templates.all_templates()) == 7
    assert all(row.history.get().history_user == cast["author"] for row in Policy.objects.all())
    assert client.get(reverse("policies")).status_code == 200


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"template": "nothing"}, "no such template"),
        ({"template": "acknowledge_or_pool"}, "Choose the pool"),
        ({"template": "unassigned", "hours": "0"}, "greater than or equal to 1"),
        ({"template": "outbound"}, "is there already"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_words(client, cast, sent, words):
    take("outbound", cast)
    client.force_login(cast["author"])

    page = client.post(reverse("policy_template"), {**sent, "from_policies": "1"}, follow=True)

    assert words in page.content.decode()
    assert Policy.objects.count() == 1


def test_a_template_into_an_empty_pool_is_refused(cast):
    with pytest.raises(PolicyRefused, match="has no members"):
        take("acknowledge_or_pool", cast, pool=make.pool())


def test_the_set_up_guide_offers_one_too(client, cast):
    client.force_login(cast["author"])

    answer = client.post(reverse("policy_template"), {"template": "hot_inbound"})

    assert answer.url == reverse("setup")
    assert Policy.objects.get().budget == 300


def test_a_rep_takes_no_template(client, cast):
    client.force_login(cast["ann"].user)

    assert client.post(reverse("policy_template"), {"template": "outbound"}).status_code == 403
