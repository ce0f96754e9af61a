"""Which references go on naming somebody who left, and why that is right."""

from routing.offboarding import registry

WAS_DONE = "It says who did it; that stays true."
WAS_SO = "It says how it was; that stays true."
THEIRS = "It describes the person themselves and has no effect once they have left."
FOLLOWS = "It follows the lead, which is handed over."

KEPT = {
    "accounts.Cover.rep": "The cover ends at its time; what it moved stays with who stood in.",
    "admin.LogEntry.user": WAS_DONE,
    "reps.Absence.rep": THEIRS,
    "reps.AuditEvent.actor": WAS_DONE,
    "reps.ChannelChoice.user": THEIRS,
    "reps.Hold.released_by": WAS_DONE,
    "reps.Message.recipient": "What was sent to them; what is no longer true is not sent.",
    "reps.NotificationPreference.user": THEIRS,
    "reps.PushSubscription.user": THEIRS,
    "reps.Rep.user": "Who the rep is. The sign-in is closed if the plan says so.",
    "reps.RepSkill.rep": THEIRS,
    "reps.User_groups.user": "What they may do; the sign-in is closed if the plan says so.",
    "reps.User_user_permissions.user": "As the groups.",
    "routing.Assignment.by": WAS_DONE,
    "routing.Assignment.from_rep": WAS_SO,
    "routing.Assignment.rep": WAS_SO,
    "routing.BalanceLine.by": WAS_DONE,
    "routing.BalanceLine.rep": WAS_SO,
    "routing.Decision.rep": WAS_SO,
    "routing.Erasure.by": WAS_DONE,
    "routing.ImportJob.created_by": WAS_DONE,
    "routing.Lead.former_owner": "Who had it before; nobody who has left is preferred.",
    "routing.Lead.wait_rep": "The lead is looked at anew as soon as they have left.",
    "routing.Limit.rep": THEIRS,
    "routing.Offboarding.acting": WAS_DONE,
    "routing.Offboarding.planned_by": WAS_DONE,
    "routing.Offboarding.rep": "Whose leaving it is.",
    "routing.Offboarding.successor": "A plan in which they succeed says so when it starts.",
    "routing.OffboardingItem.to_rep": "A plan that gives them something says so when it starts.",
    "routing.OffboardingItem.to_user": "A plan that gives them something says so when it starts.",
    "routing.Organisation.routing_paused_by": WAS_DONE,
    "routing.Outcome.by": WAS_DONE,
    "routing.PoolStanding.rep": "The balance is shared out when the turn in the pool ends.",
    "routing.ReassignmentRequest.decided_by": WAS_DONE,
    "routing.ReassignmentRequest.requested_by": "Their request is overtaken with its lead.",
    "routing.RepLoad.rep": FOLLOWS,
    "routing.RuleSet.approval_asked_by": WAS_DONE,
    "routing.RuleSet.approved_by": WAS_DONE,
    "routing.RuleSet.created_by": WAS_DONE,
    "routing.RuleSet.publish_by": "Who planned it; the version goes live without them.",
    "routing.RuleSet.published_by": WAS_DONE,
    "routing.SimulatedLead.actual_rep": WAS_SO,
    "routing.SimulatedLead.draft_rep": WAS_SO,
    "routing.SimulatedLead.live_rep": WAS_SO,
    "routing.Simulation.asked_by": WAS_DONE,
    "routing.Submission.submitted_by": WAS_DONE,
    "routing.Touch.by": WAS_DONE,
}


def register() -> None:
    for reference, why in KEPT.items():
        registry.keep(reference, why)
