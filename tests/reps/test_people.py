"""What changes about people: announced, recorded, or refused with a reason."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group

from reps import access, signals
from reps.models import AuditEvent, Message, RepSkill, RosterStamp, User
from reps.models.user import UserCannotBeDeleted
from reps.services import absences, invitations, people
from reps.services.people import PeopleRefused
from routing.models import Lead
from tests import make

AT = make.MONDAY_9AM
LATER = AT + timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    make.organisation()
    return make.user("boss", is_superuser=True)


@pytest.fixture
def ann(boss):
    return make.rep("ann")


@pytest.fixture
def heard():
    found = []

    def listen(signal, name):
        def receiver(sender, **kwargs):
            found.append((name, kwargs["rep"].pk))

        signal.connect(receiver, weak=False)
        return signal, receiver

    connected = [
        listen(signals.rep_available, "available"),
        listen(signals.rep_leaving, "leaving"),
        listen(signals.rep_left, "left"),
    ]
    yield found
    for signal, receiver in connected:
        signal.disconnect(receiver)


def last_act(rep) -> AuditEvent:
    return AuditEvent.objects.filter(subject="reps.rep", subject_id=rep.pk).latest("seq")


def test_pausing_is_on_record_and_ends_by_itself(ann, boss):
    paused = people.pause(rep=ann, until=LATER, reason="Lunch", by=boss, at=AT)

    assert paused.is_paused(AT)
    assert paused.is_paused(LATER - timedelta(microseconds=1))
    assert not paused.is_paused(LATER)
    assert (last_act(ann).kind, last_act(ann).actor) == ("paused", boss)


def test_a_pause_until_further_notice_lasts(ann, boss):
    paused = people.pause(rep=ann, until=None, reason="Training", by=boss, at=AT)

    assert paused.is_paused(AT + timedelta(days=999))


def test_a_pause_ends_in_the_future(ann, boss):
    with pytest.raises(PeopleRefused, match="future"):
        people.pause(rep=ann, until=AT, reason="Training", by=boss, at=AT)


def test_resuming_is_announced(ann, boss, heard):
    people.pause(rep=ann, until=None, reason="x", by=boss, at=AT)

    resumed = people.resume(rep=ann, by=boss, at=LATER)

    assert (resumed.paused_at, resumed.paused_until, resumed.pause_reason) == (None, None, "")
    assert heard == [("available", ann.pk)]


def test_resuming_who_is_not_paused_changes_nothing(ann, boss, heard):
    people.resume(rep=ann, by=boss, at=LATER)

    assert heard == []
    assert ann.history.count() == 1


def test_leaving_is_announced_before_and_after(ann, boss, heard):
    gone = people.deactivate(rep=ann, reason="left", by=boss, at=AT, driver="web")

    assert not gone.is_active
    assert heard == [("leaving", ann.pk), ("left", ann.pk)]
    assert last_act(ann).kind == "left"


def test_when_the_hand_over_fails_the_rep_has_not_left(ann, boss):
    lead = make.owned(ann)

    def fails(sender, **kwargs):
        raise RuntimeError("the hand-over fails")

    signals.rep_left.connect(fails)
    try:
        with pytest.raises(RuntimeError):
            people.deactivate(rep=ann, reason="left", by=boss, at=AT, driver="web")
    finally:
        signals.rep_left.disconnect(fails)

    ann.refresh_from_db()
    assert ann.is_active
    assert ann.history.count() == 1
    assert Lead.objects.get(pk=lead.pk).owner == ann


def test_coming_back_is_announced(ann, boss, heard):
    people.deactivate(rep=ann, reason="left", by=boss, at=AT, driver="web")

    back = people.reactivate(rep=ann, by=boss, at=LATER)

    assert back.is_active
    assert heard[-1] == ("available", ann.pk)


def test_more_capacity_is_announced_and_less_is_not(ann, boss, heard):
    people.set_capacity(rep=ann, capacity=5, by=boss, at=AT)
    assert heard == []

    people.set_capacity(rep=ann, capacity=6, by=boss, at=AT)
    assert heard == [("available", ann.pk)]

    history = ann.history.count()
    people.set_capacity(rep=ann, capacity=6, by=boss, at=AT)
    assert ann.history.count() == history


def test_below_what_they_hold_a_rep_keeps_it_and_gets_no_more(ann, boss):
    leads = [make.owned(ann) for _ in range(3)]

    people.set_capacity(rep=ann, capacity=1, by=boss, at=AT)
    make.rules(make.round_robin(make.pool(ann), on_empty="wait"))
    waiting = make.routed(make.lead())

    assert Lead.objects.filter(owner=ann).count() == len(leads)
    assert waiting.waiting == "CAPACITY"


def add(boss, **more):
    team = more.pop("team", None) or make.team()
    given = {
        "first_name": "Eve",
        "last_name": "Lee",
        "email": "eve@reps.test",
        "username": "eve",
        "team": team,
        "role": "AE",
        "capacity": 12,
        "by": boss,
        "at": AT,
    }
    return people.add_rep(**{**given, **more})


def test_a_new_rep_can_sign_in_only_after_choosing_a_password(boss):
    rep = add(boss)

    assert not rep.user.has_usable_password()
    assert access.groups_of(rep.user) == {"rep"}
    assert (rep.capacity, rep.role, rep.is_active) == (12, "AE", True)
    message = Message.objects.get()
    assert (message.kind, message.recipient) == ("invitation", rep.user)
    assert message.payload == {}


def test_a_user_name_is_given_once(boss):
    add(boss)

    with pytest.raises(PeopleRefused, match="eve"):
        add(boss)

    assert User.objects.filter(username="eve").count() == 1


def test_an_invitation_works_once(boss):
    rep = add(boss)
    *_, uidb64, token, _ = invitations.path_for(rep.user).split("/")
    assert invitations.invited(uidb64=uidb64, token=token) == rep.user

    invitations.choose_password(user=rep.user, password="quite long words", at=AT)

    assert User.objects.get(pk=rep.user.pk).check_password("quite long words")
    assert invitations.invited(uidb64=uidb64, token=token) is None


@pytest.mark.parametrize(
    ("uidb64", "token"), [("", ""), ("x", "y"), ("OTk5", "y"), ("_w", "a-b"), ("MTIz" * 30, "x")]
)
def test_a_made_up_invitation_invites_nobody(uidb64, token):
    assert invitations.invited(uidb64=uidb64, token=token) is None


def test_nobody_backs_up_themselves_or_is_backed_up_by_who_left(ann, boss):
    gone = make.rep("gone", is_active=False)

    for backup, words in ((ann, "own backup"), (gone, "has left")):
        with pytest.raises(PeopleRefused, match=words):
            people.change_rep(rep=ann, changes={"backup": backup}, by=boss, at=AT)


def test_changing_a_rep_leaves_the_other_columns(ann, boss):
    team = make.team("Elsewhere")

    changed = people.change_rep(
        rep=ann, changes={"team": team, "capacity": 3, "is_active": False}, by=boss, at=AT
    )

    assert (changed.team, changed.capacity, changed.is_active) == (team, 3, True)


def test_ending_an_absence_early_is_announced(ann, boss, heard):
    now = make.absence(ann, AT - timedelta(hours=1), AT + timedelta(days=3))
    planned = make.absence(ann, AT + timedelta(days=9), AT + timedelta(days=10))
    over = make.absence(ann, AT - timedelta(days=9), AT - timedelta(days=8))

    for absence in (now, planned, over):
        absences.end(absence=absence, by=boss, at=AT)

    now.refresh_from_db()
    over.refresh_from_db()
    assert now.ends_at == AT
    assert over.ends_at == AT - timedelta(days=8)
    assert list(ann.absences.order_by("pk")) == [now, over]
    assert heard == [("available", ann.pk)] * 2


def test_a_skill_has_one_level_with_history(ann, boss):
    french = make.skill("french")

    for level in (2, 4):
        people.set_skill(rep=ann, skill=french, level=level, by=boss, at=AT)

    row = RepSkill.objects.get()
    assert row.level == 4
    assert list(row.history.order_by("history_id").values_list("level", flat=True)) == [2, 4]


def test_the_time_zone_is_kept_and_on_record(ann):
    people.set_time_zone(user=ann.user, time_zone="Asia/Tokyo", at=AT)

    assert User.objects.get(pk=ann.user.pk).time_zone == "Asia/Tokyo"
    assert AuditEvent.objects.get(kind="preferences").data == {"zone": "Asia/Tokyo"}


def test_whatever_changes_who_may_get_a_lead_moves_the_rosters_stamp(ann, boss):
    stamps = [RosterStamp.current()]
    for act in (
        lambda: people.pause(rep=ann, until=None, reason="Training", by=boss, at=AT),
        lambda: people.resume(rep=ann, by=boss, at=AT),
        lambda: people.set_capacity(rep=ann, capacity=3, by=boss, at=AT),
        lambda: make.absence(ann, AT, LATER),
        lambda: make.rep_skill(ann, make.skill("x")),
        lambda: make.pool(ann),
        lambda: make.territory(),
        lambda: make.territory_backup(make.territory(), ann),
        lambda: make.calendar(),
        lambda: people.deactivate(rep=ann, reason="x", by=boss, at=AT, driver="web"),
    ):
        act()
        stamps.append(RosterStamp.current())

    assert stamps == sorted(set(stamps))


def test_after_a_migration_the_groups_have_everything_they_need():
    def held():
        return {
            group.name: set(group.permissions.values_list("pk", flat=True))
            for group in Group.objects.all()
        }

    after_migration = held()
    access.sync_groups()

    assert set(after_migration) == set(access.GROUPS)
    assert after_migration == held()
    assert after_migration["manager"]
    assert not after_migration["rep"]


def test_a_user_is_never_deleted(ann):
    with pytest.raises(UserCannotBeDeleted):
        ann.user.delete()


def test_the_teams_below_are_managed_too():
    head, boss = make.user("head"), make.user("lead")
    region = make.team("Region", manager=head)
    north = make.team("North", parent=region, manager=boss)
    deep = make.team("Deep", parent=north)
    make.team("Elsewhere")

    assert access.teams_of(head) == {region.pk, north.pk, deep.pk}
    assert access.teams_of(boss) == {north.pk, deep.pk}
    assert access.manages(boss, make.rep(team=deep))
    assert not access.manages(boss, make.rep(team=region))
