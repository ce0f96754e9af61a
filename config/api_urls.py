"""Every address under /api/."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework import routers

from accounts import api as accounts_api
from reps import api as reps_api
from reps import my_api
from routing.api import (
    disputes,
    doors,
    duplicates,
    enrichment,
    fairness,
    ledgers,
    offboarding,
    people,
    plan,
    privacy,
    reviews,
    rules,
    scoring,
    simulations,
    territories,
    territory_plans,
    time_off,
)
from routing.api import leads as leads_api
from routing.api import requests as requests_api
from sla import api as sla_api

router = routers.DefaultRouter(use_regex_path=True)
router.include_root_view = False
router.include_format_suffixes = False
router.register("leads", leads_api.LeadViewSet, basename="api-lead")
router.register("leads", sla_api.LeadPauseViewSet, basename="api-leadpause")
router.register("prospects", privacy.ProspectViewSet, basename="api-prospect")
router.register("duplicates", duplicates.DuplicateViewSet, basename="api-duplicate")
router.register("merges", duplicates.MergeViewSet, basename="api-merge")
router.register("reps", people.RepViewSet, basename="api-rep")
router.register("teams", people.TeamViewSet, basename="api-team")
router.register("skills", reps_api.SkillViewSet, basename="api-skill")
router.register("calendars", reps_api.CalendarViewSet, basename="api-calendar")
router.register("rep-skills", people.RepSkillViewSet, basename="api-repskill")
router.register("absences", time_off.AbsenceViewSet, basename="api-absence")
router.register("feeds", time_off.FeedViewSet, basename="api-feed")
router.register("accounts", accounts_api.AccountViewSet, basename="api-account")
router.register("account-owners", accounts_api.AccountOwnerViewSet, basename="api-accountowner")
router.register("offboardings", offboarding.OffboardingViewSet, basename="api-offboarding")
router.register("covers", accounts_api.CoverViewSet, basename="api-cover")
router.register(
    "territory-plans", territory_plans.TerritoryPlanViewSet, basename="api-territoryplan"
)
router.register(
    "territory-studies", territory_plans.TerritoryStudyViewSet, basename="api-territorystudy"
)
router.register("territories", territories.TerritoryViewSet, basename="api-territory")
router.register("pools", plan.PoolViewSet, basename="api-pool")
router.register("pool-members", plan.PoolMemberViewSet, basename="api-poolmember")
router.register("limits", fairness.LimitViewSet, basename="api-limit")
router.register("queues", plan.QueueViewSet, basename="api-queue")
router.register("rulesets", rules.RuleSetViewSet, basename="api-ruleset")
router.register("simulations", simulations.SimulationViewSet, basename="api-simulation")
router.register("rules", rules.RuleViewSet, basename="api-rule")
router.register("golden-leads", rules.GoldenLeadViewSet, basename="api-goldenlead")
router.register("score-models", scoring.ScoreModelViewSet, basename="api-scoremodel")
router.register("assignments", ledgers.AssignmentViewSet, basename="api-assignment")
router.register("decisions", ledgers.DecisionViewSet, basename="api-decision")
router.register(
    "reassignment-requests",
    requests_api.ReassignmentRequestViewSet,
    basename="api-reassignmentrequest",
)
router.register("match-reviews", reviews.MatchReviewViewSet, basename="api-matchreview")
router.register("disputes", disputes.DisputeViewSet, basename="api-dispute")
router.register("policies", sla_api.PolicyViewSet, basename="api-policy")
router.register("pause-reasons", sla_api.PauseReasonViewSet, basename="api-pausereason")
router.register("clocks", sla_api.ClockViewSet, basename="api-clock")
router.register("attainment", sla_api.AttainmentViewSet, basename="api-attainment")
router.register("escalations", sla_api.EscalationViewSet, basename="api-escalation")

urlpatterns = [
    *simulations.urlpatterns,
    *my_api.urlpatterns,
    path("v1/", include(router.urls)),
    path("v1/submissions/<uuid:public_id>/", doors.SubmissionView.as_view(), name="api-submission"),
    path("v1/enrichment/", enrichment.QualityView.as_view(), name="api-enrichment"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path(
        "schema/swagger/",
        SpectacularSwaggerView.as_view(url_name="api-schema"),
        name="api-swagger",
    ),
]
