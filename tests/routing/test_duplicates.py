"""Possible duplicates are found beside routing, decided by people, and remembered."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reps.due import jobs
from reps.models import Message
from routing.dedupe import deciding, merging, suggest
from routing.intake import process
from routing.models import DuplicatePair, DuplicatePolicy, Lead, Prospect, ProspectTrait
from routing.privacy import erase
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


def look() -> list[DuplicatePair]:
    while jobs.drain("duplicates", driver="test", due_before=LATER):
        pass
    return list(DuplicatePair.objects.filter(state="OPEN"))


def submit(fields, *, at=LATER) -> Lead:
    received = make.submission(fields, at=at)
    process.drain(driver="test", due_before=at)
    received.refresh_from_db()
    return received.lead


def alike(first="ann.lee@acme.com", second="a.lee@acme.com") -> tuple[Lead, Lead]:
    return (
        make.lead({"email": first, "name": "Ann Lee"}),
        make.lead({"email": second, "name": "Ann Lee"}),
    )


def test_whoever_is_alike_is_suggested_with_evidence_and_nothing_personal(boss):
    one, two = alike()
    make.lead({"email": "ben@bolt.example", "name": "Ben Ode"})

    (pair,) = look()

    assert (pair.first_id, pair.second_id) == (one.prospect_id, two.prospect_id)
    assert pair.evidence == ["same_name_domain"]
    assert not Prospect.objects.filter(compare_at__isnull=False).exists()


def test_what_is_kept_apart_is_remembered_also_for_whom_is_merged_into_them(boss):
    one, _two = alike()
    (pair,) = look()
    deciding.keep_apart(one_id=pair.first_id, other_id=pair.second_id, by=boss, at=LATER)
    third = make.lead({"email": "ann@home.example"})

    merging.merge(
        winner_id=third.prospect_id, loser_id=one.prospect_id, by=boss, at=LATER, driver="test"
    )

    assert look() == []


def test_whoever_is_no_longer_alike_is_no_longer_suggested(boss):
    alike()
    (pair,) = look()
    Prospect.objects.filter(pk=pair.first_id).update(last_name="Ode", compare_at=AT)

    assert look() == []
    assert DuplicatePair.objects.get().state == "GONE"


def test_a_rule_switched_on_later_finds_whom_it_would_have_recognised(boss):
    off = [{**row, "on": False} for row in DuplicatePolicy().providers]
    deciding.set_policy(values={"providers": off}, by=boss, at=AT)
    one, _two = alike("ann.lee@gmail.com", "annlee@gmail.com")
    look()

    row = deciding.set_policy(values={"providers": DuplicatePolicy().providers}, by=boss, at=AT)

    assert row.version == 2
    (pair,) = look()
    assert "mailbox" in pair.evidence
    assert submit({"email": "a.n.n.lee@gmail.com"}).prospect_id == one.prospect_id


def test_erasure_takes_the_blocks_and_the_suggestion(boss):
    one, _two = alike()
    look()
    erase.erase(prospect_id=one.prospect_id, reason="asked", by=boss, at=LATER)

    assert not ProspectTrait.objects.filter(prospect=one.prospect_id).exists()
    assert not deciding.visible_pairs(boss).exists()


def test_a_block_of_too_many_says_nothing(boss, monkeypatch):
    monkeypatch.setattr(suggest, "LARGEST_BLOCK", 1)
    alike()

    assert look() == []


def test_looking_costs_the_same_statements_for_three_and_ten(boss):
    def cost(number: int) -> int:
        company = f"acme{number}.com"
        make.leads(1)
        for n in range(number):
            Prospect.objects.create(
                first_name="Ann",
                last_name="Lee",
                email=f"{'abcdefghijklmnopqrstuvwxyz'[n] * 5}@{company}",
                created_at=AT,
                compare_at=AT,
            )
        with CaptureQueriesContext(connection) as queries:
            suggest.drain(driver="test", due_before=LATER)
        assert DuplicatePair.objects.filter(first__email__contains=company).exists()
        return len(queries)

    cost(2)
    # SQLite takes no more rows than this in one go.
    assert cost(3) == cost(10)


# --- Who sees them --------------------------------------------------------------------------


def test_a_manager_sees_pairs_of_whom_they_see_both(boss):
    manager = make.user("north", group="manager")
    north, south = make.team("North", manager=manager), make.team("South")
    one = make.owned(make.rep("ann", team=north), {"email": "x@acme.com", "name": "Ann Lee"})
    make.owned(make.rep("ben", team=south), {"email": "y@acme.com", "name": "Ann Lee"})
    look()

    assert deciding.visible_pairs(boss).count() == 1
    assert not deciding.visible_pairs(manager).exists()
    assert not deciding.may_merge(manager, *Prospect.objects.all())
    assert deciding.may_merge(manager, one.prospect)


def test_a_rep_decides_none(boss):
    alike()
    look()

    assert not deciding.visible_pairs(make.rep("ann").user).exists()


# --- Who is known already (DUP-2) -----------------------------------------------------------


def owned(rep, **fields) -> Lead:
    make.policy("Contact", metric="CONTACT")
    return make.owned(rep, {"email": "ann@acme.com", **fields})


def contacted(lead: Lead) -> None:
    from routing import work

    work.log_contact(
        lead_id=lead.pk,
        epoch=lead.owner_epoch,
        way="CALL",
        reached=True,
        note="",
        by=lead.owner.user,
        at=AT + make.MINUTE,
    )


def test_whoever_asks_again_is_promised_a_contact_anew(boss):
    lead = owned(make.rep("ann"))
    contacted(lead)
    assert not Clock.objects.filter(metric="CONTACT", state="RUNNING").exists()

    assert submit({"email": "ann@acme.com", "hand_raise": True}) == lead

    clock = Clock.objects.get(metric="CONTACT", state="RUNNING")
    assert (clock.lead, clock.started_at) == (lead, LATER)
    assert Message.objects.get(kind="lead_raised_again").recipient == lead.owner.user


def test_a_contact_that_is_promised_already_runs_on(boss):
    lead = owned(make.rep("ann"))
    before = Clock.objects.get(metric="CONTACT")

    submit({"email": "ann@acme.com", "hand_raise": True})

    after = Clock.objects.get(metric="CONTACT")
    assert (after.pk, after.due_at, after.lead) == (before.pk, before.due_at, lead)


@pytest.mark.parametrize(
    ("way", "owner", "told"),
    [("MOVE", "ben", {"ben"}), ("TELL", "ann", {"ann", "ben"}), ("STAY", "ann", {"ann"})],
)
def test_while_the_owner_is_away_their_cover_is_asked(boss, way, owner, told):
    make.saved(DuplicatePolicy(when_away=way))
    ann, ben = make.rep("ann"), make.rep("ben")
    lead = owned(ann)
    away = make.absence(ann, AT, AT + timedelta(days=3))
    away.delegate = ben
    make.saved(away)

    submit({"email": "ann@acme.com", "hand_raise": True})

    lead.refresh_from_db()
    assert lead.owner.user.username == owner
    heard = Message.objects.filter(kind="lead_raised_again")
    assert {message.recipient.username for message in heard} == told


@pytest.mark.parametrize(("tells", "number"), [("EVERY", 1), ("HAND_RAISE", 0), ("NEVER", 0)])
def test_of_what_the_owner_hears_is_a_policy(boss, tells, number):
    make.saved(DuplicatePolicy(tells=tells))
    owned(make.rep("ann"))

    submit({"email": "ann@acme.com"})

    assert Message.objects.filter(kind="lead_raised_again").count() == number


def lost(reason="no budget") -> Lead:
    from routing import work

    lead = owned(make.rep("ann"))
    return work.record_outcome(
        lead_id=lead.pk,
        epoch=1,
        kind="LOST",
        reason=reason,
        by=lead.owner.user,
        at=AT + make.MINUTE,
        driver="test",
    )


def returning(**row) -> None:
    given = {"state": "DISQUALIFIED", "words": "", "days": None, "even_raised": False, **row}
    make.saved(DuplicatePolicy(returns=[given]))


def test_without_a_policy_whoever_comes_back_is_a_new_lead(boss):
    closed = lost()

    assert submit({"email": "ann@acme.com"}) != closed
    assert Lead.objects.count() == 2


def test_a_closed_lead_is_opened_again_with_its_owner(boss):
    returning(do="REOPEN")
    closed = lost()

    again = submit({"email": "ann@acme.com"})

    assert again == closed
    assert (again.place, again.state, again.owner.user.username) == ("OWNER", "NEW", "ann")
    assert again.touches.count() == 2


def test_whoever_was_spam_is_noted_and_goes_no_further(boss):
    returning(do="IGNORE", words="spam")
    closed = lost("This is SPAM")

    assert submit({"email": "ann@acme.com"}) == closed
    closed.refresh_from_db()
    assert closed.place == "CLOSED"
    assert closed.touches.count() == 2


def test_whoever_asks_to_be_contacted_is_not_ignored_unless_said_so(boss):
    returning(do="IGNORE")
    closed = lost()

    assert submit({"email": "ann@acme.com", "hand_raise": True}) != closed


def test_a_row_holds_for_its_days_only(boss):
    returning(do="REOPEN", days=1)
    closed = lost()

    assert submit({"email": "ann@acme.com"}, at=AT + timedelta(days=2)) != closed
