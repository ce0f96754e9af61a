"""A past period through the live rules and a draft: agreement, what-if, going on when killed."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from reps.services import configuration, people
from routing import work as lead_work
from routing.dispatch import batch
from routing.engine import rotation
from routing.models import (
    Decision,
    Lead,
    Organisation,
    PersonalFacts,
    SimulatedLead,
    Simulation,
)
from routing.rules import digest
from routing.simulation import steps, uploads, work
from tests import make

AT = make.MONDAY_9AM
MINUTE = make.MINUTE
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    return make.user(is_superuser=True)


@pytest.fixture
def team():
    """Two reps in a pool, live rules that share everything between them."""
    make.organisation(approval_above=100)
    ann, ben = make.rep("ann", capacity=6), make.rep("ben", capacity=6)
    pool = make.pool(ann, ben)
    make.rules(make.round_robin(pool, on_empty="wait"))
    return ann, ben, pool


def come(number: int, *, first=AT, apart=MINUTE, **fields) -> list[Lead]:
    """Leads one after the other, each routed when it comes."""
    made = []
    for n in range(number):
        at = first + n * apart
        made.append(make.routed(make.lead({"title": "CTO", **fields}, at=at), at=at))
    return made


def simulate(ruleset, *, by=None, at=AT + timedelta(days=1), since=AT, until=None, upload=None):
    asked = work.start(ruleset=ruleset, since=since, until=until, upload=upload, by=by, at=at)
    return run(asked, at=at)


def run(asked: Simulation, *, at=AT + timedelta(days=1)) -> Simulation:
    while work.drain(driver="test", due_before=at + MINUTE, at=at, only=asked.pk):
        pass
    asked.refresh_from_db()
    assert not asked.error
    return asked


def live():
    return Organisation.get().live_ruleset


def draft_to(rep, boss, name="Everything to one"):
    """A draft that gives everything to one rep's own pool."""
    return make.rules(make.round_robin(make.pool(rep, name=name), on_empty="wait"), publish=False)


def test_the_live_rules_agree_with_production_lead_by_lead(team):
    come(5)
    make.leads(5)
    batch.route(driver="test", at=AT + timedelta(hours=1), due_before=AT + timedelta(hours=1))

    done = simulate(live())

    assert done.state == Simulation.State.DONE
    assert done.result["agreement"]["decisions"] == Decision.objects.count() == 10
    assert done.result["agreement"]["percent"] == 100
    assert set(done.leads.values_list("agrees", flat=True)) == {True}
    assert (done.total, done.done, done.result["leads"]) == (10, 10, 10)
    assert done.result["moves_percent"] == 0
    # Nobody moved anything by hand, so its own ledger repeats production, too.
    assert done.result["production"]["differs"] == 0


def test_a_mutated_engine_disagrees(team, monkeypatch):
    come(6)
    honest = rotation.standings

    def crooked(*args, **kwargs):
        # The rep stands last in a key; whoever would be next is last now.
        return [(*(-int(part) for part in key[:-1]), key[-1]) for key in honest(*args, **kwargs)]

    monkeypatch.setattr(rotation, "standings", crooked)

    done = simulate(live())

    assert done.result["agreement"]["percent"] < 100
    assert done.leads.filter(agrees=False).exists()


def test_a_changed_stored_answer_is_found(team):
    come(3)
    one = Decision.objects.order_by("pk")[1]
    Decision.objects.filter(pk=one.pk).update(
        body=one.body.replace('"runner_up":', '"runner_up":1')
    )

    done = simulate(live())

    assert done.result["agreement"]["agree"] == 2
    assert list(done.leads.filter(agrees=False).values_list("decision", flat=True)) == [one.pk]


def test_later_changes_of_people_and_rules_change_nothing(team, boss):
    ann, ben, _ = team
    come(4)
    old = live()
    people.set_capacity(rep=ann, capacity=1, by=boss, at=AT + timedelta(hours=2))
    make.absence(ben, AT, AT + timedelta(days=1))
    make.rules({"name": "All to nurture", "path": {"target": {"kind": "nurture"}}})

    done = simulate(old)

    assert done.result["agreement"]["percent"] == 100
    # What is live now would have sent them all to nurture; the old version did not.
    assert done.result["live"]["outcomes"]["nurture"] == 4
    assert done.result["draft"]["outcomes"]["assign"] == 4
    assert done.result["moves_percent"] == 100


