"""
A second person for a version that moves many leads.

What is approved is a content (see `routing.rules.digest`): any change of the draft's rules, by
any way in, voids the approval, the question and the schedule, and says so in the trail.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.dispatch import receiver
from simple_history.signals import post_create_historical_record

from reps import access, trail
from reps.models import User
from reps.post import outbox
from routing.models import Organisation, Rule, RuleSet
from routing.rules import digest
from routing.rules.blast import SECONDS, Blast, radius
from routing.rules.refusals import ApprovalNeeded, RulesRefused

NEVER = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """
    How a draft stands: what it says (`digest`), how many leads it moves, whether a second
    person is needed, and whether one has approved exactly this content.
    """

    digest: str
    above: int
    blast: Blast
    is_needed: bool
    is_approved: bool
    is_asked: bool

    @property
    def may_go(self) -> bool:
        """Whether one person may publish it now."""
        return self.is_approved or not self.is_needed


def publishers() -> QuerySet[User]:
    """Whoever may publish rules: managers, RevOps and admins."""
    groups = [access.MANAGER, access.ADMIN, access.REVOPS]
    return User.objects.filter(
        Q(groups__name__in=groups) | Q(is_superuser=True), is_active=True
    ).distinct()


def last_author(ruleset: RuleSet) -> User | None:
    """Who changed a rule of this draft last, taking one out included."""
    row = Rule.history.filter(ruleset_id=ruleset.pk).order_by("-history_id").first()
    return row.history_user if row else ruleset.created_by


def standing(ruleset: RuleSet, *, at: datetime, seconds: float = SECONDS) -> Standing:
    """
    Return how a draft stands now.

    :raises routing.engine.InvalidPart: if its rules cannot be read
    """
    above = Organisation.get().approval_above
    says = digest.of_rules(ruleset)
    blast = radius(ruleset, digest=says, at=at, seconds=seconds)
    approved = ruleset.approved_at is not None and ruleset.approved_digest == says
    return Standing(
        digest=says,
        above=above,
        blast=blast,
        is_needed=above < NEVER and blast.percent > above,
        is_approved=approved,
        is_asked=ruleset.approval_asked_at is not None and not approved,
    )


def need(ruleset: RuleSet, *, at: datetime) -> str:
    """
    Return the digest that may go live, or refuse.

    :raises ApprovalNeeded: if a second person has to approve it first
    """
    says = digest.of_rules(ruleset)
    if ruleset.approved_at is not None and ruleset.approved_digest == says:
        return says
    found = standing(ruleset, at=at)
    if found.may_go:
        return found.digest
    raise ApprovalNeeded(
        f"{ruleset} would send {found.blast.percent:.0f} % of last month's leads elsewhere; above "
        f"{found.above} % a second person has to approve it. Ask for approval on the draft's page."
    )


def locked_draft(ruleset: RuleSet) -> RuleSet:
    """
    Return a draft, locked; the organisation's row is locked first, as everybody does.

    :raises RulesRefused: if it has been published
    """
    Organisation.objects.select_for_update(no_key=True).filter(pk=1).first()
    row = RuleSet.objects.select_for_update(no_key=True).get(pk=ruleset.pk)
    if row.state != RuleSet.State.DRAFT:
        raise RulesRefused(f"{row} has been published already; make a draft and change that.")
    return row


@transaction.atomic
def ask(*, ruleset: RuleSet, by: User, at: datetime) -> RuleSet:
    """
    Ask the others who may publish to approve a draft; each of them is told.

    :raises RulesRefused: if it is no draft, approved already, or there is nobody to ask
    """
    row = locked_draft(ruleset)
    if row.approved_at is not None and row.approved_digest == digest.of_rules(row):
        raise RulesRefused(f"{row} is approved already; publish it.")
    keep_out = {by.pk, getattr(last_author(row), "pk", None)} - {None}
    others = list(publishers().exclude(pk__in=keep_out))
    if not others:
        raise RulesRefused(
            "There is nobody to ask: an admin, RevOps person or manager who neither changed these "
            "rules last nor asks. Add one, or raise the limit in the organisation's settings."
        )
    row.approval_asked_at, row.approval_asked_by = at, by
    row.approved_at, row.approved_by, row.approved_digest = None, None, ""
    trail.save(row, by=by, at=at, reason="approval asked", kind="approval_asked")
    outbox.put(
        [
            outbox.Draft(
                key=f"rules_approval:{row.pk}:{at.timestamp():.6f}:{other.pk}",
                kind="rules_approval_asked",
                to=other.pk,
                payload={"ruleset": row.pk, "asked_at": at.isoformat()},
                about=f"routing.ruleset:{row.pk}",
            )
            for other in others
        ],
        at=at,
    )
    return row


def why_not(ruleset: RuleSet, *, by: User) -> str:
    """Say why this person cannot be the second one; "" if they can."""
    if ruleset.approval_asked_at is None:
        return "Nobody has asked for approval."
    if not access.may_set_up(by):
        return "Managers, RevOps and admins approve rules."
    if ruleset.approval_asked_by_id == by.pk:
        return "You asked for approval, so somebody else has to give it."
    author = last_author(ruleset)
    if author is not None and author.pk == by.pk:
        return "You changed these rules last, so somebody else has to approve them."
    return ""


@transaction.atomic
def approve(*, ruleset: RuleSet, by: User, at: datetime, digest_seen: str = "") -> RuleSet:
    """
    Approve a draft as it stands; `digest_seen` is the content that the person looked at.

    :raises RulesRefused: if this person may not, or the rules changed since they looked
    """
    row = locked_draft(ruleset)
    if reason := why_not(row, by=by):
        raise RulesRefused(reason)
    says = digest.of_rules(row)
    if digest_seen and digest_seen != says:
        raise RulesRefused("The rules have changed since you looked. Read them again.")
    row.approved_at, row.approved_by, row.approved_digest = at, by, says
    trail.save(row, by=by, at=at, reason="approved", kind="approved", data={"digest": says})
    _tell_asker(row, by=by, at=at, granted=True)
    return row


@transaction.atomic
def refuse(*, ruleset: RuleSet, by: User, at: datetime, reason: str) -> RuleSet:
    """
    Say no, with a reason; the draft can be changed and approval asked for again.

    Whoever asked may take the question back so.

    :raises RulesRefused: without a reason, or if nobody has asked
    """
    row = locked_draft(ruleset)
    if not reason.strip():
        raise RulesRefused("Say why.")
    if row.approval_asked_at is None:
        raise RulesRefused("Nobody has asked for approval.")
    asker = row.approval_asked_by
    _clear(row)
    trail.save(row, by=by, at=at, reason=f"approval refused: {reason}", kind="approval_refused")
    if asker is not None and asker.pk != by.pk:
        _tell_asker(row, by=by, at=at, granted=False, to=asker.pk, reason=reason)
    return row


def _tell_asker(
    row: RuleSet, *, by: User, at: datetime, granted: bool, to: int | None = None, reason: str = ""
) -> None:
    to = to or row.approval_asked_by_id
    if to is None:
        return
    outbox.put(
        [
            outbox.Draft(
                key=f"rules_answer:{row.pk}:{at.timestamp():.6f}",
                kind="rules_approval_answered",
                to=to,
                payload={
                    "ruleset": row.pk,
                    "by": by.pk,
                    "granted": granted,
                    "reason": reason[:300],
                },
                about=f"routing.ruleset:{row.pk}",
            )
        ],
        at=at,
    )


def _clear(row: RuleSet) -> list[str]:
    """Take the steps toward publication back, unsaved; return what they were."""
    steps = []
    if row.publish_at is not None:
        steps.append("the schedule")
    if row.approved_at is not None:
        steps.append("the approval")
    elif row.approval_asked_at is not None:
        steps.append("the question for approval")
    row.approval_asked_at = row.approval_asked_by = None
    row.approved_at = row.approved_by = None
    row.approved_digest = ""
    row.publish_at = row.publish_by = None
    row.takes_over = False
    return steps


@receiver(
    post_create_historical_record, sender=Rule.history.model, dispatch_uid="routing.rules.void"
)
def void(sender: Any, *, instance: Rule, history_instance: Any, **kwargs: Any) -> None:
    """A rule of a draft was written or taken out: what was approved or planned no longer holds."""
    row = (
        RuleSet.objects.select_for_update(no_key=True)
        .filter(
            Q(publish_at__isnull=False)
            | Q(approved_at__isnull=False)
            | Q(approval_asked_at__isnull=False),
            pk=history_instance.ruleset_id,
            state=RuleSet.State.DRAFT,
        )
        .first()
    )
    if row is None:
        return
    steps = _clear(row)
    trail.save(
        row,
        by=history_instance.history_user,
        at=history_instance.history_date,
        reason=f"rules changed, so {' and '.join(steps)} no longer holds",
        kind="approval_void",
    )
