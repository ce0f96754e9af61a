"""Set up who is asked outside, and how long leads wait for them."""

from datetime import datetime

from django.db import transaction

from reps import trail
from reps.models import User
from routing.models import Enquiry, EnrichmentProvider, Organisation, ProviderBreaker


@transaction.atomic
def save_provider(*, provider: EnrichmentProvider, by: User, at: datetime) -> EnrichmentProvider:
    """Save a provider; its breaker starts anew, for what was wrong may be mended."""
    made = provider.pk is None
    trail.save(provider, by=by, at=at, reason="created" if made else "edited")
    ProviderBreaker.objects.filter(pk=provider.pk).delete()
    ProviderBreaker.objects.create(provider=provider, changed_at=at)
    return provider


@transaction.atomic
def switch(*, provider: EnrichmentProvider, on: bool, by: User, at: datetime) -> None:
    """Ask a provider, or ask it no more; questions that wait are dropped when their turn comes."""
    row = EnrichmentProvider.objects.select_for_update(no_key=True).get(pk=provider.pk)
    if row.is_active != on:
        row.is_active = on
        trail.save(row, by=by, at=at, reason="switched on" if on else "switched off")


@transaction.atomic
def close_breaker(*, provider: EnrichmentProvider, by: User, at: datetime) -> int:
    """Ask a resting provider again at once; return how many questions were waiting for it."""
    ProviderBreaker.objects.filter(pk=provider.pk).update(
        state="CLOSED", failures=0, opens=0, until=None, changed_at=at
    )
    trail.note(provider, kind="breaker_closed", by=by, at=at, reason_code="breaker_closed")
    waiting = Enquiry.objects.filter(provider=provider, due_at__gt=at)
    return waiting.update(due_at=at)


@transaction.atomic
def change_waiting(
    *, deadline_ms: int, hot_ms: int, reroutes: bool, by: User, at: datetime
) -> Organisation:
    """Set how long leads, and hot ones, wait for outside data, and what late data may do."""
    row = Organisation.objects.select_for_update(no_key=True).get(pk=1)
    row.enrich_deadline, row.enrich_deadline_hot = deadline_ms, hot_ms
    row.enrich_reroutes = reroutes
    trail.save(row, by=by, at=at, reason="edited")
    return row
