"""Who hears of a dispute, through the outbox."""

from collections.abc import Iterable
from datetime import datetime

from reps.models import User
from reps.post import outbox
from routing.models import Dispute

OPENED, DECIDED = "dispute_opened", "dispute_decided"


def opened(dispute: Dispute, *, by: User, at: datetime) -> None:
    """Tell whoever holds it, whoever decides, and the claimant if another spoke for them."""
    _tell(dispute, OPENED, _people(dispute), by=by, at=at)


def decided(dispute: Dispute, *, by: User | None, at: datetime) -> None:
    """Tell both, and the decider and who opened it, what became of it."""
    _tell(dispute, DECIDED, _people(dispute), by=by, at=at)


def _people(dispute: Dispute) -> list[int]:
    holder = [dispute.holder.user_id] if dispute.holder else []
    return [dispute.claimant.user_id, *holder, dispute.decider_id, dispute.opened_by_id]


def _tell(
    dispute: Dispute, kind: str, users: Iterable[int], *, by: User | None, at: datetime
) -> None:
    about = f"routing.lead:{dispute.lead_id}" if dispute.lead_id else ""
    outbox.put(
        [
            outbox.Draft(
                key=f"{kind}-{dispute.pk}-{user}",
                kind=kind,
                to=user,
                payload={"dispute": dispute.pk},
                about=about or f"routing.dispute:{dispute.pk}",
            )
            for user in dict.fromkeys(users)
            if by is None or user != by.pk
        ],
        at=at,
    )
