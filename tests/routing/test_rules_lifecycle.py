"""Draft, publish, roll back, pause: published rules never change."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from reps import trail
from reps.models import AuditEvent
from reps.trail import audit
from routing.models import Organisation, Rule, RuleSet
from routing.models.ruleset import PublishedRulesAreFixed
from routing.rules import lifecycle
from routing.rules.lifecycle import RulesRefused
from tests import make

AT = make.MONDAY_9AM
LATER = AT + timedelta(hours=1)
NURTURE = {"name": "Rest", "path": {"target": {"kind": "nurture"}}}
pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    make.organisation()
    return make.user("boss", is_superuser=True)


def live() -> RuleSet | None:
    return Organisation.get().live_ruleset


def test_the_first_draft_is_empty(boss):
    draft = lifecycle.draft(by=boss, at=AT, note="First")

    assert (draft.version, draft.state, draft.note, draft.created_by) == (1, "DRAFT", "First", boss)
    assert not draft.rules.exists()


def test_there_is_one_draft_at_a_time(boss):
    draft = lifecycle.draft(by=boss, at=AT)

    assert lifecycle.draft(by=make.user(), at=LATER) == draft
    with pytest.raises(IntegrityError), transaction.atomic():
        make.saved(RuleSet(version=99))


def test_a_draft_is_a_copy_of_the_live_rules_with_history_of_its_own(boss):
    first = make.rules(NURTURE)

    draft = lifecycle.draft(by=boss, at=LATER)

    columns = ("position", "name", "reasoning", "condition", "path", "is_fallback")
    assert list(draft.rules.values(*columns)) == list(first.rules.values(*columns))
    assert draft.based_on == first
    for rule in draft.rules.all():
        row = rule.history.get()
        assert (row.history_type, row.history_user, row.history_date) == ("+", boss, LATER)
        assert AuditEvent.objects.filter(subject="routing.rule", subject_id=rule.pk).count() == 1


def test_publishing_makes_a_draft_live(boss):
    draft = make.rules(NURTURE, publish=False)

    published = lifecycle.publish(ruleset=draft, by=boss, at=LATER)

    assert (published.state, published.published_at, published.published_by) == (
        "PUBLISHED",
        LATER,
        boss,
    )
    assert live() == published
    event = AuditEvent.objects.get(subject="routing.organisation", kind="rules_live")
    assert event.data["live_ruleset_id"] == published.pk


def test_rules_without_a_fallback_cannot_be_published(boss):
    draft = lifecycle.draft(by=boss, at=AT)
    make.saved(Rule(ruleset=draft, position=1, **NURTURE))

    with pytest.raises(RulesRefused, match="no fallback") as refused:
        lifecycle.publish(ruleset=draft, by=boss, at=AT)

    assert [finding.code for finding in refused.value.findings] == ["no_fallback"]
    assert live() is None
    draft.refresh_from_db()
    assert draft.state == "DRAFT"


def test_a_version_is_published_once(boss):
    published = make.rules(NURTURE)

    with pytest.raises(RulesRefused, match="already"):
        lifecycle.publish(ruleset=published, by=boss, at=LATER)


def test_published_rules_are_neither_edited_nor_deleted_nor_added_to(boss):
    published = make.rules(NURTURE)
    rule = published.rules.first()

    rule.name = "Otherwise"
    for act in (
        lambda: trail.save(rule, by=boss, at=LATER, reason="edited"),
        lambda: trail.delete(rule, by=boss, at=LATER, reason="deleted"),
        lambda: make.saved(Rule(ruleset=published, position=9, **NURTURE)),
        lambda: published.rules.all().delete(),
    ):
        with pytest.raises(PublishedRulesAreFixed):
            act()

    assert published.rules.count() == 2
    assert published.rules.first().name != "Otherwise"


def test_rolling_back_makes_an_earlier_version_live(boss):
    first, second = make.rules(NURTURE), make.rules(NURTURE)
    assert live() == second

    lifecycle.roll_back(to=first, by=boss, at=LATER, reason="Too strict " * 20)

    assert live() == first
    event = AuditEvent.objects.filter(kind="rules_live").latest("pk")
    assert event.reason.startswith("rolled back: Too strict")


def test_rolling_back_needs_a_reason_and_another_published_version(boss):
    first = make.rules(NURTURE)
    second = make.rules(NURTURE)
    draft = lifecycle.draft(by=boss, at=AT)

    for to, reason, words in (
        (first, " ", "why"),
        (draft, "x", "draft"),
        (second, "x", "live already"),
    ):
        with pytest.raises(RulesRefused, match=words):
            lifecycle.roll_back(to=to, by=boss, at=LATER, reason=reason)


def test_an_older_version_can_be_the_start_of_a_draft(boss):
    first = make.rules({**NURTURE, "name": "Old"})
    make.rules({**NURTURE, "name": "New"})

    draft = lifecycle.draft(by=boss, at=LATER, based_on=first)

    assert draft.rules.first().name == "Old"
    assert draft.version == 3


def test_pausing_and_resuming_are_on_record_once(boss):
    for _ in range(2):
        lifecycle.pause_routing(by=boss, at=AT)
    organisation = Organisation.get()
    assert (organisation.routing_paused_at, organisation.routing_paused_by) == (AT, boss)
    for _ in range(2):
        lifecycle.resume_routing(by=boss, at=LATER)

    assert Organisation.get().routing_paused_at is None
    kinds = AuditEvent.objects.filter(subject="routing.organisation").values_list("kind", flat=True)
    assert list(kinds).count("routing_paused") == list(kinds).count("routing_resumed") == 1


def test_when_publishing_fails_midway_nothing_is_published(boss, monkeypatch):
    draft = make.rules(NURTURE, publish=False)
    events = AuditEvent.objects.count()
    monkeypatch.setattr(lifecycle, "_make_live", lambda *args, **kwargs: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        lifecycle.publish(ruleset=draft, by=boss, at=LATER)

    draft.refresh_from_db()
    assert draft.state == "DRAFT"
    assert AuditEvent.objects.count() == events
    assert not list(audit.broken())
