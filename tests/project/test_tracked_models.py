"""What AUD-1 asks to be on record is on record, and personal data is not."""

import pytest
from django.apps import apps
from django.db import models
from simple_history.models import registered_models

from reps.models import TrackedModel, TrackedQuerySet
from reps.models.tracked import UnrecordedWrite, bulk_writer
from reps.trail.history import tracked_models
from routing.models import Prospect
from tests import make

OURS = ("reps", "accounts", "routing", "sla")
# Owner, rule, territory, capacity, policy, and whatever shapes who gets a lead.
AUD_1 = {
    "accounts.Account",
    "accounts.AccountOwner",
    "accounts.Cover",
    "accounts.Opportunity",
    "accounts.PlannedTerritory",
    "accounts.Territory",
    "accounts.TerritoryBackup",
    "accounts.TerritoryPlan",
    "reps.Absence",
    "reps.CalendarFeed",
    "reps.Rep",
    "reps.RepSkill",
    "reps.RetentionRule",
    "reps.Skill",
    "reps.Team",
    "reps.WorkCalendar",
    "routing.DuplicatePolicy",
    "routing.FunnelDefinition",
    "routing.Dispute",
    "routing.Lead",
    "routing.LeadForm",
    "routing.Limit",
    "routing.MatchReview",
    "routing.Offboarding",
    "routing.Organisation",
    "routing.Pool",
    "routing.PoolMember",
    "routing.Queue",
    "routing.ReassignmentRequest",
    "routing.Rule",
    "routing.RuleSet",
    "routing.ScoreModel",
    "routing.Source",
    "sla.PauseReason",
    "sla.Policy",
}
# Personal data of a prospect; none of these may be a column of a tracked model.
PERSONAL = {"email", "phone", "linkedin_url", "message", "answers", "page_url", "title"}


def test_every_model_that_must_be_on_record_is_tracked():
    tracked = {model._meta.label for model in tracked_models()}

    assert tracked >= AUD_1


def test_tracked_models_and_registered_histories_are_the_same_models():
    ours = {model for label in OURS for model in apps.get_app_config(label).get_models()}
    derived = {model for model in ours if issubclass(model, TrackedModel)}

    assert set(registered_models.values()) == derived
    assert set(tracked_models()) == derived


@pytest.mark.parametrize("model", tracked_models(), ids=lambda model: model._meta.label)
def test_a_tracked_model_is_read_through_a_query_set_that_refuses_unrecorded_writes(model):
    for manager in (model._default_manager, model.objects):
        assert isinstance(manager.all(), TrackedQuerySet)


@pytest.mark.parametrize("model", tracked_models(), ids=lambda model: model._meta.label)
def test_a_tracked_model_has_no_many_to_many_field_which_history_would_miss(model):
    assert not model._meta.many_to_many


@pytest.mark.parametrize("model", tracked_models(), ids=lambda model: model._meta.label)
def test_a_tracked_model_holds_no_personal_data_of_a_prospect(model):
    # The title of a form; the colleague who answers a request.
    named_alike = {"routing.LeadForm": {"title"}, "routing.ReassignmentRequest": {"answers"}}
    allowed = named_alike.get(model._meta.label, set())
    columns = {field.name for field in model._meta.concrete_fields}

    assert not columns & (PERSONAL - allowed)


def test_what_lies_apart_is_not_tracked():
    assert Prospect not in tracked_models()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "write",
    [
        lambda rows: rows.update(name="Other"),
        lambda rows: rows.bulk_create([rows.model(name="Other")]),
        lambda rows: rows.bulk_update(list(rows), ["name"]),
    ],
    ids=["update", "bulk_create", "bulk_update"],
)
def test_a_bulk_write_outside_of_a_bulk_writer_is_refused(write):
    team = make.team("Before")

    with pytest.raises(UnrecordedWrite):
        write(type(team).objects.all())

    team.refresh_from_db()
    assert team.name == "Before"


@pytest.mark.django_db
def test_a_bulk_writer_ends_with_its_block():
    team = make.team()

    with bulk_writer("test"):
        type(team).objects.filter(pk=team.pk).update(name="In the block")

    with pytest.raises(UnrecordedWrite):
        type(team).objects.filter(pk=team.pk).update(name="After it")


@pytest.mark.django_db
def test_deleting_through_a_query_set_leaves_a_history_row_for_each_row():
    teams = [make.team(), make.team()]
    history = type(teams[0]).history

    deleted, _ = type(teams[0]).objects.filter(pk__in=[t.pk for t in teams]).delete()

    assert deleted == 2
    assert history.filter(history_type="-").count() == 2


def test_related_rows_of_tracked_models_are_reached_through_refusing_query_sets():
    for model in tracked_models():
        for relation in model._meta.related_objects:
            if issubclass(relation.related_model, TrackedModel):
                assert issubclass(
                    relation.related_model._default_manager._queryset_class, TrackedQuerySet
                )


def test_every_model_of_ours_has_a_default_manager_that_the_admin_can_use():
    for label in OURS:
        for model in apps.get_app_config(label).get_models():
            assert isinstance(model._default_manager, models.Manager)
