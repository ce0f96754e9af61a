"""Repair: only untouched leads, what would become of them, sent back, races skipped and named."""

from datetime import timedelta

import pytest

from reps.models import AuditEvent
from reps.trail import audit
from routing import work
from routing.models import Assignment, Lead, Limit, Organisation, PoolStanding, RepLoad
from routing.rules import lifecycle, repair
from routing.rules.refusals import RulesRefused
from routing.version_forms import posted_leads
from tests import make

AT = make.MONDAY_9AM
LATER = AT + timedelta(minutes=10)
pytestmark = pytest.mark.django_db
ALL = {"name": "Everything", "condition": {"all": []}}


@pytest.fixture
def boss():
    make.organisation()
    return make.user("boss", is_superuser=True)


@pytest.fixture
def right(boss):
    return make.rep("right")


@pytest.fixture
def wrong(boss):
    return make.rep("wrong")


@pytest.fixture
def bad(right, wrong):
    """Version 1 gives all to the pool Right; version 2, the bad one, to the pool Wrong."""
    make.rules({**make.round_robin(make.pool(right, name="Right")), **ALL})
    return make.rules({**make.round_robin(make.pool(wrong, name="Wrong")), **ALL})


@pytest.fixture
def misrouted(bad):
    return [make.routed(lead) for lead in make.leads(3)]


@pytest.fixture
def rolled_back(misrouted, bad, boss):
    lifecycle.roll_back(to=bad.based_on, by=boss, at=LATER, reason="wrong pool")
    return misrouted


def reroute(bad, leads, boss, *, at=LATER, reason="they were ours", epochs=None):
    chosen = [(lead.pk, (epochs or {}).get(lead.pk, lead.owner_epoch)) for lead in leads]
    return repair.reroute(ruleset=bad, chosen=chosen, reason=reason, by=boss, at=at)


def test_the_preview_says_what_the_live_version_would_do_and_stores_nothing(rolled_back, bad, boss):
    decisions = Lead.objects.filter(decisions__isnull=False).count()

    found = repair.preview(bad, by=boss, at=LATER)

    assert {row.lead for row in found.rows} == set(rolled_back)
    assert {row.would for row in found.rows} == {"goes to right by “Everything”"}
    assert all(row.moves for row in found.rows)
    assert (found.total, found.hidden) == (3, 0)
    assert Lead.objects.filter(decisions__isnull=False).count() == decisions


def test_the_preview_leaves_out_what_the_leads_took_of_a_days_limit(boss, right):
    """Sent back they count toward no limit, so the same rep may have them again."""
    pool = make.pool(right)
    make.saved(Limit(pool=pool, kind="flow", most=2, window="DAY", rolling=True))
    spec = {**make.round_robin(pool, on_empty="wait"), **ALL}
    make.rules(spec)
    bad = make.rules(spec)
    misrouted = [make.routed(lead) for lead in make.leads(2)]
    lifecycle.roll_back(to=bad.based_on, by=boss, at=LATER, reason="wrong")

    before = repair.preview(bad, by=boss, at=LATER).rows
    done = reroute(bad, misrouted, boss)
    for lead in misrouted:
        make.routed(lead, at=LATER)

    assert [row.moves for row in before] == [False, False]
    assert len(done.moved) == 2
    assert {lead.owner_id for lead in Lead.objects.all()} == {right.pk}


def test_only_untouched_leads_of_that_version_are_shown(rolled_back, bad, boss, wrong, right):
    seen, reached, moved = rolled_back
    by_other = make.routed(make.lead())
    work.acknowledge(lead_id=seen.pk, epoch=seen.owner_epoch, by=wrong.user, at=LATER)
    work.give_to(
        lead_id=moved.pk,
        epoch=moved.owner_epoch,
        rep_id=right.pk,
        reason_code="CORRECTED",
        reason="by hand",
        by=boss,
        at=LATER,
        driver="test",
    )

    found = {row.lead for row in repair.preview(bad, by=boss, at=LATER).rows}

    assert found == {reached}
    assert by_other not in found


def test_the_chosen_go_back_with_their_counters_and_are_routed_again(
    rolled_back, bad, boss, wrong, right
):
    done = reroute(bad, rolled_back[:2], boss)

    assert (done.moved, done.skipped) == ([lead.pk for lead in rolled_back[:2]], [])
    assert RepLoad.objects.get(rep=wrong).open == 1
    lead = Lead.objects.get(pk=rolled_back[0].pk)
    assert (lead.queue, lead.route_at) == (Organisation.get().intake_queue, LATER)
    assert lead.former_owner is None
    custody = Assignment.objects.get(lead=lead, ended_at__isnull=True)
    assert (custody.reason_code, custody.reason, custody.by) == ("REPAIRED", "they were ours", boss)

    assert make.routed(lead, at=LATER).owner == right
    rolled_back[2].refresh_from_db()
    assert rolled_back[2].owner == wrong
    assert not list(audit.broken())


