"""Realignments: drafted apart, approved by two, in effect at a time, undone exactly."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import PlannedTerritory, Territory, TerritoryPlan
from accounts.services.plans import approval, conflicts, draft, effect, world
from accounts.services.plans.refusals import PlanConflict, PlanRefused
from reps.models import AuditEvent
from tests import make

AT = make.MONDAY_9AM
LATER = AT + timedelta(days=1)
States = TerritoryPlan.State

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    make.organisation()
    return make.user("avery", group="revops"), make.user("blake", group="manager")


def plan_of(by, **more):
    return draft.start(name="Autumn", reason="Growth", by=by, at=AT, **more)


def in_effect(plan, people, *, at=LATER):
    author, second = people
    approval.ask(plan=plan, by=author, at=AT)
    approval.approve(plan=plan, by=second, at=AT)
    effect.drain(driver="test", due_before=at)
    plan.refresh_from_db()
    return plan


def snapshot():
    return {pk: world.state_of(row) for pk, row in world.live().items()}


class TestDraft:
    def test_changing_a_draft_leaves_the_live_territory_alone(self, people):
        ann, ben = make.rep("ann"), make.rep("ben")
        west = make.territory("West", owner=ann, countries=["US"], regions=["CA", "OR"])
        plan = plan_of(people[0])

        change = draft.put(plan=plan, key=west.pk, state={"owner_id": ben.pk}, by=people[0], at=AT)

        west.refresh_from_db()
        assert west.owner == ann
        assert change.changed == ["owner_id"]
        assert world.planned(plan, world.live())[west.pk].owner_id == ben.pk

    def test_a_change_that_is_taken_back_leaves_the_draft(self, people):
        ann, ben = make.rep("ann"), make.rep("ben")
        west = make.territory("West", owner=ann)
        plan = plan_of(people[0])
        draft.put(plan=plan, key=west.pk, state={"owner_id": ben.pk}, by=people[0], at=AT)

        draft.put(plan=plan, key=west.pk, state={"owner_id": ann.pk}, by=people[0], at=AT)

        assert not plan.changes.exists()

    def test_states_are_split_off_as_a_new_territory(self, people):
        ann, ben = make.rep("ann"), make.rep("ben")
        west = make.territory("West", owner=ann, countries=["US"], regions=["CA", "OR", "WA"])
        plan = plan_of(people[0])

        made = draft.move_parts(
            plan=plan,
            source=west.pk,
            parts={"regions": ["OR", "WA"]},
            name="Northwest",
            owner=ben.pk,
            by=people[0],
            at=AT,
        )

        then = world.planned(plan, world.live())
        assert then[west.pk].regions == ["CA"]
        assert then[made.key].regions == ["OR", "WA"]
        assert then[made.key].countries == ["US"]
        assert then[made.key].owner_id == ben.pk

    def test_parts_move_only_where_the_target_asks_for_the_same_beside(self, people):
        west = make.territory("West", countries=["US"], regions=["CA", "OR"])
        big = make.territory("Big", countries=["US"], regions=["NV"], employees_min=500)
        plan = plan_of(people[0])

        with pytest.raises(PlanRefused, match="employees from"):
            draft.move_parts(
                plan=plan,
                source=west.pk,
                parts={"regions": ["OR"]},
                target=big.pk,
                by=people[0],
                at=AT,
            )
        assert not plan.changes.exists()

    def test_the_last_state_cannot_be_moved_away(self, people):
        west = make.territory("West", countries=["US"], regions=["CA"])
        east = make.territory("East", countries=["US"], regions=["NY"])

        with pytest.raises(PlanRefused, match="Nothing would be left"):
            draft.move_parts(
                plan=plan_of(people[0]),
                source=west.pk,
                parts={"regions": ["CA"]},
                target=east.pk,
                by=people[0],
                at=AT,
            )

    def test_merging_takes_both_and_retires_the_other(self, people):
        west = make.territory("West", countries=["US"], regions=["CA"])
        north = make.territory("North", countries=["US"], regions=["WA", "OR"])
        plan = plan_of(people[0])

        draft.merge(plan=plan, into=west.pk, other=north.pk, by=people[0], at=AT)

        then = world.planned(plan, world.live())
        assert then[west.pk].regions == ["CA", "WA", "OR"]
        assert not then[north.pk].is_active

    def test_what_cannot_be_said_as_one_territory_is_not_merged(self, people):
        west = make.territory("West", countries=["US"], regions=["CA"])
        dach = make.territory("DACH", countries=["DE", "AT"])

        with pytest.raises(PlanRefused, match="cannot be one"):
            draft.merge(plan=plan_of(people[0]), into=west.pk, other=dach.pk, by=people[0], at=AT)

    def test_nothing_becomes_a_part_of_itself(self, people):
        whole = make.territory("Whole")
        part = make.territory("Part", parent=whole)

        with pytest.raises(PlanRefused, match="part of itself"):
            draft.put(
                plan=plan_of(people[0]),
                key=whole.pk,
                state={"parent_id": part.pk},
                by=people[0],
                at=AT,
            )

    def test_a_name_that_is_taken_is_refused(self, people):
        make.territory("West")

        with pytest.raises(PlanRefused, match="taken"):
            draft.put(
                plan=plan_of(people[0]), key=None, state={"name": "West"}, by=people[0], at=AT
            )


class TestConflicts:
    def planned_owner(self, people):
        ann, ben, cleo = make.rep("ann"), make.rep("ben"), make.rep("cleo")
        west = make.territory("West", owner=ann, regions=["CA"])
        plan = plan_of(people[0])
        draft.put(plan=plan, key=west.pk, state={"owner_id": ben.pk}, by=people[0], at=AT)
        return plan, west, cleo

    def test_what_the_plan_leaves_alone_may_change(self, people):
        plan, west, _ = self.planned_owner(people)
        west.regions = ["CA", "OR"]
        make.saved(west)

        in_effect(plan, people)

        west.refresh_from_db()
        assert west.owner.user.username == "ben"
        assert west.regions == ["CA", "OR"]

    def test_what_both_changed_is_named_and_keeps_it_from_being_asked_for(self, people):
        plan, west, cleo = self.planned_owner(people)
        west.owner = cleo
        make.saved(west)

        (found,) = conflicts.of(plan.changes.all(), world.live())

        assert (found.field, found.live) == ("owner_id", cleo.pk)
        with pytest.raises(PlanConflict, match="West was changed meanwhile"):
            approval.ask(plan=plan, by=people[0], at=AT)

    @pytest.mark.parametrize(("keeps_plan", "owner"), [(True, "ben"), (False, "cleo")])
    def test_rebasing_decides_each_conflict(self, people, keeps_plan, owner):
        plan, west, cleo = self.planned_owner(people)
        west.owner, west.rank = cleo, 5
        make.saved(west)
        change = plan.changes.get()

        draft.rebase(plan=plan, keep={(change.pk, "owner_id"): keeps_plan}, by=people[0], at=AT)

        assert not conflicts.of(plan.changes.all(), world.live())
        then = world.planned(plan, world.live())[west.pk]
        assert (then.owner.user.username, then.rank) == (owner, 5)

    def test_a_conflict_that_comes_after_the_approval_makes_it_a_draft_that_says_why(self, people):
        plan, west, cleo = self.planned_owner(people)
        approval.ask(plan=plan, by=people[0], at=AT)
        approval.approve(plan=plan, by=people[1], at=AT)
        west.owner = cleo
        make.saved(west)

        effect.drain(driver="test", due_before=LATER)

        plan.refresh_from_db()
        west.refresh_from_db()
        assert plan.state == States.DRAFT
        assert "West was changed meanwhile" in plan.error
        assert west.owner == cleo

    def test_a_rep_who_left_meanwhile_gets_nothing(self, people):
        plan, west, _ = self.planned_owner(people)
        approval.ask(plan=plan, by=people[0], at=AT)
        approval.approve(plan=plan, by=people[1], at=AT)
        ben = world.planned(plan, world.live())[west.pk].owner
        ben.is_active = False
        make.saved(ben)

        effect.drain(driver="test", due_before=LATER)

        plan.refresh_from_db()
        assert "has left" in plan.error


class TestApproval:
    def asked(self, people):
        west = make.territory("West")
        plan = plan_of(people[0])
        draft.put(plan=plan, key=west.pk, state={"rank": 3}, by=people[0], at=AT)
        return approval.ask(plan=plan, by=people[0], at=AT)

    def test_whoever_wrote_or_asked_cannot_approve(self, people):
        with pytest.raises(PlanRefused, match="somebody else"):
            approval.approve(plan=self.asked(people), by=people[0], at=AT)

    def test_a_rep_cannot_approve(self, people):
        with pytest.raises(PlanRefused, match="Managers"):
            approval.approve(plan=self.asked(people), by=make.rep("ann").user, at=AT)

    def test_what_was_asked_for_cannot_be_edited(self, people):
        plan = self.asked(people)

        with pytest.raises(PlanRefused, match="no draft any more"):
            draft.put(plan=plan, key=None, state={"name": "New"}, by=people[0], at=AT)

    def test_what_the_second_person_looked_at_is_what_they_approve(self, people):
        with pytest.raises(PlanRefused, match="changed since you looked"):
            approval.approve(plan=self.asked(people), by=people[1], at=AT, digest_seen="0" * 64)

    def test_a_plan_that_was_refused_is_a_draft_again(self, people):
        plan = approval.refuse(plan=self.asked(people), by=people[1], at=AT, reason="Too much")

        assert plan.state == States.DRAFT
        assert not plan.digest

    def test_a_plan_that_changes_nothing_is_not_asked_for(self, people):
        with pytest.raises(PlanRefused, match="nothing"):
            approval.ask(plan=plan_of(people[0]), by=people[0], at=AT)


class TestEffect:
    def test_it_waits_for_its_moment(self, people):
        west = make.territory("West")
        plan = plan_of(people[0], effective_at=LATER)
        draft.put(plan=plan, key=west.pk, state={"rank": 3}, by=people[0], at=AT)

        in_effect(plan, people, at=LATER - timedelta(seconds=1))
        assert plan.state == States.SCHEDULED

        effect.drain(driver="test", due_before=LATER)
        west.refresh_from_db()
        assert west.rank == 3

    def test_history_and_audit_name_the_plan(self, people):
        west = make.territory("West")
        plan = plan_of(people[0])
        draft.put(plan=plan, key=west.pk, state={"rank": 3}, by=people[0], at=AT)

        in_effect(plan, people)

        row = west.history.first()
        assert (row.rank, row.history_change_reason) == (3, f"plan {plan.pk}")
        event = AuditEvent.objects.get(chain=f"accounts.territory:{west.pk}", kind="realigned")
        assert event.reason == "Autumn"
        assert event.data["plan"] == plan.pk
        assert event.actor == people[1]

    def test_it_happens_once(self, people):
        west = make.territory("West")
        plan = plan_of(people[0])
        draft.put(plan=plan, key=west.pk, state={"rank": 3}, by=people[0], at=AT)
        in_effect(plan, people)
        rows = west.history.count()

        assert not effect.take_effect(plan_id=plan.pk, at=LATER)
        assert west.history.count() == rows

    def test_a_new_part_of_a_new_territory_is_made_with_its_parent(self, people):
        plan = plan_of(people[0])
        whole = draft.put(plan=plan, key=None, state={"name": "Whole"}, by=people[0], at=AT)
        draft.put(
            plan=plan, key=None, state={"name": "Part", "parent_id": whole.key}, by=people[0], at=AT
        )

        in_effect(plan, people)

        assert Territory.objects.get(name="Part").parent.name == "Whole"
        assert Territory.objects.get(name="Part").history.first().parent.name == "Whole"

    def test_the_later_plan_supersedes_the_earlier_until_it_is_undone(self, people):
        west = make.territory("West")
        first, second = plan_of(people[0]), plan_of(people[0])
        draft.put(plan=first, key=west.pk, state={"rank": 3}, by=people[0], at=AT)
        in_effect(first, people)
        draft.put(plan=second, key=west.pk, state={"rank": 4}, by=people[0], at=AT)
        in_effect(second, people)

        first.refresh_from_db()
        assert first.state == States.SUPERSEDED
        with pytest.raises(PlanRefused, match="first"):
            effect.undo(plan=first, by=people[0], at=LATER, reason="No")
        effect.undo(plan=second, by=people[0], at=LATER, reason="No")
        first.refresh_from_db()
        west.refresh_from_db()
        assert (first.state, west.rank) == (States.IN_EFFECT, 3)

    def test_take_effect_statements_do_not_grow_with_the_plan(self, people):
        plan_of(people[0])
        counts = []
        for number in (2, 20):
            plan = plan_of(people[0])
            for n in range(number):
                row = make.territory(f"T{number}.{n}")
                draft.put(plan=plan, key=row.pk, state={"rank": 3}, by=people[0], at=AT)
                draft.put(
                    plan=plan, key=None, state={"name": f"N{number}.{n}"}, by=people[0], at=AT
                )
            approval.ask(plan=plan, by=people[0], at=AT)
            approval.approve(plan=plan, by=people[1], at=AT)
            with CaptureQueriesContext(connection) as seen:
                effect.take_effect(plan_id=plan.pk, at=LATER)
            counts.append(len(seen))
            effect.undo(plan=plan, by=people[0], at=LATER, reason="Again")

        assert counts[0] == counts[1]


class TestUndo:
    def test_what_somebody_changed_since_stays_and_is_named(self, people):
        ann, ben, cleo = make.rep("ann"), make.rep("ben"), make.rep("cleo")
        west = make.territory("West", owner=ann)
        plan = plan_of(people[0])
        draft.put(
            plan=plan, key=west.pk, state={"owner_id": ben.pk, "rank": 3}, by=people[0], at=AT
        )
        in_effect(plan, people)
        west.refresh_from_db()
        west.owner = cleo
        make.saved(west)

        undone = effect.undo(plan=plan, by=people[0], at=LATER, reason="It went wrong")

        west.refresh_from_db()
        assert (west.owner, west.rank) == (cleo, 0)
        assert undone.exceptions == [
            [west.pk, "owner_id", "West: the owner was changed since, so it stays."]
        ]

    def test_a_new_territory_that_has_got_parts_since_is_switched_off(self, people):
        plan = plan_of(people[0])
        draft.put(plan=plan, key=None, state={"name": "New"}, by=people[0], at=AT)
        in_effect(plan, people)
        made = Territory.objects.get(name="New")
        make.territory("Part", parent=made)

        undone = effect.undo(plan=plan, by=people[0], at=LATER, reason="It went wrong")

        made.refresh_from_db()
        assert not made.is_active
        assert "still used" in undone.exceptions[0][2]

    def test_who_owned_a_place_on_a_day_is_answered_from_the_history(self, people):
        ann, ben = make.rep("ann"), make.rep("ben")
        west = make.territory("West", owner=ann, regions=["CA"])
        plan = plan_of(people[0])
        draft.put(plan=plan, key=west.pk, state={"owner_id": ben.pk}, by=people[0], at=AT)
        in_effect(plan, people)

        assert world.on_day(LATER - timedelta(hours=1))[west.pk].owner == ann
        assert world.on_day(LATER)[west.pk].owner == ben
        assert not world.on_day(AT - timedelta(days=1))
        make.saved(Territory(name="Same"), at=LATER)
        same = Territory.objects.get(name="Same")
        same.rank = 4
        make.saved(same, at=LATER)
        assert world.on_day(LATER)[same.pk].rank == 4
        same.delete()
        assert same.pk not in world.on_day(LATER + timedelta(days=9999))


acts = st.lists(
    st.tuples(
        st.sampled_from(["owner", "parent", "regions", "rank", "retire", "make", "split", "merge"]),
        st.integers(0, 7),
        st.integers(0, 7),
    ),
    min_size=1,
    max_size=8,
)
parents = st.lists(st.integers(-1, 5), min_size=3, max_size=6)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tree=parents, steps=acts)
def test_undoing_a_plan_gives_back_every_territory_exactly(people, tree, steps):
    with transaction.atomic():
        reps = [make.rep(), make.rep(), None]
        rows = []
        for number, parent in enumerate(tree):
            rows.append(
                make.territory(
                    f"T{number}",
                    parent=rows[parent] if 0 <= parent < number else None,
                    owner=reps[number % 3],
                    regions=[f"R{number}{letter}" for letter in "abc"[: number % 4]],
                )
            )
        plan = plan_of(people[0])
        for what, one, two in steps:
            _try(plan, rows, reps, what, one, two, by=people[0])
        before = snapshot()
        if plan.changes.exists():
            then = {
                row.name: (row.owner_id, row.regions, row.rank, row.is_active)
                for row in world.planned(plan, world.live()).values()
            }
            in_effect(plan, people)
            assert then == {
                row.name: (row.owner_id, row.regions, row.rank, row.is_active)
                for row in Territory.objects.all()
            }
            undone = effect.undo(plan=plan, by=people[0], at=LATER, reason="Again")
            assert undone.exceptions == []
        assert snapshot() == before
        transaction.set_rollback(True)


def _try(plan, rows, reps, what, one, two, *, by):
    """One act of a random draft; what the draft refuses is no change."""
    here, there = rows[one % len(rows)].pk, rows[two % len(rows)].pk
    rep = reps[two % 3]
    acts = {
        "owner": lambda: {"owner_id": rep.pk if rep else None},
        "parent": lambda: {"parent_id": there},
        "regions": lambda: {"regions": [f"X{two}"]},
        "rank": lambda: {"rank": two},
    }
    try:
        if what in acts:
            draft.put(plan=plan, key=here, state=acts[what](), by=by, at=AT)
        elif what == "retire":
            draft.retire(plan=plan, key=here, by=by, at=AT)
        elif what == "merge":
            draft.merge(plan=plan, into=here, other=there, by=by, at=AT)
        elif what == "make":
            made = PlannedTerritory.objects.filter(plan=plan, before=None).last()
            state = {"name": f"New {one}.{two}", "parent_id": made.key if made else here}
            draft.put(plan=plan, key=None, state=state, by=by, at=AT)
        else:
            regions = world.planned(plan, world.live())[here].regions
            draft.move_parts(
                plan=plan,
                source=here,
                parts={"regions": regions[:1]},
                name=f"Split {one}.{two}",
                by=by,
                at=AT,
            )
    except PlanRefused:
        pass
