"""Open leads follow a realignment, in batches, and come back when it is undone."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import TerritoryPlan
from accounts.services.plans import approval, draft, effect
from reps import verify
from reps.due import jobs
from reps.models import Message
from routing import work
from routing.models import Lead, RealignedLead, Realignment, TerritoryStudy
from routing.realign import moves, proposal, study
from tests import make

AT = make.MONDAY_9AM
LATER = AT + timedelta(hours=2)
Leads = TerritoryPlan.Leads

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    """Ann has the West, Ben the East; Cleo has nothing yet."""
    make.organisation()
    ann, ben, cleo = (make.rep(name) for name in ("ann", "ben", "cleo"))
    return {
        "author": make.user("avery", group="revops"),
        "second": make.user("blake", group="manager"),
        "ann": ann,
        "ben": ben,
        "cleo": cleo,
        "west": make.territory("West", owner=ann, countries=["US"], regions=["CA", "OR", "WA"]),
        "east": make.territory("East", owner=ben, countries=["US"], regions=["NY", "NJ"]),
    }


def west_lead(rep, **more):
    return make.owned(rep, {"country": "US", "region": "CA"}, **more)


def planned(world, *, leads=Leads.ALL, **states):
    plan = draft.start(name="Autumn", reason="Growth", leads=leads, by=world["author"], at=AT)
    state = states or {"owner_id": world["cleo"].pk}
    draft.put(plan=plan, key=world["west"].pk, state=state, by=world["author"], at=AT)
    return plan


def in_effect(plan, world, *, at=LATER, leads_too=True):
    approval.ask(plan=plan, by=world["author"], at=AT)
    approval.approve(plan=plan, by=world["second"], at=AT)
    jobs.drain("territory_plans", driver="test", due_before=at)
    if leads_too:
        jobs.drain("realignments", driver="test", due_before=at)
    plan.refresh_from_db()
    return plan


def holders(*leads):
    return [Lead.objects.get(pk=lead.pk).owner for lead in leads]


def as_it_is(lead):
    row = Lead.objects.get(pk=lead.pk)
    names = ("place", "owner_id", "responsible_id", "state", "acknowledged_at", "assigned_at")
    return {name: getattr(row, name) for name in (*names, "former_owner_id")}


class TestWhatMoves:
    @pytest.mark.parametrize(
        ("policy", "expected"),
        [(Leads.STAY, "ann ann"), (Leads.UNSEEN, "cleo ann"), (Leads.ALL, "cleo cleo")],
    )
    def test_the_plan_says_which_open_leads_follow(self, world, policy, expected):
        fresh, taken = west_lead(world["ann"]), west_lead(world["ann"])
        work.acknowledge(lead_id=taken.pk, epoch=taken.owner_epoch, by=world["ann"].user, at=AT)

        in_effect(planned(world, leads=policy), world)

        assert " ".join(rep.user.username for rep in holders(fresh, taken)) == expected

    def test_what_somebody_holds_for_another_reason_stays(self, world):
        other = west_lead(world["ben"])
        named = make.owned(
            world["ann"], {"country": "US", "region": "CA", "email": "x@named-company.com"}
        )
        account = make.account("Named", domain="named-company.com")
        make.account_owner(account, world["ann"])
        Lead.objects.filter(pk=named.pk)
        named.account = account
        make.saved(named)

        in_effect(planned(world), world)

        assert holders(other, named) == [world["ben"], world["ann"]]

    def test_nobody_gets_more_than_their_capacity(self, world):
        world["cleo"].capacity = 1
        make.saved(world["cleo"])
        one, other = west_lead(world["ann"]), west_lead(world["ann"])

        in_effect(planned(world), world)

        assert holders(one, other) == [world["cleo"], world["ann"]]
        kept = RealignedLead.objects.get(lead=other)
        assert kept.state == RealignedLead.State.KEPT
        assert "1 open leads of 1" in kept.why

    def test_it_goes_on_where_it_was_cut_off(self, world, monkeypatch):
        monkeypatch.setattr(moves, "BATCH", 2)
        leads = [west_lead(world["ann"]) for _ in range(5)]
        in_effect(planned(world), world, leads_too=False)

        moves.drain(driver="test", due_before=LATER)
        assert holders(*leads).count(world["cleo"]) == 2
        jobs.drain("realignments", driver="sweep", due_before=LATER)

        assert set(holders(*leads)) == {world["cleo"]}
        assert RealignedLead.objects.count() == 5
        assert Realignment.objects.get().ended_at == LATER

    def test_a_batch_that_fails_changes_nothing(self, world, monkeypatch):
        lead = west_lead(world["ann"])
        in_effect(planned(world), world, leads_too=False)

        def fail(rows):
            raise RuntimeError("cut off")

        with monkeypatch.context() as patch:
            patch.setattr(moves, "insert_many", fail)
            with pytest.raises(RuntimeError):
                moves.drain(driver="test", due_before=LATER)
        assert holders(lead) == [world["ann"]]

        moves.drain(driver="test", due_before=LATER)
        assert holders(lead) == [world["cleo"]]

    def test_reps_are_told_what_they_gain_and_lose(self, world):
        in_effect(planned(world), world)

        told = {m.recipient: m for m in Message.objects.filter(kind="territories_realigned")}
        assert set(told) == {world["ann"].user, world["cleo"].user}

    def test_move_batch_statements_do_not_grow_with_the_leads(self, world):
        counts = []
        for number in (1, 2, 12):
            for _ in range(number):
                west_lead(world["ann"])
            plan = planned(world)
            in_effect(plan, world, leads_too=False)
            with CaptureQueriesContext(connection) as seen:
                moves.drain(driver="test", due_before=LATER)
            counts.append(len(seen))
            jobs.drain("realignments", driver="test", due_before=LATER)
            effect.undo(plan=plan, by=world["author"], at=LATER, reason="Again")
            jobs.drain("realignments", driver="test", due_before=LATER)

        assert counts[-2] == counts[-1]


class TestUndo:
    def test_leads_that_nobody_touched_go_back_exactly(self, world):
        make.policy("Acknowledge")
        fresh, taken = west_lead(world["ann"]), west_lead(world["ann"])
        work.acknowledge(lead_id=taken.pk, epoch=taken.owner_epoch, by=world["ann"].user, at=AT)
        before = as_it_is(fresh), as_it_is(taken)
        plan = in_effect(planned(world), world)
        assert set(holders(fresh, taken)) == {world["cleo"]}

        effect.undo(plan=plan, by=world["author"], at=LATER, reason="Too soon")
        jobs.drain("realignments", driver="test", due_before=LATER)

        assert (as_it_is(fresh), as_it_is(taken)) == before
        wrong = [text for _, found in verify.run(at=LATER) for text in found]
        # Two hours have passed in which nobody drained clocks and messages.
        assert not [text for text in wrong if "should have" not in text]

    def test_what_the_new_holder_took_up_stays_and_is_named(self, world):
        lead, passed_on = west_lead(world["ann"]), west_lead(world["ann"])
        plan = in_effect(planned(world), world)
        lead.refresh_from_db()
        passed_on.refresh_from_db()
        work.acknowledge(lead_id=lead.pk, epoch=lead.owner_epoch, by=world["cleo"].user, at=LATER)
        work.give_to(
            lead_id=passed_on.pk,
            epoch=passed_on.owner_epoch,
            rep_id=world["ben"].pk,
            reason_code="CORRECTED",
            reason="x",
            by=None,
            at=LATER,
            driver="test",
        )

        effect.undo(plan=plan, by=world["author"], at=LATER, reason="Too soon")
        jobs.drain("realignments", driver="test", due_before=LATER)

        assert holders(lead, passed_on) == [world["cleo"], world["ben"]]
        whys = set(RealignedLead.objects.values_list("state", "why"))
        assert whys == {
            ("STAYED", "Its new holder has taken it up."),
            ("STAYED", "It has changed hands since."),
        }


class TestPreview:
    def result(self, plan):
        asked = study.preview(plan=plan, by=None, at=AT + timedelta(minutes=5))
        jobs.drain("studies", driver="test", due_before=AT + timedelta(minutes=5))
        asked.refresh_from_db()
        assert asked.state == TerritoryStudy.State.DONE, asked.error
        return asked.result

    def test_it_says_what_will_happen_then(self, world):
        leads = [west_lead(world["ann"]) for _ in range(3)]
        make.owned(world["ben"], {"country": "US", "region": "NY"})
        work.acknowledge(
            lead_id=leads[0].pk, epoch=leads[0].owner_epoch, by=world["ann"].user, at=AT
        )
        plan = planned(world, leads=Leads.UNSEEN)

        found = self.result(plan)
        in_effect(plan, world)

        told = {line["key"]: line["open"] for line in found["lines"]}
        for rep, before in (("ann", 3), ("ben", 1), ("cleo", 0)):
            after = Lead.objects.filter(owner=world[rep]).count()
            assert told[f"r{world[rep].pk}"] == [before, after]
        assert found["moves"] == {"STAY": 0, "UNSEEN": 2, "ALL": 3}

    def test_both_sides_add_up(self, world):
        for region in ("CA", "CA", "NY", "TX"):
            make.lead({"country": "US", "region": region})
        make.account("Named", country="US", region="CA")
        named = make.account(country="US", region="CA")
        make.account_owner(named, world["ben"])

        found = self.result(planned(world))

        for measure in ("flow", "accounts", "open", "points"):
            columns = [line[measure] for line in found["lines"]]
            assert [sum(side) for side in zip(*columns, strict=True)] == found["total"][measure]
            assert found["total"][measure][0] == found["total"][measure][1]
        lines = {line["key"]: line for line in found["lines"]}
        assert lines["-"]["flow"] == [1, 1]
        assert lines[f"r{world['ben'].pk}"]["accounts"] == [1, 1]
        assert lines[f"r{world['cleo'].pk}"]["accounts"] == [0, 1]
        assert found["counts"]["accounts_named"] == 1

    def test_it_is_stale_once_the_plan_changes(self, world):
        plan = planned(world)
        asked = study.preview(plan=plan, by=None, at=AT)
        assert not study.is_stale(asked, plan)

        draft.put(plan=plan, key=world["east"].pk, state={"rank": 2}, by=world["author"], at=AT)

        assert study.is_stale(asked, plan)

    def test_steps_count_everything_once_whoever_drives(self, world, monkeypatch):
        monkeypatch.setattr(study, "LEADS_AT_ONCE", 2)
        for _ in range(5):
            west_lead(world["ann"])
        row = study.preview(plan=planned(world), by=None, at=AT + timedelta(minutes=5))
        twice = TerritoryStudy.objects.get(pk=row.pk)
        late = AT + timedelta(minutes=5)
        study.drain(driver="one", due_before=late)

        # Somebody who computed the same first step stores it too late.
        progress, seen = study._step(twice)
        study._write(twice, progress, seen, None, at=late)
        jobs.drain("studies", driver="two", due_before=late)

        row.refresh_from_db()
        assert row.result["counts"]["leads"] == 5


class TestProposal:
    def proposed(self, world, **options):
        make.territory("Middle", owner=world["cleo"], countries=["US"], regions=["NV"])
        for region, number in (("CA", 6), ("OR", 2), ("WA", 4), ("NV", 1), ("NY", 4)):
            for _ in range(number):
                make.lead({"country": "US", "region": region})
        at = AT + timedelta(minutes=5)
        row = study.workload(options={"measure": "flow", **options}, by=None, at=at)
        jobs.drain("studies", driver="test", due_before=at)
        row.refresh_from_db()
        assert row.state == TerritoryStudy.State.DONE, row.error
        return row

    def test_it_moves_a_state_to_a_neighbour_and_says_why(self, world):
        found = self.proposed(world).result

        (move,) = found["moves"]
        assert (move["value"], move["from_name"], move["to_name"]) == ("CA", "ann", "cleo")
        assert (move["from_load"], move["to_load"]) == ([12, 6], [1, 7])
        assert move["beside"] == ["NV"]
        assert found["peak"] == [12, 7]
        assert found["bound"] <= 7
        assert sum(area["flow"] for area in found["areas"]) == 17

    def test_a_locked_territory_stays(self, world):
        assert self.proposed(world, locked=[world["west"].pk]).result["moves"] == []

    def test_who_does_not_speak_the_language_does_not_get_it(self, world):
        english = make.skill("english", category="LANGUAGE")
        make.rep_skill(world["ann"], english)
        make.rep_skill(world["ben"], english)

        assert self.proposed(world).result["moves"] == []

    def test_it_becomes_a_draft(self, world):
        row = self.proposed(world)

        plan = proposal.adopt(study=row, by=world["author"], at=AT)

        said = {change.after["name"]: change.after["regions"] for change in plan.changes.all()}
        assert said == {"West": ["OR", "WA"], "Middle": ["NV", "CA"]}
        assert plan.state == TerritoryPlan.State.DRAFT
