"""Who leaves the demo organisation, and who stands in for whom meanwhile."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from accounts.models import Account, AccountOwner, Cover
from accounts.services import covers
from reps import trail
from reps.models import Rep, User
from routing.offboarding import plan

LEAVER, SUCCESSOR = "callum", "bastian"
# Whose account an SDR works too, and who covers it for ten days.
OWNER, SDR, STAND_IN = "imogen", "rasmus", "henrike"


def make(reps: Mapping[str, Rep], *, by: User, at: datetime, reason: str) -> None:
    """One planned offboarding, an account with a whole team, and a cover that runs."""
    held = AccountOwner.objects.filter(rep=reps[OWNER], role=AccountOwner.Role.OWNER)
    account = Account.objects.get(pk=held.values("account")[:1])
    since = at.date() - timedelta(days=60)
    sdr = AccountOwner(account=account, rep=reps[SDR], role=AccountOwner.Role.SDR, starts_on=since)
    trail.save(sdr, by=by, at=at, reason=reason)
    covers.add(
        cover=Cover(
            account=account,
            rep=reps[OWNER],
            stand_in=reps[STAND_IN],
            starts_at=at - timedelta(days=2),
            ends_at=at + timedelta(days=8),
            reason="At a trade fair",
        ),
        by=by,
        at=at,
    )
    plan.make(
        rep=reps[LEAVER],
        successor=reps[SUCCESSOR],
        reason="Moves to another company",
        effective_at=at + timedelta(days=14),
        by=by,
        at=at,
    )