def test_the_draft_shows_who_gets_more_and_who_less(team, boss):
    ann, ben, pool = team
    come(4)

    done = simulate(draft_to(ann, boss), by=boss)

    lines = {line["rep"]: line for line in done.result["reps"]}
    assert (lines[ann.pk]["live"], lines[ann.pk]["draft"], lines[ann.pk]["delta"]) == (2, 4, 2)
    assert (lines[ben.pk]["live"], lines[ben.pk]["draft"], lines[ben.pk]["delta"]) == (2, 0, -2)
    assert done.result["moves"] == 2
    assert done.result["moves_percent"] == 50
    assert done.draft_digest == digest.of_rules(done.draft)
    assert done.result["pools"][0]["pool"] == pool.pk
    assert done.result["pools"][0]["live_gini"] == 0


def test_loads_carry_on_in_each_ledger_so_a_small_cap_fills(team, boss):
    ann, _, _ = team
    come(8)

    done = simulate(draft_to(ann, boss))

    line = next(line for line in done.result["reps"] if line["rep"] == ann.pk)
    assert (line["cap"], line["live_peak"], line["draft_peak"]) == (6, 4, 6)
    assert done.result["draft"]["outcomes"] == {"assign": 6, "queue": 0, "nurture": 0, "park": 2}
    assert done.result["draft"]["waited_for_capacity"] == 2
    assert done.result["draft"]["coverage_percent"] == 75
    assert done.result["live"]["coverage_percent"] == 100


def test_a_lead_that_closed_in_reality_makes_room_for_one_that_waits(team, boss):
    ann, _, _ = team
    made = come(8)
    lead_work.record_outcome(
        lead_id=made[0].pk,
        epoch=made[0].owner_epoch,
        kind="LOST",
        reason="not now",
        by=None,
        at=AT + timedelta(hours=1),
        driver="test",
        owner_only=False,
    )

    done = simulate(draft_to(ann, boss))

    assert done.result["draft"]["outcomes"]["park"] == 1
    seventh = done.leads.get(lead=made[6])
    # The one that had waited longest took the place; it was not given at once.
    assert (seventh.draft_rep, seventh.draft_at_once) == (ann, False)
    assert done.leads.get(lead=made[7]).draft_outcome == "park"


def test_what_people_moved_is_told_apart(team):
    ann, ben, _ = team
    made = come(4)
    first = made[0]
    other = ben if first.owner == ann else ann
    lead_work.give_to(
        lead_id=first.pk,
        epoch=first.owner_epoch,
        rep_id=other.pk,
        reason_code="CORRECTED",
        reason="knows them",
        by=None,
        at=AT + timedelta(hours=1),
        driver="test",
    )

    done = simulate(live())

    assert done.result["agreement"]["percent"] == 100
    assert done.result["production"] == {"differs": 0, "moved_by_people": 1, "both": 0}
    line = next(line for line in done.result["reps"] if line["rep"] == other.pk)
    # Whoever was given it by hand carries it in the ledger, too.
    assert line["live_peak"] == 3


def test_erased_facts_are_counted_apart(team, boss):
    ann, _, _ = team
    made = come(3)
    PersonalFacts.objects.filter(decision__lead=made[1]).delete()

    done = simulate(draft_to(ann, boss))

    found = done.result["agreement"]
    assert (found["decisions"], found["recomputed"], found["erased"]) == (3, 2, 1)
    assert found["percent"] == 100
    row = done.leads.get(lead=made[1])
    assert (row.agrees, row.is_compared, row.moves) == (None, False, False)
    assert done.result["compared"] == 2


def test_a_parked_lead_counts_by_its_last_decision(team):
    ann, ben, _ = team
    boss = make.user(is_superuser=True)
    for rep in (ann, ben):
        people.set_capacity(rep=rep, capacity=1, by=boss, at=AT - MINUTE)
    made = come(3)
    assert made[2].waiting == "CAPACITY"
    lead_work.record_outcome(
        lead_id=made[0].pk,
        epoch=made[0].owner_epoch,
        kind="LOST",
        reason="not now",
        by=None,
        at=AT + timedelta(hours=1),
        driver="test",
        owner_only=False,
    )
    later = AT + timedelta(hours=2)
    batch.route(driver="test", at=later, due_before=later, only=[made[2].pk])

    done = simulate(live())

    row = done.leads.get(lead=made[2])
    assert Decision.objects.filter(lead=made[2]).count() == 2
    assert (row.actual_outcome, row.live_outcome, row.live_rep_id) == (
        "assign",
        "assign",
        made[0].owner_id,
    )
    assert row.live_at_once is False
    assert done.result["production"]["differs"] == 0
    # Only the first half of the period: there it waits.
    half = simulate(live(), until=AT + timedelta(minutes=30))
    assert half.leads.get(lead=made[2]).live_outcome == "park"


