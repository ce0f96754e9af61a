"""Who may see which leads: one function, deny unless allowed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from reps.models import User
from routing import work
from routing.models import Lead
from routing.visibility import may_move, visible_leads, visible_reps
from tests import make

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    """Two teams under managers of their own, one of them part of a region; leads everywhere."""
    make.organisation()
    boss, rival, head = (make.user(name, group="manager") for name in ("boss", "rival", "head"))
    # Ivy is the deputy of a manager who is there, Joe of one who is away.
    ivy, joe = make.user("ivy", group="rep"), make.user("joe", group="rep")
    gone = make.user("gone", group="manager", away_until=timezone.now() + timedelta(days=1))
    region = make.team("Region", manager=head)
    north = make.team("North", manager=boss, parent=region, deputy=ivy)
    south = make.team("South", manager=rival)
    west = make.team("West", manager=gone, deputy=joe)
    ann, ben, cleo = (
        make.rep("ann", team=north),
        make.rep("ben", team=north),
        make.rep("cleo", team=south),
    )
    dora = make.rep("dora", team=make.team("Far west", parent=west))
    shared = make.queue(make.pool(ann), name="Shared by north")
    foreign = make.queue(make.pool(cleo), name="Shared by south")
    closed = make.owned(ann)
    work.record_outcome(lead_id=closed.pk, epoch=1, kind="WON", by=ann.user, at=AT, driver="test")
    make.rules({"name": "Rest", "path": {"target": {"kind": "nurture"}}})
    return {
        "users": {
            "admin": make.user("admin", group="admin"),
            "revops": make.user("revops", group="revops"),
            "boss": boss,
            "rival": rival,
            "head": head,
            "ann": ann.user,
            "ben": ben.user,
            "cleo": cleo.user,
            "ivy": ivy,
            "joe": joe,
            "gone": gone,
            "nobody": make.user("nobody"),
        },
        "leads": {
            "anns": make.owned(ann),
            "bens": make.owned(ben),
            "cleos": make.owned(cleo),
            "doras": make.owned(dora),
            "shared": make.queued(shared),
            "foreign": make.queued(foreign),
            "closed": closed,
            "waiting": make.lead(),
            "resting": make.routed(make.lead()),
        },
    }


EVERYTHING = {"anns", "bens", "cleos", "doras", "shared", "foreign", "closed", "waiting", "resting"}
SEEN = {
    "admin": EVERYTHING,
    "revops": EVERYTHING,
    "boss": {"anns", "bens", "shared", "closed", "waiting", "resting"},
    "head": {"anns", "bens", "shared", "closed", "waiting", "resting"},
    "rival": {"cleos", "foreign", "waiting", "resting"},
    "ann": {"anns"},
    "ben": {"bens"},
    "cleo": {"cleos"},
    "ivy": set(),
    "joe": {"doras", "waiting", "resting"},
    "gone": {"doras", "waiting", "resting"},
    "nobody": set(),
}


def test_everybody_sees_what_they_may_and_nothing_else(world, subtests):
    names = {lead.pk: name for name, lead in world["leads"].items()}

    for who, expected in SEEN.items():
        with subtests.test(who):
            seen = visible_leads(world["users"][who])
            found = list(seen)

            assert {names[lead.pk] for lead in found} == expected
            assert len(found) == len(expected), "a lead is listed twice"
            assert seen.count() == len(found)


def test_a_closed_account_sees_nothing(world, subtests):
    for who in SEEN:
        with subtests.test(who):
            user = world["users"][who]
            user.is_active = False
            user.save()

            assert not visible_leads(User.objects.get(pk=user.pk)).exists()


def test_a_lead_is_out_of_sight_once_it_has_gone_to_another_team(world):
    lead, cleo = world["leads"]["anns"], world["leads"]["cleos"].owner
    work.move_by_hand(
        lead_id=lead.pk,
        epoch=1,
        to=cleo,
        reason="Hers",
        by=world["users"]["revops"],
        at=AT,
        driver="test",
    )

    for who, sees in (("ann", False), ("boss", False), ("cleo", True), ("rival", True)):
        assert visible_leads(world["users"][who]).filter(pk=lead.pk).exists() is sees


SEEN_REPS = {
    "admin": {"ann", "ben", "cleo", "dora"},
    "revops": {"ann", "ben", "cleo", "dora"},
    "ivy": set(),
    "joe": {"dora"},
    "boss": {"ann", "ben"},
    "head": {"ann", "ben"},
    "rival": {"cleo"},
    "ann": {"ann"},
    "nobody": set(),
}


def test_reps_are_seen_by_whoever_leads_them(world, subtests):
    for who, reps in SEEN_REPS.items():
        with subtests.test(who):
            assert {rep.user.username for rep in visible_reps(world["users"][who])} == reps


MOVES = {
    "admin": True,
    "revops": True,
    "boss": True,
    "rival": False,
    "ann": False,
    "nobody": False,
}


def test_only_who_leads_the_team_moves_a_lead_by_hand(world, subtests):
    for who, may in MOVES.items():
        with subtests.test(who):
            assert may_move(world["users"][who], world["leads"]["bens"]) is may


def test_a_rep_moves_not_even_their_own_lead_by_hand(world):
    assert not may_move(world["users"]["ann"], world["leads"]["anns"])


def test_what_a_rep_may_claim_is_not_thereby_seen(world):
    ann = world["leads"]["anns"].owner

    assert list(work.claimable(ann)) == [world["leads"]["shared"]]
    assert not visible_leads(ann.user).filter(pk=world["leads"]["shared"].pk).exists()


def test_more_rows_cost_no_more_statements(world, django_assert_max_num_queries):
    with django_assert_max_num_queries(4):
        list(visible_leads(world["users"]["boss"]))
    assert Lead.objects.count() == len(EVERYTHING)
