"""The live rules are checked when the company changes, and whoever answers for a rule is told."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reps.models import Message, RosterStamp
from reps.post import kinds
from reps.services import people
from routing.dispatch import snapshot
from routing.models import Organisation, RuleFinding
from routing.rules import lifecycle
from routing.rules.lint import lint, live
from tests import make
from tests.clock import travel

AT = make.MONDAY_9AM
LATER = AT + timedelta(minutes=1)
pytestmark = pytest.mark.django_db


def look(at=AT) -> int:
    return live.drain(driver="test", due_before=at, at=at)


@pytest.fixture
def ann():
    make.organisation()
    return make.rep("ann")


@pytest.fixture
def boss():
    return make.user("boss")


@pytest.fixture
def rules(ann, boss):
    """One rule, owned by the boss, that goes to Ann; what does not fit goes to a pool."""
    return make.rules(
        {
            "name": "To Ann",
            "owner": boss,
            "condition": {"fact": "country", "op": "eq", "value": "DE"},
            "path": {"target": {"kind": "rep", "id": ann.pk}},
        },
        make.round_robin(make.pool(ann, make.rep("bob"))),
    )


def leave(rep, at=AT):
    people.deactivate(rep=rep, reason="left", by=make.user(is_superuser=True), at=at, driver="test")


def open_codes() -> list[str]:
    return [row.code for row in RuleFinding.objects.filter(gone_at=None)]


def test_nothing_is_looked_at_before_rules_are_live(ann):
    assert look() == 0


def test_good_rules_are_looked_at_once_and_then_only_when_something_changes(rules):
    assert (look(), look(LATER)) == (1, 0)
    assert open_codes() == []
    assert not Message.objects.filter(kind="rule_findings").exists()


def test_the_look_itself_moves_no_stamp_and_leaves_no_history(rules):
    stamp, versions = RosterStamp.current(), Organisation.history.count()

    look()

    assert RosterStamp.current() == stamp
    assert Organisation.history.count() == versions
    assert Organisation.get().linted_stamp == stamp


def test_somebody_leaves_and_the_owner_of_the_rule_is_told_once(rules, ann, boss):
    look()
    leave(ann)

    assert [look(LATER + n * timedelta(minutes=5)) for n in range(3)] == [1, 0, 0]

    row = RuleFinding.objects.get()
    assert (row.code, row.rule.name, row.is_error) == ("stale_owner", "To Ann", False)
    message = Message.objects.get(kind="rule_findings")
    assert message.recipient == boss
    assert row.told_at == LATER
    text = kinds.get("rule_findings").render(message)
    assert text.subject == "One thing to mend in the routing rules"
    assert text.facts == [("To Ann", row.message)]
    assert text.url.endswith("/rules/findings/")
    assert kinds.lines([message], reader=boss) == {
        message.pk: "One thing to mend in the routing rules"
    }


def test_changes_in_a_row_are_looked_at_together(rules, ann):
    look()
    leave(ann, at=AT)

    assert look(AT + timedelta(seconds=5)) == 0
    assert look(AT + live.PAUSE) == 1


def test_what_is_gone_is_closed_and_no_longer_told(rules, ann):
    look()
    leave(ann)
    look(LATER)
    message = Message.objects.get(kind="rule_findings")

    people.reactivate(rep=ann, by=make.user(is_superuser=True), at=LATER)
    look(LATER + timedelta(minutes=5))

    row = RuleFinding.objects.get()
    assert row.gone_at == LATER + timedelta(minutes=5)
    assert not kinds.get("rule_findings").still_wanted(message)


def test_without_an_owner_whoever_published_is_told_else_the_responsible(rules, boss):
    boss.is_active = False
    boss.save()
    look()

    # The closed account is itself a finding.
    assert open_codes() == ["stale_owner"]
    assert Message.objects.get(kind="rule_findings").recipient == rules.published_by

    RuleFinding.objects.all().delete()
    Message.objects.all().delete()
    rules.published_by.is_active = False
    rules.published_by.save()
    answers = make.user("answers")
    organisation = Organisation.get()
    organisation.responsible = answers
    make.saved(organisation)
    look(AT + timedelta(days=1))
    assert Message.objects.get(kind="rule_findings").recipient == answers


def test_a_new_day_brings_what_the_calendar_brings(ann, boss):
    make.rules(
        {
            **make.round_robin(make.pool(ann)),
            "owner": boss,
            "review_on": AT.date(),
        }
    )

    assert look() == 1
    assert open_codes() == []
    assert live.oldest() == AT + timedelta(days=1)
    assert look(AT + timedelta(days=1)) == 1
    assert open_codes() == ["review_due"]


def test_other_rules_going_live_are_looked_at_and_nobody_is_told_twice(rules, ann):
    leave(ann)
    look()
    with travel(LATER):
        by = make.user(is_superuser=True)
        draft = lifecycle.draft(by=by, at=LATER)
        lifecycle.publish(ruleset=draft, by=by, at=LATER)

    assert look(LATER) == 1

    old, new = RuleFinding.objects.order_by("pk")
    assert (old.gone_at, new.gone_at) == (LATER, None)
    assert new.told_at == old.told_at == AT
    assert Message.objects.filter(kind="rule_findings").count() == 1


def test_a_mistake_whose_words_change_is_the_same_mistake(rules, ann):
    look()
    leave(ann)
    look(LATER)
    row = RuleFinding.objects.get()
    ann.user.first_name = "Annabel"
    ann.user.save()

    look(AT + timedelta(days=1))

    renamed = RuleFinding.objects.get()
    assert renamed.pk == row.pk
    assert "Annabel" in renamed.message
    assert Message.objects.filter(kind="rule_findings").count() == 1


def test_of_two_who_look_at_the_same_time_one_speaks(rules, ann):
    leave(ann)
    before = Organisation.objects.select_related("live_ruleset").get()
    found = lint(rules, at=AT)
    common = {"ruleset": rules, "before": before, "stamp": 5}

    assert live.keep(found, at=AT, **common)
    assert not live.keep(found, at=LATER, **common)
    assert RuleFinding.objects.count() == 1


def test_a_look_costs_the_same_for_two_reps_and_for_many(rules, django_assert_num_queries):
    # The roster is read for everybody who asks, and kept.
    snapshot.current(at=AT)
    with CaptureQueriesContext(connection) as few:
        lint(rules, at=AT)
    for number in range(5):
        make.rep_skill(make.rep(), make.skill(f"skill-{number}"))
        make.pool(make.rep())
        make.territory(owner=make.rep(), countries=["DE"])
        make.queue()
    snapshot.current(at=AT)

    with django_assert_num_queries(len(few)):
        lint(rules, at=AT)


# --- The page and the command ------------------------------------------------------------


def test_the_page_shows_what_is_open_and_what_was_mended(rules, ann, client):
    client.force_login(make.user(group="revops"))
    page = reverse("rule_findings")
    assert "Not checked yet" in client.get(page).content.decode()
    look()
    assert "Nothing to mend" in client.get(page).content.decode()
    leave(ann)
    look(LATER)
    RuleFinding.objects.create(
        ruleset=rules, code="old", message="Long mended", found_at=AT, gone_at=AT
    )

    shown = client.get(page).content.decode()

    assert "To Ann" in shown
    assert "who has left" in shown
    assert "Long mended" in shown
    assert reverse("rule_findings") in client.get(reverse("rules")).content.decode()


def test_reps_do_not_see_the_page(rules, client):
    client.force_login(make.user(group="rep"))

    assert client.get(reverse("rule_findings")).status_code == 403


def test_the_page_asks_the_same_for_two_findings_and_for_many(rules, client):
    client.force_login(make.user(group="revops"))

    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            client.get(reverse("rule_findings"))
        return len(seen)

    for gone_at in (None, AT):
        RuleFinding.objects.create(
            ruleset=rules, rule=rules.rules.first(), message="x", found_at=AT, gone_at=gone_at
        )
    few = statements()
    for gone_at in [None, AT] * 10:
        RuleFinding.objects.create(
            ruleset=rules, rule=rules.rules.last(), message="x", found_at=AT, gone_at=gone_at
        )

    assert statements() == few


def test_the_command_prints_every_finding_and_ends_with_one_if_there_is_an_error(rules, ann):
    leave(ann)
    out = StringIO()
    call_command("lint_rules", stdout=out)
    assert "warning: “To Ann” goes to ann, who has left." in out.getvalue()
    assert "[stale_owner]" in out.getvalue()

    draft = lifecycle.draft(by=make.user(), at=AT)
    draft.rules.get(is_fallback=True).delete()
    with pytest.raises(CommandError) as refused:
        call_command("lint_rules", stdout=out)
    assert refused.value.returncode == 1
    assert "[no_fallback]" in out.getvalue()
