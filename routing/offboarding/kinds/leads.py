"""Open leads: through `routing.ownership`, so that clocks, counters and custody follow."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reps.models import Rep
from routing import ownership
from routing.models import Assignment, Lead, OffboardingItem, Organisation, RepLoad
from routing.models.assignment import Reason
from routing.models.offboarding import Way
from routing.offboarding.kinds.market import backups_of, territory_owners
from routing.offboarding.registry import REP, Act, Found

State = OffboardingItem.State


class OpenLeads:
    """
    The leads that a rep holds. Clocks of the lead run on, clocks of the holder begin anew, as
    their policies say; whoever is full gets no more than fits, the rest is routed anew.
    """

    name: ClassVar[str] = "leads"
    label: ClassVar[str | Promise] = _("Open leads")
    position: ClassVar[int] = 10
    # Whom it waits for and who answers for it follow from its place.
    references: ClassVar[tuple[str, ...]] = ("routing.Lead.owner",)
    takes: ClassVar[str] = REP
    ways: ClassVar[tuple[str, ...]] = (
        Way.ANEW,
        Way.SUCCESSOR,
        Way.BACKUP,
        Way.TERRITORY,
        Way.POOL,
        Way.SPLIT,
    )
    default: ClassVar[str] = Way.ANEW
    otherwise: ClassVar[str] = Way.ANEW
    revops_only: ClassVar[bool] = False

    def find(self, rep: Rep, at: datetime) -> list[Found]:
        leads = list(Lead.objects.filter(owner=rep).select_related("account").order_by("pk"))
        accounts = {lead.account_id: lead.account for lead in leads if lead.account_id}
        backups = backups_of(set(accounts), at.date()) if accounts else {}
        territories = territory_owners(list(accounts.values())) if accounts else {}
        return [
            Found(
                lead.pk,
                f"{lead}, {lead.account}" if lead.account_id else f"{lead}",
                backup=backups.get(lead.account_id),
                territory=territories.get(lead.account_id),
            )
            for lead in leads
        ]

    def loads(self, reps: Sequence[int]) -> dict[int, int]:
        held = dict(RepLoad.objects.filter(rep__in=reps).values_list("rep_id", "open"))
        return {rep: held.get(rep, 0) for rep in reps}

    def move(self, items: Sequence[OffboardingItem], act: Act) -> None:
        leads = ownership.lock_leads([item.row_id for item in items])
        takers = sorted({item.to_rep_id for item in items} - {None})
        loads = ownership.lock_loads(sorted({act.rep.pk, *takers}))
        reps = {one.pk: one for one in Rep.objects.select_related("user").filter(pk__in=takers)}
        room = {pk: one.capacity - loads[pk].open for pk, one in reps.items() if one.is_active}
        given, anew = [], []
        for item in items:
            lead = leads.get(item.row_id)
            if lead is None or lead.owner_id != act.rep.pk:
                item.state = State.SKIPPED
            elif item.to_rep_id is None:
                anew.append(item)
            elif room.get(item.to_rep_id, 0) > 0:
                room[item.to_rep_id] -= 1
                given.append(item)
            else:
                item.note = f"{reps[item.to_rep_id]} is full or gone: routed anew."
                anew.append(item)
        anew += self._give(given, leads, act)
        queue = Organisation.get().intake_queue_id
        self._place(anew, leads, act, queue=queue)

    def _give(
        self, items: Sequence[OffboardingItem], leads: dict[int, Lead], act: Act
    ) -> list[OffboardingItem]:
        """Give each to its taker; return those that a limit of the taker does not let in."""
        try:
            with transaction.atomic():
                self._place(items, leads, act)
        except ownership.OwnershipRefused:
            return [item for item in items if not self._give_one(item, leads, act)]
        return []

    def _give_one(self, item: OffboardingItem, leads: dict[int, Lead], act: Act) -> bool:
        try:
            with transaction.atomic():
                self._place([item], leads, act)
        except ownership.OwnershipRefused as refused:
            item.note = f"{refused} Routed anew."[:200]
            return False
        return True

    def _place(
        self,
        items: Sequence[OffboardingItem],
        leads: dict[int, Lead],
        act: Act,
        *,
        queue: int | None = None,
    ) -> None:
        """Into the hands of each one's taker, or into the queue from which rules find somebody."""
        if not items:
            return
        moves = [
            ownership.Move(
                lead_id=item.row_id,
                epoch=leads[item.row_id].owner_epoch,
                place=Lead.Place.QUEUE if queue else Lead.Place.OWNER,
                rep_id=None if queue else item.to_rep_id,
                queue_id=queue,
                reason_code=Reason.LEAVER,
                reason=act.reason,
                also={"route_at": act.at if queue else None},
            )
            for item in items
        ]
        placed = ownership.change_many(
            moves,
            by=act.by,
            at=act.at,
            driver=act.driver,
            leads={item.row_id: leads[item.row_id] for item in items},
        )
        epochs = {one.lead.pk: one.assignment.epoch for one in placed}
        for item in items:
            item.state, item.before = State.DONE, {"owner": act.rep.pk}
            item.after = {"epoch": epochs[item.row_id], "anew": queue is not None}
            if queue:
                item.how, item.to_rep_id = Way.ANEW, None

    def restore(self, items: Sequence[OffboardingItem], act: Act) -> None:
        leads = ownership.lock_leads([item.row_id for item in items])
        since = self._since(items)
        holders = {lead.owner_id for lead in leads.values()} - {None}
        loads = ownership.lock_loads(sorted({act.rep.pk, *holders}))
        rep = Rep.objects.get(pk=act.rep.pk)
        room = rep.capacity - loads[rep.pk].open
        back = []
        for item in items:
            lead = leads.get(item.row_id)
            if lead is None or not _is_untouched(lead, item, since.get(item.row_id, [])):
                item.state, item.note = (
                    State.EXCEPTION,
                    "It has changed hands or been worked since.",
                )
            elif room <= 0:
                item.state, item.note = State.EXCEPTION, f"{act.rep} has no room for it."
            else:
                room -= 1
                back.append(item)
        for item in self._return(back, leads, act):
            item.state, item.note = State.EXCEPTION, f"A limit of {act.rep} leaves no room for it."

    def _return(
        self, items: Sequence[OffboardingItem], leads: dict[int, Lead], act: Act
    ) -> list[OffboardingItem]:
        """Put them back together, else one by one; return those that cannot go back."""
        try:
            with transaction.atomic():
                self._put_back(items, leads, act)
        except ownership.OwnershipRefused:
            left = []
            for item in items:
                try:
                    with transaction.atomic():
                        self._put_back([item], leads, act)
                except ownership.OwnershipRefused:
                    left.append(item)
            return left
        return []

    def _put_back(self, items: Sequence[OffboardingItem], leads: dict[int, Lead], act: Act) -> None:
        ownership.change_many(
            [
                ownership.Move(
                    lead_id=item.row_id,
                    epoch=leads[item.row_id].owner_epoch,
                    place=Lead.Place.OWNER,
                    rep_id=act.rep.pk,
                    reason_code=Reason.REJOINED,
                    reason=act.reason,
                )
                for item in items
            ],
            by=act.by,
            at=act.at,
            driver=act.driver,
            leads={item.row_id: leads[item.row_id] for item in items},
        )
        for item in items:
            item.state, item.note = State.RESTORED, ""

    def _since(self, items: Sequence[OffboardingItem]) -> dict[int, list[Assignment]]:
        """The custody of each lead since it was handed over, that one not included."""
        epochs = {item.row_id: item.after["epoch"] for item in items}
        found: dict[int, list[Assignment]] = {}
        for row in Assignment.objects.filter(lead__in=epochs).order_by("epoch"):
            if row.epoch > epochs[row.lead_id]:
                found.setdefault(row.lead_id, []).append(row)
        return found


def _is_untouched(lead: Lead, item: OffboardingItem, since: Sequence[Assignment]) -> bool:
    """
    Whether nobody has had a hand in it: neither moved nor worked by a person. What was routed
    anew may have found an owner, who has not answered yet.
    """
    if lead.place not in (Lead.Place.OWNER, Lead.Place.QUEUE) or lead.acknowledged_at is not None:
        return False
    if lead.owner_epoch == item.after["epoch"]:
        return True
    return item.after["anew"] and all(
        row.by_id is None and row.reason_code in (Reason.ROUTED, Reason.PARKED) for row in since
    )
