"""Leads, and who gets them."""

from routing.models.assignment import Assignment, ReassignmentRequest
from routing.models.decision import Batch, Decision, PersonalFacts, RosterSnapshot
from routing.models.desk import Desk, Organisation
from routing.models.dispute import Dispute
from routing.models.duplicate import DuplicatePair, DuplicatePolicy, Merge, ProspectTrait
from routing.models.enrichment import (
    Enquiry,
    Enrichment,
    EnrichmentProvider,
    FieldCheck,
    LateFinding,
    ProviderAnswer,
    ProviderBreaker,
)
from routing.models.imports import ImportJob
from routing.models.lead import Lead, Outcome, Touch
from routing.models.offboarding import Offboarding, OffboardingItem
from routing.models.pool import (
    BalanceLine,
    Limit,
    Pool,
    PoolMember,
    PoolStanding,
    Queue,
    RepLoad,
)
from routing.models.prospect import Erasure, Prospect, ProspectKey
from routing.models.realign import RealignedLead, Realignment, TerritoryStudy
from routing.models.review import MatchCandidate, MatchRefusal, MatchReview
from routing.models.ruleset import GoldenLead, Rule, RuleFinding, RuleSet
from routing.models.scoring import FunnelDefinition, LearntScore, ScoreModel, ScoreReview
from routing.models.simulation import SimulatedLead, Simulation
from routing.models.source import LeadForm, Source
from routing.models.submission import Submission

__all__ = [
    "Assignment",
    "BalanceLine",
    "Batch",
    "Decision",
    "Desk",
    "Dispute",
    "DuplicatePair",
    "DuplicatePolicy",
    "Enquiry",
    "Enrichment",
    "EnrichmentProvider",
    "Erasure",
    "FieldCheck",
    "FunnelDefinition",
    "GoldenLead",
    "ImportJob",
    "LateFinding",
    "Lead",
    "LeadForm",
    "LearntScore",
    "Limit",
    "MatchCandidate",
    "MatchRefusal",
    "MatchReview",
    "Merge",
    "Offboarding",
    "OffboardingItem",
    "Organisation",
    "Outcome",
    "PersonalFacts",
    "Pool",
    "PoolMember",
    "PoolStanding",
    "Prospect",
    "ProspectKey",
    "ProspectTrait",
    "ProviderAnswer",
    "ProviderBreaker",
    "Queue",
    "RealignedLead",
    "Realignment",
    "ReassignmentRequest",
    "RepLoad",
    "RosterSnapshot",
    "Rule",
    "RuleFinding",
    "RuleSet",
    "ScoreModel",
    "ScoreReview",
    "SimulatedLead",
    "Simulation",
    "Source",
    "Submission",
    "TerritoryStudy",
    "Touch",
]
