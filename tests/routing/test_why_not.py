"""Why not this rep: who may ask about whom, on the page, by the API and by the command."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from reps.services import people
from routing import why_not
from routing.engine import Counters, Limit, RepSpec, Roster
from routing.engine.change import CHANGES, Change, Search
from routing.engine.types import Situation
from routing.models import PersonalFacts
from routing.rules.names import Names
from tests import make
from tests.clock import travel

AT = make.MONDAY_9AM
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def moment():
    with travel(AT):
        yield


class Scene:
    """Ann got the lead while Ben was paused; Cleo is of another team. Morgan manages the first."""

    def __init__(self):
        make.organisation()
        self.morgan = make.user("morgan", group="manager")
        self.norma = make.user("norma", group="manager")
        self.revops = make.user("revops", group="revops")
        north = make.team("North", manager=self.morgan)
        south = make.team("South", manager=self.norma)
        self.ann, self.ben = make.rep("ann", team=north), make.rep("ben", team=north)
        self.cleo = make.rep("cleo", team=south)
        people.pause(rep=self.ben, until=None, reason="", by=self.ben.user, at=AT)
        self.pool = make.pool(self.ann, self.ben, self.cleo, weights=(1, 10, 1))
        make.rules(make.round_robin(self.pool))
        self.lead = make.routed(make.lead())
        assert self.lead.owner == self.ann

    def page(self, user, rep=None):
        client = Client()
        client.force_login(user)
        asked = {} if rep is None else {"why_not": rep.pk}
        return client.get(reverse("lead", args=[self.lead.pk]), asked)

    def api(self, user, rep=None):
        client = Client()
        client.force_login(user)
        asked = {} if rep is None else {"rep": rep.pk}
        return client.get(f"/api/v1/leads/{self.lead.pk}/explanation/", asked)


@pytest.fixture
def scene():
    return Scene()


# --- The page ------------------------------------------------------------------------------


def test_a_manager_asks_about_a_rep_of_theirs_and_reads_what_would_have_been_enough(scene):
    answer = scene.page(scene.morgan, scene.ben)
    body = answer.content.decode()

    assert answer.status_code == 200
    assert "<b>Not taking leads</b>: until further notice." in body
    assert answer.context["why_not"].change.kind == "not_paused"
    assert answer.context["why_not"].enough in body


def test_a_manager_is_not_offered_reps_of_other_teams_and_may_not_ask_about_them(scene):
    offered = list(scene.page(scene.morgan).context["why_not_choices"])

    assert offered == [scene.ben]
    assert scene.page(scene.morgan, scene.cleo).status_code == 404
    assert scene.page(scene.revops, scene.cleo).status_code == 200


def test_a_lead_that_is_not_to_be_seen_answers_nothing(scene):
    assert scene.page(scene.norma, scene.cleo).status_code == 404
    assert scene.page(scene.ben.user, scene.ben).status_code == 404


@pytest.mark.parametrize("asked", ["999999", "x", "-1", "9" * 30])
def test_a_question_about_nobody_is_no_answer(scene, asked):
    client = Client()
    client.force_login(scene.revops)

    answer = client.get(reverse("lead", args=[scene.lead.pk]), {"why_not": asked})

    assert answer.status_code in (200, 404)
    assert answer.status_code == 404 or "why_not" not in answer.context


def test_the_owner_is_told_why_me_and_not_why_not(scene):
    answer = scene.page(scene.ann.user, scene.ben)

    assert "why_not" not in answer.context
    assert answer.context["asked_about"] is None
    assert "Why me" in answer.content.decode()


def test_a_rep_who_manages_reads_why_not_me_about_themselves_only(scene):
    """A playing manager sees the leads of the team, and may ask about the team."""
    player = make.rep("morgan-too", user=scene.morgan, team=scene.ann.team)

    body = scene.page(scene.morgan, player).content.decode()

    assert "no rule that was tried means you" in body
    assert "As a member of" in body or "you would have got it" in body or "No single" in body


def test_where_facts_were_erased_it_says_so_calmly(scene):
    PersonalFacts.objects.all().delete()

    answer = scene.page(scene.morgan, scene.ben)

    assert answer.status_code == 200
    assert "The personal data behind this decision were erased." in answer.content.decode()


def test_before_the_first_decision_there_is_nothing_to_tell(scene):
    with pytest.raises(why_not.CannotTell, match="No rule has looked"):
        why_not.why_not(make.lead(), scene.ann)


# --- The API -------------------------------------------------------------------------------


def test_the_api_names_the_change_in_data_and_in_words(scene):
    told = scene.api(scene.morgan, scene.ben).json()["smallest_change"]

    assert told["verdict"] == "Not taking leads"
    assert told["change"]["kind"] == "not_paused"
    assert told["change"]["rep"] == scene.ben.pk
    assert told["in_words"] == f"Had they not been paused, {scene.ben} would have got it."
    assert (told["tried"], told["is_complete"]) == (1, True)


def test_the_api_answers_about_visible_reps_only(scene):
    assert scene.api(scene.morgan, scene.cleo).status_code == 404
    assert scene.api(scene.ann.user, scene.ben).status_code == 404
    assert scene.api(scene.ben.user).status_code == 404


def test_the_api_says_you_to_the_rep_who_asks(scene):
    told = scene.api(scene.ann.user).json()["smallest_change"]

    assert (told["verdict"], told["change"], told["in_words"]) == ("Got it", None, "")


def test_the_api_answers_where_facts_were_erased(scene):
    PersonalFacts.objects.all().delete()

    told = scene.api(scene.revops).json()

    assert told["explanation"] is None
    assert told["check"]["erased"] is True
    assert told["check"]["agrees"] is None


# --- The command ---------------------------------------------------------------------------


def command(*args, **options):
    out = StringIO()
    call_command("explain", *args, stdout=out, **options)
    return out.getvalue()


def test_the_command_tells_the_story_and_the_change(scene):
    told = command(scene.lead.pk, rep="ben")

    assert "chose ann" in told
    assert "Why not ben? Not taking leads: until further notice." in told
    assert "Had they not been paused, ben would have got it." in told
    assert "Run again just now: the same answer." in told


def test_the_command_writes_json(scene):
    told = json.loads(command(scene.lead.pk, rep=str(scene.ben.pk), json=True))

    assert told["winner"] == scene.ann.pk
    assert told["answer"]["verdict"] == "away"


def test_the_command_refuses_what_is_not_there(scene):
    with pytest.raises(CommandError, match="no lead 999"):
        command(999)
    with pytest.raises(CommandError, match="no rep nobody"):
        command(scene.lead.pk, rep="nobody")
    with pytest.raises(CommandError, match="Nothing has been decided"):
        command(make.lead().pk)


# --- Words ---------------------------------------------------------------------------------

NAMES = Names(pools={7: "Inside sales"}, reps={1: "Ann", 2: "Ben"}, skills={"french": "French"})
SITUATION = Situation(
    {},
    Roster.of(
        [
            RepSpec(
                2,
                limits=(
                    Limit("points", 10),
                    Limit("value", 10),
                    Limit("flow", 1, 60),
                    Limit("tier_share", 50, 60, pool=7, tier="HOT"),
                ),
            )
        ]
    ),
    Counters(),
    1000,
)
SAID = [
    (Change("not_paused", 2), "Had they not been paused", "Had you not been paused"),
    (Change("not_absent", 2), "Had they not been out of office", "Had you not been out of office"),
    (Change("on_shift", 2), "Had they been on shift", "Had you been on shift"),
    (Change("later", 2, 7200), "Had it come 2 h later", None),
    (Change("fewer_open", 2, 1), "With 1 open lead fewer", None),
    (Change("fewer_open", 2, 3), "With 3 open leads fewer", None),
    (Change("more_capacity", 2, 4), "With a capacity higher by 4", None),
    (
        Change("without_limit", 2, 0),
        "Without their limit on the points of open leads",
        "Without your limit on the points of open leads",
    ),
    (Change("without_limit", 2, 1), "Without their limit on the value of open leads", ...),
    (Change("without_limit", 2, 2), "Without their limit on new leads in a period", ...),
    (
        Change("without_limit", 2, 3),
        "Without their limit on the share of a tier in Inside sales",
        ...,
    ),
    (Change("skill", 2, 4, "french"), "With French at level 4", None),
    (Change("seniority", 2, 3), "With the seniority senior", None),
    (Change("active", 2), "Had they still been here", "Had you still been here"),
    (Change("member", 2, pool=7), "As a member of Inside sales", None),
    (Change("weight", 2, 5, pool=7), "With 5 times the weight in Inside sales", None),
    (Change("without_winner", 2, value=1), "Had whoever got it been away", None),
    (Change("fact", 2, name="country", value="DE"), "Had the lead's country been DE", None),
    (Change("fact", 2, name="tier"), "Had the lead's tier not been known", None),
    (
        Change("fact", 2, name="former_owner", value=2),
        "Had they been the lead's former owner",
        "Had you been the lead's former owner",
    ),
    (
        Change("fact", 2, name="account_owner", value=1),
        "Had the lead's named-account owner been Ann",
        None,
    ),
    (
        Change("fact", 2, name="hand_raise", value=True),
        "Had the person asked to be contacted",
        None,
    ),
    (
        Change("fact", 2, name="has_account", value=False),
        "Had the company not been a known account",
        None,
    ),
    (
        Change("fact", 2, name="events", value=[["pricing_page", 0]] * 3),
        "Had the person's events been 3 times pricing_page, just now",
        None,
    ),
    (
        Change("fact", 2, name="events", value=[["demo", 0]]),
        "Had the person's one event been demo, just now",
        None,
    ),
    (Change("fact", 2, name="events"), "Without the events of the person", None),
    (
        Change("fact", 2, name="location", value=[48.86, 2.35]),
        "Had the lead's place been 48.86, 2.35",
        None,
    ),
    (Change("fact", 2, name="waited", value=900), "Had it waited 15 minutes for routing", None),
    (
        Change("fact", 2, name="answers", value=["use_case=booking"]),
        "Had the answer to “use_case” been booking",
        None,
    ),
    (Change("fact", 2, name="account_team"), "Had the lead had no account team", None),
]


@pytest.mark.parametrize(("change", "theirs", "yours"), SAID)
def test_every_change_has_its_words(change, theirs, yours):
    assert why_not.in_plain_words(change, SITUATION, names=NAMES) == theirs
    said = why_not.in_plain_words(change, SITUATION, names=NAMES, is_me=True)
    if yours is ...:
        assert said == theirs.replace("their", "your")
    else:
        assert said == (yours or theirs)


def test_no_change_of_the_list_is_without_words():
    assert {change.kind for change, *_ in SAID} == set(CHANGES)


def test_whoever_was_paused_reads_you_about_themselves(scene):
    told = why_not.why_not(scene.lead, scene.ben, me=scene.ben)

    assert told.enough == "Had you not been paused, you would have got it."


def test_a_search_that_was_cut_short_says_no_more_than_it_knows(scene, monkeypatch):
    monkeypatch.setattr(why_not, "search", lambda *_: Search(None, 5000, is_complete=False))
    cut = why_not.why_not(scene.lead, scene.ben).enough
    monkeypatch.setattr(why_not, "search", lambda *_: Search(None, 12))
    whole = why_not.why_not(scene.lead, scene.ben).enough

    assert cut == (
        "None of the 5000 nearest single changes would have been enough; farther ones were "
        "not tried."
    )
    assert whole == "No single change would have been enough; 12 were tried."