def test_shadow_leads_are_left_out(team):
    come(2)
    make.lead(mode="SHADOW", at=AT + timedelta(hours=1))
    later = AT + timedelta(hours=1)
    batch.route(driver="test", at=later, due_before=later)

    assert Decision.objects.count() == 3
    assert simulate(live()).result["leads"] == 2


def test_a_draft_changed_later_is_simulated_as_it_was(team, boss):
    ann, _, _ = team
    come(2)
    draft = draft_to(ann, boss)
    asked = work.start(ruleset=draft, since=AT, by=boss, at=AT + timedelta(days=1))
    rule = draft.rules.first()
    rule.path = {"target": {"kind": "nurture"}}
    make.saved(rule)

    done = run(asked)

    assert done.result["draft"]["outcomes"]["assign"] == 2
    assert done.draft_digest != digest.of_rules(draft)


# --- Going on ----------------------------------------------------------------------------


def drained(asked, *, at, driver="test"):
    return work.drain(driver=driver, due_before=at, at=at, only=asked.pk)


def test_killed_in_the_middle_it_goes_on_where_it_was(team, boss, monkeypatch):
    ann, _, _ = team
    come(9)
    monkeypatch.setattr(steps.period, "AT_ONCE", 2)
    whole = simulate(draft_to(ann, boss))
    at = AT + timedelta(days=1)
    asked = work.start(ruleset=whole.draft, since=AT, by=boss, at=at)
    monkeypatch.setattr(steps, "next_step", small_steps(2))
    drained(asked, at=at)
    drained(asked, at=at + MINUTE)
    assert 0 < asked.leads.count() < 9

    # A driver dies after it has computed, before it has written.
    class Killed(BaseException):
        pass

    def die(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(work, "_write", die)
        with pytest.raises(Killed):
            drained(asked, at=at + 2 * MINUTE)
    # Its lease holds others off for a while, then another driver goes on.
    assert drained(asked, at=at + 2 * MINUTE + timedelta(seconds=30), driver="sweep") == 0
    now = at + 4 * MINUTE
    while drained(asked, at=now, driver="sweep"):
        now += MINUTE
    asked.refresh_from_db()

    assert asked.state == Simulation.State.DONE
    assert list(asked.leads.values_list("place", flat=True)) == list(range(9))
    same = [name for name in whole.result if name not in ("seconds", "leads_per_second")]
    assert {k: asked.result[k] for k in same} == {k: whole.result[k] for k in same}


def small_steps(most):
    honest = steps.next_step
    return lambda work: honest(work, most=most)


def test_two_drivers_with_the_same_chunk_write_it_once(team, monkeypatch):
    come(4)
    at = AT + timedelta(days=1)
    asked = work.start(ruleset=live(), since=AT, by=None, at=at)
    honest = work._write

    def second_in_between(row, step, done, *, at):
        # Another driver, whose clock says that the lease is over, does the same chunk first.
        monkeypatch.setattr(work, "_write", honest)
        drained(asked, at=at + timedelta(minutes=5), driver="sweep")
        return honest(row, step, done, at=at)

    monkeypatch.setattr(work, "_write", second_in_between)
    drained(asked, at=at)

    assert SimulatedLead.objects.filter(simulation=asked).count() == 4


def test_a_cancelled_simulation_writes_nothing_more(team, monkeypatch):
    come(4)
    at = AT + timedelta(days=1)
    asked = work.start(ruleset=live(), since=AT, by=None, at=at)
    honest = steps.next_step

    def cancelled_meanwhile(one):
        work.cancel(simulation=asked, at=at)
        return honest(one)

    monkeypatch.setattr(steps, "next_step", cancelled_meanwhile)
    drained(asked, at=at)
    asked.refresh_from_db()

    assert (asked.state, asked.leads.count(), asked.due_at) == ("CANCELLED", 0, None)
    with pytest.raises(work.SimulationRefused, match="already"):
        work.cancel(simulation=asked, at=at)


def test_a_failure_is_told_and_not_tried_for_ever(team, monkeypatch):
    come(1)
    at = AT + timedelta(days=1)
    asked = work.start(ruleset=live(), since=AT, by=None, at=at)

    def fail(*args, **kwargs):
        raise ValueError("no such thing")

    monkeypatch.setattr(steps, "next_step", fail)
    drained(asked, at=at)
    asked.refresh_from_db()

    assert (asked.state, asked.error) == ("FAILED", "ValueError: no such thing")
    assert drained(asked, at=at + timedelta(days=1)) == 0


def test_a_rep_whose_record_was_deleted_since_takes_nothing(team, boss):
    zoe = make.rep("zoe")
    come(2)
    path = {"target": {"kind": "rep", "id": zoe.pk}}
    draft = make.rules({"name": "Zoe", "condition": {"all": []}, "path": path}, publish=False)
    asked = work.start(ruleset=draft, since=AT, by=boss, at=AT + timedelta(days=1))
    configuration.delete(zoe, by=boss, at=AT, reason="x")

    assert run(asked).state == Simulation.State.DONE
    assert set(asked.leads.values_list("draft_rep", flat=True)) == {None}


def test_what_can_never_be_stored_is_not_tried_for_ever(team, monkeypatch):
    come(2)
    asked = work.start(ruleset=live(), since=AT, by=None, at=AT + timedelta(days=1))

    def deleted_meanwhile(rows):
        raise IntegrityError("a rep is gone")

    monkeypatch.setattr(work, "insert_many", deleted_meanwhile)

    drained(asked, at=AT + timedelta(days=1))

    asked.refresh_from_db()
    assert asked.state == Simulation.State.FAILED
    assert (asked.due_at, "ask again" in asked.error) == (None, True)


def test_a_row_of_a_file_has_what_every_new_lead_has(team, boss):
    """Time of day, id and points come with the row, or rules that ask for them never hold."""
    _, ben, _ = team
    nine_to_five = {"zone": "UTC", "weekly": {"mon": [["09:00", "17:00"]]}}
    draft = make.rules(
        {
            "name": "By day",
            "condition": {"fact": "now", "op": "in_hours", "value": nine_to_five},
            "path": {"target": {"kind": "rep", "id": ben.pk}},
        },
        publish=False,
    )
    file = b"at,country\n2026-06-15T10:00,DE\n2026-06-15T20:00,DE\n"

    found = simulate(draft, since=None, upload=uploads.read("leads.csv", file))

    rows = found.leads.order_by("place")
    assert [row.draft_rep_id == ben.pk for row in rows] == [True, False]
    assert found.state == Simulation.State.DONE


def test_one_round_of_the_sweep_leaves_the_rest_to_the_next(team, monkeypatch):
    """Other work has its turn between two chunks."""
    from reps.due import jobs

    come(4)
    at = AT + timedelta(days=1)
    work.start(ruleset=live(), since=AT, by=None, at=at)
    monkeypatch.setattr(steps, "next_step", small_steps(1))

    assert jobs.drain("simulations", driver="sweep", due_before=at, at=at) == 1


def test_statements_do_not_grow_with_the_leads(team):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def statements():
        at = AT + timedelta(days=1)
        asked = work.start(ruleset=live(), since=AT, by=None, at=at)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            drained(asked, at=at)
        return len(seen)

    come(2)
    few = statements()
    come(9, first=AT + timedelta(hours=1))
    assert statements() == few


def test_the_period_must_make_sense(team):
    at = AT + timedelta(days=1)
    with pytest.raises(work.SimulationRefused, match="begin before"):
        work.start(ruleset=live(), since=at, by=None, at=at)
    with pytest.raises(work.SimulationRefused, match="two years"):
        work.start(ruleset=live(), since=at - timedelta(days=900), by=None, at=at)


def test_without_live_rules_there_is_nothing_to_compare_with():
    make.organisation()
    draft = make.rules(publish=False)
    with pytest.raises(work.SimulationRefused, match="No rules are live"):
        work.start(ruleset=draft, since=AT, by=None, at=AT + timedelta(days=1))


def test_an_empty_period_ends_well(team):
    done = simulate(live())

    assert done.state == Simulation.State.DONE
    assert (done.result["leads"], done.result["agreement"]["percent"]) == (0, 100)
