"""What people do with leads: each verb is one call for page, API, admin, task and command."""

from routing.work.claim import ClaimRefused, claim, claimable
from routing.work.close import record_outcome, recycle
from routing.work.contact import Way, acknowledge, log_contact
from routing.work.reassign import (
    decline,
    give_to,
    move_by_hand,
    move_many_by_hand,
    put_in_queue,
    re_place,
)
from routing.work.refusals import NotYours, WorkRefused
from routing.work.requests import RequestRefused, approve, refuse, request_reassignment

__all__ = [
    "ClaimRefused",
    "NotYours",
    "RequestRefused",
    "Way",
    "WorkRefused",
    "acknowledge",
    "approve",
    "claim",
    "claimable",
    "decline",
    "give_to",
    "log_contact",
    "move_by_hand",
    "move_many_by_hand",
    "put_in_queue",
    "re_place",
    "record_outcome",
    "recycle",
    "refuse",
    "request_reassignment",
]
