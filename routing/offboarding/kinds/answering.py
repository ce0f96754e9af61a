"""What waits for the person as somebody who answers: queues, the organisation, requests, leads."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from reps.models import Rep
from routing.models import Dispute, Lead, OffboardingItem, Organisation, Queue, ReassignmentRequest
from routing.models.offboarding import Way
from routing.offboarding.kinds.base import Column
from routing.offboarding.registry import USER

State = OffboardingItem.State
PENDING = ReassignmentRequest.State.PENDING
SIGNS_ALREADY = "They sign for the other side already; it takes two people."
TO_A_PERSON = (Way.MANAGER, Way.SUCCESSOR, Way.KEEP)


class AnswersForQueues(Column):
    name = "queues"
    label = _("Queues they answer for")
    position = 50
    model = Queue
    column = "responsible"
    takes = USER
    ways = TO_A_PERSON
    default = Way.MANAGER


class AnswersForOrganisation(Column):
    name = "organisation"
    label = _("Every lead without an owner, which they answer for")
    position = 51
    model = Organisation
    column = "responsible"
    takes = USER
    ways = TO_A_PERSON
    default = Way.MANAGER
    revops_only = True


class Leadership(Column):
    name = "leadership"
    label = _("Escalations that reach them last")
    position = 52
    model = Organisation
    column = "leadership"
    takes = USER
    ways = (*TO_A_PERSON, Way.NOBODY)
    default = Way.MANAGER
    revops_only = True


class LooksAfterScore(Leadership):
    name = "score_owner"
    label = _("The score, whose reviews they are reminded of")
    column = "score_owner"


class SignsForMarketing(Leadership):
    name = "marketing_signer"
    label = _("Definitions of MQL and SQL, which they sign for marketing")
    column = "marketing_signer"

    def refuses(self, row: Any, to: int | None) -> str:
        return SIGNS_ALREADY if to is not None and to == row.sales_signer_id else ""


class SignsForSales(Leadership):
    name = "sales_signer"
    label = _("Definitions of MQL and SQL, which they sign for sales")
    column = "sales_signer"

    def refuses(self, row: Any, to: int | None) -> str:
        return SIGNS_ALREADY if to is not None and to == row.marketing_signer_id else ""


class DecidesDisputes(Column):
    name = "disputes"
    label = _("Disputes they are to decide")
    position = 55
    model = Dispute
    column = "decider"
    takes = USER
    ways = TO_A_PERSON
    default = Way.MANAGER

    def rows(self, rep: Rep, at: datetime) -> QuerySet:
        return super().rows(rep, at).filter(state=Dispute.State.OPEN)

    def refuses(self, row: Any, to: int | None) -> str:
        sides = [row.claimant_id, row.holder_id]
        own = Rep.objects.filter(pk__in=[one for one in sides if one], user=to).exists()
        return "Nobody decides their own dispute." if own else ""


class AnswersForLeads(Column):
    """Leads that nobody owns and for which the person answers, through a queue or as a whole."""

    name = "answers_for"
    label = _("Leads without an owner that they answer for")
    position = 53
    model = Lead
    column = "responsible"
    takes = USER
    ways = TO_A_PERSON
    default = Way.MANAGER

    def rows(self, rep: Rep, at: datetime) -> QuerySet:
        rows = super().rows(rep, at).exclude(owner=rep)
        return rows.exclude(place=Lead.Place.CLOSED)

    def _locked(self, items: Sequence[OffboardingItem]) -> dict[int, Any]:
        rows = super()._locked(items)
        # Closed meanwhile, it needs nobody any more.
        return {pk: row for pk, row in rows.items() if row.place != Lead.Place.CLOSED}


class WantedInRequests(Column):
    name = "wanted_in"
    label = _("Requests that ask for them")
    position = 54
    model = ReassignmentRequest
    column = "wanted"
    default = Way.NOBODY
    ways = (Way.NOBODY, Way.SUCCESSOR)

    def rows(self, rep: Rep, at: datetime) -> QuerySet:
        return super().rows(rep, at).filter(state=PENDING)


class DecidesRequests(Column):
    name = "decides"
    label = _("Requests they are to decide")
    position = 55
    model = ReassignmentRequest
    column = "answers"
    takes = USER
    ways = TO_A_PERSON
    default = Way.MANAGER

    def rows(self, rep: Rep, at: datetime) -> QuerySet:
        return super().rows(rep, at).filter(state=PENDING)

    def refuses(self, row: Any, to: int | None) -> str:
        own = Rep.objects.filter(pk=row.requested_by_id, user=to).exists()
        return "Nobody decides their own request." if own else ""
