"""A merge links and moves, never deletes; undone, everything is as it was."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reps import verify
from reps.models import AuditEvent, Message
from routing import work
from routing.dedupe import merging, unmerging
from routing.intake import process
from routing.intake.identify import COLUMNS
from routing.models import DuplicatePair, DuplicatePolicy, Lead, Merge, Prospect, ProspectKey, Touch
from routing.privacy import erase
from routing.privacy.export import export
from sla.models import Clock
from tests import make

AT = make.MONDAY_9AM
LATER = AT + timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def outside(settings, tmp_path):
    settings.ERASURE_LEDGER = str(tmp_path / "erasures.log")


@pytest.fixture
def boss():
    made = make.user("boss", group="revops")
    make.organisation(responsible=made)
    return made


def merged(winner, loser, *, at=LATER, by=None, **more) -> Merge:
    return merging.merge(
        winner_id=winner.pk, loser_id=loser.pk, by=by, at=at, driver="test", **more
    )


def undone(row: Merge, *, at=LATER + timedelta(hours=1), by=None) -> Merge:
    return unmerging.unmerge(merge_id=row.pk, by=by, at=at, driver="test", reason="two people")


def two(boss, **fields) -> tuple[Lead, Lead]:
    """Ann twice: a lead with ann, and a lead with ben."""
    make.policy("Contact", metric="CONTACT")
    ann = make.owned(make.rep("ann"), {"email": "ann@acme.com", "name": "Ann Lee", **fields})
    ben = make.owned(make.rep("ben"), {"email": "annlee@home.example", "title": "CEO"})
    return ann, ben


def submit(fields, *, at=LATER, **more) -> Lead:
    received = make.submission(fields, at=at, **more)
    process.drain(driver="test", due_before=at)
    received.refresh_from_db()
    return received.lead


# --- What a merge does ----


def test_two_people_become_one_with_one_open_lead(boss):
    kept, closed = two(boss)

    row = merged(kept.prospect, closed.prospect, by=boss, reason="same person")

    kept.refresh_from_db()
    closed.refresh_from_db()
    assert (kept.owner.user.username, closed.place, closed.state) == ("ann", "CLOSED", "MERGED")
    assert kept.prospect_id == closed.prospect_id == row.winner_id
    assert Prospect.objects.get(pk=row.loser_id).merged_into_id == row.winner_id
    assert Prospect.objects.count() == Lead.objects.count() == 2
    assert Touch.objects.filter(prospect=row.winner_id).count() == 2
    assert closed.touches.count() == 1
    # The clocks of the one stop, those of the other run on.
    assert not Clock.objects.filter(lead=closed, state="RUNNING").exists()
    assert Clock.objects.filter(lead=kept, state="RUNNING").exists()


def test_keys_move_and_remember_where_they_came_from(boss):
    kept, closed = two(boss)

    row = merged(kept.prospect, closed.prospect)

    key = ProspectKey.objects.get(value="annlee@home.example")
    assert (key.prospect_id, key.origin_id) == (row.winner_id, row.loser_id)
    assert submit({"email": "annlee@home.example"}) == kept


def test_the_owner_of_the_lead_that_gave_way_is_told(boss):
    kept, closed = two(boss)

    merged(kept.prospect, closed.prospect, by=boss)

    message = Message.objects.get(kind="lead_merged")
    assert message.recipient.username == "ben"
    assert message.payload == {"lead": closed.pk, "kept": kept.pk}


def test_merging_and_undoing_are_on_the_trail_with_who_and_why(boss):
    kept, closed = two(boss)
    row = merged(kept.prospect, closed.prospect, by=boss, reason="ann@acme.com said so")
    undone(row, by=boss)

    events = AuditEvent.objects.filter(subject="routing.prospect").order_by("pk")
    assert [event.kind for event in events] == [
        "merged_into",
        "merged_from",
        "unmerged",
        "unmerged",
    ]
    assert {event.actor_id for event in events} == {boss.pk}
    # What somebody typed is without the person's address.
    assert "ann@acme.com" not in events[0].reason
    for code in ("I3", "I4", "I10", "I11", "I12", "H1", "H2", "A1"):
        assert not next(iter(verify.run(at=LATER, codes=[code])))[1], code


def test_of_two_open_leads_the_policy_says_which_stays(boss):
    older, newer = two(boss)
    make.saved(DuplicatePolicy(keeps="NEWEST"))

    merged(older.prospect, newer.prospect)

    newer.refresh_from_db()
    assert newer.is_open
    assert newer.prospect_id == older.prospect_id


def test_who_merges_may_choose_the_lead_that_stays(boss):
    older, newer = two(boss)

    merged(older.prospect, newer.prospect, keep=[newer.pk])

    newer.refresh_from_db()
    assert newer.is_open


def test_one_with_an_owner_stays_before_one_without(boss):
    waiting = make.lead({"email": "ann@acme.com"})
    owned = make.owned(make.rep("ann"), {"email": "ann@home.example"})

    merged(waiting.prospect, owned.prospect)

    owned.refresh_from_db()
    assert owned.is_open
    assert owned.prospect_id == waiting.prospect_id


def test_gaps_are_filled_and_chosen_fields_are_taken(boss):
    kept, closed = two(boss, company="Acme")

    row = merged(kept.prospect, closed.prospect, take=["email", "title"])

    winner = Prospect.objects.get(pk=row.winner_id)
    assert (winner.email, winner.title, winner.company) == ("annlee@home.example", "CEO", "Acme")


def test_that_somebody_asked_is_not_lost_with_the_lead_that_gave_way(boss):
    kept, closed = two(boss)
    submit({"email": "annlee@home.example", "hand_raise": True}, at=AT)

    row = merged(kept.prospect, closed.prospect)

    kept.refresh_from_db()
    assert kept.is_hand_raise
    assert kept.priority == 1
    undone(row)
    kept.refresh_from_db()
    assert not kept.is_hand_raise
    assert kept.priority == 0


# --- Refusals ----


def test_nobody_is_merged_into_themselves_nor_twice(boss):
    kept, closed = two(boss)
    with pytest.raises(merging.SamePerson):
        merged(kept.prospect, kept.prospect)
    merged(kept.prospect, closed.prospect)

    with pytest.raises(merging.AlreadyMerged, match="undo the merge first"):
        merged(closed.prospect, kept.prospect)


def test_a_circle_is_refused_by_the_database_too(boss):
    kept, _closed = two(boss)

    with pytest.raises(IntegrityError), transaction.atomic():
        Prospect.objects.filter(pk=kept.prospect_id).update(merged_into=kept.prospect_id)


def test_a_merge_is_undone_once(boss):
    kept, closed = two(boss)
    row = merged(kept.prospect, closed.prospect)
    undone(row)

    with pytest.raises(unmerging.NotMerged):
        undone(row)


def test_a_chain_is_undone_from_its_end(boss):
    kept, closed = two(boss)
    third = make.lead({"email": "third@acme.com"})
    first = merged(kept.prospect, closed.prospect)
    second = merged(third.prospect, kept.prospect)

    with pytest.raises(unmerging.MergedOn, match=f"Undo merge {second.pk} first"):
        undone(first)
    undone(second)
    undone(first)

    assert not Prospect.objects.filter(merged_into__isnull=False).exists()


def test_a_lead_that_is_open_by_now_is_in_the_way_and_named(boss):
    kept, closed = two(boss)
    row = merged(closed.prospect, kept.prospect)
    work.record_outcome(
        lead_id=kept.pk, epoch=1, kind="WON", by=kept.owner.user, at=LATER, driver="test"
    )
    newer = submit({"email": "annlee@home.example"}, at=LATER)

    with pytest.raises(unmerging.LeadInTheWay, match=f"lead {newer.pk}"):
        undone(row)


def test_an_owner_who_has_no_room_by_now_is_not_given_the_lead(boss):
    kept, closed = two(boss)
    row = merged(kept.prospect, closed.prospect)
    full = closed.owner
    full.capacity = 0
    make.saved(full)

    undone(row)

    closed.refresh_from_db()
    assert (closed.place, closed.former_owner, closed.state) == ("QUEUE", full, "NEW")
    assert closed.route_at is not None


# --- Whoever is merged is one person to privacy, too ----


@pytest.mark.parametrize("asked", ["winner", "loser"])
def test_whoever_is_named_everybody_who_is_merged_is_erased(boss, asked):
    kept, closed = two(boss)
    row = merged(kept.prospect, closed.prospect, take=list(COLUMNS))

    erase.erase(prospect_id=getattr(row, f"{asked}_id"), reason="asked", by=boss, at=LATER)

    assert set(Prospect.objects.values_list("first_name", "email")) == {("", "")}
    assert not ProspectKey.objects.exists()
    assert not Lead.objects.open().exists()
    row.refresh_from_db()
    assert row.fields == {}
    with pytest.raises(merging.PersonErased):
        undone(row)


def test_an_export_of_either_has_both(boss):
    kept, closed = two(boss)
    row = merged(kept.prospect, closed.prospect)

    for who in (row.winner, row.loser):
        text = str(export(prospect=who, by=boss, at=LATER))
        assert "ann@acme.com" in text
        assert "annlee@home.example" in text


def test_a_hold_on_one_of_them_holds_both(boss):
    kept, closed = two(boss)
    erase.set_legal_hold(prospect_id=closed.prospect_id, why="a case", by=boss, at=AT)
    row = merged(kept.prospect, closed.prospect)

    with pytest.raises(erase.HeldByLaw):
        erase.erase(prospect_id=row.winner_id, reason="asked", by=boss, at=LATER)


# --- Undone, everything is as it was ----

LEAD = (
    "prospect_id",
    "place",
    "owner_id",
    "queue_id",
    "state",
    "state_reason",
    "former_owner_id",
    "responsible_id",
    "assigned_at",
    "acknowledged_at",
    "contacted_at",
    "closed_at",
    "is_hand_raise",
    "priority",
    "value",
)


def everything() -> dict[str, list]:
    """All that a merge may touch; what only grows (history, custody) is left out."""
    return {
        "people": list(Prospect.objects.order_by("pk").values_list("pk", "merged_into", *COLUMNS)),
        "keys": list(
            ProspectKey.objects.order_by("pk").values_list(
                "pk", "kind", "value", "prospect", "is_weak", "origin"
            )
        ),
        "leads": list(Lead.objects.order_by("pk").values_list("pk", *LEAD)),
        "touches": list(Touch.objects.order_by("pk").values_list("pk", "lead", "prospect")),
        "promises": sorted(
            Clock.objects.filter(state="RUNNING").values_list("lead", "metric", "scope", "holder")
        ),
    }


PEOPLE = 5
PERSON = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Ann Lee", "Bob Ray", "Cy"]),
        "phone": st.sampled_from(["+4930123456", "+4930123457"]),
        "company": st.sampled_from(["Acme", "Bolt"]),
        "linkedin_url": st.sampled_from(["linkedin.com/in/a", "linkedin.com/in/b"]),
        "hand_raise": st.booleans(),
    },
)
# What becomes of each lead before anything is merged.
FATE = st.sampled_from(["waits", "owned", "seen", "contacted", "rests", "lost", "two"])
MERGES = st.lists(
    st.tuples(
        st.integers(0, PEOPLE - 1),
        st.integers(0, PEOPLE - 1),
        st.none() | st.sets(st.sampled_from(COLUMNS), max_size=4),
    ),
    min_size=1,
    max_size=5,
)


def live(lead: Lead, fate: str, rep) -> None:
    """Bring a lead to where it is when the merges begin."""
    if fate == "waits":
        return
    lead = work.give_to(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        rep_id=rep.pk,
        reason_code="CORRECTED",
        reason="",
        by=None,
        at=AT,
        driver="test",
    )
    step = {"lead_id": lead.pk, "epoch": 1, "by": rep.user, "at": AT + make.MINUTE}
    if fate == "seen":
        work.acknowledge(**step)
    elif fate == "contacted":
        work.log_contact(way="CALL", reached=True, note="spoke", **step)
    elif fate == "rests":
        until = AT + timedelta(days=30)
        work.recycle(until=until, reason="next quarter", driver="test", **step)
    elif fate in ("lost", "two"):
        work.record_outcome(kind="LOST", reason="no budget", driver="test", **step)
    if fate == "two":
        submit({"email": lead.prospect.email}, at=AT + 2 * make.MINUTE)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    people=st.lists(st.tuples(PERSON, FATE), min_size=PEOPLE, max_size=PEOPLE),
    merges=MERGES,
    order=st.permutations(range(5)),
    keeps=st.sampled_from(DuplicatePolicy.Keeps.values),
)
def test_whatever_was_merged_in_whatever_order_undone_it_is_as_before(
    boss, people, merges, order, keeps
):
    with transaction.atomic():
        make.saved(DuplicatePolicy(keeps=keeps))
        make.policy("Acknowledge")
        make.policy("Contact", metric="CONTACT")
        reps = [make.rep(), make.rep()]
        leads = []
        for number, (fields, fate) in enumerate(people):
            leads.append(make.lead({"email": f"p{number}@acme{number}.com", **fields}))
            if leads[-1].owner_epoch == 0:
                live(leads[-1], fate, reps[number % 2])
        before = everything()
        done = []
        for minute, (one, other, take) in enumerate(merges):
            try:
                row = merged(
                    leads[one].prospect,
                    leads[other].prospect,
                    take=take,
                    at=LATER + minute * make.MINUTE,
                )
            except merging.MergeRefused:
                continue
            done.append(row)
            assert Lead.objects.count() == len(before["leads"])
            keys = ProspectKey.objects.filter(prospect__merged_into__isnull=False)
            assert not keys.exists()
        # In any order that is allowed: whatever is refused now is allowed once others are undone.
        left = [done[place] for place in order if place < len(done)]
        while left:
            again = []
            for row in left:
                try:
                    with transaction.atomic():
                        undone(row, at=LATER + timedelta(hours=2))
                except (
                    unmerging.MergedOn,
                    unmerging.LaterMergeFirst,
                    unmerging.LeadInTheWay,
                ):
                    again.append(row)
            assert len(again) < len(left), "nothing can be undone any more"
            left = again

        assert everything() == before
        for _, found in verify.run(at=LATER, codes=["I3", "I4", "I10", "I11", "I12"]):
            assert not found
        transaction.set_rollback(True)


def test_both_are_remembered_as_apart_once_a_merge_is_undone(boss):
    kept, closed = two(boss)

    undone(merged(kept.prospect, closed.prospect))

    assert DuplicatePair.objects.get().state == "APART"
