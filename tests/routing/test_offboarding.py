"""A rep leaves: everything they hold goes by the plan, and comes back as it was."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AccountOwner, Opportunity, Territory
from reps.models import AuditEvent, Message, Rep, Team
from reps.services import people
from routing import work
from routing.models import (
    Lead,
    Offboarding,
    OffboardingItem,
    PoolMember,
    Queue,
    ReassignmentRequest,
    Rule,
    RuleSet,
)
from routing.models.offboarding import Way
from routing.offboarding import carry, plan, registry, sharing
from tests import make
from tests.processes import scene as floor

AT = make.MONDAY_9AM
LATER = AT + timedelta(minutes=5)
State, ItemState = Offboarding.State, OffboardingItem.State


class Scene:
    """Somebody whom everything names, a successor, and who plans it."""

    def __init__(self, *, leads: int = 2) -> None:
        make.organisation()
        self.boss = make.user("boss", group="revops")
        self.manager = make.user("manager", group="manager")
        self.team = make.team("West", manager=self.manager)
        self.rep = make.rep("leaver", team=self.team)
        self.heir = make.rep("heir", team=self.team)
        self.other = make.rep("other", team=self.team, backup=self.rep)
        self.pool = make.pool(self.rep, self.other, weights=(3, 1))
        self.account = make.account("Globex", country="US")
        self.named = make.account_owner(self.account, self.rep)
        make.account_owner(self.account, self.other, role=AccountOwner.Role.BACKUP)
        self.deal = make.opportunity(self.account, self.rep)
        self.territory = make.territory("US", countries=["US"], owner=self.rep)
        make.territory("FR", countries=["FR"], owner=self.other, backup=self.rep)
        make.team("South", manager=self.rep.user, deputy=self.rep.user)
        make.queue(self.pool, name="Desk", responsible=self.rep.user)
        make.rules(
            {
                "name": "Big ones",
                "path": {"target": {"kind": "rep", "id": self.rep.pk}},
                "owner": self.boss,
            }
        )
        self.leads = [make.owned(self.rep) for _ in range(leads)]
        self.elsewhere = make.owned(self.other)
        work.request_reassignment(
            lead_id=self.elsewhere.pk,
            epoch=self.elsewhere.owner_epoch,
            reason="fits better",
            wanted=self.rep,
            by=self.other.user,
            at=AT,
        )

    def plan(self, **more) -> Offboarding:
        more.setdefault("successor", self.heir)
        return plan.make(rep=self.rep, reason="leaves", by=self.boss, at=AT, **more)

    def done(self, row: Offboarding | None = None, at=AT) -> Offboarding:
        row = row or self.plan()
        carry.start(offboarding=row, by=self.boss, at=at, driver="test")
        return carry.run(offboarding=row, at=at, driver="test", steps=100)

    def undone(self, row: Offboarding, at=LATER) -> Offboarding:
        carry.undo(offboarding=row, by=self.boss, at=at, driver="test")
        return carry.run(offboarding=row, at=at, driver="test", steps=100)


def references() -> dict:
    """Every reference that a kind hands over, as it stands now."""
    found = {}
    for kind in registry.kinds():
        for label in kind.references:
            model, column = dict(registry.references())[label].model, label.rsplit(".", 1)[1]
            rows = model._base_manager.all()
            if model is AccountOwner:
                # From a day until before that day: it never was.
                rows = rows.exclude(ends_on=F("starts_on"))
                key = ["account_id", "role", "starts_on", "ends_on"]
            elif model is PoolMember:
                key = ["pool_id", "weight", "position"]
            elif model is Rule:
                rows, key = rows.filter(ruleset__state="PUBLISHED"), ["pk", "path", "condition"]
            else:
                key = ["pk"]
            found[label] = sorted(map(str, rows.values_list(*key, f"{column}_id")))
    found["people"] = sorted(
        Rep.objects.values_list("pk", "is_active", "paused_at", "pause_reason", "user__is_active")
    )
    return found


@pytest.mark.django_db
def test_all_that_names_them_goes_to_the_successor_and_they_leave():
    made = Scene()

    row = made.done()

    assert row.state == State.DONE
    rep = Rep.objects.select_related("user").get(pk=made.rep.pk)
    assert (rep.is_active, rep.user.is_active) == (False, False)
    assert set(Lead.objects.filter(pk__in=[x.pk for x in made.leads]).values_list("owner")) == {
        (made.heir.pk,)
    }
    assert AccountOwner.objects.get(ends_on=None, role="OWNER").rep == made.heir
    assert Opportunity.objects.get().owner == made.heir
    assert Territory.objects.get(name="US").owner == made.heir
    assert Territory.objects.get(name="FR").backup == made.heir
    assert not PoolMember.objects.filter(rep=made.rep).exists()
    assert Rep.objects.get(pk=made.other.pk).backup == made.heir
    assert Team.objects.get(name="South").manager == made.manager
    assert Team.objects.get(name="South").deputy is None
    assert Queue.objects.get(name="Desk").responsible == made.manager
    assert ReassignmentRequest.objects.get().wanted is None
    assert floor.violations(("I16", *floor.OWNERSHIP, *floor.TRAIL)) == {}


@pytest.mark.django_db
def test_nothing_that_is_handled_names_them_any_more():
    made = Scene()

    made.done()

    for kind in registry.kinds():
        # Published rules stay as they are; the draft, which counts, is found here.
        assert kind.find(made.rep, LATER) == [], kind.name


@pytest.mark.django_db
def test_a_published_rule_stays_and_a_draft_is_proposed():
    made = Scene()

    row = made.done()

    draft = RuleSet.objects.get(state="DRAFT")
    assert draft.rules.get(name="Big ones").path["target"]["id"] == made.heir.pk
    live = Rule.objects.get(ruleset__state="PUBLISHED", name="Big ones")
    assert live.path["target"]["id"] == made.rep.pk
    item = row.items.get(kind="rules")
    assert item.state == ItemState.DONE
    assert str(draft) in item.note


@pytest.mark.django_db
def test_undone_at_once_everything_is_as_it_was():
    made = Scene()
    before = references()

    row = made.undone(made.done())

    after = references()
    assert row.state == State.UNDONE
    assert [item.note for item in row.items.filter(state=ItemState.EXCEPTION)] == []
    for label, rows in before.items():
        if label == "routing.ReassignmentRequest.wanted":
            continue
        assert after[label] == rows, label
    assert floor.violations(("I16", *floor.OWNERSHIP, *floor.TRAIL)) == {}


@pytest.mark.django_db
def test_what_somebody_changed_since_stays_and_is_listed():
    made = Scene()
    row = made.done()
    us = Territory.objects.get(name="US")
    us.owner = made.other
    make.saved(us)
    kept = Lead.objects.get(pk=made.leads[0].pk)
    work.acknowledge(
        lead_id=kept.pk, epoch=kept.owner_epoch, by=made.heir.user, at=LATER, driver="test"
    )

    row = made.undone(row, at=LATER + timedelta(minutes=1))

    stayed = set(row.items.filter(state=ItemState.EXCEPTION).values_list("kind", "row_id"))
    assert stayed == {("territories", us.pk), ("leads", kept.pk)}
    assert Territory.objects.get(name="US").owner == made.other
    assert Lead.objects.get(pk=kept.pk).owner == made.heir
    assert Lead.objects.get(pk=made.leads[1].pk).owner == made.rep


@pytest.mark.django_db
def test_undone_days_later_the_days_between_stay_on_record():
    made = Scene()
    row = made.done()
    later = AT + timedelta(days=3)

    made.undone(row, at=later)

    rows = AccountOwner.objects.filter(account=made.account, role="OWNER").order_by(
        "starts_on", "pk"
    )
    assert [(one.rep, one.starts_on, one.ends_on) for one in rows] == [
        (made.rep, made.named.starts_on, AT.date()),
        (made.heir, AT.date(), later.date()),
        (made.rep, later.date(), None),
    ]


@pytest.mark.django_db
def test_a_full_successor_gets_what_fits_and_the_rest_is_routed_anew():
    made = Scene(leads=3)
    made.heir.capacity = 2
    make.saved(made.heir)

    row = made.done()

    owners = list(
        Lead.objects.filter(pk__in=[x.pk for x in made.leads]).values_list("owner", flat=True)
    )
    assert owners.count(made.heir.pk) == 2
    assert row.items.filter(kind="leads", note__contains="full").count() == 1


@pytest.mark.django_db
def test_a_crash_between_two_steps_loses_nothing(monkeypatch):
    made = Scene(leads=5)
    row = made.plan()
    carry.start(offboarding=row, by=made.boss, at=AT, driver="test")
    carry.step(offboarding_id=row.pk, at=AT, driver="test", batch=2)

    class PowerCut(Exception):
        pass

    def dies(*args, **kwargs):
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(carry, "_save", dies)
        with pytest.raises(PowerCut):
            carry.step(offboarding_id=row.pk, at=AT, driver="test", batch=2)
    held = Lead.objects.filter(owner=made.rep).count()
    while carry.drain(driver="test", due_before=AT):
        pass

    row.refresh_from_db()
    assert held == 3
    assert row.state == State.DONE
    assert Lead.objects.filter(owner=made.heir).count() == 5


@pytest.mark.django_db
def test_it_takes_effect_at_its_date_by_itself():
    made = Scene()
    row = made.plan()
    tomorrow = AT + timedelta(days=1)
    plan.reschedule(offboarding=row, effective_at=tomorrow, by=made.boss, at=AT)

    assert carry.drain(driver="test", due_before=AT) == 0
    late = make.owned(made.rep, at=AT + timedelta(hours=1))
    while carry.drain(driver="test", due_before=tomorrow):
        pass

    row.refresh_from_db()
    late.refresh_from_db()
    assert row.state == State.DONE
    assert late.owner == made.heir


@pytest.mark.django_db
def test_a_plan_with_rows_for_nobody_does_not_start():
    made = Scene()
    row = made.plan(successor=None)

    with pytest.raises(plan.OffboardingRefused, match="Choose who gets"):
        carry.start(offboarding=row, by=made.boss, at=AT, driver="test")

    assert Rep.objects.get(pk=made.rep.pk).paused_at is None


@pytest.mark.django_db
def test_a_row_chosen_by_itself_keeps_its_choice():
    made = Scene()
    row = made.plan()
    item = row.items.get(kind="territories")
    plan.choose(
        offboarding=row,
        kinds={},
        items={item.pk: (Way.SUCCESSOR, made.other.pk)},
        by=made.boss,
        at=AT,
    )
    plan.choose(
        offboarding=row,
        kinds={"territories": plan.Choice(Way.NOBODY)},
        items={},
        by=made.boss,
        at=AT,
    )

    made.done(row)

    assert Territory.objects.get(name="US").owner == made.other


@pytest.mark.django_db
def test_the_team_shares_by_what_each_has():
    made = Scene(leads=4)
    row = made.plan()
    plan.choose(
        offboarding=row,
        kinds={"leads": plan.Choice(Way.SPLIT)},
        items={},
        by=made.boss,
        at=AT,
    )

    made.done(row)

    # The other one has one already.
    held = Lead.objects.filter(place="OWNER").values_list("owner", flat=True)
    assert sorted([list(held).count(made.heir.pk), list(held).count(made.other.pk)]) == [2, 3]


@pytest.mark.django_db
def test_who_gets_something_hears_of_it_once():
    made = Scene()

    made.done()

    told = Message.objects.filter(kind="taken_over")
    assert set(told.values_list("recipient__username", flat=True)) == {"heir", "manager"}
    assert told.get(recipient=made.heir.user).payload["counts"]["leads"] == 2


@pytest.mark.django_db
def test_one_act_says_how_much_went_and_why():
    made = Scene()

    row = made.done()

    event = AuditEvent.objects.get(subject="routing.offboarding", kind="offboarded")
    assert event.reason_code == "leaves"
    assert event.data["counts"]["leads"] == {"DONE": 2}
    assert event.subject_id == row.pk


@pytest.mark.django_db
def test_after_leaving_nobody_can_give_them_a_lead():
    made = Scene()
    made.done()

    lead = make.lead(at=LATER)
    with pytest.raises(Exception, match="has left"):
        work.give_to(
            lead_id=lead.pk,
            epoch=lead.owner_epoch,
            rep_id=made.rep.pk,
            reason_code="CORRECTED",
            reason="by mistake",
            by=None,
            at=LATER,
            driver="test",
        )


@pytest.mark.django_db
def test_who_had_left_before_can_be_cleared_up_after():
    made = Scene()
    people.deactivate(rep=made.rep, reason="quit", by=made.boss, at=AT, driver="test")

    row = made.done(made.plan())

    assert row.state == State.DONE
    assert Territory.objects.get(name="US").owner == made.heir


@pytest.mark.django_db
@pytest.mark.parametrize("direction", ["there", "back"])
def test_statements_of_a_batch_do_not_grow_with_its_rows(direction):
    made = Scene(leads=2)
    counts = []
    for number in (2, 12):
        heir = make.rep(f"heir{number}", team=made.team)
        rep = make.rep(f"rep{number}", team=made.team)
        for _ in range(number):
            make.owned(rep)
            make.account_owner(make.account(), rep)
            make.territory(owner=rep)
        row = plan.make(rep=rep, reason="x", successor=heir, by=made.boss, at=AT)
        carry.start(offboarding=row, by=made.boss, at=AT, driver="test")
        if direction == "back":
            carry.run(offboarding=row, at=AT, driver="test", steps=50)
            carry.undo(offboarding=row, by=made.boss, at=LATER, driver="test")
        mine = {}
        for _ in range(4):
            with CaptureQueriesContext(connection) as seen:
                act = carry.step if direction == "there" else carry.step_back
                act(offboarding_id=row.pk, at=LATER, driver="test")
            mine[len(mine)] = len(seen)
        counts.append(mine)
    assert counts[0] == counts[1]


@given(
    st.lists(st.integers(), unique=True, max_size=30),
    st.dictionaries(st.integers(0, 5), st.integers(0, 9), min_size=1),
)
def test_nobody_gets_one_while_somebody_else_has_less(things, loads):
    given_to = sharing.to_the_least(things, loads)
    have = dict(loads)
    for thing in things:
        taker = given_to[thing]
        assert have[taker] == min(have.values())
        have[taker] += 1


@given(st.lists(st.integers(), unique=True, max_size=30), st.lists(st.integers(), unique=True))
def test_in_turn_nobody_gets_two_more_than_anybody(things, takers):
    given_to = sharing.in_turn(things, takers)
    counts = [list(given_to.values()).count(one) for one in takers]

    assert set(given_to) == (set(things) if takers else set())
    assert not counts or max(counts) - min(counts) <= 1
