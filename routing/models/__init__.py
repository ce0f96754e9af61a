"""Leads, and who gets them."""

from routing.models.assignment import Assignment, ReassignmentRequest
from routing.models.decision import Batch, Decision, PersonalFacts, RosterSnapshot
from routing.models.desk import Desk, Organisation
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
from routing.models.ruleset import GoldenLead, Rule, RuleFinding, RuleSet, ScoreFactor
from routing.models.simulation import SimulatedLead, Simulation
from routing.models.source import LeadForm, Source
from routing.models.submission import Submission

__all__ = [
    "Assignment",
    "BalanceLine",
    "Batch",
    "Decision",
    "Desk",
    "Erasure",
    "GoldenLead",
    "ImportJob",
    "Lead",
    "LeadForm",
    "Limit",
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
    "Queue",
    "ReassignmentRequest",
    "RepLoad",
    "RosterSnapshot",
    "Rule",
    "RuleFinding",
    "RuleSet",
    "ScoreFactor",
    "SimulatedLead",
    "Simulation",
    "Source",
    "Submission",
    "Touch",
]
