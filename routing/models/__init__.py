"""Leads, and who gets them."""

from routing.models.assignment import Assignment, ReassignmentRequest
from routing.models.decision import Batch, Decision, PersonalFacts, RosterSnapshot
from routing.models.desk import Desk, Organisation
from routing.models.imports import ImportJob
from routing.models.lead import Lead, Outcome, Touch
from routing.models.pool import Pool, PoolMember, PoolStanding, Queue, RepLoad
from routing.models.prospect import Prospect, ProspectKey
from routing.models.ruleset import Rule, RuleSet, ScoreFactor
from routing.models.source import LeadForm, Source
from routing.models.submission import Submission

__all__ = [
    "Assignment",
    "Batch",
    "Decision",
    "Desk",
    "ImportJob",
    "Lead",
    "LeadForm",
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
    "RuleSet",
    "ScoreFactor",
    "Source",
    "Submission",
    "Touch",
]