def test_the_balances_add_up_to_zero_afterwards(boss, right, wrong):
    third = make.rep("third")
    make.rules({**make.round_robin(make.pool(right)), **ALL})
    bad = make.rules({**make.round_robin(make.pool(wrong, third)), **ALL})
    leads = [make.routed(lead) for lead in make.leads(3)]
    lifecycle.roll_back(to=bad.based_on, by=boss, at=LATER, reason="wrong pool")

    reroute(bad, leads, boss)

    balances = list(PoolStanding.objects.values_list("balance", flat=True))
    assert sum(balances) == 0
    assert set(balances) == {0}


def test_a_lead_touched_meanwhile_is_left_alone_and_named(rolled_back, bad, boss, wrong, right):
    seen, moved, gone, *_ = rolled_back
    epochs = {lead.pk: lead.owner_epoch for lead in rolled_back}
    work.acknowledge(lead_id=seen.pk, epoch=seen.owner_epoch, by=wrong.user, at=LATER)
    work.give_to(
        lead_id=moved.pk,
        epoch=moved.owner_epoch,
        rep_id=right.pk,
        reason_code="CORRECTED",
        reason="by hand",
        by=boss,
        at=LATER,
        driver="test",
    )

    done = reroute(bad, rolled_back, boss, epochs=epochs)

    assert done.moved == [gone.pk]
    assert dict(done.skipped) == {
        seen.pk: "Somebody has begun to work on it.",
        moved.pk: "It has changed hands meanwhile.",
    }
    event = AuditEvent.objects.get(pk=done.event)
    assert event.data["moved"] == [gone.pk]
    moved.refresh_from_db()
    assert moved.owner == right


def test_a_lead_that_moves_between_check_and_lock_is_skipped(
    rolled_back, bad, boss, right, monkeypatch
):
    """Somebody gives a lead away while the repair waits for its row."""
    victim = rolled_back[1]
    locked = repair.ownership.lock_leads

    def overtaken(ids):
        monkeypatch.setattr(repair.ownership, "lock_leads", locked)
        work.give_to(
            lead_id=victim.pk,
            epoch=victim.owner_epoch,
            rep_id=right.pk,
            reason_code="CORRECTED",
            reason="quicker",
            by=boss,
            at=LATER,
            driver="test",
        )
        return locked(ids)

    monkeypatch.setattr(repair.ownership, "lock_leads", overtaken)
    done = reroute(bad, rolled_back, boss)

    assert [pk for pk, _why in done.skipped] == [victim.pk]
    assert len(done.moved) == 2
    victim.refresh_from_db()
    assert victim.owner == right


def test_repairing_twice_moves_nothing_twice(rolled_back, bad, boss):
    epochs = {lead.pk: lead.owner_epoch for lead in rolled_back}
    reroute(bad, rolled_back, boss, epochs=epochs)

    done = reroute(bad, rolled_back, boss, epochs=epochs)

    assert (done.moved, len(done.skipped)) == ([], 3)


def test_leads_that_were_put_to_rest_are_repaired_too(boss, right):
    make.rules({**make.round_robin(make.pool(right)), **ALL})
    bad = make.rules({"name": "Rest", "path": {"target": {"kind": "nurture"}}})
    lead = make.routed(make.lead())
    lifecycle.roll_back(to=bad.based_on, by=boss, at=LATER, reason="no rest")

    reroute(bad, [lead], boss)

    assert make.routed(lead, at=LATER).owner == right


def test_many_are_done_in_steps(rolled_back, bad, boss, monkeypatch):
    monkeypatch.setattr(repair, "AT_ONCE", {"sqlite": 2, "postgresql": 2})

    assert len(reroute(bad, rolled_back, boss).moved) == 3


def test_what_cannot_be_repaired_says_why(misrouted, bad, boss, wrong):
    with pytest.raises(RulesRefused, match="is live"):
        repair.preview(bad, by=boss, at=LATER)
    lifecycle.roll_back(to=bad.based_on, by=boss, at=LATER, reason="wrong")
    with pytest.raises(RulesRefused, match="why"):
        reroute(bad, misrouted, boss, reason=" ")
    with pytest.raises(RulesRefused, match="at least one"):
        reroute(bad, [], boss)
    draft = lifecycle.draft(by=boss, at=LATER)
    with pytest.raises(RulesRefused, match="draft has placed"):
        reroute(draft, misrouted, boss)


def test_leads_of_other_teams_are_neither_shown_nor_moved(rolled_back, bad):
    manager = make.user("elsewhere", group="manager")

    found = repair.preview(bad, by=manager, at=LATER)
    done = reroute(bad, rolled_back, manager)

    assert (found.rows, found.total, found.hidden) == ([], 0, 3)
    assert done.moved == []


@pytest.mark.parametrize("value", ["9" * 30 + ":1", "1:" + "9" * 30, "x:1", "1", ":", "1:²"])
def test_a_posted_lead_that_no_database_holds_is_left_out(value):
    assert posted_leads([value, "7:3"]) == [(7, 3)]
